"""Find when a camera's frames were taken, the ground that its boxes stand on and whether it turned, from its own pictures."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

VEHICLE_M = 2.0
"""Root of the area of a typical vehicle's box, metres; makes pixels into rough metres."""
OTHER_VIEW = 0.33
"""Signatures of views that differ in a larger share of signs are of different views: their likeness is below 0.51."""
HOUR_US, ENDS, LEAST = 3_600_000_000, 5, 3
"""An hour, the sightings at its ends that tell what its camera looked at, and how many it needs: one is its vehicle's too."""
FOCAL_WIDTHS = 1.2
"""Focal length of a typical traffic camera in picture widths."""


def steady_seconds(seconds: Floats) -> Floats:
    """Undo the rounding of whole-second frame times that came at a steady cadence.

    Args:
        seconds: Increasing frame times, seconds, shape (n,).

    Returns:
        Times of the same shape. Where all are whole seconds, each is moved within its own second onto the straight
        line through its 41 neighbours by frame number; any other times come back as they are.
    """
    gaps = np.diff(seconds)
    if len(seconds) < 8 or np.any(seconds != np.floor(seconds)):
        return seconds
    period = float(np.mean(gaps[gaps <= 1.5 * np.median(gaps)]))
    number = np.concatenate([[0.0], np.cumsum(np.maximum(1.0, np.round(gaps / period)))])
    fitted = _line_through_neighbours(number, seconds, 20)
    return np.clip(fitted + 0.5, seconds, seconds + 0.999) - 0.5


@dataclass(frozen=True)
class Ground:
    """The ground plane of one camera, from how boxes grow down the picture."""

    horizon_px: float
    """Row at which a vehicle would have no size."""
    growth: float
    """Root of box area per pixel below the horizon."""
    width_px: float
    """Width of the picture."""
    height_px: float
    """Height of the picture."""
    vanish_px: float
    """Column at which the roads meet the horizon."""

    def size_px(self, foot_px: Floats) -> Floats:
        """Return the usual root of box area at picture rows `foot_px`, pixels."""
        return np.asarray(self.growth * np.maximum(foot_px - self.horizon_px, 2.0))

    def metres(self, boxes: Floats) -> Floats:
        """Return where boxes (n, 4) stand: metres right of and metres along the road, rough scale, shape (n, 2)."""
        per_px = VEHICLE_M / self.size_px(boxes[:, 3])
        side = ((boxes[:, 0] + boxes[:, 2]) / 2 - self.vanish_px) * per_px
        return np.column_stack([side, FOCAL_WIDTHS * self.width_px * per_px])

    def blur_m(self, boxes: Floats, edge_px: float) -> Floats:
        """Return the error in metres, aside and ahead, that `edge_px` of error of a box's edges makes, (n, 2)."""
        per_px = VEHICLE_M / self.size_px(boxes[:, 3])
        below = np.maximum(boxes[:, 3] - self.horizon_px, 2.0)
        return np.column_stack([per_px, FOCAL_WIDTHS * self.width_px * per_px / below]) * edge_px

    def cut(self, boxes: Floats) -> NDArray[np.bool_]:
        """Tell which boxes (n, 4) the picture's edge cuts."""
        left, right, low = boxes[:, 0] < 2, boxes[:, 2] > self.width_px - 3, boxes[:, 3] > self.height_px - 3
        return np.asarray(left | right | low)


def fit_ground(boxes: Floats, width_px: float, height_px: float) -> Ground:
    """Fit the horizon and the growth of boxes below it.

    Args:
        boxes: xyxy pixels, shape (n, 4).
        width_px: Width of the picture.
        height_px: Height of the picture.

    Returns:
        The ground whose sizes have the least mean absolute logarithmic error over distinct uncut boxes; with few
        boxes it leans towards a horizon a seventh of the height above the highest foot.
    """
    whole = Ground(0.0, 1.0, width_px, height_px, width_px / 2)
    kept = boxes[~whole.cut(boxes)] if len(boxes) else boxes
    kept = boxes if len(kept) < 3 else kept
    kept = kept[np.unique(np.round(kept / 4), axis=0, return_index=True)[1]]
    if not len(kept):
        return Ground(height_px / 4, 0.4, width_px, height_px, width_px / 2)
    size, foot = np.log(root_area(kept)), kept[:, 3]
    above = np.geomspace(3.0, 4 * height_px, 90)
    highest = float(np.quantile(foot, 0.02))
    error = size - np.log(np.maximum(foot - (highest - above[:, None]), 2.0))
    level = np.median(error, axis=1)
    loss = np.abs(error - level[:, None]).mean(axis=1) + 0.5 / len(kept) * np.log(above / (height_px / 7)) ** 2
    best = int(np.argmin(loss))
    return replace(whole, horizon_px=highest - float(above[best]), growth=float(np.exp(level[best])))


def are_other_views(first: Sequence[bytes | None], second: Sequence[bytes | None]) -> NDArray[np.bool_]:
    """Tell which pairs of `view` signatures show different views; False where one is not known, (n,)."""
    return np.array([_apart(one, other) > OTHER_VIEW for one, other in zip(first, second, strict=True)], dtype=bool)


def turned(camera_ids: Sequence[str], entered_us: Ints, views: Sequence[bytes | None]) -> set[str]:
    """Name the cameras that look elsewhere in one hour than in the one before.

    What was last seen in an hour is compared with what is first seen in the next: light changes slowly, a camera at once.

    Args:
        camera_ids: Camera of each sighting.
        entered_us: When each began, microseconds since 1970.
        views: Signature of what its camera showed then.
    """
    by_camera: dict[str, dict[int, list[bytes]]] = {}
    for row in np.argsort(entered_us, kind="stable"):
        if view := views[row]:
            by_camera.setdefault(camera_ids[row], {}).setdefault(int(entered_us[row] // HOUR_US), []).append(view)
    found = set()
    for camera_id, hours in by_camera.items():
        seen = [shown for shown in hours.values() if len(shown) >= LEAST]
        if any(_apart(_usual(before[-ENDS:]), _usual(after[:ENDS])) > OTHER_VIEW for before, after in pairwise(seen)):
            found.add(camera_id)
    return found


def overlap(first: Floats, second: Floats) -> Floats:
    """Return intersection over union of box pairs (n, 4)."""
    low, high = np.maximum(first[:, :2], second[:, :2]), np.minimum(first[:, 2:], second[:, 2:])
    shared = np.prod(np.maximum(high - low, 0.0), axis=1)
    return np.asarray(shared / (root_area(first) ** 2 + root_area(second) ** 2 - shared))


def root_area(boxes: Floats) -> Floats:
    """Return the root of the area of boxes (n, 4), at least a pixel."""
    return np.asarray(np.sqrt(np.maximum(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), 1.0)))


def _apart(one: bytes | None, other: bytes | None) -> float:
    """Return the share of signs in which two signatures differ; 0 where one is not known."""
    if one is None or other is None:
        return 0.0
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count() / (8 * len(one))


def _usual(views: list[bytes]) -> bytes:
    """Return the sign that most of some signatures have, sign by sign."""
    signs = np.unpackbits(np.frombuffer(b"".join(views), np.uint8).reshape(len(views), -1), axis=1)
    return np.packbits(2 * signs.sum(axis=0) > len(views)).tobytes()


def _line_through_neighbours(x: Floats, y: Floats, reach: int) -> Floats:
    """Fit at each point the least-squares line through it and up to `reach` points on either side."""
    index = np.arange(len(x))
    low, high = np.maximum(index - reach, 0), np.minimum(index + reach + 1, len(x))
    x0, y0 = x - x.mean(), y - y.mean()

    def total(values: Floats) -> Any:
        running = np.concatenate([[0.0], np.cumsum(values)])
        return running[high] - running[low]

    n, sx, sy, sxx, sxy = (high - low).astype(float), total(x0), total(y0), total(x0 * x0), total(x0 * y0)
    slope = (n * sxy - sx * sy) / np.maximum(n * sxx - sx * sx, 1e-9)
    return np.asarray(y.mean() + sy / n + slope * (x0 - sx / n))
