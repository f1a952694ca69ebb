"""Turn evidence on pairs of sightings into the chance that each pair is one vehicle, learning its own scales as it goes."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from pipeline.links.pairs import CENTRES, CLARITIES, KINDS, Census, Pairs, Ways, labels, looks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ODD, OUTLIERS = 0.15, 0.03
"""Shares of vehicles that travel unlike the others: with ODD_WIDTH times the spread, and at any time inside the gate."""
ODD_WIDTH = 2.5
TAKEN = 0.5
"""Share of departures taken to arrive at some camera, before anything is learned."""
BLOCK = 1 << 19
"""Pairs weighed at once."""
ROUNDS = 15
"""Rounds of expectation and maximisation."""
SWEEPS = 10
"""Sweeps of message passing in each of them."""
LEAST = 1e-3
"""Odds against "no link" below which a pair is not carried along."""
MOST_RATIO = 7.0
"""Largest ln likelihood ratio of appearance; a bin that a few dozen pairs reach supports no more."""
SAME_KIND = 0.9
"""Share of vehicles that two cameras give one label, before anything is learned."""
MOST_KIND = 5.0
"""Largest ln likelihood ratio of labels: detectors do take a van for a truck."""


@dataclass(frozen=True)
class Terms:
    """What speaks for each of c pairs, against "its query goes unlinked and its gallery came from elsewhere", nats."""

    prior: Floats
    """(c,) ln odds by place alone: how many go that way, of how many in the gate."""
    travel: Floats
    """(c,) ln likelihood ratio of the travel time: its usual against any in the gate."""
    appearance: Floats
    """(c,) the same of looks, 0 where one has no portrait."""
    kind: Floats
    """(c,) the same of labels."""

    @property
    def odds(self) -> Floats:
        """Return the odds of each pair."""
        return np.asarray(np.exp(self.prior + self.travel + self.appearance + self.kind))


@dataclass(frozen=True)
class Model:
    """What is learned from the pairs themselves, without labels."""

    ways: Ways
    """Travel times, refined."""
    taken: Floats
    """(w,) share of the departures that arrive by this way and are seen."""
    explained: Floats
    """(w,) share of the arrivals where the way ends that some departure explains."""
    ratio: Floats
    """(CLARITIES, bins) ln likelihood ratio of appearance, same against different, at CENTRES."""
    kind: Floats
    """(KINDS * KINDS,) ln likelihood ratio of two labels."""

    def terms(self, pairs: Pairs, crowd: Floats) -> Terms:
        """Weigh what speaks for each pair.

        Args:
            pairs: Candidates.
            crowd: (c,) arrivals a second inside the query's gate on that way.
        """
        ways, way = self.ways, pairs.way
        missed = np.maximum(1.0 - np.bincount(ways.start, self.taken)[ways.start], 0.05)
        alike = np.zeros(len(pairs))
        for clarity, ratio in enumerate(self.ratio):
            here = (pairs.clarity == clarity) & np.isfinite(pairs.rarity)
            alike[here] = np.interp(pairs.rarity[here], CENTRES, ratio)
        gate_s = (ways.ceiling_s - ways.floor_s)[way]
        stray = crowd * gate_s * np.maximum(1.0 - self.explained, 0.2)[way]
        usual = np.log(density(ways, way, pairs.travel_s) * gate_s)
        kind = np.zeros(len(pairs)) if pairs.kinds is None else self.kind[pairs.kinds]
        return Terms(np.log((self.taken / missed)[way] / stray), usual, alike, kind)

    def odds(self, pairs: Pairs, crowd: Floats) -> Floats:
        """Return (c,) odds of each pair against "its query goes unlinked and its gallery came from elsewhere"."""
        out = np.empty(len(pairs))
        for start in range(0, len(pairs), BLOCK):
            rows = slice(start, start + BLOCK)
            out[rows] = self.terms(pairs[rows], crowd[rows]).odds
        return out


def learn(pairs: Pairs, ways: Ways, crowd: Floats, counted: Census) -> Model:
    """Fit how often each way is taken, its travel times and the likelihood ratio of appearance, by expectation-maximisation.

    The expectation step is `marginals`, so that a vehicle counts once however many look like it. Everything starts from
    a prior worth a few dozen pairs and stays near it where there is little to learn from.

    Args:
        pairs: Candidates, at least those whose odds are above LEAST by `guess`.
        ways: Transitions as far as they are known, `timing.timed`.
        crowd: (c,) of `crowds`.
        counted: All pairs in the gates, held or not.

    Source: Dempster, Laird and Rubin (1977) for EM; Huang and Russell (1998, section 4) for travel time and likeness in one odds.
    """
    model = guess(counted, ways, TAKEN)
    kept = model.odds(pairs, crowd) > LEAST
    pairs, crowd = pairs[kept], crowd[kept]
    late, arrivals = np.log(np.maximum(pairs.travel_s - ways.floor_s[pairs.way], 0.25)), _arrivals(pairs, ways)
    for _ in range(ROUNDS):
        alike = marginals(pairs, model.odds(pairs, crowd), SWEEPS)
        shares, ratio = _shares(pairs, ways, alike, arrivals), _ratio(pairs, alike, counted.looks)
        model = Model(_times(pairs, ways, alike, late), *shares, ratio, _kind(labels(pairs, alike), counted.labels))
    return model


def guess(counted: Census, ways: Ways, taken: float) -> Model:
    """Return the model before anything is learned: a share of departures taken for granted, and a modest likelihood ratio."""
    shares = taken / np.bincount(ways.start)[ways.start]
    return Model(
        ways, shares, np.full(len(shares), 0.3), _prior(counted.looks), _kind(np.zeros((KINDS, KINDS)), counted.labels)
    )


def density(ways: Ways, way: Ints, travel_s: Floats) -> Floats:
    """Return the density of a travel time on its way, per second: log-normal above the floor, or anything in the gate."""
    late = np.maximum(travel_s - ways.floor_s[way], 0.25)
    off = ((np.log(late) - ways.mu[way]) / ways.sigma[way]) ** 2
    usual = (1 - ODD - OUTLIERS) * np.exp(-0.5 * off) + ODD / ODD_WIDTH * np.exp(-0.5 * off / ODD_WIDTH**2)
    usual /= late * ways.sigma[way] * np.sqrt(2 * np.pi)
    return np.asarray(usual + OUTLIERS / (ways.ceiling_s - ways.floor_s)[way])


def marginals(pairs: Pairs, odds: Floats, sweeps: int = 60) -> Floats:
    """Return the chance of each pair, given that a query has one gallery at most and a gallery one query at most.

    Loopy belief propagation on the bipartite graph; it always converges, and is exact where the graph is a tree.
    Source: Williams and Lau (2014), "Approximate evaluation of marginal association probabilities with belief propagation",
    section III.

    Args:
        pairs: c candidates.
        odds: (c,) odds of each against "no link", >= 0.
        sweeps: Sweeps of message passing at most.

    Returns:
        (c,) chances; those of one query, and those of one gallery, sum to at most 1.
    """
    from pipeline.links import kernel  # imports the compiler, which only those who link need

    out = np.zeros(len(odds))
    alive = np.flatnonzero(odds > LEAST)
    out[alive] = kernel.marginals(pairs.query[alive], pairs.gallery[alive], odds[alive], sweeps)
    return out


def _prior(common: Floats, tilt: float = 0.8) -> Floats:
    """Return a modest likelihood ratio to start from: rarer among impostors, likelier the same; in whatever size."""
    rarity = (common + 1e-3).sum(axis=0)
    same = rarity * np.exp(tilt * CENTRES)
    ratio = np.log(same / same.sum()) - np.log(rarity / rarity.sum())
    return np.asarray(np.tile(ratio, (CLARITIES, 1)))


def _times(pairs: Pairs, ways: Ways, alike: Floats, late: Floats) -> Ways:
    """Refine mu and sigma of every way by its likely pairs' ln(travel time - floor), holding on to what was known by its trust."""
    weight = alike**2 * (np.abs(late - ways.mu[pairs.way]) < 2.5 * ways.sigma[pairs.way])
    n, total = (np.bincount(pairs.way, each, len(ways.mu)) for each in (weight, weight * late))
    mu = (ways.trust * ways.mu + total) / (ways.trust + n)
    off = np.bincount(pairs.way, weight * (late - mu[pairs.way]) ** 2, len(mu))
    spread = ways.trust * (ways.sigma**2 + (mu - ways.mu) ** 2) + off
    sigma = np.maximum(np.sqrt(spread / (ways.trust + n)), 0.12)
    return replace(ways, mu=mu, sigma=sigma)


def _arrivals(pairs: Pairs, ways: Ways) -> Floats:
    """Count the arrivals at each end that some departure may explain."""
    ends = int(ways.end.max(initial=-1)) + 1
    met = np.unique(pairs.gallery * ends + ways.end[pairs.way]) % max(ends, 1)
    return np.asarray(np.bincount(met, minlength=ends), dtype=np.float64)


def _shares(pairs: Pairs, ways: Ways, alike: Floats, arrivals: Floats, trust: float = 10.0) -> tuple[Floats, Floats]:
    """Return the share of departures that take each way, and the share of the arrivals at its end that are explained."""
    found = np.bincount(pairs.way, alike, len(ways.mu))
    sharing = np.bincount(ways.start)[ways.start]
    taken = (found + trust * 0.3 / sharing) / (ways.departures + trust)
    told = np.bincount(ways.end[pairs.way], alike, len(arrivals))
    return taken, np.asarray((told + trust * 0.3) / (arrivals + trust))[ways.end]


def _ratio(pairs: Pairs, alike: Floats, common: Floats, trust: float = 30.0) -> Floats:
    """Learn the likelihood ratio by clarity and rarity: never falling with rarity, and near the prior where pairs are few.

    Args:
        pairs: Candidates carried along.
        alike: (c,) chance of each.
        common: (CLARITIES, bins) number of all candidates, carried along or not.
        trust: Pairs' worth of trust in the prior.
    """
    found = looks(pairs, alike)
    prior = (common + 1e-3) / (common + 1e-3).sum()
    other = np.maximum(common - found, 0.0) + trust * prior
    same = found + trust * prior * np.exp(_prior(common))
    ratio = np.clip(np.log(same / same.sum()) - np.log(other / other.sum()), -MOST_RATIO, MOST_RATIO)
    weights = same + other
    return np.array([isotonic_regression(row, weights=weight).x for row, weight in zip(ratio, weights, strict=True)])


def _kind(likely: Floats, common: Floats, trust: float = 30.0) -> Floats:
    """Learn the likelihood ratio of two labels, either way round: how often one vehicle bears both, against strangers.

    Args:
        likely: (KINDS, KINDS) chances of the candidates carried along, added up.
        common: (KINDS, KINDS) number of all candidates, carried along or not.
        trust: Pairs' worth of trust in SAME_KIND for each label.

    Returns:
        (KINDS * KINDS,) nats within MOST_KIND; 0 where either is `vehicle`.
    """
    told = np.ix_(range(KINDS - 1), range(KINDS - 1))
    found, every = (each + each.T for each in (likely[told], common[told]))
    share = (every.sum(axis=1) + 1.0) / (every.sum() + KINDS - 1)
    expected = share[:, None] * ((1.0 - SAME_KIND) * share[None, :] + SAME_KIND * np.eye(KINDS - 1))
    same = found + trust * (KINDS - 1) * expected
    other = np.maximum(every - found, 0.0) + trust * (KINDS - 1) * np.outer(share, share)
    ratio = np.zeros((KINDS, KINDS))
    ratio[told] = np.clip(np.log(same / same.sum()) - np.log(other / other.sum()), -MOST_KIND, MOST_KIND)
    return np.asarray(ratio.ravel())
