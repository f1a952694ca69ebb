"""Tell from one decoded picture whether it is a card, torn or dark."""

import hashlib

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
BLOCK_PX = 8
"""Side of a JPEG block; one colour fills it wholly in a card."""
EVEN = 3
"""Levels by which a block of one colour may vary, 0..255."""
TEXTURED = 3.0
"""Mean step along a row, levels, above which it shows something."""
ALIKE = 1.0
"""Mean difference of two rows, levels, below which the one repeats the other."""


def gray(image: NDArray[np.uint8]) -> Gray:
    """Return the luminance of a BGR image."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def between_overlays(image: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    """Cut off the `share` of the height at top and bottom where cameras burn in clocks and names."""
    edge = round(share * len(image))
    return image[edge : len(image) - edge]


def pixels_hash(image: NDArray[np.uint8]) -> str:
    """Hash decoded pixels and their shape: equal only for the very same picture, for no sensor is without noise."""
    return hashlib.sha256(f"{image.shape}".encode() + image.tobytes()).hexdigest()


def flat_share(image: NDArray[np.uint8]) -> float:
    """Return the share of 8 x 8 blocks that have one colour in every channel."""
    high, low = image[: len(image) // 8 * 8, : image.shape[1] // 8 * 8], np.ones((BLOCK_PX, BLOCK_PX), np.uint8)
    spread = cv2.subtract(cv2.dilate(high, low, anchor=(0, 0)), cv2.erode(high, low, anchor=(0, 0)))
    return float(np.mean(np.all(spread[::BLOCK_PX, ::BLOCK_PX] <= EVEN, axis=2)))


def torn_share(luminance: Gray) -> float:
    """Return the longest run of equal textured rows as a share of the height.

    A transmission that breaks off leaves its last row smeared down the picture.
    """
    repeats = _row_means(cv2.absdiff(luminance[1:], luminance[:-1])) < ALIKE
    textured = _row_means(cv2.absdiff(luminance[1:, 1:], luminance[1:, :-1])) > TEXTURED
    ends = np.flatnonzero(np.concatenate([[True], ~(repeats & textured), [True]]))
    return float((np.diff(ends).max() - 1) / len(luminance))


def level(luminance: Gray, share: float) -> float:
    """Return the luminance, 0..255, that a share of the pixels do not exceed."""
    counts = np.cumsum(np.bincount(luminance.ravel(), minlength=256))
    return float(np.searchsorted(counts, share * counts[-1]))


def _row_means(values: Gray) -> NDArray[np.float32]:
    """Return the mean of each row."""
    return np.asarray(cv2.reduce(values, 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F), dtype=np.float32)[:, 0]
