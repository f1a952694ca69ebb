"""Intervals of products against true passes: cases worked by hand."""

from datetime import timedelta

import pyarrow as pa
import pytest
from builders import at

from pipeline.errors import SchemaError
from pipeline.scores import intervals
from pipeline.tables import TIME

TRUE = pa.table(
    {
        "camera_id": ["A", "B"] * 12,
        "vehicle_id": [n for n in range(12) for _ in "AB"],
        "entered_at": pa.array([at(10 * n + s) for n in range(12) for s in (0, 90)], TIME),
        "left_at": pa.array([at(10 * n + s) for n in range(12) for s in (30, 95)], TIME),
    }
)
"""Twelve vehicles pass A for 30 s each and reach B 60 s after they left A."""


def product(figure: str, low: float, high: float, found: float, **more: object) -> pa.Table:
    row = {figure: found, f"low_{figure.removesuffix('_expected')}": low}
    return pa.table(
        {name: [value] for name, value in (row | {f"high_{figure.removesuffix('_expected')}": high} | more).items()}
    )


def flow(low: int, high: int, **more: object) -> pa.Table:
    return product("vehicles_expected", low, high, 9, camera_id="A", interval_at=at(0), **{"heading": "N"} | more)


@pytest.mark.parametrize(("low", "high", "where"), [(8, 12, "held"), (8, 11, "above"), (13, 20, "below")])
def test_a_true_count_lies_in_its_interval_or_beside_it(low: int, high: int, where: str):
    told = intervals(TRUE, {"flow": flow(low, high)})["flow"]
    assert (told["rows"], told["error"]) == (1, 0.25)
    assert {name for name in ("held", "below", "above") if told[name] == 1.0} == {where}


def test_headings_are_compared_where_the_truth_tells_them():
    headed = TRUE.append_column("heading", pa.array(["N"] * 24))
    assert intervals(headed, {"flow": flow(8, 12, heading="S")})["flow"]["below"] == 1.0


def test_vehicles_in_view_are_a_mean_over_the_five_minutes():
    view = product("vehicles_per_picture", 1.1, 1.3, 1.0, camera_id="A", interval_at=at(0))
    assert intervals(TRUE, {"occupancy": view})["occupancy"]["held"] == 1.0
    later = product("vehicles_per_picture", 1.1, 1.3, 1.0, camera_id="A", interval_at=at(0) + timedelta(minutes=5))
    assert intervals(TRUE, {"occupancy": later})["occupancy"]["below"] == 1.0


def test_a_frame_of_two_seconds_lengthens_every_pass():
    view = product("vehicles_per_picture", 1.27, 1.29, 1.0, camera_id="A", interval_at=at(0))
    assert intervals(TRUE, {"occupancy": view}, gap_s=2.0)["occupancy"]["below"] == 0.0


def test_trips_are_counted_by_the_zones_that_were_published():
    zones = pa.table({"zone": ["one", "two"], "camera_id": ["A", "B"]})
    od = product("vehicles", 10, 14, 9, first_zone="one", last_zone="two", hour_at=at(0))
    assert intervals(TRUE, {"od": od, "zones": zones})["od"] | {"width": 0} == {
        "rows": 1, "held": 1.0, "below": 0.0, "above": 0.0, "error": 0.25, "width": 0,
    }  # fmt: skip


def test_speeds_are_of_the_legs_stated_length():
    leg = {"corridor": "A > B", "leg": 1, "from_camera": "A", "to_camera": "B", "from_m": 0, "to_m": 775}
    profile = product("speed_kmh", 35.9, 36.1, 36.0, interval_at=at(0), **leg)
    assert intervals(TRUE, {"speed_profile": profile})["speed_profile"]["held"] == 1.0


def test_no_rows_have_no_share():
    assert intervals(TRUE, {"flow": flow(8, 12).slice(1)})["flow"]["held"] is None


def test_a_product_without_intervals_is_refused():
    with pytest.raises(SchemaError, match="thoroughfare stage products"):
        intervals(TRUE, {"flow": flow(8, 12).drop(["low_vehicles", "high_vehicles"])})
