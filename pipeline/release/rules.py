"""Say how many vehicles a published row needs, and how its counts are rounded."""

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class Rules(Protocol):
    """What the release of a night is held to: the settings of `products`."""

    @property
    def k(self) -> int:
        """Vehicles that must stand behind a published row."""

    @property
    def split_rate(self) -> float:
        """Sightings too many to a vehicle in one cell: one vehicle that was followed in two pieces counts twice."""

    @property
    def round_to(self) -> int:
        """Counts are published as multiples of this."""


def least(rules: Rules) -> int:
    """Return k with its margin: how many followed vehicles stand for k true ones.

    At least k + 1: who knows the rule knows of a row withheld that it has 0 to `least` - 1, and that must not be narrower
    than k.
    """
    return max(math.ceil(round(rules.k * (1 + rules.split_rate), 9)), rules.k + 1)


def half(rules: Rules) -> int:
    """Return how far a rounded count may be from the true one."""
    return rules.round_to // 2


def rounded(counts: Ints, rules: Rules) -> Ints:
    """Round counts as they are published: to the nearest multiple, never below k; what macro `rounded` does in SQL."""
    return np.maximum((counts + half(rules)) // rules.round_to * rules.round_to, rules.k)
