"""Follow the invented vehicles as the real tracker does: tracks break, and mix with the next vehicle's."""

from typing import TYPE_CHECKING

import numpy as np

from pipeline.synthetic import rates
from pipeline.synthetic.options import Options
from pipeline.synthetic.traffic import Ints, Passes

if TYPE_CHECKING:
    from pipeline.synthetic.seen import Seen

SINGLE_FROM_S = 10.0
"""At this many seconds between pictures, or more, nobody is followed (as `sightings.Settings.slowest_cadence_s`)."""


def follow(rng: np.random.Generator, passes: Passes, seen: "Seen", options: Options) -> Ints:
    """Return the number of the track of each box: broken, and mixed with the next vehicle's, at the measured rates."""
    new = np.append(True, seen.of[1:] != seen.of[:-1])
    if options.cadence_s >= SINGLE_FROM_S:
        return np.arange(len(new))
    if options.overlapping:
        return np.cumsum(new) - 1
    missed = np.append(0, np.diff(seen.slot) - 1)
    broken = rng.random(len(new)) < np.where(missed > 0, rates.BROKEN_AFTER_MISS, rates.BROKEN)
    track = np.cumsum(new | broken | (missed > 1)) - 1
    return _mixed(rng, passes, seen, track)


def majority(track: Ints, of: Ints) -> Ints:
    """Return for each track, in order, the pass that most of its boxes belong to; the first of equals."""
    span = int(of.max(initial=0)) + 1
    pairs, n = np.unique(track * span + of, return_counts=True)
    mine, who = np.divmod(pairs, span)
    best = np.lexsort((who, -n, mine))
    first = np.flatnonzero(np.append(True, mine[best][1:] != mine[best][:-1]))
    return np.asarray(who[best][first])


def _mixed(rng: np.random.Generator, passes: Passes, seen: "Seen", track: Ints) -> Ints:
    """Let some tracks go on as that of the next vehicle in the same direction, where both are in view."""
    first = np.flatnonzero(np.append(True, track[1:] != track[:-1]))
    last = np.append(first[1:], len(track)) - 1
    way = passes.camera[seen.of[first]] * 2 + passes.toward[seen.of[first]]
    order = np.lexsort((seen.slot[first], way))
    one, other = order[:-1], order[1:]
    together = (way[one] == way[other]) & (seen.slot[last[one]] > seen.slot[first[other]])
    together &= (seen.of[first[one]] != seen.of[first[other]]) & (rng.random(len(one)) < rates.MIXED)
    together[1:] &= ~together[:-1]
    one, other = one[together], other[together]
    cut = rng.integers(seen.slot[first[other]], seen.slot[last[one]] + 1)
    partner, cut_at = np.arange(len(first)), np.full(len(first), np.iinfo(np.int64).max)
    partner[one], partner[other], cut_at[one], cut_at[other] = other, one, cut, cut
    return np.where(seen.slot > cut_at[track], partner[track], track)
