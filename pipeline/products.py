"""Publish what stands on enough vehicles: cameras, sightings, observability, links, trajectories, transitions -> products.

A product is one file of `sql/products`; it may read the tables above and two more that are made here: `points`
(trajectory_id, cell, placed_at), a place of each vehicle every few seconds along its trajectory, and `places` (camera_id, cell).
"""

from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from pipeline import geo
from pipeline.errors import PrivacyError, SchemaError
from pipeline.query import header, names, query
from pipeline.tables import TIME

SINGLED_OUT = ("trajectory_id", "sighting_id", "detection_id", "query_id", "gallery_id", "frame_id")
"""Columns that would show single vehicles."""
POINTS = pa.schema([("trajectory_id", pa.string()), ("cell", pa.string()), ("placed_at", TIME)])
PLACES = pa.schema([("camera_id", pa.string()), ("cell", pa.string())])
Micros = NDArray[np.int64]


@dataclass(frozen=True)
class Settings:
    """What is published, and behind how many."""

    timezone: str
    """IANA name, for the local times shown beside UTC."""
    k: int = 10
    """Rows that fewer vehicles stand behind are dropped."""
    h3_resolution: int = 9
    """H3 resolution of cells; 9 has edges of about 200 m."""
    step_s: int = 5
    """Seconds between two points along a trajectory."""
    min_probability: float = 0.5
    """Links less probable than this are in no travel time."""


def publish(
    cameras: pa.Table,
    sightings: pa.Table,
    observability: pa.Table,
    links: pa.Table,
    trajectories: pa.Table,
    transitions: pa.Table,
    settings: Settings,
) -> dict[str, pa.Table]:
    """Run every product of `sql/products` and drop the rows that fewer than k vehicles stand behind.

    Trajectories are let in only where observability supports trajectories on each of their legs, in the hour of arrival;
    the products' own SQL holds sightings and links to the verdict they need. So a feed that supports counts only
    yields `counts`, and the other products are empty.

    Args:
        cameras: `cameras`.
        sightings: `sightings` of the night.
        observability: `observability` of the night.
        links: `links` of the night.
        trajectories: `trajectories` of the night.
        transitions: `transitions` of the night; travel times by flows alone, where too few vehicles were linked.
        settings: k, timezone, cell size.

    Returns:
        Rows by product (`products/flow`...), each with an integer `support` >= k.

    Raises:
        SchemaError: a product states no support, or a figure in floating point, whose last digits would not repeat.
        PrivacyError: a product shows single vehicles.
    """
    admitted = _admitted(trajectories, observability)
    tables = {
        "sightings": sightings,
        "observability": observability,
        "links": links,
        "cameras": cameras,
        "transitions": transitions,
    }
    tables |= {
        "trajectories": admitted,
        "places": _places(cameras, settings),
        "points": points(admitted, settings),
    }
    return {name: _supported(name, _run(name, tables, settings), settings.k) for name in names("products")}


def points(trajectories: pa.Table, settings: Settings) -> pa.Table:
    """Place each vehicle every `step_s` seconds along its trajectory, between its first and last passing.

    A vehicle is taken to drive evenly between two vertices; each point stands for `step_s` seconds.

    Returns:
        trajectory_id, H3 cell and time, in the order of trajectories and time.
    """
    chains = trajectories.select(["trajectory_id", "geometry", "vertices_at"]).combine_chunks()
    if not chains.num_rows:
        return POINTS.empty_table()
    places, line = shapely.get_coordinates(shapely.from_wkb(chains["geometry"].to_numpy()), return_index=True)
    vertex_us = chains["vertices_at"].combine_chunks().flatten().cast(pa.int64()).to_numpy()
    starts = np.searchsorted(line, np.arange(chains.num_rows + 1))
    step_us = settings.step_s * 1_000_000
    begins, ends = vertex_us[starts[:-1]] + step_us // 2, vertex_us[starts[1:] - 1]
    count = np.maximum(-(-(ends - begins) // step_us), 0)
    row = np.repeat(np.arange(chains.num_rows), count)
    at_us = begins[row] + step_us * (np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count))
    lonlat = _between(places, vertex_us, line, row, at_us)
    cells = geo.cells(lonlat[:, 0], lonlat[:, 1], settings.h3_resolution)
    ids = chains["trajectory_id"].take(pa.array(row)).combine_chunks()
    return pa.table([ids, pa.array(cells.tolist(), pa.string()), pa.array(at_us).cast(TIME)], schema=POINTS)


def _between(places: geo.Floats, vertex_us: Micros, line: Micros, row: Micros, at_us: Micros) -> geo.Floats:
    """Return where the vehicles of some lines are at some times, (n, 2) degrees, from their timed vertices."""
    zero_us, day_us = int(vertex_us.min()), int(vertex_us.max() - vertex_us.min()) + 1
    known_us = vertex_us - zero_us + line * day_us
    after = np.searchsorted(known_us, at_us - zero_us + row * day_us, side="right").clip(1, len(line) - 1)
    passed = at_us - vertex_us[after - 1]
    share = passed / np.maximum(vertex_us[after] - vertex_us[after - 1], 1)
    return np.asarray(places[after - 1] + share[:, None] * (places[after] - places[after - 1]))


def _places(cameras: pa.Table, settings: Settings) -> pa.Table:
    """Name the cell each camera stands in."""
    cells = geo.cells(cameras["lon"].to_numpy(), cameras["lat"].to_numpy(), settings.h3_resolution)
    return pa.table([cameras["camera_id"], pa.array(cells.tolist(), pa.string())], schema=PLACES)


def _admitted(trajectories: pa.Table, observability: pa.Table) -> pa.Table:
    """Keep the trajectories whose every leg observability supports, in the hour it arrived: those no check would name."""
    beyond = query("checks/trajectories_beyond_observability", trajectories=trajectories, observability=observability)
    named = pc.is_in(trajectories["trajectory_id"], value_set=beyond["trajectory_id"].combine_chunks())
    return trajectories.filter(pc.invert(named)).sort_by("trajectory_id")


def _run(name: str, tables: dict[str, pa.Table], settings: Settings) -> pa.Table:
    """Run one product over the tables and settings its header names."""
    stated, known = header(name), asdict(settings)
    for kind, there in (("reads", tables), ("params", known)):
        if unknown := sorted(set(stated[kind]) - set(there)):
            raise SchemaError(f"sql/{name}.sql: header {kind} {unknown}; choose from {sorted(there)}")
    params = {each: known[each] for each in stated["params"]}
    return query(name, params, **{each: tables[each] for each in stated["reads"]})


def _supported(name: str, rows: pa.Table, k: int) -> pa.Table:
    """Hold a product against the rules of publishing and drop the rows that fewer than k vehicles stand behind."""
    if "support" not in rows.column_names or not pa.types.is_integer(rows.schema.field("support").type):
        raise SchemaError(f"sql/{name}.sql: no integer column `support`; return how many vehicles stand behind a row")
    if floating := [field.name for field in rows.schema if pa.types.is_floating(field.type)]:
        raise SchemaError(
            f"sql/{name}.sql: {floating} in floating point; cast to DECIMAL or BIGINT, which repeat exactly"
        )
    if single := [each for each in rows.column_names if each in SINGLED_OUT]:
        raise PrivacyError(f"sql/{name}.sql: {single} would show single vehicles; publish aggregates only")
    return rows.filter(pc.field("support") >= k)
