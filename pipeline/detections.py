"""Find vehicles in usable frames: frames, snapshots -> detections."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline import detectors, networks
from pipeline.decoder import decode
from pipeline.detectors import Boxes, Detector
from pipeline.tables import DETECTIONS, frame_id


@dataclass(frozen=True)
class Settings:
    """Which detector, and how sure it must be."""

    detector: str = "ttfnet"
    """Module of `pipeline/detectors`."""
    min_score: float = 0.4
    """Boxes of a lower score are dropped, 0..1."""
    min_height_px: float = 10.0
    """Lower boxes are dropped, pixels of the full frame."""
    batch: int = 64
    """Pictures decoded and held at once; the answer does not depend on it."""


def detect(frames: pa.Table, snapshots: pa.Table, settings: Settings) -> pa.Table:
    """Find the vehicles of every frame whose state is `ok`.

    Args:
        frames: `frames` rows; their order does not matter.
        snapshots: `snapshots` rows with the bytes of those frames.
        settings: Detector and thresholds.

    Returns:
        `detections` rows, by falling score within a frame.

    Raises:
        FeedNotFoundError: there is no detector of that name.
        IntegrityError: its weights are not those it was published with.
    """
    wanted = frames.filter(pc.equal(frames["state"], "ok")).sort_by("frame_id").drop_columns(["state"])
    if not wanted.num_rows:
        return DETECTIONS.empty()
    pictures = _pictures(snapshots, set(wanted["frame_id"].to_pylist()))
    images = networks.ahead(decode, (pictures.get(name, b"") for name in wanted["frame_id"].to_pylist()))
    detector = detectors.load(settings.detector)
    rows: list[dict[str, Any]] = []
    for batch in wanted.to_batches(max_chunksize=settings.batch):
        rows += _batch(batch.to_pylist(), images, detector, settings)
    return DETECTIONS.check(pa.Table.from_pylist(rows, schema=DETECTIONS.schema))


def _pictures(snapshots: pa.Table, wanted: set[str]) -> dict[str, bytes]:
    """Return the bytes of the wanted frames by frame."""
    camera, slot, jpeg = (snapshots[name].to_pylist() for name in ("camera_id", "slot_at", "jpeg"))
    named = ((frame_id(*at), content) for *at, content in zip(camera, slot, jpeg, strict=True))
    return {name: content for name, content in named if name in wanted and content}


def _batch(
    frames: list[dict[str, Any]], images: Iterator[NDArray[np.uint8] | None], detector: Detector, settings: Settings
) -> list[dict[str, Any]]:
    """Return the rows of a few frames; a frame without a picture has none."""
    seen = [(frame, image) for frame, image in zip(frames, images, strict=False) if image is not None]
    found = detector.detect([image for _, image in seen])
    return [row for (frame, _), boxes in zip(seen, found, strict=True) for row in _rows(frame, boxes, settings)]


def _rows(frame: dict[str, Any], boxes: Boxes, settings: Settings) -> list[dict[str, Any]]:
    """Return the boxes of one frame that are sure and large enough, by falling score."""
    height = boxes.xyxy_px[:, 3] - boxes.xyxy_px[:, 1]
    kept = np.flatnonzero((boxes.score >= settings.min_score) & (height >= settings.min_height_px))
    order = kept[np.argsort(-boxes.score[kept], kind="stable")]
    return [
        {
            "detection_id": f"{frame['frame_id']}#{place:03d}",
            "frame_id": frame["frame_id"],
            "camera_id": frame["camera_id"],
            "captured_at": frame["captured_at"] or frame["slot_at"],
            "label": boxes.label[i],
            "score": float(boxes.score[i]),
            **dict(zip(("x1_px", "y1_px", "x2_px", "y2_px"), map(float, boxes.xyxy_px[i]), strict=True)),
        }
        for place, i in enumerate(order)
    ]
