"""Draw the roads in place of a base map: roads -> a MapLibre style that asks nothing of any host."""

from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from pipeline.maps.trips import DECIMALS

NIGHT, CASING, ROAD = "#0a0f1d", "#141d35", "#33415f"


def ground(roads: pa.Table) -> dict[str, Any]:
    """Return a MapLibre style version 8 with one inline GeoJSON source of `roads`, each stretch once.

    kepler.gl asks for its default dark style at start; the page answers with this one.
    """
    lines = shapely.set_precision(shapely.from_wkb(roads["geometry"].to_pylist()), 10.0**-DECIMALS, mode="pointwise")
    coordinates = sorted({_undirected(shapely.get_coordinates(line)) for line in np.atleast_1d(lines)})
    geometry = {"type": "MultiLineString", "coordinates": coordinates}
    return {
        "version": 8,
        "name": "roads",
        "sources": {"roads": {"type": "geojson", "data": {"type": "Feature", "properties": {}, "geometry": geometry}}},
        "layers": [
            {"id": "background", "type": "background", "paint": {"background-color": NIGHT}},
            _line("road-casing", CASING, 5.0),
            _line("road", ROAD, 1.6),
        ],
    }


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
