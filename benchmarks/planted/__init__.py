"""Faults planted in real pictures for `benchmarks.frames`, and sound pictures that look like faults.

A plant takes a camera's pictures in order and gives what the camera would have sent, each with the state it deserves;
None where that is a matter of taste. Everything is drawn from the given generator alone.
"""

from collections.abc import Callable
from functools import partial

from benchmarks.planted import broken, light, standing, turned
from benchmarks.planted.clips import Clip, Random, Shot, sound

__all__ = ["PLANTS", "Clip", "Shot"]
Plant = Callable[[Clip, Random], list[Shot]]


def untouched(clip: Clip, random: Random) -> list[Shot]:
    """Plant nothing."""
    del random
    return sound(clip)


PLANTS: dict[str, Plant] = {
    "untouched": untouched,
    "frozen, same bytes": standing.frozen_bytes,
    "frozen, time untold": partial(standing.frozen_bytes, told=False),
    "frozen, other file": standing.frozen_pixels,
    "frozen, clock on top": partial(standing.frozen_clock, top=True),
    "frozen, clock below name": partial(standing.frozen_clock, top=True, lines=2),
    "frozen, clock at bottom": partial(standing.frozen_clock, top=False),
    "frozen, other quality": standing.frozen_quality,
    "stale": standing.stale,
    "card, flat, named, clock": standing.placeholder_text,
    "card, emblem": standing.placeholder_logo,
    "card, bars, clock": standing.placeholder_bars,
    "card, photo": partial(standing.placeholder_photo, clock=False, named=False),
    "card, photo, clock": partial(standing.placeholder_photo, clock=True, named=False),
    "card, photo, named, clock": partial(standing.placeholder_photo, clock=True, named=True),
    "dark, covered": partial(light.dark_covered, noise=2.0),
    "dark, covered, noisy": partial(light.dark_covered, noise=8.0),
    "dark, iris closed": light.dark_closed,
    "ok, one lamp": partial(light.lamp, size=0.02),
    "ok, one far lamp": partial(light.lamp, size=0.008),
    "ok, empty night": partial(light.still_night, noise=3.0, quality=75),
    "ok, empty night, harsh": partial(light.still_night, noise=1.5, quality=30),
    "moved by 5 %": partial(turned.moved, right=0.05),
    "moved by 10 %": partial(turned.moved, right=0.10),
    "moved by 25 %": partial(turned.moved, right=0.25),
    "moved down by 10 %": partial(turned.moved, down=0.10),
    "moved, zoomed by 1.15": partial(turned.moved, share=1.0, to=0.87),
    "moved, zoomed by 1.4": partial(turned.moved, share=1.0, to=0.7),
    "moved, another place": turned.replaced,
    "ok, wind": turned.nudged,
    "ok, truck": light.truck,
    "ok, fog": light.fog,
    "ok, dusk": light.dusk,
    "ok, rain": light.rain,
    "ok, headlights": light.headlights,
    "ok, gray": light.gray,
    "broken, torn": broken.torn,
    "broken, smeared": broken.smeared,
    "broken, rest gray": partial(broken.half, fill=(128, 128, 128)),
    "broken, rest black": partial(broken.half, fill=(0, 0, 0)),
    "broken, rest green": partial(broken.half, fill=(0, 135, 0)),
    "broken, cut off": broken.truncated,
    "broken, cut off and closed": broken.closed_early,
    "broken, a bit flipped": broken.rotten,
}
"""Every plant by name: first the state it deserves, or `ok` for what only looks like a fault."""
