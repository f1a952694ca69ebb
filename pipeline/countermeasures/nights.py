"""Try to find a vehicle again on another night by its vectors: as they are, rotated by a secret, and what undoes that.

Source: a secret rotation as cancelable template, Gomez-Barrero et al. (IEEE TIFS 13, 2018). Nothing here takes a vector to a sighting: it scores an attack on drawn vectors, and returns shares.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, special_ortho_group

from pipeline.countermeasures import alignments
from pipeline.countermeasures.following import drawn
from pipeline.countermeasures.unlinkability import d_sys
from pipeline.countermeasures.watched import Watched

Floats = NDArray[np.float64]


SECRETS = 12
"""Rotations tried; the figures are their mean, and `d_sys` is of all their scores."""
UNKNOWING = {
    "rotated by a secret, compared as they are": lambda one, other: (one, other),
    "rotated; axes aligned by spread (PCA)": alignments.by_spread,
    "rotated; axes, then nearest neighbours (ICP)": alignments.by_neighbours,
    "rotated; independent components (ICA)": alignments.by_shape,
}
"""Attackers who know no vehicle."""


@dataclass(frozen=True)
class Attack:
    """How well one attacker tells across nights whether two portraits are one vehicle."""

    words: str
    auc: float
    """0.5 is a coin; 1 always right."""
    rank1: float
    """Share of vehicles of which the likest portrait of the other night is the right one."""
    tried: int
    """Vehicles that were looked for."""
    d_sys: float
    """0 where scores tell nothing, 1 where they tell all; NaN of too few pairs."""


@dataclass(frozen=True)
class Trial:
    """One attack on one secret."""

    auc: float
    rank1: float
    mated: Floats
    """Scores of each vehicle with itself."""
    others: Floats
    """Scores of as many pairs of two."""


def between_nights(watched: Watched, known: tuple[int, ...] = (32, 128), seed: int = 1) -> list[Attack]:
    """Draw the same vehicles on two nights, rotate the second by a secret, and attack.

    Args:
        watched: Whose vehicles and boxes.
        known: How many vehicles an attacker may know on both nights beforehand.
        seed: Of looks, and of the secret.
    """
    one, other = _centred(drawn(watched, 0, seed)), _centred(drawn(watched, 1, seed))
    tried: dict[str, list[Trial]] = {}
    for nth in range(SECRETS):
        rng = np.random.default_rng([seed, 42, nth])
        turned, order = other @ _secret(rng, one.shape[1]), rng.permutation(len(one))
        tried.setdefault("vectors kept, no rotation", []).append(_attack(one, other))
        for words, undo in UNKNOWING.items():
            tried.setdefault(words, []).append(_attack(*undo(one, turned)))
        for n in (n for n in known if n < len(one) - 1):
            here, there = alignments.by_known(one, turned, order[:n])
            tried.setdefault(f"rotated; {n} vehicles known on both nights", []).append(_attack(here[order[n:]], there[order[n:]]))  # fmt: skip
    return [_told(words, trials) for words, trials in tried.items()]


def changed_within(watched: Watched, seed: int = 1) -> float:
    """Return by how much, at most, a rotation changes a cosine within one night: what it costs who links that night."""
    one = drawn(watched, 0, seed)
    secret = _secret(np.random.default_rng([seed, 42]), one.shape[1])
    return float(np.abs((one @ secret) @ (one @ secret).T - one @ one.T).max())


def _secret(rng: np.random.Generator, dimensions: int) -> Floats:
    """Draw a rotation that nobody knows."""
    return np.asarray(special_ortho_group.rvs(dimensions, random_state=rng))


def _attack(one: Floats, other: Floats) -> Trial:
    """Compare every portrait of one night with every one of the other, row i one vehicle in both."""
    alike = _unit(one) @ _unit(other).T
    same, n = np.eye(len(alike), dtype=bool), len(alike)
    ranks = rankdata(alike.ravel())[same.ravel()]
    auc = (ranks.sum() - n * (n + 1) / 2) / (n * (n * n - n))
    rank1 = (alike.argmax(axis=1) == np.arange(n)).mean()
    return Trial(float(auc), float(rank1), alike[same], np.diagonal(alike, 1))


def _told(words: str, trials: list[Trial]) -> Attack:
    """Take what was tried on all secrets together."""
    mated, others = (np.concatenate([getattr(each, name) for each in trials]) for name in ("mated", "others"))
    auc, rank1 = (float(np.mean([getattr(each, name) for each in trials])) for name in ("auc", "rank1"))
    return Attack(words, auc, rank1, len(trials[0].mated), d_sys(mated, others))


def _centred(rows: Floats) -> Floats:
    """Take the mean out: each night's is known to whoever holds it."""
    return np.asarray(rows - rows.mean(axis=0))


def _unit(rows: Floats) -> Floats:
    """Return rows of length one."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))
