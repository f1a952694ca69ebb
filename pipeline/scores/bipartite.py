"""Choose pairs of two kinds one to one so that their weights sum highest, for graphs of any size."""

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching

from pipeline.scores.matching import Floats, Ints

DENSE = 4_000_000
"""A part with fewer cells than this is solved as a full matrix."""


def heaviest(row: Ints, column: Ints, weight: Floats) -> float:
    """Return the weight of the heaviest one-to-one choice among weighted pairs (row, column); all weights above 0.

    First the pairs that some heaviest choice must hold are taken, again and again: those that weigh at least as much as the
    best other pair of their row and the best other pair of their column together. What is left falls into small parts.
    """
    row, column = (np.unique(each, return_inverse=True)[1] for each in (row, column))
    total = 0.0
    while len(row):
        before = len(row)
        useful = _useful(row, column, weight) & _useful(column, row, weight)
        row, column, weight = row[useful], column[useful], weight[useful]
        sure = _sure(row, column, weight)
        total += float(weight[sure].sum())
        left = ~(np.isin(row, row[sure]) | np.isin(column, column[sure]))
        row, column, weight = row[left], column[left], weight[left]
        if before - len(row) <= before // 100:
            break
    return total + sum(_solve(*part) for part in _parts(row, column, weight))


def _useful(row: Ints, column: Ints, weight: Floats) -> np.ndarray:
    """Tell which pairs may be chosen: of a row's columns that no other row wants, only the heaviest."""
    alone = np.bincount(column)[column] == 1
    order = np.lexsort((-weight, ~alone, row))
    again = np.concatenate([[False], row[order][1:] == row[order][:-1]])
    useful = np.ones(len(row), bool)
    useful[order[again & alone[order]]] = False
    return useful


def _sure(row: Ints, column: Ints, weight: Floats) -> Ints:
    """Return the places of pairs, each row and column once, that some heaviest choice holds."""
    places = np.flatnonzero(weight >= _rival(row, weight) + _rival(column, weight))
    places = places[np.unique(row[places], return_index=True)[1]]
    chosen: Ints = places[np.unique(column[places], return_index=True)[1]]
    return chosen


def _rival(node: Ints, weight: Floats) -> Floats:
    """Return for each pair the heaviest other pair of its node; 0 without."""
    order = np.lexsort((-weight, node))
    ranked, heavy = node[order], weight[order]
    first = np.concatenate([[True], ranked[1:] != ranked[:-1]])[: len(node)]
    best = heavy[np.flatnonzero(first)][np.cumsum(first) - 1]
    second = np.where(np.append(ranked[1:] == ranked[:-1], False)[: len(node)], np.append(heavy[1:], 0.0), 0.0)
    rival = np.empty(len(node))
    rival[order] = np.where(first, second, best)
    return rival


def _parts(row: Ints, column: Ints, weight: Floats) -> list[tuple[Ints, Ints, Floats]]:
    """Part pairs into those that hang together."""
    if not len(row):
        return []
    rows = int(row.max()) + 1
    size = rows + int(column.max()) + 1
    _, label = connected_components(coo_array((np.ones(len(row)), (row, rows + column)), (size, size)), directed=False)
    order = np.argsort(label[row], kind="stable")
    edges = np.flatnonzero(np.diff(label[row][order])) + 1
    return [(row[part], column[part], weight[part]) for part in np.split(order, edges)]


def _solve(row: Ints, column: Ints, weight: Floats) -> float:
    """Return the weight of the heaviest choice in one part."""
    rows, row = np.unique(row, return_inverse=True)
    columns, column = np.unique(column, return_inverse=True)
    if len(rows) * len(columns) <= DENSE:
        full = np.zeros((len(rows), len(columns)))
        full[row, column] = weight
        return float(full[linear_sum_assignment(full, maximize=True)].sum())
    # Each row may stay alone: a column of its own, weight 1, and 1 on every pair, so that no weight is 0.
    alone = np.arange(len(rows))
    graph = csr_array(
        (
            np.concatenate([weight + 1, np.ones(len(rows))]),
            (np.concatenate([row, alone]), np.concatenate([column, len(columns) + alone])),
        ),
        shape=(len(rows), len(columns) + len(rows)),
    )
    chosen = min_weight_full_bipartite_matching(graph, maximize=True)
    return float(graph[chosen].sum() - len(rows))
