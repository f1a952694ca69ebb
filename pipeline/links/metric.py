"""Learn in which directions one vehicle's portraits differ between cameras, and weigh likeness by it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.links.appearance import Vectors
from pipeline.links.pairs import CLARITIES, EDGES, Census, Pairs
from pipeline.links.passes import Passes

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_CHANCE = 0.05
"""Pairs less likely than this teach nothing about how one vehicle's portraits differ."""
TRUST = 400.0
"""Likely pairs' worth of trust in a spread that is the same in all directions."""
ALIKE = 0.35
"""That spread, as a share of the spread of all portraits."""
LEAST_SPREAD = 1e-3
"""Smallest spread in any direction, as a share of the mean one."""
LEAST_PAIRS, LEAST_WAYS = 3.0, 4.0
"""Likely pairs for each dimension, and ways that they are spread over, below which nothing is learned, and likeness stays as it was.

What one pair of cameras teaches alone is how its two views differ: on real frames it made wrong links sure.
"""
FOLDS = 2
"""Parts that the pairs fall into by their gallery; each is weighed by what the others taught, as none may vouch for itself."""
DRAWN, LEAST_DRAWN = 400_000, 5_000
"""Pairs of strangers drawn, and how many of one clarity must be among them for it to be told apart."""
BLOCK = 1 << 16
"""Pairs compared at once."""
GRADES = 4096
"""Steps in which the share of strangers that are as alike is told."""


@dataclass(frozen=True)
class Metric:
    """What two portraits say of whether they show one vehicle: a bilinear form, learned in one night."""

    shared: Vectors
    """(d, d) portraits to the space whose inner product is what a pair has in common."""
    own: Vectors
    """(d, d) portraits to the space whose squared length is each one's own part: of a common look, less is to be had."""
    strangers: Floats
    """(CLARITIES, GRADES) rising scores: the shares of strangers that reach them fall evenly in their logarithm."""

    def scores(self, vectors: Vectors, query: Ints, gallery: Ints) -> Floats:
        """Return (c,) ln likelihood ratio of each pair but for a constant.

        Args:
            vectors: (n, d) portraits.
            query: (c,) rows of `vectors`.
            gallery: (c,) rows of `vectors`.
        """
        alone = vectors @ self.own
        own = np.einsum("ij,ij->i", alone, alone).astype(np.float64)
        # Rounded, as the last bits of a matrix product depend on how many threads share it.
        return np.asarray(np.round(_products(vectors @ self.shared, query, gallery) - own[query] - own[gallery], 3))

    def rarity(self, pairs: Pairs, vectors: Vectors) -> Floats:
        """Return -ln of the share of strangers of a pair's clarity that are as alike, NaN without portraits."""
        rarity = np.full(len(pairs), np.nan)
        grades = np.linspace(0.0, EDGES[-1], GRADES)
        for clarity, strangers in enumerate(self.strangers):
            here = np.flatnonzero((pairs.clarity == clarity) & np.isfinite(pairs.rarity))
            rarity[here] = np.interp(self.scores(vectors, pairs.query[here], pairs.gallery[here]), strangers, grades)
        return rarity


def recounted(counted: Census) -> Census:
    """Return the census as the metric sees it: strangers, by whom rarity is told, and hardly anyone else."""
    share = np.append(np.exp(-EDGES[:-1]), 0.0)
    return replace(counted, looks=counted.looks.sum(axis=1, keepdims=True) * (share[:-1] - share[1:]))


def learn(view: Passes, clarity: Ints, pairs: Pairs, chance: Floats) -> tuple[Metric, ...]:
    """Learn a metric for each fold of the pairs from the other folds; none where too few pairs are likely."""
    fold = pairs.gallery % FOLDS
    told = [_learned(view, clarity, pairs[fold != each], chance[fold != each]) for each in range(FOLDS)]
    return tuple(each for each in told if each) if all(told) else ()


def weighed(pairs: Pairs, metrics: tuple[Metric, ...], vectors: Vectors) -> Pairs:
    """Return the pairs with rarities by the metrics of their folds."""
    rarity, fold = pairs.rarity.copy(), pairs.gallery % FOLDS
    for number, told in enumerate(metrics):
        rarity[fold == number] = told.rarity(pairs[fold == number], vectors)
    return replace(pairs, rarity=rarity)


def held_to(metrics: tuple[Metric, ...], view: Passes, clarity: Ints) -> tuple[Metric, ...]:
    """Return the metrics with rarity told by the strangers of other portraits."""
    return tuple(replace(each, strangers=_strangers(each, view, clarity)) for each in metrics)


def _learned(view: Passes, clarity: Ints, pairs: Pairs, chance: Floats) -> Metric | None:
    """Learn how the portraits of one vehicle differ from the pairs likely to be one, and how strangers score.

    Two covariances, between vehicles and within one, give the ln likelihood ratio of two portraits in closed form:
    probabilistic linear discriminant analysis. The pairs weigh by their chance, as an expectation step does.

    Args:
        view: n passes and their portraits.
        clarity: (n,) how large each was seen, as in `Pairs`.
        pairs: c candidates.
        chance: (c,) chance of each as far as known.

    Returns:
        None where too few pairs are likely.

    Source: Ioffe (2006), "Probabilistic linear discriminant analysis", section 3, for one portrait of each side.
    """
    told = np.flatnonzero((chance > LEAST_CHANCE) & np.isfinite(pairs.rarity))
    weight = chance[told]
    if weight.sum() < LEAST_PAIRS * max(view.vectors.shape[1], 1) or _spread(pairs.way[told], weight) < LEAST_WAYS:
        return None
    vectors, seen = view.vectors, view.vectors[view.seen].astype(np.float64)
    every = seen.T @ seen / len(seen)
    apart = (vectors[pairs.query[told]] - vectors[pairs.gallery[told]]).astype(np.float64)
    flat = np.eye(len(every)) * np.trace(every) / len(every)
    within = ((apart * weight[:, None]).T @ apart / 2 + TRUST * ALIKE * flat) / (weight.sum() + TRUST)
    metric = _closed(every, within + LEAST_SPREAD * flat)
    return replace(metric, strangers=_strangers(metric, view, clarity))


def _spread(way: Ints, weight: Floats) -> float:
    """Return over how many ways likely pairs are spread: the inverse of the sum of squared shares (Simpson's index)."""
    share = np.bincount(way, weight) / weight.sum()
    return float(1.0 / (share @ share))


def _closed(every: Floats, within: Floats) -> Metric:
    """Return the likelihood ratio of two covariances, without the scores of strangers."""
    root = np.linalg.cholesky(within)
    whitened = np.linalg.solve(root, np.linalg.solve(root, every - within).T)
    between, axes = np.linalg.eigh(np.round((whitened + whitened.T) / 2, 9))
    between = np.maximum(between, 0.0)
    space = np.linalg.solve(root.T, axes)
    known = between / (between + 1.0)
    shared = known / (1.0 + known)
    pair, alone = (np.asarray(space * np.sqrt(each), np.float32) for each in (shared, 0.5 * known * shared))
    return Metric(pair, alone, np.zeros(0))


def _strangers(metric: Metric, view: Passes, clarity: Ints) -> Floats:
    """Return the quantiles of the scores of passes drawn at random, which are hardly ever one vehicle's."""
    some = np.flatnonzero(view.seen & view.moved)
    one, other = some[np.random.default_rng(0).integers(0, max(len(some), 1), (2, DRAWN))]
    apart = view.group[one] != view.group[other]
    one, other = one[apart], other[apart]
    score, smaller = metric.scores(view.vectors, one, other), np.minimum(clarity[one], clarity[other])
    below = 1.0 - np.geomspace(1.0, np.exp(-EDGES[-1]), GRADES)
    every = [score[smaller == each] if np.sum(smaller == each) > LEAST_DRAWN else score for each in range(CLARITIES)]
    return np.stack([np.quantile(each, below, method="lower") for each in every])


def _products(vectors: Vectors, left: Ints, right: Ints) -> Floats:
    """Return the inner product of each pair of rows, (c,) float64, a block of pairs at a time."""
    out = np.empty(len(left))
    for start in range(0, len(left), BLOCK):
        pair = slice(start, start + BLOCK)
        out[pair] = np.einsum("ij,ij->i", vectors[left[pair]], vectors[right[pair]])
    return out
