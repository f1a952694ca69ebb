"""Tell which way vehicles drive from a camera's own flow: no zone is drawn by hand."""

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import KDTree

from pipeline.geo import compass
from pipeline.motion import Floats, Ints
from pipeline.sightings.seen import Seen

SIDES = ("away", "right", "toward", "left")


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
    quarter = int(np.round(way / (np.pi / 2))) % 4
    if bearing_deg is None or np.isnan(bearing_deg):
        return SIDES[quarter]
    return compass(bearing_deg + 90 * quarter)
