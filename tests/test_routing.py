"""Ways along a road graph hold against cases worked by hand."""

import numpy as np
import pyarrow as pa
import pytest
from builders import rows
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import geo, routing

UTM = "EPSG:32618"
LON, LAT = -73.98, 40.75
DEG_M = 111_195.0
"""Metres of a degree of latitude on the sphere."""


def place(east_m: float, north_m: float) -> tuple[float, float]:
    """Return lon, lat some metres from the middle of the test."""
    return LON + east_m / (DEG_M * np.cos(np.radians(LAT))), LAT + north_m / DEG_M


def road(start: str, end: str, *points: tuple[float, float], length_m: float | None = None) -> dict[str, object]:
    """One directed stretch through points in metres."""
    along = float(np.hypot(*np.diff(np.array(points), axis=0).T).sum())
    line = geo.to_wkb([place(*point) for point in points])
    return {"from_node": start, "to_node": end, "length_m": length_m or along, "geometry": line}


def divided(gap_m: float) -> routing.RoadGraph:
    """A highway of two carriageways: north on the right, south on the left, joined by U-turns 2 km apart."""
    north = road("a", "b", (gap_m, 0), (gap_m, 2000))
    south = road("c", "d", (0, 2000), (0, 0))
    turns = road("b", "c", (gap_m, 2000), (0, 2000)), road("d", "a", (0, 0), (gap_m, 0))
    return routing.RoadGraph(rows("roads", north, south, *turns), UTM)


def test_a_route_runs_along_the_bend_and_not_across_it():
    graph = routing.RoadGraph(rows("roads", road("a", "b", (0, 0), (1000, 0), (1000, 1000))), UTM)
    route = graph.route(*place(100, 5), *place(1005, 900))
    assert route is not None
    assert route.length_m == pytest.approx(1800, rel=0.01)
    assert len(route.coordinates) == 3
    assert route.coordinates[1] == pytest.approx(place(1000, 0), abs=1e-4)


def test_a_heading_finds_the_carriageway_that_runs_its_way():
    graph, near_south = divided(gap_m=60), [*place(5, 500), *place(5, 1500)]
    north = graph.route(*near_south, 0.0, 0.0)
    around = graph.route(*near_south, 180.0, 180.0)
    assert north is not None
    assert north.length_m == pytest.approx(1000, rel=0.01)
    assert around is not None
    assert around.length_m == pytest.approx(500 + 60 + 2000 + 60 + 500, rel=0.01)


def test_a_carriageway_beyond_the_tolerance_is_found_by_its_heading():
    graph = divided(gap_m=200)
    route = graph.route(*place(0, 500), *place(0, 1500), 10.0, 350.0)
    assert route is not None
    assert route.length_m == pytest.approx(1000, rel=0.01)


def test_there_is_no_route_against_a_one_way_street_or_off_the_map():
    graph = routing.RoadGraph(rows("roads", road("a", "b", (0, 0), (0, 1000))), UTM)
    assert graph.route(*place(0, 900), *place(0, 100)) is None
    assert graph.route(*place(0, 100), *place(5000, 0)) is None
    assert routing.RoadGraph(rows("roads"), UTM).route(*place(0, 0), *place(0, 10)) is None


def test_a_route_takes_the_length_of_the_road_and_not_of_its_line():
    graph = routing.RoadGraph(rows("roads", road("a", "b", (0, 0), (0, 1000), length_m=1500)), UTM)
    route = graph.route(*place(0, 0), *place(0, 1000))
    assert route is not None
    assert route.length_m == pytest.approx(1500, rel=0.01)


def test_other_ways_differ_from_the_shortest_and_are_not_much_longer():
    corners = {"a": (0, 0), "b": (500, 0), "c": (500, 600), "d": (0, 600), "e": (-400, 300), "f": (-2000, 300)}
    joined = ["ab", "bc", "cd", "ad", "ae", "ed", "af", "fd"]
    ends = [road("s", "a", (0, -200), (0, 0)), road("d", "t", (0, 600), (0, 800))]
    block = [road(one, other, corners[one], corners[other]) for one, other in joined]
    graph = routing.RoadGraph(rows("roads", *ends, *block), UTM)
    ways = graph.routes(*place(0, -100), *place(0, 700), longest=2.5)
    assert [way.length_m for way in ways] == pytest.approx([800, 1200, 1800], rel=0.01)
    assert len(ways[1].edges) == len(ways[1].coordinates) - 1 == 4
    assert [way.length_m for way in graph.routes(*place(0, -100), *place(0, 700), k=1)] == [ways[0].length_m]


@settings(deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_road_rows_does_not_matter(random):
    roads = rows("roads", *(road(str(n), str(n + 1), (n * 100, 0), (n * 100 + 100, n % 3 * 50)) for n in range(6)))
    order = random.sample(range(6), 6)
    one, two = (
        routing.RoadGraph(each, UTM).route(*place(10, 0), *place(480, 40)) for each in (roads, roads.take(order))
    )
    assert one is not None
    assert two is not None
    assert (one.length_m, one.coordinates.tolist()) == (two.length_m, two.coordinates.tolist())


@settings(deadline=None)
@given(st.floats(0, 1000), st.floats(0, 1000))
def test_a_route_is_never_shorter_than_the_straight_line_along_a_straight_road(start: float, end: float):
    graph = routing.RoadGraph(rows("roads", road("a", "b", (0, 0), (0, 1000)), road("b", "a", (0, 1000), (0, 0))), UTM)
    route = graph.route(*place(0, start), *place(0, end))
    assert route is not None
    assert route.length_m == pytest.approx(abs(end - start), abs=2)


def test_the_straight_way_joins_two_points():
    way = routing.straight(*place(0, 0), *place(300, 400))
    assert way.length_m == pytest.approx(500, rel=1e-3)
    assert way.coordinates.shape == (2, 2)


def test_an_empty_graph_snaps_nothing():
    assert routing.RoadGraph(pa.table(rows("roads")), UTM).snap(LON, LAT) == []
