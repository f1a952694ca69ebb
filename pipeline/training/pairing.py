"""Find vehicles that two cameras saw, by time and likeness alone, to train the encoder on its own sure finds."""

from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from pipeline.encoders.resnet import ResNet, cut, stretch
from pipeline.training.vehicles import Vehicle

LONGEST_S, STEP_S = 400.0, 4.0
"""No pair is looked for further apart; width of a bin of travel times."""
ALIKE = 0.995
"""Share of all pairs that are not alike enough to tell a travel time."""
SIGNIFICANT, WITHIN = 6.0, 2.0
"""Standard deviations by which a travel time must stand out, and by which its neighbours still do."""
SMALLEST_PX = 24.0

Floats = NDArray[np.float64]


def pairs(vehicles: list[Vehicle], encoder: ResNet, best: float = 0.7) -> tuple[list[Vehicle], list[Vehicle]]:
    """Join tracks of two cameras into vehicles seen by both.

    Where alike pairs of two cameras and one carriageway are much more frequent at one travel time than at others, the
    mutually best pairs of about that travel time are taken to be one vehicle; `best` is the share of them that is kept,
    by likeness.

    Returns:
        Vehicles with the crops of both ends, and the tracks that are no end of one.
    """
    able = [each for each in vehicles if each.road and each.times and _longest(each) >= SMALLEST_PX]
    vectors, middles = means(able, encoder), np.array([float(np.mean(sorted(each.times))) for each in able])
    joined: list[Vehicle] = []
    ends: set[int] = set()
    for first, second in combinations(sorted({(each.road, each.camera) for each in able}), 2):
        if first[0] == second[0]:
            a, b = ([i for i, each in enumerate(able) if (each.road, each.camera) == end] for end in (first, second))
            alike = _centred(vectors[a] @ vectors[b].T)
            taken = _mutual(alike, middles[b][None] - middles[a][:, None], best)
            joined += [_joined(able[a[i]], able[b[j]]) for i, j in taken]
            ends |= {id(able[end]) for i, j in taken for end in (a[i], b[j])}
    return joined, [each for each in vehicles if id(each) not in ends]


def means(vehicles: list[Vehicle], encoder: ResNet, most: int = 3) -> Floats:
    """Return the mean unit vector of the largest crops of each vehicle, (n, d)."""
    crops, owners = [], []
    for i, vehicle in enumerate(vehicles):
        for crop in sorted(vehicle.crops, key=lambda crop: -float((crop.box_px[2:] - crop.box_px[:2]).max()))[:most]:
            crops.append(stretch(cut(crop.image, crop.box_px)))
            owners.append(i)
    total = np.zeros((len(vehicles), encoder.dimensions))
    np.add.at(total, owners, encoder.vectors(crops).astype(np.float64))
    return np.asarray(total / np.linalg.norm(total, axis=1, keepdims=True), np.float64)


def _mutual(alike: Floats, travel_s: Floats, best: float) -> list[tuple[int, int]]:
    """Return the surest mutually best pairs at the travel time that stands out; none where none does."""
    window = travel_window(alike, travel_s)
    if window is None:
        return []
    inside = (travel_s >= window[0]) & (travel_s <= window[1])
    gated = np.where(inside, alike, -np.inf)
    rows, columns = gated.argmax(axis=1), gated.argmax(axis=0)
    found = [(i, int(j)) for i, j in enumerate(rows) if columns[j] == i and np.isfinite(gated[i, j])]
    found.sort(key=lambda pair: -gated[pair])
    return found[: int(len(found) * best)]


def travel_window(alike: Floats, travel_s: Floats) -> tuple[float, float] | None:
    """Return the travel times, seconds, at which alike pairs are more frequent than chance; None where none stands out."""
    near = np.abs(travel_s) < LONGEST_S
    if near.sum() < 1000:
        return None
    hot = near & (alike > np.quantile(alike[near], ALIKE))
    edges = np.arange(-LONGEST_S, LONGEST_S + STEP_S, STEP_S)
    seen, expected = np.histogram(travel_s[hot], edges)[0], np.histogram(travel_s[near], edges)[0] * (1 - ALIKE)
    excess = np.convolve((seen - expected) / np.sqrt(expected + 1), np.ones(3) / np.sqrt(3), "same")
    peak = int(excess.argmax())
    if excess[peak] < SIGNIFICANT:
        return None
    low = high = peak
    while low > 0 and excess[low - 1] > WITHIN:
        low -= 1
    while high < len(excess) - 1 and excess[high + 1] > WITHIN:
        high += 1
    return float(edges[low]), float(edges[high + 1])


def _centred(alike: Floats) -> Floats:
    """Take off what a camera or a common colour adds to every pair."""
    alike = alike - alike.mean(axis=1, keepdims=True)
    return np.asarray(alike - alike.mean(axis=0, keepdims=True), np.float64)


def _joined(a: Vehicle, b: Vehicle) -> Vehicle:
    """One vehicle whose first crops are of one camera and the rest of the other."""
    return replace(a, crops=a.crops + b.crops, camera="", times=frozenset(), road="", split=len(a.crops))


def _longest(vehicle: Vehicle) -> float:
    return max(float((crop.box_px[2:] - crop.box_px[:2]).max()) for crop in vehicle.crops)
