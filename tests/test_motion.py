"""A camera that turned is told by what it shows, and light alone turns none."""

import numpy as np
import pytest

from pipeline import motion

HOUR_US = 3_600_000_000
HOME = bytes(range(32))


def flipped(signs: int, seed: int = 0) -> bytes:
    """The view from home with so many of its 256 signs changed."""
    bits = np.unpackbits(np.frombuffer(HOME, np.uint8))
    bits[np.random.default_rng(seed).permutation(256)[:signs]] ^= 1
    return np.packbits(bits).tobytes()


def turned(*hours: list[bytes | None]) -> set[str]:
    """Cameras that turned, of one that shows these views in each hour."""
    views = [view for hour in hours for view in hour]
    entered = [number * HOUR_US + 1000 * n for number, hour in enumerate(hours) for n in range(len(hour))]
    return motion.turned(["a"] * len(views), np.array(entered), views)


@pytest.mark.parametrize(("signs", "found"), [(0, set()), (60, set()), (110, {"a"})])
def test_a_view_that_differs_much_after_the_hour_is_another(signs: int, found: set[str]):
    assert turned([HOME] * 9, [flipped(signs)] * 9) == found


def test_vehicles_before_the_lens_turn_no_camera():
    passing = [flipped(70, seed) for seed in range(9)]
    assert turned(passing, [HOME] * 9) == set()


def test_light_that_changes_through_an_hour_turns_no_camera():
    assert turned([HOME] * 9, [HOME] * 5 + [flipped(60)] * 9 + [flipped(110)] * 9, [flipped(110)] * 9) == set()


def test_a_camera_that_turned_and_came_back_turned():
    assert turned([HOME] * 9, [flipped(120)] * 9, [HOME] * 9) == {"a"}


def test_what_was_not_seen_or_hardly_seen_tells_nothing():
    assert turned([HOME] * 9, [None] * 9) == set()
    assert turned([HOME] * 9, [flipped(120)] * 2, [HOME] * 9) == set()
    assert motion.are_other_views([None, HOME, HOME], [HOME, None, flipped(128)]).tolist() == [False, False, True]
