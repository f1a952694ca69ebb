"""Lay out the demo city: its roads, its cameras, and how each camera projects the world.

The world is flat: metres east (x), north (y) and up (z) of an origin in EPSG:32618, where Long Island Sound is and no road.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

EASTING_M, NORTHING_M, CRS = 660_000.0, 4_544_000.0, "EPSG:32618"
"""Where the origin of the world lies."""
WIDTH_PX, HEIGHT_PX = 352, 240
LANE_M = 3.5
NEAR_M = 1.0
"""Nothing closer to the lens than this is drawn."""


@dataclass(frozen=True, eq=False)
class Line:
    """A centre line that can be asked for the point at a distance along it and a distance to its right."""

    points: Array
    """(n, 2) metres, about 4 m apart."""

    @cached_property
    def along(self) -> Array:
        """Metres from the start to each point, (n,)."""
        return np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(self.points, axis=0).T))])

    @property
    def length_m(self) -> float:
        """Metres from end to end."""
        return float(self.along[-1])

    def at(self, along_m: Any, right_m: Any = 0.0) -> Array:
        """Return the points (n, 2) at distances along the line and to its right; straight on beyond its ends."""
        along_m, right_m = np.broadcast_arrays(np.asarray(along_m, float), np.asarray(right_m, float))
        known = self.along
        inside = np.clip(along_m, 0, known[-1])
        point = np.stack([np.interp(inside, known, self.points[:, i]) for i in (0, 1)], -1)
        before, after = np.clip(inside - 2, 0, known[-1]), np.clip(inside + 2, 0, known[-1])
        ahead = np.stack([np.interp(after, known, p) - np.interp(before, known, p) for p in self.points.T], -1)
        ahead /= np.linalg.norm(ahead, axis=-1, keepdims=True)
        right = np.stack([ahead[..., 1], -ahead[..., 0]], -1)
        result: Array = point + ahead * (along_m - inside)[..., None] + right * right_m[..., None]
        return result

    def part(self, from_m: float, to_m: float, right_m: float = 0.0) -> Array:
        """Return the points of a stretch moved to the right; backwards when `to_m` < `from_m`."""
        count = max(2, round(abs(to_m - from_m) / 8) + 1)
        return self.at(np.linspace(from_m, to_m, count), right_m)

    def right_of(self, points: Array) -> Array:
        """Return how far points (n, 2) lie to the right of the line, metres; negative to its left."""
        offset = points[:, None] - self.points[None]
        nearest = np.argmin((offset**2).sum(-1), axis=1)
        before, after = np.maximum(nearest - 1, 0), np.minimum(nearest + 1, len(self.points) - 1)
        ahead = self.points[after] - self.points[before]
        away = points - self.points[nearest]
        side: Array = (away[:, 0] * ahead[:, 1] - away[:, 1] * ahead[:, 0]) / np.hypot(ahead[:, 0], ahead[:, 1])
        return side


def smooth(*corners: tuple[float, float] | Array) -> Line:
    """Round a line of corners (Chaikin 1974, corner cutting) and space its points evenly."""
    points = np.array(corners, float)
    for _ in range(4):
        cut = np.stack([0.75 * points[:-1] + 0.25 * points[1:], 0.25 * points[:-1] + 0.75 * points[1:]], 1)
        points = np.concatenate([points[:1], cut.reshape(-1, 2), points[-1:]])
    rough = Line(points)
    return Line(rough.at(np.linspace(0, rough.length_m, max(2, round(rough.length_m / 4) + 1))))


@dataclass(frozen=True)
class Road:
    """A road as it is drawn."""

    name: str
    line: Line
    forward_lanes: int
    """Lanes to the right of the line, in its direction."""
    backward_lanes: int
    """Lanes to the left of the line, against its direction."""
    median_m: float
    """Width of what parts the two directions; 0 where a painted line does."""

    @property
    def right_m(self) -> float:
        """Edge of the lanes to the right of the line."""
        return self.median_m / 2 + LANE_M * self.forward_lanes

    @property
    def left_m(self) -> float:
        """Edge of the lanes to the left of the line."""
        return self.median_m / 2 + LANE_M * self.backward_lanes


PARKWAY = Road(
    "Harbor Parkway",
    smooth((0, 0), (850, 30), (1150, 40), (1500, 190), (1680, 520), (1740, 900), (1790, 1250), (1900, 1800)),
    forward_lanes=2,
    backward_lanes=2,
    median_m=2.0,
)
CROSS_M = 850.0
"""Where Mill Street crosses the parkway, metres along it."""
SLIP_M = (1870.0, 2000.0, 2350.0, 2500.0)
"""Along the parkway: the slip lane to the off-ramp begins, leaves; the one from the on-ramp joins, ends."""
SLIP_RIGHT_M = PARKWAY.right_m + LANE_M / 2
_crossing = PARKWAY.line.at(CROSS_M)
_quay = PARKWAY.line.at(2175.0, 110.0)


def _bypoint(along_m: float, right_m: float) -> Array:
    return PARKWAY.line.at(along_m, right_m)


MILL = Road("Mill Street", smooth((885, -420), (860, -200), _crossing, (838, 230), (790, 480)), 1, 1, 0.0)
QUAY = Road("Quay Street", smooth(_quay, _bypoint(2180, 250), _bypoint(2150, 460)), 1, 1, 0.0)
OFF = Road(
    "Exit 4",
    smooth(_bypoint(SLIP_M[1], SLIP_RIGHT_M), _bypoint(2080, 13), _bypoint(2150, 45), _quay),
    1,
    0,
    0.0,
)
ON = Road(
    "Entrance 4",
    smooth(_quay, _bypoint(2200, 45), _bypoint(2270, 13), _bypoint(SLIP_M[2], SLIP_RIGHT_M)),
    1,
    0,
    0.0,
)
ROADS = (MILL, QUAY, OFF, ON, PARKWAY)
"""In the order they are drawn."""


@dataclass(frozen=True)
class Lens:
    """A pinhole camera on a pole."""

    x_m: float
    y_m: float
    height_m: float
    yaw_deg: float
    """Where it looks, degrees clockwise from north."""
    pitch_deg: float
    """How far it looks down."""
    focal_px: float
    """Focal length in pixels of the picture of 352 x 240."""
    roll_deg: float = 0.0

    @cached_property
    def position(self) -> Array:
        """Of the lens, (3,) metres."""
        return np.array([self.x_m, self.y_m, self.height_m])

    @cached_property
    def axes(self) -> Array:
        """Rows: right, down and ahead of the lens in the world, (3, 3)."""
        yaw, pitch, roll = np.radians([self.yaw_deg, self.pitch_deg, self.roll_deg])
        level = np.array([np.sin(yaw), np.cos(yaw), 0.0])
        ahead = level * np.cos(pitch) - np.array([0, 0, np.sin(pitch)])
        right = np.array([np.cos(yaw), -np.sin(yaw), 0.0])
        down = np.cross(ahead, right)
        return np.array([right * np.cos(roll) + down * np.sin(roll), down * np.cos(roll) - right * np.sin(roll), ahead])

    def project(self, points: Array, scale: float = 1.0) -> tuple[Array, Array]:
        """Return pixels (..., 2) and depths (...) in metres of world points (..., 3), in a picture `scale` times as large."""
        seen = (points - self.position) @ self.axes.T
        depth = np.maximum(seen[..., 2], NEAR_M / 4)
        centre = np.array([WIDTH_PX / 2, HEIGHT_PX / 2])
        pixels = (seen[..., :2] / depth[..., None] * self.focal_px + centre) * scale
        return pixels, seen[..., 2]


@dataclass(frozen=True)
class Look:
    """What makes one camera's pictures unlike another's."""

    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Blue, green, red."""
    contrast: float = 1.0
    lift: float = 0.0
    """Added to every pixel: veil of a dirty lens."""
    blur_px: float = 0.5
    noise: float = 2.0
    """Standard deviation of the sensor noise, grey levels."""
    quality: int = 68
    """Of the JPEG."""
    banner: str = "black"
    """`black` (a strip), `plain` (white letters only) or `grey` (a strip half transparent)."""
    scenery: str = "park"
    """What stands along the road: `park`, `town`, `water`, `works`."""


@dataclass(frozen=True)
class Station:
    """A camera of the city."""

    native_id: str
    name: str
    road: str
    facing: str
    """As the banner says it."""
    lens: Lens
    look: Look


def aimed(
    line: Line, at_m: float, right_m: float, to_m: float, to_right_m: float, height_m: float, focal_px: float
) -> Lens:
    """Put a lens on a pole beside a line and aim it at a point of the ground."""
    (x, y), target = line.at(at_m, right_m), line.at(to_m, to_right_m)
    east, north = target - (x, y)
    pitch = np.degrees(np.arctan2(height_m, np.hypot(east, north)))
    return Lens(float(x), float(y), height_m, float(np.degrees(np.arctan2(east, north)) % 360), float(pitch), focal_px)


_main = PARKWAY.line
STATIONS = {
    station.native_id: station
    for station in (
        Station("101", "Harbor Pkwy @ Weir St", PARKWAY.name, "Facing East",
                aimed(_main, 240, 9.5, 281, -2.0, 9.5, 440), Look(scenery="park")),
        Station("102", "Harbor Pkwy @ Mill St", PARKWAY.name, "Facing East",
                aimed(_main, 778, -10.5, 818, 0.5, 10.5, 390),
                Look((1.04, 1.0, 0.95), 1.08, 4, 0.4, 2.5, 70, "plain", "town")),
        Station("103", "Mill St @ Harbor Pkwy", MILL.name, "Facing North",
                aimed(MILL.line, 560, 6.0, 600, -1, 8.0, 400),
                Look((0.93, 1.0, 1.06), 0.95, 10, 0.7, 3.0, 62, "black", "town")),
        Station("104", "Harbor Pkwy @ The Bend", PARKWAY.name, "Facing East",
                aimed(_main, 1250, -9.8, 1293, 0, 11.5, 420),
                Look((1.0, 1.0, 1.0), 0.85, 24, 0.8, 2.0, 65, "plain", "park")),
        Station("105", "Harbor Pkwy @ Pier 7", PARKWAY.name, "Facing North",
                aimed(_main, 1620, -9.0, 1662, 2.5, 9.0, 430),
                Look((1.08, 1.02, 0.94), 1.0, 2, 0.45, 2.2, 72, "black", "water")),
        Station("106", "Harbor Pkwy @ Exit 4", PARKWAY.name, "Facing North",
                aimed(_main, 1935, -9.5, 1980, 5, 12.0, 400),
                Look((0.98, 1.0, 1.02), 1.1, -4, 0.5, 3.4, 60, "grey", "works")),
        Station("107", "Quay St @ Exit 4", QUAY.name, "Facing West",
                aimed(QUAY.line, 130, 6.5, 90, -1, 8.5, 400),
                Look((0.9, 0.98, 1.08), 0.92, 8, 0.6, 2.6, 66, "grey", "works")),
        Station("108", "Harbor Pkwy @ City Line", PARKWAY.name, "Facing South",
                aimed(_main, 2690, -9.5, 2647, 1, 10.0, 450),
                Look((1.05, 1.0, 0.97), 0.78, 30, 0.6, 2.4, 64, "plain", "water")),
    )
}  # fmt: skip
"""The eight cameras by native id."""


@lru_cache(maxsize=1)
def _to_degrees() -> Any:
    """Return the transformer from the metric CRS to WGS 84, longitude first; imported only where positions are asked for."""
    from pyproj import Transformer

    return Transformer.from_crs(CRS, "OGC:CRS84", always_xy=True)


def lonlat(points: Array) -> Array:
    """Return degrees WGS 84 (n, 2), longitude first, of world points (n, 2)."""
    lon, lat = _to_degrees().transform(points[:, 0] + EASTING_M, points[:, 1] + NORTHING_M)
    return np.stack([lon, lat], 1)
