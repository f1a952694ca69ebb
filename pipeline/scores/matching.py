"""Match true boxes with found boxes, frame by frame."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from pipeline.scores.truth import XYXY
from pipeline.tables import frame_id

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Overlaps:
    """Every pair of a true and a found box that touch in one frame, frame after frame."""

    frame: Ints
    """(n,) number of the frame, rising in the order of frame ids."""
    truth: Ints
    """(n,) row of the true box."""
    found: Ints
    """(n,) row of the found box."""
    iou: Floats
    """(n,) intersection over union, above 0."""

    def frames(self) -> Iterator[slice]:
        """Yield the rows of each frame."""
        edges = [0, *(np.flatnonzero(np.diff(self.frame)) + 1).tolist(), len(self.frame)]
        return (slice(a, b) for a, b in pairwise(edges) if b > a)

    def where(self, keep: NDArray[np.bool_]) -> "Overlaps":
        """Return some of the pairs."""
        return Overlaps(self.frame[keep], self.truth[keep], self.found[keep], self.iou[keep])


def xyxy(rows: pa.Table) -> Floats:
    """Return the boxes of a table, (n, 4)."""
    return np.column_stack([rows[name].to_numpy().astype(np.float64) for name in XYXY])


def height(rows: pa.Table) -> Floats:
    """Return the heights of the boxes of a table, (n,) pixels."""
    boxes = xyxy(rows)
    return boxes[:, 3] - boxes[:, 1]


def frame_ids(rows: pa.Table) -> list[str]:
    """Name the frame of each (camera_id, slot_at), as `frames.frame_id` does."""
    return [frame_id(*key) for key in zip(rows["camera_id"].to_pylist(), rows["slot_at"].to_pylist(), strict=True)]


def iou(a: Floats, b: Floats, *, over_a: bool = False) -> Floats:
    """Return intersection over union of boxes, (len(a), len(b)); with `over_a` intersection over a's own area."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    inner: Floats = np.clip(high - low, 0, None).prod(axis=2)
    area_a, area_b = ((c[:, 2:] - c[:, :2]).prod(axis=1) for c in (a, b))
    outer = area_a[:, None] + (0.0 if over_a else area_b[None, :] - inner)
    shares: Floats = np.divide(inner, outer, out=np.zeros_like(inner), where=outer > 0)
    return shares


def overlaps(truth: pa.Table, truth_frame: list[str], found: pa.Table, found_frame: list[str]) -> Overlaps:
    """Find every pair of boxes that touch in one frame."""
    true_boxes, found_boxes = xyxy(truth), xyxy(found)
    true_rows, found_rows = rows_by(truth_frame), rows_by(found_frame)
    parts: list[tuple[Ints, Ints, Ints, Floats]] = []
    for number, name in enumerate(sorted(true_rows.keys() & found_rows.keys())):
        t, f = true_rows[name], found_rows[name]
        share = iou(true_boxes[t], found_boxes[f])
        i, j = np.nonzero(share)
        parts.append((np.full(len(i), number), t[i], f[j], share[i, j]))
    if not parts:
        none = np.zeros(0, np.int64)
        return Overlaps(none, none, none, np.zeros(0))
    frame, t, f, shares = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Overlaps(frame, t, f, shares)


def assign(pairs: Overlaps, weight: Floats) -> Ints:
    """Choose pairs one to one in each frame so that their weights sum highest; return their places, rising."""
    chosen: list[Ints] = []
    for part in pairs.frames():
        _, i = np.unique(pairs.truth[part], return_inverse=True)
        _, j = np.unique(pairs.found[part], return_inverse=True)
        place = np.full((i.max() + 1, j.max() + 1), -1)
        place[i, j] = np.arange(part.start, part.stop)
        gain = np.where(place >= 0, weight[place], 0.0)
        rows, columns = linear_sum_assignment(gain, maximize=True)
        picked = place[rows, columns]
        chosen.append(np.sort(picked[(picked >= 0) & (gain[rows, columns] > 0)]))
    return np.concatenate(chosen) if chosen else np.zeros(0, np.int64)


def match(pairs: Overlaps, least: float) -> Overlaps:
    """Return the pairs of the best one-to-one match of each frame among those that overlap by `least` or more."""
    near = pairs.where(pairs.iou >= least)
    # First as many pairs as possible, then the closest, as the evaluators of MOTChallenge do.
    return near.where(np.isin(np.arange(len(near.iou)), assign(near, 1e3 + near.iou)))


def rows_by(names: list[str]) -> dict[str, Ints]:
    """Return the rows of each name."""
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        rows.setdefault(name, []).append(row)
    return {name: np.array(numbers, np.int64) for name, numbers in rows.items()}
