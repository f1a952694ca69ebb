"""Hold what is known to be true: boxes with identities, the frames that were looked at, passes of vehicles."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import SchemaError
from pipeline.tables import TIME

BOXES = pa.schema(
    [
        pa.field("camera_id", pa.string(), nullable=False),
        pa.field("slot_at", TIME, nullable=False),
        pa.field("vehicle_id", pa.string()),
        pa.field("label", pa.string(), nullable=False),
        pa.field("x1_px", pa.float64(), nullable=False),
        pa.field("y1_px", pa.float64(), nullable=False),
        pa.field("x2_px", pa.float64(), nullable=False),
        pa.field("y2_px", pa.float64(), nullable=False),
        pa.field("direction", pa.string()),
        pa.field("ignore", pa.bool_(), nullable=False),
    ]
)
"""One true box in one frame. `vehicle_id` null: identity not told. `ignore`: a region in which nothing is scored."""

FRAMES = pa.schema([pa.field("camera_id", pa.string(), nullable=False), pa.field("slot_at", TIME, nullable=False)])
"""One frame in which every vehicle was labelled."""

PASSES = pa.schema(
    [
        pa.field("camera_id", pa.string(), nullable=False),
        pa.field("vehicle_id", pa.string(), nullable=False),
        pa.field("entered_at", TIME, nullable=False),
        pa.field("left_at", TIME, nullable=False),
        pa.field("heading", pa.string()),
    ]
)
"""One true vehicle passing one camera once."""

XYXY = ("x1_px", "y1_px", "x2_px", "y2_px")


@dataclass(frozen=True)
class Truth:
    """Labelled boxes and the frames they stand in."""

    boxes: pa.Table
    """BOXES, sorted by camera, time, vehicle and left edge; embeddings are scored row by row of it."""
    frames: pa.Table
    """FRAMES that were looked at, those without a vehicle too."""
    sparse: bool
    """Only some vehicles of these frames are labelled: what is not labelled is unknown, not wrong."""

    def passes(self, gap_s: float = 60.0) -> pa.Table:
        """Return PASSES: a vehicle's boxes at one camera, cut where it was away for longer than `gap_s` seconds."""
        raise NotImplementedError


@dataclass(frozen=True)
class Pairs:
    """Pairs of boxes that show the same vehicle or two that look alike."""

    boxes: pa.Table
    """BOXES in pairs: rows 2i and 2i + 1 belong together."""
    same: NDArray[np.bool_]
    """(n,) whether pair i is one vehicle."""


def truth(boxes: pa.Table, frames: pa.Table | None = None, *, sparse: bool = False) -> Truth:
    """Make a Truth of rows; `frames` defaults to those that hold a box."""
    raise NotImplementedError
