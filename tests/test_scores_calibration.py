"""Reliability and expected calibration error."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.scores import reliability


def test_the_error_is_the_gap_between_stated_and_true_weighted_by_cases():
    stated = np.repeat([0.2, 0.8], [40, 20])
    chart = reliability(stated, np.array([True] * 10 + [False] * 30 + [True] * 20))
    assert chart.n == (40, 20)
    assert chart.came_true == pytest.approx((0.25, 1.0))
    assert chart.ece == pytest.approx(4 / 6 * 0.05 + 2 / 6 * 0.2)


def test_bins_hold_equal_numbers_of_cases():
    chart = reliability(np.linspace(0, 0.2, 100), np.zeros(100, bool), bins=10)
    assert chart.n == (10,) * 10


def test_a_handful_of_cases_is_one_bin():
    chart = reliability(np.linspace(0.5, 0.9, 8), np.ones(8, bool))
    assert (chart.n, chart.ece) == ((8,), pytest.approx(0.3))
    # All were right, and yet no one can be sure that all will be.
    assert chart.ece_low < 0.25 < chart.ece_high


def test_no_case_has_no_error_to_tell():
    assert np.isnan(reliability(np.zeros(0), np.zeros(0, bool)).ece)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50), st.integers(1, 12))
def test_cases_come_in_any_order_and_none_is_lost(cases, bins):
    stated, true = (np.array(column) for column in zip(*cases, strict=True))
    chart, turned = reliability(stated, true, bins), reliability(stated[::-1], true[::-1], bins)
    assert sum(chart.n) == len(cases)
    assert 0 <= chart.ece <= 1
    assert chart.ece == pytest.approx(turned.ece)


def test_few_cases_leave_a_wide_interval_and_many_a_narrow_one():
    random = np.random.default_rng(1)
    charts = []
    for n in (20, 20_000):
        stated = random.random(n)
        charts.append(reliability(stated, random.random(n) < stated))
    few, many = charts
    assert few.ece_high - few.ece_low > 10 * (many.ece_high - many.ece_low)
    # What is right by its own word shows about the error that chance alone makes.
    assert many.ece == pytest.approx(many.ece_by_chance, abs=0.01)
    assert few.ece_by_chance > 0.1


def test_probabilities_that_are_wrong_show_more_than_chance_does():
    stated = np.full(1000, 0.9)
    chart = reliability(stated, np.arange(1000) % 2 == 0)
    assert chart.ece == pytest.approx(0.4)
    assert chart.ece_by_chance < 0.02 < chart.ece_low < chart.ece < chart.ece_high
