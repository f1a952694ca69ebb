"""Plant faults in the demo city's feed, as data: which camera, from which second to which, what is wrong."""

from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.feeds.demo.canvas import Image
from pipeline.feeds.demo.city import HEIGHT_PX, WIDTH_PX


@dataclass(frozen=True)
class Fault:
    """Something wrong with one camera for a while."""

    native_id: str
    from_s: float
    """Seconds after the night's start, included."""
    to_s: float
    """Seconds after the night's start, excluded."""
    kind: str
    """`frozen`, `placeholder`, `dark`, `missed`, or `broken` by way of `truncated`, `empty` or `garbage`."""
    way: str = ""


FAULTS = (
    Fault("104", 302, 482, "frozen"),
    Fault("107", 620, 800, "placeholder"),
    Fault("108", 880, 1010, "dark"),
    Fault("102", 250, 252, "broken", "truncated"),
    Fault("102", 714, 716, "broken", "garbage"),
    Fault("105", 96, 98, "broken", "truncated"),
    Fault("105", 1002, 1004, "broken", "empty"),
    Fault("101", 150, 152, "missed"),
    Fault("101", 540, 546, "missed"),
    Fault("106", 78, 80, "missed"),
    Fault("106", 862, 870, "missed"),
)
"""A frozen picture is the one of the slot just before `from_s`, clock and all."""


def fault_at(native_id: str, second: float) -> Fault | None:
    """Return what is wrong with a camera at a second after the night's start."""
    found = [each for each in FAULTS if each.native_id == native_id and each.from_s <= second < each.to_s]
    return found[0] if found else None


def broken(jpeg: bytes, way: str) -> bytes:
    """Spoil a JPEG's bytes."""
    if way == "empty":
        return b""
    return jpeg[: len(jpeg) // 3] if way == "truncated" else b"\x00\x17<html>502 Bad Gateway</html>" + jpeg[200:900]


def placeholder() -> Image:
    """Return the card that an operator shows instead of a camera."""
    card = np.empty((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    card[:] = (112, 74, 32)
    for row, text in ((112, "CAMERA UNAVAILABLE"), (140, "Please try again later")):
        wide = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.6, 1)[0][0]
        at = ((WIDTH_PX - wide) // 2, row)
        cv2.putText(card, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.6, (240, 240, 240), 1, cv2.LINE_AA)
    return card
