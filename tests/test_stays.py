"""How long vehicles stay is learned from the pictures that show them, the unseen ones included."""

import numpy as np
import pytest

from pipeline.stays import Pictures, Stays, exactly, fit, pooled, shown_twice, travel_s


def followed(stay_s: np.ndarray, cadence_s: float, seed: int = 0) -> np.ndarray:
    """Seconds from first picture to last of vehicles that come at any time; those in no picture are left out."""
    first_s = np.random.default_rng(seed).uniform(0, cadence_s, len(stay_s))
    return np.floor((stay_s - first_s)[first_s < stay_s] / cadence_s) * cadence_s


def learned(stay_s: np.ndarray, cadence_s: float) -> Stays:
    seen_s = followed(stay_s, cadence_s)
    around = np.full(len(seen_s), cadence_s)
    return fit(seen_s, around, around, np.full(600, cadence_s))


def lognormal(median_s: float, sigma: float, count: int = 500) -> np.ndarray:
    return median_s * np.exp(np.random.default_rng(7).normal(0, sigma, count))


@pytest.mark.parametrize("cadence_s", [2.0, 4.0, 6.0])
@pytest.mark.parametrize(("median_s", "sigma"), [(5.0, 0.2), (7.0, 0.3), (12.0, 0.5)])
def test_the_share_seen_is_told_from_the_vehicles_that_were_seen(median_s: float, sigma: float, cadence_s: float):
    stay_s = lognormal(median_s, sigma)
    true = np.minimum(stay_s, cadence_s).mean() / cadence_s
    assert learned(stay_s, cadence_s).caught_s(cadence_s) / cadence_s == pytest.approx(true, rel=0.1)


def test_vehicles_that_wait_for_a_signal_do_not_blur_those_that_drive_through():
    stay_s = lognormal(5.0, 0.2)
    stay_s[::3] += np.random.default_rng(1).uniform(5, 45, len(stay_s[::3]))
    found = learned(stay_s, 4.0)
    assert found.caught_s([4.0, 30.0]) == pytest.approx([np.minimum(stay_s, gap).mean() for gap in (4, 30)], rel=0.1)


def test_few_vehicles_leave_much_room_for_doubt():
    few, many = (learned(lognormal(6.0, 0.3, count), 5.0).doubt for count in (12, 800))
    assert np.ptp([each.caught_s(5.0) for each in few]) > 2 * np.ptp([each.caught_s(5.0) for each in many])


def test_a_vehicle_lost_from_view_stayed_at_least_as_long_as_it_was_seen():
    seen_s, around = np.full(40, 6.0), np.full(40, 2.0)
    gone, lost = (fit(seen_s, around, after, np.full(90, 2.0)).median_s for after in (around, np.full(40, np.inf)))
    assert lost > 1.5 * gone


def test_stays_of_one_length_are_cut_off_at_the_gap():
    assert exactly(8.0).caught_s([2.0, 8.0, 300.0]) == pytest.approx([2.0, 8.0, 8.0], rel=1e-3)
    assert exactly(8.0).median_s == pytest.approx(8.0, abs=0.1)
    assert [each.median_s for each in exactly(8.0).doubt] == pytest.approx([4.0, 24.0], abs=0.5)


def test_what_several_cameras_have_in_common_lies_between_them():
    both = pooled([exactly(4.0), exactly(8.0)])
    assert float(both.caught_s(30.0)) == pytest.approx(6.0, rel=1e-3)


def test_pictures_in_step_show_a_vehicle_to_both_cameras_or_to_neither():
    times = Pictures(np.arange(0.0, 3600.0, 60.0), 3600.0)
    at_s = np.arange(0.5, 3600.0)
    there, astray = (
        shown_twice((times, exactly(6.0)), (times, exactly(6.0)), np.array([travel]), at_s) for travel in (54.0, 27.0)
    )
    assert there == pytest.approx(6 / 60, rel=0.1)
    assert astray == 0.0


def test_travel_times_stand_for_each_way_by_its_support():
    both = travel_s(np.array([0.0, 500.0]), np.log([10.0, 10.0]), np.array([0.1, 0.1]), np.array([3.0, 1.0]))
    assert np.mean(both < 100) == 0.75
