"""Loop over bands, tile by tile; the only module that knows numba."""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from pipeline.links.appearance import LEAST_EXCESS, RAREST, TAIL

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
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


@compiled
def _widened(half: np.uint16) -> np.float32:
    """Return a float16, given as its bits, as float32; by shift and scale, as not every processor can."""
    bits = np.uint32(half)
    size = np.uint32((bits & HALF_BITS) << np.uint32(13)).view(np.float32) * HALF_SCALE
    return -size if bits > HALF_BITS else size


@compiled
def widen(halves: NDArray[np.uint16], out: Vectors) -> None:
    """Write float16 as float32."""
    for i in range(len(halves)):
        out[i] = _widened(halves[i])


@compiled
def add_up(halves: NDArray[np.uint16], row: Ints, column: Ints, weight: Vectors, out: Vectors) -> None:
    """Add float16 vectors, each times its weight, to the rows they belong to."""
    for i in range(len(row)):
        for k in range(out.shape[1]):
            out[row[i], k] += weight[i] * _widened(halves[column[i], k])


@compiled
def marginals(
    query: Ints, gallery: Ints, odds: Floats, sweeps: int, settled: float, left: Floats, right: Floats, chance: Floats
) -> None:
    """Fill `chance`; `left` and `right` hold what the pairs of each query and each gallery add up to."""
    back = np.ones(len(odds))
    for _ in range(sweeps):
        left[:], right[:], worst = 0.0, 0.0, 0.0
        for i in range(len(odds)):
            left[query[i]] += odds[i] * back[i]
        for i in range(len(odds)):
            weight = odds[i] * back[i]
            chance[i] = odds[i] / (1.0 + max(left[query[i]] - weight, 0.0))
            right[gallery[i]] += chance[i]
        for i in range(len(odds)):
            last, back[i] = back[i], 1.0 / (1.0 + max(right[gallery[i]] - chance[i], 0.0))
            worst = max(worst, abs(back[i] - last))
        if worst < settled:
            break
    left[:] = 0.0
    for i in range(len(odds)):
        left[query[i]] += odds[i] * back[i]
    for i in range(len(odds)):
        chance[i] = odds[i] * back[i] / (1.0 + left[query[i]])


@compiled
def nearest(queries: Vectors, gallery: Vectors, first: Ints, last: Ints, row: Ints, product: Vectors) -> None:
    """Fill `row` and `product`, a tile of queries at a time."""
    tile, across, along = np.empty((TILE, TILE), np.float32), np.arange(TILE), np.arange(TILE)
    for start in range(0, len(first), TILE):
        top, stop = min(start, len(queries) - TILE), min(start + TILE, len(first))
        _count_from(across, top)
        opens, closes = _union(first, last, start, stop)
        for left in range(opens, closes, TILE):
            here = min(left, len(gallery) - TILE)
            _count_from(along, here)
            _products(queries, across, 0, gallery, along, 0, tile)
            for i in range(start, stop):
                for j in range(max(left, first[i]), min(left + TILE, last[i])):
                    if tile[i - top, j - here] > product[i, -1]:
                        _put(row, product, i, j, tile[i - top, j - here])


@compiled
def band(
    vectors: Vectors,
    query: Ints,
    first: Ints,
    last: Ints,
    arrival: Ints,
    out: Floats,
    back: Floats,
    cosine: Floats,
    rarity: Floats,
) -> None:
    """Fill `cosine` and `rarity`, a tile of queries at a time."""
    tile, count = np.empty((TILE, TILE), np.float32), 0
    place = np.empty(len(first), np.int64)
    for i in range(len(first)):
        place[i] = count - first[i]
        count += last[i] - first[i]
    for start in range(0, len(first), TILE):
        stop = min(start + TILE, len(first))
        opens, closes = _union(first, last, start, stop)
        for left in range(opens, closes, TILE):
            _products(vectors, query, start, vectors, arrival, left, tile)
            for i in range(start, stop):
                for j in range(max(left, first[i]), min(left + TILE, last[i])):
                    value = float(tile[i - start, j - left])
                    cosine[place[i] + j] = value
                    rarity[place[i] + j] = (_rarity(out, i, value) + _rarity(back, j, value)) / 2


@compiled
def _rarity(looks: Floats, i: int, cosine: float) -> float:
    """Return minus ln of the chance that an impostor is as alike: linear up to the edge, with an exponential tail beyond."""
    middle, edge, excess = looks[i, 0], looks[i, 1], looks[i, 2]
    if cosine < edge:
        nats = np.log(2.0) + (cosine - middle) / max(edge - middle, 1e-3) * np.log(0.5 / TAIL)
    else:
        nats = -np.log(TAIL) + (cosine - edge) / excess
    return float(min(max(nats, 0.0), RAREST) if nats == nats else nats)  # noqa: PLR0124 - NaN stays


@compiled
def looks(
    vectors: Vectors,
    rows: Ints,
    at_us: Ints,
    cohort: Ints,
    cohort_us: Ints,
    least_us: float,
    most_us: float,
    out: Floats,
) -> None:
    """Fill `out`, a tile of rows at a time."""
    tile, size = np.empty((TILE, TILE), np.float32), len(cohort_us)
    cosine, kept, scratch = np.empty((TILE, size + TILE)), np.empty(size), np.empty(size)
    for start in range(0, len(at_us), TILE):
        for left in range(0, size, TILE):
            _products(vectors, rows, start, vectors, cohort, left, tile)
            for i in range(TILE):
                for j in range(TILE):
                    # rounded, so that no median hangs on the last bit
                    cosine[i, left + j] = np.rint(float(tile[i, j]) * 1e5) / 1e5
        for i in range(start, min(start + TILE, len(at_us))):
            count = 0
            for j in range(size):
                gap_us = cohort_us[j] - at_us[i]
                if gap_us < least_us or gap_us > most_us:
                    kept[count] = cosine[i - start, j]
                    count += 1
            if count < 2.0 / TAIL:
                count = size
                kept[:] = cosine[i - start, :size]
            _measure(kept, count, scratch, out, i)


@compiled
def _measure(values: Floats, count: int, scratch: Floats, out: Floats, i: int) -> None:
    """Write the median of the first `count` values, the edge of their upper TAIL and the mean excess over it."""
    edge = _quantile(values, count, 1.0 - TAIL, scratch)
    total, over = 0.0, 0
    for j in range(count):
        if values[j] > edge:
            total, over = total + (values[j] - edge), over + 1
    out[i, 0], out[i, 1] = _quantile(values, count, 0.5, scratch), edge
    out[i, 2] = max(total / max(over, 1), LEAST_EXCESS)


@compiled
def _quantile(values: Floats, count: int, share: float, scratch: Floats) -> float:
    """Return a quantile, linear between its neighbours."""
    place = share * (count - 1)
    low = int(np.floor(place))
    for j in range(count):
        scratch[j] = values[j]
    one = _ranked(scratch, count, low)
    other = one
    if low + 1 < count:
        other = scratch[low + 1]
        for j in range(low + 2, count):
            other = min(other, scratch[j])
    return float(one + (other - one) * (place - low))


@compiled
def _ranked(values: Floats, count: int, rank: int) -> float:
    """Return the value of a rank, counted from 0, with none larger before it and none smaller behind it (Hoare, 1961)."""
    left, right = 0, count - 1
    while left < right:
        pivot, i, j = values[(left + right) >> 1], left, right
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i, j = i + 1, j - 1
        if rank <= j:
            right = j
        elif rank >= i:
            left = i
        else:
            break
    return float(values[rank])


@compiled
def _count_from(rows: Ints, first: int) -> None:
    """Number rows from the first on."""
    for i in range(len(rows)):
        rows[i] = first + i


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
def _products(x: Vectors, rows: Ints, i: int, y: Vectors, columns: Ints, j: int, tile: Vectors) -> None:
    """Compute the inner products of `rows[i:i+4]` of x and `columns[j:j+4]` of y: sixteen sums stay in registers."""
    i0, i1, i2, i3 = rows[i], rows[i + 1], rows[i + 2], rows[i + 3]
    j0, j1, j2, j3 = columns[j], columns[j + 1], columns[j + 2], columns[j + 3]
    none = np.float32(0)
    s00, s01, s02, s03, s10, s11, s12, s13 = none, none, none, none, none, none, none, none
    s20, s21, s22, s23, s30, s31, s32, s33 = none, none, none, none, none, none, none, none
    for k in range(x.shape[1]):
        a, b, c, d = x[i0, k], x[i1, k], x[i2, k], x[i3, k]
        e, f, g, h = y[j0, k], y[j1, k], y[j2, k], y[j3, k]
        s00, s01, s02, s03 = s00 + a * e, s01 + a * f, s02 + a * g, s03 + a * h
        s10, s11, s12, s13 = s10 + b * e, s11 + b * f, s12 + b * g, s13 + b * h
        s20, s21, s22, s23 = s20 + c * e, s21 + c * f, s22 + c * g, s23 + c * h
        s30, s31, s32, s33 = s30 + d * e, s31 + d * f, s32 + d * g, s33 + d * h
    tile[0, 0], tile[0, 1], tile[0, 2], tile[0, 3] = s00, s01, s02, s03
    tile[1, 0], tile[1, 1], tile[1, 2], tile[1, 3] = s10, s11, s12, s13
    tile[2, 0], tile[2, 1], tile[2, 2], tile[2, 3] = s20, s21, s22, s23
    tile[3, 0], tile[3, 1], tile[3, 2], tile[3, 3] = s30, s31, s32, s33
