"""Measure what the release gate stands on and costs: `python -m benchmarks.release --demo LAKE --seeds 1 2 5 --cameras 1000`.

For each city: how many followed vehicles count twice (what `split_rate` is set by), what the plain rule of k alone would give back
by subtraction, what the gate withholds, how far counts are off, and how long it takes. `--cameras` repeats the first district's
night side by side until there are so many.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.products import DAY, READ
from pipeline import query, release, scans, showcase, upkeep
from pipeline.lake import Lake
from pipeline.products import Settings, candidates
from pipeline.scores.sighted import sighted
from pipeline.synthetic import SCAN_DATE, Options
from pipeline.synthetic.night import Night
from pipeline.synthetic.score import _pass_of
from pipeline.synthetic.traffic import joined

CELLS = {
    "flow": "camera_id, heading, time_bucket(INTERVAL 5 MINUTE, entered_at)",
    "mix": "camera_id, date_trunc('hour', entered_at)",
}
SPLIT = """
WITH cells AS (
    SELECT count(*) AS support, count(DISTINCT vehicle) AS vehicles
    FROM sightings WHERE motion NOT IN ('parked', 'single', 'lone') GROUP BY {}
)
SELECT CAST(coalesce(sum(support), 0) AS BIGINT) AS support, CAST(coalesce(sum(vehicles), 0) AS BIGINT) AS vehicles, count(*) AS cells,
    count(*) FILTER (WHERE vehicles < $k) AS below_k, min(vehicles) AS least
FROM cells WHERE support >= $least
"""
TRIPS = """
WITH passed AS (
    SELECT trajectory_id, started_at, unnest(sighting_ids) AS sighting_id FROM trajectories
),
driven AS (
    SELECT trajectory_id, any_value(started_at) AS started_at, coalesce(mode(vehicle), any_value(trajectory_id)) AS vehicle
    FROM passed LEFT JOIN sightings ON passed.sighting_id = sightings.sighting_id GROUP BY trajectory_id
)
SELECT count(*) AS support, count(DISTINCT (vehicle, date_trunc('hour', started_at))) AS vehicles FROM driven
"""


@dataclass(frozen=True)
class City:
    """A night of which is known which vehicle each sighting shows."""

    night: dict[str, pa.Table]
    vehicle: list[str | None] | None
    """Of each row of `sightings`; None where a sighting shows nobody. None altogether where nobody knows."""


def demo(root: str) -> City:
    """Read the demo city's lake."""
    scan, lake = scans.load("demo", scans.bundled()), Lake(root, "demo")
    night = {name: upkeep.night(lake, DAY, name) for name in (*READ, "detections")}
    seen = sighted(
        showcase.truth(scan, DAY, night["frames"]), night["sightings"], night["detections"], night["frames"], 0.0, 0.3
    )
    _, sighting = seen.sighting_of()
    shown = pa.table({"row": sighting, "vehicle": seen.true["vehicle_id"].cast(pa.string())}).filter(
        pc.field("row") >= 0
    )
    most = query.ask("SELECT row, mode(vehicle) AS vehicle FROM shown GROUP BY row", {"shown": shown})
    known = dict(zip(most["row"].to_pylist(), most["vehicle"].to_pylist(), strict=True))
    night["sightings"] = night["sightings"].sort_by("sighting_id")
    return City({name: night[name] for name in READ}, [known.get(row) for row in range(night["sightings"].num_rows)])


def unknown(root: str) -> City:
    """Read the last night of a lake of which there is no truth."""
    lake = Lake(root, upkeep.only_scan(root))
    return City({name: upkeep.night(lake, upkeep.last_night(lake), name) for name in READ}, None)


def district(seed: int) -> City:
    """Invent a district and run the line on it."""
    options = Options(seed=seed)
    with tempfile.TemporaryDirectory(prefix="thoroughfare-bench-") as folder:
        made = Night(options, Lake(folder, options.size), lambda words: print(words, file=sys.stderr))
        made.make()
        made.judge()
        night = {name: upkeep.night(made.lake, SCAN_DATE, name) for name in READ}
        passes = _pass_of(made.truth, night["sightings"])
        of = joined(made.truth.passes).vehicle
        return City(night, [str(of[one]) if one >= 0 else None for one in passes.tolist()])


def measured(city: City) -> dict[str, Any]:
    """Return what the city says of the margin, and what the gate does with its night."""
    settings = Settings(timezone="UTC")
    began = time.process_time()
    made = candidates(**city.night, settings=settings)
    built = time.process_time()
    told = release.gate(made, settings)
    gated = time.process_time()
    found = release.audit(made, told, settings)
    ended = time.process_time()
    plain = {name: rows.filter(pc.field("support") >= settings.k) for name, rows in made.items()}
    bare = replace(settings, split_rate=0.0, round_to=1)
    return {
        "split": split(city, settings) if city.vehicle else None,
        "audit": found.to_dict(),
        "recoverable_by_k_alone": release.audit(made, plain, bare).recoverable_cells,
        "seconds": {
            "candidates": round(built - began, 2),
            "gate": round(gated - built, 2),
            "audit": round(ended - gated, 2),
        },
    }


def split(city: City, settings: Settings) -> dict[str, Any]:
    """Return followed vehicles too many to a true one: in published cells of `flow` and `mix`, and among trips."""
    sightings = city.night["sightings"]
    whom = pa.array(city.vehicle, pa.string())  # nobody is no vehicle
    known = sightings.append_column("vehicle", whom)
    params = {"k": settings.k, "least": release.least(settings)}
    rates: dict[str, Any] = {}
    for name, by in CELLS.items():
        row = query.ask(SPLIT.format(by), {"sightings": known}, params).to_pylist()[0]
        rates[name] = row | {"rate": _rate(row)}
    row = query.ask(TRIPS, {"sightings": known, "trajectories": city.night["trajectories"]}).to_pylist()[0]
    return rates | {"trips": row | {"rate": _rate(row)}}


def _rate(row: dict[str, Any]) -> float | None:
    """Return how many too many there are to a true one."""
    return round(float(row["support"]) / float(row["vehicles"]) - 1, 3) if row["vehicles"] else None


def repeated(night: dict[str, pa.Table], cameras: int) -> dict[str, Any]:
    """Gate the products of a night that stands beside itself until it has so many cameras; say how long that takes."""
    settings = Settings(timezone="UTC")
    made = candidates(**night, settings=settings)
    times = -(-cameras // night["cameras"].num_rows)
    many = {name: pa.concat_tables([_renamed(rows, n) for n in range(times)]) for name, rows in made.items()}
    began = time.process_time()
    told = release.gate(many, settings)
    gated = time.process_time()
    found = release.audit(many, told, settings)
    return {
        "cameras": times * night["cameras"].num_rows, "sightings": times * night["sightings"].num_rows, "cells": found.cells,
        "recoverable_cells": found.recoverable_cells, "gate_s": round(gated - began, 1), "audit_s": round(time.process_time() - gated, 1),
    }  # fmt: skip


def _renamed(rows: pa.Table, number: int) -> pa.Table:
    """Give a copy of the cameras names of its own; cells, which are places, and what is of them stay in the first copy."""
    named = [name for name in ("camera_id", "from_camera", "to_camera", "corridor") if name in rows.column_names]
    if not named:
        return rows if not number else rows.slice(0, 0)
    for name in named:
        rows = rows.set_column(
            rows.schema.get_field_index(name), name, pc.binary_join_element_wise(rows[name], str(number), "/")
        )
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", default="", help="lake of `thoroughfare demo`")
    parser.add_argument("--seeds", type=int, nargs="*", default=[1], help="seeds of districts")
    parser.add_argument("--cameras", type=int, default=0, help="repeat the first district until it has so many")
    parser.add_argument("--lake", default="", help="lake of a night of which there is no truth")
    given = parser.parse_args()
    found: dict[str, Any] = {"demo": measured(demo(given.demo))} if given.demo else {}
    found |= {"lake": measured(unknown(given.lake))} if given.lake else {}
    for number, seed in enumerate(given.seeds):
        city = district(seed)
        found[f"district {seed}"] = measured(city)
        if given.cameras and not number:
            found["repeated"] = repeated(city.night, given.cameras)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
