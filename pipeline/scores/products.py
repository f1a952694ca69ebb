"""Score what users consume against true passes: travel times, the origin-destination matrix, flows."""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

Pair = tuple[str, str]

LEAST_TRIPS = 5
"""A pair of cameras with fewer trips, true or found, has no median to compare."""


@dataclass(frozen=True)
class ProductScores:
    """Errors as shares; NaN where there is nothing to compare."""

    travel_time_error: float
    """Mean over pairs of cameras of |median seconds - true| / true."""
    n_pairs: int
    """Pairs of cameras compared."""
    od_error: float
    """Sum of |trips - true| over the matrix / sum of true trips."""
    n_trips: int
    """True trips over two cameras or more."""
    flow_mape: float
    """Mean over camera and 5 minutes of |count - true| / true, where the truth is above 0."""
    flow_bias: float
    """(All counts - true) / true."""
    n_flows: int
    """Camera and 5-minute cells compared."""


def product_scores(
    passes: pa.Table, sightings: pa.Table, links: pa.Table, trajectories: pa.Table, bin_s: int = 300
) -> ProductScores:
    """Compare what can be counted from the lake with the true passes.

    Args:
        passes: truth.PASSES, every vehicle (`Truth.passes` of a full truth).
        sightings: `sightings` rows; flows count them where they enter, unless parked.
        links: `links` rows; travel times are their `travel_s`.
        trajectories: `trajectories` rows; trips are from their first to their last camera.
        bin_s: Seconds in a flow's cell.
    """
    true_times, times = _true_times(passes), _times(sightings, links)
    pairs = [pair for pair in sorted(true_times.keys() & times.keys()) if _comparable(true_times[pair], times[pair])]
    errors = [abs(median(times[pair]) / median(true_times[pair]) - 1) for pair in pairs]
    true_trips, trips = _true_trips(passes), _trips(trajectories)
    true_flow, flow = _flow(passes, bin_s), _flow(_moving(sightings), bin_s)
    return ProductScores(
        travel_time_error=fmean(errors) if errors else float("nan"),
        n_pairs=len(pairs),
        od_error=_ratio(sum(abs(trips[key] - true_trips[key]) for key in trips | true_trips), true_trips.total()),
        n_trips=true_trips.total(),
        flow_mape=_ratio(sum(abs(flow[key] / true - 1) for key, true in true_flow.items()), len(true_flow)),
        flow_bias=_ratio(flow.total() - true_flow.total(), true_flow.total()),
        n_flows=len(true_flow),
    )


def _true_times(passes: pa.Table) -> dict[Pair, list[float]]:
    """Return the seconds from leaving a camera to entering the vehicle's next, by pair of cameras."""
    times: dict[Pair, list[float]] = {}
    for one, other in pairwise(_in_order(passes)):
        if one["vehicle_id"] == other["vehicle_id"] and one["camera_id"] != other["camera_id"]:
            seconds = (other["entered_at"] - one["left_at"]).total_seconds()
            times.setdefault((one["camera_id"], other["camera_id"]), []).append(seconds)
    return times


def _times(sightings: pa.Table, links: pa.Table) -> dict[Pair, list[float]]:
    """Return the seconds of links by pair of cameras."""
    camera = dict(zip(sightings["sighting_id"].to_pylist(), sightings["camera_id"].to_pylist(), strict=True))
    times: dict[Pair, list[float]] = {}
    for row in links.select(["query_id", "gallery_id", "travel_s"]).to_pylist():
        if row["query_id"] in camera and row["gallery_id"] in camera:
            times.setdefault((camera[row["query_id"]], camera[row["gallery_id"]]), []).append(row["travel_s"])
    return times


def _comparable(true: list[float], found: list[float]) -> bool:
    """Tell whether a pair has enough trips for a median, and a true one above 0 (views that overlap have none)."""
    return min(len(true), len(found)) >= LEAST_TRIPS and median(true) > 0


def _true_trips(passes: pa.Table) -> Counter[Pair]:
    """Count vehicles seen at two cameras or more by the first and the last."""
    trips: dict[str, list[str]] = {}
    for row in _in_order(passes):
        trips.setdefault(row["vehicle_id"], []).append(row["camera_id"])
    return Counter((cameras[0], cameras[-1]) for cameras in trips.values() if len(set(cameras)) > 1)


def _trips(trajectories: pa.Table) -> Counter[Pair]:
    """Count trajectories over two cameras or more by the first and the last."""
    chains = trajectories["camera_ids"].to_pylist()
    return Counter((cameras[0], cameras[-1]) for cameras in chains if len(set(cameras)) > 1)


def _moving(sightings: pa.Table) -> pa.Table:
    """Return the sightings that the product `flow` counts: followed over two pictures or more, and not parked."""
    return sightings.filter(~pc.field("motion").isin(["parked", "single", "lone"]))


def _flow(entering: pa.Table, bin_s: int) -> Counter[tuple[str, int]]:
    """Count what enters each camera in each stretch of time."""
    cell = entering["entered_at"].cast(pa.int64()).to_numpy() // (bin_s * 1_000_000)
    return Counter(zip(entering["camera_id"].to_pylist(), cell.tolist(), strict=True))


def _in_order(passes: pa.Table) -> list[dict[str, Any]]:
    """Return passes by vehicle and time."""
    order = ("vehicle_id", "entered_at", "left_at", "camera_id")
    rows: list[dict[str, Any]] = passes.sort_by([(name, "ascending") for name in order]).to_pylist()
    return rows


def _ratio(part: float, whole: float) -> float:
    """Return part / whole, NaN of nothing."""
    return part / whole if whole else float("nan")
