"""Read labelled pictures: real streets with automatic labels, renders, and what to leave out of a loss."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.detectors import Boxes, Detector
from pipeline.detectors.ttfnet import FRAME
from pipeline.training.precision import overlaps

HELD_OUT = tuple(datetime(2020, 5, 5, 13, *clock) for clock in ((9, 55), (16, 55), (23, 48), (30, 45)))  # noqa: DTZ001
"""Middles of the blocks of `fdr` that no training sees, local time: where the hand labels are."""
HELD_OUT_S = 20.0
"""Half the length of such a block, seconds."""
PAINTED_OF, PAINTED_SPREAD, PAINTED_LEAST_PX = 40, 9.0, 30
"""Pictures by which it is told what was painted in; standard deviation that its pixels stay below, levels; its least pixels."""


@dataclass(frozen=True)
class Labelled:
    """One picture with what is known about it."""

    jpeg: bytes
    camera: str
    """Camera or scene, so that splits can go by camera."""
    boxes_px: NDArray[np.float32]
    """(n, 4) vehicles, xyxy pixels."""
    unknown_px: NDArray[np.float32]
    """(m, 4) areas that teach nothing unless a vehicle's box covers them."""
    background: float
    """Weight of what lies outside all boxes: 1 known to be empty, near 0 unknown."""
    far_px: tuple[NDArray[np.float32], ...] = ()
    """Polygons (k, 2) where vehicles were too small to be labelled: background, but unknown once enlarged."""
    empty_px: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    """(k, 4) areas known to hold no vehicle, whatever they look like: what an operator painted in."""
    largest_zoom: float = 1.7
    """Enlarged more, vehicles too small to be labelled would look like vehicles."""

    def image(self) -> NDArray[np.uint8]:
        """Decode to (h, w, 3) BGR."""
        decoded = cv2.imdecode(np.frombuffer(self.jpeg, np.uint8), cv2.IMREAD_COLOR)
        return np.asarray(decoded, np.uint8)


def streets(source: Path, *, held_out: bool = False, leave_out: str = "", min_score: float = 0.25) -> list[Labelled]:
    """Read `fdr`: New York streets by day.

    Args:
        source: Folder that holds `fdr`.
        held_out: Return the held-out time blocks instead of the training ones.
        leave_out: Camera that is neither trained on nor returned.
        min_score: Boxes of a lower score are unknown, 0..1.

    Returns:
        Pictures by path. Boxes marked `ignore` and the `ignore_boxes` are unknown; all else is background.
    """
    folder = source / "fdr"
    frames = pq.read_table(folder / "frames.parquet", columns=["camera", "time_local", "path"]).to_pylist()
    rows = pq.read_table(folder / "boxes.parquet").to_pylist()
    far = _far(folder / "ignore_regions.json")
    certain = _by_frame([row for row in rows if not row["ignore"] and row["score"] >= min_score])
    doubtful = _by_frame([row for row in rows if row["ignore"] or row["score"] < min_score])
    doubtful_too = _by_frame(pq.read_table(folder / "ignore_boxes.parquet").to_pylist())
    chosen = []
    for frame in sorted(frames, key=lambda frame: frame["path"]):
        if frame["camera"] == leave_out or _is_held_out(frame["time_local"]) is not held_out:
            continue
        key = (frame["camera"], frame["time_local"])
        unknown = doubtful.get(key, []) + doubtful_too.get(key, [])
        jpeg = (folder / frame["path"]).read_bytes()
        boxes = _array(certain.get(key, []))
        chosen.append(Labelled(jpeg, frame["camera"], boxes, _array(unknown), 1.0, far.get(frame["camera"], ())))
    return chosen


def expressways(
    source: Path, *, min_score: float = 0.4, background: float = 0.05, leave_out: frozenset[str] = frozenset()
) -> list[Labelled]:
    """Read `singapore`: many cameras, day and night, with pseudo-labels that miss half of the vehicles.

    Boxes of `min_score` and more that do not recur are vehicles, the others unknown; so is all the rest, nearly:
    it weighs `background`. What was painted into every picture of a camera is known to be no vehicle.

    Args:
        source: Folder that holds `singapore`.
        min_score: Least score of a vehicle, 0..1.
        background: Weight of what is not labelled.
        leave_out: Pictures that are not trained on, `<camera>/<local time>.jpg` as hand labels name them.
    """
    folder = source / "singapore"
    chosen = []
    grouped = sorted(_grouped(pq.read_table(folder / "boxes.parquet").to_pylist(), "path").items())
    still = {camera: painted(paths) for camera, paths in _pictures(folder, grouped).items()}
    for name, rows in grouped:
        if f"{rows[0]['camera']}/{rows[0]['time_local']:%Y%m%dT%H%M%S}.jpg" in leave_out:
            continue
        certain = [row for row in rows if row["score"] >= min_score and not row["scenery"]]
        unknown = [row for row in rows if row not in certain]
        jpeg = (folder / name).read_bytes()
        boxes, doubtful, empty = _array(map(_box, certain)), _array(map(_box, unknown)), still[rows[0]["camera"]]
        picture = Labelled(
            jpeg, rows[0]["camera"], boxes[~_covered(boxes, empty)], doubtful, background, empty_px=empty
        )
        zoom = picture.largest_zoom * max(picture.image().shape[1] / FRAME[0], 1.0)
        chosen.append(replace(picture, largest_zoom=zoom))
    return chosen


def rendered(folder: Path) -> list[Labelled]:
    """Read what `training.renders` wrote; vehicles under 8 px are not in its labels."""
    grouped = _grouped(pq.read_table(folder / "boxes.parquet").to_pylist(), "path")
    none = _array([])
    return [
        Labelled((folder / name).read_bytes(), rows[0]["camera"], _array(map(_box, rows)), none, 1.0, largest_zoom=1.15)
        for name, rows in sorted(grouped.items())
    ]


def settle(
    pictures: list[Labelled], detector: Detector, *, sure: float = 0.55, empty: float = 0.06, background: float = 0.6
) -> list[Labelled]:
    """Let a first detector, asked twice (as is and mirrored), decide about areas that are unknown.

    Its boxes of at least `sure` in both that no label overlaps become vehicles, those between are unknown, and where
    it finds nothing of `empty` the rest weighs `background`.
    """
    settled = []
    for first in range(0, len(pictures), 64):
        part = pictures[first : first + 64]
        images = [picture.image() for picture in part]
        plain, mirrored = detector.detect(images), detector.detect([image[:, ::-1] for image in images])
        for picture, image, a, b in zip(part, images, plain, mirrored, strict=True):
            left, right = image.shape[1] - b.xyxy_px[:, 2], image.shape[1] - b.xyxy_px[:, 0]
            back = np.stack([left, b.xyxy_px[:, 1], right, b.xyxy_px[:, 3]], axis=1)
            flipped = replace(b, xyxy_px=back)
            settled.append(_settled(picture, a, flipped, sure, empty, background))
    return settled


def _is_held_out(time: datetime) -> bool:
    return any(abs((time - middle).total_seconds()) <= HELD_OUT_S for middle in HELD_OUT)


def _settled(picture: Labelled, a: Boxes, b: Boxes, sure: float, empty: float, background: float) -> Labelled:
    """Merge the labels of one picture with what a detector found in it and in its mirror image."""
    share = overlaps(a.xyxy_px, b.xyxy_px)
    agreed = np.where(share > 0.5, b.score[None], 0).max(axis=1, initial=0)
    free = ~_covered(a.xyxy_px, picture.empty_px)
    new = (a.score >= sure) & (agreed >= sure) & free & ~(overlaps(a.xyxy_px, picture.boxes_px) > 0.3).any(axis=1)
    doubtful = [boxes.xyxy_px[boxes.score >= empty] for boxes in (a, b)]
    return replace(
        picture,
        boxes_px=np.concatenate([picture.boxes_px, a.xyxy_px[new]]),
        unknown_px=np.concatenate([picture.unknown_px, *doubtful]).astype(np.float32),
        background=background,
    )


def _pictures(folder: Path, grouped: list[tuple[str, list[dict[str, Any]]]]) -> dict[str, list[Path]]:
    """List some pictures of each camera, spread over all it has."""
    found = defaultdict(list)
    for name, rows in grouped:
        found[rows[0]["camera"]].append(folder / name)
    return {camera: paths[:: max(len(paths) // PAINTED_OF, 1)] for camera, paths in found.items()}


def painted(paths: list[Path]) -> NDArray[np.float32]:
    """Find what an operator paints into a camera's pictures: boxes (n, 4) around what stands still in every light."""
    images = [np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR), np.float32) for path in paths]
    spread = np.stack([image for image in images if image.shape == images[0].shape]).std(axis=0).max(axis=2)
    still = cv2.morphologyEx((spread < PAINTED_SPREAD).astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    found = cv2.connectedComponentsWithStats(still)[2][1:].tolist()
    solid = [(x, y, w, h) for x, y, w, h, area in found if area >= PAINTED_LEAST_PX and area > 0.35 * w * h]
    return _array([[x - 2, y - 2, x + w + 2, y + h + 2] for x, y, w, h in solid])


def _covered(boxes: NDArray[np.float32], areas: NDArray[np.float32], share: float = 0.5) -> NDArray[np.bool_]:
    """Tell which boxes lie by more than a share on some areas."""
    low = np.maximum(boxes[:, None, :2], areas[None, :, :2])
    top = np.minimum(boxes[:, None, 2:], areas[None, :, 2:])
    inner = np.prod(np.maximum(top - low, 0), axis=-1).sum(axis=1)
    return np.asarray(inner > share * np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))


def _far(path: Path) -> dict[str, tuple[NDArray[np.float32], ...]]:
    """Read the polygons of the far band by camera."""
    cameras = json.loads(path.read_text(encoding="utf-8"))["cameras"]
    return {name: tuple(np.array(each["polygon"], np.float32) for each in found) for name, found in cameras.items()}


def _grouped(rows: list[dict[str, Any]], key: str) -> dict[str, list[dict[str, Any]]]:
    grouped = defaultdict(list)
    for row in rows:
        grouped[row[key]].append(row)
    return grouped


def _by_frame(rows: list[dict[str, Any]]) -> dict[tuple[str, datetime], list[list[float]]]:
    """Group boxes by camera and time."""
    grouped: dict[tuple[str, datetime], list[list[float]]] = {}
    for row in rows:
        grouped.setdefault((row["camera"], row["time_local"]), []).append(_box(row))
    return grouped


def _box(row: dict[str, Any]) -> list[float]:
    return [row["x1"], row["y1"], row["x2"], row["y2"]]


def _array(boxes: Iterable[list[float]]) -> NDArray[np.float32]:
    return np.asarray(list(boxes), np.float32).reshape(-1, 4)
