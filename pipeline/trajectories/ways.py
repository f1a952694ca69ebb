"""Know the ways between cameras: which there are, how fast each stretch is driven, and which way a travel time fits."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline import geo, routing
from pipeline.trajectories.lines import spread

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
LEG = ("from_camera", "to_camera", "from_heading", "to_heading")
USUAL_VEHICLES = 3.0
"""Vehicles that a stretch's pace is held near the usual one by."""
ROUNDS = 5
"""Rounds in which time is spread over stretches by their pace, and paces are taken from it."""
SPREAD = 0.35
"""Standard deviation of ln(travel time) around the usual one of a way."""
DETOUR = 2.5
"""How much less usual a way is, in ln, for each share by which it is longer than the shortest (a logit choice of routes)."""


@dataclass(frozen=True)
class Ways:
    """Every way of every kind of leg (two cameras, two headings), one after another, the shortest of each kind first."""

    first: Ints
    """(kinds + 1,) where the ways of each kind begin."""
    length_m: Floats
    """(w,) metres along the road."""
    vertex: Ints
    """(w + 1,) where the vertices of each way begin."""
    lonlat: Floats
    """(v, 2) degrees WGS 84."""
    edge: Ints
    """(v,) number of the stretch on which a vertex is reached; that of a way's first vertex means nothing."""
    step_m: Floats
    """(v,) metres from the vertex before; 0 for a way's first."""

    def __len__(self) -> int:
        """Count the ways."""
        return len(self.length_m)

    @property
    def way(self) -> Ints:
        """Return the way of each vertex, (v,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.vertex))


def find(kinds: pa.Table, cameras: pa.Table, roads: pa.Table, metric_crs: str, most: int, longest: float) -> Ways:
    """Find up to `most` ways for each kind of leg; straight ones where no road leads.

    Args:
        kinds: The columns of `LEG`, each row once; cameras that are among `cameras`.
        cameras: `cameras`.
        roads: `roads`.
        metric_crs: Projected CRS with metres.
        most: Ways of a kind.
        longest: Ways longer than this many times the shortest are left out.
    """
    graph = routing.RoadGraph(roads, metric_crs) if roads.num_rows else None
    lons, lats = (cameras[name].to_pylist() for name in ("lon", "lat"))
    places: dict[str, tuple[float, float]] = dict(
        zip(cameras["camera_id"].to_pylist(), zip(lons, lats, strict=True), strict=True)
    )
    found = []
    for one, other, *headings in zip(*(kinds[name].to_pylist() for name in LEG), strict=True):
        (lon1, lat1), (lon2, lat2) = places[one], places[other]
        leaving, reaching = (geo.bearing(each) if each in geo.HEADINGS else None for each in headings)
        there = graph.routes(lon1, lat1, lon2, lat2, leaving, reaching, most, longest) if graph else []
        found.append(
            [each for each in there if len(each.coordinates) > 1] or [routing.straight(lon1, lat1, lon2, lat2)]
        )
    return _ways(found, len(graph) if graph else 0)


def _ways(found: list[list[routing.Route]], stretches: int) -> Ways:
    """Put routes one after another; a straight way is a stretch of its own."""
    routes = [route for there in found for route in there]
    if not routes:
        return Ways(np.zeros(1, np.int64), np.zeros(0), np.zeros(1, np.int64), np.zeros((0, 2)), *_nothing())
    count = np.array([len(route.coordinates) for route in routes])
    lonlat = np.concatenate([route.coordinates for route in routes])
    own = [np.where(route.edges < 0, stretches + number, route.edges) for number, route in enumerate(routes)]
    edge = np.concatenate([np.append(each[:1], each) for each in own])
    vertex = np.append(0, np.cumsum(count))
    step_m = np.append(0.0, geo.haversine_m(*lonlat[:-1].T, *lonlat[1:].T))
    step_m[vertex[:-1]] = 0.0
    first = np.append(0, np.cumsum([len(there) for there in found]))
    return Ways(first, np.array([route.length_m for route in routes]), vertex, lonlat, edge, step_m)


def _nothing() -> tuple[Ints, Floats]:
    """Return no stretches and no steps."""
    return np.zeros(0, np.int64), np.zeros(0)


def choose(ways: Ways, kind: Ints, took_us: Ints, max_speed_mps: float, position_m: float) -> Ints:
    """Return for each leg the way whose usual time fits the time it took best; a longer way must fit that much better.

    Args:
        ways: All ways.
        kind: (l,) kind of each leg.
        took_us: (l,) microseconds between both passings.
        max_speed_mps: Ways that would need more than this are out, unless they are the shortest.
        position_m: Metres by which a leg may be shorter than its way.
    """
    chosen = ways.first[kind]
    if len(ways) == len(ways.first) - 1:
        return chosen
    usual_s = np.bincount(ways.way, ways.step_m * paces(ways, chosen, took_us), len(ways))
    count = np.diff(ways.first)[kind]
    leg, way = np.repeat(np.arange(len(kind)), count), spread(chosen, count)
    seconds = took_us[leg] / 1e6
    cost = 0.5 * (np.log(seconds / np.maximum(usual_s[way], 1e-3)) / SPREAD) ** 2
    cost += DETOUR * (ways.length_m[way] / np.maximum(ways.length_m[chosen][leg], 1.0) - 1.0)
    other = way != chosen[leg]
    cost[other & (ways.length_m[way] - position_m > max_speed_mps * seconds)] = np.inf
    order = np.lexsort((way, np.round(cost, 9), leg))
    return np.asarray(way[order[np.append(0, np.cumsum(count))[:-1]]])


def paces(ways: Ways, way: Ints, took_us: Ints) -> Floats:
    """Return the usual seconds a metre at each vertex's step, (v,), from all legs that drove its stretch.

    A leg tells only how long all its stretches took together; where they overlap with those of other legs, each gets its
    own pace by spreading every leg's time over its stretches by their paces and taking the paces of that again.

    Args:
        ways: All ways.
        way: (l,) way of each leg.
        took_us: (l,) microseconds between both passings.
    """
    driven = np.bincount(way, minlength=len(ways)).astype(np.float64)
    seconds = _sums(way, took_us, len(ways)) / 1e6
    metres = driven[ways.way] * ways.step_m
    usual = float(seconds.sum() / max(metres.sum(), 1e-9)) or 1.0
    stretches = int(ways.edge.max(initial=-1)) + 1
    held_m = (
        USUAL_VEHICLES
        * np.bincount(ways.edge, ways.step_m, stretches)
        / np.maximum(np.bincount(ways.edge, ways.step_m > 0, stretches), 1.0)
    )
    driven_m = np.bincount(ways.edge, metres, stretches)
    pace = np.full(stretches, usual)
    for _ in range(ROUNDS):
        due = np.bincount(ways.way, ways.step_m * pace[ways.edge], len(ways))
        scale = np.divide(seconds, due, out=np.zeros(len(ways)), where=due > 0)
        spent = np.bincount(ways.edge, ways.step_m * pace[ways.edge] * scale[ways.way], stretches)
        pace = (spent + usual * held_m) / np.maximum(driven_m + held_m, 1e-9)
    return np.asarray(np.maximum(pace, 1e-3)[ways.edge])


def _sums(group: Ints, values: Ints, count: int) -> Ints:
    """Add up integers by group, exactly, whatever their order."""
    sums = np.zeros(count, np.int64)
    np.add.at(sums, group, values)
    return sums
