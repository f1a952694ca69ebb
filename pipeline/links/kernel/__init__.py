"""Compare sightings inside their gates: compiled loops over the bands of a gallery sorted by camera and time.

Knows nothing of tables. Every cosine is computed by the same instructions in the same order wherever it stands and
whichever thread computes it, so a band cut in parts gives the same bits as the whole.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.links.kernel import loops
from pipeline.links.kernel.loops import TILE

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]
Pairwise = tuple[Floats, Floats]


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
        loops.nearest(_tiled(queries), _tiled(gallery), first, last, row, product)
    return row, product


def band(
    vectors: Vectors, query: Ints, first: Ints, last: Ints, arrival: Ints, looks: tuple[Floats, Floats]
) -> Pairwise:
    """Compare each departure of one way with the arrivals in its gate.

    Args:
        vectors: (n, d) unit rows, or zero rows.
        query: (m,) rows that leave.
        first: (m,) place in `arrival` at which each gate opens.
        last: (m,) place before which it closes.
        arrival: (a,) rows that arrive, in order of time.
        looks: (m, 3) and (a, 3) of `looks`, of those that leave and those that arrive.

    Returns:
        (c,) cosines, and (c,) how rare so much likeness is among impostors, the mean of both sides, nats; gate after gate.
    """
    count = int((last - first).sum())
    cosine, rarity = np.empty(count), np.empty(count)
    if count:
        loops.band(vectors, _padded(query), first, last, _padded(arrival), *looks, cosine, rarity)
    return cosine, rarity


def looks(
    vectors: Vectors, rows: Ints, at_us: Ints, cohort: Ints, cohort_us: Ints, gap_us: tuple[float, float]
) -> Floats:
    """Measure how alike each pass and its impostors are: those of the cohort that cannot be the same vehicle.

    Args:
        vectors: (n, d) unit rows.
        rows: (m,) whose impostors are looked at.
        at_us: (m,) when they were there.
        cohort: (k,) who may be impostors; where there is none nothing can be told, and all is NaN.
        cohort_us: (k,) when they were there.
        gap_us: Who comes so much later (negative: earlier) may be the same vehicle after all, and is left out where enough
            others remain.

    Returns:
        (m, 3) median of the cosines, the edge that the TAIL share exceeds, and the mean excess of those over the edge.
    """
    out = np.full((len(rows), 3), np.nan)
    if len(rows) and len(cohort):
        loops.looks(vectors, _padded(rows), at_us, _padded(cohort), cohort_us, *gap_us, out)
    return out


def add_up(vectors: NDArray[np.float16], row: Ints, column: Ints, weight: Vectors, sums: Vectors) -> None:
    """Add float16 vectors to sums, (n, d): `sums[row[i]]` gets `weight[i]` times `vectors[column[i]]`."""
    loops.add_up(np.ascontiguousarray(vectors).view(np.uint16), row, column, weight, sums)


def marginals(query: Ints, gallery: Ints, odds: Floats, sweeps: int, settled: float = 1e-9) -> Floats:
    """Pass messages between the rivals of each query and each gallery until they settle.

    Args:
        query: (c,) rows that leave.
        gallery: (c,) rows that arrive.
        odds: (c,) odds of each pair against "no link".
        sweeps: Sweeps at most.
        settled: Messages that change less are final.

    Returns:
        (c,) chances.
    """
    chance = np.empty(len(odds))
    sums = np.empty(int(query.max(initial=0)) + 1), np.empty(int(gallery.max(initial=0)) + 1)
    loops.marginals(query, gallery, odds, sweeps, settled, *sums, chance)
    return chance


def single(vectors: NDArray[Any]) -> Vectors:
    """Return float16 or float32 vectors as contiguous float32, exactly."""
    if vectors.dtype != np.float16:
        return np.ascontiguousarray(vectors, np.float32)
    out = np.empty(vectors.shape, np.float32)
    loops.widen(np.ascontiguousarray(vectors).view(np.uint16).ravel(), out.ravel())
    return out


def _padded(rows: Ints) -> Ints:
    """Repeat the last row until a tile can be read from any of them."""
    return np.concatenate([rows, np.repeat(rows[-1:], TILE - 1)])


def _tiled(vectors: NDArray[Any]) -> Vectors:
    """Return vectors as float32, with rows of zeros where there are fewer than a tile."""
    short = TILE - len(vectors)
    return single(
        np.concatenate([vectors, np.zeros((short, vectors.shape[1]), vectors.dtype)]) if short > 0 else vectors
    )
