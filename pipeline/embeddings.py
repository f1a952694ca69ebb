"""Describe how each vehicle looks: detections, snapshots -> embeddings."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline import encoders, networks
from pipeline.decoder import decode
from pipeline.encoders import Encoder
from pipeline.tables import EMBEDDINGS, frame_id

CORNERS = ("x1_px", "y1_px", "x2_px", "y2_px")


@dataclass(frozen=True)
class Settings:
    """Which encoder, and what is too small for it."""

    encoder: str = "resnet"
    """Module of `pipeline/encoders`."""
    min_crop_px: float = 20.0
    """A box whose longer side is below this is not embedded, pixels of the full frame."""


def embed(detections: pa.Table, snapshots: pa.Table, settings: Settings) -> pa.Table:
    """Encode every detection that is large enough to be told from others.

    Args:
        detections: `detections` rows; their order does not matter.
        snapshots: `snapshots` rows with the bytes of their frames.
        settings: Encoder and smallest crop.

    Returns:
        `embeddings` rows; a detection that is too small, or whose picture is gone, has none.

    Raises:
        FeedNotFoundError: there is no encoder of that name.
        IntegrityError: its weights are not those it was published with.
    """
    wanted = _large(detections, settings.min_crop_px)
    if not wanted:
        return EMBEDDINGS.empty()
    encoder = encoders.load(settings.encoder)
    rows: list[dict[str, Any]] = []
    pictured = _pictured(wanted, snapshots)
    images = networks.ahead(decode, (jpeg for jpeg, _ in pictured))
    for (_, found), image in zip(pictured, images, strict=True):
        rows += [] if image is None else _encoded(image, found, encoder)
    return EMBEDDINGS.check(pa.Table.from_pylist(rows, schema=EMBEDDINGS.schema))


def _large(detections: pa.Table, min_crop_px: float) -> dict[str, list[dict[str, Any]]]:
    """Group the detections that are large enough by frame, both in order of their ids."""
    wanted = defaultdict(list)
    for row in detections.select(["detection_id", "frame_id", *CORNERS]).sort_by("detection_id").to_pylist():
        if max(row["x2_px"] - row["x1_px"], row["y2_px"] - row["y1_px"]) >= min_crop_px:
            wanted[row["frame_id"]].append(row)
    return dict(sorted(wanted.items()))


def _pictured(wanted: dict[str, list[dict[str, Any]]], snapshots: pa.Table) -> list[tuple[bytes, list[dict[str, Any]]]]:
    """Put the bytes of its frame beside each group of detections; leave out frames without bytes."""
    camera, slot, jpeg = (snapshots[name].to_pylist() for name in ("camera_id", "slot_at", "jpeg"))
    named = {frame_id(*at): content for *at, content in zip(camera, slot, jpeg, strict=True)}
    return [(named[frame], found) for frame, found in wanted.items() if named.get(frame)]


def _encoded(image: NDArray[np.uint8], found: list[dict[str, Any]], encoder: Encoder) -> list[dict[str, Any]]:
    """Return the rows of one frame's detections."""
    boxes = np.array([[row[corner] for corner in CORNERS] for row in found], np.float32)
    vectors = encoder.encode(image, boxes)
    return [
        {"detection_id": row["detection_id"], "encoder": encoder.version, "vector": _bytes(vector)}
        for row, vector in zip(found, vectors, strict=True)
    ]


def _bytes(vector: NDArray[np.float16]) -> bytes:
    """Write a vector little endian, whatever the machine."""
    return vector.astype("<f2").tobytes()
