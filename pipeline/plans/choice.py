"""Choose who is polled when: the fastest sweep that caps and budget allow, then the corridors that show most pairs a request."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from pipeline import bursts, feeds
from pipeline.errors import SettingsError
from pipeline.fetcher import manners
from pipeline.plans.runs import Chain, Curve, Run, packed
from pipeline.scans import Scan

LONGEST = 8
"""Most cameras of one corridor."""
WHOLE_S = 5.0
"""A sweep that must be slower than the scan asks for is slowed to a multiple of so many seconds."""


@dataclass(frozen=True)
class Budget:
    """What a night may ask for, from `[scan.<name>.plan]`, and how bursts are to be."""

    requests: int = 0
    """Most requests of a night; 0 for no bound."""
    megabytes: float = 0.0
    """Most megabytes fetched in a night; 0 for no bound."""
    slowest_sweep_s: float = 900.0
    """Every camera is asked at least so often, seconds."""
    close_s: float = 2.0
    """Seconds between two observations of a camera in a burst."""
    length_s: float = 600.0
    """Seconds that a burst lasts."""
    every_s: float = 3600.0
    """Seconds from the start of one burst of a corridor to the start of its next."""
    nearest_m: float = 200.0
    """Metres between two neighbours of a corridor at least: nearer, pictures seconds apart tell no travel time."""
    farthest_m: float = 2500.0
    """Metres of road between two neighbours of a corridor, at most."""
    vehicles_an_hour: float = 300.0
    """Vehicles taken to pass a camera where no night of the lake tells."""
    answer_s: float = 0.3
    """Seconds that one answer is taken to need: with the requests under way at once, it bounds the pace."""

    def checked(self, name: str) -> "Budget":
        """Return it; SettingsError names the section and the field of what cannot be."""
        where, least = f"settings [scan.{name}.plan]", {"requests": 0, "megabytes": 0.0, "nearest_m": 0.0}
        for field in fields(self):
            value, low = getattr(self, field.name), least.get(field.name, 0.1)
            if not low <= value < math.inf:
                raise SettingsError(f"{where}: {field.name} = {value!r} is not from {low:g} on; mend it")
        for lower, upper in (("close_s", "length_s"), ("length_s", "every_s"), ("nearest_m", "farthest_m")):
            if getattr(self, lower) > getattr(self, upper):
                raise SettingsError(f"{where}: {upper} = {getattr(self, upper):g} is below {lower}; raise it")
        return self


@dataclass(frozen=True)
class Taken:
    """A corridor that is polled in bursts, and what for."""

    cameras: tuple[str, ...]
    """Native ids, in the order of the road."""
    at_s: float
    words: str
    """Names of its ends."""
    road_m: float
    pairs_an_hour: float
    """Vehicles an hour expected in a picture of two neighbours."""
    pairs_a_request: float


@dataclass(frozen=True)
class Choice:
    """Who is polled when, and why."""

    sweep_s: float
    taken: tuple[Taken, ...]
    why: tuple[str, ...]
    """Sentences."""

    def settings(self, budget: Budget) -> dict[str, Any]:
        """Return the section `[scan.<name>.bursts]` that makes a run poll so; empty for sweeps alone."""
        if not self.taken:
            return {}
        told = [{"cameras": list(each.cameras), "at_s": each.at_s} for each in self.taken]
        return {
            "cadence_s": budget.close_s,
            "length_s": budget.length_s,
            "every_s": budget.every_s,
            "corridors": told,
        }

    def scan(self, scan: Scan, budget: Budget) -> Scan:
        """Return the scan as it would be polled."""
        stages = {name: section for name, section in scan.stages.items() if name != bursts.SECTION}
        section = self.settings(budget)
        return replace(scan, cadence_s=self.sweep_s, stages=stages | ({bursts.SECTION: section} if section else {}))


@dataclass(frozen=True)
class Limits:
    """What caps and budget leave."""

    night_s: float
    cameras: int
    requests: float
    """Most requests of the night; infinite for no bound."""
    pace: float
    """Most requests a second; infinite where none leaves this machine."""
    least_s: float
    """Least seconds between two requests for a camera."""
    words: str
    """What bounds the pace."""


def limits(scan: Scan, night_s: float, budget: Budget, cameras: int, bytes_a_picture: float) -> Limits:
    """Gather the caps of a scan's feed and the bounds of its budget."""
    feed = feeds.load(scan.feed)
    fits = [budget.requests or math.inf, budget.megabytes * 1e6 / bytes_a_picture if budget.megabytes else math.inf]
    paces = {"no request leaves this machine": math.inf}
    if feed.live:
        at_once = int(scan.stages.get("snapshots", {}).get("at_once", 0)) or feed.at_once
        paces[f"{at_once} under way at once, {budget.answer_s:g} s an answer"] = at_once / budget.answer_s
    if feed.requests_per_minute:
        longest = 1 + manners.SPREAD  # the fetcher's gaps are up to so much longer
        paces[f"the terms allow {feed.requests_per_minute:g} a minute"] = feed.requests_per_minute / 60.0 / longest
    words = min(paces, key=lambda name: paces[name])
    return Limits(night_s, cameras, min(fits), paces[words], feed.min_interval_s, words)


def choose(scan: Scan, bounds: Limits, budget: Budget, chains: Sequence[Chain], follow_s: float) -> Choice:
    """Choose the sweep and the corridors: the same for the same inputs, never above a cap or the budget.

    The sweep comes first, as fast as the scan asks for where caps and budget allow. What is left of the budget goes to
    bursts: of all ways to take so many cameras, in runs along their chains, that is taken which shows most pairs, found
    exactly (every camera costs the same); corridors take turns so that never more cameras burst at once than the pace
    allows. More budget never yields less.

    Args:
        scan: Its `cadence_s` is the sweep wished for.
        bounds: Caps and budget.
        budget: How bursts are to be.
        chains: Cameras along roads, and what neighbours are worth.
        follow_s: Pictures further apart than this follow no vehicle.

    Raises:
        SettingsError: not even the slowest sweep fits, saying what the least is.
    """
    sweep_s, why = _sweep(scan, bounds, budget)
    close = _closely(bounds, budget, sweep_s, chains, follow_s)
    if isinstance(close, str):
        return Choice(sweep_s, (), (why, close))
    room, turns, at_once = close
    curve = Curve(chains, min(LONGEST, at_once))
    most = min(room, turns * at_once, curve.most)
    for cameras in range(most, 1, -1):
        runs = curve.runs(cameras)
        if runs and (turn_of := packed(runs, turns, at_once)) is not None:
            taken = tuple(_taken(run, turn, budget, bounds) for run, turn in zip(runs, turn_of, strict=True))
            return Choice(sweep_s, taken, (why, *_reasons(taken, chains, room, turns, at_once, bounds)))
    return Choice(
        sweep_s,
        (),
        (why, f"no bursts: none of {budget.length_s:g} s would show a vehicle at two neighbours; raise length_s"),
    )


def cost(bounds: Limits, budget: Budget) -> int:
    """Return the most pictures that a night's bursts of one camera take."""
    return math.ceil(bounds.night_s / budget.every_s) * math.floor(budget.length_s / budget.close_s + 1e-9)


def _sweep(scan: Scan, bounds: Limits, budget: Budget) -> tuple[float, str]:
    """Return the fastest sweep that fits, no faster than the scan asks for, and why."""
    wished = max(scan.cadence_s, bounds.least_s)
    needs = {
        f"[scan.{scan.name}] asks for it" if wished == scan.cadence_s else "the terms allow no more": wished,
        f"{bounds.cameras} cameras need so long ({bounds.words})": bounds.cameras / bounds.pace,
        f"more would not fit into {bounds.requests:,.0f} requests": _least_sweep_s(bounds),
    }
    reason = max(needs, key=lambda name: needs[name])
    sweep_s = needs[reason] if needs[reason] == wished else math.ceil(needs[reason] / WHOLE_S) * WHOLE_S
    if sweep_s > max(budget.slowest_sweep_s, wished):
        least = bounds.cameras * math.ceil(bounds.night_s / max(budget.slowest_sweep_s, wished))
        raise SettingsError(
            f"scan {scan.name}: a sweep of {bounds.cameras} cameras every {budget.slowest_sweep_s:g} s at the slowest needs "
            f"{least:,} requests a night, and {bounds.requests:,.0f} are allowed ({bounds.words}); raise the budget, name "
            f"fewer cameras, or raise slowest_sweep_s in [scan.{scan.name}.plan]"
        )
    return sweep_s, f"sweep: every camera every {sweep_s:g} s, for {reason}"


def _least_sweep_s(bounds: Limits) -> float:
    """Return the fastest sweep whose pictures fit into the budget; infinite where none does."""
    rounds = math.floor(bounds.requests / bounds.cameras) if math.isfinite(bounds.requests) else math.inf
    return bounds.night_s / rounds if rounds else math.inf


def _closely(
    bounds: Limits, budget: Budget, sweep_s: float, chains: Sequence[Chain], follow_s: float
) -> tuple[int, int, int] | str:
    """Return how many cameras the budget lets burst, how many turns there are, and how many at once; or why none may."""
    if budget.close_s < bounds.least_s:
        return (
            f"no bursts: a camera may be asked every {bounds.least_s:g} s at most, and a burst asks every {budget.close_s:g} s"
            + (
                f"; vehicles cannot be followed from {follow_s:g} s on"
                if bounds.least_s >= follow_s
                else "; raise close_s"
            )
        )
    if not chains:
        return f"no bursts: no two cameras are neighbours along a road within {budget.farthest_m:,.0f} m"
    if sweep_s <= budget.close_s:
        return "no bursts: the sweep alone is as close as they would be"
    swept = bounds.cameras * math.ceil(bounds.night_s / sweep_s)
    room = math.floor(min((bounds.requests - swept) / cost(bounds, budget), bounds.cameras))
    at_once = math.floor(min((bounds.pace - bounds.cameras / sweep_s) * budget.close_s, bounds.cameras))
    if room < 2:
        return f"no bursts: the sweep leaves {bounds.requests - swept:,.0f} requests, two cameras need {2 * cost(bounds, budget):,}"
    if at_once < 2:
        return f"no bursts: fewer than two cameras can be asked every {budget.close_s:g} s beside the sweep ({bounds.words})"
    return room, max(math.floor(budget.every_s / budget.length_s), 1), at_once


def _taken(run: Run, turn: int, budget: Budget, bounds: Limits) -> Taken:
    """Say when a run bursts and what it is worth."""
    requests = cost(bounds, budget) * len(run.cameras) / bounds.night_s * 3600.0
    road_m = sum(run.chain.road_m[run.first : run.last])
    ends = run.chain.names[run.first], run.chain.names[run.last]
    return Taken(run.cameras, turn * budget.length_s, " to ".join(ends), round(road_m), run.worth, run.worth / requests)


def _reasons(
    taken: tuple[Taken, ...], chains: Sequence[Chain], room: int, turns: int, at_once: int, bounds: Limits
) -> list[str]:
    """Say why these corridors and not others."""
    cameras = sum(len(each.cameras) for each in taken)
    bound = {
        f"the budget has room for {room}": room,
        f"{turns} turns of {at_once} are the pace's ({bounds.words})": turns * at_once,
    }
    reached = [name for name, most in bound.items() if cameras + 2 > most]
    why = min(reached, key=lambda name: bound[name]) if reached else "no others would show a vehicle at two neighbours"
    least = min(taken, key=lambda each: each.pairs_a_request)
    words = f"bursts: {cameras} of {bounds.cameras} cameras in {len(taken)} corridor{'s' * (len(taken) > 1)}, for {why}"
    left = [worth for chain in chains for worth in _left(chain, taken)]
    told = f"; of the neighbours not taken the best would show {max(left):.3g} pairs an hour" if left else ""
    return [words, f"the least of them shows {least.pairs_a_request:.2g} pairs a request{told}"]


def _left(chain: Chain, taken: tuple[Taken, ...]) -> list[float]:
    """Return what the neighbours of a chain that no corridor joins would be worth."""
    joined = {pair for each in taken for pair in zip(each.cameras, each.cameras[1:], strict=False)}
    every = zip(chain.cameras, chain.cameras[1:], strict=False)
    return [worth for pair, worth in zip(every, chain.worth, strict=True) if pair not in joined]
