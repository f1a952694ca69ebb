"""Learn travel times from how the flow at one camera follows the flow at another, without knowing any vehicle."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.fft import irfft, rfft
from scipy.ndimage import gaussian_filter1d, uniform_filter1d

Floats = NDArray[np.float64]
Passings = dict[tuple[str, str], tuple[Floats, Floats]]
"""Vehicles that came and that went in each second of the night, by camera and heading."""

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


def read(passings: pa.Table) -> Passings:
    """Spread the rows of `sql/transitions/passings.sql` over the seconds of the night."""
    if not passings.num_rows:
        return {}
    second = passings["second"].to_numpy()
    first, length = int(second.min()), int(second.max() - second.min()) + 1
    names = np.array(passings["camera_id"].to_pylist()), np.array(passings["heading"].to_pylist())
    counts = passings["came"].to_numpy(), passings["went"].to_numpy()
    starts = np.flatnonzero((names[0][1:] != names[0][:-1]) | (names[1][1:] != names[1][:-1])) + 1
    out: Passings = {}
    for rows in np.split(np.arange(len(second)), starts):
        came, went = (np.bincount(second[rows] - first, each[rows], length).astype(np.float64) for each in counts)
        out[str(names[0][rows[0]]), str(names[1][rows[0]])] = came, went
    return out


def fit(went: Floats, came: Floats, guess: Travel, blur_s: float) -> tuple[Travel, float]:
    """Learn the travel times from one flow to another, or keep the guess.

    The number of pairs (one left the first camera, one came to the second) is counted by gap in time and compared with
    what two unrelated flows of the same slow rhythm would give. A log-normal excess is fitted by maximum likelihood over a
    grid of widths and places, held near the guess, and believed only if it gains clearly more than the best "excess"
    found at gaps that no vehicle takes. The night is taken as a ring, so that every gap has as many chances.

    Args:
        went: (t,) vehicles that left the first camera in each second.
        came: (t,) vehicles that came to the second.
        guess: Floor, ceiling, and the prior of mu and sigma.
        blur_s: Seconds between two pictures, within which nobody knows when a vehicle came or went.

    Returns:
        The travel times, with `support` 0 where nothing was learned, and the gain in ln likelihood.
    """
    first, step = int(np.floor(guess.floor_s)), int(np.ceil((guess.ceiling_s - guess.floor_s) / BINS))
    if min(went.sum(), came.sum()) < LEAST_SUPPORT or len(went) < 2 * step * BINS:
        return guess, 0.0
    pairs, chance = _gaps(went, came, blur_s)
    controls = np.linspace(first + step * BINS, len(went) - step * BINS, CONTROLS, dtype=np.int64)
    edges = first + step * np.arange(BINS + 1.0)
    noise = max(scan(*_cut(pairs, chance, start, step), edges, guess)[0] for start in controls)
    here = _cut(pairs, chance, first, step)
    gain, *best = scan(*here, edges, guess)
    if gain < max(LEAST_GAIN, NOISE_FACTOR * noise):
        return guess, gain
    learned = refine(*here, edges, guess, *best)
    most = int(min(went.sum(), came.sum()))
    return (replace(learned, support=min(learned.support, most)) if learned.support >= LEAST_SUPPORT else guess), gain


def _gaps(went: Floats, came: Floats, blur_s: float) -> tuple[Floats, Floats]:
    """Count pairs by gap in seconds around the ring, and how many the slow rhythm of both flows alone would give."""

    def correlate(one: Floats, other: Floats) -> Floats:
        return np.asarray(np.maximum(irfft(np.conj(rfft(one)) * rfft(other), len(one)), 1e-6))

    slow = [uniform_filter1d(each, SLOW_S, mode="wrap") for each in (went, came)]
    pairs = gaussian_filter1d(np.round(correlate(went, came)), max(blur_s, 0.5), mode="wrap")
    return np.round(pairs, 6), correlate(*slow)


def _cut(pairs: Floats, chance: Floats, first: int, step: int) -> tuple[Floats, Floats]:
    """Cut BINS bins of `step` seconds from `first` on out of the ring."""
    rows = np.arange(first, first + step * BINS) % len(pairs)
    return pairs[rows].reshape(BINS, step).sum(axis=1), chance[rows].reshape(BINS, step).sum(axis=1)


def scan(pairs: Floats, chance: Floats, edges: Floats, guess: Travel) -> tuple[float, float, float, float]:
    """Return the best gain in ln likelihood over chance alone, and its mu, sigma and share of the pairs."""
    total = pairs.sum()
    if total < LEAST_SUPPORT:
        return 0.0, guess.mu, guess.sigma, 0.0
    places = np.linspace(np.log(2.0), np.log(guess.ceiling_s - guess.floor_s), PLACES)
    mu, sigma = (each.ravel() for each in np.meshgrid(places, SIGMAS, indexing="ij"))
    ratio = guess.share(edges, mu, sigma) / (chance / chance.sum())
    share = np.full(len(mu), 0.05)
    for _ in range(ROUNDS):
        same = share[:, None] * ratio
        share = (same / (same + 1 - share[:, None])) @ pairs / total
    gain = np.log1p(share[:, None] * (ratio - 1)) @ pairs - _penalty(mu, sigma, guess)
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
        share = count / max(float(pairs.sum()), 1e-9)
        mu = float((same @ late + mu) / (count + 1))
        sigma = float(np.clip(np.sqrt((same @ (late - mu) ** 2 + sigma**2) / (count + 1)), SIGMAS[0], widest))
    ceiling_s = min(guess.ceiling_s, guess.floor_s + float(np.exp(mu + 3.5 * sigma)) + 10.0)
    return Travel(round(mu, 6), round(sigma, 6), guess.floor_s, round(ceiling_s, 3), round(count))
