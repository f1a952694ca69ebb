"""Draw what the detector should answer: a Gaussian hill on each vehicle, its box, and a weight for every cell."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

STRIDE_PX = 4
HILL = 0.54
"""Share of a box that its hill covers (TTFNet, Liu et al. 2020, section 3.2)."""
CHANNELS = 7
"""Hill, x1, y1, x2, y2, weight of the box, weight of the cell."""


def draw(
    boxes: NDArray[np.float32],
    unknown: NDArray[np.float32],
    background: float,
    frame: tuple[int, int],
    far: Sequence[NDArray[np.float32]] = (),
    empty: Sequence[NDArray[np.float32]] = (),
) -> NDArray[np.float32]:
    """Draw the targets of one picture.

    Args:
        boxes: (n, 4) vehicles, xyxy pixels of the frame.
        unknown: (m, 4) areas whose cells weigh nothing unless in a vehicle's box.
        background: Weight of cells outside everything, 0..1; a margin around each vehicle weighs 1.
        frame: Width and height, pixels.
        far: Polygons (k, 2) whose cells weigh nothing, pixels of the frame.
        empty: (4,) boxes known to hold no vehicle: their cells weigh 1 wherever no vehicle's box is.

    Returns:
        (height / 4, width / 4, 7) float32.
    """
    wide, high = frame[0] // STRIDE_PX, frame[1] // STRIDE_PX
    target = np.zeros((high, wide, CHANNELS), np.float32)
    weight = np.full((high, wide), background, np.float32)
    cv2.fillPoly(weight, [np.round(polygon / STRIDE_PX).astype(np.int32) for polygon in far], 0.0)
    target[..., 6] = weight
    for box in boxes:
        x, y = _cells(box, margin=0.5)
        target[y, x, 6] = 1.0
    for box in unknown:
        x, y = _cells(box)
        target[y, x, 6] = 0.0
    for box in empty:
        x, y = _cells(box)
        target[y, x, 6] = 1.0
    for box in sorted(boxes.tolist(), key=lambda box: -(box[2] - box[0]) * (box[3] - box[1])):
        x, y = _cells(np.asarray(box))
        target[y, x, 6] = 1.0
        _hill(target, box)
    return target


def _hill(target: NDArray[np.float32], box: list[float]) -> None:
    """Add one vehicle in place; later, smaller ones win the cells of their boxes."""
    high, wide = target.shape[:2]
    middle = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]) / STRIDE_PX - 0.5
    half = np.array([box[2] - box[0], box[3] - box[1]]) / STRIDE_PX / 2 * HILL
    peak = np.clip(np.round(middle), 0, [wide - 1, high - 1]).astype(int)
    reach = np.maximum(half, 1.0).astype(int)
    x = np.arange(max(peak[0] - reach[0], 0), min(peak[0] + reach[0], wide - 1) + 1)
    y = np.arange(max(peak[1] - reach[1], 0), min(peak[1] + reach[1], high - 1) + 1)
    # The middle of a small vehicle is not certain to a cell: its neighbours are no full background.
    sigma = np.maximum((2 * reach + 1) / 6, 0.65)
    hill = (
        np.exp(-((x - peak[0]) ** 2) / (2 * sigma[0] ** 2))
        * np.exp(-((y - peak[1]) ** 2) / (2 * sigma[1] ** 2))[:, None]
    )
    window = target[y[0] : y[-1] + 1, x[0] : x[-1] + 1]
    window[..., 0] = np.maximum(window[..., 0], hill)
    window[..., 1:5] = box
    # Every vehicle weighs the same in all, more so the larger ones by their logarithm.
    window[..., 5] = hill / hill.sum() * np.log(max((box[2] - box[0]) * (box[3] - box[1]), 4.0)) / np.log(1000.0)


def _cells(box: NDArray[np.floating], margin: float = 0.0) -> tuple[slice, slice]:
    """Return the cells whose middles lie in a box grown by `margin` of its size."""
    grow = np.array([box[2] - box[0], box[3] - box[1]]) * margin
    low = np.maximum(np.floor((box[:2] - grow) / STRIDE_PX), 0).astype(int)
    top = np.maximum(np.ceil((box[2:] + grow) / STRIDE_PX), 0).astype(int)
    return slice(low[0], top[0]), slice(low[1], top[1])
