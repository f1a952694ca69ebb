"""Score what was published of an invented night, row by row as users read it: counts, flows, travel times."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.synthetic.traffic import Floats
from pipeline.tables import TIME

HOUR_US, FIVE_US = 3_600_000_000, 300_000_000
LEAST = 10
"""Cells with fewer true vehicles are left out: nothing is published about so few."""


def published(passes: pa.Table, products: dict[str, pa.Table]) -> dict[str, Any]:
    """Compare the rows of products with the truth of the same camera or pair and time.

    Args:
        passes: True passes: camera_id, vehicle_id, entered_at, left_at.
        products: Published rows by product.

    Returns:
        `occupancy_error`: of `counts`, vehicle-minutes in view by camera and hour. `flow_mape`: of `flow`, vehicles expected by
        camera and 5 minutes, all headings. `travel_time_error`: of the median by pair and hour; `travel_time_coverage`: how
        often the true median lies between `low_s` and `high_s`. Errors are means of |published - true| / true over
        the rows published, `n_*`; None where there is none.
    """
    rows = _numbered(passes)
    return _counts(rows, products["counts"]) | _flow(rows, products["flow"]) | _times(rows, products["travel_time"])


def _numbered(passes: pa.Table) -> pa.Table:
    """Return passes with times in microseconds, by vehicle and time."""
    times = {name: passes[name].cast(pa.int64()) for name in ("entered_at", "left_at")}
    rows = pa.table({"camera_id": passes["camera_id"], "vehicle_id": passes["vehicle_id"], **times})
    return rows.sort_by([("vehicle_id", "ascending"), ("entered_at", "ascending"), ("camera_id", "ascending")])


def _counts(rows: pa.Table, counts: pa.Table) -> dict[str, Any]:
    """Compare vehicle-minutes by camera and hour."""
    entered, left = (rows[name].to_numpy() for name in ("entered_at", "left_at"))
    cells = [rows["camera_id"], pa.array(entered // HOUR_US), pa.array((left - entered) / 60e6)]
    true = pa.table(cells, ["camera_id", "cell", "true"]).group_by(["camera_id", "cell"]).aggregate([("true", "sum")])
    found = _cells(counts, "hour_at", HOUR_US, "vehicle_minutes", ["camera_id"])
    return _compared("occupancy", found, true.rename_columns(["camera_id", "cell", "true"]), ["camera_id", "cell"], 1.0)


def _flow(rows: pa.Table, flow: pa.Table) -> dict[str, Any]:
    """Compare vehicles expected by camera and five minutes."""
    cells = [rows["camera_id"], pa.array(rows["entered_at"].to_numpy() // FIVE_US), pa.array(np.ones(rows.num_rows))]
    true = pa.table(cells, ["camera_id", "cell", "true"]).group_by(["camera_id", "cell"]).aggregate([("true", "sum")])
    found = _cells(flow, "interval_at", FIVE_US, "vehicles_expected", ["camera_id"])
    told = _compared("flow", found, true.rename_columns(["camera_id", "cell", "true"]), ["camera_id", "cell"], LEAST)
    return {name.replace("flow_error", "flow_mape"): value for name, value in told.items()}


def _times(rows: pa.Table, times: pa.Table) -> dict[str, Any]:
    """Compare the median of travel times by pair and hour of arrival, and the interval stated for it."""
    vehicle, entered, left = (rows[name].to_numpy() for name in ("vehicle_id", "entered_at", "left_at"))
    one = np.flatnonzero(vehicle[1:] == vehicle[:-1])
    pairs = pa.table(
        {
            "from_camera": rows["camera_id"].take(pa.array(one)), "to_camera": rows["camera_id"].take(pa.array(one + 1)),
            "cell": entered[one + 1] // HOUR_US, "true": (entered[one + 1] - left[one]) / 1e6,
        }
    )  # fmt: skip
    keys = ["from_camera", "to_camera", "cell"]
    true = pairs.group_by(keys).aggregate([("true", "approximate_median")]).rename_columns([*keys, "true"])
    found = _cells(times, "hour_at", HOUR_US, "p50_s", keys[:2])
    told = _compared("travel_time", found, true, keys, 1.0)
    if not {"low_s", "high_s"} <= set(times.column_names):
        return told
    low, high = (_cells(times, "hour_at", HOUR_US, name, keys[:2]) for name in ("low_s", "high_s"))
    sides = [_beside(each, true, keys) for each in (low, high)]
    held = (sides[0][0] <= sides[0][1]) & (sides[1][1] <= sides[1][0])
    return told | {"travel_time_coverage": round(float(held.mean()), 4) if len(held) else None}


def _cells(product: pa.Table, at: str, span_us: int, figure: str, keys: list[str]) -> pa.Table:
    """Return a product's figure by its keys and number of hour or interval; rows that share both are added up."""
    cell = pa.array(product[at].cast(TIME).cast(pa.int64()).to_numpy() // span_us)
    columns = {name: product[name] for name in keys} | {"cell": cell, "found": product[figure].cast(pa.float64())}
    summed = pa.table(columns).group_by([*keys, "cell"]).aggregate([("found", "sum")])
    return summed.rename_columns([*keys, "cell", "found"])


def _compared(name: str, found: pa.Table, true: pa.Table, keys: list[str], least: float) -> dict[str, Any]:
    """Return the mean error of what was published, and of how many cells there could have been."""
    ours, theirs = _beside(found, true, keys)
    asked = theirs >= least
    error = np.abs(ours[asked] / theirs[asked] - 1.0)
    possible = int(pc.sum(pc.greater_equal(true["true"], least)).as_py() or 0)
    mean = round(float(error.mean()), 6) if len(error) else None
    return {f"{name}_error": mean, f"n_{name}_published": len(error), f"n_{name}_possible": possible}


def _beside(found: pa.Table, true: pa.Table, keys: list[str]) -> tuple[Floats, Floats]:
    """Return figures found and true of the cells that have both, in the order of their keys."""
    both = found.join(true, keys, join_type="inner").sort_by([(key, "ascending") for key in keys])
    return both["found"].to_numpy(), both["true"].to_numpy()
