"""Gather what is known of a scan's cameras before a night: their chains along roads, their traffic, what neighbours would show."""

from dataclasses import dataclass, replace

import pyarrow as pa

from pipeline import bursts, feeds, observability, upkeep
from pipeline.errors import PipelineError
from pipeline.lake import Lake
from pipeline.plans import products
from pipeline.plans.choice import Budget, Choice, Taken
from pipeline.plans.corridors import Pair, chains, pairs
from pipeline.plans.products import Traffic
from pipeline.plans.runs import Chain
from pipeline.scans import Scan
from pipeline.tables import TRANSITIONS


@dataclass(frozen=True)
class City:
    """What is known of a scan's cameras before a night."""

    native: dict[str, str]
    """Native id by camera id."""
    names: dict[str, str]
    """The feed's own name by camera id."""
    chains: list[list[str]]
    """Camera ids in the order of the road."""
    pairs: dict[tuple[str, str], Pair]
    traffic: Traffic
    p_close: float
    """Chance that a passing vehicle is in a picture while a burst lasts."""
    follow_s: float
    """Pictures further apart than this follow no vehicle."""

    def pair(self, one: str, other: str) -> Pair | None:
        """Return what is known of the way between two cameras."""
        return self.pairs.get((min(one, other), max(one, other)))

    def passing(self, pair: Pair) -> float:
        """Return vehicles an hour at the lesser of two cameras."""
        return min(self.traffic.at(name) for name in (pair.first, pair.second))

    def worth(self, pair: Pair, length_s: float, every_s: float) -> float:
        """Return the vehicles an hour in a picture of both: those who pass both while both are watched."""
        share = max(length_s - pair.travel_s, 0.0) / every_s
        return self.p_close**2 * products.THROUGH * share * self.passing(pair)


def gather(scan: Scan, listed: pa.Table, lake: Lake, budget: Budget) -> City:
    """Gather what list, roads and the lake's last night tell."""
    roads, settings = feeds.load(scan.feed).roads(scan), scan.settings("observability", observability.Settings)
    traffic = products.traffic(lake, budget.vehicles_an_hour)
    scan = knowing(scan, traffic)
    found = pairs(listed, roads, _learned(lake), scan.metric_crs, (budget.nearest_m, budget.farthest_m))
    close_s = bursts.read(scan).cadence_s if bursts.SECTION in scan.stages else budget.close_s
    native, names = (
        dict(zip(listed["camera_id"].to_pylist(), listed[column].to_pylist(), strict=True))
        for column in ("native_id", "name")
    )
    return City(
        native,
        names,
        chains(listed, found),
        found,
        traffic,
        products.judged(scan, *products.evenly(close_s)).p_seen,
        settings.follow_s,
    )


def knowing(scan: Scan, traffic: Traffic) -> Scan:
    """Return a scan that takes vehicles to stay in view as long as last night, unless its settings say otherwise."""
    if traffic.dwell_s is None:
        return scan
    weighing = {"dwell_s": traffic.dwell_s} | scan.stages.get("observability", {})
    return replace(scan, stages=scan.stages | {"observability": weighing})


def worthy(city: City, budget: Budget) -> list[Chain]:
    """Say what neighbours of each chain would show in bursts."""
    found = []
    for chain in city.chains:
        joined = [pair for pair in map(city.pair, chain, chain[1:]) if pair]
        worth = tuple(city.worth(pair, budget.length_s, budget.every_s) for pair in joined)
        cameras, names = (tuple(known[name] for name in chain) for known in (city.native, city.names))
        found.append(Chain(cameras, names, tuple(p.road_m for p in joined), worth))
    return found


def stated(scan: Scan, city: City, least_s: float) -> Choice:
    """Return the polling that a scan's settings say."""
    known, ids = bursts.checked(scan, least_s), {native: name for name, native in city.native.items()}
    sweep_s, taken = bursts.sweep_s(scan, least_s), []
    for corridor in known.corridors:
        names = [ids.get(native, native) for native in corridor.cameras]
        joined = [pair for pair in map(city.pair, names, names[1:]) if pair]
        worth = sum(city.worth(pair, known.length_s, known.every_s) for pair in joined)
        requests = known.pictures * len(names) * 3600.0 / known.every_s
        ends = " to ".join(city.names.get(names[end], names[end]) for end in (0, -1))
        road_m = round(sum(pair.road_m for pair in joined))
        taken.append(Taken(corridor.cameras, corridor.at_s, ends, road_m, worth, worth / requests))
    why = [f"sweep: every camera every {sweep_s:g} s, as [scan.{scan.name}] says"]
    if taken:
        why.append(
            f"bursts: {len(known.of)} of {len(ids)} cameras in {len(taken)} corridor(s), as [scan.{scan.name}.bursts] says"
        )
    if strange := sorted(set(known.of) - set(ids.values()) - set(city.native.values())):
        why.append(f"not in the feed's list tonight, and left out: {strange}")
    return Choice(sweep_s, tuple(taken), tuple(why))


def _learned(lake: Lake) -> pa.Table:
    """Return the travel times of the lake's last night that has any."""
    for on in reversed(upkeep.nights(lake)):
        try:
            return upkeep.night(lake, on, "transitions")
        except PipelineError:
            continue
    return TRANSITIONS.empty()
