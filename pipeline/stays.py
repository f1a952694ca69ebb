"""Learn how long vehicles stay in view from the pictures that show them, and what share of them no picture shows.

A vehicle that stays D seconds is in no picture when it comes and goes within one gap between two. So what is told of stays
hangs together with what is missed of them, and all of it is one function: H(x) = E[min(x, D)], the mean of a stay cut
off at x. Gaps g show sum H(g) of sum g seconds' worth of arrivals; a vehicle first seen g0 after the picture before, seen for
s, and gone by g1 after its last picture has the chance H(s + g0) + H(s + g1) - H(s) - H(s + g0 + g1), next to sum H(g) of all.
"""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]

MEDIANS_S, SIGMAS = np.geomspace(0.8, 50.0, 48), np.array([0.12, 0.22, 0.35, 0.5, 0.8])
"""Medians and spreads of ln(stay) tried for vehicles that drive through."""
WAITS_S, WAIT_SIGMA = np.array([14.0, 25.0, 45.0]), 0.5
"""The same for those that wait for a signal or in a queue, in all."""
WAITING = np.array([0.0, 0.04, 0.1, 0.2, 0.35, 0.5, 0.7])
"""Shares of those tried."""
USUAL_S, USUAL_SPREAD = 8.0, 0.5
"""Median that is believed before anything is seen, and how firmly, as a standard deviation of ln."""
USUAL_SIGMA, USUAL_SIGMA_SPREAD = 0.2, 0.25
"""The same of the spread of stays."""
POOLED_GAP_S = 30.0
"""Gap by which cameras are ranked when one borrows from several."""
TRAVELS = 16
"""Travel times that stand for those of a way."""
EXACT, RARE = 1e-4, 1e-4
"""Spread that stands for none; shares below which a distribution is left out."""


@dataclass(frozen=True)
class Stays:
    """Stays as a mixture of k log-normal distributions."""

    mu: Floats
    """(k,) mean of ln(stay), seconds."""
    sigma: Floats
    """(k,) its standard deviation."""
    weight: Floats
    """(k,) share of each; their sum is 1."""
    doubt: tuple["Stays", ...] = ()
    """The same if vehicles stay as short, and as long, as is still believable: one in ten believes less, one in ten more."""

    def caught_s(self, gap_s: Any) -> Floats:
        """Return H for gaps of any shape: the mean of a stay cut off at the gap, seconds."""
        gaps, place = _kinds(gap_s)
        return np.asarray((_cut(gaps[:, None], self.mu, self.sigma) @ self.weight)[place])

    def lasting(self, seconds: Any) -> Floats:
        """Return the share of stays longer than so many seconds, of any shape."""
        kinds, place = _kinds(seconds)
        z = (np.log(np.maximum(kinds, 1e-6))[:, None] - self.mu) / self.sigma
        return np.asarray((ndtr(-z) @ self.weight)[place])

    @property
    def median_s(self) -> float:
        """Return the median stay, seconds."""
        tried = np.concatenate([np.arange(0.1, 20.0, 0.1), np.arange(20.0, 300.0, 2.0)])
        return float(np.interp(0.5, 1.0 - self.lasting(tried), tried))


@dataclass(frozen=True)
class Pictures:
    """When one camera's usable pictures were taken."""

    seen_s: Floats
    """(n,) increasing, seconds."""
    span_s: float
    """Time that pictures were planned for; after it, they are taken to come again as before."""

    @property
    def gaps_s(self) -> Floats:
        """Return the gaps between neighbours, and last the one from the last picture around to the first."""
        return np.append(np.diff(self.seen_s), self.span_s - (self.seen_s[-1] - self.seen_s[0]))

    def shown(self, stays: Stays) -> float:
        """Return the share of passing vehicles that some picture shows."""
        return min(float(stays.caught_s(self.gaps_s).sum() / self.gaps_s.sum()), 1.0)

    def since_s(self, at_s: Floats, order: int = 1) -> Floats:
        """Return seconds from the last picture to each instant; for order -1 from each instant to the next picture."""
        told = np.sort((order * (self.seen_s - self.seen_s[0])) % self.span_s)
        phase = (order * (at_s - self.seen_s[0])) % self.span_s
        last = np.searchsorted(told, phase, side="right") - 1
        return np.asarray(np.where(last >= 0, phase - told[last], phase + self.span_s - told[-1]))


def shown_twice(first: tuple[Pictures, Stays], second: tuple[Pictures, Stays], travel_s: Floats, at_s: Floats) -> float:
    """Return the share of vehicles that drive from one camera to another that are in a picture of both.

    Who leaves the first view at t was seen there if it stayed longer than the last picture is old; who enters the second
    is seen if it stays until the next one: mean over t of S1(age(t)) x mean over travel times of S2(wait(t + travel)), S
    the share of stays that last longer. It is the product of both shares where travel times are wide against the gaps,
    and what pictures taken in step, or lost together, really show where they are not.

    Args:
        first: Pictures and stays of the first camera.
        second: Those of the second.
        travel_s: Travel times, leaving to entering, that stand for all in equal shares.
        at_s: Every second of the hour, in the seconds of the pictures.
    """
    seen = first[1].lasting(first[0].since_s(at_s))
    met = second[1].lasting(second[0].since_s(at_s, -1))
    later = (np.arange(len(at_s))[:, None] + np.rint(travel_s).astype(np.int64)) % len(at_s)
    return float((seen * met[later].mean(axis=1)).mean())


def travel_s(floor_s: Floats, mu: Floats, sigma: Floats, weight: Floats) -> Floats:
    """Return TRAVELS travel times that stand in equal shares for a mixture of log-normal ones, each above its floor."""
    places = (np.arange(TRAVELS) + 0.5) / TRAVELS
    every_s = floor_s[:, None] + np.exp(mu[:, None] + sigma[:, None] * ndtri(places))
    order = np.argsort(every_s, axis=None, kind="stable")
    shares = np.cumsum(np.repeat(weight, TRAVELS)[order])
    return np.asarray(every_s.ravel()[order][np.searchsorted(shares / shares[-1], places)])


def exactly(stay_s: float) -> Stays:
    """Return stays of which all are as long; half as long is believable too and, where vehicles wait in view, three times."""
    half, whole, thrice = (Stays(np.log([stay_s * each]), np.array([EXACT]), np.ones(1)) for each in (0.5, 1.0, 3.0))
    return replace(whole, doubt=(half, thrice))


def pooled(several: list[Stays]) -> Stays:
    """Return what several cameras have in common: the mean of their stays, each counted once."""
    names = ("mu", "sigma", "weight")
    mu, sigma, weight = (np.concatenate([getattr(each, name) for each in several]) for name in names)
    ranked = sorted(several, key=lambda each: float(each.caught_s(POOLED_GAP_S)))
    ends = ranked[round(0.1 * (len(ranked) - 1))], ranked[round(0.9 * (len(ranked) - 1))]
    return Stays(mu, sigma, weight / len(several), ends)


def fit(
    seen_s: Floats,
    before_s: Floats,
    after_s: Floats,
    gaps_s: Floats,
    usual_s: float = USUAL_S,
    asked_s: Floats | None = None,
) -> Stays:
    """Learn stays from vehicles that were followed from picture to picture.

    Args:
        seen_s: (n,) seconds from the first picture of each vehicle to its last; 0 where it was in one.
        before_s: (n,) seconds from the picture before its first.
        after_s: (n,) seconds to the picture after its last; infinite where it was lost from view, not seen to be gone.
        gaps_s: (m,) every gap in which a vehicle could have come and been one of these.
        usual_s: Median that is believed before anything is seen.
        asked_s: Gaps of which the share seen is asked, by which doubt is measured; None for `gaps_s`.

    Returns:
        The mean over all mixtures tried, each weighted by how well it explains what was seen, so few vehicles give
        stays near USUAL_S.

    Source: interval-censored and truncated data as in Turnbull 1976, JRSS B 38(3); H as in renewal theory, Cox 1962.
    """
    told = np.asarray(np.round(np.column_stack([seen_s, before_s, after_s]), 1), np.float64)
    kinds, count = np.unique(told, axis=0, return_counts=True)
    gaps, often = np.unique(np.round(gaps_s, 1), return_counts=True)
    through, wait = (_chances(kinds, *each) for each in (_bodies(), _waits()))
    shown, held = (often @ _cut(gaps[:, None], *each) for each in (_bodies(), _waits()))
    q = WAITING[:, None, None]
    log = np.zeros((len(WAITING), len(held), len(shown)))
    for row, n in enumerate(count):
        log += n * np.log((1 - q) * through[row] + q * wait[row][:, None])
    log += _prior(usual_s) - count.sum() * np.log((1 - q) * shown + q * held[:, None])
    belief = np.exp(log - log.max())
    belief /= belief.sum()
    gaps, often = np.unique(np.round(gaps_s if asked_s is None else asked_s, 1), return_counts=True)
    shown, held = (often @ _cut(gaps[:, None], *each) for each in (_bodies(), _waits()))
    return replace(_mixture(belief), doubt=_ends(belief, (1 - q) * shown + q * held[:, None]))


def _mixture(belief: Floats) -> Stays:
    """Join all mixtures tried, each by how far it is believed (shares, waits, bodies)."""
    q, (mu, sigma), (wait_mu, wait_sigma) = WAITING[:, None, None], _bodies(), _waits()
    weight = np.concatenate([((1 - q) * belief).sum(axis=(0, 1)), (q * belief).sum(axis=(0, 2))])
    kept = weight > RARE
    all_mu, all_sigma = np.concatenate([mu, wait_mu]), np.concatenate([sigma, wait_sigma])
    return Stays(all_mu[kept], all_sigma[kept], weight[kept] / weight[kept].sum())


def _ends(belief: Floats, caught: Floats) -> tuple[Stays, ...]:
    """Return the mixtures below and above which, by what they let pictures show, lies a tenth of the belief."""
    order = np.argsort(caught, axis=None, kind="stable")
    ends = np.searchsorted(np.cumsum(belief.ravel()[order]), [0.1, 0.9])
    return tuple(_mixture(np.where(np.arange(belief.size).reshape(belief.shape) == at, 1.0, 0.0)) for at in order[ends])


def _cut(gap_s: Floats, mu: Floats, sigma: Floats) -> Floats:
    """Return E[min(gap, D)] of log-normal stays D, seconds."""
    z = (np.log(np.maximum(gap_s, 1e-6)) - mu) / sigma
    mean = np.exp(mu + 0.5 * sigma**2)
    return np.asarray(np.where(np.isinf(gap_s), mean, mean * ndtr(z - sigma) + _finite(gap_s) * ndtr(-z)))


def _finite(gap_s: Floats) -> Floats:
    return np.where(np.isinf(gap_s), 0.0, gap_s)


def _chances(kinds: Floats, mu: Floats, sigma: Floats) -> Floats:
    """Return the chance, times the rate of arrival, of each kind (n, 3) of sighting under each distribution."""
    seen, before, after = kinds.T[..., None]
    parts = _cut(seen + before, mu, sigma) + _cut(seen + after, mu, sigma)
    parts -= _cut(seen, mu, sigma) + _cut(seen + before + after, mu, sigma)
    return np.maximum(parts, 1e-9)


@cache
def _bodies() -> tuple[Floats, Floats]:
    """List mu and sigma of every distribution tried for vehicles that drive through."""
    mu, sigma = np.meshgrid(np.log(MEDIANS_S), SIGMAS, indexing="ij")
    return mu.ravel(), sigma.ravel()


def _waits() -> tuple[Floats, Floats]:
    return np.log(WAITS_S), np.full(len(WAITS_S), WAIT_SIGMA)


def _prior(usual_s: float) -> Floats:
    """Return ln of what is believed beforehand of the bodies, (bodies,)."""
    mu, sigma = _bodies()
    off = (mu - np.log(usual_s)) / USUAL_SPREAD, np.log(sigma / USUAL_SIGMA) / USUAL_SIGMA_SPREAD
    return np.asarray(-0.5 * (off[0] ** 2 + off[1] ** 2))


def _kinds(seconds: Any) -> tuple[Floats, NDArray[np.int64]]:
    """Return the distinct tenths of a second among some, and which of them stands where."""
    kinds, place = np.unique(np.asarray(np.round(np.asarray(seconds), 1), np.float64), return_inverse=True)
    return kinds, place.astype(np.int64)
