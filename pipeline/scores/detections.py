"""Score detections against labelled frames: average precision, recall and precision by height, calibration."""

from collections import Counter
from dataclasses import dataclass
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.errors import SchemaError
from pipeline.scores.calibration import Calibration, reliability
from pipeline.scores.coco import IOUS, Bools, Matched, average_precision, curve, match_levels
from pipeline.scores.matching import Floats, frame_ids, height
from pipeline.scores.truth import Truth

TALL_PX = 24.0
"""From here up a vehicle should not be missed."""
COUNTED_S = 300
"""Counts are compared in stretches of this many seconds."""


@dataclass(frozen=True)
class Settings:
    """What is looked at and at which working point."""

    threshold: float = 0.5
    """Score of the working point at which precision and recall are stated."""
    truth_height_px: float = 12.0
    """Labelled boxes lower than this are ignored."""
    detection_height_px: float = 11.0
    """Detections lower than this that find no vehicle are ignored."""
    iou: float = 0.5
    """Least overlap of a detection and its vehicle at the working point."""
    least_precision: float = 0.97
    """Precision that `recall_12px` asks for."""


@dataclass(frozen=True)
class ClassScores:
    """How vehicles of one kind fare."""

    n: int
    """Labelled vehicles of the kind."""
    recall: float
    """Share found at the working point, whatever they were called."""
    named: float
    """Share of the found that were called by their kind; NaN where none was found."""
    ap50: float
    """AP at IoU 0.5 among detections called so."""


@dataclass(frozen=True)
class DetectionScores:
    """Scores over all kinds as one, unless said otherwise. NaN where there is nothing to score."""

    ap50: float
    """AP at IoU 0.5, 101 recall points (COCO)."""
    ap: float
    """Mean AP at IoU 0.50:0.95."""
    precision: float
    recall: float
    """At the working point, labelled vehicles from 12 px up."""
    precision_24px: float
    recall_24px: float
    """At the working point, detections and vehicles from 24 px up."""
    recall_12px: float
    """Best recall from 12 px up at a threshold where precision is at least 0.97 (`least_precision`)."""
    by_class: dict[str, ClassScores]
    ece: float
    """Expected calibration error of the scores."""
    calibration: Calibration
    count_error: float
    """Summed scores against labelled vehicles: (sum - n) / n."""
    count_error_5min: float
    """Median over camera and 5 minutes of |sum - n| / n, where vehicles are labelled."""
    n: int
    """Labelled vehicles scored."""
    n_frames: int
    """Labelled frames scored."""
    n_frames_unplanned: int
    """Labelled frames that `frames` does not hold; left out."""


def detection_scores(
    truth: Truth, detections: pa.Table, frames: pa.Table | None = None, settings: Settings = Settings()
) -> DetectionScores:
    """Score detections in the labelled frames.

    Args:
        truth: Fully labelled frames (COCO: `readers.read`).
        detections: `detections` rows, low scores too; those in other frames do not matter.
        frames: `frames` rows (camera_id, slot_at); labelled frames outside are left out. None keeps all.
        settings: Heights and working point.

    Raises:
        SchemaError: the truth is sparse, or none of its frames is among `frames`.

    Source: Lin et al. 2014 (COCO), evaluation code of pycocotools 2.0 (`evaluateImg`, `accumulate`).
    """
    if truth.sparse:
        raise SchemaError(
            "truth: only some of its vehicles are labelled; score detections with full labels, such as COCO"
        )
    seen = truth.planned(frames)
    detections = _looked_at(seen, detections)
    truth_px, found_px = height(seen.boxes), height(detections)
    ignored = seen.boxes["ignore"].to_numpy(zero_copy_only=False) | (truth_px < settings.truth_height_px)
    small = found_px < settings.detection_height_px
    levels = match_levels(seen.boxes, ignored, detections, small, tuple(sorted({*IOUS, settings.iou})))
    best, n = levels[settings.iou], int((~ignored).sum())
    sure = best.score >= settings.threshold
    found = np.isin(np.arange(len(ignored)), best.truth[sure])
    tall = found_px[best.row] >= TALL_PX
    chart = reliability(best.score[best.counts], best.right[best.counts])
    return DetectionScores(
        ap50=average_precision(levels[0.5], n),
        ap=float(np.mean([average_precision(levels[each], n) for each in IOUS])),
        precision=share(best.right, best.counts & sure),
        recall=share(found, ~ignored),
        precision_24px=share(best.right, best.counts & sure & tall),
        recall_24px=share(found, ~ignored & (truth_px >= TALL_PX)),
        recall_12px=_recall_at(best, n, settings.least_precision),
        by_class=_by_class(seen.boxes, ignored, detections, small, found, best),
        ece=chart.ece,
        calibration=chart,
        count_error=float((best.score[best.counts].sum() - n) / n) if n else float("nan"),
        count_error_5min=_count_error(
            seen.frames,
            frame_ids(seen.boxes.filter(pa.array(~ignored))),
            detections["frame_id"].take(pa.array(best.row[best.counts])).to_pylist(),
            best.score[best.counts],
        ),
        n=n,
        n_frames=seen.frames.num_rows,
        n_frames_unplanned=truth.frames.num_rows - seen.frames.num_rows,
    )


def share(hits: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    """Return the share of hits among some, NaN among none."""
    return float(hits[among].mean()) if among.any() else float("nan")


def _looked_at(truth: Truth, detections: pa.Table) -> pa.Table:
    """Return the detections in labelled frames."""
    return detections.filter(pc.is_in(detections["frame_id"], pa.array(frame_ids(truth.frames), pa.string())))


def _recall_at(matched: Matched, n: int, least: float) -> float:
    """Return the best recall at a threshold where precision is at least `least`; NaN when no vehicle counts."""
    recall, precision = curve(matched, n)
    return float(recall[precision >= least].max(initial=0.0)) if n else float("nan")


def _count_error(frames: pa.Table, labelled: list[str], found: list[str], score: Floats) -> float:
    """Return the median error of summed scores over camera and 5 minutes; NaN when no vehicle counts.

    `labelled` and `found` are the frame ids of the true boxes and of the detections that count.
    """
    at = frames["slot_at"].cast(pa.int64()).to_numpy() // (COUNTED_S * 1_000_000)
    cell = dict(zip(frame_ids(frames), zip(frames["camera_id"].to_pylist(), at.tolist(), strict=True), strict=True))
    true, summed = Counter(cell[name] for name in labelled), dict.fromkeys(cell.values(), 0.0)
    for name, probability in zip(found, score.tolist(), strict=True):
        summed[cell[name]] += probability
    return median(abs(summed[key] / n - 1) for key, n in true.items()) if true else float("nan")


def _by_class(
    boxes: pa.Table, ignored: Bools, detections: pa.Table, small: Bools, found: Bools, best: Matched
) -> dict[str, ClassScores]:
    """Score each labelled kind; elsewhere its detections are wrong, on vehicles whose kind is not told ignored."""
    kind, called = (rows["label"].to_numpy(zero_copy_only=False) for rows in (boxes, detections))
    name = np.full(len(kind), "", object)
    name[best.truth[best.right][::-1]] = called[best.row[best.right][::-1]]
    scores = {}
    for label in sorted(set(kind[~ignored]) - {"vehicle"}):
        of_kind = ~ignored & (kind == label)
        told = of_kind | ignored | (kind == "vehicle")
        levels = match_levels(
            boxes.filter(pa.array(told)),
            (ignored | ~of_kind)[told],
            detections.filter(pa.array(called == label, pa.bool_())),
            small[called == label],
            (0.5,),
        )
        ap50 = average_precision(levels[0.5], int(of_kind.sum()))
        scores[label] = ClassScores(
            int(of_kind.sum()), share(found, of_kind), share(name == label, of_kind & found), ap50
        )
    return scores
