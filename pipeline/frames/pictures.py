"""Tell from one decoded picture whether it is a card, damaged or dark."""

import hashlib

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
BLOCK_PX = 8
"""Side of a JPEG block; one colour fills it wholly in a card."""
EVEN = 3
"""Levels by which a block of one colour may vary, 0..255."""
FEW = 8
"""Colours of a card: colour bars have so many."""
TEXTURED = 0.7
"""Mean step along a row, levels, above which it shows something."""
ALIKE = 1.0
"""Mean difference of two rows, levels, below which the one repeats the other."""
SMOOTH = 1 / 3
"""And below this share of the steps along the row: a truck close by is smooth both ways."""
STRIPS = (1, 8, 16)
"""Rows that a decoder repeats where nothing more came: one, or a strip of blocks."""
CELLS = (64, 44)
"""Grid, across and down, of a picture's brightness; a lamp fills a cell, the noise of a sensor does not."""
THUMB = (32, 24)
"""Grid, across and down, on which cards of several cameras are compared."""


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


def thumb(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture on the grid THUMB, (24, 32, 3) BGR."""
    return np.asarray(cv2.resize(image, THUMB, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def flat_shares(image: NDArray[np.uint8]) -> tuple[float, float, float]:
    """Return the share of 8 x 8 blocks of one colour, of those of the FEW commonest colours, and of the very commonest."""
    high, low = image[: len(image) // 8 * 8, : image.shape[1] // 8 * 8], np.ones((BLOCK_PX, BLOCK_PX), np.uint8)
    if not high.size:
        return 0.0, 0.0, 0.0
    spread = cv2.subtract(cv2.dilate(high, low, anchor=(0, 0)), cv2.erode(high, low, anchor=(0, 0)))
    flat = np.all(spread[::BLOCK_PX, ::BLOCK_PX] <= EVEN, axis=2)
    colours = high[::BLOCK_PX, ::BLOCK_PX][flat].astype(np.uint32) @ np.array([1, 1 << 8, 1 << 16], np.uint32)
    counts = np.sort(np.unique(colours, return_counts=True)[1])[::-1]
    return float(np.mean(flat)), float(counts[:FEW].sum() / flat.size), float(counts[:1].sum() / flat.size)


def torn_share(luminance: Gray) -> float:
    """Return the longest run of textured rows that repeat as a share of the height.

    A transmission that breaks off leaves its last row, or strip of blocks, smeared down the picture.
    """
    texture = _row_means(cv2.absdiff(luminance[:, 1:], luminance[:, :-1]))
    longest = 0
    for strip in STRIPS:
        change = _row_means(cv2.absdiff(luminance[strip:], luminance[:-strip]))
        repeats = (change < ALIKE) & (change < SMOOTH * texture[strip:]) & (texture[strip:] > TEXTURED)
        ends = np.flatnonzero(np.concatenate([[True], ~repeats, [True]]))
        longest = max(longest, int(np.diff(ends).max()) - 1)
    return longest / len(luminance)


def unfilled_share(image: NDArray[np.uint8]) -> float:
    """Return the share of the height, from the bottom up, that one colour fills from the first row of a block on."""
    if np.ptp(image[-1], axis=0).max() > EVEN + 1:
        return 0.0
    lightest, darkest = cv2.reduce(image, 1, cv2.REDUCE_MAX)[:, 0], cv2.reduce(image, 1, cv2.REDUCE_MIN)[:, 0]
    even = np.all(cv2.subtract(lightest, darkest) <= EVEN + 1, axis=1)
    same = np.all(cv2.absdiff(darkest, np.broadcast_to(darkest[-1], darkest.shape).copy()) <= EVEN, axis=1)
    other = np.flatnonzero(~(even & same))
    begins = int(other[-1]) + 1 if len(other) else 0
    return (len(image) - begins) / len(image) if begins % BLOCK_PX <= 1 else 0.0


def shifted_row(luminance: Gray, first: int, last: int, least: float) -> int:
    """Return the first row of blocks, between two rows, that along most of its width is lighter or darker; -1 for none.

    A flipped bit shifts the brightness of every block that is decoded after it.
    """
    rows = np.arange(-(-first // BLOCK_PX) * BLOCK_PX, last, BLOCK_PX)
    rows = rows[(rows > BLOCK_PX) & (rows < len(luminance) - BLOCK_PX)]
    steps = _steps(luminance, rows)
    for at in np.flatnonzero(steps > least):
        around = _steps(luminance, rows[at] + np.array([-4, -3, 3, 4]))
        if steps[at] - around.max() > least:
            return int(rows[at])
    return -1


def level(luminance: Gray, share: float) -> float:
    """Return the luminance, 0..255, that a share of the pixels do not exceed."""
    counts = np.cumsum(np.bincount(luminance.ravel(), minlength=256))
    return float(np.searchsorted(counts, share * counts[-1]))


def brightest(luminance: Gray) -> float:
    """Return the luminance, 0..255, of the brightest cell of the grid CELLS."""
    return float(cv2.resize(luminance, CELLS, interpolation=cv2.INTER_AREA).max())


def _steps(luminance: Gray, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how much lighter or darker rows are than those above them, in levels, in the median of their width."""
    return np.asarray(np.abs(np.median(luminance[rows].astype(np.int16) - luminance[rows - 1], axis=1)))


def _row_means(values: Gray) -> NDArray[np.float32]:
    """Return the mean of each row."""
    return np.asarray(cv2.reduce(values, 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F), dtype=np.float32)[:, 0]
