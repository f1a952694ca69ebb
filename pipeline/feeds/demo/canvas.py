"""Fill facets of the world in a picture: light, haze, projection, and the cut at the lens's near plane."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.feeds.demo.city import HEIGHT_PX, NEAR_M, WIDTH_PX, Array, Lens

Image = NDArray[np.uint8]
SCALE = 2
"""Views are drawn this many times as large as the picture, then averaged down."""
Facet = tuple[Array, Array | None, tuple[float, ...] | Array]
"""Corners (k, 3), outward normal (3,) or None for no shading, colour (blue, green, red)."""


@dataclass(frozen=True)
class Light:
    """Where the sun stands and how bright it is."""

    azimuth_deg: float = 112.0
    elevation_deg: float = 38.0
    direct: float = 0.55
    """Share of the light that comes from the sun; 0 under cloud."""
    ambient: float = 0.52
    haze: float = 0.25
    """How much distance bleaches, per 300 m."""
    sky: tuple[int, int, int] = (214, 178, 140)

    @property
    def sun(self) -> Array:
        """Unit vector towards the sun, (3,)."""
        east, up = np.radians([self.azimuth_deg, self.elevation_deg])
        return np.array([np.cos(up) * np.sin(east), np.cos(up) * np.cos(east), np.sin(up)])

    def on(self, normals: Array) -> Array:
        """Return the brightness (n,) of faces with these normals (n, 3)."""
        lit: Array = self.ambient + self.direct * np.maximum(normals @ self.sun, 0) + 0.1 * np.maximum(normals[:, 2], 0)
        return lit

    def shadow(self, points: Array) -> Array:
        """Return where world points (n, 3) cast their shadow on the ground, (n, 3)."""
        sun = self.sun
        return np.column_stack([points[:, :2] - points[:, 2:] * (sun[:2] / sun[2]), np.zeros(len(points))])


@dataclass
class Canvas:
    """A picture being drawn, with how far away everything on it is."""

    lens: Lens
    light: Light
    image: Image = field(default_factory=lambda: np.zeros((HEIGHT_PX * SCALE, WIDTH_PX * SCALE, 3), np.uint8))
    depth: NDArray[np.float32] = field(
        default_factory=lambda: np.full((HEIGHT_PX * SCALE, WIDTH_PX * SCALE), np.inf, np.float32)
    )
    paved: Image = field(default_factory=lambda: np.zeros((HEIGHT_PX * SCALE, WIDTH_PX * SCALE), np.uint8))
    """Where asphalt lies, 255."""

    def fill(self, points: Array, colours: Array, depths: Array | None = None, mask: Image | None = None) -> None:
        """Fill facets (n, k, 3) one after another in colours (n, 3), bleached by distance.

        Where `depths` (n,) is given, what is filled is remembered as that far away; in `mask` it becomes 255.
        """
        away = np.linalg.norm(points.mean(1)[:, :2] - self.lens.position[:2], axis=1)[:, None]
        veil = 1 - np.exp(-self.light.haze * away / 300)
        shown = np.clip(colours * (1 - veil) + np.array(self.light.sky) * veil, 0, 255).tolist()
        for number, pixels in cut(self.lens, points):
            cv2.fillConvexPoly(self.image, pixels, shown[number], cv2.LINE_8, 3)
            if depths is not None:
                cv2.fillConvexPoly(self.depth, pixels, float(depths[number]), cv2.LINE_8, 3)
            if mask is not None:
                cv2.fillConvexPoly(mask, pixels, 255, cv2.LINE_8, 3)

    def facets(self, facets: list[Facet], depths: Array | None = None, mask: Image | None = None) -> None:
        """Shade and fill facets of unlike numbers of corners."""
        if not facets:
            return
        most = max(len(points) for points, _, _ in facets)
        padded = np.array(
            [np.concatenate([points, np.repeat(points[-1:], most - len(points), 0)]) for points, _, _ in facets]
        )
        normals = np.array([np.zeros(3) if normal is None else normal for _, normal, _ in facets])
        bright = np.where(normals.any(1), self.light.on(normals), self.light.ambient + 0.5 * self.light.direct)
        self.fill(padded, np.array([np.asarray(bgr, float) for _, _, bgr in facets]) * bright[:, None], depths, mask)


def cut(lens: Lens, points: Array) -> Iterator[tuple[int, NDArray[np.int32]]]:
    """Yield number and pixels (eighths, at SCALE) of the facets (n, k, 3) in the picture, cut at the lens's near plane."""
    seen = (points - lens.position) @ lens.axes.T
    front = seen[..., 2] > NEAR_M
    pixels = _pixels(lens, np.where(front[..., None], seen, (0, 0, NEAR_M)))
    inside = ((pixels.max(1) >= 0) & (pixels.min(1) <= np.array([WIDTH_PX, HEIGHT_PX]) * SCALE * 8)).all(1)
    for number in np.flatnonzero(front.any(1) & (inside | ~front.all(1))):
        yield int(number), pixels[number] if front[number].all() else _pixels(lens, _before_plane(seen[number]))


def _before_plane(seen: Array) -> Array:
    """Cut one facet in the lens's axes at the near plane (Sutherland and Hodgman 1974)."""
    kept = []
    for here, there in zip(seen, np.roll(seen, -1, 0), strict=True):
        if here[2] > NEAR_M:
            kept.append(here)
        if (here[2] > NEAR_M) != (there[2] > NEAR_M):
            kept.append(here + (there - here) * (NEAR_M - here[2]) / (there[2] - here[2]))
    return np.array(kept)


def _pixels(lens: Lens, seen: Array) -> NDArray[np.int32]:
    pixels = seen[..., :2] / seen[..., 2:] * lens.focal_px + (WIDTH_PX / 2, HEIGHT_PX / 2)
    return np.round(np.clip(pixels, -4000, 4000) * SCALE * 8).astype(np.int32)
