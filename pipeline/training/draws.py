"""Draw vehicles for a batch, and tell what is known of every two of them."""

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.training.vehicles import Crop, Vehicle

SAME, OTHER, UNKNOWN = 1.0, 0.0, -1.0
"""What is known of two crops."""


@dataclass(frozen=True)
class Source:
    """Vehicles of one kind and how many of them a batch holds."""

    vehicles: list[Vehicle]
    share: int

    def draw(self, neighbours: int, rng: np.random.Generator) -> list[Vehicle]:
        """Draw `share` different vehicles, in groups of at most `neighbours` that share a picture."""
        drawn: dict[int, None] = {}
        while len(drawn) < self.share:
            first = int(rng.choice(len(self.vehicles), p=self._odds))
            beside = [other for moment in self._moments(first) for other in self._seen[moment]]
            group = [first, *rng.permutation(beside)[: neighbours - 1].tolist()]
            drawn.update(dict.fromkeys(group))
        return [self.vehicles[i] for i in list(drawn)[: self.share]]

    @cached_property
    def _odds(self) -> NDArray[np.float64]:
        """Tracks are drawn more often than vehicles seen once, colourful ones more often than grey ones."""
        weight = np.array([min(len(each.crops), 4) ** 1.5 * (0.5 + 5 * colour(each)) for each in self.vehicles], float)
        return np.asarray(weight / weight.sum(), np.float64)

    @cached_property
    def _seen(self) -> dict[tuple[str, float], list[int]]:
        seen = defaultdict(list)
        for i, vehicle in enumerate(self.vehicles):
            for moment in vehicle.times:
                seen[vehicle.camera, moment].append(i)
        return seen

    def _moments(self, i: int) -> list[tuple[str, float]]:
        return [(self.vehicles[i].camera, moment) for moment in sorted(self.vehicles[i].times)]


def twins(drawn: list[Vehicle], count: int, rng: np.random.Generator) -> tuple[list[Vehicle], NDArray[np.float64]]:
    """Add the most colourful of a draw once more, painted otherwise, and turn the hues of half of all.

    A vehicle and its twin differ in nothing but colour, so that colour has to be looked at.

    Returns:
        (n + count) vehicles and by how many degrees the hue of each is to be turned.
    """
    turns = np.where(rng.random(len(drawn)) < 0.5, rng.uniform(0, 360, len(drawn)), 0.0)
    best = np.argsort([-colour(each) for each in drawn], kind="stable")[:count]
    painted = turns[best] + rng.uniform(40, 320, count)
    return drawn + [drawn[i] for i in best], np.concatenate([turns, painted]) % 360


def colour(vehicle: Vehicle) -> float:
    """How colourful the middle of its first crop is, 0..1."""
    image = vehicle.crops[0].image
    height, width = image.shape[:2]
    middle = image[height // 4 : -(height // 4) or None, width // 4 : -(width // 4) or None].astype(np.float32)
    return float(np.mean(middle.max(axis=2) - middle.min(axis=2))) / 255.0


def two(vehicle: Vehicle, rng: np.random.Generator) -> list[Crop]:
    """Choose two crops of a vehicle: of two cameras, else different ones, else the same one twice."""
    if len(vehicle.crops) == 1:
        return [vehicle.crops[0]] * 2
    if vehicle.split:
        return [
            vehicle.crops[rng.integers(vehicle.split)],
            vehicle.crops[rng.integers(vehicle.split, len(vehicle.crops))],
        ]
    return [vehicle.crops[i] for i in rng.choice(len(vehicle.crops), 2, replace=False)]


def relations(drawn: list[Vehicle], unsure_s: float) -> NDArray[np.float32]:
    """Tell for every two vehicles whether they are the SAME, surely OTHER, or UNKNOWN; (n, n)."""
    known = np.full((len(drawn), len(drawn)), OTHER, np.float32)
    for i, a in enumerate(drawn):
        for j, b in enumerate(drawn[:i]):
            if a.camera and a.camera == b.camera and not a.times & b.times:
                near = max(min(a.times) - max(b.times), min(b.times) - max(a.times)) < unsure_s
                known[i, j] = known[j, i] = UNKNOWN if near else OTHER
    np.fill_diagonal(known, SAME)
    return known
