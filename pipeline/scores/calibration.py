"""Compare stated probabilities with what came true: reliability points and expected calibration error."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DRAWS = 1000
"""Draws behind an interval."""
LEAST_CASES = 10
"""A bin of fewer cases tells chance, not calibration."""


@dataclass(frozen=True)
class Calibration:
    """A reliability diagram and its summary."""

    ece: float
    """Expected calibration error, 0..1; NaN without cases."""
    stated: tuple[float, ...]
    """Mean stated probability of each bin, rising."""
    came_true: tuple[float, ...]
    """Share that came true in each bin."""
    n: tuple[int, ...]
    """Cases in each bin."""
    ece_low: float = float("nan")
    ece_high: float = float("nan")
    """Between these the true error lies with a chance of 95 %, as far as so many cases can tell; NaN without cases."""
    ece_by_chance: float = float("nan")
    """Error that probabilities which are right would show, mean over draws of as many cases: an error near it is none."""


def reliability(stated: NDArray[np.floating], came_true: NDArray[np.bool_], bins: int = 10) -> Calibration:
    """Bin cases by stated probability into bins of equal mass and compare each bin's mean with its share come true.

    Args:
        stated: (n,) probabilities, 0..1.
        came_true: (n,) whether each came true.
        bins: Most bins; fewer where cases are few, so that each holds `LEAST_CASES`. Equal probabilities are never parted.

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks, equation 3; bins of equal mass after Nguyen and
    O'Connor 2015, section 4.
    """
    order = np.argsort(stated, kind="stable")
    p, hit = np.asarray(stated, np.float64)[order], np.asarray(came_true, np.float64)[order]
    if not len(p):
        return Calibration(float("nan"), (), (), ())
    starts = _starts(p, max(1, min(bins, len(p) // LEAST_CASES)))
    n = np.diff([*starts, len(p)])
    mean_p, mean_hit = np.add.reduceat(p, starts) / n, np.add.reduceat(hit, starts) / n
    ece = float(np.sum(n * np.abs(mean_p - mean_hit)) / len(p))
    low, high = np.quantile(_errors(n, mean_p, _rates(n, mean_hit)), (0.025, 0.975)).tolist()
    chance = float(_errors(n, mean_p, _drawn(n, mean_p)).mean())
    return Calibration(ece, tuple(mean_p.tolist()), tuple(mean_hit.tolist()), tuple(n.tolist()), low, high, chance)


def _rates(n: Ints, share: Floats) -> Floats:
    """Draw what may be the true rate of each bin, (DRAWS, bins); the same draws every time.

    Source: Brown, Cai and DasGupta 2001, Interval Estimation for a Binomial Proportion, section 4.3 (Jeffreys prior).
    """
    return np.random.default_rng(0).beta(n * share + 0.5, n * (1 - share) + 0.5, (DRAWS, len(n)))


def _drawn(n: Ints, rate: Floats) -> Floats:
    """Draw the share of each bin that comes true at some rate, (DRAWS, bins); the same draws every time."""
    return np.random.default_rng(0).binomial(n, np.clip(rate, 0, 1), (DRAWS, len(n))) / n


def _errors(n: Ints, stated: Floats, shares: Floats) -> Floats:
    """Return the calibration error of each draw."""
    errors: Floats = np.abs(stated - shares) @ n / n.sum()
    return errors


def _starts(p: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Return where each bin begins in the sorted `p`: at even shares of the cases, moved to where the value changes."""
    even = (np.arange(min(bins, len(p))) * len(p)) // min(bins, len(p))
    return np.unique(np.searchsorted(p, p[even], side="left"))
