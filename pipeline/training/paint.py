"""Paint signs into pictures as operators do: arrows, words and logos in flat colours, which are no vehicles."""

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
COLOURS = ((255, 255, 255), (0, 255, 255), (0, 0, 255), (0, 200, 0), (255, 120, 0), (0, 0, 0))
"""BGR."""
ARROWS = (
    np.array([[0, -1], [0.7, 0.8], [0, 0.35], [-0.7, 0.8]]),
    np.array([[0, -1], [0.7, 0], [0.25, 0], [0.25, 1], [-0.25, 1], [-0.25, 0], [-0.7, 0]]),
)
"""Outlines, -1..1."""
SIZES_PX = (7.0, 34.0)
MOST = 4


def over(image: Image, rng: np.random.Generator) -> Image:
    """Return a picture with one to four signs painted over it."""
    image = image.copy()
    for _ in range(int(rng.integers(1, MOST + 1))):
        middle = rng.uniform(0, 1, 2) * image.shape[1::-1]
        size = float(np.exp(rng.uniform(*np.log(SIZES_PX))))
        colour = COLOURS[int(rng.integers(len(COLOURS)))]
        kind = (_arrow, _word, _logo)[int(rng.choice(3, p=[0.4, 0.35, 0.25]))]
        kind(image, middle, size, colour, rng)
    return image


def _arrow(
    image: Image, middle: NDArray[np.float64], size: float, colour: tuple[int, int, int], rng: np.random.Generator
) -> None:
    """Paint an arrow that points anywhere."""
    turn = rng.uniform(0, 2 * np.pi)
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    outline = ARROWS[int(rng.random() < 0.4)] @ spin.T * size / 2 * rng.uniform(0.8, 1.3) + middle
    points = [np.round(outline).astype(np.int32)]
    cv2.fillPoly(image, points, colour, cv2.LINE_AA)
    if rng.random() < 0.5:
        cv2.polylines(image, points, True, _edge(colour), 1, cv2.LINE_AA)


def _word(
    image: Image, middle: NDArray[np.float64], size: float, colour: tuple[int, int, int], rng: np.random.Generator
) -> None:
    """Paint a word, with an edge or without."""
    where, font, scale = (int(middle[0]), int(middle[1])), int(rng.integers(0, 5)), size / 26
    word = _letters(rng, 9)
    if rng.random() < 0.6:
        cv2.putText(image, word, where, font, scale, _edge(colour), 3, cv2.LINE_AA)
    cv2.putText(image, word, where, font, scale, colour, 1 + int(rng.random() < 0.4), cv2.LINE_AA)


def _logo(
    image: Image, middle: NDArray[np.float64], size: float, colour: tuple[int, int, int], rng: np.random.Generator
) -> None:
    """Paint a plate, with a word or without."""
    half = np.array([size * rng.uniform(1, 3.5), size]) / 2
    low, high = np.round(middle - half).astype(int).tolist(), np.round(middle + half).astype(int).tolist()
    if rng.random() < 0.5:
        cv2.rectangle(image, low, high, colour, -1)
    else:
        cv2.ellipse(image, np.round(middle).astype(int).tolist(), half.astype(int).tolist(), 0, 0, 360, colour, -1)
    if rng.random() < 0.7:
        where = (low[0] + 2, int(high[1] - size / 4))
        cv2.putText(image, _letters(rng, 5), where, 0, size / 40, _edge(colour), 1, cv2.LINE_AA)


def _edge(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return what stands out from a colour."""
    return (0, 0, 0) if sum(colour) else (255, 255, 255)


def _letters(rng: np.random.Generator, most: int) -> str:
    """Draw a word of fewer than `most` letters."""
    return "".join(chr(code) for code in rng.integers(65, 91, int(rng.integers(1, most))))
