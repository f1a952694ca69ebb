"""Draw the stills of cameras that do not exist, sound and faulty: real JPEGs, each camera and each capture its own."""

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
QUALITY = 82
"""JPEG quality at which a still of 352 x 288 pixels takes about 15 kB, as London's do."""
DRAWN_PX = 640
"""A wider picture is drawn this wide and enlarged: it shows no more, as many a camera's does not."""


def still(camera: int, capture: int, size: tuple[int, int], words: str = "") -> bytes:
    """Return a street with traffic as JPEG bytes.

    Args:
        camera: Which street: its houses, its light and where its road leads.
        capture: Which moment: its vehicles and the noise of its sensor.
        size: Width and height, pixels.
        words: Written along the upper edge, as an operator does.
    """
    return _encoded(_street(camera, capture, size, words))


def _street(camera: int, capture: int, size: tuple[int, int], words: str) -> Image:
    """Draw one street at one moment."""
    least = min(1.0, DRAWN_PX / size[0])
    width, height = round(size[0] * least), round(size[1] * least)
    image = np.empty((height, width, 3), np.uint8)
    place, moment = np.random.default_rng(camera), np.random.default_rng([camera, capture])
    horizon = round(height * place.uniform(0.3, 0.45))
    image[:] = place.integers(120, 220, 3)
    slope = round(height * place.uniform(0.05, 0.1))  # no lens hangs level: a straight edge would be a damaged file's
    ground = [(0, horizon - slope), (width, horizon + slope), (width, height), (0, height)]
    cv2.fillConvexPoly(image, np.array(ground), place.integers(60, 120, 3).tolist())
    for left in range(0, width, max(1, width // 7)):
        top = round(horizon * place.uniform(0.2, 0.9))
        foot = horizon + round(slope * (2 * left / width - 1)) + int(place.integers(2, 18))
        cv2.rectangle(image, (left, top), (left + width // 8, foot), place.integers(40, 200, 3).tolist(), -1)
    far, near = round(width * place.uniform(0.3, 0.7)), round(width * place.uniform(0.3, 0.7))
    road = [(far - 8, horizon), (far + 8, horizon), (near + width // 3, height), (near - width // 3, height)]
    cv2.fillConvexPoly(image, np.array(road), (95, 95, 95))
    cv2.line(image, (far, horizon), (near, height), (210, 210, 210), 1, cv2.LINE_AA)
    for along, aside in moment.uniform(0.15, 0.95, (moment.integers(2, 8), 2)):
        x, y = far + (near - far) * along + width / 4 * (aside - 0.5) * along, horizon + (height - horizon) * along
        half = max(2.0, width / 16 * along)
        corner, other = (round(x - half), round(y - half)), (round(x + half), round(y + half / 2))
        cv2.rectangle(image, corner, other, moment.integers(20, 240, 3).tolist(), -1)
    down, right = moment.integers(0, 97, 2)
    noisy = cv2.add(image, _noise()[down : down + height, right : right + width], dtype=cv2.CV_8U)
    whole = cv2.resize(noisy, size, interpolation=cv2.INTER_LINEAR) if least < 1.0 else noisy
    if words:
        whole[:16] = 0
        cv2.putText(whole, words, (4, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (255, 255, 255), 1, cv2.LINE_AA)
    return np.asarray(whole, dtype=np.uint8)


@lru_cache(maxsize=1)
def _noise() -> NDArray[np.int16]:
    """Return what a sensor adds, larger than any picture that is drawn."""
    return np.random.default_rng(7).normal(0.0, 7.0, (700, 740, 3)).astype(np.int16)


def _encoded(image: Image) -> bytes:
    """Return a picture as JPEG bytes."""
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()


def _card(_camera: int, _capture: int, size: tuple[int, int]) -> bytes:
    """Return the card that an operator shows instead of a camera."""
    card = np.full((size[1], size[0], 3), (112, 74, 32), np.uint8)
    at = (size[0] // 8, size[1] // 2)
    cv2.putText(card, "CAMERA UNAVAILABLE", at, cv2.FONT_HERSHEY_SIMPLEX, size[0] / 560, (240, 240, 240), 1)
    return _encoded(card)


def _dark(camera: int, capture: int, size: tuple[int, int]) -> bytes:
    """Return a street without a lamp."""
    return _encoded(_street(camera, capture, size, "") // 12)


def _torn(camera: int, capture: int, size: tuple[int, int]) -> bytes:
    """Return a street whose transmission broke off half way: its last row goes on down."""
    image = _street(camera, capture, size, "")
    image[size[1] // 2 :] = image[size[1] // 2]
    return _encoded(image)


def _cut(camera: int, capture: int, size: tuple[int, int]) -> bytes:
    """Return half the file."""
    whole = still(camera, capture, size)
    return whole[: len(whole) // 2]


def _lies(camera: int, capture: int, size: tuple[int, int]) -> bytes:
    """Return a file whose header claims 60,000 x 60,000 pixels."""
    whole = still(camera, capture, size)
    at = whole.index(b"\xff\xc0") + 5
    return whole[:at] + b"\xea\x60\xea\x60" + whole[at + 4 :]


def _tiny(_camera: int, _capture: int, _size: tuple[int, int]) -> bytes:
    """Return a picture of one pixel."""
    return _encoded(np.zeros((1, 1, 3), np.uint8))


def _frozen(camera: int, _capture: int, size: tuple[int, int]) -> bytes:
    """Return the one picture that a camera shows for ever."""
    return still(camera, 0, size)


FAULTY: dict[str, Callable[[int, int, tuple[int, int]], bytes]] = {
    "card": _card, "dark": _dark, "torn": _torn, "cut": _cut, "lies": _lies, "tiny": _tiny, "frozen": _frozen,
}  # fmt: skip
"""Pictures that come whole and show nothing, or cannot be looked at."""
