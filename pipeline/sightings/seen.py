"""Gather all that one camera showed in a window: frames, detections -> what is to be joined into sightings."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline import motion
from pipeline.motion import Floats, Ints
from pipeline.sightings.flow import Scene


@dataclass(frozen=True)
class Seen(Scene):
    """All a camera saw in one window, in order of time."""

    ids: list[str]
    scores: Floats
    labels: list[str]
    times: Ints
    """Microseconds, of each detection."""


@dataclass(frozen=True)
class Followed:
    """What one camera's detections were joined into."""

    seen: Seen
    """With the ground as it was found out on the way."""
    paths: list[Ints]
    """The detections of each sighting in order of time, by first detection; each detection is in one."""
    sureness: Floats
    """Of each detection, the probability of its link to the one before it in its path; 1 for the first."""
    still: Ints
    """Number of the standing vehicle of each detection, or -1."""


def gather(frames: pa.Table, detections: pa.Table, camera_id: str) -> Seen:
    """Gather one camera's frames and detections in order of time."""
    mine = detections.filter(pc.equal(detections["camera_id"], camera_id))
    mine = mine.sort_by([("captured_at", "ascending"), ("detection_id", "ascending")])
    usable = frames.filter(pc.and_(pc.equal(frames["camera_id"], camera_id), pc.equal(frames["state"], "ok")))
    shown = pc.coalesce(usable["captured_at"], usable["slot_at"]).cast(pa.int64()).to_numpy()
    times = mine["captured_at"].cast(pa.int64()).to_numpy()
    moments, frame = np.unique(np.concatenate([times, shown]), return_inverse=True)
    names = ("x1_px", "y1_px", "x2_px", "y2_px")
    boxes = np.column_stack([mine[name].to_numpy().astype(float) for name in names])
    width = float(max(usable["width_px"].to_pylist(), default=0) or boxes[:, 2].max())
    height = float(max(usable["height_px"].to_pylist(), default=0) or boxes[:, 3].max())
    return Seen(
        boxes, frame[: len(times)], motion.steady_seconds((moments - moments[0]) / 1e6),
        motion.fit_ground(boxes, width, height), mine["detection_id"].to_pylist(),
        mine["score"].to_numpy().astype(float), mine["label"].to_pylist(), times,
    )  # fmt: skip
