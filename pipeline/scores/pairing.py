"""Count and list pairs of rows that stand in one group, in arrays: a city's night has more pairs than rows to loop over."""

import numpy as np

from pipeline.scores.matching import Ints

WIDEST = np.iinfo(np.int64).max
"""Codes of several columns stay below this."""


def code(*columns: Ints) -> Ints:
    """Number rows by several columns of numbers from 0: equal rows have equal numbers, in the columns' order."""
    total = np.asarray(columns[0], np.int64)
    for column in columns[1:]:
        span = int(column.max(initial=0)) + 1
        if int(total.max(initial=0)) + 1 > WIDEST // span:
            total = np.unique(total, return_inverse=True)[1]
        total = total * span + column
    return total


def pairs_across(group: Ints, camera: Ints) -> int:
    """Return how many pairs of rows stand in one group at different cameras."""
    return _pairs(group) - _pairs(code(group, camera))


def distinct(*columns: Ints) -> Ints:
    """Return one row's place for every distinct row of some columns."""
    places: Ints = np.unique(code(*columns), return_index=True)[1]
    return places


def members(group: Ints) -> tuple[Ints, Ints]:
    """List the pairs of rows that stand in one group; of each pair the earlier row first."""
    order = np.argsort(group, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(group[order])), len(group) - 1)
    last = np.repeat(ends, np.diff(np.append(-1, ends)))
    ones, others = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    here, step = np.flatnonzero(np.arange(len(group)) < last), 1
    while len(here):
        ones.append(order[here])
        others.append(order[here + step])
        step += 1
        here = here[here + step <= last[here]]
    return np.concatenate(ones), np.concatenate(others)


def _pairs(group: Ints) -> int:
    """Return how many pairs of rows stand in one group."""
    ranked = np.sort(group)
    edges = np.concatenate([[-1], np.flatnonzero(np.diff(ranked)), [len(ranked) - 1]])
    sizes = np.diff(edges)
    return int((sizes * (sizes - 1) // 2).sum())
