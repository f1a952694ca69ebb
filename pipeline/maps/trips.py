"""Draw single vehicles on their way: trajectories, cameras -> lights that move, from GeoJSON lines of [lon, lat, 0, second]."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from pipeline.maps.layers import MAX_ROWS, MAX_TRIPS, Layer, by_class, classes, style

MAX_GLOWING = 2_000
"""Trips that are drawn twice, once wide and faint; more light each other up."""
SPEED = ("#ff5a3c", "#ff8a3d", "#ffb84a", "#ffe27a", "#b8f5c4", "#62e6f2")
KMH = "Mean km/h"
TOOLTIP = ("Cameras", "Set out (local)", KMH, "Metres", "Probability")
NO_TRIPS = "No trip: no vehicle was followed over two cameras on this night."
SIMPLER_DEG = 1e-5
"""How far a drawn line may lie beside the road: 1 m; it leaves out most vertices."""
DECIMALS = 6
"""Of a degree kept on the map: 0.1 m."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def trip_layers(trajectories: pa.Table, cameras: pa.Table, timezone: str, most: int = MAX_ROWS) -> list[Layer]:
    """Draw trajectories as moving lights over their glow, coloured by mean speed; an even sample where too many."""
    total = trajectories.num_rows
    step = -(-total // min(most, MAX_TRIPS))
    ordered = trajectories.sort_by("trajectory_id")
    kept = ordered.take(pa.array(range(0, total, step or 1), pa.int64())) if step > 1 else ordered
    lines = sorted(
        features(kept, cameras, timezone), key=lambda line: (line["geometry"]["coordinates"][0][3], str(line))
    )
    notes = (f"trips: one of every {step} of {total:,}",) if step > 1 else ()
    content = {"id": "trips", "format": "geojson", "data": {"type": "FeatureCollection", "features": lines}}
    colours, swatches = classes([line["properties"][KMH] for line in lines], SPEED)
    core, glow = (
        style(
            name, "trip", label, SPEED[3], {"geojson": "_geojson"},
            {"opacity": opacity, "thickness": thickness, "trailLength": trail_s(lines), "fadeTrail": True, "billboard": False,
             "colorRange": colours},
            by_class(KMH), of="trips",
        )
        for name, label, opacity, thickness in (("trips", "Trips", 0.95, 2.2), ("glow", "Glow of trips", 0.2, 7.0))
    )  # fmt: skip
    drawn = [Layer("trips", "Trips", content, core, TOOLTIP, len(lines), swatches, "mean km/h", notes, ramp=True)]
    return [*drawn, Layer("glow", "", content, glow, TOOLTIP, len(lines))] if len(lines) <= MAX_GLOWING else drawn


def trail_s(lines: list[dict[str, Any]]) -> int:
    """Lengthen the tail with the time shown, which always plays in about a minute."""
    seconds = [vertex[3] for line in lines for vertex in line["geometry"]["coordinates"]]
    return int(min(600, max(12, (max(seconds) - min(seconds)) / 100))) if seconds else 12


def features(trajectories: pa.Table, cameras: pa.Table, timezone: str) -> list[dict[str, Any]]:
    """Return one GeoJSON feature per trajectory, its vertices stamped with whole POSIX seconds.

    The vehicle is at each vertex when `vertices_at` says so. A trajectory without a line of two distinct places and times
    is left out.
    """
    names = dict(zip(cameras["camera_id"].to_pylist(), cameras["name"].to_pylist(), strict=True))
    zone = ZoneInfo(timezone)
    at, passed = (_microseconds(trajectories[name]) for name in ("vertices_at", "passed_at"))
    rows = trajectories.drop_columns(["vertices_at", "passed_at"]).to_pylist()
    made = (
        _feature(row, at_us, passed_us, names, zone) for row, at_us, passed_us in zip(rows, at, passed, strict=True)
    )
    return [feature for feature in made if feature]


def timed(line: Floats, at_us: Ints, passed_us: Ints) -> list[list[float]]:
    """Return `[lon, lat, 0, second]` of the vertices that a drawn line needs, and of those where a camera was passed.

    Args:
        line: Vertices, (n, 2) degrees WGS 84 (lon, lat).
        at_us: When the vehicle was at each, (n,) microseconds since 1970.
        passed_us: When it passed cameras, microseconds.
    """
    cuts = np.flatnonzero(np.isin(at_us, passed_us)[1:-1]) + 1
    rows = np.column_stack([line, np.arange(len(line))])
    parts = [rows[one : other + 1] for one, other in zip([0, *cuts], [*cuts, len(line) - 1], strict=True)]
    simpler = shapely.simplify([shapely.linestrings(part) for part in parts], SIMPLER_DEG)
    kept = np.unique(shapely.get_coordinates(simpler, include_z=True)[:, 2].astype(np.int64))
    seconds = np.rint(at_us[kept] / 1e6).astype(np.int64).tolist()
    lon, lat = np.round(line[kept], DECIMALS).T.tolist()
    return [[x, y, 0, t] for x, y, t in zip(lon, lat, seconds, strict=True)]


def _microseconds(times: pa.ChunkedArray) -> list[Ints]:
    """Return lists of times as arrays of microseconds since 1970."""
    return [np.array(each, np.int64) for each in times.cast(pa.list_(pa.int64())).to_pylist()]


def _feature(
    row: dict[str, Any], at_us: Ints, passed_us: Ints, names: dict[str, str], zone: ZoneInfo
) -> dict[str, Any] | None:
    line = shapely.get_coordinates(shapely.from_wkb(row["geometry"]))
    if at_us[-1] - at_us[0] < 1_000_000 or not np.any(line != line[0]):
        return None
    return {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": timed(line, at_us, passed_us)},
        "properties": {
            "Cameras": " → ".join(names[camera] for camera in row["camera_ids"]),
            "Set out (local)": _local(row["started_at"], zone),
            KMH: round(row["mean_speed_mps"] * 3.6, 1),
            "Metres": round(row["length_m"]),
            "Probability": round(row["probability"], 3),
        },
    }


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%a %d %b, at %H:%M:%S")
