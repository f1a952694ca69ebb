"""Draw the roads in place of a base map: roads -> a MapLibre style that asks nothing of any host."""

from math import dist
from typing import Any

import pyarrow as pa
import shapely

from pipeline.maps.trips import DECIMALS

MAX_ROADS = 100_000
"""Stretches of road that a browser draws smoothly."""
NIGHT, CASING, ROAD = "#0a0f1d", "#141d35", "#33415f"


def base_map(roads: pa.Table, centre: tuple[float, float]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return a MapLibre style version 8 with one inline GeoJSON source of `roads`, each stretch once, and what it lacks.

    kepler.gl asks for its default dark style at start; the page answers with this one. Of too many stretches those
    nearest to `centre` (lon, lat) are kept.
    """
    lines = shapely.from_wkb(roads["geometry"].to_pylist())
    coordinates = sorted({_undirected(shapely.get_coordinates(line)) for line in lines})
    notes: tuple[str, ...] = ()
    if len(coordinates) > MAX_ROADS:
        notes = (f"roads: the {MAX_ROADS:,} stretches nearest to the middle of {len(coordinates):,}",)
        coordinates = sorted(coordinates, key=lambda line: (dist(line[0], centre), line))[:MAX_ROADS]
    geometry = {"type": "MultiLineString", "coordinates": coordinates}
    style = {
        "version": 8,
        "name": "roads",
        "sources": {"roads": {"type": "geojson", "data": {"type": "Feature", "properties": {}, "geometry": geometry}}},
        "layers": [
            {"id": "background", "type": "background", "paint": {"background-color": NIGHT}},
            _line("road-casing", CASING, 5.0),
            _line("road", ROAD, 1.6),
        ],
    }
    return style, notes


def bounds(lons: list[float], lats: list[float], margin_deg: float = 0.002) -> list[float]:
    """Return west, south, east, north around what the page is about; the whole world where there is nothing."""
    if not lons:
        return [-180.0, -60.0, 180.0, 75.0]
    return [min(lons) - margin_deg, min(lats) - margin_deg, max(lons) + margin_deg, max(lats) + margin_deg]


def _undirected(line: Any) -> tuple[tuple[float, float], ...]:
    """Both directions of a stretch become one."""
    points = tuple((round(x, DECIMALS), round(y, DECIMALS)) for x, y in line.tolist())
    return min(points, points[::-1])


def _line(name: str, colour: str, width: float) -> dict[str, Any]:
    """Widen with the zoom, so that a city reads as a web and a street as a street."""
    by_zoom = ["interpolate", ["exponential", 1.5], ["zoom"], 10, width * 0.35, 14, width, 18, width * 5]
    return {
        "id": name, "type": "line", "source": "roads", "layout": {"line-cap": "round", "line-join": "round"},
        "paint": {"line-color": colour, "line-width": by_zoom},
    }  # fmt: skip
