"""Travel times, trips and flows against true passes, by hand."""

import math

import pyarrow as pa
import pytest

from pipeline.scores import product_scores
from pipeline.scores.truth import PASSES
from tests.builders import at, link, rows, sighting, trajectory

N = 6


def passes(*spans):
    names = ("camera_id", "vehicle_id", "entered_at", "left_at")
    return pa.Table.from_pylist([dict(zip(names, (c, v, at(a), at(b)), strict=True)) for c, v, a, b in spans], PASSES)


TRUE = passes(*(span for i in range(N) for span in (("nyc:1", f"v{i}", i, i + 2), ("nyc:2", f"v{i}", i + 52, i + 54))))
"""Six vehicles, 50 s from leaving camera 1 to entering camera 2."""


def seen(travel_s=50.0, n=N, **more):
    """Sightings, links and trajectories of the first `n` vehicles."""
    one = [sighting(f"a{i}", "nyc:1", i, i + 2, **more) for i in range(n)]
    two = [sighting(f"b{i}", "nyc:2", i + 52, i + 54, **more) for i in range(n)]
    links = [link(f"a{i}", f"b{i}", travel_s) for i in range(n)]
    chains = [trajectory(f"t{i}", [(f"a{i}", "nyc:1", i), (f"b{i}", "nyc:2", i + 52)]) for i in range(n)]
    return rows("sightings", *one, *two), rows("links", *links), rows("trajectories", *chains)


def test_what_is_true_has_no_error():
    scores = product_scores(TRUE, *seen())
    assert (scores.travel_time_error, scores.od_error, scores.flow_mape, scores.flow_bias) == (0, 0, 0, 0)
    assert (scores.n_pairs, scores.n_trips, scores.n_flows) == (1, 6, 2)


def test_a_median_of_55_for_50_seconds_is_a_tenth_off():
    assert product_scores(TRUE, *seen(55.0)).travel_time_error == pytest.approx(0.1)


def test_missed_vehicles_are_missing_from_trips_and_flows():
    scores = product_scores(TRUE, *seen(n=3))
    assert (scores.od_error, scores.flow_mape, scores.flow_bias) == (0.5, 0.5, -0.5)


def test_a_trip_to_the_wrong_place_is_wrong_twice():
    sightings, links, _ = seen()
    wrong = rows(
        "trajectories", *(trajectory(f"t{i}", [(f"b{i}", "nyc:2", 0), (f"a{i}", "nyc:1", 1)]) for i in range(N))
    )
    assert product_scores(TRUE, sightings, links, wrong).od_error == 2.0


def test_parked_vehicles_are_no_flow():
    assert product_scores(TRUE, *seen(motion="parked")).flow_bias == -1.0


def test_a_handful_of_links_has_no_median():
    assert math.isnan(product_scores(TRUE, *seen(n=4)).travel_time_error)


def test_nothing_seen_leaves_nothing_right():
    scores = product_scores(TRUE, *(rows(name) for name in ("sightings", "links", "trajectories")))
    assert (scores.od_error, scores.flow_mape) == (1.0, 1.0)
