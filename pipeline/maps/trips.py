"""Time every vertex of a trajectory: trajectories, cameras -> GeoJSON lines of [lon, lat, 0, second]."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

METRES_PER_DEGREE = 111_195.0
"""Of a great circle on a sphere of 6,371 km; good to 0.5 % for placing a camera along a road."""
STEP_M = 15.0
"""Spacing of the places on a road at which a camera may be put."""
SIMPLER_DEG = 1e-5
"""How far a drawn line may lie beside the road: 1 m; it leaves out most vertices."""
DECIMALS = 6
"""Of a degree kept on the map: 0.1 m."""

Array = NDArray[np.float64]


def features(trajectories: pa.Table, cameras: pa.Table, timezone: str) -> list[dict[str, Any]]:
    """Return one GeoJSON feature per trajectory, its vertices stamped with whole POSIX seconds.

    The vehicle is at each camera's place along the line at the camera's passing time and drives evenly between.
    A trajectory without a line of two distinct places and times is left out.
    """
    lons, lats, names = (cameras[name].to_pylist() for name in ("lon", "lat", "name"))
    places = dict(zip(cameras["camera_id"].to_pylist(), zip(lons, lats, names, strict=True), strict=True))
    zone = ZoneInfo(timezone)
    made = (_feature(row, places, zone) for row in trajectories.to_pylist())
    return [feature for feature in made if feature]


def timed(line: Array, stops: Array, seconds: Array) -> list[list[float]]:
    """Return `[lon, lat, 0, second]` along `line` from the first stop to the last.

    Args:
        line: Vertices, float64 [n, 2], degrees WGS 84 (lon, lat).
        stops: Cameras passed, float64 [m, 2], degrees WGS 84, in order of time.
        seconds: When they were passed, float64 [m], POSIX seconds, rising.
    """
    scale = np.array([np.cos(np.radians(line[:, 1].mean())), 1.0]) * METRES_PER_DEGREE
    line_m, stops_m = line * scale, stops * scale
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line_m, axis=0).T))])
    stop_along = _in_order(line_m, along, stops_m)
    inside = along[(along > stop_along[0]) & (along < stop_along[-1])]
    at = np.unique(np.concatenate([stop_along, inside]))
    stamps = np.rint(np.interp(at, stop_along, seconds)).astype(np.int64)
    lon, lat = (np.round(np.interp(at, along, line[:, axis]), DECIMALS).tolist() for axis in (0, 1))
    return [[x, y, 0, t] for x, y, t in zip(lon, lat, stamps.tolist(), strict=True)]


def _feature(row: dict[str, Any], places: dict[str, tuple[float, float, str]], zone: ZoneInfo) -> dict[str, Any] | None:
    line = shapely.get_coordinates(shapely.simplify(shapely.from_wkb(row["geometry"]), SIMPLER_DEG))
    stops = [places[camera] for camera in row["camera_ids"]]
    seconds = np.array([moment.timestamp() for moment in row["passed_at"]])
    if len(line) < 2 or len(stops) < 2 or seconds[-1] - seconds[0] < 1:
        return None
    vertices = timed(line, np.array([stop[:2] for stop in stops]), seconds)
    if len(vertices) < 2:
        return None
    return {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": vertices},
        "properties": {
            "cameras": " → ".join(stop[2] for stop in stops),
            "started": _local(row["started_at"], zone),
            "speed_kmh": round(row["mean_speed_mps"] * 3.6, 1),
            "length_m": round(row["length_m"]),
            "probability": round(row["probability"], 3),
        },
    }


def _in_order(line_m: Array, along: Array, stops_m: Array) -> Array:
    """Place each stop on the line, never before the one it follows, so that their distances to it add up to least."""
    steps = max(2, int(along[-1] / STEP_M) + 1)
    at = np.unique(np.concatenate([along, np.linspace(0.0, along[-1], steps)]))
    points = np.stack([np.interp(at, along, line_m[:, axis]) for axis in (0, 1)], axis=1)
    cost = np.linalg.norm(points[None] - stops_m[:, None], axis=2)
    best = [cost[0]]
    for row in cost[1:]:
        best.append(row + np.minimum.accumulate(best[-1]))
    last = len(at)
    chosen = []
    for row in reversed(best):
        last = int(np.argmin(row[:last])) + 1
        chosen.append(at[last - 1])
    return np.array(chosen[::-1])


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%H:%M:%S")
