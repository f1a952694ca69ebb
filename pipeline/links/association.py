"""Turn evidence on pairs of sightings into the chance that each pair is one vehicle, learning its own scales as it goes."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import isotonic_regression

from pipeline import travel
from pipeline.tables import LABELS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EDGES = np.array([0.0, 0.7, 1.4, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 7.0, 8.0, 10.01])
"""Bins of rarity in which the likelihood ratio of appearance is learned, nats."""
CENTRES = (EDGES[1:] + EDGES[:-1]) / 2
CLARITIES = 3
"""Classes of size a vehicle may be seen in; small ones are told apart less well."""
ODD, OUTLIERS = 0.15, 0.03
"""Shares of vehicles that travel unlike the others: with ODD_WIDTH times the spread, and at any time inside the gate."""
ODD_WIDTH = 2.5
ROUNDS = 15
"""Rounds of expectation and maximisation."""
SWEEPS = 10
"""Sweeps of message passing in each of them."""
LEAST = 1e-3
"""Odds against "no link" below which a pair is not carried along."""
UNLIKE, MIDDLING, ALIKE = 2.0, 3.0, 4.5
"""Rarities: below the first pairs do not look alike, above the last they do; up to the second is for control, nats."""
LEAST_GAIN = 5.0
"""Gain of ln likelihood below which a crowd of look-alike pairs at one gap is taken for chance."""
NARROW = 0.35
"""Largest spread of such a crowd; wider ones follow the light of the day rather than the vehicles."""
MOST_RATIO = 7.0
"""Largest ln likelihood ratio of appearance; a bin that a few dozen pairs reach supports no more."""
BLUR_BINS = 1.0
"""Blur of the gaps of such pairs, bins."""
MOST_TRUST = 100.0
"""Pairs' worth of trust that learned travel times get at most."""
KINDS = LABELS.index("vehicle") + 1
"""Labels a sighting may bear, in the order of LABELS; the last tells nothing."""
SAME_KIND = 0.9
"""Share of vehicles that two cameras give one label, before anything is learned."""
MOST_KIND = 5.0
"""Largest ln likelihood ratio of labels: detectors do take a van for a truck."""


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

    def __getitem__(self, rows: NDArray[np.bool_] | Ints) -> "Pairs":
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
    explained: float
    """Share of arrivals that some departure explains."""
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
        stray = crowd * gate_s * max(1.0 - self.explained, 0.2)
        usual = np.log(density(ways, way, pairs.travel_s) * gate_s)
        kind = np.zeros(len(pairs)) if pairs.kinds is None else self.kind[pairs.kinds]
        return Terms(np.log((self.taken / missed)[way] / stray), usual, alike, kind)

    def odds(self, pairs: Pairs, crowd: Floats) -> Floats:
        """Return (c,) odds of each pair against "its query goes unlinked and its gallery came from elsewhere"."""
        return self.terms(pairs, crowd).odds


def learn(pairs: Pairs, ways: Ways, crowd: Floats) -> Model:
    """Fit how often each way is taken, its travel times and the likelihood ratio of appearance, by expectation-maximisation.

    The expectation step is `marginals`, so that a vehicle counts once however many look like it. Everything starts from
    a prior worth a few dozen pairs and stays near it where there is little to learn from.

    Args:
        pairs: Candidates.
        ways: Transitions as far as they are known.
        crowd: (c,) of `crowds`.

    Source: Dempster, Laird and Rubin (1977) for EM; Huang and Russell (1998, section 4) for travel time and likeness in one odds.
    """
    ways = _timed(pairs, ways)
    model, common, labels = guess(pairs, ways, 0.5), _bins(pairs), _labels(pairs)
    kept = model.odds(pairs, crowd) > LEAST
    pairs, crowd = pairs[kept], crowd[kept]
    for _ in range(ROUNDS):
        alike = marginals(pairs, model.odds(pairs, crowd), SWEEPS)
        shares, looks = _shares(pairs, ways, alike), _ratio(pairs, alike, common)
        model = Model(_times(pairs, ways, alike), *shares, looks, _kind(pairs, alike, labels))
    return model


def guess(pairs: Pairs, ways: Ways, taken: float) -> Model:
    """Return the model before anything is learned: a share of departures taken for granted, and a modest likelihood ratio."""
    shares = taken / np.bincount(ways.start)[ways.start]
    kind = _kind(pairs, np.zeros(len(pairs)), _labels(pairs))
    return Model(ways, shares, 0.3, _prior(_bins(pairs)), kind)


def crowds(query: Ints, way: Ints, gate_s: Floats) -> Floats:
    """Return for each pair the arrivals a second inside its query's gate: the local chance of meeting a stranger.

    Args:
        query: (c,) sighting that leaves.
        way: (c,) transition.
        gate_s: (c,) length of the gate, seconds.
    """
    _, group, count = np.unique(query * (int(way.max(initial=0)) + 1) + way, return_inverse=True, return_counts=True)
    return np.asarray(count[group] / gate_s)


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
    out = np.zeros(len(odds))
    alive = odds > LEAST
    if not alive.any():
        return out
    odds = odds[alive]
    _, left = np.unique(pairs.query[alive], return_inverse=True)
    _, right = np.unique(pairs.gallery[alive], return_inverse=True)
    back = np.ones(len(odds))
    for _ in range(sweeps):
        weight = odds * back
        forth = odds / (1.0 + np.maximum(np.bincount(left, weight)[left] - weight, 0.0))
        last, back = back, 1.0 / (1.0 + np.maximum(np.bincount(right, forth)[right] - forth, 0.0))
        if np.max(np.abs(back - last)) < 1e-9:
            break
    weight = odds * back
    out[alive] = weight / (1.0 + np.bincount(left, weight)[left])
    return out


def _bins(pairs: Pairs, weight: Floats | None = None) -> Floats:
    """Count the pairs, (CLARITIES, bins) by clarity and rarity."""
    seen = np.isfinite(pairs.rarity)
    place = np.searchsorted(EDGES[1:-1], pairs.rarity[seen], side="right") + pairs.clarity[seen] * len(CENTRES)
    count = np.bincount(place, None if weight is None else weight[seen], CLARITIES * len(CENTRES))
    return np.asarray(count.reshape(CLARITIES, -1), dtype=np.float64)


def _prior(common: Floats, tilt: float = 0.8) -> Floats:
    """Return a modest likelihood ratio to start from: rarer among impostors, likelier the same; in whatever size."""
    rarity = (common + 1e-3).sum(axis=0)
    same = rarity * np.exp(tilt * CENTRES)
    ratio = np.log(same / same.sum()) - np.log(rarity / rarity.sum())
    return np.asarray(np.tile(ratio, (CLARITIES, 1)))


def _timed(pairs: Pairs, ways: Ways) -> Ways:
    """Learn travel times where pairs that look alike crowd at some gap and pairs that do not look alike do not."""
    mu, sigma, trust = ways.mu.copy(), ways.sigma.copy(), ways.trust.copy()
    for way in range(len(mu)):
        here = pairs.way == way
        guess = travel.Travel(mu[way], sigma[way], ways.floor_s[way], ways.ceiling_s[way])
        found = _crowded(pairs.travel_s[here], pairs.rarity[here], guess)
        if found.support:
            mu[way], sigma[way] = found.mu, found.sigma
            trust[way] = max(trust[way], min(found.support, MOST_TRUST))
    return replace(ways, mu=mu, sigma=sigma, trust=trust)


def _crowded(travel_s: Floats, rarity: Floats, guess: travel.Travel) -> travel.Travel:
    """Learn one way's travel times from its look-alike pairs, or keep the guess."""
    edges = np.linspace(guess.floor_s, guess.ceiling_s, travel.BINS + 1)
    alike, middling, unlike = (
        gaussian_filter1d(np.histogram(travel_s[rows], edges)[0].astype(np.float64), BLUR_BINS)
        for rows in (rarity >= ALIKE, (rarity >= UNLIKE) & (rarity < MIDDLING), rarity < UNLIKE)
    )
    gain, *best = travel.scan(alike, unlike + 0.1, edges, guess)
    noise = travel.scan(middling, unlike + 0.1, edges, guess)[0]
    if gain < max(LEAST_GAIN, noise) or best[1] > NARROW:
        return guess
    found = travel.refine(alike, unlike + 0.1, edges, guess, *best)
    return found if found.support >= travel.LEAST_SUPPORT else guess


def _times(pairs: Pairs, ways: Ways, alike: Floats) -> Ways:
    """Refine mu and sigma of every way by its likely pairs, holding on to what was known by its trust."""
    late = np.log(np.maximum(pairs.travel_s - ways.floor_s[pairs.way], 0.25))
    weight = alike**2 * (np.abs(late - ways.mu[pairs.way]) < 2.5 * ways.sigma[pairs.way])
    n, total = (np.bincount(pairs.way, each, len(ways.mu)) for each in (weight, weight * late))
    mu = (ways.trust * ways.mu + total) / (ways.trust + n)
    off = np.bincount(pairs.way, weight * (late - mu[pairs.way]) ** 2, len(mu))
    spread = ways.trust * (ways.sigma**2 + (mu - ways.mu) ** 2) + off
    sigma = np.maximum(np.sqrt(spread / (ways.trust + n)), 0.12)
    return replace(ways, mu=mu, sigma=sigma)


def _shares(pairs: Pairs, ways: Ways, alike: Floats, trust: float = 10.0) -> tuple[Floats, float]:
    """Return the share of departures that take each way, and the share of arrivals that are explained."""
    found = np.bincount(pairs.way, alike, len(ways.mu))
    sharing = np.bincount(ways.start)[ways.start]
    taken = (found + trust * 0.3 / sharing) / (ways.departures + trust)
    arrivals = len(np.unique(pairs.gallery))
    return taken, float((alike.sum() + trust * 0.3) / (arrivals + trust))


def _ratio(pairs: Pairs, alike: Floats, common: Floats, trust: float = 30.0) -> Floats:
    """Learn the likelihood ratio by clarity and rarity: never falling with rarity, and near the prior where pairs are few.

    Args:
        pairs: Candidates carried along.
        alike: (c,) chance of each.
        common: (CLARITIES, bins) number of all candidates, carried along or not.
        trust: Pairs' worth of trust in the prior.
    """
    found = _bins(pairs, alike)
    prior = (common + 1e-3) / (common + 1e-3).sum()
    other = np.maximum(common - found, 0.0) + trust * prior
    same = found + trust * prior * np.exp(_prior(common))
    ratio = np.clip(np.log(same / same.sum()) - np.log(other / other.sum()), -MOST_RATIO, MOST_RATIO)
    weights = same + other
    return np.array([isotonic_regression(row, weights=weight).x for row, weight in zip(ratio, weights, strict=True)])


def _labels(pairs: Pairs, weight: Floats | None = None) -> Floats:
    """Count the pairs, (KINDS, KINDS) by their labels; zero where labels are not told."""
    if pairs.kinds is None:
        return np.zeros((KINDS, KINDS))
    return np.asarray(np.bincount(pairs.kinds, weight, KINDS * KINDS).reshape(KINDS, KINDS), dtype=np.float64)


def _kind(pairs: Pairs, alike: Floats, common: Floats, trust: float = 30.0) -> Floats:
    """Learn the likelihood ratio of two labels, either way round: how often one vehicle bears both, against strangers.

    Args:
        pairs: Candidates carried along.
        alike: (c,) chance of each.
        common: (KINDS, KINDS) number of all candidates, carried along or not.
        trust: Pairs' worth of trust in SAME_KIND for each label.

    Returns:
        (KINDS * KINDS,) nats within MOST_KIND; 0 where either is `vehicle`.
    """
    told = np.ix_(range(KINDS - 1), range(KINDS - 1))
    found, every = (each + each.T for each in (_labels(pairs, alike)[told], common[told]))
    share = (every.sum(axis=1) + 1.0) / (every.sum() + KINDS - 1)
    expected = share[:, None] * ((1.0 - SAME_KIND) * share[None, :] + SAME_KIND * np.eye(KINDS - 1))
    same = found + trust * (KINDS - 1) * expected
    other = np.maximum(every - found, 0.0) + trust * (KINDS - 1) * np.outer(share, share)
    ratio = np.zeros((KINDS, KINDS))
    ratio[told] = np.clip(np.log(same / same.sum()) - np.log(other / other.sum()), -MOST_KIND, MOST_KIND)
    return np.asarray(ratio.ravel())
