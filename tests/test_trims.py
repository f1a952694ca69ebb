"""Lines of real vehicles are shown without their ends."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from builders import at, rows, trajectory
from test_nightly import ON, SCAN, kept

from pipeline import desk, geo, trims

LINE = np.column_stack([np.linspace(-73.98, -73.944, 31), np.full(31, 40.75)])
"""Three kilometres eastward, a vertex each hundred metres."""
STOPS = [("s1", "a", 0), ("s2", "b", 60), ("s3", "c", 150), ("s4", "d", 240), ("s5", "e", 300)]


def driven(name: str, line: np.ndarray = LINE) -> dict:
    """One vehicle along a line in five minutes, past five cameras."""
    times = [at(each) for each in np.linspace(0, 300, len(line))]
    return trajectory(name, STOPS, geometry=geo.to_wkb(line), vertices_at=times, length_m=3000.0)


def test_five_hundred_metres_are_cut_off_either_end_with_the_first_and_the_last_camera():
    (left,) = trims.trimmed(rows("trajectories", driven("t"))).to_pylist()
    line = geo.from_wkb(left["geometry"])
    whole_m = float(geo.steps_m(LINE).sum())
    assert float(geo.steps_m(line).sum()) == pytest.approx(whole_m - 1000, abs=1)
    assert geo.haversine_m(*LINE[0], *line[0]) == pytest.approx(500, abs=1)
    assert left["camera_ids"] == ["b", "c", "d"]
    assert left["length_m"] == pytest.approx(whole_m - 1000, abs=1)
    assert (left["started_at"] - at(0)).total_seconds() == pytest.approx(300 * 500 / whole_m, abs=1)


def test_a_line_without_a_rest_is_left_out():
    assert trims.trimmed(rows("trajectories", driven("t", LINE[:10]), driven("u"))).num_rows == 1
    assert trims.trimmed(rows("trajectories")).equals(rows("trajectories"))


def test_a_camera_passed_within_the_cut_is_not_named():
    near = driven("t") | {"passed_at": [at(each) for each in (0, 5, 150, 295, 300)]}
    assert trims.trimmed(rows("trajectories", near)).to_pylist()[0]["camera_ids"] == ["c"]


def test_maps_show_the_demo_whole_and_real_vehicles_without_their_ends(tmp_path: Path):
    lake, now = kept(tmp_path).lake, datetime(2026, 3, 4, tzinfo=UTC)
    whole, cut = (
        desk.map_night(lake, replace(SCAN, exempt=exempt), ON, "signal timing", now, "trips").trajectories
        for exempt in ("invented", "")
    )
    assert length_m(cut) < length_m(whole) - 500 * cut.num_rows
    assert cut.schema.equals(whole.schema)


def length_m(trajectories: pa.Table) -> float:
    """Add up the metres of all lines."""
    return sum(float(geo.steps_m(geo.from_wkb(wkb)).sum()) for wkb in trajectories["geometry"].to_pylist())
