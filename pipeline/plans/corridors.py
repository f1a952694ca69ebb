"""Find corridors: chains of cameras one after another along a road."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline import transitions
from pipeline.geo import bearing_between, haversine_m, turn_deg

TRIED = 8
"""Nearest cameras tried from each."""
CROOKED = 1.8
"""A way longer than this many times the straight line is not along one road."""
TURN_DEG = 75.0
"""A chain that turns more than this at a camera is not along one road."""


@dataclass(frozen=True)
class Pair:
    """Two cameras next to each other on a road."""

    first: str
    second: str
    """Camera ids, the smaller first."""
    road_m: float
    travel_s: float
    """Usual seconds from the one to the other."""
    sigma: float
    """Standard deviation of ln(travel time)."""
    learned: bool
    """Whether an earlier night has told the travel time."""


def chains(listed: pa.Table, found: dict[tuple[str, str], Pair]) -> list[list[str]]:
    """Join cameras to chains along roads, each camera in one at most; the longest first.

    The shortest ways are joined first, those along a road of one name before others, as long as each camera has at most
    two neighbours, the way goes on rather than back at each, and no ring comes about.

    Args:
        listed: `cameras`.
        found: `pairs` of them.

    Returns:
        Camera ids in the order of the road.
    """
    rows = {row["camera_id"]: row for row in listed.to_pylist()}
    ordered = sorted(
        found.values(), key=lambda pair: (not _same_road(rows, pair), pair.road_m, pair.first, pair.second)
    )
    beside: dict[str, list[str]] = {name: [] for name in rows}
    chain = {name: name for name in rows}
    for pair in ordered:
        one, other = pair.first, pair.second
        if _end(chain, one) != _end(chain, other) and _goes_on(rows, beside, one, other):
            beside[one].append(other)
            beside[other].append(one)
            chain[_end(chain, one)] = _end(chain, other)
    return sorted(_walked(beside), key=lambda each: (-len(each), each))


def pairs(
    listed: pa.Table, roads: pa.Table, learned: pa.Table, metric_crs: str, reach_m: tuple[float, float]
) -> dict[tuple[str, str], Pair]:
    """List the cameras that may be neighbours on a road, by their ids; the smaller first.

    Args:
        listed: `cameras`.
        roads: `roads`; without any, ways are straight lines and a detour.
        learned: `transitions` of an earlier night, whose travel times stand where they were learned.
        metric_crs: Projected CRS with metres, for bringing cameras onto roads.
        reach_m: Metres between neighbours, at least in a straight line and at most by road.
    """
    settings = transitions.Settings(metric_crs=metric_crs)
    map_ = transitions.Map(roads, settings)
    known = _learned(learned)
    places = [
        transitions.Camera(row["camera_id"], row["lon"], row["lat"], row["cadence_s"], {})
        for row in listed.sort_by("camera_id").to_pylist()
    ]
    found = {}
    for one, other in _near(places, *reach_m):
        key = one.camera_id, other.camera_id
        straight_m = float(haversine_m(one.lon, one.lat, other.lon, other.lat))
        road_m = min(map_.leg(one, other).length_m, map_.leg(other, one).length_m)
        if road_m <= min(reach_m[1], CROOKED * straight_m + settings.position_m):
            guess = Pair(*key, road_m, road_m / settings.speed_mps, settings.usual_sigma, learned=False)
            found[key] = known.get(key, guess)
    return found


def _learned(learned: pa.Table) -> dict[tuple[str, str], Pair]:
    """Read the ways whose travel times an earlier night has told; the best supported of each pair."""
    best: dict[tuple[str, str], dict[str, Any]] = {}
    for row in learned.to_pylist():
        key = tuple(sorted((row["from_camera"], row["to_camera"])))
        if row["support"] > best.get((key[0], key[1]), {"support": 0})["support"]:
            best[key[0], key[1]] = row
    return {key: _told(key, row) for key, row in best.items()}


def _told(key: tuple[str, str], row: dict[str, Any]) -> Pair:
    """Return a pair with a learned travel time; its spread is that of the whole, not of what comes on top of the floor."""
    late_s = float(np.exp(row["travel_mu"]))
    travel_s = row["floor_s"] + late_s
    return Pair(*key, row["road_m"], travel_s, row["travel_sigma"] * late_s / travel_s, learned=True)


def _near(
    places: list[transitions.Camera], nearest_m: float, farthest_m: float
) -> Iterable[tuple[transitions.Camera, transitions.Camera]]:
    """List the pairs of cameras of which one is among the other's nearest, those of one place left out."""
    lon, lat = (np.array([getattr(place, name) for place in places]) for name in ("lon", "lat"))
    near = set()
    for row, place in enumerate(places):
        metres = haversine_m(place.lon, place.lat, lon, lat)
        order = [int(other) for other in np.argsort(metres, kind="stable") if nearest_m <= metres[other] <= farthest_m]
        near |= {(min(row, other), max(row, other)) for other in order[:TRIED]}
    return [(places[one], places[other]) for one, other in sorted(near)]


def _same_road(rows: dict[str, Any], pair: Pair) -> bool:
    """Tell whether both cameras look at a road of one name."""
    one, other = (rows[name]["road"] for name in (pair.first, pair.second))
    return bool(one) and one == other


def _end(chain: dict[str, str], name: str) -> str:
    """Return what stands for the chain that a camera is in."""
    while chain[name] != name:
        chain[name] = chain[chain[name]]
        name = chain[name]
    return name


def _goes_on(rows: dict[str, Any], beside: dict[str, list[str]], one: str, other: str) -> bool:
    """Tell whether two chains may be joined: both have an end there, and neither would turn back."""
    for here, there in ((one, other), (other, one)):
        if len(beside[here]) > 1:
            return False
        for before in beside[here]:
            arriving = bearing_between(*_place(rows, before), *_place(rows, here))
            if turn_deg(arriving, bearing_between(*_place(rows, here), *_place(rows, there))) > TURN_DEG:
                return False
    return True


def _place(rows: dict[str, Any], name: str) -> tuple[float, float]:
    return rows[name]["lon"], rows[name]["lat"]


def _walked(beside: dict[str, list[str]]) -> Iterable[list[str]]:
    """Walk every chain from its smaller end."""
    seen: set[str] = set()
    for start in sorted(name for name, others in beside.items() if len(others) == 1):
        if start in seen:
            continue
        walk = [start]
        while onward := [name for name in beside[walk[-1]] if name not in walk[-2:]]:
            walk.append(onward[0])
        seen |= set(walk)
        yield walk
