"""Publish what stands on enough vehicles: the tables of a night -> products.

A product is one file of `sql/products`. It may read the tables above it and those that are made here: `places` (camera_id,
cell), `points` (a place of each vehicle every few seconds along its trajectory), `zoned` (the zone of each camera), `arrivals`
(links that are sure enough), `learned` (travel times by flows alone), `followed` (how much of the traffic is in a trajectory)
and `corridors` (chains of pairs).
"""

from dataclasses import asdict

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import release
from pipeline.errors import PrivacyError, SchemaError
from pipeline.products import corridors, points, zones
from pipeline.products.settings import Settings
from pipeline.query import header, names, query

__all__ = ["SINGLED_OUT", "Settings", "candidates", "publish"]

SINGLED_OUT = ("trajectory_id", "sighting_id", "detection_id", "query_id", "gallery_id", "frame_id")
"""Columns that would show single vehicles."""


def publish(
    cameras: pa.Table,
    frames: pa.Table,
    sightings: pa.Table,
    observability: pa.Table,
    links: pa.Table,
    trajectories: pa.Table,
    transitions: pa.Table,
    settings: Settings,
) -> dict[str, pa.Table]:
    """Run every product of `sql/products` and release the rows that hide each vehicle in k: `pipeline.release`.

    Trajectories are let in only where observability supports trajectories on each of their legs, in the hour of arrival;
    the products' own SQL holds sightings and links to the verdict they need. So a feed that supports counts only
    yields `counts` and `occupancy`, and the other products are empty.

    Args:
        cameras: `cameras`.
        frames: `frames` of the night; the usable pictures that `occupancy` is a mean of.
        sightings: `sightings` of the night.
        observability: `observability` of the night.
        links: `links` of the night.
        trajectories: `trajectories` of the night.
        transitions: `transitions` of the night; travel times by flows alone, where too few vehicles were linked.
        settings: k, timezone, cell sizes, what was measured of how much is missed.

    Returns:
        Rows by product (`products/flow`...), each with an integer `support` >= k, rounded.

    Raises:
        SchemaError: a product states no support, or a figure in floating point, whose last digits would not repeat.
        PrivacyError: a product shows single vehicles.
    """
    made = candidates(cameras, frames, sightings, observability, links, trajectories, transitions, settings)
    return release.gate(made, settings)


def candidates(
    cameras: pa.Table,
    frames: pa.Table,
    sightings: pa.Table,
    observability: pa.Table,
    links: pa.Table,
    trajectories: pa.Table,
    transitions: pa.Table,
    settings: Settings,
) -> dict[str, pa.Table]:
    """Run every product and keep the rows that are to be withheld, each with its true support: to audit, never to show."""
    tables = {
        "cameras": cameras,
        "frames": frames,
        "sightings": sightings,
        "observability": observability,
        "links": links,
        "transitions": transitions,
    }
    tables["trajectories"] = _admitted(trajectories, observability)
    tables |= _gathered(tables, settings)
    return {name: _held(name, _run(name, tables, settings)) for name in names("products")}


def _gathered(tables: dict[str, pa.Table], settings: Settings) -> dict[str, pa.Table]:
    """Make the tables that several products stand on."""
    cameras, trajectories = tables["cameras"], tables["trajectories"]
    made = {"arrivals": _run("steps/products/arrivals", tables, settings)}
    made |= {name: _run(f"steps/products/{name}", tables, settings) for name in ("learned", "followed")}
    steps = [_run(f"steps/products/{name}", tables | made, settings) for name in ("stretches", "onward")]
    return made | {
        "places": points.stands(cameras, settings),
        "points": points.along(trajectories, settings),
        "zoned": zones.draw(cameras, trajectories, settings),
        "corridors": corridors.join(*steps),
    }


def _admitted(trajectories: pa.Table, observability: pa.Table) -> pa.Table:
    """Keep the trajectories whose every leg observability supports, in the hour it arrived: those no check would name."""
    beyond = query("checks/trajectories_beyond_observability", trajectories=trajectories, observability=observability)
    named = pc.is_in(trajectories["trajectory_id"], value_set=beyond["trajectory_id"].combine_chunks())
    return trajectories.filter(pc.invert(named)).sort_by("trajectory_id")


def _run(name: str, tables: dict[str, pa.Table], settings: Settings) -> pa.Table:
    """Run one product over the tables and settings its header names."""
    stated, known = header(name), asdict(settings) | {"least": release.least(settings)}
    for kind, there in (("reads", tables), ("params", known)):
        if unknown := sorted(set(stated[kind]) - set(there)):
            raise SchemaError(f"sql/{name}.sql: header {kind} {unknown}; choose from {sorted(there)}")
    params = {each: known[each] for each in stated["params"]}
    return query(name, params, **{each: tables[each] for each in stated["reads"]})


def _held(name: str, rows: pa.Table) -> pa.Table:
    """Hold a product against the rules of publishing."""
    if "support" not in rows.column_names or not pa.types.is_integer(rows.schema.field("support").type):
        raise SchemaError(f"sql/{name}.sql: no integer column `support`; return how many vehicles stand behind a row")
    if floating := [field.name for field in rows.schema if pa.types.is_floating(field.type)]:
        raise SchemaError(
            f"sql/{name}.sql: {floating} in floating point; cast to DECIMAL or BIGINT, which repeat exactly"
        )
    if single := [each for each in rows.column_names if each in SINGLED_OUT]:
        raise PrivacyError(f"sql/{name}.sql: {single} would show single vehicles; publish aggregates only")
    return rows
