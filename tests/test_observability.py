"""What a feed cannot honestly support is refused, with the reason."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from builders import NIGHT, camera, frame, rows, sighting, single, transition
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.observability import PLANS, compare, told
from benchmarks.passing import district
from pipeline.observability import Settings, weigh
from pipeline.scans import Window
from pipeline.tables import OBSERVABILITY

WINDOW = Window(NIGHT, NIGHT, NIGHT + timedelta(hours=1))


def pictures(name: str, cadence_s: int, lost: tuple[int, int] = (0, 0)) -> list[dict]:
    """An hour of slots at one camera, missed between two seconds."""
    return [frame(name, s, "missed" if lost[0] <= s < lost[1] else "ok") for s in range(0, 3600, cadence_s)]


def weighed(
    frames: list[dict], sightings: Sequence[dict] = (), pairs: Sequence[dict] = ()
) -> dict[tuple[str, str], dict]:
    cameras = rows("cameras", camera("a"), camera("b"))
    tables = rows("frames", *frames), rows("sightings", *sightings), rows("transitions", *pairs)
    answer = weigh(cameras, *tables, window=WINDOW, settings=Settings())
    return {(row["camera_id"], row["pair_camera_id"]): row for row in answer.to_pylist()}


def passes(name: str, cadence_s: float, frames: list[int]) -> list[dict]:
    """Vehicles seen in so many frames each."""
    return [
        single(f"{name}{i}", name, 60 * i)
        if n == 1
        else sighting(f"{name}{i}", name, 60 * i, 60 * i + cadence_s * (n - 1))
        for i, n in enumerate(frames)
    ]


def test_one_still_in_five_minutes_gives_counts_and_says_why():
    row = weighed(pictures("a", 300))["a", ""]
    assert (row["verdict"], row["cadence_s"]) == ("count", 300)
    assert row["p_seen"] == pytest.approx(8 / 300)
    assert (
        row["reason"]
        == "one still in 300 s sees 3% of passing vehicles (taken to stay 8 s in view; 1% to 8% if half as long, or three times): "
        "too seldom to follow one, counts only"
    )


def test_stills_five_minutes_apart_give_no_trajectory_whatever_was_tracked():
    sightings = [*passes("a", 300, [2] * 11), *passes("b", 300, [3] * 11)]
    found = weighed(pictures("a", 300) + pictures("b", 300), sightings, [transition("a", "b")])
    assert {row["verdict"] for row in found.values()} == {"count"}
    assert found["a", "b"]["p_pair"] < (8 / 300) ** 2


def test_a_picture_every_two_seconds_gives_trajectories_between_two_cameras():
    sightings = [*passes("a", 2, [3] * 12), *passes("b", 2, [4] * 12)]
    found = weighed(pictures("a", 2) + pictures("b", 2), sightings, [transition("a", "b")])
    assert [row["verdict"] for row in found.values()] == ["link", "trajectory", "link"]
    assert [row["dwell_s"] for row in found.values()] == pytest.approx([6, 6, 8], abs=0.2)


def test_vehicles_mostly_seen_once_stay_between_one_and_two_cadences():
    row = weighed(pictures("a", 4), passes("a", 4, [1] * 9 + [2] * 3))["a", ""]
    assert (row["dwell_s"], row["p_seen"]) == pytest.approx((5, 0.97), abs=0.1)
    assert row["verdict"] == "link"


def test_vehicles_never_seen_twice_are_counted_without_direction():
    row = weighed(pictures("a", 4), passes("a", 4, [1] * 40))["a", ""]
    assert row["verdict"] == "count"
    assert row["reason"].startswith("0% of passing vehicles are in two pictures or more (")
    assert row["reason"].endswith("they do not stay long enough to tell): no direction, counts only")


def test_a_parked_car_does_not_lengthen_the_time_in_view():
    parked = [sighting(f"p{i}", "a", 0, 3000, motion="parked") for i in range(50)]
    assert weighed(pictures("a", 2), [*parked, *passes("a", 2, [2] * 11)])["a", ""]["dwell_s"] < 5


def test_the_cadence_is_seen_through_times_in_whole_seconds():
    blurred = [frame("a", int(1.7 * slot)) for slot in range(2000)]
    assert weighed(blurred)["a", ""]["cadence_s"] == pytest.approx(1.7, abs=0.01)


def test_an_outage_hides_the_vehicles_that_came_and_went_in_it():
    row = weighed(pictures("a", 2, lost=(900, 2700)), passes("a", 2, [4] * 10))["a", ""]
    assert row["p_seen"] == pytest.approx((1800 + 6) / 3600, abs=1e-3)
    assert (row["slots_planned"], row["slots_seen"], row["verdict"]) == (1800, 900, "link")


def test_two_cameras_that_fail_together_show_more_to_both_than_two_that_fail_in_turn():
    sightings = [*passes("a", 2, [4] * 11), *passes("b", 2, [4] * 11)]
    shared, turns = (
        weighed(pictures("a", 2, lost=(0, 1800)) + pictures("b", 2, lost=lost), sightings, [transition("a", "b")])
        for lost in ((0, 1800), (1800, 3600))
    )
    assert shared["a", "b"]["p_pair"] == pytest.approx(0.5, abs=0.01)
    assert turns["a", "b"]["p_pair"] == pytest.approx(0.0, abs=0.01)
    assert (shared["a", "b"]["verdict"], turns["a", "b"]["verdict"]) == ("link", "flow")


def test_where_travel_times_are_wide_a_pair_is_the_product_of_its_cameras():
    wide = transition("a", "b", floor_s=60.0, travel_mu=6.0, travel_sigma=1.0)
    frames = pictures("a", 2, lost=(0, 1800)) + [
        row for s in range(0, 3600, 60) for row in pictures("b", 60)[s // 60 :][:1]
    ]
    pair = weighed(frames, passes("a", 2, [4] * 11), [wide])["a", "b"]
    assert pair["p_pair"] == pytest.approx(0.5 * 8 / 60, rel=0.1)


def test_a_camera_without_a_usable_picture_supports_nothing():
    found = weighed(pictures("a", 2, lost=(0, 3600)), [], [transition("a", "b")])
    assert [row["verdict"] for row in found.values()] == ["none", "none", "none"]
    assert found["a", ""]["reason"] == "no usable picture of 1800 planned"
    assert found["b", ""]["slots_planned"] == 0


def test_the_reason_says_that_pictures_were_lost():
    assert "with 900 of 1800 missing or unusable" in weighed(pictures("a", 2, lost=(0, 1800)))["a", ""]["reason"]


@settings(max_examples=8, deadline=None)
@given(st.sets(st.integers(0, 59), min_size=1), st.integers(0, 59))
def test_a_picture_more_never_shows_less(usable: set[int], more: int):
    one, two = (
        weighed([frame("a", 60 * slot, "ok" if slot in seen else "missed") for slot in range(60)])["a", ""]
        for seen in (usable, usable | {more})
    )
    assert 0 < one["p_seen"] <= two["p_seen"] <= 1
    assert one["verdict"] == two["verdict"] == "count"


def test_the_order_of_rows_does_not_matter():
    frames, sightings = rows("frames", *pictures("a", 60)), rows("sightings", *passes("a", 2, [3] * 12))
    turned = [each.take(pa.array(range(each.num_rows))[::-1]) for each in (frames, sightings)]
    cameras, pairs = rows("cameras", camera("a")), rows("transitions")
    assert weigh(cameras, frames, sightings, pairs, WINDOW, Settings()).equals(
        weigh(cameras, *turned, pairs, WINDOW, Settings())
    )


def test_no_camera_gives_no_row():
    empty = weigh(*(rows(name) for name in ("cameras", "frames", "sightings", "transitions")), WINDOW, Settings())
    assert empty.equals(OBSERVABILITY.empty())


def test_predictions_come_true_in_a_simulated_district():
    """Four plans of pictures, sixteen junctions with signals: as `python -m benchmarks.observability`, in small."""
    streets = district(1.0, seed=3, side=4, a_hour=1500)
    streets = streets.of((streets.entered_s >= 0) & (streets.left_s < 3600))
    for name in ("every 2 s", "every 5 s", "every 2 s, 20 % lost", "every 5 s, 30 % lost in blocks of 4 min"):
        found = compare(streets, PLANS[name], [(0, 3600.0)])
        cameras, pairs = ([row for row in found if bool(row.who[1]) is paired] for paired in (False, True))
        assert len(cameras) == 16
        assert len(pairs) > 30
        assert told(cameras)["median"] < 0.05, name
        assert told(pairs)["median"] < 0.1, name
        assert told(cameras)["within"] >= 0.8, name


def test_rare_pictures_show_the_share_that_true_stays_would_have_them_show():
    free = district(2.0, seed=4, side=3, a_hour=4000, signals=False)
    free = free.of((free.entered_s >= 0) & (free.left_s < 7200))
    found = [row for row in compare(free, PLANS["every 30 s"], [(0, 3600.0), (1, 3600.0)]) if not row.who[1]]
    assert all(row.given == pytest.approx(row.realised, rel=0.25) for row in found)
    assert float(np.mean([row.given / row.realised for row in found])) == pytest.approx(1.0, abs=0.05)
