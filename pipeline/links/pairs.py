"""Say what is known of pairs of sightings and of the ways between cameras, and count pairs."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline import travel
from pipeline.tables import LABELS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EDGES = np.array([0.0, 0.7, 1.4, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 7.0, 8.0, 10.01])
"""Bins of rarity in which the likelihood ratio of appearance is learned, nats."""
CENTRES = (EDGES[1:] + EDGES[:-1]) / 2
CLARITIES = 3
"""Classes of size a vehicle may be seen in; small ones are told apart less well."""
UNLIKE, MIDDLING, ALIKE = 2.0, 3.0, 4.5
"""Rarities: below the first pairs do not look alike, above the last they do; up to the second is for control, nats."""
KINDS = LABELS.index("vehicle") + 1
"""Labels a sighting may bear, in the order of LABELS; the last tells nothing."""


@dataclass(frozen=True)
class Pairs:
    """c candidate pairs: who, by which way, after how long, how rare so much likeness is."""

    query: Ints
    """(c,) sighting that leaves."""
    gallery: Ints
    """(c,) sighting that arrives."""
    way: Ints
    """(c,) transition."""
    travel_s: Floats
    """(c,) seconds."""
    rarity: Floats
    """(c,) nats, NaN where one of the two has no portrait."""
    clarity: Ints
    """(c,) how large the smaller of the two was seen: number of a class, from 0 to CLARITIES - 1."""
    kinds: Ints | None = None
    """(c,) number of the two labels: first times KINDS plus second; None where labels are not told."""

    def __len__(self) -> int:
        """Count the pairs."""
        return len(self.query)

    def __getitem__(self, rows: NDArray[np.bool_] | Ints | slice) -> "Pairs":
        """Keep some of the pairs."""
        kinds = None if self.kinds is None else self.kinds[rows]
        evidence = self.travel_s[rows], self.rarity[rows], self.clarity[rows], kinds
        return Pairs(self.query[rows], self.gallery[rows], self.way[rows], *evidence)


@dataclass(frozen=True)
class Ways:
    """w transitions: when to expect whom, and how many sightings stand at their ends."""

    mu: Floats
    """(w,) mean of ln(travel time - floor)."""
    sigma: Floats
    """(w,) its standard deviation."""
    trust: Floats
    """(w,) pairs' worth of trust in mu and sigma."""
    floor_s: Floats
    """(w,) no vehicle is faster."""
    ceiling_s: Floats
    """(w,) nobody is looked for later."""
    start: Ints
    """(w,) number of the camera and heading it starts from."""
    departures: Floats
    """(w,) query sightings that could take it."""
    clock_s: Floats
    """(w,) seconds that the clock of the camera reached is ahead; in no travel time."""
    end: Ints
    """(w,) number of the camera and heading it ends at."""


@dataclass(frozen=True)
class Census:
    """What all gated pairs are like, in numbers: most of them are never held."""

    pairs: int
    """How many they are."""
    looks: Floats
    """(CLARITIES, bins) by clarity and rarity."""
    labels: Floats
    """(KINDS, KINDS) by labels; zero where labels are not told."""
    gaps: NDArray[np.int32]
    """(w, 3, travel.BINS) by way and gap, from floor to ceiling: those that look alike, middling, unlike."""


@dataclass(frozen=True)
class Tally:
    """The same of some pairs, with the gaps of those ways alone that they took."""

    pairs: int
    looks: Floats
    labels: Floats
    first: int
    """Number of the first way of `gaps`."""
    gaps: NDArray[np.int64]
    """(v, 3, travel.BINS) by way and gap."""


def census(tallies: Iterable[Tally], ways: Ways) -> Census:
    """Add up tallies."""
    count, seen, labelled = 0, np.zeros((CLARITIES, len(CENTRES))), np.zeros((KINDS, KINDS))
    gaps = np.zeros((len(ways.mu), 3, travel.BINS), np.int32)
    for tally in tallies:
        count, seen, labelled = count + tally.pairs, seen + tally.looks, labelled + tally.labels
        gaps[tally.first : tally.first + len(tally.gaps)] += tally.gaps
    return Census(count, seen, labelled, gaps)


def tallied(pairs: Pairs, ways: Ways) -> Tally:
    """Count pairs."""
    here = np.flatnonzero(np.isfinite(pairs.rarity))
    way, rarity, travel_s = pairs.way[here], pairs.rarity[here], pairs.travel_s[here]
    floor_s, ceiling_s = ways.floor_s[way], ways.ceiling_s[way]
    step_s = (ceiling_s - floor_s) / travel.BINS
    gap = np.clip((travel_s - floor_s) / step_s, 0, travel.BINS - 1).astype(np.int64)
    # stills come at whole seconds, which are edges of bins: a quotient may fall on either side
    gap -= travel_s < floor_s + gap * step_s
    gap += (travel_s >= floor_s + (gap + 1) * step_s) & (gap < travel.BINS - 1)
    within = (travel_s >= floor_s) & (travel_s <= ceiling_s) & ~((rarity >= MIDDLING) & (rarity < ALIKE))
    kind = np.where(rarity >= ALIKE, 0, np.where(rarity >= UNLIKE, 1, 2))
    first = int(way.min(initial=len(ways.mu)))
    place = (((way - first) * 3 + kind) * travel.BINS + gap)[within]
    size = max(int(way.max(initial=0)) - first + 1, 0) * 3 * travel.BINS
    gaps = np.bincount(place, minlength=size).reshape(-1, 3, travel.BINS)
    return Tally(len(pairs), looks(pairs), labels(pairs), first, gaps)


def looks(pairs: Pairs, weight: Floats | None = None) -> Floats:
    """Count the pairs, (CLARITIES, bins) by clarity and rarity."""
    seen = np.isfinite(pairs.rarity)
    place = np.searchsorted(EDGES[1:-1], pairs.rarity[seen], side="right") + pairs.clarity[seen] * len(CENTRES)
    count = np.bincount(place, None if weight is None else weight[seen], CLARITIES * len(CENTRES))
    return np.asarray(count.reshape(CLARITIES, -1), dtype=np.float64)


def labels(pairs: Pairs, weight: Floats | None = None) -> Floats:
    """Count the pairs, (KINDS, KINDS) by their labels; zero where labels are not told."""
    if pairs.kinds is None:
        return np.zeros((KINDS, KINDS))
    return np.asarray(np.bincount(pairs.kinds, weight, KINDS * KINDS).reshape(KINDS, KINDS), dtype=np.float64)


def crowds(query: Ints, way: Ints, gate_s: Floats) -> Floats:
    """Return for each pair the arrivals a second inside its query's gate: the local chance of meeting a stranger.

    Args:
        query: (c,) sighting that leaves.
        way: (c,) transition.
        gate_s: (c,) length of the gate, seconds.
    """
    _, group, count = np.unique(query * (int(way.max(initial=0)) + 1) + way, return_inverse=True, return_counts=True)
    return np.asarray(count[group] / gate_s)
