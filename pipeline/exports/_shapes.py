"""Draw the rows of a product: cameras as points, pairs as lines, cells and zones as hexagons."""

import h3
import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

Shapes = NDArray[np.object_]
PAIRS = (("from_camera", "to_camera"), ("first_camera", "last_camera"))
ZONES = ("first_zone", "last_zone")


def of(rows: pa.Table, cameras: pa.Table) -> tuple[str, Shapes] | None:
    """Return what the rows of a table are on the map and the shape of each; None where no column tells a place."""
    places = _places(cameras)
    for pair in PAIRS:
        if set(pair) <= set(rows.column_names):
            return "LineString", _lines(*([places.get(each) for each in rows[end].to_pylist()] for end in pair))
    if set(ZONES) <= set(rows.column_names):
        return "LineString", _lines(*([_middle(each) for each in rows[end].to_pylist()] for end in ZONES))
    for name in ("zone", "cell"):
        if name in rows.column_names and ("camera_id" not in rows.column_names or name == "zone"):
            return "Polygon", _array([_hexagon(each) for each in rows[name].to_pylist()])
    if "camera_id" in rows.column_names:
        found = [places.get(each) for each in rows["camera_id"].to_pylist()]
        return "Point", _array([shapely.Point(place) if place else None for place in found])
    return None


def _places(cameras: pa.Table) -> dict[str, tuple[float, float]]:
    """Return longitude and latitude of every camera."""
    where = zip(cameras["lon"].to_pylist(), cameras["lat"].to_pylist(), strict=True)
    return dict(zip(cameras["camera_id"].to_pylist(), where, strict=True))


def _middle(cell: str) -> tuple[float, float] | None:
    """Return the middle of an H3 cell; None for what is none."""
    if not h3.is_valid_cell(cell):
        return None
    lat, lon = h3.cell_to_latlng(cell)
    return lon, lat


def _hexagon(cell: str) -> shapely.Polygon | None:
    """Return the outline of an H3 cell; None for what is none."""
    return shapely.Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(cell)]) if h3.is_valid_cell(cell) else None


def _lines(first: list[tuple[float, float] | None], last: list[tuple[float, float] | None]) -> Shapes:
    """Join two places of each row by a straight line; rows of one unknown place have none."""
    return _array([shapely.LineString([a, b]) if a and b else None for a, b in zip(first, last, strict=True)])


def _array(shapes: list[shapely.Geometry | None]) -> Shapes:
    """Return shapes as an array, which numpy must not look into."""
    found = np.empty(len(shapes), dtype=object)
    found[:] = shapes
    return found
