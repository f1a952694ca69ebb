"""Lay chains of legs along their ways: where each vehicle was, and when, at every vertex."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.geo import haversine_m
from pipeline.trajectories.lines import Floats, Ints, Lines, spread
from pipeline.trajectories.ways import Ways

SAME_M = 0.01
"""Places nearer than this are one."""


@dataclass(frozen=True)
class Driven:
    """Legs in the order of their chains; all times of a chain by one clock."""

    way: Ints
    """(l,) way of each leg."""
    from_us: Ints
    """(l,) when the first camera was passed, microseconds."""
    to_us: Ints
    """(l,) when the second was."""
    first: Ints
    """(chains + 1,) where each chain begins."""

    @property
    def starts(self) -> NDArray[np.bool_]:
        """Tell which legs are the first of their chains, (l,)."""
        starts = np.zeros(len(self.way), np.bool_)
        starts[self.first[:-1]] = True
        return starts


def jumps_m(ways: Ways, driven: Driven) -> Floats:
    """Return the metres from where the leg before ends to where each begins, (l,); 0 for the first of a chain.

    Each leg's ends are brought onto the road by both its cameras, so two legs may know one camera at two places a little
    apart; the vehicle drove from the one to the other.
    """
    begin, end = ways.lonlat[ways.vertex[driven.way]], ways.lonlat[ways.vertex[driven.way + 1] - 1]
    metres = np.append(0.0, haversine_m(*end[:-1].T, *begin[1:].T))
    return np.asarray(np.where(driven.starts | (metres < SAME_M), 0.0, metres))


def lay(ways: Ways, driven: Driven, jump_m: Floats, pace: Floats, max_speed_mps: float) -> Lines:
    """Return the vertices of each chain with their times.

    A leg's time is spread over its stretches by their usual pace, or evenly where that would make one of them faster than
    any vehicle.

    Args:
        ways: All ways.
        driven: Legs in the order of their chains.
        jump_m: (l,) metres from where the leg before ends.
        pace: (v,) usual seconds a metre at each vertex's step.
        max_speed_mps: No vehicle is faster.
    """
    way, seconds = driven.way, (driven.to_us - driven.from_us) / 1e6
    along_m, along_s = _along(ways, ways.step_m), _along(ways, ways.step_m * pace)
    whole_m, whole_s = along_m[ways.vertex[1:] - 1], along_s[ways.vertex[1:] - 1]
    mean_pace = np.divide(whole_s, whole_m, out=np.ones(len(ways)), where=whole_m > 0)
    fastest = np.maximum.reduceat(np.where(ways.step_m > 0, mean_pace[ways.way] / pace, 0.0), ways.vertex[:-1])
    even = whole_m[way] * fastest[way] > max_speed_mps * seconds
    skipped = (~driven.starts & (jump_m == 0)).astype(np.int64)
    count = np.diff(ways.vertex)[way] - skipped
    rows, leg = spread(ways.vertex[way] + skipped, count), np.repeat(np.arange(len(way)), count)
    scaled = np.where(even[leg], along_m[rows] * mean_pace[way[leg]], along_s[rows])
    jump_s = jump_m * mean_pace[way]
    whole = (jump_s + whole_s[way])[leg]
    share = np.divide(jump_s[leg] + scaled, whole, out=np.zeros(len(rows)), where=whole > 0)
    ends = np.append(0, np.cumsum(count))
    share[ends[1:] - 1] = 1.0
    took_us = (driven.to_us - driven.from_us)[leg]
    at_us = driven.from_us[leg] + np.rint(np.clip(share, 0.0, 1.0) * took_us).astype(np.int64)
    return Lines(ways.lonlat[rows, 0], ways.lonlat[rows, 1], at_us, ends[driven.first])


def _along(ways: Ways, step: Floats) -> Floats:
    """Add up steps from the start of each way, (v,)."""
    total = np.cumsum(step)
    return np.asarray(total - (total - step)[ways.vertex[:-1]][ways.way])
