"""Say before a night what each product will be worth: how many vehicles stand behind it, and how far it may be off."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline import bursts, observability, upkeep
from pipeline.errors import PipelineError
from pipeline.lake import Lake
from pipeline.plans.corridors import Pair
from pipeline.scans import Scan, Window
from pipeline.tables import CAMERAS, FRAMES, SIGHTINGS, TRANSITIONS, VERDICTS, frame_id

FOUND = 0.61
"""Share of vehicles in pictures that the detector finds, from 12 px up."""
LINKED = 0.55
"""Links published to one vehicle that is in a picture of both cameras."""
THROUGH = 0.84
"""Share of the vehicles at the lesser of two neighbours that pass both."""
DEMO = "default: the demo city"
MEDIAN = math.sqrt(math.pi / 2)
"""Standard error of a median to that of a mean, of many normal values."""
ANY = datetime(2026, 1, 15, tzinfo=UTC)
"""Hours that are nobody's are judged from here on."""
COUNT_S = 300.0
"""Seconds of a count."""


@dataclass(frozen=True)
class Expectation:
    """What one product of a night will be worth."""

    product: str
    of: str
    """Which cameras, or which pair."""
    supported: bool
    told: str
    """In words: the precision, or why it is not supported."""
    basis: str
    figures: dict[str, float]
    """For programs: `p_seen`, `p_pair`, `vehicles_an_hour`, `pairs_an_hour`, `relative_error`, `bias`, by what is known."""


@dataclass(frozen=True)
class Judged:
    """What `observability` says of two cameras polled in a way, if every picture comes."""

    p_seen: float
    p_pair: float
    verdict: str
    why: str
    pair_verdict: str
    why_pair: str


def judged(scan: Scan, window: Window, slots: list[datetime], pair: Pair | None = None) -> Judged:
    """Judge two cameras joined by road that are polled at the same times, by the thresholds of `observability`.

    Args:
        scan: Its settings of `observability` stand.
        window: Hour that is judged.
        slots: Times at which both are polled.
        pair: Travel time between them; None where it does not matter.
    """
    blank: dict[str, Any] = {each.name: None if each.nullable else _blank(each) for each in CAMERAS.schema}
    two = pa.Table.from_pylist([blank | {"camera_id": name} for name in ("one", "other")], schema=CAMERAS.schema)
    frames = [
        {"frame_id": frame_id(name, slot), "camera_id": name, "slot_at": slot, "captured_at": slot, "state": "ok",
         "captured_at_source": "none", "width_px": 0, "height_px": 0}
        for name in ("one", "other") for slot in slots
    ]  # fmt: skip
    rows = observability.weigh(
        two,
        pa.Table.from_pylist(frames, schema=FRAMES.schema),
        SIGHTINGS.empty(),
        pa.Table.from_pylist([_way(pair)], schema=TRANSITIONS.schema),
        window,
        scan.settings("observability", observability.Settings),
    ).to_pylist()
    alone = next(row for row in rows if row["camera_id"] == "one" and not row["pair_camera_id"])
    both = next(row for row in rows if row["pair_camera_id"])
    told = alone["verdict"], alone["reason"], both["verdict"], both["reason"]
    return Judged(alone["p_seen"], both["p_pair"], *told)


@dataclass(frozen=True)
class Traffic:
    """What passes cameras."""

    vehicles: dict[str, float]
    """Vehicles an hour at each camera of which that is known."""
    usual: float
    """The same at all others."""
    basis: str
    dwell_s: float | None = None
    """Median seconds that vehicles stay in view; None where no night tells."""

    def at(self, camera_id: str) -> float:
        """Return vehicles an hour at a camera."""
        return self.vehicles.get(camera_id, self.usual)


def traffic(lake: Lake, default: float) -> Traffic:
    """Return what passes each camera as the lake's last night tells.

    Where a camera's flow was published, that; else the vehicles counted, by the share of them that pictures showed. Pieces
    of one pass are counted apart, so the latter is rather too many.
    """
    for on in reversed(upkeep.nights(lake)):
        try:
            counts, flow = (upkeep.night(lake, on, f"products/{name}").to_pylist() for name in ("counts", "flow"))
            weighed = upkeep.night(lake, on, "observability").to_pylist()
        except PipelineError:
            continue
        found = _by_count(counts, weighed) | _by_flow(flow)
        if found:
            usual = float(np.median(list(found.values())))
            told = f"measured: night {on} of this lake, {len(found)} cameras; others as their median"
            stays = [row["dwell_s"] for row in weighed if row["dwell_s"] and not row["pair_camera_id"]]
            return Traffic(found, usual, told, float(np.median(stays)) if stays else None)
    return Traffic(
        {}, default, f"taken to be {default:g} vehicles an hour at every camera; no night of this lake tells"
    )


def counts(of: str, seen: Judged, vehicles: float, basis: str, p_close: float | None = None) -> Expectation:
    """Expect the count of five minutes: what pictures miss makes it vary, what the detector misses makes it small.

    Cameras in bursts show all but the share 1 - `p_close` of five minutes inside a burst, and the rest of an hour as swept.
    """
    if seen.verdict == "none":
        return Expectation("counts", of, supported=False, told=f"not supported: {seen.why}", basis=basis, figures={})
    shares = (seen.p_seen, 1.0), (p_close or seen.p_seen, COUNT_S / 3600)
    hour, off = (count_error(p, vehicles * share) for p, share in shares)
    when = "five minutes of a burst" if p_close else "five minutes"
    told = f"{seen.p_seen:.0%} of {vehicles:,.0f} vehicles an hour in a picture; {when} ±{off:.0%}, an hour ±{hour:.0%}"
    figures = {
        "p_seen": seen.p_seen,
        "vehicles_an_hour": vehicles,
        "relative_error": off,
        "hour_error": hour,
        "bias": FOUND - 1,
    }
    bias = f"; {1 - FOUND:.0%} too few where the detector misses as in the demo city"
    return Expectation("counts", of, supported=True, told=told + bias, basis=f"{basis}; recall {DEMO}", figures=figures)


def flow(of: str, seen: Judged, vehicles: float, basis: str) -> Expectation:
    """Expect the flow of five minutes in a heading."""
    if VERDICTS.index(seen.verdict) < VERDICTS.index("flow"):
        return Expectation(
            "flow", of, supported=False, told=f"not supported: {seen.why}", basis="observability", figures={}
        )
    off = count_error(seen.p_seen, vehicles * COUNT_S / 3600)
    figures = {"p_seen": seen.p_seen, "vehicles_an_hour": vehicles, "relative_error": off, "bias": FOUND - 1}
    return Expectation("flow", of, supported=True, told=f"five minutes ±{off:.0%}", basis=basis, figures=figures)


def travel_time(of: str, both: Judged, pair: Pair, vehicles: float, k: int, basis: str) -> Expectation:
    """Expect the median travel time of an hour between two neighbours, both ways together."""
    passing = THROUGH * vehicles
    seen = passing * both.p_pair
    linked = LINKED * seen
    off = median_error(linked, pair.sigma)
    figures = {
        "p_pair": both.p_pair, "vehicles_an_hour": passing, "pairs_an_hour": seen, "links_an_hour": linked,
        "travel_s": pair.travel_s, "relative_error": off,
    }  # fmt: skip
    told = f"{seen:.0f} of {passing:.0f} vehicles an hour at both, {linked:.0f} linked; median of {pair.travel_s:.0f} s ±{off:.0%}"
    if VERDICTS.index(both.pair_verdict) < VERDICTS.index("link"):
        told, supported = f"not supported: {both.why_pair}", False
    elif linked / 2 < k:
        told, supported = f"{told}; fewer than {k} links a direction and hour: not published", False
    else:
        supported = True
    time = "learned" if pair.learned else "by road length"
    return Expectation("travel_time", of, supported, told, f"{basis}; travel time {time}; links {DEMO}", figures)


def of_trips(of: str, both: Judged) -> list[Expectation]:
    """Say whether whole trips may be told of: their ends (`od`) and where they were (`heatmap`)."""
    supported = both.pair_verdict == "trajectory"
    if not supported:
        return [
            Expectation(name, of, supported, f"not supported: {both.why_pair}", "observability", {})
            for name in ("od", "heatmap")
        ]
    pieces = "pieces of trips between neighbouring cameras, cut where one is missed or a burst ends: no error can be promised"
    return [
        Expectation("od", of, supported, pieces, "README: 131 % on the demo city", {}),
        Expectation("heatmap", of, supported, "where those pieces were, while pictures are close", "observability", {}),
    ]


def count_error(p_seen: float, vehicles: float) -> float:
    """Return the relative standard error of a count that sees each of so many vehicles with one chance.

    Source: thinning of a known number, variance p (1 - p) n; divided by p n.
    """
    return math.sqrt((1 - p_seen) / (p_seen * vehicles)) if p_seen * vehicles > 0 else math.inf


def median_error(pairs: float, sigma: float) -> float:
    """Return the relative standard error of the median of so many log-normal travel times."""
    return MEDIAN * sigma / math.sqrt(pairs) if pairs > 0 else math.inf


def evenly(close_s: float) -> tuple[Window, list[datetime]]:
    """Return ten minutes in which a camera is polled at one cadence."""
    window = Window(ANY, ANY, ANY + timedelta(minutes=10))
    return window, [ANY + timedelta(seconds=number * close_s) for number in range(math.ceil(600 / close_s))]


def cycle(scan: Scan, native_id: str) -> tuple[Window, list[datetime]]:
    """Return one whole round of a camera's bursts as a window, and its slots, whatever hours they fall in."""
    known = bursts.read(scan)
    begins = ANY + timedelta(seconds=known.of[native_id].at_s)
    burst = [begins + timedelta(seconds=number * known.cadence_s) for number in range(known.pictures)]
    until = burst[-1] + timedelta(seconds=known.cadence_s)
    sweep = [
        ANY + timedelta(seconds=number * scan.cadence_s) for number in range(math.ceil(known.every_s / scan.cadence_s))
    ]
    window = Window(ANY, ANY, max(ANY + timedelta(seconds=known.every_s), until))
    return window, sorted([*burst, *(at for at in sweep if not burst[0] <= at < until)])


def _way(pair: Pair | None) -> dict[str, Any]:
    """Return a row of `transitions` that joins both cameras."""
    way: dict[str, Any] = dict.fromkeys(TRANSITIONS.schema.names) | {"from_camera": "one", "to_camera": "other"}
    if pair is None:
        return way
    told = {"floor_s": 0.0, "travel_mu": math.log(pair.travel_s), "travel_sigma": pair.sigma, "support": 1}
    return way | told | {"heading": "none", "to_heading": "none", "road_m": pair.road_m}


def _blank(column: pa.Field) -> Any:
    """Return a plain value of a column."""
    if pa.types.is_floating(column.type):
        return 0.0
    return pa.types.is_boolean(column.type) or ""


def _by_count(counts: list[dict[str, Any]], weighed: list[dict[str, Any]]) -> dict[str, float]:
    """Return vehicles an hour by those counted and the share of them that pictures showed."""
    known = {(row["camera_id"], row["hour_at"]): row for row in weighed if not row["pair_camera_id"]}
    found: dict[str, list[float]] = {}
    for row in counts:
        told = known.get((row["camera_id"], row["hour_at"]))
        if told and told["p_seen"] and told["cadence_s"]:
            planned_h = told["slots_planned"] * told["cadence_s"] / 3600
            found.setdefault(row["camera_id"], []).append(row["vehicles"] / told["p_seen"] / planned_h)
    return {name: float(np.mean(each)) for name, each in found.items()}


def _by_flow(flow: list[dict[str, Any]]) -> dict[str, float]:
    """Return vehicles an hour by the five minutes that told a flow."""
    found: dict[str, dict[datetime, float]] = {}
    for row in flow:
        by_time = found.setdefault(row["camera_id"], {})
        by_time[row["interval_at"]] = by_time.get(row["interval_at"], 0.0) + float(row["vehicles_expected"])
    return {name: float(np.mean(list(by_time.values()))) * 12 for name, by_time in found.items()}
