"""Compare ways to follow vehicles through frames of the demo city: the tracker library of clips and the flow of stills.

Two minutes of all its cameras are drawn ten times a second and looked at by the detector; every n-th picture is then all
there is. Also told: how far speeds by four points of the ground are off. `python -m benchmarks.clips --json`; two minutes.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline import cameras, detections, frames, scans, sightings, snapshots
from pipeline.feeds import demo
from pipeline.feeds.demo import city
from pipeline.scores import track_scores
from pipeline.scores.sighted import sighted
from pipeline.scores.truth import Truth

NIGHT = date(2026, 3, 2)
TENTHS = (1, 2, 3, 4, 5, 10, 20)
"""Tenths of a second between pictures."""


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    as_json = parser.parse_args().json
    tables = seen()
    found = {"cadences": [one for tenths in TENTHS for one in compared(*thinned(tables, tenths))]}
    found["speeds"] = [speeds(*thinned(tables, tenths)) | {"cadence_s": tenths / 10} for tenths in (1, 20)]
    if as_json:
        json.dump(found, sys.stdout, indent=1)
        return
    for each in [*found["cadences"], *found["speeds"]]:
        print(" ".join(f"{name} {value}" for name, value in each.items()))


def seen() -> tuple[pa.Table, pa.Table, pa.Table, pa.Table]:
    """Return cameras, frames, detections and the true boxes of two minutes, ten pictures a second."""
    scan = replace(scans.load("demo", scans.bundled()), hours="07:52-07:54", cadence_s=0.1)
    listed, window = cameras.survey(scan), scan.windows(NIGHT)[0]
    shown, boxes = [], []
    for number in range(listed.num_rows):
        one = listed.slice(number, 1)
        came = snapshots.fetch(one, scan, window)
        shown.append(frames.inspect(one, came, scan.settings("frames", frames.Settings)))
        boxes.append(detections.detect(shown[-1], came, scan.settings("detections", detections.Settings)))
    true = demo.truth_boxes(scan, NIGHT)
    true = true.filter(pc.is_null(true["fault"]))
    names = ["demo:" + name.rpartition(":")[2] for name in true["camera_id"].to_pylist()]
    true = true.set_column(0, "camera_id", pa.array(names))
    return listed, pa.concat_tables(shown), pa.concat_tables(boxes), true


def thinned(tables: tuple[pa.Table, ...], tenths: int) -> tuple[pa.Table, pa.Table, pa.Table, pa.Table]:
    """Keep every so many tenths of a second."""
    listed, shown, boxes, true = tables
    first = pc.min(shown["slot_at"]).cast(pa.int64()).as_py()

    def kept(rows: pa.Table, column: str) -> pa.Table:
        after = rows[column].cast(pa.int64()).to_numpy() - first
        return rows.filter(pa.array(after % (tenths * 100_000) == 0))

    return listed, kept(shown, "slot_at"), kept(boxes, "captured_at"), kept(true, "slot_at")


def compared(listed: pa.Table, shown: pa.Table, boxes: pa.Table, true: pa.Table) -> Iterator[dict[str, Any]]:
    """Score both ways on the same boxes."""
    gap_s = float(np.median(np.diff(np.unique(shown["slot_at"].cast(pa.int64()).to_numpy())))) / 1e6
    for way, below_s in (("library", np.inf), ("flow", 0.0)):
        begun = time.process_time()
        rows = sightings.track(listed, shown, boxes, sightings.Settings(clip_cadence_s=below_s))
        spent_s = time.process_time() - begun
        scored = track_scores(Truth.of(true), rows, boxes, shown)
        names = ("idf1", "hota", "switches", "link_recall", "link_precision", "purity", "found")
        told = {name: round(float(getattr(scored, name)), 4) for name in names}
        yield {"cadence_s": gap_s, "way": way, **told, "cpu_s": round(spent_s, 1), "frames": shown.num_rows}


def calibration() -> dict[str, list[list[float]]]:
    """Mark four points of the ground under every camera of the city."""
    marked = {}
    for name, station in city.STATIONS.items():
        lens = station.lens
        far = max(city.HEIGHT_PX / 2 - lens.focal_px * np.tan(np.radians(lens.pitch_deg)), 0.0) + 45
        px = np.array([[60.0, far], [290.0, far], [330.0, 230.0], [20.0, 230.0]])
        centred = (px - [city.WIDTH_PX / 2, city.HEIGHT_PX / 2]) / lens.focal_px
        rays = np.column_stack([centred, np.ones(4)]) @ lens.axes
        ground = lens.position[:2] - rays[:, :2] * (lens.height_m / rays[:, 2])[:, None]
        marked[name] = np.column_stack([px, city.lonlat(ground)]).tolist()
    return marked


def speeds(listed: pa.Table, shown: pa.Table, boxes: pa.Table, true: pa.Table) -> dict[str, Any]:
    """Hold the speeds of vehicles that were not mixed up against their mean true speed in the same pictures."""
    rows = sightings.track(listed, shown, boxes, sightings.Settings(calibration=calibration()))
    keys = zip(*(true[name].to_pylist() for name in ("camera_id", "slot_at", "vehicle_id")), strict=True)
    fast = dict(zip(keys, true["speed_mps"].to_pylist(), strict=True))
    judged = sighted(Truth.of(true), rows, boxes, shown, 8.0, 0.5)
    drove: dict[int, list[tuple[str, float]]] = {}
    for box, number in zip(judged.true.to_pylist(), judged.sighting_of()[1].tolist(), strict=True):
        if number >= 0:
            key = box["camera_id"], box["slot_at"], box["vehicle_id"]
            drove.setdefault(number, []).append((box["vehicle_id"], fast[key]))
    told, error = (judged.sightings[name].to_pylist() for name in ("speed_mps", "speed_error_mps"))
    one = [each for each, boxes_of in drove.items() if len(boxes_of) > 1 and len({name for name, _ in boxes_of}) == 1]
    known = [each for each in one if told[each] is not None]
    true_mps = np.array([np.mean([speed for _, speed in drove[each]]) for each in known])
    off = np.array([told[each] for each in known]) - true_mps
    within = np.abs(off) / np.array([error[each] for each in known])
    return {
        "vehicles": len(one), "told": len(known), "mean_mps": round(float(true_mps.mean()), 1), "bias_mps": round(float(off.mean()), 2),
        "median_error_mps": round(float(np.median(np.abs(off))), 2), "p90_error_mps": round(float(np.quantile(np.abs(off), 0.9)), 2),
        "within_one": round(float(np.mean(within < 1)), 2), "within_two": round(float(np.mean(within < 2)), 2),
    }  # fmt: skip


if __name__ == "__main__":
    main()
