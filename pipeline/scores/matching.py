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


def _shares(a: Floats, b: Floats) -> Floats:
    """Return intersection over union of boxes row by row, (n,)."""
    inner = np.clip(np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2]), 0, None).prod(axis=1)
    outer = sum((c[:, 2:] - c[:, :2]).prod(axis=1) for c in (a, b)) - inner
    shares: Floats = np.divide(inner, outer, out=np.zeros_like(inner), where=outer > 0)
    return shares


def overlaps(truth: pa.Table, truth_frame: list[str], found: pa.Table, found_frame: list[str]) -> Overlaps:
    """Find every pair of boxes that touch in one frame."""
    names, frame = np.unique(np.array([*truth_frame, *found_frame], object), return_inverse=True)
    true_number, found_number = frame[: len(truth_frame)], frame[len(truth_frame) :]
    true_order, found_order = (np.argsort(each, kind="stable") for each in (true_number, found_number))
    number = true_number[true_order]
    edges = np.searchsorted(found_number[found_order], np.arange(len(names) + 1))
    # Each true box beside every found one of its frame.
    n = np.diff(edges)[number]
    t = np.repeat(true_order, n)
    f = found_order[np.arange(len(t)) + np.repeat(edges[number] - (np.cumsum(n) - n), n)]
    share = _shares(xyxy(truth)[t], xyxy(found)[f])
    touch = share > 0
    return Overlaps(np.repeat(number, n)[touch], t[touch], f[touch], share[touch])


def assign(pairs: Overlaps, weight: Floats) -> Ints:
    """Choose pairs one to one in each frame so that their weights sum highest; return their places, rising."""
    lone = (np.bincount(pairs.truth)[pairs.truth] == 1) & (np.bincount(pairs.found)[pairs.found] == 1)
    chosen = [np.flatnonzero(lone & (weight > 0))]
    rivals = np.flatnonzero(~lone)
    for part in pairs.where(~lone).frames():
        places = rivals[part]
        _, i = np.unique(pairs.truth[places], return_inverse=True)
        _, j = np.unique(pairs.found[places], return_inverse=True)
        gain = np.zeros((i.max() + 1, j.max() + 1))
        gain[i, j] = weight[places]
        picked = np.zeros(gain.shape, bool)
        picked[linear_sum_assignment(gain, maximize=True)] = True
        chosen.append(places[picked[i, j] & (weight[places] > 0)])
    return np.sort(np.concatenate(chosen))


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
