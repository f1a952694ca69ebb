"""Tell travel times by the hour of leaving, held to the night's where an hour has little to tell."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline import travel
from pipeline.transitions.flows import Flows, Group
from pipeline.transitions.ways import Way

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TRUST = 20.0
"""Pairs' worth of trust in what the night tells."""
HOUR_S = 3600


@dataclass(frozen=True)
class Hourly:
    """Travel times of one way in each hour of the night."""

    travel: tuple[travel.Travel, ...]
    """One for each hour; their support is that of the night."""
    support: tuple[int, ...]
    """Pairs that left in each hour."""
    fit: float
    """0..1, the share of the excess of pairs over chance, beyond what counting strays by, that these explain."""


def by_hour(way: Way, went: tuple[Group, ...], came: tuple[Group, ...], flows: Flows, hours: Ints) -> Hourly:
    """Learn a way's travel times hour by hour.

    Each hour's pairs move mu and sigma from the night's by expectation-maximisation, the night standing for TRUST pairs, so an
    hour without pairs has the night's, and one with hundreds its own.

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
    pairs, vehicles = _pairs(flows.went(went), flows.came(came) - round(way.clock_s), edges, hours)
    mu, sigma, same = _moved(pairs, edges, night)
    found = [
        replace(night, mu=round(float(each), 6), sigma=round(float(width), 6), ceiling_s=_ceiling(night, each, width))
        for each, width in zip(mu, sigma, strict=True)
    ]
    count = np.rint(np.minimum(same.sum(axis=1), vehicles)).astype(np.int64)
    return Hourly(tuple(found), tuple(count.tolist()), _fit(pairs, edges, night, mu, sigma, same.sum(axis=1)))


def _edges(night: travel.Travel) -> Floats:
    """Return the edges of bins of gap around the night's travel times, seconds."""
    first = int(np.floor(night.floor_s))
    last = min(night.ceiling_s, night.floor_s + np.exp(night.mu + 3.5 * night.sigma) + 10.0)
    step = max(1, int(np.ceil((last - first) / travel.BINS)))
    return first + step * np.arange(np.ceil((last - first) / step) + 1.0)


def _pairs(went: Ints, came: Ints, edges: Floats, hours: Ints) -> tuple[Floats, Ints]:
    """Count (h, bins) the pairs by the hour of leaving and the gap, and (h,) those that left."""
    start, end = np.searchsorted(came, went + int(edges[0])), np.searchsorted(came, went + int(edges[-1]))
    count = end - start
    one = np.repeat(np.arange(len(went)), count)
    other = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(start, count)
    step, bins = int(edges[1] - edges[0]), len(edges) - 1
    late = (came[other] - went[one] - int(edges[0])) // step
    hour = np.maximum(np.searchsorted(hours, went, side="right") - 1, 0)
    found = np.bincount(hour[one] * bins + late, minlength=len(hours) * bins)
    return found.reshape(len(hours), bins).astype(np.float64), np.bincount(hour, minlength=len(hours))


def _moved(pairs: Floats, edges: Floats, night: travel.Travel) -> tuple[Floats, Floats, Floats]:
    """Move mu and sigma of each hour from the night's; returns them (h,), and (h, bins) the pairs that are one vehicle."""
    late = np.log(np.maximum((edges[1:] + edges[:-1]) / 2 - night.floor_s, 0.5))
    total = pairs.sum(axis=1, keepdims=True)
    mu, sigma = np.full(len(pairs), night.mu), np.full(len(pairs), night.sigma)
    share = np.full(len(pairs), min(night.support / max(float(total.sum()), 1.0), 0.9))[:, None]
    usual, same = share, pairs
    for _ in range(travel.ROUNDS):
        ratio = night.share(edges, mu, sigma) * pairs.shape[1]
        sure = share * ratio / (share * ratio + 1 - share)
        same = pairs * sure
        share = (same.sum(axis=1, keepdims=True) + TRUST * usual) / (total + TRUST)
        told = same * sure
        n = told.sum(axis=1) + TRUST
        mu = (told @ late + TRUST * night.mu) / n
        off = (told * (late - mu[:, None]) ** 2).sum(axis=1)
        sigma = np.sqrt((off + TRUST * (night.sigma**2 + (mu - night.mu) ** 2)) / n)
        sigma = np.clip(sigma, travel.SIGMAS[0], 1.3 * night.sigma)
    return mu, sigma, same


def _ceiling(night: travel.Travel, mu: float, sigma: float) -> float:
    """Return when an hour's vehicles are no longer looked for, seconds; not before the night's."""
    return round(max(night.ceiling_s, night.floor_s + float(np.exp(mu + 3.5 * sigma)) + 10.0), 3)


def _fit(pairs: Floats, edges: Floats, night: travel.Travel, mu: Floats, sigma: Floats, count: Floats) -> float:
    """Return the share of the excess' squares that the distributions explain, what counting strays by left out of both."""
    bins = pairs.shape[1]
    told = (count[:, None] * night.share(edges, mu, sigma)).sum(axis=0)
    found = pairs.sum(axis=0)
    excess = found - (found.sum() - count.sum()) / bins
    strays = float(found.sum())
    whole, left = float(excess @ excess) - strays, float((excess - told) @ (excess - told)) - strays
    return round(float(np.clip(1.0 - max(left, 0.0) / whole, 0.0, 1.0)), 3) if whole > 0 else 0.0
