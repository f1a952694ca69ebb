"""Cut the ends off single vehicles' lines: where a journey begins or ends tells whose it is."""

from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline import geo

TRIMMED_M = 500.0
"""Left out at either end of a real vehicle's line, with the first and the last camera."""


def cut(lonlat: geo.Floats, at: geo.Floats, trim_m: float = TRIMMED_M) -> tuple[geo.Floats, geo.Floats]:
    """Cut a timed line at both ends; nothing is left of one that is too short.

    Args:
        lonlat: (n, 2) degrees WGS 84.
        at: (n,) when the vehicle was at each vertex, in any unit.
        trim_m: Metres to leave out at either end.
    """
    along_m = np.concatenate([[0.0], np.cumsum(geo.steps_m(lonlat))])
    first, last = trim_m, along_m[-1] - trim_m
    if last <= first:
        return lonlat[:0], at[:0]
    inside = (along_m > first) & (along_m < last)
    kept_m = np.concatenate([[first], along_m[inside], [last]])
    lon, lat, when = (np.interp(kept_m, along_m, axis) for axis in (*lonlat.T, at))
    return np.column_stack([lon, lat]), when


def trimmed(trajectories: pa.Table) -> pa.Table:
    """Return trajectories as they may be shown of real vehicles: without their ends, and those without a rest left out."""
    times = trajectories["vertices_at"].cast(pa.list_(pa.int64())).to_pylist()
    lines = (cut(geo.from_wkb(wkb), np.array(at, np.float64)) for wkb, at in zip(trajectories["geometry"].to_pylist(), times, strict=True))  # fmt: skip
    rows = [_rest(row, *line) for row, line in zip(trajectories.to_pylist(), lines, strict=True) if len(line[1])]
    return pa.Table.from_pylist(rows, schema=trajectories.schema)


def _rest(row: dict[str, Any], lonlat: geo.Floats, at_us: geo.Floats) -> dict[str, Any]:
    """Write a trajectory that is what is left of its line."""
    ends = pc.cast(pa.array(np.rint(at_us[[0, -1]]).astype(np.int64)), pa.timestamp("us", "UTC")).to_pylist()
    vertices = [ends[0] + timedelta(microseconds=int(each)) for each in np.rint(at_us - at_us[0])]
    between = [n for n, at in enumerate(row["passed_at"]) if ends[0] < at < ends[1] and 0 < n < len(row["passed_at"]) - 1]  # fmt: skip
    cut_to = {name: [row[name][n] for n in between] for name in ("sighting_ids", "camera_ids", "passed_at")}
    seconds = (ends[1] - ends[0]).total_seconds()
    length_m = float(geo.steps_m(lonlat).sum())
    return row | cut_to | {
        "bridged": row["bridged"][between[0] : between[-1]] if between else [],
        "geometry": geo.to_wkb(lonlat),
        "vertices_at": vertices,
        "started_at": ends[0],
        "finished_at": ends[1],
        "length_m": length_m,
        "mean_speed_mps": length_m / seconds if seconds else row["mean_speed_mps"],
    }  # fmt: skip
