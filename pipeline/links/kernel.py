"""Compare sightings inside their gates: compiled loops over the bands of a gallery sorted by camera and time.

Knows numba and nothing of tables. Every cosine is computed by the same instructions in the same order wherever it stands and
whichever thread computes it, so a band cut in parts gives the same bits as the whole.
"""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Vectors = NDArray[np.float32]
TILE = 4
"""Queries, and gallery rows, that are compared at once."""
LOOSE = frozenset({"reassoc", "contract", "nsz"})
"""Sums may be taken in any order, eight or sixteen at a time; nothing else may be assumed."""
HALF_BITS = np.uint32(0x7FFF)
"""Exponent and mantissa of a float16."""
HALF_SCALE = np.float32(2.0**112)
"""Between the exponents of float16 and float32."""


def compiled(function: Callable[..., Any]) -> Any:
    """Compile at the first call and keep the machine code beside the module, or for the user, or in this process alone."""
    options: dict[str, Any] = {"fastmath": set(LOOSE), "nogil": True}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # nowhere to write: a read-only install and no home
        return numba.njit(**options)(function)


def nearest(
    queries: NDArray[Any], gallery: NDArray[Any], first: Ints, last: Ints, most: int = 1
) -> tuple[Ints, Vectors]:
    """Find the rows of a gallery most alike to each query inside its gate.

    Args:
        queries: (q, d) float16 or float32; neighbours in time stand side by side, so that their gates overlap.
        gallery: (g, d) of the same type, sorted by camera and time.
        first: (q,) row of the gallery at which each gate opens.
        last: (q,) row before which it closes; no more than `first` where nobody is in it.
        most: Rows wanted of each query.

    Returns:
        (q, most) rows, -1 where the gate holds fewer, and (q, most) inner products, -inf there; best first, equals by row.

    Raises:
        ValueError: a gate reaches beyond the gallery, or lengths differ.
    """
    first, last = np.ascontiguousarray(first, np.int64), np.ascontiguousarray(last, np.int64)
    if not len(queries) == len(first) == len(last) or queries.shape[1:] != gallery.shape[1:]:
        raise ValueError(
            "nearest: queries, gates and gallery differ in length; give one gate a query and equal vectors"
        )
    filled = first < last
    if filled.any() and (first[filled].min() < 0 or last[filled].max() > len(gallery)):
        raise ValueError("nearest: a gate reaches beyond the gallery; sort the gallery before gates are looked up")
    row, product = np.full((len(queries), most), -1), np.full((len(queries), most), -np.inf, np.float32)
    if filled.any():
        _nearest(_tiled(queries), _tiled(gallery), first, last, row, product)
    return row, product


def single(vectors: NDArray[Any]) -> Vectors:
    """Return float16 or float32 vectors as contiguous float32, exactly."""
    if vectors.dtype != np.float16:
        return np.ascontiguousarray(vectors, np.float32)
    out = np.empty(vectors.shape, np.float32)
    _widen(np.ascontiguousarray(vectors).view(np.uint16).ravel(), out.ravel())
    return out


def _tiled(vectors: NDArray[Any]) -> Vectors:
    """Return vectors as float32, with rows of zeros where there are fewer than a tile."""
    short = TILE - len(vectors)
    return single(
        np.concatenate([vectors, np.zeros((short, vectors.shape[1]), vectors.dtype)]) if short > 0 else vectors
    )


@compiled
def _widen(halves: NDArray[np.uint16], out: Vectors) -> None:
    """Write float16, given as their bits, as float32; by shift and scale, as not every processor can."""
    for i in range(len(halves)):
        bits = np.uint32(halves[i])
        size = np.uint32((bits & HALF_BITS) << np.uint32(13)).view(np.float32) * HALF_SCALE
        out[i] = -size if bits > HALF_BITS else size


@compiled
def _nearest(queries: Vectors, gallery: Vectors, first: Ints, last: Ints, row: Ints, product: Vectors) -> None:
    """Fill `row` and `product`, a tile of queries at a time."""
    tile = np.empty((TILE, TILE), np.float32)
    for start in range(0, len(first), TILE):
        top, stop = min(start, len(queries) - TILE), min(start + TILE, len(first))
        opens, closes = _union(first, last, start, stop)
        for left in range(opens, closes, TILE):
            here = min(left, len(gallery) - TILE)
            _products(queries, top, gallery, here, tile)
            for i in range(start, stop):
                for j in range(max(left, first[i]), min(left + TILE, last[i])):
                    if tile[i - top, j - here] > product[i, -1]:
                        _put(row, product, i, j, tile[i - top, j - here])


@compiled
def _union(first: Ints, last: Ints, start: int, stop: int) -> tuple[int, int]:
    """Return the first and last row of the gallery that any query of a tile may meet."""
    opens, closes = 1 << 62, 0
    for i in range(start, stop):
        if first[i] < last[i]:
            opens, closes = min(opens, int(first[i])), max(closes, int(last[i]))
    return opens, closes


@compiled
def _put(row: Ints, product: Vectors, i: int, which: int, value: float) -> None:
    """Put one more into the list of query i, which is sorted by product, in place of the last."""
    place = row.shape[1] - 1
    while place > 0 and value > product[i, place - 1]:
        row[i, place], product[i, place] = row[i, place - 1], product[i, place - 1]
        place -= 1
    row[i, place], product[i, place] = which, value


@compiled
def _products(x: Vectors, i: int, y: Vectors, j: int, tile: Vectors) -> None:
    """Compute the inner products of rows i.. of x and rows j.. of y, four by four: sixteen sums stay in registers."""
    none = np.float32(0)
    s00, s01, s02, s03, s10, s11, s12, s13 = none, none, none, none, none, none, none, none
    s20, s21, s22, s23, s30, s31, s32, s33 = none, none, none, none, none, none, none, none
    for k in range(x.shape[1]):
        a, b, c, d = x[i, k], x[i + 1, k], x[i + 2, k], x[i + 3, k]
        e, f, g, h = y[j, k], y[j + 1, k], y[j + 2, k], y[j + 3, k]
        s00, s01, s02, s03 = s00 + a * e, s01 + a * f, s02 + a * g, s03 + a * h
        s10, s11, s12, s13 = s10 + b * e, s11 + b * f, s12 + b * g, s13 + b * h
        s20, s21, s22, s23 = s20 + c * e, s21 + c * f, s22 + c * g, s23 + c * h
        s30, s31, s32, s33 = s30 + d * e, s31 + d * f, s32 + d * g, s33 + d * h
    tile[0, 0], tile[0, 1], tile[0, 2], tile[0, 3] = s00, s01, s02, s03
    tile[1, 0], tile[1, 1], tile[1, 2], tile[1, 3] = s10, s11, s12, s13
    tile[2, 0], tile[2, 1], tile[2, 2], tile[2, 3] = s20, s21, s22, s23
    tile[3, 0], tile[3, 1], tile[3, 2], tile[3, 3] = s30, s31, s32, s33
