"""Measure an encoder on vehicles seen by two cameras: rank 1, mean average precision, look-alikes."""

import csv
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.encoders import Encoder

SIZES_PX = (16, 20, 24, 32, 48)
"""Longer sides to which pictures of vehicles are shrunk to see how small they may be."""
GATE_S = 180.0
"""Sightings further apart in time than this are not compared when gated, seconds."""


@dataclass(frozen=True)
class Seen:
    """One labelled sighting."""

    camera: str
    at: datetime
    box_px: NDArray[np.float32]
    identity: str = ""
    direction: str = ""

    @property
    def path(self) -> Path:
        """Its picture, below the folder of frames."""
        return Path(self.camera) / f"{self.at:%Y%m%dT%H%M%S}.jpg"

    @property
    def longest_px(self) -> float:
        """The longer side of its box."""
        return float((self.box_px[2:] - self.box_px[:2]).max())


def measure(encoder: Encoder, source: Path) -> dict[str, float]:
    """Return every figure of the labelled sightings and pairs below `source/fdr/validation`."""
    folder = source / "fdr"
    seen = identities(folder / "validation/identities.csv")
    vectors = encode(encoder, seen, folder / "frames")
    figures = {f"{name}_{how}": value for how, gated in (("gated", True), ("open", False))
               for name, value in zip(("rank1", "map"), ranks(seen, vectors, gated=gated), strict=True)}  # fmt: skip
    pairs = look_alikes(folder / "validation/pairs.csv")
    first, second = (
        encode(encoder, ends, folder / "frames") for ends in ([a for a, _, _ in pairs], [b for _, b, _ in pairs])
    )
    return figures | {"auc": separation(np.sum(first * second, axis=1), np.array([same for _, _, same in pairs]))}


def by_size(encoder: Encoder, source: Path) -> dict[int, tuple[float, float]]:
    """Return gated rank 1 and mean average precision when no vehicle is larger than each of SIZES_PX."""
    folder = source / "fdr"
    seen = identities(folder / "validation/identities.csv")
    vectors = {size: encode(encoder, seen, folder / "frames", largest_px=size) for size in SIZES_PX}
    return {size: ranks(seen, vectors[size], gated=True) for size in SIZES_PX}


def identities(path: Path) -> list[Seen]:
    """Read sightings of known vehicles: identity, camera, time, x1, y1, x2, y2, direction."""
    rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    return [_seen(row, "camera", "time", "", row["identity"], row["direction"]) for row in rows]


def look_alikes(path: Path) -> list[tuple[Seen, Seen, bool]]:
    """Read pairs of boxes and whether both are one vehicle."""
    rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    return [
        (_seen(row, "camera_a", "time_a", "a"), _seen(row, "camera_b", "time_b", "b"), row["same"] == "1")
        for row in rows
    ]


def encode(encoder: Encoder, seen: list[Seen], frames: Path, largest_px: float = np.inf) -> NDArray[np.float32]:
    """Encode labelled boxes, whole frames shrunk so that none is longer than `largest_px`; (n, d) float32."""
    vectors = []
    for each in seen:
        image = np.asarray(cv2.imread(str(frames / each.path), cv2.IMREAD_COLOR), np.uint8)
        if (scale := largest_px / each.longest_px) < 1:
            image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        box = each.box_px * min(scale, 1.0)
        vectors.append(encoder.encode(image, box[None].astype(np.float32))[0].astype(np.float32))
    return np.stack(vectors)


def ranks(seen: list[Seen], vectors: NDArray[np.float32], *, gated: bool) -> tuple[float, float]:
    """Return rank-1 accuracy and mean average precision over all sightings with an answer at another camera.

    The gallery of a sighting is every sighting of other cameras; gated, only those of its direction within GATE_S.
    """
    first, precision = [], []
    for query, vector in zip(seen, vectors, strict=True):
        gallery = [i for i, other in enumerate(seen) if _comparable(query, other, gated=gated)]
        order = sorted(gallery, key=lambda i: -float(vectors[i] @ vector))
        right = np.array([seen[i].identity == query.identity for i in order], bool)
        if right.any():
            first.append(right[0])
            precision.append(float((np.cumsum(right) / np.arange(1, len(right) + 1))[right].mean()))
    return float(np.mean(first)), float(np.mean(precision))


def separation(likeness: NDArray[np.float32], same: NDArray[np.bool_]) -> float:
    """Return the chance that a pair of one vehicle is more alike than a pair of two (area under the ROC curve)."""
    right, wrong = likeness[same][:, None], likeness[~same][None]
    return float(np.mean((right > wrong) + 0.5 * (right == wrong)))


def _comparable(query: Seen, other: Seen, *, gated: bool) -> bool:
    near = abs((query.at - other.at).total_seconds()) <= GATE_S and query.direction == other.direction
    return query.camera != other.camera and (near or not gated)


def _seen(row: dict[str, str], camera: str, time: str, end: str, identity: str = "", direction: str = "") -> Seen:
    box = np.array([float(row[f"{end}{key}"]) for key in ("x1", "y1", "x2", "y2")], np.float32)
    return Seen(row[camera], datetime.fromisoformat(row[time]), box, identity, direction)
