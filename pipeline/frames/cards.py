"""Learn placeholder cards across cameras: the same picture, name and clock apart, where several lenses should look."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

Thumb = NDArray[np.uint8]
ALIKE = 8
"""Levels in any channel by which cells of one card differ at most: it is coded again with another name on it."""
EDGE = 10
"""Levels between neighbouring cells above which they show something."""
LEAST_ALIKE, LEAST_SHOWING = 0.75, 0.6
"""Share of all cells, and of those that show something, that must be alike."""
LEAST_EDGES = 20
"""Cells that must show something: two dark pictures are alike without being a card."""


def everywhere(shown: Mapping[str, Iterable[str]], least: int) -> frozenset[str]:
    """Return the hashes of pictures that so many cameras show, each as often as it likes.

    Args:
        shown: Hashes of pictures by camera.
        least: Cameras.
    """
    counts: dict[str, int] = {}
    for hashes in shown.values():
        for each in set(hashes):
            counts[each] = counts.get(each, 0) + 1
    return frozenset(each for each, count in counts.items() if count >= least)


def learned(standing: Mapping[str, Mapping[str, Thumb]]) -> frozenset[str]:
    """Return the hashes of pictures that stand still at two cameras or more, alike but for names and clocks.

    No two lenses that work show one picture, and one alone that stands still is frozen.

    Args:
        standing: Thumbs of pictures that stood still, by camera and hash of their pixels.
    """
    found: set[str] = set()
    listed = [(camera, pixels, thumb) for camera, own in sorted(standing.items()) for pixels, thumb in own.items()]
    for n, (camera, pixels, thumb) in enumerate(listed):
        for other, others, beside in listed[n + 1 :]:
            if camera != other and (pixels == others or _alike(thumb, beside)):
                found |= {pixels, others}
    return frozenset(found)


def _alike(one: Thumb, other: Thumb) -> bool:
    """Tell whether two thumbs, (h, w, 3), show one card."""
    same = np.abs(one.astype(np.int16) - other).max(axis=2) <= ALIKE
    showing = _shows(one) | _shows(other)
    if showing.sum() < LEAST_EDGES:
        return False
    return bool(same.mean() >= LEAST_ALIKE and same[showing].mean() >= LEAST_SHOWING)


def _shows(thumb: Thumb) -> NDArray[np.bool_]:
    """Tell which cells differ from the next one across or down."""
    wide = thumb.astype(np.int16)
    across = np.abs(np.diff(wide, axis=1, append=wide[:, -1:])).max(axis=2)
    down = np.abs(np.diff(wide, axis=0, append=wide[-1:])).max(axis=2)
    return np.asarray(np.maximum(across, down) > EDGE)
