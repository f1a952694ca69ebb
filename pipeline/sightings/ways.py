"""Tell which way vehicles drive from a camera's own flow: no zone is drawn by hand."""

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import KDTree

from pipeline.geo import compass
from pipeline.motion import Floats, Ints
from pipeline.sightings.seen import Seen

SIDES = ("away", "right", "toward", "left")
STRIP_M, STRAY = 3.0, 0.02
"""Rough metres of ground between two carriageways, and the most of their vehicles that may seem to drive on it."""
LEAST = 8, 0.04
"""Vehicles, and share of those of its heading, that a carriageway needs."""


def ways(seen: Seen, paths: list[Ints]) -> tuple[Floats, Floats]:
    """Return each path's direction, radians right of straight ahead or nan, and how sure that is, 0..1."""
    place = seen.ground.metres(seen.boxes)
    moved = np.array([place[path[-1]] - place[path[0]] for path in paths])
    blur = seen.ground.blur_m(seen.boxes, 3.0)
    clear = np.array([np.hypot(*(blur[path[0]] + blur[path[-1]])) for path in paths])
    sure = (np.hypot(*moved.T) > clear + 2.0) & np.array([len(path) > 1 for path in paths])
    found, shares = np.full(len(paths), np.nan), np.ones(len(paths))
    if not sure.any():
        return found, shares
    found[sure] = _peaks(np.arctan2(moved[sure, 0], moved[sure, 1]))
    return _borrowed(seen, paths, found, shares)


def carriageways(seen: Seen, paths: list[Ints], found: Floats) -> Ints:
    """Number the carriageway of each path, from 1 on the left as it drives, among those of its heading; 0 without a heading.

    Two carriageways of one heading, or a ramp beside a road, are parted by a strip on which hardly anybody drives; lanes are
    not.
    """
    place = seen.ground.metres(seen.boxes)
    number = np.zeros(len(paths), np.int64)
    quarter = np.array([_quarter(way) for way in found])
    for each in np.unique(quarter[quarter >= 0]):
        mine = np.flatnonzero(quarter == each)
        way = np.angle(np.exp(1j * found[mine]).sum())
        right = place @ np.array([np.cos(way), -np.sin(way)])
        aside = np.array([right[paths[path]].mean() for path in mine])
        followed = np.array([len(paths[path]) > 1 for path in mine])
        number[mine] = 1 + np.searchsorted(_strips(np.sort(aside[followed])), aside)
    return number


def _strips(aside: Floats) -> Floats:
    """Return the middles of the strips on which hardly anybody drives, of vehicles that drive so far to the right, sorted."""
    least = max(LEAST[0], LEAST[1] * len(aside))
    cuts: list[float] = []
    before = 0
    for middle in np.arange(aside[0], aside[-1], 0.25) if len(aside) else ():
        low, high = np.searchsorted(aside, [middle - STRIP_M / 2, middle + STRIP_M / 2])
        aboard = int((low + high) // 2)
        if min(aboard - before, len(aside) - aboard) < least:
            continue
        if high - low <= STRAY * min(aboard - before, len(aside) - aboard):
            cuts.append(float(middle))
            before = aboard
    return np.array(cuts)


def _peaks(angles: Floats) -> Floats:
    """Move each angle to the nearest peak of their distribution: the way of its flow."""
    turn, bins = 2 * np.pi, 72
    place = np.round(angles / turn * bins).astype(int) % bins
    height = gaussian_filter1d(np.bincount(place, minlength=bins).astype(float), 2.0, mode="wrap")
    for _ in range(bins):
        nearby = np.stack([height[place - 1], height[place] + 1e-12, height[(place + 1) % bins]])
        place = (place + np.argmax(nearby, axis=0) - 1) % bins
    return np.asarray(place * turn / bins)


def _borrowed(seen: Seen, paths: list[Ints], found: Floats, shares: Floats) -> tuple[Floats, Floats]:
    """Give paths without a way of their own that of the vehicles that pass their place, if most have one and it is one."""
    way_of = np.full(len(seen.ids), np.nan)
    for path, way in zip(paths, found, strict=True):
        way_of[path] = way
    foot = np.column_stack([(seen.boxes[:, 0] + seen.boxes[:, 2]) / 2, seen.boxes[:, 3]])
    reach = seen.ground.size_px(seen.boxes[:, 3])
    tree = KDTree(foot)
    for number in np.flatnonzero(np.isnan(found)):
        middle = paths[number][len(paths[number]) // 2]
        near = way_of[tree.query_ball_point(foot[middle], reach[middle])]
        values, counts = np.unique(near[~np.isnan(near)], return_counts=True)
        if counts.sum() >= max(5, 0.4 * len(near)) and counts.max() >= 0.9 * counts.sum():
            found[number], shares[number] = values[counts.argmax()], 0.9
    return found, shares


def heading(way: float, bearing_deg: float | None) -> str:
    """Name a direction: a compass point where the camera's bearing is known."""
    if np.isnan(way):
        return "none"
    quarter = _quarter(way)
    if bearing_deg is None or np.isnan(bearing_deg):
        return SIDES[quarter]
    return compass(bearing_deg + 90 * quarter)


def _quarter(way: float) -> int:
    """Return which of SIDES a direction is; -1 where it is none."""
    return -1 if np.isnan(way) else int(np.round(way / (np.pi / 2))) % 4
