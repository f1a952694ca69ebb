"""Faults planted in real pictures for `benchmarks.frames`, and sound pictures that look like faults.

A plant takes a camera's pictures in order and gives what the camera would have sent, each with the state it deserves;
None where that is a matter of taste. Everything is drawn from the given generator alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

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


Plant = Callable[[Clip, Random], list[Shot]]


def coded(image: Image, quality: int = 80, *more: int) -> bytes:
    """Code a picture as a JPEG."""
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality, *more])[1].tobytes()


def _sound(clip: Clip) -> list[Shot]:
    """Give the pictures as they were."""
    return [Shot(raw) for raw in clip.raws]


def _within(clip: Clip, state: str | None, show: Callable[[int], bytes], **more: float) -> list[Shot]:
    """Show something else in the middle third."""
    return [Shot(show(n), state, **more) if n in clip.span else shot for n, shot in enumerate(_sound(clip))]  # type: ignore[arg-type]


def _drawn(clip: Clip, state: str | None, draw: Callable[[int, Image], Image]) -> list[Shot]:
    """Draw on all pictures of the middle third."""
    return _within(clip, state, lambda n: coded(draw(n, clip.images[n])))


def untouched(clip: Clip, random: Random) -> list[Shot]:
    """Plant nothing."""
    del random
    return _sound(clip)


# frozen


def _held(clip: Clip, show: Callable[[int, Image], bytes], *, told: bool = True) -> list[Shot]:
    """Show the first picture of the middle third through all of it; the first time it is new."""
    first = clip.span[0]
    shots = _within(clip, "frozen", lambda n: show(n, clip.images[first]))
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


# stale


def stale(clip: Clip, random: Random) -> list[Shot]:
    """Send pictures that are new to us and hours old."""
    late_s = float(random.uniform(1800, 6 * 3600))
    return _within(clip, "stale", lambda n: clip.raws[n], late_s=late_s)


# placeholders


def placeholder_text(clip: Clip, random: Random) -> list[Shot]:
    """Show a flat card that names the camera, under a running clock."""
    colour = random.integers(0, 200, 3).tolist()
    height, width = clip.images[0].shape[:2]
    card = np.full((height, width, 3), colour, np.uint8)
    for line, text in enumerate((f"Camera {clip.camera}", "is in use to keep", "traffic moving")):
        cv2.putText(
            card, text, (width // 12, height * (4 + line) // 9), FONT, height / 300, (255, 255, 255), 2, cv2.LINE_AA
        )
    return _within(clip, "placeholder", lambda n: coded(clocked(card, n)))


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
    return _within(clip, "placeholder", lambda n: coded(clocked(card, n) if clock else card))


def placeholder_logo(clip: Clip, random: Random) -> list[Shot]:
    """Show an emblem on a soft ground, with nothing that moves."""
    del random
    height, width = clip.images[0].shape[:2]
    ground = np.add.outer(np.linspace(20, 120, height), np.linspace(0, 90, width))
    card = np.repeat(ground[:, :, None], 3, axis=2).astype(np.uint8)
    cv2.circle(card, (width // 2, height // 2), height // 4, (220, 220, 220), height // 20)
    cv2.putText(card, "NO IMAGE", (width // 4, height * 7 // 8), FONT, height / 240, (255, 255, 255), 2, cv2.LINE_AA)
    return _within(clip, "placeholder", lambda _: coded(card))


def placeholder_bars(clip: Clip, random: Random) -> list[Shot]:
    """Show colour bars."""
    height, width = clip.images[0].shape[:2]
    bars = cv2.resize(
        random.integers(60, 255, (1, 8, 3)).astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST
    )
    return _within(clip, "placeholder", lambda n: coded(clocked(bars, n)))


# dark


def _night(clip: Clip, random: Random, level: float, noise: float) -> Image:
    """Draw a picture of nothing: a dark tint, and the sensor's noise."""
    tint = level * random.uniform(0.6, 1.0, 3)
    return np.clip(tint + random.normal(0, noise, clip.images[0].shape), 0, 255).astype(np.uint8)


def dark_covered(clip: Clip, random: Random, *, noise: float) -> list[Shot]:
    """Cover the lens."""
    return _drawn(clip, "dark", lambda n, _: clocked(_night(clip, random, 14, noise), n))


def dark_closed(clip: Clip, random: Random) -> list[Shot]:
    """Close the iris: the scene at a twentieth of its light."""
    return _drawn(
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

    return _drawn(clip, "ok", draw)


def still_night(clip: Clip, random: Random, *, noise: float, quality: int) -> list[Shot]:
    """Leave the street empty at night, with the sensor's noise, coded harshly."""
    empty = np.median(np.stack(clip.images[::2]), axis=0) * 0.45

    def show(_: int) -> bytes:
        return coded(np.clip(empty + random.normal(0, noise, empty.shape), 0, 255).astype(np.uint8), quality)

    return [Shot(show(n)) for n in range(len(clip.raws))]


# moved


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
    begins, shots = clip.span[-1] + 1, _sound(clip)
    other = [cv2.resize(image, (width, height)) for image in clip.other]
    return shots[:begins] + [Shot(coded(other[n % len(other)]), "moved") for n in range(begins, len(shots))]


def truck(clip: Clip, random: Random) -> list[Shot]:
    """Hide three quarters of the view behind a truck for three pictures."""
    shots, begins = _sound(clip), int(random.integers(5, len(clip.raws) - 5))
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

    return _drawn(clip, "ok", draw)


def headlights(clip: Clip, random: Random) -> list[Shot]:
    """Shine headlights into a dark street's lens, elsewhere in each picture."""

    def draw(_: int, image: Image) -> Image:
        shine = np.zeros(image.shape, np.float32)
        for x, y in random.uniform(0.2, 0.8, (int(random.integers(1, 5)), 2)) * image.shape[1::-1]:
            cv2.circle(shine, (int(x), int(y)), image.shape[1] // 50, (250, 250, 250), -1)
        shine += 2 * cv2.GaussianBlur(shine, (0, 0), image.shape[1] / 12)
        return np.clip(0.5 * image + shine, 0, 255).astype(np.uint8)

    return _drawn(clip, "ok", draw)


def gray(clip: Clip, random: Random) -> list[Shot]:
    """Send no colour: a camera by night."""
    del random
    return _drawn(
        clip, "ok", lambda _, image: np.repeat(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[:, :, None], 3, axis=2)
    )


# broken


def torn(clip: Clip, random: Random) -> list[Shot]:
    """Repeat the last row that came down the rest of the picture."""

    def draw(_: int, image: Image) -> Image:
        at = int(random.uniform(0.2, 0.7) * len(image))
        return np.concatenate([image[:at], np.repeat(image[at : at + 1], len(image) - at, axis=0)])

    return _drawn(clip, "broken", draw)


def smeared(clip: Clip, random: Random) -> list[Shot]:
    """Repeat a strip of 16 rows down the rest of the picture, as a decoder that conceals does."""

    def draw(_: int, image: Image) -> Image:
        at = int(random.uniform(0.2, 0.6) * len(image)) // 16 * 16
        strips = -(-(len(image) - at) // 16)
        return np.concatenate([image[:at], np.tile(image[at : at + 16], (strips, 1, 1))])[: len(image)]

    return _drawn(clip, "broken", draw)


def half(clip: Clip, random: Random, *, fill: tuple[int, int, int]) -> list[Shot]:
    """Fill what did not come with one colour, whole blocks, as decoders do."""

    def draw(_: int, image: Image) -> Image:
        at = int(random.uniform(0.25, 0.7) * len(image)) // 16 * 16
        filled = image.copy()
        filled[at + 16 :] = fill
        filled[at : at + 16, int(random.uniform(0, 1) * image.shape[1]) // 16 * 16 :] = fill
        return filled

    return _drawn(clip, "broken", draw)


def truncated(clip: Clip, random: Random) -> list[Shot]:
    """Cut the file off."""
    return _within(clip, "broken", lambda n: clip.raws[n][: int(random.uniform(0.05, 0.97) * len(clip.raws[n]))])


def closed_early(clip: Clip, random: Random) -> list[Shot]:
    """Cut the file off, and end it as if it were whole."""
    return _within(
        clip, "broken", lambda n: clip.raws[n][: int(random.uniform(0.2, 0.8) * len(clip.raws[n]))] + b"\xff\xd9"
    )


def rotten(clip: Clip, random: Random) -> list[Shot]:
    """Flip a bit of the coded picture; what nobody can see is a matter of taste."""

    def spoilt(n: int) -> Shot:
        raw = bytearray(clip.raws[n])
        raw[int(random.uniform(0.2, 0.8) * len(raw))] ^= 1 << int(random.integers(8))
        seen = cv2.imdecode(np.frombuffer(bytes(raw), np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        if seen is None or seen.shape != clip.images[n].shape:
            return Shot(bytes(raw), "broken")
        share = float(np.mean(cv2.absdiff(seen, clip.images[n]).max(axis=2) > 16))
        return Shot(bytes(raw), "broken" if share > 0.1 else None)

    return [spoilt(n) if n in clip.span else shot for n, shot in enumerate(_sound(clip))]


PLANTS: dict[str, Plant] = {
    "untouched": untouched,
    "frozen, same bytes": frozen_bytes,
    "frozen, time untold": partial(frozen_bytes, told=False),
    "frozen, other file": frozen_pixels,
    "frozen, clock on top": partial(frozen_clock, top=True),
    "frozen, clock below name": partial(frozen_clock, top=True, lines=2),
    "frozen, clock at bottom": partial(frozen_clock, top=False),
    "frozen, other quality": frozen_quality,
    "stale": stale,
    "card, flat, named, clock": placeholder_text,
    "card, emblem": placeholder_logo,
    "card, bars, clock": placeholder_bars,
    "card, photo": partial(placeholder_photo, clock=False, named=False),
    "card, photo, clock": partial(placeholder_photo, clock=True, named=False),
    "card, photo, named, clock": partial(placeholder_photo, clock=True, named=True),
    "dark, covered": partial(dark_covered, noise=2.0),
    "dark, covered, noisy": partial(dark_covered, noise=8.0),
    "dark, iris closed": dark_closed,
    "ok, one lamp": partial(lamp, size=0.02),
    "ok, one far lamp": partial(lamp, size=0.008),
    "ok, empty night": partial(still_night, noise=3.0, quality=75),
    "ok, empty night, harsh": partial(still_night, noise=1.5, quality=30),
    "moved by 5 %": partial(moved, right=0.05),
    "moved by 10 %": partial(moved, right=0.10),
    "moved by 25 %": partial(moved, right=0.25),
    "moved down by 10 %": partial(moved, down=0.10),
    "moved, zoomed by 1.15": partial(moved, share=1.0, to=0.87),
    "moved, zoomed by 1.4": partial(moved, share=1.0, to=0.7),
    "moved, another place": replaced,
    "ok, wind": nudged,
    "ok, truck": truck,
    "ok, fog": fog,
    "ok, dusk": dusk,
    "ok, rain": rain,
    "ok, headlights": headlights,
    "ok, gray": gray,
    "broken, torn": torn,
    "broken, smeared": smeared,
    "broken, rest gray": partial(half, fill=(128, 128, 128)),
    "broken, rest black": partial(half, fill=(0, 0, 0)),
    "broken, rest green": partial(half, fill=(0, 135, 0)),
    "broken, cut off": truncated,
    "broken, cut off and closed": closed_early,
    "broken, a bit flipped": rotten,
}
"""Every plant by name: first the state it deserves, or `ok` for what only looks like a fault."""
