"""Describe how a vehicle looks by a small residual network over its crop."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline import networks

WIDTHS, BLOCKS, DIMENSIONS = (32, 64, 128), (1, 2, 2), 96
"""Channels at strides 4, 8, 16... of the crop, residual blocks at each, and numbers in a vector."""
CROP = (64, 48)
"""Width and height every crop is stretched to, pixels; no crop holds more than its own pixels."""
LONGEST_PX = 64
"""A crop of a longer side is shrunk to this first, so that nothing finer than this enters."""


@dataclass(frozen=True)
class ResNet:
    """Unit vectors of vehicles."""

    network: networks.Network
    version: str
    dimensions: int = DIMENSIONS

    def encode(self, image: NDArray[np.uint8], xyxy_px: NDArray[np.float32]) -> NDArray[np.float16]:
        """Encode the boxes of one (h, w, 3) BGR image; see `pipeline.encoders.Encoder`."""
        return self.vectors([stretch(cut(image, box)) for box in xyxy_px])

    def vectors(self, crops: list[NDArray[np.uint8]]) -> NDArray[np.float16]:
        """Encode crops of (48, 64, 3) BGR; (n, dimensions) float16 of unit length."""
        stacked = np.stack(crops) if crops else np.zeros((0, CROP[1], CROP[0], 3), np.uint8)
        raw = self.network.run(stacked).reshape(-1, self.dimensions).astype(np.float64)
        unit = raw / np.maximum(np.linalg.norm(raw, axis=1, keepdims=True), 1e-9)
        return np.asarray(unit, np.float16)


def load() -> ResNet:
    """Read the weights beside this file; raise IntegrityError when they are not those of the card."""
    return ResNet(*networks.load(Path(__file__), layout))


def layout(ops: networks.Ops, pixels: Any) -> Any:
    """Lay the network out: dense 3x3 residual convolutions, mean and largest of every channel, one projection.

    Args:
        ops: Operations to build it of.
        pixels: (n, 48, 64, 3), 0..1 BGR.

    Returns:
        (n, 1, 1, 96), not yet of unit length.
    """
    x = ops.conv("stem", pixels, WIDTHS[0], 3, stride=2)
    for level, (width, blocks) in enumerate(zip(WIDTHS, BLOCKS, strict=True)):
        x = ops.conv(f"down{level}", x, width, 3, stride=2) if level else x
        for block in range(blocks):
            inner = ops.conv(f"block{level}_{block}_a", x, width, 3)
            x = ops.conv(f"block{level}_{block}_b", inner, width, 3, plus=x)
    return ops.conv("out", ops.pool(x), DIMENSIONS, 1, relu=False)


def cut(image: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Cut a box out of an image, never less than one pixel."""
    height, width = image.shape[:2]
    left, top = np.clip(np.floor(box[:2]), 0, [width - 1, height - 1]).astype(int)
    right, bottom = np.clip(np.ceil(box[2:]), [left + 1, top + 1], [width, height]).astype(int)
    return image[top:bottom, left:right]


def stretch(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Shrink a crop to LONGEST_PX at most and stretch it to CROP."""
    height, width = crop.shape[:2]
    if (scale := LONGEST_PX / max(height, width)) < 1:
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        crop = np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(crop, CROP, interpolation=cv2.INTER_LINEAR), np.uint8)
