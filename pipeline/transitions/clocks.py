"""Tell how far each camera's clock is off, from how flows follow one another in both directions all around it.

A clock that is d ahead makes whoever comes later by d and whoever goes on earlier by d, on every way to and from its camera;
a slow road makes both later. So no way alone tells a clock, and all ways around a camera do.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from pipeline import travel
from pipeline.transitions.flows import Flows, Group
from pipeline.transitions.settings import Settings
from pipeline.transitions.ways import Way

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WIDTHS_S = (4.0, 9.0, 18.0)
"""Spreads of travel time looked for, seconds."""
RATIO = 0.07
"""Step of ln(travel time) tried."""
RATIOS = np.exp(RATIO * np.arange(-20, 21))
"""Travel times tried, against the usual."""
WIDE, SPREAD, ALIKE = 0.7, 0.4, 0.15
"""Standard deviations of ln(travel time): around the guess, around the usual, and of one direction around the other."""
STEP_S = 3
"""Step of the offsets tried, seconds."""
MOST = 60.0
"""No two cameras say more than this for an offset, ln likelihood."""
TOLD = 15.0
"""A pair says clearly how long its way takes from this on, ln likelihood."""
BLUR_S = 30.0
"""Signals make of one travel time several: offsets are told apart by this, seconds."""
LEAST_S = 45.0
"""Offsets below this pass for travel time."""
LEAST_GAIN = 45.0
"""An offset is believed where it explains the flows around a camera better than none by this, ln likelihood..."""
STILL = 0.35
"""...where no offset explains them less than this share as well..."""
OTHER, NEAR_S = 0.9, 150.0
"""...and no offset further off than that explains them this share as well."""
TEMPER = 0.1
"""What neighbours say hangs together, so ln likelihoods are worth this share in the mean over offsets."""
SWEEPS = 6
"""Rounds of refining; each moves every clock that is off."""


@dataclass(frozen=True)
class Heard:
    """What the flows between two cameras say of the one clock against the other."""

    first: str
    second: str
    gain: Floats
    """(n,) ln likelihood over chance for every STEP_S that the second clock may be ahead, from the most it may be behind."""


def offsets(ways: list[Way], flows: Flows, settings: Settings) -> dict[str, float]:
    """Return the seconds that cameras' clocks are ahead; those that are not named are taken to be right.

    Args:
        ways: Every way that headings and roads allow, with guessed travel times.
        flows: Who came and who went.
        settings: How far a clock may be off.
    """
    around: dict[str, list[tuple[Heard, int]]] = defaultdict(list)
    for each in _heard(ways, flows, settings):
        around[each.first].append((each, -1))
        around[each.second].append((each, 1))
    reach = round(settings.max_clock_s)
    return _refined(around, _believed(around, reach), reach)


def _heard(ways: list[Way], flows: Flows, settings: Settings) -> list[Heard]:
    """Listen to every two cameras, all their headings together, in both directions together."""
    pairs: dict[tuple[str, str], list[Way]] = defaultdict(list)
    for way in ways:
        pairs[way.start.camera_id, way.end.camera_id].append(way)
    told = {pair: _told(between, flows, settings) for pair, between in sorted(pairs.items())}
    slower = _slower([each for each in told.values() if each is not None])
    out = []
    for first, second in sorted({(min(pair), max(pair)) for pair in told}):
        sides = told.get((first, second)), told.get((second, first))
        if any(side is not None for side in sides):
            out.append(_both(first, second, sides, slower, round(settings.max_clock_s)))
    return out


@dataclass(frozen=True)
class Told:
    """What the flows from one camera to another tell."""

    low: int
    """The least gap, seconds."""
    likely: Floats
    """ln likelihood over chance that vehicles take the way in each second of gap from `low` on."""
    usual_s: float
    """Travel time as guessed."""

    def at(self, gap_s: Ints) -> Floats:
        """Return the ln likelihood at some gaps."""
        return self.likely[np.clip(gap_s - self.low, 0, len(self.likely) - 1)]


def _told(between: list[Way], flows: Flows, settings: Settings) -> Told | None:
    """Listen to one directed pair of cameras; None where its flows are too small to tell."""
    reach = round(settings.max_clock_s)
    went, came = _ends(between, flows)
    longest_s = max(way.travel.ceiling_s for way in between)
    low, high = int(min(way.travel.floor_s for way in between)) - reach, int(np.ceil(longest_s)) + reach
    if min(flows.count(went), flows.count(came)) < travel.LEAST_SUPPORT or flows.ring_s < 2 * (high - low):
        return None
    gaps = travel.Gaps.of(flows.ring(went, came), 0.0)
    usual_s = float(np.median([way.travel.median_s for way in between]))
    return Told(low, _likely(gaps.pairs - gaps.chance, low, high), max(usual_s, 2.0))


def _slower(told: list[Told]) -> float:
    """Return by how much vehicles are slower than was guessed: the median over the pairs that tell clearly."""
    found = []
    for each in told:
        times = each.usual_s * RATIOS
        gain = each.at(np.rint(times).astype(np.int64)) - 0.5 * (np.log(RATIOS) / WIDE) ** 2
        if gain.max() >= TOLD:
            found.append(float(np.log(RATIOS[int(np.argmax(gain))])))
    return float(np.exp(np.median(found))) if found else 1.0


def _both(first: str, second: str, sides: tuple[Told | None, Told | None], slower: float, reach: int) -> Heard:
    """Put both directions of two cameras together: for every offset, the travel times that explain the flows best.

    In both directions much the same time is taken, so one is looked for near the other.
    """
    ahead = np.arange(-reach, reach + 1, STEP_S)
    total = -0.5 * (np.log(RATIOS)[:, None] / SPREAD) ** 2 + np.zeros(len(ahead))
    for side, sign in zip(sides, (1, -1), strict=True):
        if side is not None:
            gap_s = side.usual_s * slower * RATIOS[:, None] + sign * ahead
            total = total + _near(side.at(np.rint(gap_s).astype(np.int64)))
    return Heard(first, second, np.minimum(total.max(axis=0), MOST))


def _near(gain: Floats) -> Floats:
    """Return the best gain at a travel time like that of each row."""
    best = gain.copy()
    for step in range(1, 6):
        like = gain - 0.5 * (step * RATIO / ALIKE) ** 2
        best[step:] = np.maximum(best[step:], like[:-step])
        best[:-step] = np.maximum(best[:-step], like[step:])
    return best


def _ends(between: list[Way], flows: Flows) -> tuple[tuple[Group, ...], tuple[Group, ...]]:
    """Return the flows that leave the first camera of a pair for the second, and those that reach the second."""
    went = {(way.start.camera_id, way.heading) for way in between}
    came = {(way.end.camera_id, way.to_heading) for way in between}
    came |= {(way.end.camera_id, name) for way in between if way.to_heading == "none" for name in way.end.headings}
    return tuple(sorted(went & flows.of.keys())), tuple(sorted(came & flows.of.keys()))


def _likely(excess: Floats, low: int, high: int) -> Floats:
    """Return the ln likelihood over chance of a crowd of pairs around every gap from `low` to `high`.

    How far the excess strays at gaps that nobody takes, nor any clock is off by, tells what chance can do.
    """
    rows, ring = np.arange(low, high + 1), len(excess)
    best = np.zeros(len(rows))
    for width_s in WIDTHS_S:
        crowd = gaussian_filter1d(excess, width_s, mode="wrap")
        elsewhere = crowd[np.arange(high, ring + low) % ring]
        spread = max(1.4826 * float(np.median(np.abs(elsewhere - np.median(elsewhere)))), float(elsewhere.std()), 1e-9)
        best = np.maximum(best, np.maximum(crowd[rows % ring] / spread, 0.0))
    return np.asarray(0.5 * best**2)


def _believed(around: dict[str, list[tuple[Heard, int]]], reach: int) -> dict[str, float]:
    """Set right, one by one, the clock that explains most, until none explains enough; a clock may be set back again."""
    found: dict[str, float] = {}
    told = {name: _sum(name, around, found) for name in sorted(around)}
    for _ in range(3 * len(around)):
        wanted = {name: _wanted(each, reach) for name, each in told.items()}
        gains = {
            name: float(told[name][_place(at, reach)] - told[name][_place(found.get(name, 0.0), reach)])
            for name, at in wanted.items()
            if at != found.get(name, 0.0)
        }
        if not gains or max(gains.values()) <= 0:
            break
        moved = min(gains, key=lambda name: (-gains[name], name))
        found[moved] = wanted[moved]
        for other in {moved} | {each.first if each.second == moved else each.second for each, _ in around[moved]}:
            told[other] = _sum(other, around, found)
    return {name: at for name, at in found.items() if at}


def _place(ahead_s: float, reach: int) -> int:
    """Return where an offset stands among those tried."""
    return round((ahead_s + reach) / STEP_S)


def _wanted(told: Floats, reach: int) -> float:
    """Return the offset that explains the flows around a camera best, 0 where it is small, or not clear."""
    blurred = gaussian_filter1d(told, BLUR_S / STEP_S)
    above = blurred - np.median(blurred)
    best, none = int(np.argmax(np.round(above, 6))), _place(0.0, reach)
    others = above[np.abs(np.arange(len(told)) - best) * STEP_S > NEAR_S]
    at = float(best * STEP_S - reach)
    stays = above[none] > STILL * above[best] or above[best] - above[none] < LEAST_GAIN
    return 0.0 if stays or abs(at) < LEAST_S or others.max(initial=0.0) > OTHER * above[best] else at


def _sum(name: str, around: dict[str, list[tuple[Heard, int]]], found: dict[str, float]) -> Floats:
    """Return, for every offset of one clock, how well all flows around its camera go with it."""
    total = np.zeros(len(around[name][0][0].gain))
    for heard, sign in around[name]:
        gain = heard.gain if sign > 0 else heard.gain[::-1]
        other = round(found.get(heard.first if sign > 0 else heard.second, 0.0) / STEP_S)
        moved = np.full(len(gain), float(np.median(gain)))
        moved[max(other, 0) : len(gain) + min(other, 0)] = gain[max(-other, 0) : len(gain) + min(-other, 0)]
        total += moved
    return total


def _refined(around: dict[str, list[tuple[Heard, int]]], found: dict[str, float], reach: int) -> dict[str, float]:
    """Bring every clock that is off to the mean of the offsets near it, each by how well the flows go with it."""
    now, offset = dict(found), np.arange(-reach, reach + 1.0, STEP_S)
    for _ in range(SWEEPS):
        for name in sorted(now):
            told = _sum(name, around, now)
            told[np.abs(offset - found[name]) > NEAR_S] = -np.inf
            weight = np.exp(TEMPER * (told - told.max()))
            now[name] = float(weight @ offset / weight.sum())
    return {name: round(each, 1) for name, each in now.items()}
