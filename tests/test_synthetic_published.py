"""Scores of published rows: cases worked by hand."""

import pyarrow as pa
import pytest

from pipeline.synthetic.published import published
from pipeline.tables import TIME
from tests.builders import at


def passes(*rows):
    names = ("camera_id", "vehicle_id", "entered_at", "left_at")
    kinds = pa.schema([("camera_id", pa.string()), ("vehicle_id", pa.int64()), ("entered_at", TIME), ("left_at", TIME)])
    told = [(camera, vehicle, at(entered), at(left)) for camera, vehicle, entered, left in rows]
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in told], kinds)


def product(**columns):
    return pa.table({name: [value] for name, value in columns.items()})


def judged(counts=0.0, flow=0, p50=0.0, low=0.0, high=0.0):
    """Twelve vehicles pass A for 30 s each and reach B 60 s after they left A."""
    rows = [[("A", n, 10 * n, 10 * n + 30), ("B", n, 10 * n + 90, 10 * n + 95)] for n in range(12)]
    hour = {"hour_at": at(0)}
    times = product(from_camera="A", to_camera="B", p50_s=p50, low_s=low, high_s=high, **hour)
    return published(
        passes(*(row for both in rows for row in both)),
        {
            "counts": product(camera_id="A", vehicle_minutes=counts, **hour),
            "flow": product(camera_id="A", vehicles_expected=flow, interval_at=at(0)),
            "travel_time": times,
        },
    )


def test_occupancy_is_compared_in_vehicle_minutes():
    assert judged(counts=3.0)["occupancy_error"] == pytest.approx(0.5)


def test_flows_are_compared_by_five_minutes():
    assert judged(flow=9)["flow_mape"] == pytest.approx(0.25)


@pytest.mark.parametrize(("low", "high", "held"), [(55.0, 70.0, 1.0), (61.0, 70.0, 0.0)])
def test_a_true_median_lies_in_the_interval_stated_for_it_or_not(low, high, held):
    found = judged(p50=66.0, low=low, high=high)
    assert (found["travel_time_error"], found["travel_time_coverage"]) == (pytest.approx(0.1), held)


def test_what_could_have_been_published_is_counted():
    found = judged()
    assert (found["n_travel_time_published"], found["n_travel_time_possible"]) == (1, 1)
    assert (found["n_flow_published"], found["n_flow_possible"]) == (1, 2)
