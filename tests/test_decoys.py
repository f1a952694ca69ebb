"""As many links are expected to be wrong as gates without anybody to find give."""

import numpy as np
import pytest

from pipeline.links.decoys import FURTHEST, moved, offset, put_off
from tests.builders import rows, transition

EVEN = np.full(400, 0.6)


def test_few_decoys_make_links_surer():
    by = offset(EVEN, np.full(100, 0.6), alone=0.5)
    assert moved(EVEN, by).mean() == pytest.approx(1 - (50 + 8) / 420, abs=1e-3)


def test_many_decoys_make_links_less_sure():
    assert offset(EVEN, np.full(350, 0.6), alone=1.0) < -1


def test_a_few_links_are_left_nearly_as_they_are():
    assert abs(offset(EVEN[:3], np.full(2, 0.6), alone=0.5)) < 0.3
    assert offset(EVEN[:0], EVEN[:0], alone=0.5) == 0


def test_no_chance_is_moved_further_than_the_bound():
    assert offset(EVEN, EVEN[:0], alone=0.5) == pytest.approx(FURTHEST, abs=0.01)


def test_certainty_and_impossibility_stay():
    assert moved(np.array([0.0, 0.5, 1.0]), 1.0) == pytest.approx([0.0, 0.7310586, 1.0])


def test_a_gate_put_off_is_as_long():
    way = rows("transitions", transition("a", "b"))
    later = put_off(way, np.array([30.0])).to_pylist()[0]
    assert (later["floor_s"], later["ceiling_s"]) == (35.0, 90.0)
