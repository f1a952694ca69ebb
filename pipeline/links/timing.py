"""Learn the travel times of one window's ways where pairs that look alike crowd at some gap."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from pipeline import travel
from pipeline.links.pairs import Census, Ways

LEAST_GAIN = 5.0
"""Gain of ln likelihood below which a crowd of look-alike pairs at one gap is taken for chance."""
NARROW = 0.35
"""Largest spread of such a crowd; wider ones follow the light of the day rather than the vehicles."""
BLUR_BINS = 1.0
"""Blur of the gaps of such pairs, bins."""
MOST_TRUST = 100.0
"""Pairs' worth of trust that learned travel times get at most."""


def timed(counted: Census, ways: Ways) -> Ways:
    """Learn travel times where pairs that look alike crowd at some gap and pairs that do not look alike do not."""
    mu, sigma, trust = ways.mu.copy(), ways.sigma.copy(), ways.trust.copy()
    for way in range(len(mu)):
        guess = travel.Travel(mu[way], sigma[way], ways.floor_s[way], ways.ceiling_s[way])
        found = _crowded(counted.gaps[way], guess)
        if found.support:
            mu[way], sigma[way] = found.mu, found.sigma
            trust[way] = max(trust[way], min(found.support, MOST_TRUST))
    return replace(ways, mu=mu, sigma=sigma, trust=trust)


def _crowded(gaps: NDArray[np.int32], guess: travel.Travel) -> travel.Travel:
    """Learn one way's travel times from its look-alike pairs, or keep the guess."""
    edges = np.linspace(guess.floor_s, guess.ceiling_s, travel.BINS + 1)
    alike, middling, unlike = (gaussian_filter1d(each.astype(np.float64), BLUR_BINS) for each in gaps)
    gain, *best = travel.scan(alike, unlike + 0.1, edges, guess)
    noise = travel.scan(middling, unlike + 0.1, edges, guess)[0]
    if gain < max(LEAST_GAIN, noise) or best[1] > NARROW:
        return guess
    found = travel.refine(alike, unlike + 0.1, edges, guess, *best)
    return found if found.support >= travel.LEAST_SUPPORT else guess
