"""Measure places on the ground: bearings, distances, cells and lines.

Positions are degrees WGS 84, longitude first; lengths metres; bearings degrees clockwise from north.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import h3
import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS, Transformer
from scipy.spatial import cKDTree

EARTH_RADIUS_M = 6371008.8
WGS84 = "OGC:CRS84"
HEADINGS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
"""The eight compass points, clockwise from north; the only names `compass` returns and `bearing` needs."""
WORDS = ("NORTH", "NORTHEAST", "EAST", "SOUTHEAST", "SOUTH", "SOUTHWEST", "WEST", "NORTHWEST")

Floats = NDArray[np.float64]


def compass(bearing_deg: float) -> str:
    """Name the nearest of the eight compass points."""
    return HEADINGS[int(np.floor(bearing_deg / 45.0 + 0.5)) % 8]


def bearing(name: str) -> float:
    """Return degrees clockwise from north of `NE`, `north-east`, `Northeast`, `northbound`...; ValueError else."""
    word = "".join(letter for letter in name.upper().removesuffix("BOUND") if letter.isalpha())
    if word in HEADINGS or word in WORDS:
        return 45.0 * (HEADINGS if word in HEADINGS else WORDS).index(word)
    raise ValueError(f"{name!r} is no compass point; choose from {HEADINGS}")


def bearing_between(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    """Return the bearing on leaving point 1 for point 2, 0 <= degrees < 360."""
    phi1, phi2, turn = np.radians(lat1), np.radians(lat2), np.radians(lon2 - lon1)
    east = np.sin(turn) * np.cos(phi2)
    north = np.cos(phi1) * np.sin(phi2) - np.sin(phi1) * np.cos(phi2) * np.cos(turn)
    return float(np.degrees(np.arctan2(east, north)) % 360.0)


def turn_deg(bearing1: float, bearing2: float) -> float:
    """Return the angle between two bearings, 0..180 degrees."""
    return abs((bearing1 - bearing2 + 180.0) % 360.0 - 180.0)


def haversine_m(lon1: ArrayLike, lat1: ArrayLike, lon2: ArrayLike, lat2: ArrayLike) -> Floats:
    """Return great-circle metres between points; arrays broadcast, scalars give a 0-d array."""
    rad = [np.radians(np.asarray(each, dtype=np.float64)) for each in (lon1, lat1, lon2, lat2)]
    half = np.sin((rad[3] - rad[1]) / 2) ** 2 + np.cos(rad[1]) * np.cos(rad[3]) * np.sin((rad[2] - rad[0]) / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(half)))


def steps_m(lonlat: Floats) -> Floats:
    """Return the metres between neighbouring vertices of a line, (n, 2) degrees WGS 84."""
    lon, lat = lonlat.T
    return haversine_m(lon[:-1], lat[:-1], lon[1:], lat[1:])


def within(lon: ArrayLike, lat: ArrayLike, reach_m: float) -> tuple[NDArray[np.intp], Floats]:
    """Return the pairs of points within reach, (n, 2) row numbers with the lesser first, in order, and their metres."""
    phi, turn = np.radians(np.asarray(lat, np.float64)), np.radians(np.asarray(lon, np.float64))
    on_sphere = np.column_stack([np.cos(phi) * np.cos(turn), np.cos(phi) * np.sin(turn), np.sin(phi)])
    chord = 2 * np.sin(reach_m / EARTH_RADIUS_M / 2)
    pairs = cKDTree(on_sphere.reshape(-1, 3)).query_pairs(chord, output_type="ndarray").reshape(-1, 2)
    pairs = pairs[np.lexsort(pairs.T[::-1])]
    first, second = (np.degrees([turn[rows], phi[rows]]) for rows in pairs.T)
    return pairs, haversine_m(*first, *second)


def cells(lon: ArrayLike, lat: ArrayLike, resolution: int) -> NDArray[np.str_]:
    """Return the H3 cell of each point, (n,) str; the numpy face of h3 goes point by point too, so we do."""
    lons, lats = np.atleast_1d(np.asarray(lon, np.float64)), np.atleast_1d(np.asarray(lat, np.float64))
    found = [h3.latlng_to_cell(y, x, resolution) for x, y in zip(lons.tolist(), lats.tolist(), strict=True)]
    return np.array(found, dtype="U15")


def to_metric(lon: ArrayLike, lat: ArrayLike, crs: str) -> Floats:
    """Project degrees WGS 84 to a metric CRS; returns (n, 2) x, y metres."""
    return _columns(_transformer(WGS84, crs).transform(np.atleast_1d(lon), np.atleast_1d(lat)))


def from_metric(xy: Floats, crs: str) -> Floats:
    """Project (n, 2) metres of a metric CRS to (n, 2) lon, lat degrees WGS 84."""
    return _columns(_transformer(crs, WGS84).transform(xy[:, 0], xy[:, 1]))


def to_wkb(coordinates: ArrayLike) -> bytes:
    """Write (n, 2) coordinates as a little-endian WKB LineString; a single point is doubled."""
    line = np.atleast_2d(np.asarray(coordinates, dtype=np.float64))
    wkb: bytes = shapely.to_wkb(
        shapely.linestrings(line if len(line) > 1 else np.repeat(line, 2, axis=0)), byte_order=1
    )
    return wkb


def from_wkb(wkb: bytes) -> Floats:
    """Read the (n, 2) coordinates of a WKB LineString."""
    return np.asarray(shapely.get_coordinates(shapely.from_wkb(wkb)))


def geoparquet(rows: pa.Table, kind: str, box: Sequence[float]) -> pa.Table:
    """Say in a table's metadata that it is GeoParquet 1.1: WKB in `geometry`, OGC:CRS84; `bbox`, where there, covers each.

    Args:
        rows: With a column `geometry`.
        kind: `Point` or `LineString`.
        box: West, south, east and north of all, degrees; empty for no rows.
    """
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": [kind],
        "crs": CRS.from_user_input(WGS84).to_json_dict(),
    }
    if "bbox" in rows.column_names:
        column["covering"] = {"bbox": {name: ["bbox", name] for name in rows.schema.field("bbox").type.names}}
    if len(box):
        column["bbox"] = [float(each) for each in box]
    about = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    return rows.replace_schema_metadata({"geo": json.dumps(about)})


@lru_cache(maxsize=16)
def _transformer(source: str, target: str) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


def _columns(axes: Sequence[Floats]) -> Floats:
    """Stack two axes as (n, 2)."""
    return np.stack([np.asarray(axis, dtype=np.float64) for axis in axes], axis=1)
