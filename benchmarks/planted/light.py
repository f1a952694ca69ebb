"""Too little light, and night, weather and passers-by that only look like a fault."""

import cv2
import numpy as np

from benchmarks.planted.clips import Clip, Image, Random, Shot, clocked, coded, drawn, sound


def _night(clip: Clip, random: Random, level: float, noise: float) -> Image:
    """Draw a picture of nothing: a dark tint, and the sensor's noise."""
    tint = level * random.uniform(0.6, 1.0, 3)
    return np.clip(tint + random.normal(0, noise, clip.images[0].shape), 0, 255).astype(np.uint8)


def dark_covered(clip: Clip, random: Random, *, noise: float) -> list[Shot]:
    """Cover the lens."""
    return drawn(clip, "dark", lambda n, _: clocked(_night(clip, random, 14, noise), n))


def dark_closed(clip: Clip, random: Random) -> list[Shot]:
    """Close the iris: the scene at a twentieth of its light."""
    return drawn(
        clip, "dark", lambda _, image: np.clip(image * 0.05 + random.normal(4, 2, image.shape), 0, 255).astype(np.uint8)
    )


def lamp(clip: Clip, random: Random, *, size: float) -> list[Shot]:
    """Leave one lamp in the night, and its shine."""
    height, width = clip.images[0].shape[:2]
    middle = (int(random.uniform(0.2, 0.8) * width), int(random.uniform(0.3, 0.7) * height))

    def draw(_: int, __: Image) -> Image:
        shine = np.zeros((height, width, 3), np.float32)
        cv2.circle(shine, middle, max(2, round(size * width)), (200, 230, 250), -1)
        shine = np.maximum(shine, 0.5 * cv2.GaussianBlur(shine, (0, 0), size * width * 2))
        return np.clip(shine + _night(clip, random, 12, 2), 0, 255).astype(np.uint8)

    return drawn(clip, "ok", draw)


def still_night(clip: Clip, random: Random, *, noise: float, quality: int) -> list[Shot]:
    """Leave the street empty at night, with the sensor's noise, coded harshly."""
    empty = np.median(np.stack(clip.images[::2]), axis=0) * 0.45

    def show(_: int) -> bytes:
        return coded(np.clip(empty + random.normal(0, noise, empty.shape), 0, 255).astype(np.uint8), quality)

    return [Shot(show(n)) for n in range(len(clip.raws))]


def truck(clip: Clip, random: Random) -> list[Shot]:
    """Hide three quarters of the view behind a truck for three pictures."""
    shots, begins = sound(clip), int(random.integers(5, len(clip.raws) - 5))
    for n in range(begins, begins + 3):
        image = clip.images[n].copy()
        side = cv2.resize(clip.other[n % len(clip.other)], image.shape[1::-1])
        image[:, image.shape[1] // 8 : image.shape[1] * 7 // 8] = cv2.GaussianBlur(side, (0, 0), 6)[
            :, image.shape[1] // 8 : image.shape[1] * 7 // 8
        ]
        shots[n] = Shot(coded(image))
    return shots


def fog(clip: Clip, random: Random) -> list[Shot]:
    """Let fog come and go: contrast down to a twelfth."""
    del random
    thick = np.sin(np.linspace(0, np.pi, len(clip.images)))
    return [
        Shot(coded(cv2.addWeighted(image, 1 - 0.92 * share, np.full_like(image, 190), 0.92 * share, 0)))
        for share, image in zip(thick, clip.images, strict=True)
    ]


def dusk(clip: Clip, random: Random) -> list[Shot]:
    """Let the light go down to a fifth, with the noise that a sensor then has."""
    light = np.linspace(1, 0.2, len(clip.images))
    return [
        Shot(coded(np.clip(image * share + random.normal(0, 6 * (1 - share), image.shape), 0, 255).astype(np.uint8)))
        for share, image in zip(light, clip.images, strict=True)
    ]


def rain(clip: Clip, random: Random) -> list[Shot]:
    """Draw drops on the lens and streaks, others in each picture."""

    def draw(_: int, image: Image) -> Image:
        image, size = image.copy(), image.shape[1] / 640
        for x, y in random.uniform(0, 1, (220, 2)) * image.shape[1::-1]:
            cv2.line(image, (int(x), int(y)), (int(x + 3 * size), int(y + 26 * size)), (200, 200, 200), 1, cv2.LINE_AA)
        return np.asarray(cv2.GaussianBlur(image, (0, 0), 1.5 * size), np.uint8)

    return drawn(clip, "ok", draw)


def headlights(clip: Clip, random: Random) -> list[Shot]:
    """Shine headlights into a dark street's lens, elsewhere in each picture."""

    def draw(_: int, image: Image) -> Image:
        shine = np.zeros(image.shape, np.float32)
        for x, y in random.uniform(0.2, 0.8, (int(random.integers(1, 5)), 2)) * image.shape[1::-1]:
            cv2.circle(shine, (int(x), int(y)), image.shape[1] // 50, (250, 250, 250), -1)
        shine += 2 * cv2.GaussianBlur(shine, (0, 0), image.shape[1] / 12)
        return np.clip(0.5 * image + shine, 0, 255).astype(np.uint8)

    return drawn(clip, "ok", draw)


def gray(clip: Clip, random: Random) -> list[Shot]:
    """Send no colour: a camera by night."""
    del random
    return drawn(clip, "ok", lambda _, image: np.repeat(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[:, :, None], 3, axis=2))
