"""Match detections with true boxes and average precision over recall, as COCO does."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.scores.matching import Floats, Ints, frame_ids, iou, rows_by, xyxy

IOUS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
RECALLS = np.linspace(0, 1, 101)
MOST_DETECTIONS = 100
"""Detections of a frame beyond the best hundred are not looked at."""

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Matched:
    """The detections of all frames by falling score, matched at one overlap."""

    row: Ints
    """(n,) row in the detections."""
    score: Floats
    """(n,) falling."""
    truth: Ints
    """(n,) row of the matched true box; -1 without."""
    counts: Bools
    """(n,) false where the matched true box is to be ignored, or where a small detection matched none."""

    @property
    def right(self) -> Bools:
        """Whether each found a vehicle that counts."""
        return (self.truth >= 0) & self.counts


def match_levels(
    boxes: pa.Table, ignored: Bools, detections: pa.Table, small: Bools, ious: tuple[float, ...]
) -> dict[float, Matched]:
    """Match at each overlap: by falling score, each detection takes its best free box.

    Args:
        boxes: truth.BOXES; those with `ignore` are regions, which take any number of detections, by share of the detection.
        ignored: (len(boxes),) boxes that take a detection only when no other box is left, and do not count.
        detections: `detections` rows.
        small: (len(detections),) detections that do not count when they find no box.
        ious: Least overlaps.

    Source: pycocotools 2.0, COCOeval.evaluateImg.
    """
    region = boxes["ignore"].to_numpy(zero_copy_only=False).astype(bool)
    true_rows, true_boxes, found_boxes = rows_by(frame_ids(boxes)), xyxy(boxes), xyxy(detections)
    score = detections["score"].to_numpy().astype(np.float64)
    taken = np.full((len(ious), len(score)), -1)
    looked_at = np.zeros(len(score), bool)
    for name, rows in rows_by(detections["frame_id"].to_pylist()).items():
        i = rows[np.argsort(-score[rows], kind="stable")][:MOST_DETECTIONS]
        looked_at[i] = True
        j = true_rows.get(name, np.zeros(0, np.int64))
        own, union = (iou(found_boxes[i], true_boxes[j], over_a=flag) for flag in (True, False))
        share = np.where(region[j], own, union)
        for level, least in enumerate(ious):
            places = _greedy(share, ignored[j], region[j], least)
            taken[level, i[places >= 0]] = j[places[places >= 0]]
    order = np.lexsort((detections["detection_id"].to_numpy(zero_copy_only=False), -score))
    order = order[looked_at[order]]
    matched = {least: t[order] for least, t in zip(ious, taken, strict=True)}
    return {
        least: Matched(
            order, score[order], t, np.where(t < 0, ~small[order], ~ignored[t]) if len(ignored) else ~small[order]
        )
        for least, t in matched.items()
    }


def average_precision(matched: Matched, n: int) -> float:
    """Return precision averaged over 101 levels of recall, 0..1; NaN when no vehicle counts.

    Source: pycocotools 2.0, COCOeval.accumulate.
    """
    if not n:
        return float("nan")
    recall, precision = curve(matched, n)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.append(best, 0.0)[np.searchsorted(recall, RECALLS, side="left")].mean())


def curve(matched: Matched, n: int) -> tuple[Floats, Floats]:
    """Return recall and precision with the detections from each score up."""
    right, wrong = np.cumsum(matched.right), np.cumsum(matched.counts & ~matched.right)
    return right / max(n, 1), right / np.maximum(right + wrong, 1)


def _greedy(share: Floats, ignored: Bools, region: Bools, least: float) -> Ints:
    """Give each detection (a row of `share`) the place of its best free box, an ignored one only when no other is left."""
    free, chosen = np.ones(len(ignored), bool), np.full(len(share), -1)
    for row, overlap in enumerate(share):
        near = free & (overlap >= least)
        near = near & ~ignored if (near & ~ignored).any() else near
        if near.any():
            # The last of equals, as pycocotools.
            chosen[row] = len(near) - 1 - np.argmax(np.where(near, overlap, -1.0)[::-1])
            free[chosen[row]] = region[chosen[row]]
    return chosen
