"""Cameras that look elsewhere, or are shaken."""

import cv2
import numpy as np

from benchmarks.planted.clips import Clip, Image, Random, Shot, clocked, coded, sound


def _cropped(image: Image, x: float, y: float, share: float) -> Image:
    """Look at a part of the picture, `share` of its sides, `x` and `y` of them from its corner."""
    height, width = image.shape[:2]
    left, top = round(x * width), round(y * height)
    part = image[top : top + round(share * height), left : left + round(share * width)]
    return np.asarray(
        cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA if share > 1 else cv2.INTER_LINEAR), np.uint8
    )


def moved(
    clip: Clip,
    random: Random,
    *,
    right: float = 0.0,
    down: float = 0.0,
    share: float | None = None,
    to: float | None = None,
) -> list[Shot]:
    """Turn or zoom the camera in the last third; every picture is cut from the camera's own, so all content is real.

    Args:
        clip: The camera's pictures.
        random: Tells the side it turns to.
        right: Share of the width that it turns by.
        down: Share of the height.
        share: Share of its picture's sides that it shows; all that turning leaves unless said.
        to: The same after zooming.
    """
    share = share or 1.0 - max(right, down)
    turned = random.random() < 0.5
    x, y = (right, down) if turned else (0.0, 0.0)
    x2, y2 = (0.0, 0.0) if turned else (right, down)
    begins, shots = clip.span[-1] + 1, []
    for n, image in enumerate(clip.images):
        late = n >= begins
        middle = (share - to) / 2 if to and late else 0.0
        view = _cropped(image, (x2 if late else x) + middle, (y2 if late else y) + middle, to if to and late else share)
        shots.append(Shot(coded(clocked(view, n)), "moved" if late else "ok"))
    return shots


def nudged(clip: Clip, random: Random) -> list[Shot]:
    """Let the wind shake the camera by a hundredth of the width."""
    return [Shot(coded(_cropped(image, *random.uniform(0, 0.01, 2), 0.98))) for image in clip.images]


def replaced(clip: Clip, random: Random) -> list[Shot]:
    """Show another camera's view in the last third."""
    del random
    height, width = clip.images[0].shape[:2]
    begins, shots = clip.span[-1] + 1, sound(clip)
    other = [cv2.resize(image, (width, height)) for image in clip.other]
    return shots[:begins] + [Shot(coded(other[n % len(other)]), "moved") for n in range(begins, len(shots))]
