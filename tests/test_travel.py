"""Travel times come out of two flows, and only where there are any."""

import numpy as np
import pytest
from scipy.fft import irfft, rfft

from pipeline.travel import Gaps, Travel, fit

GUESS = Travel(mu=4.0, sigma=0.7, floor_s=10.0, ceiling_s=170.0)
Flows = tuple[np.ndarray, np.ndarray]


def flows(vehicles: int, related: bool, seed: int = 4) -> Flows:
    """Count who went and who came by the second of an hour; the related take 10 s and a log-normal around 40 s."""
    rng = np.random.default_rng(seed)
    went = rng.uniform(0, 3600, vehicles)
    came = went + 10 + np.exp(rng.normal(np.log(40), 0.2, vehicles)) if related else rng.uniform(0, 3600, vehicles)
    return tuple(np.bincount(each.astype(int), minlength=4000)[:4000].astype(float) for each in (went, came))


def fitted(counts: Flows, blur_s: float = 2.0, clock_s: float = 0.0) -> Travel:
    went, came = counts
    ring = np.round(np.maximum(irfft(np.conj(rfft(went)) * rfft(came), len(went)), 0))
    return fit(Gaps.of(ring, blur_s), GUESS, int(min(went.sum(), came.sum())), clock_s)[0]


def test_a_travel_time_is_found_in_a_crowd():
    found = fitted(flows(1500, related=True))
    assert found.support > 300
    assert found.median_s == pytest.approx(50.0, abs=4.0)
    assert found.ceiling_s < GUESS.ceiling_s


def test_a_clock_that_is_ahead_is_taken_out():
    went, came = flows(1500, related=True)
    ahead = fitted((went, np.roll(came, 480)), clock_s=480.0)
    assert ahead.median_s == pytest.approx(fitted((went, came)).median_s, abs=0.5)
    assert fitted((went, np.roll(came, 480))) == GUESS


@pytest.mark.parametrize("seed", range(8))
def test_unrelated_flows_leave_the_guess(seed):
    assert fitted(flows(1500, related=False, seed=seed)) == GUESS


def test_a_few_vehicles_leave_the_guess():
    assert fitted(flows(8, related=True)) == GUESS


def test_the_combs_of_two_cadences_are_no_travel_time():
    went, came = np.zeros(4000), np.zeros(4000)
    went[np.arange(0, 4000, 5)], came[np.arange(3, 4000, 5)] = 3, 3
    assert fitted((went, came), blur_s=5.0) == GUESS
