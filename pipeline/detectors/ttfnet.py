"""Find vehicles with a small anchor-free network: a heatmap of middles and the distances to the four edges."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline import networks
from pipeline.detectors import Boxes

STEM, WIDTHS, BLOCKS, NECK = 16, (24, 48, 96, 96), (1, 1, 2, 1), 32
"""Channels at strides 2 and 4, 8, 16, 32; residual blocks at each; channels of the top-down path."""
FRAME, LARGE, SPARE = (352, 240), (704, 480), 1.5
"""Width and height a picture is fitted into, pixels: the larger one where the other would shrink it by more than SPARE,
and with it the many vehicles that are far away. It costs four times as much."""
STRIDE_PX, UNIT_PX = 4, 8.0
"""Pixels a cell; unit of the distances."""
GREY = 114
LOWEST_SCORE, MOST, OVERLAP = 0.05, 100, 0.5
"""Below this no box is returned; at most so many a picture; a box that overlaps a better one by more is dropped."""


@dataclass(frozen=True)
class TTFNet:
    """One class, any picture size, a fixed batch."""

    network: networks.Network
    version: str

    def detect(self, images: list[NDArray[np.uint8]]) -> list[Boxes]:
        """Find the vehicles of each image ((h, w, 3) BGR uint8, any size); the batch does not change the answer."""
        frames = [frame(*image.shape[:2]) for image in images]
        found: dict[int, Boxes] = {}
        for one in sorted(set(frames)):
            places = [place for place, each in enumerate(frames) if each == one]
            answers = self.network.run(np.stack([fit(images[place]) for place in places]))
            found |= {n: decode(answer, images[n].shape[:2]) for n, answer in zip(places, answers, strict=True)}
        return [found[place] for place in range(len(images))]


def load() -> TTFNet:
    """Read the weights beside this file; raise IntegrityError when they are not those of the card."""
    return TTFNet(*networks.load(Path(__file__), layout))


def layout(ops: networks.Ops, pixels: Any) -> Any:
    """Lay the network out: dense 3x3 residual convolutions and a light top-down path back to stride 4.

    Args:
        ops: Operations to build it of.
        pixels: (n, h, w, 3), 0..1 BGR; h and w are multiples of 4.

    Returns:
        (n, h / 4, w / 4, 5): logit of a vehicle's middle, then ln(distance / 8 px) to the left, top, right, bottom edge.

    Source: TTFNet, Liu et al. 2020, with a plain residual trunk.
    """
    x = ops.conv("stem", pixels, STEM, 3, stride=2)
    levels = []
    for level, (width, blocks) in enumerate(zip(WIDTHS, BLOCKS, strict=True)):
        x = ops.conv(f"down{level}", x, width, 3, stride=2)
        for block in range(blocks):
            inner = ops.conv(f"block{level}_{block}_a", x, width, 3)
            x = ops.conv(f"block{level}_{block}_b", inner, width, 3, plus=x)
        levels.append(x)
    top = ops.conv("side3", levels[3], NECK, 1, relu=False)
    for level in (2, 1, 0):
        top = ops.merge(top, ops.conv(f"side{level}", levels[level], NECK, 1, relu=False))
    middle, edges = ops.conv("middle", top, NECK, 3), ops.conv("edges", top, NECK, 3)
    found = ops.conv("out_middle", middle, 5, 1, relu=False)
    return ops.conv("out_edges", edges, 5, 1, relu=False, plus=found)


def frame(height: int, width: int) -> tuple[int, int]:
    """Return the width and height that an image is fitted into."""
    return LARGE if max(width / FRAME[0], height / FRAME[1]) > SPARE else FRAME


def fit(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Shrink or enlarge an image into its frame, keeping its shape, grey around it."""
    height, width = image.shape[:2]
    wide, high = frame(height, width)
    scale, left, top = placing(height, width)
    if (width, height) == (wide, high):
        return image
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    fitted = np.full((high, wide, 3), GREY, np.uint8)
    fitted[top : top + size[1], left : left + size[0]] = cv2.resize(image, size, interpolation=how)
    return fitted


def placing(height: int, width: int) -> tuple[float, int, int]:
    """Return scale, left and top of an image fitted into its frame."""
    wide, high = frame(height, width)
    scale = min(wide / width, high / height)
    return scale, (wide - round(width * scale)) // 2, (high - round(height * scale)) // 2


def decode(answer: NDArray[np.float32], size: tuple[int, int]) -> Boxes:
    """Turn the network's (h / 4, w / 4, 5) into boxes in pixels of an image of `size` (height, width)."""
    logit = np.ascontiguousarray(answer[..., 0])
    peak = (cv2.dilate(logit, np.ones((3, 3), np.uint8)) == logit) & (
        logit >= np.log(LOWEST_SCORE / (1 - LOWEST_SCORE))
    )
    row, column = np.nonzero(peak)
    order = np.lexsort((column, row, -logit[row, column]))[:MOST]
    row, column = row[order], column[order]
    away = np.exp(np.clip(answer[row, column, 1:], -4, 4)) * UNIT_PX
    middle = (np.stack([column, row], axis=1) + 0.5) * STRIDE_PX
    scale, left, top = placing(*size)
    xyxy = (np.concatenate([middle - away[:, :2], middle + away[:, 2:]], axis=1) - [left, top, left, top]) / scale
    edges = np.clip(xyxy, 0, [size[1], size[0], size[1], size[0]])
    boxes = np.asarray(edges, np.float32)
    kept = suppress(boxes)
    score = (1 / (1 + np.exp(-logit[row, column][kept].astype(np.float64)))).astype(np.float32)
    return Boxes(boxes[kept], score, ("vehicle",) * len(kept))


def suppress(xyxy: NDArray[np.float32]) -> list[int]:
    """Return the places of the boxes to keep, best first: none overlaps a better one by more than OVERLAP."""
    kept: list[int] = []
    for place, box in enumerate(xyxy):
        if box[2] > box[0] and box[3] > box[1] and not (overlap(box, xyxy[kept]) > OVERLAP).any():
            kept.append(place)
    return kept


def overlap(box: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return intersection over union of one box with (n, 4) others, 0..1."""
    inner = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    shared = np.prod(np.maximum(inner, 0), axis=1)
    both = np.prod(box[2:] - box[:2]) + np.prod(others[:, 2:] - others[:, :2], axis=1) - shared
    return np.asarray(shared / np.maximum(both, 1e-6), np.float32)
