"""Learn travel times from how the flow at one camera follows the flow at another, without knowing any vehicle."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, uniform_filter1d

Floats = NDArray[np.float64]

SIGMAS = np.array([0.12, 0.2, 0.32, 0.5])
"""Widths tried for ln(travel time - floor)."""
LEAST_GAIN = 6.0
"""Gain of ln likelihood below which an excess of pairs is taken for chance."""
NOISE_FACTOR = 1.8
"""The same, in gains found where no vehicle can be: later than the ceiling."""
CONTROLS = 7
"""Places around the ring where such gains are looked for."""
SLOW_S = 121
"""Flows that rise and fall more slowly than this are rhythm, not vehicles under way, seconds."""
LEAST_SUPPORT = 15
"""Fewer excess pairs than this teach nothing."""
PLACES, BINS = 40, 160
"""Places tried for mu; bins of the gaps between floor and ceiling."""
ROUNDS = 15
"""Rounds of expectation and maximisation."""
STEPS = 8
"""Steps of Newton's method towards the share of pairs that are one vehicle."""


@dataclass(frozen=True)
class Travel:
    """Travel times on one way: floor_s + log-normal."""

    mu: float
    """Mean of ln(travel time - floor), seconds."""
    sigma: float
    """Its standard deviation."""
    floor_s: float
    """No vehicle is faster."""
    ceiling_s: float
    """Nobody is looked for later."""
    support: int = 0
    """Pairs of sightings it was learned from; 0 for a guess."""

    @property
    def median_s(self) -> float:
        """Return the median travel time, seconds."""
        return float(self.floor_s + np.exp(self.mu))

    def share(self, edges_s: Floats, mu: Floats, sigma: Floats) -> Floats:
        """Return (..., k) shares of vehicles whose travel time falls between the k + 1 edges."""
        late = np.log(np.maximum(edges_s - self.floor_s, 1e-3))
        z = (late - mu[..., None]) / sigma[..., None]
        return np.asarray(np.diff(1.0 / (1.0 + np.exp(-1.702 * z)), axis=-1))


@dataclass(frozen=True)
class Gaps:
    """Pairs of one that left the first camera and one that came to the second, by the seconds between, around a ring."""

    pairs: Floats
    """(t,) pairs in each second of gap."""
    chance: Floats
    """(t,) how many two unrelated flows of the same slow rhythm would give."""

    @classmethod
    def of(cls, ring: Floats, blur_s: float) -> "Gaps":
        """Tell pairs from chance.

        Args:
            ring: (t,) pairs by whole seconds of gap; the night is taken as a ring, so that every gap has as many chances.
            blur_s: Seconds between two pictures, within which nobody knows when a vehicle came or went.
        """
        slow = uniform_filter1d(uniform_filter1d(ring, SLOW_S, mode="wrap"), SLOW_S, mode="wrap")
        pairs = gaussian_filter1d(ring, max(blur_s, 0.5), mode="wrap")
        return cls(np.round(pairs, 6), np.maximum(slow, 1e-6))

    def cut(self, first: int, step: int) -> tuple[Floats, Floats]:
        """Cut BINS bins of `step` seconds from `first` on out of the ring."""
        rows = np.arange(first, first + step * BINS) % len(self.pairs)
        return self.pairs[rows].reshape(BINS, step).sum(axis=1), self.chance[rows].reshape(BINS, step).sum(axis=1)


def fit(gaps: Gaps, guess: Travel, most: int, clock_s: float = 0.0) -> tuple[Travel, float]:
    """Learn the travel times from one flow to another, or keep the guess.

    A log-normal excess of pairs over chance is fitted by maximum likelihood over a grid of widths and places, held near the
    guess, and believed only if it gains clearly more than the best "excess" found at gaps that no vehicle takes.

    Args:
        gaps: Pairs by gap, as both cameras' own clocks tell it.
        guess: Floor, ceiling, and the prior of mu and sigma.
        most: Vehicles of the lesser flow.
        clock_s: Seconds that the second camera's clock is ahead.

    Returns:
        The travel times, with `support` 0 where nothing was learned, and the gain in ln likelihood.
    """
    first, step = int(np.floor(guess.floor_s)), int(np.ceil((guess.ceiling_s - guess.floor_s) / BINS))
    ring_s, ahead_s = len(gaps.pairs), round(clock_s)
    if most < LEAST_SUPPORT or ring_s < 2 * step * BINS:
        return guess, 0.0
    edges = first + step * np.arange(BINS + 1.0)
    here = gaps.cut(first + ahead_s, step)
    gain, *best = scan(*here, edges, guess)
    if gain < LEAST_GAIN:
        return guess, gain
    controls = np.linspace(first + step * BINS, ring_s - step * BINS, CONTROLS, dtype=np.int64) + ahead_s
    if any(gain < NOISE_FACTOR * scan(*gaps.cut(int(start), step), edges, guess)[0] for start in controls):
        return guess, gain
    learned = refine(*here, edges, guess, *best)
    return (replace(learned, support=min(learned.support, most)) if learned.support >= LEAST_SUPPORT else guess), gain


def scan(pairs: Floats, chance: Floats, edges: Floats, guess: Travel) -> tuple[float, float, float, float]:
    """Return the best gain in ln likelihood over chance alone, and its mu, sigma and share of the pairs."""
    total = pairs.sum()
    if total < LEAST_SUPPORT:
        return 0.0, guess.mu, guess.sigma, 0.0
    places = np.linspace(np.log(2.0), np.log(guess.ceiling_s - guess.floor_s), PLACES)
    mu, sigma = (each.ravel() for each in np.meshgrid(places, SIGMAS, indexing="ij"))
    more = guess.share(edges, mu, sigma) / (chance / chance.sum()) - 1.0
    share = np.full(len(mu), 0.05)
    for _ in range(STEPS):
        slope = more / (1.0 + share[:, None] * more)
        step = (slope @ pairs) / ((slope * slope) @ pairs)
        share = np.clip(share + np.clip(step, -share / 2, (1.0 - share) / 2), 1e-6, 0.999)
    gain = np.log1p(share[:, None] * more) @ pairs - _penalty(mu, sigma, guess)
    best = int(np.argmax(np.round(gain, 6)))
    return float(gain[best]), float(mu[best]), float(sigma[best]), float(share[best])


def _penalty(mu: Floats, sigma: Floats, guess: Travel) -> Floats:
    """Return minus the ln prior of mu and sigma around the guess."""
    return np.asarray(0.5 * ((mu - guess.mu) / guess.sigma) ** 2 + 0.5 * (np.log(sigma / 0.3) / 0.6) ** 2)


def refine(
    pairs: Floats, chance: Floats, edges: Floats, guess: Travel, mu: float, sigma: float, share: float
) -> Travel:
    """Move mu and sigma from the best place of the grid to the nearest maximum, and count the excess pairs.

    Only gaps near that place take part: further off, the rhythm of the flows is worse known than the excess is large.
    """
    near = edges[:-1] <= guess.floor_s + np.exp(mu + 3 * sigma) + 10.0
    pairs, chance, edges = pairs[near], chance[near], edges[: near.sum() + 1]
    late = np.log(np.maximum((edges[1:] + edges[:-1]) / 2 - guess.floor_s, 0.5))
    widest = 1.3 * sigma
    for _ in range(ROUNDS):
        ratio = guess.share(edges, np.array(mu), np.array(sigma)) / (chance / chance.sum())
        same = pairs * share * ratio / (share * ratio + 1 - share)
        count = max(float(same.sum()), 1e-9)
        share = min(
            count / max(float(pairs.sum()), 1e-9), 0.999
        )  # all may follow; then chance must not divide by nothing
        mu = float((same @ late + mu) / (count + 1))
        sigma = float(np.clip(np.sqrt((same @ (late - mu) ** 2 + sigma**2) / (count + 1)), SIGMAS[0], widest))
    ceiling_s = min(guess.ceiling_s, guess.floor_s + float(np.exp(mu + 3.5 * sigma)) + 10.0)
    return Travel(round(mu, 6), round(sigma, 6), guess.floor_s, round(ceiling_s, 3), round(count))
