"""Chain links into trajectories along the road: cameras, roads, sightings, links, observability -> trajectories."""

import hashlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline import geo
from pipeline.query import query
from pipeline.tables import TRAJECTORIES

LEG = ("from_camera", "to_camera", "from_heading", "to_heading")
WAYS = pa.schema([*((name, pa.string()) for name in LEG), ("way", pa.int32()), ("length_m", pa.float64())])


@dataclass(frozen=True)
class Settings:
    """How links are chained."""

    metric_crs: str
    """Projected CRS with metres, for lengths along the road."""
    max_speed_mps: float = 45.0
    """A leg faster than this along its way is refused."""
    position_m: float = 170.0
    """Metres by which a leg may be shorter than its way: cameras stand, and look, beside where they are said to."""


def chain(
    cameras: pa.Table,
    roads: pa.Table,
    sightings: pa.Table,
    links: pa.Table,
    observability: pa.Table,
    settings: Settings,
) -> pa.Table:
    """Follow each vehicle from link to link through the night and lay its way along the road.

    A sighting goes on by its most probable link only, and only where it is also the most probable of the sighting at
    the other end; links backwards in time, overlapping in time or faster than `max_speed_mps` are refused, and so are those
    between cameras that do not support trajectories in that hour. So a sighting is in at most one trajectory, and no
    vehicle is in two places.

    Args:
        cameras: `cameras`.
        roads: `roads`; without rows, or where no way is found, legs are straight.
        sightings: `sightings` of the night.
        links: `links` of the night.
        observability: `observability` of the night.
        settings: Metric CRS and speed limit.

    Returns:
        `trajectories`: lengths in metres along the road, `mean_speed_mps` = length / time from the middle of the first
        sighting to the middle of the last, `probability` the product of the links', geometry degrees WGS 84. Ids are
        a hash of the sightings' ids and as short-lived as those.
    """
    legs = query("trajectories/legs", links=links, sightings=sightings, observability=observability)
    found = _ways(legs, cameras, roads, settings)
    ways = pa.Table.from_pylist(
        [
            {**dict(zip(LEG, leg, strict=True)), "way": way, "length_m": route.length_m}
            for way, (leg, route) in enumerate(found)
        ],
        schema=WAYS,
    )
    bounds = {"max_speed_mps": settings.max_speed_mps, "position_m": settings.position_m}
    chains = query("trajectories/chain", bounds, legs=legs, ways=ways)
    rows = [_trajectory(each, [route for _, route in found]) for each in chains.to_pylist()]
    return TRAJECTORIES.check(pa.Table.from_pylist(rows, schema=TRAJECTORIES.schema))


def _ways(
    legs: pa.Table, cameras: pa.Table, roads: pa.Table, settings: Settings
) -> list[tuple[tuple[str, ...], geo.Route]]:
    """Find the way of every distinct pair of cameras and headings once, in their order."""
    graph = geo.RoadGraph(roads, settings.metric_crs) if roads.num_rows else None
    places = {
        row["camera_id"]: (row["lon"], row["lat"]) for row in cameras.select(["camera_id", "lon", "lat"]).to_pylist()
    }
    wanted = sorted(tuple(row.values()) for row in legs.select(LEG).group_by(list(LEG)).aggregate([]).to_pylist())
    return [(leg, _way(graph, places, *leg)) for leg in wanted if leg[0] in places and leg[1] in places]


def _way(
    graph: geo.RoadGraph | None,
    places: dict[str, tuple[float, float]],
    from_camera: str,
    to_camera: str,
    from_heading: str,
    to_heading: str,
) -> geo.Route:
    """Route along the road where there is one, else straight."""
    ends = *places[from_camera], *places[to_camera]
    bearings = (_bearing(heading) for heading in (from_heading, to_heading))
    return (graph and graph.route(*ends, *bearings)) or geo.straight(*ends)


def _bearing(heading: str) -> float | None:
    """Return degrees of a compass point; None for headings that are relative to the picture, or none."""
    return geo.bearing(heading) if heading in geo.HEADINGS else None


def _trajectory(chained: dict[str, Any], routes: list[geo.Route]) -> dict[str, Any]:
    """Fill one row of the table from one chain."""
    legs = [routes[way] for way in chained["ways"]]
    length_m = math.fsum(leg.length_m for leg in legs)
    seconds = (chained["passed_at"][-1] - chained["passed_at"][0]).total_seconds()
    kept = {name: value for name, value in chained.items() if name in TRAJECTORIES.schema.names}
    return kept | {
        "trajectory_id": hashlib.blake2s("\n".join(chained["sighting_ids"]).encode(), digest_size=10).hexdigest(),
        "length_m": length_m,
        "mean_speed_mps": length_m / seconds,
        "probability": math.prod(chained["probabilities"]),
        "geometry": geo.to_wkb(_joined([leg.coordinates for leg in legs])),
    }


def _joined(lines: list[geo.Floats]) -> geo.Floats:
    """Join lines end to end, leaving out points that repeat."""
    line = np.concatenate(lines)
    kept = line[np.append(True, np.any(np.diff(line, axis=0) != 0, axis=1))]
    return np.asarray(kept, dtype=np.float64)
