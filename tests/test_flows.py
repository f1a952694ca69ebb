"""Who came and who went is held by camera and heading; what comes round on the second is not taken for following."""

import numpy as np
import pytest

from pipeline.transitions.flows import Flows
from tests.builders import rows, sighting


def test_vehicles_are_held_by_camera_and_heading_and_parked_ones_are_not():
    seen = rows("sightings", sighting("1", "a", 0, 2), sighting("2", "a", 2, 5), sighting("3", "a", 9, motion="parked"))
    flows = Flows(seen)
    passing = flows.of["a", "N"]
    assert (passing.came.tolist(), passing.went.tolist(), passing.stay_s) == ([0, 2], [2, 5], 3.0)
    assert flows.ring_s >= 6


def test_no_sightings_are_no_flows():
    assert Flows(rows("sightings")).of == {}


def signalled(seconds: np.ndarray, cycle_s: float) -> np.ndarray:
    """Let vehicles pass in the first 30 % of each cycle only."""
    return seconds // cycle_s * cycle_s + 0.3 * (seconds % cycle_s) if cycle_s else seconds


@pytest.mark.parametrize("cycle_s", [0.0, 90.0], ids=["evenly", "with a signal"])
def test_who_follows_stands_out_of_what_comes_round(cycle_s: float):
    rng = np.random.default_rng(5)
    went, strange = (signalled(np.sort(rng.uniform(0, 7000, 1500)), cycle_s) for _ in range(2))
    came = np.where(rng.random(1500) < 0.5, went + rng.normal(40, 4, 1500), strange + 15)
    seen = [sighting(f"a{n}", "a", each) for n, each in enumerate(went)]
    seen += [sighting(f"b{n}", "b", each) for n, each in enumerate(np.maximum(came, 0))]
    ring = Flows(rows("sightings", *seen)).ring((("a", "N"),), (("b", "N"),))
    crowd = np.convolve(ring, np.ones(9), "same")
    assert abs(int(np.argmax(crowd[:600])) - 40) <= 6
