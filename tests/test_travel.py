"""Travel times come out of two flows, and only where there are any."""

import numpy as np
import pytest

from pipeline.query import query
from pipeline.travel import Travel, fit, read
from tests.builders import rows, sighting

GUESS = Travel(mu=4.0, sigma=0.7, floor_s=10.0, ceiling_s=170.0)


def flows(vehicles: int, related: bool, seed: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Count who went and who came by the second of an hour; the related take 10 s and a log-normal around 40 s."""
    rng = np.random.default_rng(seed)
    went = rng.uniform(0, 3600, vehicles)
    came = went + 10 + np.exp(rng.normal(np.log(40), 0.2, vehicles)) if related else rng.uniform(0, 3600, vehicles)
    return tuple(np.bincount(each.astype(int), minlength=4000)[:4000].astype(float) for each in (went, came))


def test_a_travel_time_is_found_in_a_crowd():
    found, _ = fit(*flows(1500, related=True), GUESS, blur_s=2.0)
    assert found.support > 300
    assert found.median_s == pytest.approx(50.0, abs=4.0)
    assert found.ceiling_s < GUESS.ceiling_s


@pytest.mark.parametrize("seed", range(8))
def test_unrelated_flows_leave_the_guess(seed):
    assert fit(*flows(1500, related=False, seed=seed), GUESS, blur_s=2.0)[0] == GUESS


def test_a_few_vehicles_leave_the_guess():
    assert fit(*flows(8, related=True), GUESS, blur_s=2.0)[0] == GUESS


def test_the_combs_of_two_cadences_are_no_travel_time():
    went, came = np.zeros(4000), np.zeros(4000)
    went[np.arange(0, 4000, 5)], came[np.arange(3, 4000, 5)] = 3, 3
    assert fit(went, came, GUESS, blur_s=5.0)[0] == GUESS


def test_passings_are_spread_over_the_seconds():
    seen = rows("sightings", sighting("1", "a", 0, 2), sighting("2", "a", 2, 5), sighting("3", "a", 9, motion="parked"))
    came, went = read(query("transitions/passings", sightings=seen))["a", "N"]
    assert (came.tolist(), went.tolist()) == ([1, 0, 1, 0, 0, 0], [0, 0, 1, 0, 0, 1])


def test_no_sightings_are_no_passings():
    assert read(query("transitions/passings", sightings=rows("sightings"))) == {}
