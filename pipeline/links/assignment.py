"""Choose links so that each sighting has one at most on either side."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from pipeline.links.pairs import Pairs
from pipeline.links.settings import Settings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def one_to_one(pairs: Pairs, chance: Floats, settings: Settings) -> NDArray[np.bool_]:
    """Choose among the likely pairs those of the greatest total chance, each sighting once a side."""
    least = np.where(np.isfinite(pairs.rarity), settings.min_probability, settings.min_probability_unseen)
    likely = np.flatnonzero(chance >= least)
    chosen = np.zeros(len(chance), dtype=bool)
    _, left = np.unique(pairs.query[likely], return_inverse=True)
    _, right = np.unique(pairs.gallery[likely], return_inverse=True)
    sides = int(left.max(initial=-1)) + 1, int(right.max(initial=-1)) + 1
    graph = csr_array((np.ones(len(likely)), (left, right + sides[0])), shape=(sum(sides),) * 2)
    _, parts = connected_components(graph, directed=False)
    order = np.argsort(parts[left], kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(parts[left][order])) + 1):
        chosen[likely[rows[_assign(left[rows], right[rows], chance[likely[rows]])]]] = True
    return chosen


def runner_up(pairs: Pairs, chance: Floats) -> Floats:
    """Return for each pair the chance of the likeliest other pair of its query or its gallery, 0 where there is none.

    Pairs without a chance are nobody's rivals and have none.
    """
    out, alive = np.zeros(len(chance)), np.flatnonzero(chance > 0)
    for side in (pairs.query[alive], pairs.gallery[alive]):
        order = np.lexsort((-chance[alive], side))
        sorted_, first = side[order], np.diff(side[order], prepend=-1) != 0
        start = np.flatnonzero(first)[np.cumsum(first) - 1]
        rival = np.where(first, np.minimum(start + 1, max(len(order) - 1, 0)), start)
        there = sorted_[rival] == sorted_
        found = np.where(there & (rival != np.arange(len(order))), chance[alive[order[rival]]], 0.0)
        out[alive[order]] = np.maximum(out[alive[order]], found)
    return out


def _assign(left: Ints, right: Ints, chance: Floats) -> Ints:
    """Return the pairs of one component that make the greatest total chance one to one."""
    if len(left) < 2:
        return np.arange(len(left))
    _, row = np.unique(left, return_inverse=True)
    _, column = np.unique(right, return_inverse=True)
    gain = np.zeros((row.max() + 1, column.max() + 1))
    number = np.full(gain.shape, -1)
    gain[row, column], number[row, column] = chance, np.arange(len(left))
    picked = number[linear_sum_assignment(gain, maximize=True)]
    return np.asarray(picked[picked >= 0])
