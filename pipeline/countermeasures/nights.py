"""Try to find a vehicle again on another night by its vectors: as they are, rotated by a secret, and what undoes that.

Sources: orthogonal Procrustes, Schoenemann (Psychometrika 31, 1966); a secret rotation as cancelable template, Gomez-Barrero
et al. (2018). Nothing here takes a vector to a sighting: it scores an attack on drawn vectors, and returns shares.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import orthogonal_procrustes
from scipy.stats import rankdata, special_ortho_group

from pipeline.countermeasures.following import drawn
from pipeline.countermeasures.watched import Watched

Floats = NDArray[np.float64]


SECRETS = 8
"""Rotations tried; the figures are their mean."""


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


def between_nights(watched: Watched, known: tuple[int, ...] = (32, 128), seed: int = 1) -> list[Attack]:
    """Draw the same vehicles on two nights, rotate the second by a secret, and attack.

    Args:
        watched: Whose vehicles and boxes.
        known: How many vehicles an attacker may know on both nights beforehand.
        seed: Of looks, and of the secret.
    """
    one, other = _centred(drawn(watched, 0, seed)), _centred(drawn(watched, 1, seed))
    tried: dict[str, list[tuple[float, float, int]]] = {}
    for nth in range(SECRETS):
        rng = np.random.default_rng([seed, 42, nth])
        turned = other @ _secret(rng, one.shape[1])
        tried.setdefault("vectors kept, no rotation", []).append(_attack(one, other))
        tried.setdefault("rotated by a secret, compared as they are", []).append(_attack(one, turned))
        tried.setdefault("rotated; axes aligned by spread (PCA)", []).append(_attack(_on_axes(one), _on_axes(turned)))
        order = rng.permutation(len(one))
        for n in (n for n in known if n < len(one) - 1):
            back, _ = orthogonal_procrustes(turned[order[:n]], one[order[:n]])
            told = _attack(one[order[n:]], (turned @ back)[order[n:]])
            tried.setdefault(f"rotated; {n} vehicles known on both nights", []).append(told)
    found = {words: (*np.mean(told, axis=0)[:2], told[0][2]) for words, told in tried.items()}
    return [Attack(words, float(auc), float(rank1), n) for words, (auc, rank1, n) in found.items()]


def changed_within(watched: Watched, seed: int = 1) -> float:
    """Return by how much, at most, a rotation changes a cosine within one night: what it costs who links that night."""
    one = drawn(watched, 0, seed)
    secret = _secret(np.random.default_rng([seed, 42]), one.shape[1])
    return float(np.abs((one @ secret) @ (one @ secret).T - one @ one.T).max())


def _secret(rng: np.random.Generator, dimensions: int) -> Floats:
    """Draw a rotation that nobody knows."""
    return np.asarray(special_ortho_group.rvs(dimensions, random_state=rng))


def _attack(one: Floats, other: Floats) -> tuple[float, float, int]:
    """Compare every portrait of one night with every one of the other, row i one vehicle in both: AUC, rank-1, vehicles."""
    alike = _unit(one) @ _unit(other).T
    same, n = np.eye(len(alike), dtype=bool), len(alike)
    ranks = rankdata(alike.ravel())[same.ravel()]
    auc = (ranks.sum() - n * (n + 1) / 2) / (n * (n * n - n))
    return float(auc), float((alike.argmax(axis=1) == np.arange(n)).mean()), n


def _on_axes(rows: Floats) -> Floats:
    """Return rows on their principal axes, each axis pointing where its tail is."""
    on = rows @ np.linalg.eigh(rows.T @ rows)[1]
    return np.asarray(on * np.where((on**3).sum(axis=0) < 0, -1.0, 1.0))


def _centred(rows: Floats) -> Floats:
    """Take the mean out: each night's is known to whoever holds it."""
    return np.asarray(rows - rows.mean(axis=0))


def _unit(rows: Floats) -> Floats:
    """Return rows of length one."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))
