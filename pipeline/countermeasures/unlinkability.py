"""Say in one number how far scores tell two pictures of one vehicle from those of two: D_sys.

Source: Gomez-Barrero et al., General framework to evaluate unlinkability in biometric template protection systems (IEEE TIFS 13,
2018), equal prior chances; the standard ISO/IEC 30136 names it.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BINS = 60
LEAST_MATED = 3000
"""Scores of one vehicle's pairs below which the figure is too coarse to be told; with as many its floor is about 0.04."""


def d_sys(mated: Floats, others: Floats) -> float:
    """Return 0 where scores tell nothing, 1 where they tell every pair; NaN of too few pairs.

    Args:
        mated: (n,) scores of pairs of one vehicle.
        others: (m,) scores of pairs of two.
    """
    if min(len(mated), len(others)) < LEAST_MATED:
        return float("nan")
    edges = np.linspace(min(mated.min(), others.min()), max(mated.max(), others.max()), BINS + 1)
    same, different = (np.histogram(each, edges)[0] / len(each) for each in (mated, others))
    there = same > 0
    ratio = np.divide(same[there], different[there], out=np.full(int(there.sum()), np.inf), where=different[there] > 0)
    chance = np.where(np.isinf(ratio), 1.0, ratio / (1.0 + np.where(np.isinf(ratio), 0.0, ratio)))
    return float((same[there] * np.maximum(2 * chance - 1, 0.0)).sum())
