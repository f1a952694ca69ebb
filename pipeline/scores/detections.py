"""Score detections against labelled frames: average precision, recall and precision by height, calibration."""

from dataclasses import dataclass, field

import pyarrow as pa

from pipeline.scores.calibration import Calibration
from pipeline.scores.truth import Truth


@dataclass(frozen=True)
class Settings:
    """What is looked at and at which working point."""

    threshold: float = 0.5
    """Score of the working point at which precision and recall are stated."""
    truth_height_px: float = 12.0
    """Labelled boxes lower than this are ignored."""
    detection_height_px: float = 11.0
    """Detections lower than this are ignored."""
    iou: float = 0.5
    """Least overlap of a detection and its vehicle at the working point."""


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
    """Best recall from 12 px up at a threshold where precision is at least 0.97."""
    by_class: dict[str, ClassScores]
    ece: float
    """Expected calibration error of the scores."""
    calibration: Calibration
    count_error: float
    """Summed scores against labelled vehicles: (sum - n) / n."""
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
    raise NotImplementedError
