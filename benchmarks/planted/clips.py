"""What a camera really sent, and what it sends once a fault is planted."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Random = np.random.Generator
PROGRESSIVE = (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True)
class Clip:
    """What a camera really sent, in order of time."""

    camera: str
    raws: tuple[bytes, ...]
    images: tuple[Image, ...]
    other: tuple[Image, ...]
    """Pictures of another camera, of any size."""

    @property
    def span(self) -> range:
        """Numbers of the pictures that a fault is planted in: a third, from the second third on."""
        return range(len(self.raws) // 3, 2 * len(self.raws) // 3)


@dataclass(frozen=True)
class Shot:
    """What a camera sends at one slot."""

    jpeg: bytes
    state: str | None = "ok"
    late_s: float = 0.0
    """Seconds between the capture that its feed tells and the slot."""
    told: bool = True
    """Whether the feed tells when it was taken."""


def coded(image: Image, quality: int = 80, *more: int) -> bytes:
    """Code a picture as a JPEG."""
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality, *more])[1].tobytes()


def sound(clip: Clip) -> list[Shot]:
    """Give the pictures as they were."""
    return [Shot(raw) for raw in clip.raws]


def within(clip: Clip, state: str | None, show: Callable[[int], bytes], **more: float) -> list[Shot]:
    """Show something else in the middle third."""
    return [Shot(show(n), state, **more) if n in clip.span else shot for n, shot in enumerate(sound(clip))]  # type: ignore[arg-type]


def drawn(clip: Clip, state: str | None, draw: Callable[[int, Image], Image]) -> list[Shot]:
    """Draw on all pictures of the middle third."""
    return within(clip, state, lambda n: coded(draw(n, clip.images[n])))


def clocked(image: Image, second: int, *, top: bool = True, lines: int = 1) -> Image:
    """Burn in a clock, on one line or below a name."""
    image, size = image.copy(), len(image) / 480
    high = round(28 * size)
    for line in range(lines):
        y = high * (line + 1) if top else len(image) - high * line - high // 4
        text = (
            f"Main St / 4th Av 2026-05-05 12:{second // 60:02d}:{second % 60:02d}"
            if line == lines - 1
            else "Cam 0815 D7"
        )
        box = ((0, y - high + high // 4), (image.shape[1] * 3 // 4, y + high // 4))
        cv2.rectangle(image, *box, (0, 0, 0), -1)
        cv2.putText(image, text, (4, y), FONT, 0.8 * size, (255, 255, 255), 1, cv2.LINE_AA)
    return image
