"""Measure what the intervals of products stand on, and how often they hold the truth: `python -m benchmarks.products`.

The demo city is a lake of `thoroughfare demo` (`--demo`), a district is invented by its seed (`--seeds`). For each city it tells
what the constants of `products.Settings` would be if that city alone told them, and how often the truth lies in what is
published with the constants as they are. `--tracks` and `--labelled` hold passes labelled by hand against a lake of the scan fdr.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline import query, scans, scores, showcase, trajectories, upkeep
from pipeline.lake import Lake
from pipeline.products import Settings, points, publish
from pipeline.scores.intervals import compared, told
from pipeline.scores.sighted import sighted
from pipeline.scoring import naming
from pipeline.synthetic import SCAN_DATE, Options
from pipeline.synthetic.night import Night
from pipeline.synthetic.score import true_passes
from pipeline.tables import LINKS, OBSERVABILITY, SIGHTINGS, TIME

DAY = date(2026, 5, 5)
READ = ("cameras", "frames", "sightings", "observability", "links", "trajectories", "transitions")
SHORT = ("parked", "single", "lone")
PASSES = """
WITH told AS (SELECT coalesce(bool_or(heading IS NOT NULL), FALSE) AS headed FROM passes),
found AS (
    SELECT camera_id, CASE WHEN headed THEN heading ELSE '' END AS heading, time_bucket(INTERVAL 5 MINUTE, entered_at) AS at,
        count(*) FILTER (WHERE motion NOT IN ('single', 'lone')) AS followed, count(*) FILTER (WHERE motion IN ('single', 'lone')) AS singles
    FROM sightings CROSS JOIN told WHERE motion <> 'parked' AND (heading <> 'none' OR NOT headed) GROUP BY ALL
),
true_ AS (
    SELECT camera_id, coalesce(heading, '') AS heading, time_bucket(INTERVAL 5 MINUTE, entered_at) AS at, count(*) AS truth FROM passes GROUP BY ALL
)
SELECT followed, singles, coalesce(truth, 0) * p_seen AS truth
FROM found LEFT JOIN true_ ON found.camera_id = true_.camera_id AND found.heading = true_.heading AND found.at = true_.at
INNER JOIN observability AS o ON found.camera_id = o.camera_id AND date_trunc('hour', found.at) = o.hour_at
WHERE o.pair_camera_id = '' AND o.verdict IN ('flow', 'link', 'trajectory') AND followed >= 10
ORDER BY ALL
"""
HEAT = """
WITH true_ AS (SELECT CELL AS cell, date_trunc('hour', placed_at) AS hour_at, count(*) * 5 / 60 AS truth FROM points GROUP BY ALL)
SELECT vehicle_minutes AS found, low_vehicle_minutes AS low, high_vehicle_minutes AS high, coalesce(truth, 0) AS truth
FROM heatmap LEFT JOIN true_ ON heatmap.cell = true_.cell AND heatmap.hour_at = true_.hour_at ORDER BY heatmap.cell, heatmap.hour_at
"""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class City:
    """A night whose every pass is known."""

    night: dict[str, pa.Table]
    passes: pa.Table
    gap_s: float
    timezone: str
    metric_crs: str


def demo(root: str) -> City:
    """Read the demo city's lake."""
    scan, lake = scans.load("demo", scans.bundled()), Lake(root, "demo")
    night = {name: upkeep.night(lake, DAY, name) for name in (*READ, "roads")}
    passes = showcase.truth(scan, DAY, night["frames"]).passes()
    return City(night, passes, scan.cadence_s, scan.timezone, scan.metric_crs)


def district(seed: int) -> City:
    """Invent a district and run the line on it."""
    options = Options(seed=seed)
    with tempfile.TemporaryDirectory(prefix="thoroughfare-bench-") as folder:
        night = Night(options, Lake(folder, options.size), lambda words: print(words, file=sys.stderr))
        night.make()
        night.judge()
        tables = {name: upkeep.night(night.lake, SCAN_DATE, name) for name in (*READ, "roads")}
        return City(tables, true_passes(night), 0.0, "UTC", options.scan().metric_crs)


def measured(city: City) -> dict[str, Any]:
    """Return what the city alone says of the constants, and the coverage of every interval."""
    settings = Settings(timezone=city.timezone)
    made = publish(**{name: city.night[name] for name in READ}, settings=settings)
    products = {name.removeprefix("products/"): rows for name, rows in made.items()}
    rows = compared(city.passes, products, city.gap_s)
    driven = points.along(_driven(city), settings)
    for name, cell in (("heatmap", "cell"), ("heatmap_coarse", "coarse_cell")):
        rows[name] = query.ask(HEAT.replace("CELL", cell), {"heatmap": products[name], "points": driven})
    share = _run("followed", city, settings).to_pylist()[0]
    return {
        "constants": _of_passes(city, settings)
        | _told("boxes", _ratios(rows["occupancy"]))
        | _told("trips", _ratios(rows["od"]) / share["share"] ** 2)
        | _told("minutes", _ratios(rows["heatmap"]) * share["share_of_passes"])
        | _told("travel", _ratios(_by(rows["travel_time"], "links")))
        | _told("flows", _ratios(_by(rows["travel_time"], "flows"))),
        "followed": share,
        "intervals": {name: told(each) for name, each in rows.items()},
        "trips_published": _kept(products["od"], city),
    }


def _run(step: str, city: City, settings: Settings) -> pa.Table:
    """Run a step of products over the night."""
    name = f"steps/products/{step}"
    asked = {each: getattr(settings, each) for each in query.header(name)["params"]}
    return query.query(name, asked, **{each: city.night[each] for each in query.header(name)["reads"]})


def _of_passes(city: City, settings: Settings) -> dict[str, Any]:
    """Fit how many passes a followed vehicle and one in a single picture stand for."""
    passes = city.passes
    if "heading" not in passes.column_names:
        passes = passes.append_column("heading", pa.nulls(passes.num_rows, pa.string()))
    tables = {"sightings": city.night["sightings"], "observability": city.night["observability"], "passes": passes}
    followed, singles, truth = (column.cast(pa.float64()).to_numpy() for column in query.ask(PASSES, tables).columns)
    weight = 1 / np.sqrt(followed + singles)
    fit = np.linalg.lstsq(np.stack([followed, singles], axis=1) * weight[:, None], truth * weight, rcond=None)[0]
    reckoned = settings.followed_passes * followed + settings.single_passes * singles
    error = np.log(np.maximum(truth, 0.5) / reckoned)
    spread = np.sqrt(max(float(error.var()) - float((weight**2).mean()), 0.0))
    return {
        "followed_passes": round(float(fit[0]), 3), "single_passes": round(float(fit[1]), 3), "passes_cells": len(truth),
        "passes_bias": round(float(error.mean()), 3), "passes_spread": round(float(spread), 3),
    }  # fmt: skip


def _ratios(rows: pa.Table) -> Floats:
    """Return true over found, never below half a unit over it."""
    found, truth = (rows[name].cast(pa.float64()).to_numpy() for name in ("found", "truth"))
    return np.asarray(np.maximum(truth, np.minimum(0.5, found)) / np.maximum(found, 1e-9))


def _by(rows: pa.Table, source: str) -> pa.Table:
    """Keep the travel times of one source whose truth is above 0."""
    return rows.filter((pc.field("source") == source) & (pc.field("truth") > 0))


def _told(name: str, ratios: Floats) -> dict[str, Any]:
    """Return the geometric mean and the spread of some ratios, chance included."""
    if not len(ratios):
        return {}
    logs = np.log(ratios)
    return {f"{name}_ratio": round(float(np.exp(logs.mean())), 3), f"{name}_spread": round(float(logs.std()), 3)}


def _kept(od: pa.Table, city: City) -> float:
    """Return the share of trips that `od` publishes."""
    return round((pc.sum(od["support"]).as_py() or 0) / max(city.night["trajectories"].num_rows, 1), 3)


def _driven(city: City) -> pa.Table:
    """Lay the way of every true vehicle from its first camera to its last, as `trajectories` does with sure links."""
    passes = city.passes.sort_by([(name, "ascending") for name in ("vehicle_id", "entered_at", "camera_id")])
    n = passes.num_rows
    ids = pa.array([f"{row:08d}" for row in range(n)])
    vehicle, camera = (passes[name].to_numpy(zero_copy_only=False) for name in ("vehicle_id", "camera_id"))
    one = np.flatnonzero((vehicle[1:] == vehicle[:-1]) & (camera[1:] != camera[:-1]))
    entered, left = (passes[name].cast(pa.int64()).to_numpy() / 1e6 for name in ("entered_at", "left_at"))
    headed = "heading" in passes.column_names and not passes["heading"].null_count
    sightings = _filled(
        SIGHTINGS, n, sighting_id=ids, camera_id=passes["camera_id"], entered_at=passes["entered_at"], left_at=passes["left_at"],
        heading=passes["heading"] if headed else pa.array(["none"] * n), motion=pa.array(["moving"] * n),
    )  # fmt: skip
    links = _filled(
        LINKS, len(one), query_id=ids.take(pa.array(one)), gallery_id=ids.take(pa.array(one + 1)),
        travel_s=pa.array(entered[one + 1] - left[one]), runner_up=pa.array(np.zeros(len(one), np.float32)),
    )  # fmt: skip
    hours = pc.unique(city.night["observability"]["hour_at"]).to_pylist()
    pairs = [(*pair, hour) for pair in sorted(set(zip(camera[one], camera[one + 1], strict=True))) for hour in hours]
    supported = _filled(
        OBSERVABILITY, len(pairs), camera_id=pa.array([pair[0] for pair in pairs]), verdict=pa.array(["trajectory"] * len(pairs)),
        pair_camera_id=pa.array([pair[1] for pair in pairs]), hour_at=pa.array([pair[2] for pair in pairs], TIME),
    )  # fmt: skip
    ways = city.night["transitions"]
    ways = ways.set_column(ways.schema.get_field_index("clock_s"), "clock_s", pa.array(np.zeros(ways.num_rows)))
    settings = trajectories.Settings(metric_crs=city.metric_crs)
    cameras, roads = city.night["cameras"], city.night["roads"]
    return trajectories.chain(cameras, roads, sightings, links, supported, ways, settings)


def _filled(table: Any, rows: int, **known: Any) -> pa.Table:
    """Fill the columns of a table that are not known with plain values."""
    plain = {pa.string(): "x", pa.bool_(): False}
    columns = []
    for each in table.schema:
        if each.name in known:
            columns.append(known[each.name].cast(each.type))
        elif each.nullable:
            columns.append(pa.nulls(rows, each.type))
        else:
            value = [] if pa.types.is_list(each.type) else plain.get(each.type, 1)
            columns.append(pa.array([value] * rows, each.type))
    return pa.table(columns, schema=table.schema)


def labelled(tracks: Path, root: str) -> dict[str, Any]:
    """Hold passes labelled by hand against the sightings of a lake: how many were followed, in pieces, single or missed."""
    scan = scans.load("fdr")
    lake = Lake(root, scan.name)
    on = upkeep.nights(lake)[-1]
    night = {name: upkeep.night(lake, on, name) for name in ("cameras", "frames", "sightings", "detections")}
    truth = scores.read(tracks, naming(scan, night["cameras"]))
    seen = sighted(truth, night["sightings"], night["detections"], night["frames"], 0.0, 0.3)
    shown = seen.sighting_of()[1]
    motion = seen.sightings["motion"].to_pylist()
    pieces = {(int(one), int(row)) for one, row in zip(seen.passing, shown, strict=True) if row >= 0}
    followed = Counter(one for one, row in pieces if motion[row] not in SHORT)
    singles = Counter(one for one, row in pieces if motion[row] in ("single", "lone"))
    passes = len(set(seen.passing.tolist()))
    known = Settings(timezone="UTC")
    return {
        "passes": passes, "followed": len(followed), "pieces_followed": sum(followed.values()), "pieces_single": sum(singles.values()),
        "missed": passes - len(set(followed) | set(singles)),
        "reckoned": round(known.followed_passes * sum(followed.values()) + known.single_passes * sum(singles.values()), 1),
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", default="", help="lake of `thoroughfare demo`")
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3], help="seeds of districts")
    parser.add_argument("--tracks", type=Path, help="tracks labelled by hand, of the lake --labelled")
    parser.add_argument("--labelled", default="", help="lake of the scan fdr")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found: dict[str, Any] = {"demo": measured(demo(given.demo))} if given.demo else {}
    found |= {f"district {seed}": measured(district(seed)) for seed in given.seeds}
    if given.tracks:
        found["labelled by hand"] = labelled(given.tracks, given.labelled)
    print(json.dumps(found, indent=None if given.json else 2))


if __name__ == "__main__":
    main()
