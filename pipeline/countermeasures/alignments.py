"""Undo a secret rotation of vectors by what it leaves as it was: spread, skewness, shape, neighbours, or known vehicles.

Sources: orthogonal Procrustes, Schoenemann (Psychometrika 31, 1966); iterative closest points, Besl and McKay (IEEE PAMI 14,
1992); FastICA, Hyvarinen (IEEE TNN 10, 1999). Each takes two nights' centred portraits, rows in no common order, and returns both
where they can be compared.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import orthogonal_procrustes
from scipy.optimize import linear_sum_assignment

Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]

ROUNDS = 50
"""Rounds of ICP and ICA, at most."""
CLOSE = 1e-4
"""A component that turns by less than this between two rounds has settled."""
LEAST_SPREAD = 1e-3
"""Axes along which vehicles differ less than this share of the largest spread are noise to ICA, and left out."""
QUANTILES = np.linspace(0.02, 0.98, 25)
"""Of a component's values; two nights' components are held against each other by them."""


def by_spread(one: Floats, other: Floats) -> Pair:
    """Align principal axes, each pointing where its tail is (PCA)."""
    return _on_axes(one), _on_axes(other)


def by_neighbours(one: Floats, other: Floats) -> Pair:
    """Begin with principal axes, then take nearest neighbours for pairs and turn towards them, again and again (ICP)."""
    here, there = by_spread(one, other)
    for _ in range(ROUNDS):
        nearest = (_unit(there) @ _unit(here).T).argmax(axis=1)
        turn, _ = orthogonal_procrustes(there, here[nearest])
        if np.allclose(turn, np.eye(len(turn)), atol=CLOSE):
            break
        there = there @ turn
    return here, there


def by_shape(one: Floats, other: Floats) -> Pair:
    """Find independent components, and pair those whose values are distributed alike (ICA)."""
    here, there = _components(one), _components(other)
    kept = min(here.shape[1], there.shape[1])
    shape, up, down = (np.quantile(each, QUANTILES, axis=0).T for each in (here, there, -there))
    cost = [((shape[:, None] - each[None]) ** 2).sum(axis=2) for each in (up, down)]
    mine, theirs = linear_sum_assignment(np.minimum(*cost))
    sign = np.where(cost[0][mine, theirs] <= cost[1][mine, theirs], 1.0, -1.0)
    return here[:, mine[:kept]], (there[:, theirs] * sign)[:, :kept]


def by_known(one: Floats, other: Floats, known: NDArray[np.int64]) -> Pair:
    """Turn one night towards the other by the vehicles, rows of both, that are known on both."""
    back, _ = orthogonal_procrustes(other[known], one[known])
    return one, other @ back


def _on_axes(rows: Floats) -> Floats:
    """Return rows on their principal axes, each axis pointing where its tail is."""
    on = rows @ np.linalg.eigh(rows.T @ rows)[1]
    return np.asarray(on * np.where((on**3).sum(axis=0) < 0, -1.0, 1.0))


def _components(rows: Floats) -> Floats:
    """Return rows on their independent components, each of spread one, by symmetric FastICA with tanh."""
    left, spread, _ = np.linalg.svd(rows, full_matrices=False)
    white = left[:, spread > LEAST_SPREAD * spread[0]] * np.sqrt(len(rows))
    turn = np.eye(white.shape[1])
    for _ in range(ROUNDS):
        bent = np.tanh(white @ turn)
        step = white.T @ bent / len(rows) - turn * (1 - bent**2).mean(axis=0)
        u, _, v = np.linalg.svd(step)
        before, turn = turn, u @ v
        if np.all(np.abs(np.abs((turn * before).sum(axis=0)) - 1) < CLOSE):
            break
    return np.asarray(white @ turn)


def _unit(rows: Floats) -> Floats:
    """Return rows of length one."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))
