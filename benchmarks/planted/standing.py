"""Cameras that stand still or tell old times, and cards in place of their pictures."""

from collections.abc import Callable

import cv2
import numpy as np

from benchmarks.planted.clips import FONT, PROGRESSIVE, Clip, Image, Random, Shot, clocked, coded, within


def _held(clip: Clip, show: Callable[[int, Image], bytes], *, told: bool = True) -> list[Shot]:
    """Show the first picture of the middle third through all of it; the first time it is new."""
    first = clip.span[0]
    shots = within(clip, "frozen", lambda n: show(n, clip.images[first]))
    return [Shot(shot.jpeg, "ok" if n == first else shot.state, told=told) for n, shot in enumerate(shots)]


def frozen_bytes(clip: Clip, random: Random, *, told: bool = True) -> list[Shot]:
    """Repeat the bytes."""
    del random
    return _held(clip, lambda *_: clip.raws[clip.span[0]], told=told)


def frozen_pixels(clip: Clip, random: Random) -> list[Shot]:
    """Repeat the pixels in files that differ: baseline and progressive."""
    del random
    return _held(clip, lambda n, image: coded(image, 80, *(PROGRESSIVE if n % 2 else ())))


def frozen_clock(clip: Clip, random: Random, *, top: bool, lines: int = 1) -> list[Shot]:
    """Repeat the picture under a clock that runs on."""
    del random

    def show(n: int, image: Image) -> bytes:
        return coded(clocked(image, n, top=top, lines=lines))

    return _held(clip, show)


def frozen_quality(clip: Clip, random: Random) -> list[Shot]:
    """Repeat the picture, coded at another quality each time."""
    return _held(clip, lambda _, image: coded(image, int(random.integers(60, 95))))


def stale(clip: Clip, random: Random) -> list[Shot]:
    """Send pictures that are new to us and hours old."""
    late_s = float(random.uniform(1800, 6 * 3600))
    return within(clip, "stale", lambda n: clip.raws[n], late_s=late_s)


def placeholder_text(clip: Clip, random: Random) -> list[Shot]:
    """Show a flat card that names the camera, under a running clock."""
    colour = random.integers(0, 200, 3).tolist()
    height, width = clip.images[0].shape[:2]
    card = np.full((height, width, 3), colour, np.uint8)
    for line, text in enumerate((f"Camera {clip.camera}", "is in use to keep", "traffic moving")):
        cv2.putText(
            card, text, (width // 12, height * (4 + line) // 9), FONT, height / 300, (255, 255, 255), 2, cv2.LINE_AA
        )
    return within(clip, "placeholder", lambda n: coded(clocked(card, n)))


def _photo() -> Image:
    """Draw a card like a photograph: a sky in steps, hills, a barrier with stripes, grain."""
    random, image = np.random.default_rng(77), np.zeros((480, 640, 3), np.float32)
    image[:] = np.linspace(230, 140, 480)[:, None, None] * np.array([1.0, 0.9, 0.8])
    ridge = 260 + 40 * np.sin(np.linspace(0, 9, 640)) + 15 * np.sin(np.linspace(0, 31, 640))
    image[np.arange(480)[:, None] > ridge] = (60, 90, 70)
    for stripe in range(-4, 16):
        corners = np.array(
            [(stripe * 60, 400), (stripe * 60 + 30, 400), (stripe * 60 + 60, 340), (stripe * 60 + 30, 340)]
        )
        cv2.fillPoly(image, [corners], (30, 120, 240) if stripe % 2 else (240, 240, 240))
    return np.clip(
        image + cv2.GaussianBlur(random.normal(0, 30, image.shape).astype(np.float32), (5, 5), 1.5), 0, 255
    ).astype(np.uint8)


def placeholder_photo(clip: Clip, random: Random, *, clock: bool, named: bool) -> list[Shot]:
    """Show a card like a photograph with a notice, by itself or with the camera's name and a running clock."""
    del random
    height, width = clip.images[0].shape[:2]
    card = cv2.resize(_photo(), (width, height), interpolation=cv2.INTER_AREA)
    for line, text in enumerate(("DOWN FOR", "CONSTRUCTION")):
        cv2.putText(
            card, text, (width // 6, height * (3 + line) // 8), FONT, height / 240, (255, 255, 255), 2, cv2.LINE_AA
        )
    if named:
        cv2.putText(
            card, f"CCTV {clip.camera}", (width // 8, height * 9 // 16), FONT, height / 300, (0, 0, 0), 2, cv2.LINE_AA
        )
    return within(clip, "placeholder", lambda n: coded(clocked(card, n) if clock else card))


def placeholder_logo(clip: Clip, random: Random) -> list[Shot]:
    """Show an emblem on a soft ground, with nothing that moves."""
    del random
    height, width = clip.images[0].shape[:2]
    ground = np.add.outer(np.linspace(20, 120, height), np.linspace(0, 90, width))
    card = np.repeat(ground[:, :, None], 3, axis=2).astype(np.uint8)
    cv2.circle(card, (width // 2, height // 2), height // 4, (220, 220, 220), height // 20)
    cv2.putText(card, "NO IMAGE", (width // 4, height * 7 // 8), FONT, height / 240, (255, 255, 255), 2, cv2.LINE_AA)
    return within(clip, "placeholder", lambda _: coded(card))


def placeholder_bars(clip: Clip, random: Random) -> list[Shot]:
    """Show colour bars."""
    height, width = clip.images[0].shape[:2]
    bars = cv2.resize(
        random.integers(60, 255, (1, 8, 3)).astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST
    )
    return within(clip, "placeholder", lambda n: coded(clocked(bars, n)))
