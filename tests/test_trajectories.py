"""A vehicle is followed from link to link, along the road, and is never in two places."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from builders import at, camera, link, rows, seen, sighting
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import geo, routing
from pipeline.tables import TRAJECTORIES
from pipeline.trajectories import Settings, chain

SETTINGS = Settings(metric_crs="EPSG:32618")
PLACES = {"a": (-73.980, 40.750), "b": (-73.980, 40.752), "c": (-73.975, 40.752)}
CAMERAS = rows("cameras", *(camera(name, *place) for name, place in PLACES.items()))
CLOCKS = rows("transitions")
HONEST = rows("observability", *(seen(a, "trajectory", b) for a in PLACES for b in PLACES if a != b))


def road(*stops: tuple[float, float], by: str) -> dict:
    """A directed stretch of road through the given points."""
    length_m = sum(routing.straight(*one, *two).length_m for one, two in pairwise(stops))
    return {"from_node": f"{by}0", "to_node": f"{by}1", "length_m": length_m, "geometry": geo.to_wkb(stops)}


def chained(sightings: list[dict], links: list[dict], *roads: dict) -> list[dict]:
    tables = rows("roads", *roads), rows("sightings", *sightings), rows("links", *links)
    return chain(CAMERAS, *tables, HONEST, CLOCKS, SETTINGS).to_pylist()


THREE = [sighting("1", "a", 0, 4), sighting("2", "b", 30, 34), sighting("3", "c", 60, 64)]


def test_links_are_chained_in_order_of_time():
    (found,) = chained(THREE, [link("2", "3", probability=0.5), link("1", "2", probability=0.8)])
    assert found["sighting_ids"] == ["1", "2", "3"]
    assert found["camera_ids"] == ["a", "b", "c"]
    assert (found["started_at"], found["finished_at"]) == (THREE[0]["entered_at"], THREE[2]["left_at"])
    assert found["probability"] == pytest.approx(0.4)


def test_without_roads_a_trajectory_is_straight_from_camera_to_camera():
    (found,) = chained(THREE, [link("1", "2"), link("2", "3")])
    assert geo.from_wkb(found["geometry"]).tolist() == [list(place) for place in PLACES.values()]
    assert found["length_m"] == pytest.approx(222.4 + 421.2, abs=0.1)
    assert found["mean_speed_mps"] == pytest.approx(found["length_m"] / 60)


def test_where_there_is_a_road_a_trajectory_follows_its_bend():
    bend = (-73.982, 40.751)
    (found,) = chained(THREE[:2], [link("1", "2")], road(PLACES["a"], bend, PLACES["b"], by="n"))
    assert geo.from_wkb(found["geometry"])[1] == pytest.approx(bend)
    assert found["length_m"] == pytest.approx(2 * routing.straight(*PLACES["a"], *bend).length_m, rel=1e-3)


def test_each_vertex_has_its_time_and_each_camera_its_own():
    bend = (-73.982, 40.751)
    (found,) = chained(THREE, [link("1", "2"), link("2", "3")], road(PLACES["a"], bend, PLACES["b"], by="n"))
    assert found["vertices_at"] == sorted(found["vertices_at"])
    assert len(found["vertices_at"]) == len(geo.from_wkb(found["geometry"]))
    assert set(found["passed_at"]) <= set(found["vertices_at"])
    assert (found["vertices_at"][1] - at(2)).total_seconds() == pytest.approx(15, abs=0.1)


def test_time_is_spent_where_others_spent_it():
    places = {name: (-73.980, 40.750 + 0.004 * n) for n, name in enumerate("abc")}
    cameras = rows("cameras", *(camera(name, *place) for name, place in places.items()))
    street = [
        road(places[one], places[other], by=one) | {"from_node": one, "to_node": other} for one, other in ("ab", "bc")
    ]
    short = [
        sighting(f"{n}{name}", name, 400 * n + s) for n in range(9) for name, s in zip("abc", (0, 20, 100), strict=True)
    ]
    passed = [*short, sighting("xa", "a", 5000), sighting("xc", "c", 5100)]
    links = [link(f"{n}{one}", f"{n}{other}") for n in range(9) for one, other in ("ab", "bc")]
    tables = rows("roads", *street), rows("sightings", *passed), rows("links", *links, link("xa", "xc"))
    weighed = rows(
        "observability", *(seen(a, "trajectory", b, hour_at=at(h)) for a in "abc" for b in "abc" for h in (0, 3600))
    )
    found = chain(cameras, *tables, weighed, CLOCKS, SETTINGS).to_pylist()
    (alone,) = [each for each in found if each["camera_ids"] == ["a", "c"]]
    assert (alone["vertices_at"][1] - at(5000)).total_seconds() == pytest.approx(24, abs=5)


def test_who_takes_long_went_around_and_who_does_not_went_straight():
    corner = (-73.98215, 40.751)
    ends, sides = (
        {"from_node": "a", "to_node": "b"},
        [{"from_node": "a", "to_node": "m"}, {"from_node": "m", "to_node": "b"}],
    )
    before, after = (-73.980, 40.749), (-73.980, 40.753)
    streets = [
        road(before, PLACES["a"], by="s") | {"from_node": "s", "to_node": "a"},
        road(PLACES["b"], after, by="t") | {"from_node": "b", "to_node": "t"},
        road(PLACES["a"], PLACES["b"], by="n") | ends,
        road(PLACES["a"], corner, by="w") | sides[0],
        road(corner, PLACES["b"], by="e") | sides[1],
    ]
    usual = [
        sighting(f"{n}{name}", name, 100 * n + s) for n in range(20) for name, s in (("a", 0), ("b", 20 if n else 45))
    ]
    places = rows("cameras", camera("a", *before), camera("b", *after))
    tables = (
        rows("roads", *streets),
        rows("sightings", *usual),
        rows("links", *(link(f"{n}a", f"{n}b") for n in range(20))),
    )
    found = chain(places, *tables, HONEST, CLOCKS, SETTINGS).sort_by("started_at").to_pylist()
    assert [round(each["length_m"], -2) for each in found] == [600.0, *[400.0] * 19]
    narrow = chain(places, *tables, HONEST, CLOCKS, replace(SETTINGS, longest=1.2)).to_pylist()
    assert {round(each["length_m"], -2) for each in narrow} == {400.0}


def test_a_sighting_goes_on_along_its_most_probable_link_only():
    passed = [*THREE[:2], sighting("rival", "c", 28, 30)]
    (found,) = chained(passed, [link("1", "2", probability=0.7), link("1", "rival", probability=0.9)])
    assert found["sighting_ids"] == ["1", "rival"]


def test_a_vehicle_cannot_be_in_two_places():
    overlapping = [sighting("1", "a", 0, 31), sighting("2", "b", 30, 34)]
    assert chained(overlapping, [link("1", "2")]) == []
    assert chained(THREE, [link("2", "1")]) == []


def test_a_leg_faster_than_any_vehicle_breaks_the_chain():
    passed = [*THREE[:2], sighting("3", "c", 35, 36)]
    (found,) = chained(passed, [link("1", "2"), link("2", "3")])
    assert found["sighting_ids"] == ["1", "2"]


def test_a_pair_that_supports_no_trajectories_ends_the_chain():
    weighed = rows("observability", seen("a", "trajectory", "b"), seen("b", "link", "c"))
    tables = rows("roads"), rows("sightings", *THREE), rows("links", link("1", "2"), link("2", "3"))
    assert chain(CAMERAS, *tables, weighed, CLOCKS, SETTINGS)["camera_ids"].to_pylist() == [["a", "b"]]
    assert chain(CAMERAS, *tables, rows("observability"), CLOCKS, SETTINGS).num_rows == 0


def test_a_ring_road_is_driven_round_again():
    passed = [*THREE, sighting("4", "a", 90, 94)]
    (found,) = chained(passed, [link("1", "2"), link("2", "3"), link("3", "4")])
    assert found["camera_ids"] == ["a", "b", "c", "a"]


def test_ids_follow_from_the_sightings_alone():
    one, two = (chained(THREE, [link("1", "2", probability=p)])[0]["trajectory_id"] for p in (0.6, 0.9))
    assert one == two != chained(THREE, [link("2", "3")])[0]["trajectory_id"]


def test_nothing_linked_gives_an_empty_table():
    empty = chain(CAMERAS, rows("roads"), rows("sightings", *THREE), rows("links"), HONEST, CLOCKS, SETTINGS)
    assert empty.equals(TRAJECTORIES.empty())


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 11), st.integers(0, 11), st.integers(1, 9)), max_size=30, unique_by=lambda t: t[:2]
    )
)
def test_whatever_is_linked_a_sighting_is_in_one_trajectory_at_most(wild: list[tuple[int, int, int]]):
    passed = rows("sightings", *(sighting(f"{n:02d}", "abc"[n % 3], 20 * n, 20 * n + 3) for n in range(12)))
    links = rows("links", *(link(f"{q:02d}", f"{g:02d}", probability=p / 10) for q, g, p in wild))
    found = chain(CAMERAS, rows("roads"), passed, links, HONEST, CLOCKS, SETTINGS)
    turned = [each.take(pa.array(np.arange(each.num_rows)[::-1])) for each in (passed, links)]
    assert found.equals(chain(CAMERAS, rows("roads"), *turned, HONEST, CLOCKS, SETTINGS))
    stops = [stop for ids in found["sighting_ids"].to_pylist() for stop in ids]
    assert len(stops) == len(set(stops))
    assert all(ids == sorted(ids) for ids in found["sighting_ids"].to_pylist())
