"""What undoes a secret rotation, on vectors whose secret is known; and the figure that says how far scores unlink."""

import numpy as np
import pytest
from scipy.stats import special_ortho_group

from pipeline.countermeasures import alignments
from pipeline.countermeasures.unlinkability import LEAST_MATED, d_sys

N, D = 600, 8
CHANCE = np.random.default_rng(7)
SECRET = special_ortho_group.rvs(D, random_state=3)
SKEWED = CHANCE.exponential(1.0, (N, D)) * np.linspace(1, 2, D) - np.linspace(1, 2, D)
ROUND = CHANCE.normal(size=(N, D))


def found(pair: tuple[np.ndarray, np.ndarray]) -> float:
    """Return the share of rows whose likest row of the other night is themselves."""
    one, other = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in pair)
    return float(((one @ other.T).argmax(axis=1) == np.arange(N)).mean())


@pytest.mark.parametrize("undo", [alignments.by_spread, alignments.by_neighbours, alignments.by_shape])
def test_a_rotation_of_vectors_that_have_a_shape_is_undone_by_who_knows_nobody(undo):
    assert found((SKEWED, SKEWED @ SECRET)) < 0.2
    assert found(undo(SKEWED, SKEWED @ SECRET)) > 0.95


@pytest.mark.parametrize("undo", [alignments.by_spread, alignments.by_shape])
def test_a_shape_that_looks_alike_from_everywhere_stays_hidden_when_the_pictures_are_others(undo):
    assert found(undo(ROUND, (ROUND + CHANCE.normal(0, 0.3, ROUND.shape)) @ SECRET)) < 0.2


def test_as_many_known_vehicles_as_dimensions_undo_any_rotation():
    assert found(alignments.by_known(ROUND, ROUND @ SECRET, np.arange(D))) == 1.0


def test_scores_that_tell_nothing_have_a_d_sys_of_about_its_floor_and_those_that_tell_all_of_one():
    one, other = np.random.default_rng(2).normal(size=(2, LEAST_MATED))
    assert d_sys(one, other) < 0.06
    assert d_sys(one + 9, other) == pytest.approx(1.0, abs=0.001)
    assert 0.2 < d_sys(one + 1, other) < 0.6


def test_too_few_pairs_have_none():
    assert np.isnan(d_sys(np.zeros(LEAST_MATED - 1), np.zeros(LEAST_MATED)))
