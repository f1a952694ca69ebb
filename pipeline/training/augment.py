"""Do to a picture what cameras, weather and night do to it."""

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Boxes = NDArray[np.float32]
GREY = 114
"""Fill outside the picture, as in the detector's letterbox."""


def place(
    size: tuple[int, int], frame: tuple[int, int], largest: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw a 2x3 affine map from a picture of `size` (width, height) into `frame`: fit, zoom to at most `largest`, shift, mirror."""
    (width, height), (wide, high) = size, frame
    fit = min(wide / width, high / height)
    zoom = fit * np.exp(rng.uniform(np.log(0.8), np.log(largest)))
    aspect = np.exp(rng.uniform(-0.12, 0.12))
    scale = np.array([zoom * aspect, zoom / aspect])
    spare = np.array([wide, high]) - scale * [width, height]
    low, top = spare * rng.uniform(0.0, 1.0, 2)
    matrix = np.array([[scale[0], 0, low], [0, scale[1], top]])
    if rng.random() < 0.5:
        matrix[0] = [-matrix[0, 0], 0, wide - matrix[0, 2]]
    return matrix


def move(boxes: Boxes, matrix: NDArray[np.float64], frame: tuple[int, int]) -> tuple[Boxes, NDArray[np.float64]]:
    """Map xyxy boxes and cut them at the frame; also return the share of each that is left."""
    x = np.sort(boxes[:, [0, 2]] * matrix[0, 0] + matrix[0, 2], axis=1)
    y = np.sort(boxes[:, [1, 3]] * matrix[1, 1] + matrix[1, 2], axis=1)
    whole = np.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], axis=1)
    cut = whole.copy()
    cut[:, [0, 2]], cut[:, [1, 3]] = whole[:, [0, 2]].clip(0, frame[0]), whole[:, [1, 3]].clip(0, frame[1])
    return cut.astype(np.float32), _area(cut) / np.maximum(_area(whole), 1e-6)


def shift(points: NDArray[np.float32], matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """Map (n, 2) points."""
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2], np.float32)


def warp(image: Image, matrix: NDArray[np.float64], frame: tuple[int, int]) -> Image:
    """Draw the picture into the frame; area averaging where it shrinks much."""
    scale = abs(matrix[0, 0])
    if scale < 0.7:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        matrix = matrix / [scale, scale, 1.0]
    # OpenCV counts from the middle of the first pixel, boxes from its corner.
    matrix = matrix + [[0, 0, each] for each in (matrix[:, :2].sum(axis=1) - 1) / 2]
    grey = (GREY, GREY, GREY)
    return np.asarray(cv2.warpAffine(image, matrix, frame, flags=cv2.INTER_LINEAR, borderValue=grey), np.uint8)


def weather(image: Image, rng: np.random.Generator, strength: float = 1.0) -> Image:
    """Change light, colour, sharpness, noise and compression; `strength` 0..1 scales the odds."""
    image = _light(image, rng, strength)
    if rng.random() < 0.3 * strength:
        image = _blur(image, rng)
    if rng.random() < 0.35 * strength:
        noise = rng.normal(0, rng.uniform(2, 14), (*image.shape[:2], 1 if rng.random() < 0.5 else 3))
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.15 * strength:
        image = banner(image, rng)
    if rng.random() < 0.6 * strength:
        image = compress(image, int(rng.integers(18, 90)))
    return image


def compress(image: Image, quality: int) -> Image:
    """Encode and decode as JPEG of that quality, 1..100."""
    coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


def banner(image: Image, rng: np.random.Generator) -> Image:
    """Burn a line of text into the picture, on a bar or not, as operators do."""
    height, width = image.shape[:2]
    image = image.copy()
    y = int(rng.choice([rng.integers(10, 30), rng.integers(height - 20, height - 2)]))
    if rng.random() < 0.5:
        cv2.rectangle(image, (0, y - 12), (width, y + 4), [int(c) for c in rng.integers(0, 256, 3)], -1)
    text = "".join(chr(c) for c in rng.integers(48, 91, int(rng.integers(6, 30))))
    cv2.putText(image, text, (int(rng.integers(0, width // 2)), y), int(rng.integers(0, 5)), rng.uniform(0.3, 0.6),
                [int(c) for c in rng.integers(0, 256, 3)], 1, cv2.LINE_AA)  # fmt: skip
    return image


def _light(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """Gamma, contrast, brightness, colour cast, grey, haze and night, by one table per channel."""
    tone = np.linspace(0, 1, 256)[:, None].repeat(3, axis=1)
    if rng.random() < 0.7 * strength:
        gamma = np.exp(rng.uniform(-0.5, 0.5))
        tone = (tone**gamma - 0.5) * rng.uniform(0.65, 1.35) + 0.5 + rng.uniform(-0.15, 0.15)
    if rng.random() < 0.3 * strength:
        tone = tone * rng.uniform(0.85, 1.15, 3)
    if rng.random() < 0.12 * strength:
        tone = np.clip(tone, 0, 1) ** rng.uniform(1.2, 2.2) * rng.uniform(0.35, 0.8)
    if rng.random() < 0.08 * strength:
        veil = rng.uniform(0.2, 0.55)
        tone = tone * (1 - veil) + veil * rng.uniform(0.6, 0.95)
    table = np.clip(tone * 255, 0, 255).astype(np.uint8)
    image = np.asarray(cv2.LUT(image, table[None]), np.uint8)
    if rng.random() < 0.25 * strength:
        grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        image = np.asarray(cv2.addWeighted(image, left := float(rng.choice([0.0, 0.5])), grey, 1 - left, 0), np.uint8)
    return image


def _blur(image: Image, rng: np.random.Generator) -> Image:
    """Out of focus, moving, or shrunk and blown up."""
    kind = rng.random()
    if kind < 0.4:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.3)), np.uint8)
    if kind < 0.6:
        kernel = np.zeros((5, 5), np.float32)
        kernel[2] = 0.2
        return np.asarray(cv2.filter2D(image, -1, kernel if rng.random() < 0.5 else kernel.T), np.uint8)
    height, width = image.shape[:2]
    small = cv2.resize(image, None, fx=(by := rng.uniform(0.55, 0.9)), fy=by, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _area(boxes: NDArray[np.floating]) -> NDArray[np.float64]:
    return (np.maximum(boxes[:, 2] - boxes[:, 0], 0) * np.maximum(boxes[:, 3] - boxes[:, 1], 0)).astype(np.float64)
