"""Render labelled pictures of the demo city: `python -m pipeline.training.renders --out DIR`."""

import argparse
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.feeds.demo.labels import VARIANTS, example, truth_boxes
from pipeline.scans import Scan

STEP_S = 2.0
TALLEST_FIRST_PX = 22.0
"""A vehicle is chosen where it is at least this high, so that its colour and shape can be seen."""
VEHICLES, VIEWS = 5, 3
"""Vehicles chosen in each fleet, and pictures of each, by different cameras where there are such."""


def render(out: Path, scan: Scan, fleets: int, seed: int = 1) -> None:
    """Render pictures of vehicles that several cameras see, each fleet with colours of its own.

    Writes `pictures/<fleet>-<camera>-<slot>.jpg` and `boxes.parquet` (path, camera, vehicle, label, box) into `out`;
    what is there already is kept, so that a broken run goes on.
    """
    (out / "parts").mkdir(parents=True, exist_ok=True)
    (out / "pictures").mkdir(exist_ok=True)
    passes = _passes(scan)
    for fleet in range(1, fleets + 1):
        part = out / "parts" / f"{fleet:04d}.parquet"
        if not part.exists():
            pq.write_table(pa.Table.from_pylist(_fleet(out, passes, fleet, seed)), part)
            print(f"fleet {fleet}/{fleets}", flush=True)
    parts = [pq.read_table(path) for path in sorted((out / "parts").glob("*.parquet"))]
    pq.write_table(pa.concat_tables(parts), out / "boxes.parquet")


def _passes(scan: Scan) -> dict[str, dict[str, list[int]]]:
    """List, for every vehicle and camera, the slots at which it is seen well."""
    boxes = truth_boxes(scan, date(2026, 1, 1))
    first = min(boxes["slot_at"].to_pylist())
    passes: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row in boxes.to_pylist():
        if row["y2_px"] - row["y1_px"] >= TALLEST_FIRST_PX and row["visible_share"] > 0.6:
            slot = int((row["slot_at"] - first).total_seconds() / STEP_S) % 600
            passes[row["vehicle_id"]][row["camera_id"].removeprefix("demo:")].append(slot)
    return passes


def _fleet(out: Path, passes: dict[str, dict[str, list[int]]], fleet: int, seed: int) -> list[dict[str, Any]]:
    """Render a few vehicles of one fleet, with all that are in the pictures."""
    rng = np.random.default_rng((seed, fleet))
    names = sorted(name for name, cameras in passes.items() if len(cameras) > 1)
    rows = []
    for name in rng.choice(names, VEHICLES, replace=False):
        for camera in rng.permutation(sorted(passes[name]))[:VIEWS]:
            slot = int(rng.choice(passes[name][camera]))
            # Few variants: a view of a camera costs a second to draw and is kept.
            look = VARIANTS * int(rng.integers(1, 6)) + int(rng.integers(VARIANTS)) // 2 * 2
            image, boxes, vehicles, labels = example(str(camera), slot, look, fleet)
            path = f"pictures/{fleet:04d}-{camera}-{slot:03d}.jpg"
            cv2.imwrite(str(out / path), image, [cv2.IMWRITE_JPEG_QUALITY, 92])
            rows += [
                {"path": path, "camera": str(camera), "vehicle": vehicle, "label": label}
                | dict(zip(("x1", "y1", "x2", "y2"), map(float, box), strict=True))
                for vehicle, label, box in zip(vehicles, labels, boxes, strict=True)
            ]
    return rows


def main() -> None:
    """Render into a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--fleets", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    scan = Scan("demo", "demo", "America/New_York", "EPSG:32618", hours="07:50-08:10", cadence_s=STEP_S)
    render(given.out, scan, given.fleets, given.seed)


if __name__ == "__main__":
    main()
