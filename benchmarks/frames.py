"""Plant faults in real pictures and count how often each gets its state: `python -m benchmarks.frames [--json]`.

The pictures are those of `../shared/data`: four cameras at a picture in two seconds, 21 at some an hour by day and night,
taken as if one a minute; beside them the demo city. In every round each camera of a shard has the same plant in a third
of its pictures, seeds fixed; a slot's truth is the planted state, `ok` where nothing was planted. Thresholds were set on
every other camera (`--cameras tuned`); what is told is measured on the rest (`--cameras aside`, the default).
"""

import argparse
import json
import time
import zlib
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa

from benchmarks.planted import PLANTS, Clip, Shot
from pipeline import feeds, frames, motion
from pipeline.feeds import demo
from pipeline.frames import pictures, views
from pipeline.scans import Scan
from pipeline.tables import CAMERAS, FRAME_STATES, SNAPSHOTS

BEGINS = datetime(2026, 5, 5, 12, tzinfo=UTC)
LENGTH, SHARD = 30, 3
"""Pictures of a camera in a window, and cameras in a shard, at least where there are so many."""
CADENCE_S = {"fdr": 2.0, "singapore": 60.0, "demo": 2.0}
DEMO = Scan("demo", "demo", "America/New_York", "EPSG:32618", hours="22:00-22:15", cadence_s=2.0)
Counts = Counter[tuple[str, str, str, str]]
"""Slots by source of the pictures, plant, state deserved and state given."""


def main() -> None:
    """Print a table, or JSON."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", action="store_true")
    options.add_argument("--shared", type=Path, default=Path("../shared/data"))
    options.add_argument("--cameras", choices=("aside", "tuned", "all"), default="aside")
    options.add_argument("--plant", action="append", help="only plants whose name begins so", default=[])
    chosen = options.parse_args()
    begun = time.perf_counter()
    plants = [name for name in PLANTS if name.startswith(tuple(chosen.plant) or "")]
    counts: Counts = Counter()
    for source in CADENCE_S:
        counts += _measured(source, chosen.shared, chosen.cameras, plants)
    told = (
        _told(counts)
        | {"turns": _turns(chosen.shared)}
        | {"cameras": chosen.cameras, "seconds": round(time.perf_counter() - begun)}
    )
    print(json.dumps(told, indent=1) if chosen.json else _table(told))


def _measured(source: str, shared: Path, cameras: str, plants: list[str]) -> Counts:
    """Count the states of one source's cameras under every plant."""
    counts: Counts = Counter()
    folders = _folders(source, shared)
    chosen = [
        name for n, name in enumerate(sorted(folders)) if cameras == "all" or (n % 2 == 0) == (cameras == "tuned")
    ]
    raws = {name: _read(source, folders[name]) for name in chosen}
    for number, plant in enumerate(plants):
        clips = {name: _clip(name, raws, number) for name in chosen}
        for part in np.array_split(np.array(chosen), max(1, len(chosen) // SHARD)):
            shard = {str(name): _planted(plant, clips[name]) for name in part}
            given = _given(shard, CADENCE_S[source])
            for name, shots in shard.items():
                for shot, state in zip(shots, given[name], strict=True):
                    if shot.state:
                        counts[source, plant, shot.state, state] += 1
    return counts


def _turns(shared: Path) -> dict[str, str]:
    """Hold the signs of a view against each other across an hour's end: of cameras that turned, and of all that did not."""
    told: dict[str, list[bool]] = {"none": []}
    for source in ("fdr", "singapore"):
        folders = _folders(source, shared)
        raws = {name: _read(source, where)[:: 20 if source == "fdr" else 1] for name, where in folders.items()}
        for number, name in enumerate(sorted(raws)):
            signs = [_signs(raw) for raw in raws[name]]
            told["none"] += [_turned(signs[at - 5 : at + 5]) for at in range(5, len(signs) - 5, 2)]
            for plant in (each for each in PLANTS if each.startswith("moved")):
                shots = _planted(plant, _clip(name, raws, number))
                at = next(n for n, shot in enumerate(shots) if shot.state == "moved")
                told.setdefault(plant, []).append(_turned([_signs(shot.jpeg) for shot in shots[at - 5 : at + 5]]))
    return {plant: f"{sum(found)} of {len(found)}" for plant, found in told.items()}


def _signs(raw: bytes) -> bytes:
    """Return the signs of a picture's view."""
    image = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR)
    return views.signature(views.view(pictures.gray(np.asarray(image, np.uint8))))


def _turned(signs: list[bytes]) -> bool:
    """Tell whether a camera is told to have turned in the middle of ten pictures, taken as at two hours' ends."""
    hours = np.repeat([0, motion.HOUR_US], 5) + np.arange(10)
    return bool(motion.turned(["a"] * 10, hours, signs))


def _folders(source: str, shared: Path) -> dict[str, Any]:
    """Name a source's cameras and where their pictures are."""
    if source == "demo":
        return {camera.native_id: camera for camera in feeds.load("demo").cameras(DEMO)}
    folder = shared / ("fdr/frames" if source == "fdr" else "singapore/images")
    return {path.name: path for path in folder.iterdir()}


def _read(source: str, where: Any) -> list[bytes]:
    """Read a camera's pictures in order of time."""
    if source != "demo":
        return [path.read_bytes() for path in sorted(where.iterdir())]
    feed, window = feeds.load("demo"), DEMO.windows(date(2026, 3, 3))[0]
    slots = feed.slots(DEMO, window, where.native_id)[:60]
    sound = [slot for slot in slots if not demo.fault(DEMO, where.native_id, slot)]
    return [raw for slot in sound if (raw := feed.picture(DEMO, where, slot).jpeg)]


def _clip(name: str, raws: dict[str, list[bytes]], number: int) -> Clip:
    """Cut some of a camera's pictures, others in every round, and some of the next camera's."""
    names = sorted(raws)
    other = raws[names[(names.index(name) + 1) % len(names)]]
    mine = _cut(raws[name], number)
    images = tuple(cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR) for raw in mine)
    beside = tuple(cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR) for raw in _cut(other, number + 1))
    return Clip(name, tuple(mine), images, beside)


def _cut(raws: list[bytes], number: int) -> list[bytes]:
    """Return LENGTH pictures running, or all where there are fewer."""
    start = number * 7 * LENGTH % max(len(raws) - LENGTH + 1, 1)
    return raws[start : start + LENGTH]


def _planted(plant: str, clip: Clip) -> list[Shot]:
    """Plant a fault, the same whenever it is planted there."""
    return PLANTS[plant](clip, np.random.default_rng(zlib.crc32(f"{plant} {clip.camera}".encode())))


def _given(shard: dict[str, list[Shot]], cadence_s: float) -> dict[str, list[str]]:
    """Inspect a shard of cameras and return the states given, by camera, in order of time."""
    rows = [
        {
            "camera_id": name,
            "slot_at": (slot := BEGINS + timedelta(seconds=cadence_s * n)),
            "fetched_at": slot,
            "captured_at": slot - timedelta(seconds=shot.late_s) if shot.told else None,
            "captured_at_source": "last_modified" if shot.told else "none",
            "status": "ok",
            "jpeg": shot.jpeg,
        }
        for name, shots in shard.items()
        for n, shot in enumerate(shots)
    ]
    listed = [_camera(name, cadence_s) for name in shard]
    made = frames.inspect(
        pa.Table.from_pylist(listed, CAMERAS.schema), pa.Table.from_pylist(rows, SNAPSHOTS.schema), frames.Settings()
    )
    given: dict[str, list[str]] = {name: [] for name in shard}
    for row in made.sort_by([("camera_id", "ascending"), ("slot_at", "ascending")]).to_pylist():
        given[row["camera_id"]].append(row["state"])
    return given


def _camera(name: str, cadence_s: float) -> dict[str, Any]:
    """Return a row of `cameras`; nothing but its cadence is looked at."""
    plain = {pa.string(): "", pa.float64(): 0.0, pa.float32(): 0.0, pa.bool_(): True}
    return {each.name: plain[each.type] for each in CAMERAS.schema} | {"camera_id": name, "cadence_s": cadence_s}


def _told(counts: Counts) -> dict[str, Any]:
    """Work out precision and recall by state, recall by plant, and who was taken for what."""
    taken: Counter[tuple[str, str]] = Counter()
    for (_, _, deserved, given), count in counts.items():
        taken[deserved, given] += count
    states = {state: _state(taken, state) for state in FRAME_STATES if any(state in pair for pair in taken)}
    plants: dict[str, dict[str, Any]] = {}
    for plant in dict.fromkeys(plant for _, plant, _, _ in counts):
        mine = {key[2:]: sum(n for k, n in counts.items() if k[1:] == key[1:]) for key in counts if key[1] == plant}
        wanted = {pair: n for pair, n in mine.items() if pair[0] != "ok"} or mine
        right = sum(n for (deserved, given), n in wanted.items() if deserved == given)
        wrong = {f"{deserved} taken for {given}": n for (deserved, given), n in mine.items() if deserved != given}
        plants[plant] = {"slots": sum(wanted.values()), "recall": right / sum(wanted.values()), "wrong": wrong}
    confusion = {
        f"{deserved} taken for {given}": n for (deserved, given), n in sorted(taken.items()) if deserved != given
    }
    return {"slots": sum(taken.values()), "states": states, "plants": plants, "confusion": confusion}


def _state(taken: Counter[tuple[str, str]], state: str) -> dict[str, Any]:
    """Work out one state's figures."""
    right = taken[state, state]
    given = sum(n for pair, n in taken.items() if pair[1] == state)
    deserved = sum(n for pair, n in taken.items() if pair[0] == state)
    precision, recall = right / given if given else None, right / deserved if deserved else None
    return {"deserved": deserved, "given": given, "right": right, "precision": precision, "recall": recall}


def _table(told: dict[str, Any]) -> str:
    """Lay the figures out for reading."""
    lines = [f"{told['slots']} slots, cameras: {told['cameras']}, {told['seconds']} s", ""]
    lines.append(f"{'state':14}{'deserved':>9}{'given':>9}{'precision':>11}{'recall':>9}")
    for state, row in told["states"].items():
        shares = [f"{row[name]:.4f}" if row[name] is not None else "-" for name in ("precision", "recall")]
        lines.append(f"{state:14}{row['deserved']:9}{row['given']:9}{shares[0]:>11}{shares[1]:>9}")
    lines += ["", f"{'plant':30}{'slots':>7}{'recall':>9}  taken wrongly"]
    for plant, row in told["plants"].items():
        wrong = ", ".join(f"{n} {name}" for name, n in row["wrong"].items())
        lines.append(f"{plant:30}{row['slots']:7}{row['recall']:9.4f}  {wrong}")
    lines += [
        "",
        "told to have turned between two hours: " + ", ".join(f"{n} {plant}" for plant, n in told["turns"].items()),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
