"""Draw what stands still before a camera: sky, ground, roads, barriers, trees, buildings; once per view.

Everything is a convex facet of the world, clipped to what is before the lens, projected and filled, far ones first.
"""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.feeds.demo import facets as make
from pipeline.feeds.demo.canvas import SCALE, Canvas, Image, Light, cut
from pipeline.feeds.demo.city import (
    CROSS_M,
    HEIGHT_PX,
    LANE_M,
    MILL,
    PARKWAY,
    ROADS,
    SLIP_M,
    WIDTH_PX,
    Array,
    Lens,
    Line,
    Road,
)

FAR_M = 420.0
"""Nothing further away is drawn but the skyline."""
SHADE = 0.42
"""Brightness of the ground in a shadow."""
WHITE, YELLOW = (205, 212, 214), (72, 165, 214)


@dataclass(frozen=True)
class View:
    """The standing part of a camera's pictures, at SCALE times their size."""

    lens: Lens
    light: Light
    image: Image
    shaded: Image
    """The same with every ground in shadow."""
    depth: NDArray[np.float32]
    """Metres ahead of the lens to the standing object that a pixel shows; infinite on the ground."""
    barrier: NDArray[np.bool_]
    """Where the parkway's median barrier is seen."""
    left: bool
    """Whether the lens is to the left of the parkway's line."""


def view(lens: Lens, light: Light, kind: str, seed: int) -> View:
    """Draw what stands before a lens; equal arguments, equal pixels."""
    chance = np.random.default_rng(seed)
    canvas = Canvas(lens, light)
    _sky(canvas, chance)
    ground = make.GROUNDS[kind]
    _ground(canvas, ground, chance)
    texture = _grain(canvas, chance)
    things = [thing for thing in make.things(lens, kind, chance) if _before(lens, thing.centre)]
    things.sort(key=lambda thing: -float(np.linalg.norm(thing.centre - lens.position[:2])))
    shadows = np.zeros(canvas.image.shape[:2], np.uint8)
    for thing in things:
        if thing.casts is not None and light.direct > 0.1:
            fallen = cv2.convexHull(light.shadow(thing.casts)[:, :2].astype(np.float32))[:, 0]
            for _, pixels in cut(lens, np.column_stack([fallen, np.zeros(len(fallen))])[None]):
                cv2.fillConvexPoly(shadows, pixels, 255, cv2.LINE_8, 3)
    canvas.image = cv2.multiply(canvas.image, texture, dtype=cv2.CV_8U)
    shadows = cv2.GaussianBlur(shadows, (0, 0), 1.5)
    deep = (1 - SHADE) * min(1.0, light.direct / 0.5)
    dark = (canvas.image * (1 - deep)).astype(np.uint8)
    canvas.image = (canvas.image * (1 - shadows[..., None] / 255 * deep)).astype(np.uint8)
    barrier = _barriers(canvas, ground)
    depths = [float((np.append(thing.centre, 0) - lens.position) @ lens.axes[2]) for thing in things]
    canvas.facets([facet for thing in things for facet in thing.facets],
                  np.repeat(depths, [len(thing.facets) for thing in things]))  # fmt: skip
    canvas.image = cv2.GaussianBlur(canvas.image, (0, 0), 0.7)
    shaded = np.where(np.isinf(canvas.depth)[..., None] & ~barrier[..., None], dark, canvas.image)
    return View(lens, light, canvas.image, np.ascontiguousarray(shaded), canvas.depth, barrier,
                bool(PARKWAY.line.right_of(lens.position[None, :2])[0] < 0))  # fmt: skip


def _before(lens: Lens, centre: Array) -> bool:
    """Tell whether something is before the lens, near enough to be drawn."""
    away = centre - lens.position[:2]
    return bool(away @ lens.axes[2][:2] > -10 and np.linalg.norm(away) < FAR_M)


def _sky(canvas: Canvas, chance: np.random.Generator) -> None:
    """A bright gradient with a skyline on the horizon."""
    height, width = canvas.image.shape[:2]
    horizon = (HEIGHT_PX / 2 - canvas.lens.focal_px * np.tan(np.radians(canvas.lens.pitch_deg))) * SCALE
    rows = np.clip((np.arange(height) - horizon + 160) / 160, 0, 1)[:, None]
    sky = np.array(canvas.light.sky)
    pale = sky * 0.4 + 0.6 * min(235.0, float(sky.max()) * 1.12)
    canvas.image[:] = (sky * (1 - rows) + pale * rows)[:, None].astype(np.uint8)
    left = 0
    while left < width:
        wide, high = int(chance.integers(14, 60)), chance.gamma(2.0, 9.0)
        bgr = np.array(canvas.light.sky) * chance.uniform(0.5, 0.9) * (1.0, 0.98, 0.95)
        cv2.rectangle(canvas.image, (left, int(horizon - high)), (left + wide, int(horizon)), bgr.tolist(), -1)
        left += int(wide * chance.uniform(0.6, 1.6))
    for _ in range(160):
        at = (int(chance.integers(0, width)), int(horizon - chance.uniform(-2, 7)))
        green = np.array([70, 96, 84]) * chance.uniform(0.6, 1.2)
        cv2.circle(canvas.image, at, int(chance.integers(4, 11)), green.tolist(), -1)


def _ground(canvas: Canvas, ground: make.Ground, chance: np.random.Generator) -> None:
    """Verges, water, sidewalks, asphalt and lane markings."""
    height, width = canvas.image.shape[:2]
    horizon = (HEIGHT_PX / 2 - canvas.lens.focal_px * np.tan(np.radians(canvas.lens.pitch_deg))) * SCALE
    cv2.rectangle(canvas.image, (0, max(0, int(horizon))), (width, height), ground.verge, -1)
    base = np.array(ground.asphalt) * chance.uniform(0.92, 1.08)
    if ground.water:
        _strip(canvas, PARKWAY.line, 15.5, 300, ground.water)
    for road in ROADS:
        walk = ground.walk_m
        _strip(canvas, road.line, -road.left_m - walk - 1.0, road.right_m + walk + 1.0, ground.walk)
    for from_m, to_m in ((SLIP_M[0] - 40, SLIP_M[1] + 40), (SLIP_M[2] - 40, SLIP_M[3] + 40)):
        _strip(canvas, PARKWAY.line, 0, PARKWAY.right_m + LANE_M + 1.2, base, from_m, to_m, paved=True)
    for road in ROADS:
        _strip(canvas, road.line, -road.left_m - 0.9, road.right_m + 0.9, base, paved=True)
    for road in ROADS:
        _wear(canvas, road, base, chance)
        _markings(canvas, road)


def _strip(canvas: Canvas, line: Line, left_m: float, right_m: float, bgr: Array | tuple[int, ...],
           from_m: float = -300.0, to_m: float = 1e6, dash: tuple[float, float] | None = None,
           *, paved: bool = False) -> None:  # fmt: skip
    """Fill a band along a line, in pieces; `dash` gives the length and the spacing of its strokes."""
    stroke, spacing = dash or (8.0, 8.0)
    starts = np.arange(from_m, min(to_m, line.length_m + 300), spacing)
    ends = np.minimum(starts + stroke + (0.05 if dash is None else 0), to_m)
    middle = line.at(starts, 0.0) - canvas.lens.position[:2]
    near = (np.hypot(*middle.T) < FAR_M) & (middle @ canvas.lens.axes[2][:2] > -14)
    starts, ends = starts[near], ends[near]
    rims = [line.at(at, right) for at, right in ((starts, left_m), (ends, left_m), (ends, right_m), (starts, right_m))]
    if len(starts):
        pieces = np.concatenate([np.stack(rims, 1), np.zeros((len(starts), 4, 1))], 2)
        canvas.fill(pieces, np.tile(np.asarray(bgr, float), (len(starts), 1)), mask=canvas.paved if paved else None)


def _wear(canvas: Canvas, road: Road, base: Array, chance: np.random.Generator) -> None:
    """Wheel tracks, patches, seams and manholes."""
    lanes = [road.median_m / 2 + LANE_M * (i + 0.5) for i in range(road.forward_lanes)]
    lanes += [-road.median_m / 2 - LANE_M * (i + 0.5) for i in range(road.backward_lanes)]
    for lane in lanes:
        _strip(canvas, road.line, lane - 0.35, lane + 0.35, base * chance.uniform(0.88, 0.97))
        for side in (-0.85, 0.85):
            _strip(canvas, road.line, lane + side - 0.28, lane + side + 0.28, base * chance.uniform(1.0, 1.07))
        _strip(canvas, road.line, lane + 1.68, lane + 1.75, base * 0.72)
    for _ in range(int(road.line.length_m / 22)):
        at, lane = chance.uniform(0, road.line.length_m), chance.choice(lanes)
        long, half = chance.choice([0.9, 3.0, 9.0]), chance.uniform(0.3, 1.5)
        _strip(canvas, road.line, lane - half, lane + half, base * chance.uniform(0.72, 1.12), at, at + long)


def _markings(canvas: Canvas, road: Road) -> None:
    """Edge lines, dashes, the middle line, stop lines and crosswalks."""
    gaps: list[tuple[float, float]] = []
    if road in (PARKWAY, MILL):
        here = float(road.line.along[np.argmin(((road.line.points - PARKWAY.line.at(CROSS_M)) ** 2).sum(1))])
        half = 13.0 if road is PARKWAY else 15.0
        gaps = [(-300.0, here - half), (here + half, road.line.length_m + 300)]
    for from_m, to_m in gaps or [(0.0, road.line.length_m)]:
        for edge, bgr in ((road.right_m - 0.1, WHITE), (-road.left_m + 0.1, WHITE)):
            _strip(canvas, road.line, edge - 0.09, edge + 0.09, bgr, from_m, to_m)
        middle = road.median_m / 2 if road.median_m else 0.2
        for edge in (-middle, middle) if road.backward_lanes else ():
            _strip(canvas, road.line, edge - 0.08, edge + 0.08, YELLOW, from_m, to_m)
        for lane in range(1, road.forward_lanes):
            for side in (1, -1):
                edge = side * (road.median_m / 2 + LANE_M * lane)
                _strip(canvas, road.line, edge - 0.08, edge + 0.08, WHITE, from_m, to_m, (3.0, 12.0))
    for (_, stop), (start, _) in pairwise(gaps):
        _strip(canvas, road.line, road.median_m / 2, road.right_m, WHITE, stop - 0.6, stop)
        _strip(canvas, road.line, -road.left_m, -road.median_m / 2, WHITE, start, start + 0.6)
        for across in np.arange(-road.left_m + 0.6, road.right_m - 0.4, 1.2):
            for foot in (stop + 1.0, start - 4.0):
                _strip(canvas, road.line, across, across + 0.5, WHITE, foot, foot + 3.0)


def _grain(canvas: Canvas, chance: np.random.Generator) -> NDArray[np.float32]:
    """Return what to multiply the ground by: asphalt's and grass's texture, finer than a pixel far away."""
    height, width = canvas.image.shape[:2]
    down, across = np.mgrid[0:height, 0:width].astype(np.float32) / SCALE
    rays = np.stack([(across - WIDTH_PX / 2) / canvas.lens.focal_px, (down - HEIGHT_PX / 2) / canvas.lens.focal_px,
                     np.ones_like(down)], -1) @ canvas.lens.axes.astype(np.float32)  # fmt: skip
    reach = np.where(rays[..., 2] < -0.005, -canvas.lens.height_m / np.minimum(rays[..., 2], -0.005), 0)
    texture = np.ones((height, width), np.float32)
    for cell, strength, worn in ((0.12, 0.08, 0.05), (0.7, 0.06, 0.012), (5.0, 0.08, 0.02)):
        noise = cv2.GaussianBlur(chance.normal(0, 1, (256, 256)).astype(np.float32), (0, 0), 1.0)
        at = (rays[..., :2] * reach[..., None] + canvas.lens.position[:2].astype(np.float32)) / cell
        grain = cv2.remap(noise / noise.std(), at[..., 0] % 254, at[..., 1] % 254, cv2.INTER_LINEAR)
        print_m = reach * reach / canvas.lens.height_m / canvas.lens.focal_px / SCALE
        texture += np.where(
            reach > 0,
            grain * np.where(canvas.paved > 0, worn, strength) * np.clip(2 * cell / np.maximum(print_m, 1e-3), 0, 1),
            0,
        )
    return np.repeat(np.clip(texture, 0.4, 1.6)[..., None], 3, 2)


def _barriers(canvas: Canvas, ground: make.Ground) -> NDArray[np.bool_]:
    """The parkway's concrete median and the rails of its rims; returns where the median is."""
    mask = np.zeros(canvas.image.shape[:2], np.uint8)
    line = PARKWAY.line
    starts = np.concatenate([np.arange(-200, CROSS_M - 40, 5.0), np.arange(CROSS_M + 40, line.length_m + 200, 5.0)])
    away = np.linalg.norm(line.at(starts) - canvas.lens.position[:2], axis=1)
    near = [float(starts[number]) for number in np.argsort(-away) if away[number] < FAR_M]
    canvas.facets([facet for at in near for facet in make.rails(at, ground)])
    canvas.facets([facet for at in near for facet in make.median(at, ground, canvas.lens)], mask=mask)
    return mask > 0
