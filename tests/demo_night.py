"""Make a lake of the demo city without pictures: true boxes as a detector finds them, then the line's own stages."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline import countermeasures, showcase
from pipeline.cameras import survey
from pipeline.countermeasures import following, watched
from pipeline.feeds import demo as city
from pipeline.lake import Lake, Place
from pipeline.roads import chart
from pipeline.scans import Scan, bundled, load
from pipeline.stages import stage
from pipeline.synthetic import SCAN_DATE, Options
from pipeline.synthetic.night import Night
from pipeline.tables import DETECTIONS, FRAMES, frame_id

SETTINGS = "settings.toml"


@dataclass
class DemoNight(Night):
    """A night of the demo, committed stage by stage as the benchmark city's is."""

    scan: Scan = field(default_factory=lambda: load("demo", bundled()))

    def make(self) -> None:
        """Commit what cameras and the detector saw: one window."""
        (window,) = self.windows = self.scan.windows(SCAN_DATE)
        cameras, roads = survey(self.scan), chart(self.scan)
        frames = _frames(self.scan, window, cameras["camera_id"].to_pylist())
        truth = showcase.truth(self.scan, SCAN_DATE, frames)
        detections, owner = _detections(*truth.pass_numbers())
        toward = np.zeros(truth.passes().num_rows, np.int64)
        seen = watched.Watched(self.scan, window, cameras, roads, frames, detections, truth.passes(), owner, toward)
        size_px = _size_px(detections)
        nothing = countermeasures.Hindrance()
        made = {"cameras": cameras, "roads": roads, "frames": frames, "detections": detections}
        made["sightings"] = following._stage("sightings", made, seen)
        rng = np.random.default_rng(1)
        made["embeddings"] = following._embeddings(rng, seen, owner, size_px, nothing, 1)
        for name, rows in made.items():
            place = Place(name, SCAN_DATE) if stage(name).unit == "scan" else Place.of(name, window.hour_at)
            self._commit(place, rows)


def make(root: Path, hours: str, cadence_s: float) -> Path:
    """Make a lake of some minutes of the demo, with its settings file; returns its folder."""
    scan = replace(load("demo", bundled()), hours=hours, cadence_s=cadence_s)
    night = DemoNight(Options(), Lake(root, scan.name), scan=scan)
    night.make()
    night.judge()
    stated = f'hours = "{hours}"\ncadence_s = {cadence_s}\nexempt = "a simulated city: its vehicles are nobody\'s"\n'
    place = f'[scan.demo]\nfeed = "demo"\ntimezone = "{scan.timezone}"\nmetric_crs = "{scan.metric_crs}"\n'
    (root / SETTINGS).write_text(place + stated)
    return root


def _frames(scan: Scan, window: object, camera_ids: list[str]) -> pa.Table:
    """Plan every picture, and give it the state of the fault planted in it."""
    slots = [(id_, slot) for id_ in camera_ids for slot in city.FEED.slots(scan, window, id_.partition(":")[2])]
    rows = [_frame(id_, slot, city.fault(scan, id_.partition(":")[2], slot)) for id_, slot in slots]
    return FRAMES.check(pa.Table.from_pylist(rows, FRAMES.schema))


def _frame(camera_id: str, slot: datetime, wrong: object) -> dict[str, object]:
    came = wrong is None or wrong.kind != "missed"
    return {
        "frame_id": frame_id(camera_id, slot), "camera_id": camera_id, "slot_at": slot,
        "captured_at": slot if came else None, "captured_at_source": "render" if came else "none",
        "width_px": 352 * came, "height_px": 240 * came, "state": wrong.kind if wrong else "ok",
        "reason": f"planted: {wrong.kind}" if wrong else None,
    }  # fmt: skip


def _detections(boxes: pa.Table, number: np.ndarray) -> tuple[pa.Table, np.ndarray]:
    """Find true boxes as often, and as nearly, as the detector does."""
    rng = np.random.default_rng(0)
    kept = rng.random(len(number)) < 0.97
    boxes, number = boxes.filter(pa.array(kept)), number[kept]
    order = pc.sort_indices(boxes, [("camera_id", "ascending"), ("slot_at", "ascending")])
    boxes, number = boxes.take(order), number[order.to_numpy()]  # a table is checked in the order of its key
    frames = [frame_id(*key) for key in zip(boxes["camera_id"].to_pylist(), boxes["slot_at"].to_pylist(), strict=True)]
    seen, ids = {}, []
    for name in frames:
        seen[name] = seen.get(name, -1) + 1
        ids.append(f"{name}#{seen[name]:03d}")
    edges = {c: pc.add(boxes[c], pa.array(rng.normal(0, 0.7, len(ids)))) for c in ("x1_px", "y1_px", "x2_px", "y2_px")}
    rows = {
        "detection_id": ids, "frame_id": frames, "camera_id": boxes["camera_id"], "captured_at": boxes["slot_at"],
        "label": pa.array(["vehicle"] * len(ids)), "score": rng.beta(8, 3, len(ids)), **edges,
    }  # fmt: skip
    return DETECTIONS.check(pa.table(rows).cast(DETECTIONS.schema)), number


def _size_px(boxes: pa.Table) -> np.ndarray:
    wide, high = (pc.subtract(boxes[f"{axis}2_px"], boxes[f"{axis}1_px"]).to_numpy() for axis in "xy")
    return np.maximum(wide, high)
