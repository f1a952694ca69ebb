"""Tell when each sighting was abreast of one place of its camera's road, however early or late it was first seen."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline import motion

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_FOLLOWED = 12
"""Vehicles that must have been followed in one heading before their speed is believed."""
FAR_S = 10.0
"""Nobody is moved in time by more, seconds."""
UNEVEN = 0.6
"""Spread of the vehicles' speeds, as a share of their median, above which nobody is moved in time."""
US = 1_000_000
CORNERS = ("x1_px", "y1_px", "x2_px", "y2_px")


def seconds(sightings: pa.Table, detections: pa.Table, camera: Ints, group: Ints) -> Floats:
    """Return for each sighting the time at which it was abreast of the middle of what its camera sees in its heading.

    One vehicle is first seen far off, the next only when near: its first and last picture tell where the camera stood in its
    rhythm rather than when the vehicle passed. The ground under the boxes (`motion.fit_ground`) and the usual speed of the
    vehicles followed in that heading bring all to one place.

    Args:
        sightings: n sightings.
        detections: Their boxes.
        camera: (n,) number of the camera.
        group: (n,) number of the camera and heading.

    Returns:
        (n,) seconds since 1970; the middle between first and last seen where boxes or a usual speed are missing.
    """
    entered, left = (sightings[name].cast(pa.int64()).to_numpy() / US for name in ("entered_at", "left_at"))
    out = (entered + left) / 2
    lists = sightings["detection_ids"].combine_chunks()
    found = pc.index_in(pc.list_flatten(lists), detections["detection_id"].combine_chunks())
    known = pc.is_valid(found)
    row, found = pc.filter(pc.list_parent_indices(lists), known).to_numpy(), pc.filter(found, known)
    boxes = np.column_stack([detections[name].take(found).to_numpy() for name in CORNERS]).astype(np.float64)
    at = detections["captured_at"].take(found).cast(pa.int64()).to_numpy() / US
    for here in _parted(camera[row]):
        place = _ground(boxes[here]).metres(boxes[here])
        for some in _parted(group[row[here]]):
            rows, moved = _abreast(row[here[some]], at[here[some]], place[some])
            out[rows] = np.clip(moved, out[rows] - FAR_S, out[rows] + FAR_S)
    return np.asarray(out)


def _parted(numbers: Ints) -> list[Ints]:
    """Return the rows that bear each number, in their order."""
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1) if len(order) else []


def _ground(boxes: Floats) -> motion.Ground:
    """Fit the ground of one camera; the picture is as large as its boxes reach."""
    return motion.fit_ground(boxes, float(boxes[:, 2].max()), float(boxes[:, 3].max()))


def _abreast(row: Ints, at: Floats, place: Floats) -> tuple[Ints, Floats]:
    """Return the sightings of one group and when each was abreast of its middle; none where there is no usual speed."""
    rows, first, count = np.unique(row, return_index=True, return_counts=True)
    last = first + count - 1
    steps, stay = place[last] - place[first], at[last] - at[first]
    followed = stay > 0
    if followed.sum() < LEAST_FOLLOWED:
        return rows[:0], at[:0]
    way = np.median(steps[followed] / stay[followed, None], axis=0)
    along = place @ (way / max(float(np.linalg.norm(way)), 1e-9))
    speed = (along[last] - along[first])[followed] / stay[followed]
    usual = float(np.median(speed))
    if not usual > 0 or float(np.median(np.abs(speed - usual))) > UNEVEN * usual:
        return rows[:0], at[:0]
    passed = at - (along - np.median(along)) / usual
    return rows, np.add.reduceat(passed, first) / count
