"""A camera that missed a vehicle is bridged where one end and one start explain each other, and nowhere else."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from builders import at, camera, link, rows, seen, sighting, transition

from pipeline.trajectories import Settings, bridges, chain

SETTINGS = Settings(metric_crs="EPSG:32618")
STREET = "abcd"
CAMERAS = rows("cameras", *(camera(name, -73.98, 40.75 + 0.005 * n) for n, name in enumerate(STREET)))
WAYS = rows(
    "transitions",
    *(
        transition(one, other, road_m=556.0, floor_s=15.0, ceiling_s=90.0, travel_mu=3.2, travel_sigma=0.3, support=50)
        for one, other in pairwise(STREET)
    ),
)
HONEST = [seen(each, "link", p=0.8) for each in STREET] + [seen(a, "trajectory", b) for a, b in pairwise(STREET)]


def drive(name: str, start: float, *cameras: str, headway: float = 40.0) -> list[dict]:
    """One vehicle's sightings at some cameras of the street, a headway apart for each camera passed or missed."""
    first = STREET.index(cameras[0])
    places = [(each, start + headway * (STREET.index(each) - first)) for each in cameras]
    return [sighting(f"{name}{each}", each, second, second + 4) for each, second in places]


def followed(*drives: list[dict], weighed: list[dict] = HONEST) -> list[dict]:
    """Chain some drives whose neighbouring cameras are linked."""
    near = [(one, other) for each in drives for one, other in pairwise(each) if _near(one, other)]
    links = [link(one["sighting_id"], other["sighting_id"], 36, probability=0.8) for one, other in near]
    tables = rows("sightings", *(row for each in drives for row in each)), rows("links", *links)
    return chain(CAMERAS, rows("roads"), *tables, rows("observability", *weighed), WAYS, SETTINGS).to_pylist()


def _near(one: dict, other: dict) -> bool:
    return STREET.index(other["camera_id"]) - STREET.index(one["camera_id"]) == 1


MISSED = drive("v", 600, "a", "b", "d")


def test_a_vehicle_that_one_camera_missed_is_followed_past_it():
    (found,) = followed(MISSED)
    assert found["camera_ids"] == ["a", "b", "d"]
    assert found["bridged"] == [False, True]
    assert 0.4 <= found["probability"] < 0.8
    assert found["passed_at"] == [at(602), at(642), at(722)]


def test_of_two_that_fit_as_well_none_is_bridged():
    rival = [sighting("rival", "d", 722, 726)]
    assert [each["camera_ids"] for each in followed(MISSED, rival)] == [["a", "b"]]


def test_nobody_is_bridged_who_comes_too_early_or_too_late():
    for wait in (10.0, 400.0):
        late = [*drive("v", 600, "a", "b"), sighting("late", "d", 644 + wait, 648 + wait)]
        assert [each["camera_ids"] for each in followed(late)] == [["a", "b"]]


def test_a_step_that_supports_no_trajectories_is_not_bridged():
    weak = [row for row in HONEST if row["pair_camera_id"] != "d"] + [seen("c", "link", "d")]
    assert [each["camera_ids"] for each in followed(MISSED, weighed=weak)] == [["a", "b"]]


def test_a_sighting_that_is_linked_on_is_no_end():
    (found,) = followed(drive("v", 600, "a", "b", "c", "d"))
    assert found["bridged"] == [False, False, False]


def gaps(*pairs: tuple[str, str, float, str, str]) -> pa.Table:
    """Gaps of query, gallery, seconds beyond the floor, and both labels."""
    names = ("query_id", "gallery_id", "late_s", "query_label", "gallery_label")
    columns = dict(zip(names, map(list, zip(*pairs, strict=True)), strict=True))
    same = {"mu": 3.0, "sigma": 0.3, "expected": 0.1, "rate": 0.001}
    return pa.table(columns | {name: np.full(len(pairs), value) for name, value in same.items()})


def test_rivals_share_the_chance_and_unlike_kinds_have_little_of_it():
    alone = bridges.chances(gaps(("1", "2", 20.0, "car", "car")), 1.0)
    beside = bridges.chances(gaps(("1", "2", 20.0, "car", "car"), ("1", "3", 20.0, "car", "car")), 1.0)
    assert alone[0] > 0.6
    assert beside[0] == beside[1] < 0.5
    likely, unlike = bridges.chances(gaps(("1", "2", 20.0, "car", "car"), ("3", "4", 20.0, "car", "bus")), 2.0)
    assert likely / (1 - likely) > 5 * unlike / (1 - unlike)
    untold = bridges.chances(gaps(("1", "2", 20.0, "vehicle", "car")), 1.0)
    assert untold == pytest.approx(alone, abs=0.2)
