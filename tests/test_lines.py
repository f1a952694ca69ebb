"""Points are put together to lines with the lengths, times and geometry that other libraries find."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from benchmarks import trajectories as benchmark
from pipeline.tables import TIME
from pipeline.trajectories import lines

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def points(*rows: tuple[str, float, float, float]) -> pa.Table:
    """Rows of owner, second, longitude, latitude."""
    owner, seconds, lon, lat = zip(*rows, strict=True)
    at = pa.array([NOON + timedelta(seconds=each) for each in seconds], TIME)
    return pa.table({"trajectory_id": list(owner), "at": at, "lon": list(lon), "lat": list(lat)})


def test_points_of_any_order_become_lines_in_order_of_time():
    seen = points(
        ("b", 9, -73.9, 40.8), ("a", 5, -73.8, 40.7), ("b", 1, -73.9, 40.7), ("c", 1, 0, 0), ("a", 2, -73.8, 40.6)
    )
    names, read = lines.read(seen)
    assert names.to_pylist() == ["a", "b"]
    assert [line.wkt for line in shapely.from_wkb(lines.draw(read)["geometry"].to_pylist())] == [
        "LINESTRING (-73.8 40.6, -73.8 40.7)", "LINESTRING (-73.9 40.7, -73.9 40.8)",
    ]  # fmt: skip
    assert lines.draw(read)["vertices_at"].to_pylist()[1] == [NOON + timedelta(seconds=each) for each in (1, 9)]


def test_speed_is_length_over_time_and_nothing_where_no_time_goes_by():
    _, read = lines.read(points(("a", 0, 0, 0), ("a", 10, 0, 0.001), ("b", 3, 5, 5), ("b", 3, 5, 5)))
    drawn = lines.draw(read, geometry=False)
    assert drawn["mean_speed_mps"].to_pylist() == pytest.approx([11.0574, 0.0], rel=1e-4)
    assert drawn.column_names == ["length_m", "mean_speed_mps"]


def test_no_points_are_no_lines():
    names, read = lines.read(points(("a", 0, 0, 0)))
    assert (len(names), len(read), lines.draw(read).num_rows) == (0, 0, 0)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-0.05, 0.05), st.floats(-0.05, 0.05)), min_size=2, max_size=9), st.floats(-70, 70))
def test_lengths_are_those_on_the_ellipsoid(steps: list[tuple[float, float]], north: float):
    lon, lat = (np.cumsum([each[axis] for each in steps]) + (7.0, north)[axis] for axis in (0, 1))
    line = lines.Lines(lon, lat, np.arange(len(lon)), np.array([0, len(lon)]))
    assert lines.lengths_m(line)[0] == pytest.approx(Geod(ellps="WGS84").line_length(lon, lat), rel=1e-4, abs=0.01)


def test_ours_movingpandas_and_geopandas_find_the_same_lengths_and_speeds():
    found = benchmark.compare(400, 1)
    assert set(found["ways"]) == set(benchmark.WAYS)
    assert found["largest_difference"] <= benchmark.CLOSE
    assert found["ways"][benchmark.OURS]["cpu_s"] < found["ways"][benchmark.MOVING]["cpu_s"]
