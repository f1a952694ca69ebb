"""Measure how fast vehicles drive past a calibrated camera: the places of their boxes on the ground, against time."""

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import SettingsError
from pipeline.geo import haversine_m
from pipeline.motion import Floats, Ints
from pipeline.sightings import calibration
from pipeline.sightings.calibration import Calibration
from pipeline.sightings.seen import Followed, Seen
from pipeline.sightings.settings import Settings

FARTHEST_M = 1000.0
"""Points of a camera's view lie no farther from it."""
BLUR_M = 6.0
"""Where an error of a box's edge is more than this on the ground, its place tells nothing."""
log = logging.getLogger("thoroughfare")


def measure(followed: Followed, camera: dict[str, Any], settings: Settings) -> dict[int, dict[str, float]]:
    """Return `speed_mps` and `speed_error_mps` of the sightings of a calibrated camera, by number of their path.

    The mean velocity over the ground from the first box that the picture's edge does not cut to the last: a line through
    places against times, each place weighted by what an error of the box's lower edge is on the ground there. Its error is
    that of the line (by the boxes' usual error or their scatter, whichever is more) together with what one coordinate of
    one calibration point being off by its usual error would change, all added as squares.

    Raises:
        SettingsError: the camera's calibration points cannot be right.
    """
    points = settings.calibration.get(camera.get("native_id", ""))
    if points is None:
        return {}
    known = _placed(camera, calibration.read(camera["native_id"], points))
    seen = followed.seen
    wide, high = known.points_px.max(axis=0)
    if wide > 1.1 * seen.ground.width_px or high > 1.1 * seen.ground.height_px:
        log.warning(
            "%s: calibrated in a larger picture than %g x %g; its speeds are left out",
            camera["camera_id"], seen.ground.width_px, seen.ground.height_px,
        )  # fmt: skip
        return {}
    places, blur = _places(seen, known, settings.edge_px)
    told = np.isfinite(places).all(axis=(0, 2)) & (blur < BLUR_M) & ~seen.ground.cut(seen.boxes)
    found = {number: _speed(seen, path[told[path]], places, blur) for number, path in enumerate(followed.paths)}
    return {number: speed for number, speed in found.items() if speed}


def _placed(camera: dict[str, Any], known: Calibration) -> Calibration:
    """Refuse points that do not lie by their camera."""
    away_m = float(haversine_m(camera["lon"], camera["lat"], known.lon, known.lat))
    if away_m > FARTHEST_M:
        raise SettingsError(
            f"settings calibration of camera {camera['native_id']!r}: its points lie {away_m / 1000:.1f} km from it; "
            "write longitude before latitude, and points of its own view"
        )
    return known


def _places(seen: Seen, known: Calibration, edge_px: float) -> tuple[Floats, Floats]:
    """Return where boxes stand under every map of a calibration, (k, n, 2) metres, and the error by their lower edge, (n,)."""
    foot = np.column_stack([(seen.boxes[:, 0] + seen.boxes[:, 2]) / 2, seen.boxes[:, 3]])
    places = known.metres(foot)
    lower = known.metres(foot + np.array([0.0, edge_px]))[0] - places[0]
    return places, np.asarray(np.hypot(*lower.T))


def _speed(seen: Seen, path: Ints, places: Floats, blur: Floats) -> dict[str, float]:
    """Return the mean speed of one vehicle and its error; nothing where it was placed fewer than two times."""
    seconds = seen.seconds[seen.frame[path]]
    if len(path) < 2:
        return {}
    weight = 1 / np.maximum(blur[path], 0.05) ** 2
    off_s = seconds - (weight @ seconds) / weight.sum()
    spread = float(weight @ off_s**2)
    velocity = ((weight * off_s) @ places[:, path]) / spread
    speed = np.hypot(*velocity.T)
    middle = weight @ places[0, path] / weight.sum()
    strain = _strain(places[0, path] - middle - off_s[:, None] * velocity[0], weight)
    error = np.hypot(np.sqrt(1 / spread) * strain, np.sqrt(((speed[1:] - speed[0]) ** 2).sum()))
    return {"speed_mps": round(float(speed[0]), 2), "speed_error_mps": round(float(error), 2)}


def _strain(left: Floats, weight: NDArray[np.float64]) -> float:
    """Return by how much places scatter about their line beyond their usual error, at least 1."""
    free = 2 * len(left) - 4
    return max(1.0, float(np.sqrt((weight @ left**2).sum() / free))) if free > 0 else 1.0
