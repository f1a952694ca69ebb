"""Calibrate a camera by points of the ground that its picture and a map both show: pixels -> metres on the ground."""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import SettingsError
from pipeline.geo import EARTH_RADIUS_M
from pipeline.motion import Floats

MOST_POINTS = 16
PX, MAP_M = 1.0, 0.5
"""Usual error of a point marked in the picture, pixels, and on the map, metres."""
FLAT = 0.01
"""Three points whose triangle is flatter, against the square of its longest side, lie on a line."""
SPAN_M, SCALE_M = (4.0, 2000.0), (0.002, 10.0)
"""What points may lie apart, metres, and metres of ground that a pixel may show."""
MISFIT_M = 3.0
"""More points than four that disagree by more, root mean square, are not of one plane or not where they are said to be."""


@dataclass(frozen=True)
class Calibration:
    """How the ground lies under one camera's picture."""

    points_px: Floats
    """(n, 2) points as they were marked."""
    lon: float
    lat: float
    """Middle of the points on the map, degrees WGS 84: metres are counted from it, east and north."""
    maps: Floats
    """(1 + 4n, 3, 3) homographies: that of the points, then those with one coordinate of one point off by its usual error."""

    def metres(self, px: Floats) -> Floats:
        """Return where pixels (m, 2) lie on the ground under each of the maps, (1 + 4n, m, 2); nan above the horizon."""
        flat = np.einsum("kij,mj->kmi", self.maps, np.column_stack([px, np.ones(len(px))]))
        return np.asarray(
            np.where(flat[..., 2:] > 0, flat[..., :2] / np.where(flat[..., 2:] == 0, 1, flat[..., 2:]), np.nan)
        )


def read(name: str, points: Any) -> Calibration:
    """Read the points of camera `name`, four or more [x_px, y_px, lon, lat].

    Raises:
        SettingsError: they are no points, or no camera above a road can have seen them so.
    """
    try:
        told = np.array(points, dtype=np.float64)
    except (TypeError, ValueError):
        told = np.empty(0)
    if told.ndim != 2 or told.shape[1] != 4 or not 4 <= len(told) <= MOST_POINTS or not np.isfinite(told).all():
        raise _wrong(name, f"is no list of 4 to {MOST_POINTS} points", "write each as [x_px, y_px, lon, lat]")
    if (np.abs(told[:, 2]) > 180).any() or (np.abs(told[:, 3]) > 90).any():
        raise _wrong(name, "has a point that is on no map", "write degrees WGS 84, longitude before latitude")
    lon, lat = told[:, 2].mean(), told[:, 3].mean()
    turn = np.pi / 180 * EARTH_RADIUS_M
    ground = np.column_stack([(told[:, 2] - lon) * turn * np.cos(np.radians(lat)), (told[:, 3] - lat) * turn])
    _check_places(name, told[:, :2], ground)
    maps = _maps(told[:, :2], ground)
    _check_view(name, told[:, :2], ground, maps)
    return Calibration(told[:, :2], float(lon), float(lat), maps)


def _wrong(name: str, what: str, mend: str) -> SettingsError:
    """Say what is wrong with a camera's points, and how to mend it."""
    return SettingsError(f"settings calibration of camera {name!r}: it {what}; {mend}")


def _check_places(name: str, px: Floats, ground: Floats) -> None:
    """Hold points against each other: far enough apart, not on a line, in the same order in picture and map."""
    span = float(np.hypot(*(ground[:, None] - ground[None]).reshape(-1, 2).T).max())
    if not SPAN_M[0] <= span <= SPAN_M[1]:
        raise _wrong(
            name, f"has points {span:.0f} m apart", f"mark points of one view, {SPAN_M[0]:g} to {SPAN_M[1]:g} m"
        )
    triples = np.array(list(combinations(range(len(px)), 3)))
    shown, mapped = _flatness(px[triples]), _flatness(ground[triples])
    clear = (np.abs(shown) > FLAT) & (np.abs(mapped) > FLAT)
    of = {tuple(triple): bool(each) for triple, each in zip(triples.tolist(), clear, strict=True)}
    if not any(all(of[three] for three in combinations(four, 3)) for four in combinations(range(len(px)), 4)):
        raise _wrong(name, "has three of its points on a line", "choose four corners of a piece of road")
    # rows of a picture count downwards: what turns left on the map turns right in its numbers
    kept = shown[clear] * mapped[clear] < 0
    if not kept.any():
        raise _wrong(name, "sees left and right swapped", "give each point the place that it shows")
    if not kept.all():
        raise _wrong(
            name,
            "has points in another order on the map, or above the horizon",
            "give each point the place that it shows",
        )


def _flatness(triangles: Floats) -> Floats:
    """Return twice the signed area of triangles (t, 3, 2) against the square of their longest side."""
    one, other = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    longest = np.maximum.reduce([(each**2).sum(1) for each in (one, other, other - one)])
    return np.asarray((one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]) / np.maximum(longest, 1e-9))


def _maps(px: Floats, ground: Floats) -> Floats:
    """Fit the homography of points by least squares, and those with one coordinate of one point off; w > 0 at the points."""
    steps = np.eye(2 * len(px)).reshape(-1, len(px), 2)
    pairs = [
        (px, ground),
        *((px + PX * step, ground) for step in steps),
        *((px, ground + MAP_M * step) for step in steps),
    ]
    maps = np.array([_homography(one, other) for one, other in pairs])
    depth = maps[:, 2, :2] @ px.mean(axis=0) + maps[:, 2, 2]
    return np.asarray(maps / depth[:, None, None])


def _homography(px: Floats, ground: Floats) -> NDArray[np.float64]:
    """Return the least-squares homography from pixels to metres (Hartley and Zisserman 2004, algorithm 4.2)."""
    import cv2  # a fifth of a second that no uncalibrated camera pays

    found = cv2.findHomography(px.reshape(-1, 1, 2), ground.reshape(-1, 1, 2), 0)[0]
    return np.full((3, 3), np.nan) if found is None else np.asarray(found, np.float64)


def _check_view(name: str, px: Floats, ground: Floats, maps: Floats) -> None:
    """Hold a fitted view against what a camera above a road can see."""
    depth = np.column_stack([px, np.ones(len(px))]) @ maps[0, 2]
    if not np.isfinite(maps).all() or not (depth > 0).all():
        raise _wrong(name, "has a point above the horizon of the others", "mark points of the ground")
    seen = Calibration(px, 0.0, 0.0, maps[:1])
    misfit = float(np.sqrt(((seen.metres(px)[0] - ground) ** 2).sum(1).mean()))
    if misfit > MISFIT_M:
        raise _wrong(name, f"has points that disagree by {misfit:.1f} m", "mark points of one level piece of road")
    below = px[:, 1].max() - px[:, 1].min()
    if (depth + maps[0, 2, 1] * 3 * below <= 0).any():
        raise _wrong(name, "is upside down: far is below near", "count rows from the top of the picture")
    scale = np.hypot(*(seen.metres(px + 0.5)[0] - seen.metres(px - 0.5)[0]).T) / np.sqrt(2)
    if not ((scale >= SCALE_M[0]) & (scale <= SCALE_M[1])).all():
        raise _wrong(
            name,
            f"shows {scale.min():.3g} to {scale.max():.3g} m of ground in a pixel",
            "mark points nearer to the camera",
        )
