"""What follows what, and how long it takes, is learned from the flows alone."""

import numpy as np
import pyarrow as pa
import pytest

from pipeline.tables import TIME, TRANSITIONS
from pipeline.transitions import Settings, learn
from tests.builders import camera, rows, sighting
from tests.corridor import corridor, empty

SETTINGS = Settings(metric_crs="EPSG:32618")
HOME, AWAY = bytes(range(32)), bytes(255 - each for each in range(32))
"""What a camera shows, as `frames.view`, before and after it has turned."""


def test_no_sightings_give_no_transitions():
    assert learn(empty("cameras"), empty("roads"), empty("sightings"), SETTINGS).equals(TRANSITIONS.empty())


def test_travel_times_are_learned_from_flows():
    made = corridor(vehicles=1200, stops=2)
    (way,) = learn(made.cameras, empty("roads"), made.sightings, SETTINGS).to_pylist()
    assert (way["source"], way["from_camera"], way["heading"]) == ("learned", "c0", "N")
    assert way["floor_s"] + np.exp(way["travel_mu"]) == pytest.approx(1000 / 15 - 3, rel=0.1)
    assert 200 < way["support"] < 1200 * 0.9 * 0.9


def test_unrelated_flows_teach_nothing():
    first, second = corridor(vehicles=900, stops=2, seed=2), corridor(vehicles=900, stops=2, seed=3)
    pieces = [
        made.sightings.filter(made.sightings["camera_id"].to_numpy() == name)
        for made, name in ((first, "c0"), (second, "c1"))
    ]
    (way,) = learn(
        first.cameras,
        empty("roads"),
        rows("sightings", *(row for piece in pieces for row in piece.to_pylist())),
        SETTINGS,
    ).to_pylist()
    assert (way["source"], way["support"]) == ("road", 0)


def test_a_heading_leads_only_where_it_points():
    cameras = rows("cameras", camera("south", lat=40.70), camera("north", lat=40.71))
    seen = rows(
        "sightings",
        *(sighting(f"{place}{heading}", place, 5, heading=heading) for place in ("south", "north") for heading in "NS"),
    )
    ways = learn(cameras, empty("roads"), seen, SETTINGS).to_pylist()
    assert [(way["from_camera"], way["heading"], way["to_heading"]) for way in ways] == [
        ("north", "S", "S"),
        ("south", "N", "N"),
    ]


def test_headings_without_a_bearing_may_lead_anywhere():
    cameras = rows("cameras", camera("a", lat=40.70), camera("b", lat=40.71))
    seen = rows("sightings", sighting("1", "a", 5, heading="away"), sighting("2", "b", 5, heading="toward"))
    ways = learn(cameras, empty("roads"), seen, SETTINGS).to_pylist()
    assert [(way["from_camera"], way["heading"], way["to_heading"]) for way in ways] == [
        ("a", "away", "none"),
        ("b", "toward", "none"),
    ]


def test_only_few_cameras_on_the_way_may_be_skipped():
    made = corridor(vehicles=30, stops=4)
    pairs = {
        (row["from_camera"], row["to_camera"])
        for row in learn(made.cameras, empty("roads"), made.sightings, SETTINGS).to_pylist()
    }
    assert pairs == {("c0", "c1"), ("c1", "c2"), ("c2", "c3"), ("c0", "c2"), ("c1", "c3")}


def test_nobody_is_faster_than_the_floor_and_the_gate_is_open():
    made = corridor(vehicles=400, stops=3)
    for way in learn(made.cameras, empty("roads"), made.sightings, SETTINGS).to_pylist():
        assert 0 <= way["floor_s"] < way["floor_s"] + np.exp(way["travel_mu"]) < way["ceiling_s"]


def test_the_order_of_rows_does_not_matter():
    made = corridor(vehicles=300, stops=3)
    turned = made.sightings.take(np.arange(made.sightings.num_rows)[::-1])
    assert learn(made.cameras, empty("roads"), made.sightings, SETTINGS).equals(
        learn(made.cameras, empty("roads"), turned, SETTINGS)
    )


@pytest.mark.parametrize(("then", "ways"), [(HOME, 1), (AWAY, 0)], ids=["stays", "turns"])
def test_a_camera_that_turned_between_two_hours_has_no_ways(then: bytes, ways: int):
    made = corridor(vehicles=600, stops=2)
    entered = made.sightings["entered_at"].cast(pa.int64()).to_numpy()
    is_late = entered > np.median(entered)
    views = [
        then if late and name == "c1" else HOME
        for late, name in zip(is_late, made.sightings["camera_id"].to_pylist(), strict=True)
    ]
    shown = made.sightings.set_column(made.sightings.schema.names.index("view"), "view", pa.array(views, pa.binary()))
    for name in ("entered_at", "left_at"):
        moved = shown[name].cast(pa.int64()).to_numpy() + is_late * 3600 * 1_000_000
        shown = shown.set_column(shown.schema.names.index(name), name, pa.array(moved).cast(TIME))
    found = learn(made.cameras, empty("roads"), shown, SETTINGS)
    assert len({row["to_camera"] for row in found.to_pylist()}) == ways
