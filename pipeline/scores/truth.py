"""Hold what is known to be true: boxes with identities, the frames that were looked at, passes of vehicles."""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
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

    @classmethod
    def of(cls, boxes: pa.Table, frames: pa.Table | None = None, *, sparse: bool = False) -> "Truth":
        """Make a Truth of rows of our own form.

        Args:
            boxes: camera_id, slot_at (or captured_at), vehicle_id, x1_px .. y2_px; label, direction and ignore optional.
            frames: camera_id, slot_at of every frame looked at; None takes those that hold a box.
            sparse: Only some vehicles are labelled.

        Raises:
            SchemaError: a column is missing or of another type, or a box has no height or width.
        """
        boxes = _checked(_filled(boxes))
        if frames is None:
            frames = boxes
        frames = frames.select(FRAMES.names).group_by(FRAMES.names).aggregate([]).select(FRAMES.names)
        return cls(boxes, frames.sort_by([(n, "ascending") for n in FRAMES.names]).cast(FRAMES), sparse)

    def some(self) -> "Truth":
        """Return the same labels of which is known that they are those of some vehicles alone."""
        return Truth(self.boxes, self.frames, sparse=True)

    def passes(self, gap_s: float = 60.0, least_height_px: float = 0.0) -> pa.Table:
        """Return PASSES: a vehicle's boxes at one camera, cut where it was away for longer than `gap_s` seconds.

        Boxes to be ignored, those lower than `least_height_px` and those without identity are left out.
        """
        rows, numbers = self.pass_numbers(gap_s, least_height_px)
        if not rows.num_rows:
            return PASSES.empty_table()
        grouped = (
            rows.append_column("pass", pa.array(numbers))
            .group_by("pass")
            .aggregate(
                [
                    ("camera_id", "min"),
                    ("vehicle_id", "min"),
                    ("slot_at", "min"),
                    ("slot_at", "max"),
                    ("direction", "max"),
                ]
            )
        )
        names = ["camera_id_min", "vehicle_id_min", "slot_at_min", "slot_at_max", "direction_max"]
        return grouped.sort_by("pass").select(names).rename_columns(PASSES.names).cast(PASSES)

    def pass_numbers(self, gap_s: float = 60.0, least_height_px: float = 0.0) -> tuple[pa.Table, NDArray[np.int64]]:
        """Return the boxes with an identity, by vehicle, camera and time, and the number of each one's pass."""
        height = pc.subtract(self.boxes["y2_px"], self.boxes["y1_px"])
        keep = pc.and_(pc.invert(self.boxes["ignore"]), pc.greater_equal(height, least_height_px))
        rows = self.boxes.filter(pc.and_(keep, pc.is_valid(self.boxes["vehicle_id"])))
        rows = rows.sort_by([(n, "ascending") for n in ("vehicle_id", "camera_id", "slot_at", "x1_px")])
        at = rows["slot_at"].cast(pa.int64()).to_numpy() / 1e6
        vehicle, camera = (rows[n].to_numpy(zero_copy_only=False) for n in ("vehicle_id", "camera_id"))
        new = (vehicle[1:] != vehicle[:-1]) | (camera[1:] != camera[:-1]) | (np.diff(at) > gap_s)
        return rows, np.concatenate([np.zeros(min(1, len(at)), np.int64), np.cumsum(new, dtype=np.int64)])

    def planned(self, frames: pa.Table | None, tolerance_s: float = 0.5) -> "Truth":
        """Return the part of the truth in frames that were planned, at their planned times.

        Args:
            frames: `frames` rows; None keeps everything.
            tolerance_s: A labelled frame is the nearest planned one of its camera within this many seconds.

        Raises:
            SchemaError: none of the labelled frames was planned.
        """
        if frames is None:
            return self
        slots = _nearest(self.frames, frames, tolerance_s)
        if self.frames.num_rows and not slots:
            first = self.frames.slice(0, 1).to_pylist()[0]
            raise SchemaError(
                f"truth: none of {self.frames.num_rows} labelled frames (first {first['camera_id']} at "
                f"{first['slot_at']:%Y-%m-%dT%H:%M:%SZ}) was observed; check its timezone, its camera names and the date"
            )
        return Truth(_moved(self.boxes, slots), _moved(self.frames, slots), self.sparse)


@dataclass(frozen=True)
class Pairs:
    """Pairs of boxes that show the same vehicle or two that look alike."""

    boxes: pa.Table
    """BOXES in pairs: rows 2i and 2i + 1 belong together."""
    same: NDArray[np.bool_]
    """(n,) whether pair i is one vehicle."""


def _filled(boxes: pa.Table) -> pa.Table:
    """Add the optional columns of BOXES and take `captured_at` for `slot_at`."""
    if "slot_at" not in boxes.column_names and "captured_at" in boxes.column_names:
        boxes = boxes.append_column("slot_at", boxes["captured_at"])
    n = boxes.num_rows
    for name, values in (("label", ["vehicle"] * n), ("direction", [None] * n), ("ignore", [False] * n)):
        if name not in boxes.column_names:
            boxes = boxes.append_column(name, pa.array(values, BOXES.field(name).type))
    return boxes


def _checked(boxes: pa.Table) -> pa.Table:
    """Cast to BOXES, sort, and refuse boxes without height or width."""
    if missing := [name for name in BOXES.names if name not in boxes.column_names]:
        raise SchemaError(f"truth: columns missing {missing}, found {boxes.column_names}; name them as BOXES does")
    try:
        boxes = boxes.select(BOXES.names).cast(BOXES)
    except (pa.ArrowNotImplementedError, ValueError) as error:
        raise SchemaError(f"truth: {error}; give the types of BOXES") from error
    boxes = boxes.sort_by([(n, "ascending") for n in ("camera_id", "slot_at", "vehicle_id", "x1_px", "y1_px", "x2_px")])
    x1, y1, x2, y2 = (boxes[name].to_numpy() for name in XYXY)
    if not (np.isfinite(x1 + y1 + x2 + y2) & (x2 > x1) & (y2 > y1)).all():
        bad = boxes.filter(~(np.isfinite(x1 + y1 + x2 + y2) & (x2 > x1) & (y2 > y1))).slice(0, 1).to_pylist()[0]
        raise SchemaError(
            f"truth: box {[bad[n] for n in XYXY]} of {bad['camera_id']} has no area; mend or drop the row"
        )
    return boxes


def _nearest(labelled: pa.Table, planned: pa.Table, tolerance_s: float) -> dict[tuple[str, datetime], datetime]:
    """Return the planned time of each labelled (camera_id, time) that has one near enough and is the nearest to it.

    A truth may count frames faster than they were planned: one planned frame is one labelled frame, never ten.
    """
    times: dict[str, list[datetime]] = {}
    for row in planned.select(FRAMES.names).to_pylist():
        times.setdefault(row["camera_id"], []).append(row["slot_at"])
    for known in times.values():
        known.sort()
    taken: dict[tuple[str, datetime], datetime] = {}
    for camera, at in sorted((row["camera_id"], row["slot_at"]) for row in labelled.to_pylist()):
        known = times.get(camera, [])
        place = bisect_left(known, at)
        near = min(known[max(0, place - 1) : place + 1], key=lambda slot: abs(slot - at), default=None)
        if near is not None and abs(near - at) <= timedelta(seconds=tolerance_s):
            rival = taken.get((camera, near))
            if rival is None or abs(near - at) < abs(near - rival):
                taken[camera, near] = at
    return {(camera, at): near for (camera, near), at in taken.items()}


def _moved(rows: pa.Table, slots: dict[tuple[str, datetime], datetime]) -> pa.Table:
    """Keep the rows whose frame has a planned time, and give them that."""
    new = [slots.get(key) for key in zip(rows["camera_id"].to_pylist(), rows["slot_at"].to_pylist(), strict=True)]
    place = rows.schema.get_field_index("slot_at")
    rows = rows.filter(pa.array([slot is not None for slot in new], pa.bool_()))
    return rows.set_column(place, rows.schema.field(place), pa.array([slot for slot in new if slot is not None], TIME))
