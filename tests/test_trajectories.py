"""A vehicle is followed from link to link, along the road, and is never in two places."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from builders import camera, link, rows, seen, sighting
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import geo
from pipeline.tables import TRAJECTORIES
from pipeline.trajectories import Settings, chain

SETTINGS = Settings(metric_crs="EPSG:32618")
PLACES = {"a": (-73.980, 40.750), "b": (-73.980, 40.752), "c": (-73.975, 40.752)}
CAMERAS = rows("cameras", *(camera(name, *place) for name, place in PLACES.items()))
CLOCKS = rows("transitions")
HONEST = rows("observability", *(seen(a, "trajectory", b) for a in PLACES for b in PLACES if a != b))


def road(*stops: tuple[float, float], by: str) -> dict:
    """A directed stretch of road through the given points."""
    length_m = sum(geo.straight(*one, *two).length_m for one, two in pairwise(stops))
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
    assert found["length_m"] == pytest.approx(2 * geo.straight(*PLACES["a"], *bend).length_m, rel=1e-3)


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
