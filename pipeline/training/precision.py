"""Measure a detector against labelled boxes: average precision, precision and recall at a threshold."""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.detectors import Boxes

LOWEST_TRUTH_PX, LOWEST_FOUND_PX = 12.0, 11.0
"""Labelled vehicles lower than this are neither to be found nor wrong; nor are lower detections."""


@dataclass(frozen=True)
class Truth:
    """The labels of one picture."""

    path: Path
    boxes_px: NDArray[np.float32]
    """(n, 4) vehicles, xyxy."""
    ignored_px: NDArray[np.float32]
    """(m, 4) regions where nothing counts."""


@dataclass(frozen=True)
class Curve:
    """Detections of all pictures by falling score."""

    score: NDArray[np.float32]
    right: NDArray[np.bool_]
    """Whether each found a vehicle of its own."""
    vehicles: int
    """Vehicles there were."""

    def average_precision(self) -> float:
        """Average precision over 101 recalls, as COCO does."""
        right = np.cumsum(self.right)
        precision = right / np.arange(1, len(right) + 1)
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        places = np.searchsorted(right / max(self.vehicles, 1), np.linspace(0, 1, 101), side="left")
        return float(np.mean([envelope[place] if place < len(right) else 0.0 for place in places]))

    def at(self, score: float) -> tuple[float, float]:
        """Return precision and recall of the detections of at least `score`."""
        right = self.right[self.score >= score]
        return float(right.mean()) if len(right) else 1.0, float(right.sum()) / max(self.vehicles, 1)


def coco(path: Path, frames: Path) -> list[Truth]:
    """Read a COCO file whose `file_name`s lie below `frames`; `iscrowd` marks regions to ignore."""
    content = json.loads(path.read_text(encoding="utf-8"))
    truths = []
    for image in content["images"]:
        rows = [row for row in content["annotations"] if row["image_id"] == image["id"]]
        boxes, ignored = ([row["bbox"] for row in rows if bool(row["iscrowd"]) is crowd] for crowd in (False, True))
        truths.append(Truth(frames / image["file_name"], _corners(boxes), _corners(ignored)))
    return truths


def names(path: Path) -> list[str]:
    """List the pictures that a COCO file labels."""
    return [image["file_name"] for image in json.loads(path.read_text(encoding="utf-8"))["images"]]


def images(truths: list[Truth]) -> list[NDArray[np.uint8]]:
    """Decode the pictures of the labels."""
    return [np.asarray(cv2.imread(str(truth.path), cv2.IMREAD_COLOR), np.uint8) for truth in truths]


def curve(truths: list[Truth], found: list[Boxes], overlap: float = 0.5) -> Curve:
    """Match detections to labels, best score first, each label once, at an intersection over union of `overlap`."""
    marks = [mark for truth, boxes in zip(truths, found, strict=True) for mark in _match(truth, boxes, overlap)]
    marks.sort(key=lambda mark: -mark[0])
    vehicles = sum(int((_heights(truth.boxes_px) >= LOWEST_TRUTH_PX).sum()) for truth in truths)
    return Curve(np.array([m[0] for m in marks], np.float32), np.array([m[1] for m in marks], bool), vehicles)


def overlaps(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (n, m) intersection over union of (n, 4) and (m, 4) boxes."""
    inner = _shared(a, b)
    return np.asarray(inner / np.maximum(_areas(a)[:, None] + _areas(b)[None] - inner, 1e-6), np.float32)


def _match(truth: Truth, boxes: Boxes, overlap: float) -> list[tuple[float, bool]]:
    """Mark each detection of a picture right or wrong; leave out those that neither count for nor against."""
    counts = _heights(truth.boxes_px) >= LOWEST_TRUTH_PX
    share = overlaps(boxes.xyxy_px, truth.boxes_px)
    covered = _shared(boxes.xyxy_px, truth.ignored_px) / np.maximum(_areas(boxes.xyxy_px), 1e-6)[:, None]
    taken, marks = np.zeros(len(counts), bool), []
    for i in np.argsort(-boxes.score, kind="stable"):
        free = np.where(taken, 0.0, share[i])
        best = int(np.argmax(np.where(counts, free + 1, free) * (free >= overlap))) if len(counts) else -1
        if best >= 0 and free[best] >= overlap:
            taken[best] = True
            if counts[best]:
                marks.append((float(boxes.score[i]), True))
        elif _heights(boxes.xyxy_px[i : i + 1])[0] >= LOWEST_FOUND_PX and not (covered[i] >= overlap).any():
            marks.append((float(boxes.score[i]), False))
    return marks


def _corners(boxes: list[list[float]]) -> NDArray[np.float32]:
    """Turn COCO's x, y, width, height into xyxy."""
    xywh = np.asarray(boxes, np.float32).reshape(-1, 4)
    return np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)


def _heights(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    return boxes[:, 3] - boxes[:, 1]


def _areas(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1), np.float32)


def _shared(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (n, m) areas of intersection."""
    low, top = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    return np.asarray(np.prod(np.maximum(top - low, 0), axis=-1), np.float32)
