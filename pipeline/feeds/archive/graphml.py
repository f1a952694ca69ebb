"""Read a road graph in GraphML, as osmnx and others write it: nodes with lon and lat, edges with a length."""

import logging
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import shapely

from pipeline import geo
from pipeline.errors import FeedError
from pipeline.tables import ROADS

NONE = ROADS.empty()
log = logging.getLogger("thoroughfare")


def read(path: Path) -> pa.Table:
    """Return the `roads` table of a GraphML file; empty, and said, where there is no such file.

    Of parallel edges the shortest stands; an undirected graph runs both ways; an edge without `length` has that of its
    line; an edge without `geometry` (WKT) is straight.

    Raises:
        FeedError: the file is no GraphML, or a node has no position.
    """
    if not path.is_file():
        log.warning("%s: no such file; going on without a road graph, with straight lines between cameras", path)
        return NONE
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _read(path: Path, _changed_ns: int) -> pa.Table:
    import networkx as nx  # takes a third of a second, which no other command should pay

    try:
        graph = nx.read_graphml(path)
        places = {node: _place(node, facts) for node, facts in graph.nodes(data=True)}
        ways = graph.to_directed().edges(data=True)
        rows = [_stretch(str(a), str(b), places[a], places[b], facts) for a, b, facts in ways if a != b]
    except (
        SyntaxError,
        nx.NetworkXException,
        KeyError,
        ValueError,
        TypeError,
        OSError,
        shapely.GEOSException,
    ) as error:
        raise FeedError(f"{path}: no readable road graph: {error}; give GraphML with lon, lat and length") from error
    shortest = {(row["from_node"], row["to_node"]): row for row in sorted(rows, key=_longest_first)}
    return ROADS.check(pa.Table.from_pylist(list(shortest.values()), schema=ROADS.schema))


def _place(node: str, facts: dict[str, Any]) -> tuple[float, float]:
    """Return lon, lat of a node, which osmnx calls x, y."""
    lon, lat = float(facts.get("lon", facts.get("x", "nan"))), float(facts.get("lat", facts.get("y", "nan")))
    if not (abs(lon) <= 180 and abs(lat) <= 90):
        raise ValueError(f"node {node} has no lon and lat in degrees")
    return lon, lat


def _stretch(
    start: str, end: str, first: tuple[float, float], last: tuple[float, float], facts: dict[str, Any]
) -> dict[str, Any]:
    """Build the row of an edge."""
    line = shapely.get_coordinates(shapely.from_wkt(facts["geometry"])) if "geometry" in facts else None
    if line is None or len(line) < 2:
        line = shapely.get_coordinates(shapely.linestrings([first, last]))
    along = float(geo.haversine_m(line[:-1, 0], line[:-1, 1], line[1:, 0], line[1:, 1]).sum())
    length_m = float(facts.get("length", along))
    if not 0 <= length_m < 1e6:
        raise ValueError(f"edge {start} to {end} has a length of {length_m} m")
    return {"from_node": start, "to_node": end, "length_m": length_m, "geometry": geo.to_wkb(line)}


def _longest_first(row: dict[str, Any]) -> tuple[float, bytes]:
    """Order rows so that the shortest comes last, and stands."""
    return -float(row["length_m"]), bytes(row["geometry"])
