"""Tell whether a camera has turned: compare what stands still in its picture with its usual view.

A view is the direction of brightness edges on a coarse grid, each weighed by the edges around it, so that noon and
night look alike and vehicles, being few, hardly count.
"""

import hashlib
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames.pictures import Gray

View = NDArray[np.float16]
WIDTH, HEIGHT = 64, 44
"""Cells of a view."""
AROUND = 9
"""Cells on a side over which edges are weighed."""
NOISE = 8.0
"""Edges weaker than this, in levels, hardly count."""
LOOKED_AT = 31
"""Views that are compared with each other to find the usual one."""
SIGNS, SUMMED, FINE = 256, 128, 100
"""Signs in a signature, cells that each is taken of, and steps of a cell."""
STEADY = 0.7
"""Views of one heading are so like the next one in the median."""
FAINT = 0.5
"""A view with less than this share of the usual view's edges (fog, glare) does not tell whether it is another."""


def view(luminance: Gray) -> View:
    """Return a picture's edges: (2, 44, 64) float16, right and down, each -1..1."""
    coarse = cv2.resize(luminance, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32)
    right, down = cv2.Sobel(coarse, cv2.CV_32F, 1, 0), cv2.Sobel(coarse, cv2.CV_32F, 0, 1)
    weight = cv2.blur(cv2.magnitude(right, down), (AROUND, AROUND)) + NOISE
    return np.stack([right / weight, down / weight]).astype(np.float16)


def signature(each: View) -> bytes:
    """Return 256 signs of a view, 32 bytes: of two views, the share that differ is their angle over 180 degrees.

    Each sign is that of a sum of some cells, some of them turned round; sums of whole numbers, the same on every machine.

    Source: Charikar 2002, Similarity estimation techniques from rounding algorithms, STOC.
    """
    whole = np.round(each.astype(np.float32) * FINE).astype(np.int32).ravel()
    cells, turned = _chosen(whole.size)
    return np.packbits(np.sum(whole[cells] * turned, axis=1) > 0).tobytes()


@cache
def _chosen(size: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the cells that each sign sums, and 1 or -1 for each, (SIGNS, SUMMED); the same for ever."""
    drawn = np.frombuffer(hashlib.shake_256(b"views").digest(4 * SIGNS * SUMMED), "<u4").reshape(SIGNS, SUMMED)
    return ((drawn >> 1) % size).astype(np.int64), (drawn & 1).astype(np.int32) * 2 - 1


def moved(
    seen: list[View], least_likeness: float, sudden_likeness: float, least_run: int, least_views: int
) -> NDArray[np.bool_]:
    """Tell which of a camera's views, in order of time, are not its usual one.

    Args:
        seen: Views of one camera in one window.
        least_likeness: Cosine with the usual view below which a view is another, -1..1.
        sudden_likeness: It begins or ends with two views less alike than this, for light changes slowly; where it begins
            and ends so and is steady in between, this is the least likeness too.
        least_run: It must be another in this many views running.
        least_views: With fewer views nothing is told.

    Returns:
        (n,) True where the camera looks elsewhere.
    """
    if len(seen) < max(least_views, least_run):
        return np.zeros(len(seen), dtype=bool)
    usual = _usual([seen[n] for n in np.unique(np.linspace(0, len(seen) - 1, LOOKED_AT).astype(int))], least_likeness)
    strength = np.array([np.linalg.norm(each.astype(np.float32)) for each in seen])
    likeness = np.array([np.sum(each.astype(np.float32) * usual) for each in seen]) / np.maximum(strength, 1e-6)
    likeness /= max(float(np.linalg.norm(usual)), 1e-6)
    told = strength**2 > FAINT * np.sum(usual**2)
    next_ = np.array([likeness_of(one, other) for one, other in pairwise(seen)])
    other = np.zeros(len(seen), dtype=bool)
    for least, is_steady in ((least_likeness, False), (sudden_likeness, True)):
        for start, end in _runs(_long_runs((likeness < least) & told, least_run)):
            edges = [next_[at - 1] for at in (start, end) if 0 < at < len(seen)]
            sudden = [edge < sudden_likeness for edge in edges]
            steady = float(np.median(next_[start : end - 1])) > STEADY
            if all(sudden) and sudden and steady if is_steady else any(sudden):
                other[start:end] = True
    return other


def likeness_of(one: View, other: View) -> float:
    """Return the cosine of two views, -1..1."""
    a, b = one.astype(np.float32).ravel(), other.astype(np.float32).ravel()
    return float(a @ b / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-6))


def _usual(seen: list[View], least_likeness: float) -> NDArray[np.float32]:
    """Return the median of the largest group of views that resemble one of them."""
    flat = np.stack(seen).reshape(len(seen), -1).astype(np.float32)
    unit = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    alike = unit @ unit.T > 0.75 * least_likeness
    group = alike[int(np.argmax(alike.sum(axis=1)))]
    return np.asarray(np.median(np.ascontiguousarray(flat[group].T), axis=1), dtype=np.float32).reshape(seen[0].shape)


def _long_runs(flags: NDArray[np.bool_], least: int) -> NDArray[np.bool_]:
    """Keep only runs of at least `least` True."""
    kept = np.zeros(len(flags), dtype=bool)
    for start, end in _runs(flags):
        kept[start:end] = end - start >= least
    return kept


def _runs(flags: NDArray[np.bool_]) -> list[list[int]]:
    """Return the first number of each run of True, and the number after its last."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    pairs: list[list[int]] = edges.reshape(-1, 2).tolist()
    return pairs
