"""Measure how fast vehicles drive past a calibrated camera: the places of their boxes on the ground, against time."""

import logging
from itertools import pairwise
from typing import Any

import numpy as np

from pipeline.errors import SettingsError
from pipeline.geo import haversine_m
from pipeline.motion import Floats, Ints
from pipeline.sightings import calibration
from pipeline.sightings.calibration import Calibration
from pipeline.sightings.seen import Followed, Seen
from pipeline.sightings.settings import Settings

FARTHEST_M = 1000.0
"""Points of a camera's view lie no farther from it."""
LASTING_S = 2.0
"""Errors of a vehicle's boxes that lie closer together in time are one error: what hides it in one frame does in the next."""
PIECE_S = 4.0
"""A vehicle drives evenly for so long; longer stays are measured in pieces."""
MOST_ERROR_MPS, MOST_ERROR = 1.5, 0.25
"""A speed of which the error is more than both, metres a second and share, is not told."""
BLUR_M = 6.0
"""Where an error of a box's edge is more than this on the ground, its place tells nothing."""
log = logging.getLogger("thoroughfare")


def measure(followed: Followed, camera: dict[str, Any], settings: Settings) -> dict[int, dict[str, float]]:
    """Return `speed_mps` and `speed_error_mps` of the sightings of a calibrated camera, by number of their path.

    The mean over the ground from the first box that the picture's edge does not cut to the last: in pieces of some seconds
    a line through places against times, each place weighted by what an error of the box's lower edge is on the ground there.
    Its error is that of the lines (by the boxes' usual error or their scatter, whichever is more; frames close in time share theirs) together with what one coordinate of
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
    """Return the mean speed of one vehicle and its error; nothing where it cannot be told."""
    seconds = seen.seconds[seen.frame[path]]
    if len(path) < 2:
        return {}
    count = max(1, min(int((seconds[-1] - seconds[0]) // PIECE_S), (len(path) - 1) // 2))
    ends = np.linspace(0, len(path) - 1, count + 1).round().astype(int)
    told = [slice(first, last + 1) for first, last in pairwise(ends.tolist())]
    pieces = [_piece(seconds[one], places[:, path[one]], blur[path[one]]) for one in told]
    share = np.diff(seconds[ends]) / (seconds[-1] - seconds[0])
    speed = share @ np.array([each for each, _ in pieces])
    boxes = np.sqrt(share**2 @ np.array([error for _, error in pieces]) ** 2)
    error = float(np.hypot(boxes, np.sqrt(((speed[1:] - speed[0]) ** 2).sum())))
    if error > max(MOST_ERROR_MPS, MOST_ERROR * speed[0]):
        return {}
    return {"speed_mps": round(float(speed[0]), 2), "speed_error_mps": round(error, 2)}


def _piece(seconds: Floats, places: Floats, blur: Floats) -> tuple[Floats, float]:
    """Return the speed under every map over a few seconds, in which a vehicle drives evenly, and the error by its boxes."""
    weight = _weights(seconds, places[0], blur)
    off_s = seconds - (weight @ seconds) / weight.sum()
    spread = float(weight @ off_s**2)
    alike = max(1.0, LASTING_S * (len(seconds) - 1) / (seconds[-1] - seconds[0]))
    strain = _strain(_off(seconds, places[0], weight), weight) * np.sqrt(min(alike, len(seconds)))
    return np.hypot(*(((weight * off_s) @ places) / spread).T), float(strain / np.sqrt(spread))


def _weights(seconds: Floats, place: Floats, blur: Floats) -> Floats:
    """Weight places by their errors, and less where they lie far off the line (Huber 1964, Robust estimation of a location)."""
    usual = 1 / np.maximum(blur, 0.05) ** 2
    weight = usual
    for _ in range(3):
        off = np.hypot(*_off(seconds, place, weight).T) * np.sqrt(usual)
        weight = usual / np.maximum(1.0, off / 1.5)
    return np.asarray(weight)


def _off(seconds: Floats, place: Floats, weight: Floats) -> Floats:
    """Return how far places (n, 2) lie off the weighted line through them."""
    off_s = seconds - (weight @ seconds) / weight.sum()
    off = place - weight @ place / weight.sum()
    return np.asarray(off - off_s[:, None] * ((weight * off_s) @ place / (weight @ off_s**2)))


def _strain(left: Floats, weight: Floats) -> float:
    """Return by how much places scatter about their line beyond their usual error, at least 1."""
    free = 2 * len(left) - 4
    return max(1.0, float(np.sqrt((weight @ left**2).sum() / free))) if free > 0 else 1.0
