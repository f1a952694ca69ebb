"""Link the tracks that another tracker made at single cameras: its text, its looks or pictures -> a lake with links.

What is given stands for the first tables of the line, up to sightings; all after them is made by the line's own stages.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline import clusters, runner, scores, upkeep
from pipeline.lake import Lake, Place
from pipeline.looks import look
from pipeline.scans import HOUR, Scan, Window
from pipeline.stages import STAGES
from pipeline.tracklets.given import tables
from pipeline.tracklets.scene import Scene, fingerprint

__all__ = ["SCAN", "Scene", "link", "scan_of", "settings", "write"]

SCAN = Scan("tracks", "archive", "UTC", "EPSG:3857", hours="00:00-24:00")
"""What the lake calls it; times begin at `Scene.starts_at`, by no clock of the world where none is given."""
UNPLACED = {"position_m": 300.0, "skipped": 1000}
"""Settings of transitions where no place is known: every camera may follow every other, hundreds of metres away."""
MOMENT = {"frames": "slot_at", "detections": "captured_at", "sightings": "entered_at"}


def link(scene: Scene, lake: Lake, told: Callable[[runner.Step], None] = lambda _: None) -> dict[str, int]:
    """Bring the tracks of a scene into a lake and link them; return the rows of each table.

    Raises:
        SchemaError: a file of the scene cannot be read as it must be; names file and line.
    """
    given = tables(scene)
    about: dict[str, Any] = {"scan_date": str(scene.starts_at.date()), "window": None, "inputs": {}, "settings": {}}
    made_from = about | {"given": fingerprint(scene)}
    windows = _windows(given["frames"], timedelta(seconds=1 / scene.frame_rate))
    with clusters.spread() as spread:
        night = runner.Night(scan_of(scene), scene.starts_at.date(), lake, spread, report=told)
        night.__dict__["windows"] = windows  # what was observed is what is given: no feed plans it
        for name in ("cameras", "roads"):
            _commit(lake, Place(name, night.scan_date), given[name], made_from)
        for window in windows:
            for name, rows in _within(given, window).items():
                _commit(lake, Place.of(name, window.hour_at), rows, made_from)
        made = [line for line in STAGES if line.unit in ("window", "night")]
        steps = [night.ensure(line, each) for line in made for each in (windows if line.unit == "window" else [None])]
    counted = {name: given[name].num_rows for name in ("cameras", "detections", "embeddings", "sightings")}
    names = ("transitions", "links", "trajectories")
    return counted | {name: sum(step.rows for step in steps if step.table == name) for name in names}


def scan_of(scene: Scene) -> Scan:
    """Return the scan that a scene is linked as."""
    return SCAN if scene.places else replace(SCAN, stages={"transitions": UNPLACED})


def settings(scene: Scene) -> str:
    """Return the scan as a settings file has it, for the commands that ask one."""
    scan = scan_of(scene)
    told = {name: getattr(scan, name) for name in ("feed", "timezone", "metric_crs", "hours")}
    lines = [f"[scan.{scan.name}]", *(f'{name} = "{value}"' for name, value in told.items())]
    for stage, chosen in scan.stages.items():
        lines += ["", f"[scan.{scan.name}.{stage}]", *(f"{name} = {value}" for name, value in chosen.items())]
    return "\n".join([*lines, ""])


def write(lake: Lake, scene: Scene, path: Path, purpose: str, now: datetime) -> int:
    """Write the tracks with identities across cameras, `camera id frame x y w h -1 -1`; return how many identities.

    Raises:
        PrivacyError: no purpose is stated: these are single vehicles.
    """
    look(lake, SCAN, "trajectories", purpose, now)
    night = {name: upkeep.night(lake, scene.starts_at.date(), name) for name in ("sightings", "trajectories")}
    boxes, frames = (upkeep.night(lake, scene.starts_at.date(), name) for name in ("detections", "frames"))
    seen = night["sightings"].sort_by("sighting_id")
    identity = scores.trajectory_identities(night["trajectories"], seen)
    identity = np.unique(identity, return_inverse=True)[1] + 1
    named = seen["detection_ids"].combine_chunks()
    owner = identity[pc.list_parent_indices(named).to_numpy()]
    of, number = dict(zip(named.flatten().to_pylist(), owner.tolist(), strict=True)), _numbers(frames)
    lines = sorted(_line(row, of[row["detection_id"]], number[row["frame_id"]]) for row in boxes.to_pylist())
    path.write_text("".join(f"{' '.join(map(str, line))}\n" for line in lines))
    return int(identity.max(initial=0))


def _windows(frames: pa.Table, frame: timedelta) -> list[Window]:
    """Return the UTC hours that hold a frame, cut to the first and the end of the last."""
    first, last = (pc.min_max(frames["slot_at"]).as_py()[name] for name in ("min", "max"))
    hour_at, windows = first.replace(minute=0, second=0, microsecond=0), []
    while hour_at <= last:
        windows.append(Window(hour_at, max(hour_at, first), min(hour_at + HOUR, last + frame)))
        hour_at += HOUR
    return windows


def _within(given: dict[str, pa.Table], window: Window) -> dict[str, pa.Table]:
    """Return the rows of one window; embeddings go with their detections."""
    found = {}
    for name, column in MOMENT.items():
        at = given[name][column]
        until = window.hour_at + HOUR
        found[name] = given[name].filter(pc.and_(pc.greater_equal(at, window.hour_at), pc.less(at, until)))
    looks, there = given["embeddings"], found["detections"]["detection_id"]
    return found | {"embeddings": looks.filter(pc.is_in(looks["detection_id"], there.combine_chunks()))}


def _commit(lake: Lake, place: Place, rows: pa.Table, made_from: dict[str, Any]) -> None:
    """Commit a given table, unless the same was given before."""
    last = lake.last(place)
    if last is None or last.lineage != made_from or lake.dropped(place):
        lake.commit(place, [lake.write(place, 0, rows)], made_from)


def _numbers(frames: pa.Table) -> dict[str, int]:
    """Return the number of each frame at its camera, from 1."""
    rows = frames.sort_by([("camera_id", "ascending"), ("slot_at", "ascending")])
    counted: dict[str, int] = {}
    numbers = {}
    for camera, frame in zip(rows["camera_id"].to_pylist(), rows["frame_id"].to_pylist(), strict=True):
        numbers[frame] = counted[camera] = counted.get(camera, 0) + 1
    return numbers


def _line(row: dict[str, Any], identity: int, number: int) -> tuple[Any, ...]:
    """Return what stands in one line of AI City text."""
    x1, y1, x2, y2 = (row[name] for name in ("x1_px", "y1_px", "x2_px", "y2_px"))
    box = (round(each, 2) for each in (x1, y1, x2 - x1, y2 - y1))
    return row["camera_id"].partition(":")[2], identity, number, *box, -1, -1
