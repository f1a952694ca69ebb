"""Chances follow from odds as probability theory says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.links.association import density, guess, marginals
from pipeline.links.pairs import CENTRES, Pairs, Ways, census, tallied


def pairs(*ends: tuple[int, int]) -> Pairs:
    query, gallery = np.array(ends, dtype=np.int64).T
    nothing = np.zeros(len(query))
    return Pairs(query, gallery, nothing.astype(np.int64), nothing, nothing, nothing.astype(np.int64))


def ways(floor_s: float = 5.0, ceiling_s: float = 65.0) -> Ways:
    one = np.ones(1)
    return Ways(
        3.0 * one,
        0.3 * one,
        6 * one,
        floor_s * one,
        ceiling_s * one,
        np.zeros(1, np.int64),
        10 * one,
        0 * one,
        np.zeros(1, np.int64),
    )


def test_a_lone_pair_has_the_chance_of_its_odds():
    assert marginals(pairs((0, 0)), np.array([3.0])) == pytest.approx([0.75])


def test_two_rivals_for_one_query_share_it():
    assert marginals(pairs((0, 0), (0, 1)), np.array([2.0, 1.0])) == pytest.approx([0.5, 0.25])


def test_a_chain_of_rivals_is_exact():
    """Matchings of a-x, a-y, b-y weigh 1 + 1 + 2 + 4 + 1 * 4; those with a-x weigh 1 + 4, with a-y 2, with b-y 4 + 4."""
    found = marginals(pairs((0, 0), (0, 1), (1, 1)), np.array([1.0, 2.0, 4.0]))
    assert found == pytest.approx([5 / 12, 2 / 12, 8 / 12])


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.floats(0, 50)), min_size=1, max_size=20))
def test_the_chances_of_a_sighting_never_exceed_one(rows):
    ends = {(query, gallery): odds for query, gallery, odds in rows}
    found, chance = pairs(*ends), marginals(pairs(*ends), np.array(list(ends.values())))
    assert np.bincount(found.query, chance).max() <= 1 + 1e-6
    assert np.bincount(found.gallery, chance).max() <= 1 + 1e-6


def test_travel_times_are_a_density_above_the_floor():
    second = np.arange(0.0, 400.0, 0.05) + 5.0
    total = density(ways(ceiling_s=405.0), np.zeros(len(second), np.int64), second).sum() * 0.05
    assert total == pytest.approx(1.0, abs=0.02)


def test_rarer_likeness_speaks_more_for_one_vehicle():
    ratio = guess(census([tallied(pairs((0, 0), (1, 1)), ways())], ways()), ways(), 0.5).ratio
    assert np.all(np.diff(ratio, axis=1) > 0)
    assert ratio.shape[1] == len(CENTRES)
