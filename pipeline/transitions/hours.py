"""Tell travel times by the hour of leaving, held to the night's where an hour has little to tell."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline import travel
from pipeline.transitions.flows import Flows, Group
from pipeline.transitions.ways import Way

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TRUST = 5.0
"""Pairs' worth of trust in what the night tells."""
SLOWER = np.linspace(-0.6, 0.9, 31)
"""By how much the ln travel time of an hour may differ from the night's..."""
SPREAD = 0.35
"""...and its standard deviation."""
COARSE = 24
"""Bins of gap in which it is told how well travel times fit."""


@dataclass(frozen=True)
class Hourly:
    """Travel times of one way in each hour of the night."""

    travel: tuple[travel.Travel, ...]
    """One for each hour; their support is that of the night."""
    support: tuple[int, ...]
    """Pairs that left in each hour."""
    fit: float
    """0..1, the share of the variance of the pairs, by gap, that these explain."""


def by_hour(way: Way, went: tuple[Group, ...], came: tuple[Group, ...], flows: Flows, hours: Ints) -> Hourly:
    """Learn a way's travel times hour by hour.

    An hour begins with the night's travel times, or with those of a jam where its pairs clearly say so; its pairs then move mu
    and sigma by expectation-maximisation, where they began standing for TRUST pairs. So an hour without pairs has the
    night's, and one with hundreds its own.

    Args:
        way: The way, with the night's travel times.
        went: Cameras and headings left.
        came: Cameras and headings reached.
        flows: Who came and who went.
        hours: (h,) seconds of the night at which its hours begin, in order.
    """
    night = way.travel
    if not night.support:
        return Hourly((night,) * len(hours), (0,) * len(hours), 0.0)
    edges = _edges(night)
    step, bins = int(edges[1] - edges[0]), len(edges) - 1
    first = int(edges[0]) + round(way.clock_s)
    counted, vehicles = flows.by_hour(went, came, hours, first, step * bins)
    pairs = np.maximum(np.round(counted, 2), 0.0).reshape(len(hours), bins, step).sum(axis=2)
    mu, sigma, same = _moved(pairs, edges, night)
    found = [
        replace(night, mu=round(float(each), 6), sigma=round(float(width), 6), ceiling_s=_ceiling(night, each, width))
        for each, width in zip(mu, sigma, strict=True)
    ]
    count = np.rint(np.minimum(same.sum(axis=1), vehicles)).astype(np.int64)
    return Hourly(tuple(found), tuple(count.tolist()), _fit(pairs, edges, night, mu, sigma, same.sum(axis=1)))


def _edges(night: travel.Travel) -> Floats:
    """Return the edges of bins of gap around the night's travel times, and around those of jams, seconds."""
    first = int(np.floor(night.floor_s))
    last = max(night.ceiling_s, night.floor_s + np.exp(night.mu + SLOWER.max() + 2.0 * night.sigma) + 10.0)
    step = max(1, int(np.ceil((last - first) / travel.BINS)))
    return np.asarray(first + step * np.arange(np.ceil((last - first) / step) + 1.0))


def _moved(pairs: Floats, edges: Floats, night: travel.Travel) -> tuple[Floats, Floats, Floats]:
    """Move mu and sigma of each hour from the night's; returns them (h,), and (h, bins) the pairs that are one vehicle."""
    late = np.log(np.maximum((edges[1:] + edges[:-1]) / 2 - night.floor_s, 0.5))
    total, sigma = pairs.sum(axis=1, keepdims=True), np.full(len(pairs), night.sigma)
    share = np.full(len(pairs), min(night.support / max(float(total.sum()), 1.0), 0.9))[:, None]
    mu = usual_mu = night.mu + _slower(pairs, edges, night, float(share[0, 0]))
    usual, same = share, pairs
    for turn in range(2 * travel.ROUNDS):
        ratio = night.share(edges, mu, sigma) * pairs.shape[1]
        sure = share * ratio / (share * ratio + 1 - share)
        same = pairs * sure
        share = (same.sum(axis=1, keepdims=True) + TRUST * usual) / (total + TRUST)
        if turn < travel.ROUNDS:
            continue  # how many there are must settle before they are asked how long they took
        told = same * sure
        n = told.sum(axis=1) + TRUST
        mu = (told @ late + TRUST * usual_mu) / n
        off = (told * (late - mu[:, None]) ** 2).sum(axis=1)
        sigma = np.sqrt((off + TRUST * (night.sigma**2 + (mu - usual_mu) ** 2)) / n)
        sigma = np.clip(sigma, travel.SIGMAS[0], 1.3 * night.sigma)
    return mu, sigma, same


def _slower(pairs: Floats, edges: Floats, night: travel.Travel, share: float) -> Floats:
    """Return (h,) by how much the ln travel time of each hour differs from the night's, 0 where that is not clear."""
    more = night.share(edges, night.mu + SLOWER, np.full(len(SLOWER), night.sigma)) * pairs.shape[1] - 1.0
    told = (pairs @ np.log1p(often * more).T for often in (share, min(3.0 * share, 0.9)))
    gain = np.maximum(*told) - 0.5 * (SLOWER / SPREAD) ** 2
    best = np.argmax(np.round(gain, 6), axis=1)
    clear = gain.max(axis=1) - gain[:, np.argmin(np.abs(SLOWER))] >= travel.LEAST_GAIN
    return np.where(clear, SLOWER[best], 0.0)


def _ceiling(night: travel.Travel, mu: float, sigma: float) -> float:
    """Return when an hour's vehicles are no longer looked for, seconds; not before the night's."""
    return round(max(night.ceiling_s, night.floor_s + float(np.exp(mu + 3.5 * sigma)) + 10.0), 3)


def _fit(pairs: Floats, edges: Floats, night: travel.Travel, mu: Floats, sigma: Floats, count: Floats) -> float:
    """Return the share of the variance of pairs over COARSE bins of gap that the distributions explain, all hours together."""
    told = (count[:, None] * night.share(edges, mu, sigma)).sum(axis=0)
    width = max(1, len(told) // COARSE)
    rows = len(told) // width * width
    found, told = (each[:rows].reshape(-1, width).sum(axis=1) for each in (pairs.sum(axis=0), told))
    rest = found - told
    whole, left = float(np.var(found)), float(np.var(rest))
    return round(float(np.clip(1.0 - left / whole, 0.0, 1.0)), 3) if whole > 0 else 0.0
