"""Bearings, distances and cells hold against cases worked by hand."""

import h3
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import geo

UTM = "EPSG:32618"
LON, LAT = -73.98, 40.75
DEG_M = 111_195.0
"""Metres of a degree of latitude on the sphere."""

longitudes, latitudes = st.floats(-179.9, 179.9), st.floats(-84, 84)


def place(east_m: float, north_m: float) -> tuple[float, float]:
    """Return lon, lat some metres from the middle of the test."""
    return LON + east_m / (DEG_M * np.cos(np.radians(LAT))), LAT + north_m / DEG_M


def test_compass_points_are_45_degrees_wide():
    assert [geo.compass(deg) for deg in (0, 22, 23, 67, 68, 180, 337, 338, 359.9, -10, 720)] == [
        "N", "N", "NE", "NE", "E", "S", "NW", "N", "N", "N", "N",
    ]  # fmt: skip


@pytest.mark.parametrize("name", geo.HEADINGS)
def test_a_compass_point_is_read_back_from_its_bearing(name: str):
    assert geo.compass(geo.bearing(name)) == name


@pytest.mark.parametrize("text", ["NE", "ne", "north-east", "Northeast", "North East", "northeastbound"])
def test_a_bearing_has_many_spellings(text: str):
    assert geo.bearing(text) == 45.0


def test_away_is_no_compass_point():
    with pytest.raises(ValueError, match="choose from"):
        geo.bearing("away")


def test_a_degree_of_latitude_is_111_km_and_a_quarter_turn_is_10_000_km():
    assert float(geo.haversine_m(LON, 40, LON, 41)) == pytest.approx(DEG_M, rel=1e-4)
    assert float(geo.haversine_m(0, 0, 0, 90)) == pytest.approx(10_007_557, rel=1e-4)


@settings(deadline=None)
@given(longitudes, latitudes, longitudes, latitudes)
def test_distance_is_the_same_both_ways_and_never_beyond_half_the_globe(lon1, lat1, lon2, lat2):
    there, back = geo.haversine_m(lon1, lat1, lon2, lat2), geo.haversine_m(lon2, lat2, lon1, lat1)
    assert there == pytest.approx(back)
    assert 0 <= there <= np.pi * geo.EARTH_RADIUS_M + 1e-6


@settings(deadline=None)
@given(st.floats(-720, 720), st.floats(-720, 720))
def test_a_turn_is_at_most_half_a_circle_and_the_same_both_ways(one: float, two: float):
    assert 0 <= geo.turn_deg(one, two) <= 180
    assert geo.turn_deg(one, two) == pytest.approx(geo.turn_deg(two, one))


def test_east_of_a_point_lies_at_90_degrees():
    assert geo.bearing_between(LON, LAT, LON + 0.001, LAT) == pytest.approx(90, abs=0.01)


def test_a_cell_holds_its_point_and_another_place_has_another():
    found = geo.cells([LON, LON], [LAT, LAT + 1], 9)
    lat, lon = h3.cell_to_latlng(str(found[0]))
    assert geo.haversine_m(lon, lat, LON, LAT) < 230
    assert found[0] != found[1]
    assert geo.cells([], [], 9).shape == (0,)


@settings(deadline=None)
@given(st.floats(-78, -72), st.floats(1, 80))
def test_projection_and_back_gives_the_place_again(lon: float, lat: float):
    assert geo.from_metric(geo.to_metric(lon, lat, UTM), UTM) == pytest.approx(np.array([[lon, lat]]), abs=1e-7)


def test_a_line_survives_wkb_and_a_point_becomes_a_line():
    assert geo.from_wkb(geo.to_wkb([(1, 2), (3, 4)])).tolist() == [[1, 2], [3, 4]]
    assert geo.from_wkb(geo.to_wkb([(1, 2)])).tolist() == [[1, 2], [1, 2]]


def test_points_within_reach_are_found_with_their_metres():
    lat = [40.0, 40.0 + 3 / 111_195.08, 40.0 + 12 / 111_195.08, 41.0]
    pairs, metres = geo.within([-73.0] * 4, lat, 10.0)
    assert pairs.tolist() == [[0, 1], [1, 2]]
    np.testing.assert_allclose(metres, [3.0, 9.0], atol=1e-4)
    assert geo.within([], [], 10.0)[0].shape == (0, 2)
