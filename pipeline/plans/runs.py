"""Find the runs of neighbouring cameras that are worth most, for every number of cameras: exactly, every camera costs the same."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Chain:
    """Cameras along a road, and what each two neighbours are worth."""

    cameras: tuple[str, ...]
    """Native ids."""
    names: tuple[str, ...]
    road_m: tuple[float, ...]
    """Metres between neighbours."""
    worth: tuple[float, ...]
    """Vehicles an hour expected in a picture of both neighbours, while they are polled in bursts."""


@dataclass(frozen=True)
class Run:
    """Neighbouring cameras of one chain."""

    chain: Chain
    first: int
    last: int
    """Its last camera, included."""

    @property
    def cameras(self) -> tuple[str, ...]:
        """Name its cameras."""
        return self.chain.cameras[self.first : self.last + 1]

    @property
    def worth(self) -> float:
        """Return the pairs an hour that it shows."""
        return sum(self.chain.worth[self.first : self.last])


class Curve:
    """What so many cameras are worth at most, over all chains, and which."""

    def __init__(self, chains: Sequence[Chain], longest: int) -> None:
        """Weigh every number of cameras of each chain, and then of all."""
        self.chains = chains
        self.each = [_worths(chain, longest) for chain in chains]
        self.most = sum(len(chain.cameras) for chain in chains)
        best, self.share = np.zeros(self.most + 1), []
        for worth, _ in self.each:
            tried = np.full((len(worth), self.most + 1), -np.inf)
            for count, value in enumerate(worth):
                tried[count, count:] = best[: self.most + 1 - count] + value
            self.share.append(np.argmax(tried, axis=0))
            best = tried.max(axis=0)
        self.worth = best

    def runs(self, cameras: int) -> list[Run]:
        """Return the best runs of at most so many cameras, the most worth first."""
        found = []
        for chain, (_, picks), share in reversed(list(zip(self.chains, self.each, self.share, strict=True))):
            count = int(share[cameras])
            found += [Run(chain, first, last) for first, last in picks[count]]
            cameras -= count
        return sorted(found, key=lambda run: (-run.worth, run.cameras))


def _worths(chain: Chain, longest: int) -> tuple[Floats, list[list[tuple[int, int]]]]:
    """Return for each number of cameras the most that runs of at most `longest` of them are worth, and these runs."""
    size = len(chain.cameras)
    best = np.zeros((size + 1, size + 1))
    back = np.zeros((size + 1, size + 1), dtype=np.int64)  # length of the run that ends before a camera; 0 for none
    along = np.concatenate([[0.0], np.cumsum(chain.worth)])
    for end in range(1, size + 1):
        best[end], back[end] = best[end - 1], 0
        for length in range(2, min(longest, end) + 1):
            tried = best[end - length, : size + 1 - length] + along[end - 1] - along[end - length]
            better = tried > best[end, length:] + 1e-12
            best[end, length:][better], back[end, length:][better] = tried[better], length
    return best[size], [_walk(back, size, count) for count in range(size + 1)]


def _walk(back: NDArray[np.int64], end: int, count: int) -> list[tuple[int, int]]:
    """Read the runs of a best choice off the table, first and last camera each."""
    runs = []
    while end:
        length = int(back[end, count])
        if length:
            runs.append((end - length, end - 1))
        end, count = end - max(length, 1), count - length
    return runs


def packed(runs: list[Run], turns: int, at_once: int) -> list[int] | None:
    """Deal runs to turns, the longest first to the emptiest; None where a turn would hold too many cameras."""
    loads, turn = [0] * turns, [0] * len(runs)
    for row in sorted(range(len(runs)), key=lambda row: -len(runs[row].cameras)):
        turn[row] = loads.index(min(loads))
        loads[turn[row]] += len(runs[row].cameras)
    return turn if max(loads) <= at_once else None
