"""Find how far each withheld cell is hidden: the least and the most that all published sums leave open (linear programs).

An attacker knows every published row to its rounding, every sum, and the rule: where nothing but small cells was withheld, each
withheld cell is below the least that is published. Blocks that share no sum are solved together, many in one program.
Source: the protection levels of Fischetti and Salazar, Management Science 47 (2001); HiGHS in scipy.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csc_array, csr_array

from pipeline.errors import PipelineError
from pipeline.release.rules import Ints, Rules, least
from pipeline.release.sums import Bools, Cells, Floats

COLUMNS = 3000
"""Unknowns of one program."""
CLOSE = 1e-6


@dataclass(frozen=True)
class Known:
    """What everybody knows of the cells."""

    low: Floats
    """(n,) least that each published cell can be."""
    high: Floats
    """(n,) most that it can be."""
    hidden: Bools
    """(n,) cells that are withheld."""
    cap: float | None = None
    """Most that a withheld cell can be; None where that follows from the rule."""


@dataclass(frozen=True)
class Open:
    """How much of each withheld cell is left open; of those in no sum, and of those published, nothing is told."""

    low: Floats
    high: Floats
    narrow: Bools
    """(n,) withheld, and told more narrowly than k."""


@dataclass(frozen=True)
class Program:
    """Unknowns of some blocks: cells that are in the same sums, and all published or all withheld, are one."""

    sums: csc_array
    total: Floats
    exact: Bools
    truth: Floats
    low: Floats
    high: Floats
    size: Ints
    """Cells in each unknown."""
    cap: Floats
    """Most that one cell of an unknown can be."""
    hidden: Bools
    block: Ints
    cells: list[Ints]


def opened(cells: Cells, known: Known, rules: Rules, blocks: Bools | None = None) -> Open:
    """Tell how narrowly each withheld cell is told.

    Args:
        cells: The rows and the sums.
        known: What is published of them.
        rules: k, its margin.
        blocks: (number of blocks,) which to look at; all where None.
    """
    low, high, narrow = np.zeros(len(cells.support)), np.full(len(cells.support), np.inf), known.hidden & False
    for program in _programs(cells, known, rules, blocks):
        least_, most = _reached(program, rules.k)
        for at in np.flatnonzero(program.hidden):
            mine = program.cells[at]
            low[mine], high[mine] = least_[at], most[at]
            narrow[mine] = most[at] - least_[at] < rules.k - CLOSE
    return Open(low, high, narrow)


def _programs(cells: Cells, known: Known, rules: Rules, blocks: Bools | None) -> Iterator[Program]:
    """Put the blocks in which something is withheld, and something adds up, into programs of bounded size."""
    n_blocks = int(cells.block.max(initial=-1)) + 1
    summed = np.diff(csc_array(cells.sums).indptr) > 0
    wanted = np.bincount(cells.block, known.hidden & summed, n_blocks) > 0
    wanted &= True if blocks is None else blocks
    chosen = np.flatnonzero(wanted[cells.block] & summed)
    if not len(chosen):
        return
    member, first = _alike(cells, known, chosen)
    order = np.lexsort((first, cells.block[chosen[first]]))
    member, first = np.argsort(order)[member], first[order]
    block = cells.block[chosen[first]]
    begins = np.flatnonzero(np.diff(block, prepend=-1))
    cuts = [0]
    for start, end in pairwise([*begins.tolist(), len(first)]):
        if end - cuts[-1] > COLUMNS and start > cuts[-1]:
            cuts.append(start)
    by_unknown = np.argsort(member, kind="stable")
    ends = np.cumsum(np.bincount(member))
    groups = np.split(chosen[by_unknown], ends[:-1])
    cap = _caps(cells, known, rules, n_blocks)
    for start, end in pairwise([*cuts, len(first)]):
        yield _program(cells, known, groups[start:end], cap)


def _alike(cells: Cells, known: Known, chosen: Ints) -> tuple[Ints, Ints]:
    """Number the cells that stand in the same sums with the same weights; and the first cell of each number."""
    marks = np.random.default_rng(0).random((2, cells.sums.shape[0]))
    signature = np.stack([*(marks @ cells.sums)[:, chosen], known.hidden[chosen], cells.block[chosen]])
    _, first, member = np.unique(signature, axis=1, return_index=True, return_inverse=True)
    return np.asarray(member.reshape(-1), np.int64), np.asarray(first, np.int64)


def _caps(cells: Cells, known: Known, rules: Rules, n_blocks: int) -> Floats:
    """Return by block the most that a withheld cell of it can be: by the rule, where only small ones were withheld.

    Where others were withheld for their sake nobody can tell which; then there is no end, and one far off stands for it.
    """
    if known.cap is not None:
        return np.full(n_blocks, known.cap)
    most = np.zeros(n_blocks)
    np.maximum.at(most, cells.block, cells.support)
    large = np.bincount(cells.block, known.hidden & (cells.support >= least(rules)), n_blocks) > 0
    return np.where(large, most + 3 * rules.k, least(rules) - 1)


def _program(cells: Cells, known: Known, groups: list[Ints], cap: Floats) -> Program:
    """Write one program, of the sums that something is published of: the others tell nothing."""
    firsts = np.array([each[0] for each in groups])
    size = np.array([len(each) for each in groups])
    every = np.concatenate(groups)
    which = np.repeat(np.arange(len(groups)), size)
    hidden, caps = known.hidden[firsts], cap[cells.block[firsts]]
    sums = csr_array(csc_array(cells.sums)[:, firsts])
    rows = np.flatnonzero((sums != 0) @ ~hidden)
    return Program(
        csc_array(sums[rows]), cells.total[rows], cells.exact[rows], np.bincount(which, cells.support[every]).astype(float),
        np.where(hidden, 0.0, np.bincount(which, known.low[every])),
        np.where(hidden, size * caps, np.bincount(which, np.where(known.hidden, 0, known.high)[every])),
        size, caps, hidden, cells.block[firsts], groups,
    )  # fmt: skip


def _reached(program: Program, k: int) -> tuple[Floats, Floats]:
    """Return the least and the most that one cell of each withheld unknown can be, no further than k apart is needed.

    Every solution is a possible night: it widens what is known to be open of all unknowns at once.
    """
    low, high = program.truth.copy(), program.truth.copy()
    tried = np.stack([~program.hidden, ~program.hidden])
    while True:
        one = np.maximum(low - (program.size - 1) * program.cap, 0.0), np.minimum(high, program.cap)
        left = np.flatnonzero((one[1] - one[0] < k - CLOSE) & ~tried.all(axis=0))
        if not len(left):
            return one
        pick = left[np.unique(program.block[left], return_index=True)[1]]
        down = tried[0, pick]
        wish = np.zeros(len(low))
        wish[pick] = np.where(down, 1.0, -1.0)
        found = _solved(program, wish)
        tried[down.astype(int), pick] = True
        low, high = np.minimum(low, found), np.maximum(high, found)


def _solved(program: Program, wish: Floats) -> Floats:
    """Return a possible night that is best by a wish."""
    some, every = ~program.exact, program.exact
    sums = csr_array(program.sums)
    answer = linprog(
        wish, sums[some] if some.any() else None, program.total[some] + CLOSE / 10 if some.any() else None,
        sums[every] if every.any() else None, program.total[every] if every.any() else None,
        np.stack([program.low, program.high], axis=1), method="highs",
    )  # fmt: skip
    if answer.x is None:
        raise PipelineError(f"release: sums of the products contradict what is published ({answer.message}); report it")
    return np.asarray(answer.x)
