"""Judge pairs of sightings by what the truth knows of their vehicles."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.scores.matching import Ints
from pipeline.scores.sighted import Sighted

RIGHT, WRONG, UNKNOWN = 1, 0, -1
"""Verdicts on a pair of sightings."""

NO_VEHICLE, NOT_LABELLED = -1, -2
"""A sighting where a full truth has nothing; a sighting of which the truth cannot tell."""


@dataclass(frozen=True)
class Known:
    """What the truth says of each sighting."""

    camera: Ints
    """(n,) number of each sighting's camera."""
    vehicle: Ints
    """(n,) number of its vehicle, NO_VEHICLE or NOT_LABELLED."""
    places: frozenset[tuple[int, int]]
    """(vehicle, camera) where the truth knows the vehicle."""
    passes: tuple[frozenset[int], ...]
    """Sightings that show each true pass."""
    pass_vehicle: Ints
    """Vehicle of each true pass."""
    pass_pairs: tuple[tuple[int, int], ...]
    """Pairs of true passes of one vehicle at different cameras."""
    full: bool
    """Every vehicle is known everywhere."""

    def verdict(self, one: Ints, other: Ints) -> Ints:
        """Return RIGHT, WRONG or UNKNOWN for pairs of sightings at different cameras."""
        a, b = self.vehicle[one], self.vehicle[other]
        if self.full:
            told = (a != NOT_LABELLED) & (b != NOT_LABELLED)
        else:
            told = self._knows(a, self.camera[other]) | self._knows(b, self.camera[one])
        return np.where((a == b) & (a >= 0), RIGHT, np.where(told, WRONG, UNKNOWN))

    def _knows(self, vehicle: Ints, camera: Ints) -> NDArray[np.bool_]:
        """Tell whether the truth knows each vehicle at each camera."""
        return np.array([key in self.places for key in zip(vehicle.tolist(), camera.tolist(), strict=True)], bool)

    def recall(self, identity: Ints) -> float:
        """Return the share of the truth's pairs of passes of which two sightings have one identity."""
        named = [set(identity[sorted(sightings)].tolist()) for sightings in self.passes]
        hits = [bool(named[one] & named[other]) for one, other in self.pass_pairs]
        return float(np.mean(hits)) if hits else float("nan")

    def expansion(self, identity: Ints) -> float:
        """Return how many identities a vehicle that was found has, mean."""
        named: dict[int, set[int]] = {}
        for vehicle, sightings in zip(self.pass_vehicle.tolist(), self.passes, strict=True):
            named.setdefault(vehicle, set()).update(identity[sorted(sightings)].tolist())
        counts = [len(names) for names in named.values() if names]
        return float(np.mean(counts)) if counts else float("nan")

    def found(self) -> float:
        """Return the share of true passes that a sighting shows."""
        return float(np.mean([bool(sightings) for sightings in self.passes]))


def known(every: Sighted, counted: Sighted, *, full: bool) -> Known:
    """Tell whom each sighting shows, by majority of its boxes.

    Args:
        every: Matched with all true boxes: whom a sighting shows.
        counted: Matched with the true boxes that can be asked for: the passes.
        full: The truth knows every vehicle.
    """
    names = {name: number for number, name in enumerate(sorted(set(every.true["vehicle_id"].to_pylist())))}
    cameras = sorted(set(every.sightings["camera_id"].to_pylist()) | set(every.true["camera_id"].to_pylist()))
    numbered = {name: number for number, name in enumerate(cameras)}
    true_vehicle, true_camera = _numbers(every.true, "vehicle_id", names), _numbers(every.true, "camera_id", numbered)
    pass_vehicle, pass_camera, passes = _passes(counted, names, numbered)
    return Known(
        camera=_numbers(every.sightings, "camera_id", numbered),
        vehicle=_majority(every, true_vehicle, full=full),
        places=frozenset(zip(true_vehicle.tolist(), true_camera.tolist(), strict=True)),
        passes=passes,
        pass_vehicle=pass_vehicle,
        pass_pairs=tuple(_pass_pairs(pass_vehicle, pass_camera)),
        full=full,
    )


def _numbers(rows: pa.Table, column: str, numbers: dict[str, int]) -> Ints:
    """Return the number of each row's name."""
    return np.array([numbers[name] for name in rows[column].to_pylist()], np.int64)


def _majority(seen: Sighted, true_vehicle: Ints, *, full: bool) -> Ints:
    """Return each sighting's vehicle: that of most of its boxes, the first by name of equals."""
    vehicle = np.full(seen.sightings.num_rows, NOT_LABELLED)
    if full:
        vehicle[seen.sighting] = NO_VEHICLE
    _, sighting = seen.sighting_of()
    shown = sighting >= 0
    pairs, n = np.unique(np.column_stack([sighting[shown], true_vehicle[shown]]), axis=0, return_counts=True)
    order = np.lexsort((-pairs[:, 1], n))  # the last written wins: most boxes, then the first name
    vehicle[pairs[order, 0]] = pairs[order, 1]
    return vehicle


def _passes(
    seen: Sighted, names: dict[str, int], cameras: dict[str, int]
) -> tuple[Ints, Ints, tuple[frozenset[int], ...]]:
    """Return vehicle, camera and sightings of every true pass."""
    _, first = np.unique(seen.passing, return_index=True)
    shown: list[set[int]] = [set() for _ in first]
    for number, sighting in zip(seen.passing.tolist(), seen.sighting_of()[1].tolist(), strict=True):
        if sighting >= 0:
            shown[number].add(sighting)
    rows = seen.true.take(pa.array(first))
    return (
        _numbers(rows, "vehicle_id", names),
        _numbers(rows, "camera_id", cameras),
        tuple(frozenset(each) for each in shown),
    )


def _pass_pairs(vehicle: Ints, camera: Ints) -> list[tuple[int, int]]:
    """Return the pairs of passes of one vehicle at different cameras."""
    by_vehicle: dict[int, list[int]] = {}
    for number, name in enumerate(vehicle.tolist()):
        by_vehicle.setdefault(name, []).append(number)
    return [(a, b) for group in by_vehicle.values() for a, b in combinations(group, 2) if camera[a] != camera[b]]
