"""GMNS: the scan's roads as node and link tables."""

from collections.abc import Iterator

import pyarrow as pa
import shapely

from pipeline import interchange
from pipeline.errors import SettingsError
from pipeline.exports import Format, Night, Piece

DECIMALS = 6


def pieces(night: Night) -> Iterator[Piece]:
    """Write `node.csv`, `link.csv` and `config.csv`.

    Raises:
        SettingsError: the scan has no roads.
    """
    roads = night.table("roads")
    if not roads.num_rows:
        raise SettingsError(
            f"{night.scan.name}: no roads to export; give its feed a road graph (roads in [scan.{night.scan.name}]) and run again"
        )
    nodes = _nodes(roads)
    yield Piece("node.csv", nodes.num_rows, [interchange.to_csv(nodes)])
    yield Piece("link.csv", roads.num_rows, [interchange.to_csv(_links(roads))])
    yield Piece("config.csv", 1, [interchange.to_csv(_config(night))])


def _nodes(roads: pa.Table) -> pa.Table:
    """Return every junction with its place."""
    lines = shapely.from_wkb(roads["geometry"].to_pylist())
    found: dict[str, tuple[float, float]] = {}
    for name, end in (("from_node", 0), ("to_node", -1)):
        xy = shapely.get_coordinates(shapely.get_point(lines, end)).round(DECIMALS).tolist()
        for node, (x, y) in zip(roads[name].to_pylist(), xy, strict=True):
            found.setdefault(node, (x, y))
    names = sorted(found)
    x, y = ([found[node][axis] for node in names] for axis in (0, 1))
    return pa.table({"node_id": pa.array(names, pa.string()), "x_coord": x, "y_coord": y})


def _links(roads: pa.Table) -> pa.Table:
    """Return every directed stretch of road; `length` is in metres, `geometry` WKT."""
    wkt = shapely.to_wkt(shapely.from_wkb(roads["geometry"].to_pylist()), rounding_precision=DECIMALS, trim=True)
    count = roads.num_rows
    columns = {
        "link_id": pa.array([str(number) for number in range(1, count + 1)]),
        "from_node_id": roads["from_node"],
        "to_node_id": roads["to_node"],
        "directed": pa.array([True] * count),
        "geometry": pa.array(wkt.tolist(), pa.string()),
        "dir_flag": pa.array([1] * count),
        "length": pa.array(roads["length_m"].to_numpy().round(2)),
    }
    return pa.table(columns)


def _config(night: Night) -> pa.Table:
    """Return the one row that states units and reference system; the attribution stands in the name."""
    told = {
        "dataset_name": f"{night.about['title']} ({night.about['attribution']})",
        "short_length": "meter",
        "long_length": "meter",
        "speed": "km/h",
        "crs": "EPSG:4326",
        "geometry_field_format": "WKT",
        "id_type": "string",
    }
    return pa.Table.from_pylist([told])


FORMAT = Format(
    "General Modeling Network Specification (GMNS): node, link and config tables, fields as in its published schemas",
    "AequilibraE, DTALite, osm2gmns, GMNSpy, any spreadsheet",
    pieces,
)
