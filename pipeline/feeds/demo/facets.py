"""Build what stands along the demo city's roads out of facets: trees, buildings, poles, gantries, barriers."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pipeline.feeds.demo.canvas import Facet
from pipeline.feeds.demo.city import CROSS_M, PARKWAY, ROADS, SLIP_M, Array, Lens, Road


@dataclass(frozen=True)
class Ground:
    """What lies and grows along the roads of a kind of place."""

    verge: tuple[int, int, int]
    asphalt: tuple[int, int, int]
    walk: tuple[int, int, int]
    walk_m: float
    trees: int
    buildings: int
    floors: tuple[int, int]
    back_m: float
    """How far the buildings stand back from the road's line."""
    water: tuple[int, int, int] | None = None
    rail: float = 0.7
    """Height of the rims' rails; 0 for none."""
    concrete: tuple[int, int, int] = (176, 182, 184)


GROUNDS = {
    "park": Ground((62, 98, 88), (128, 126, 124), (150, 152, 150), 0.6, 120, 10, (3, 9), 60),
    "town": Ground((118, 122, 124), (108, 107, 106), (158, 162, 164), 3.5, 26, 60, (3, 9), 21, rail=0.0),
    "water": Ground((70, 104, 98), (140, 140, 138), (160, 160, 158), 1.5, 60, 8, (4, 12), 50, (142, 118, 84), 1.0),
    "works": Ground((104, 116, 120), (118, 117, 118), (140, 142, 142), 1.0, 40, 30, (1, 4), 38),
}


@dataclass(frozen=True)
class Thing:
    """One standing object."""

    centre: Array
    """(2,) metres."""
    facets: list[Facet]
    casts: Array | None = None
    """(n, 3) corners whose hull casts a shadow."""


def things(lens: Lens, kind: str, chance: np.random.Generator) -> list[Thing]:
    """Place the objects around a lens at random, off every road and out of the lens's face."""
    ground = GROUNDS[kind]
    dry = (0.0, 15.0) if ground.water else (np.inf, np.inf)
    stand = (ground.back_m - 5, ground.back_m + 45, dry[0], 14.0)
    grow = (13.5, 30.0, dry[1], 4.0) if kind != "town" else (12.5, 15.0, dry[1], 4.0)
    plots = [_place(lens, *stand, chance) for _ in range(ground.buildings)]
    found = [building(at, lens, ground.floors, chance) for at in plots if at is not None]
    holes = [_place(lens, *grow, chance) for _ in range(ground.trees)]
    found += [tree(at, chance) for at in holes if at is not None]
    for along in np.arange(20, PARKWAY.line.length_m, 46):
        side = float(np.sign(np.sin(along * 7.3)) * 10.2)
        if not any(start - 30 < along < end + 60 for start, end in (SLIP_M[:2], SLIP_M[2:])):
            at, arm = PARKWAY.line.at(along, side), PARKWAY.line.at(along, side * 0.6)
            if np.linalg.norm(at - lens.position[:2]) > 24:
                found.append(lamp(at, arm, lens))
    for corner in ((CROSS_M + 15, 11.0, -2.0), (CROSS_M - 15, -11.0, 2.0)):
        found.append(signal(*corner, lens))
    return found + [gantry(along, lens) for along in (420.0, 1420.0, 1985.0, 2540.0)]


def _place(
    lens: Lens, from_m: float, to_m: float, dry_m: float, wide_m: float, chance: np.random.Generator
) -> Array | None:
    """Draw a place at a distance from a road, clear of roads, of what the lens should see, and of water beyond `dry_m`."""
    spots = [(road, along) for road in ROADS for along in _near(lens, road, 280.0)]
    road, along = spots[int(chance.integers(len(spots)))]
    at: Array = road.line.at(along, float(chance.choice([-1, 1]) * chance.uniform(from_m, to_m)))
    nearest = min(float(np.linalg.norm(each.line.points - at, axis=1).min()) - each.right_m for each in ROADS)
    away = np.linalg.norm(at - lens.position[:2])
    clear = nearest > from_m - 9 and away > max(16.0, from_m * 0.8) and PARKWAY.line.right_of(at[None])[0] < dry_m
    return at if clear and _aside(lens, at) > wide_m else None


def _aside(lens: Lens, at: Array) -> float:
    """Return how far a place is from the nearest line of sight to a road within 120 m."""
    seen = [road.line.at(_near(lens, road, 120.0)) for road in ROADS if _near(lens, road, 120.0)]
    sight = np.concatenate(seen) - lens.position[:2]
    share = np.clip(((at - lens.position[:2]) @ sight.T) / (sight**2).sum(1), 0, 1)
    return float(np.linalg.norm(sight * share[:, None] - (at - lens.position[:2]), axis=1).min())


@lru_cache(maxsize=64)
def _near(lens: Lens, road: Road, reach_m: float) -> list[float]:
    """Return the distances along a road that lie before a lens and within reach."""
    away = road.line.points - lens.position[:2]
    seen = (np.linalg.norm(away, axis=1) < reach_m) & (away @ lens.axes[2][:2] > -5)
    return [float(along) for along in road.line.along[seen]]


def tree(at: Array, chance: np.random.Generator) -> Thing:
    """A trunk and a crown of small leaves' masses, lit from above."""
    height, spread = chance.uniform(5, 11), chance.uniform(1.8, 3.6)
    hue = np.array([chance.uniform(28, 62), chance.uniform(78, 118), chance.uniform(62, 104)])
    base = np.append(at, 0.0)
    facets: list[Facet] = [(_post(base, height * 0.6, 0.18, (1.0, 0.0)), None, (44, 56, 66)),
                           (_post(base, height * 0.6, 0.18, (0.0, 1.0)), None, (40, 50, 60))]  # fmt: skip
    lumps = chance.normal(0, 1, (54, 3))
    lumps *= (chance.random((54, 1)) ** 0.4) / np.linalg.norm(lumps, axis=1, keepdims=True)
    lumps = lumps[np.argsort(lumps[:, 2])]
    turn = np.arange(7) * 2 * np.pi / 7
    for lump in lumps:
        centre = base + (0, 0, height * 0.68) + lump * (spread, spread, height * 0.32)
        size = chance.uniform(0.2, 0.38) * spread
        bright = 0.75 + 0.4 * lump[2] + chance.uniform(-0.18, 0.18)
        for east in (0.0, 1.0):
            rim = np.stack([np.cos(turn) * (1 - east), np.cos(turn) * east, np.sin(turn)], 1) * size
            facets.append((centre + rim, None, hue * bright))
    crown = base + (0, 0, height * 0.68) + np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-0.6, 0.8)]) * (
        spread * 0.75, spread * 0.75, height * 0.3)  # fmt: skip
    return Thing(at, facets, crown)


def building(at: Array, lens: Lens, floors: tuple[int, int], chance: np.random.Generator) -> Thing:
    """Four walls with rows of windows."""
    long, deep = chance.uniform(12, 30), chance.uniform(10, 18)
    levels = int(chance.integers(*floors)) if floors[1] > floors[0] else floors[0]
    height = levels * 3.3 + chance.uniform(0.5, 2.5)
    nearest = int(np.argmin(np.linalg.norm(PARKWAY.line.points - at, axis=1)))
    ahead = (
        PARKWAY.line.points[min(nearest + 1, len(PARKWAY.line.points) - 1)] - PARKWAY.line.points[max(nearest - 1, 0)]
    )
    ahead = ahead / np.linalg.norm(ahead)
    side = np.array([ahead[1], -ahead[0]])
    corners = [at + ahead * long / 2 * i + side * deep / 2 * j for i, j in ((1, 1), (-1, 1), (-1, -1), (1, -1))]
    bgr = np.array(
        [(70, 84, 118), (128, 138, 148), (168, 176, 180), (92, 104, 112), (112, 128, 158)][chance.integers(5)]
    )
    bgr = bgr * chance.uniform(0.8, 1.15)
    facets: list[Facet] = []
    for start, end in zip(corners, [*corners[1:], corners[0]], strict=True):
        outward = (start + end) / 2 - at
        if outward @ (lens.position[:2] - (start + end) / 2) <= 0:
            continue
        normal = np.append(outward / np.linalg.norm(outward), 0.0)
        facets.append((_wall(start, end, 0, height), normal, bgr))
        bays = max(2, int(np.linalg.norm(end - start) / 3.4))
        pane = np.array([80, 72, 66]) * chance.uniform(0.6, 1.3)
        for level in range(levels):
            for bay in range(bays):
                left, right = (start + (end - start) * (bay + part) / bays for part in (0.25, 0.75))
                facets.append(
                    (_wall(left, right, level * 3.3 + 1.0, level * 3.3 + 2.6), normal, pane * chance.uniform(0.8, 1.3))
                )
    casts = np.array([np.append(corner, z) for corner in corners for z in (0.0, height)])
    return Thing(at, facets, casts)


def lamp(at: Array, arm: Array, lens: Lens) -> Thing:
    """A street lamp with its arm over the road."""
    foot, across = np.append(at, 0.0), lens.axes[0][:2]
    tip = np.append(arm, 10.0)
    beam = np.array([(*at, 9.3), (*at, 9.5), (*arm, 10.1), tip])
    facets: list[Facet] = [(_post(foot, 9.5, 0.11, across), None, (112, 116, 116)), (beam, None, (120, 124, 124))]
    return Thing(at, facets)


def signal(along: float, right_m: float, reach_m: float, lens: Lens) -> Thing:
    """A mast with an arm over the road and three signal heads, seen from behind as often as from before."""
    foot, tip = PARKWAY.line.at([along, along], [right_m, reach_m])
    facets: list[Facet] = [
        (_post(np.append(foot, 0.0), 6.4, 0.13, lens.axes[0][:2]), None, (96, 100, 100)),
        (_wall(foot, tip, 5.9, 6.1), None, (104, 108, 108)),
    ]
    for part in (0.35, 0.7, 0.97):
        head = np.append(foot + (tip - foot) * part, 5.4)
        facets.append((_post(head, 1.1, 0.2, lens.axes[0][:2]), None, (34, 40, 40)))
    return Thing(foot, facets)


def gantry(along: float, lens: Lens) -> Thing:
    """Two posts, a beam and a green sign over the parkway."""
    left, right = PARKWAY.line.at([along, along], [-10.6, 13.2])
    facets: list[Facet] = [
        (_post(np.append(each, 0.0), 7.2, 0.22, lens.axes[0][:2]), None, (104, 108, 108)) for each in (left, right)
    ]
    facets.append((_wall(left, right, 6.6, 7.2), None, (120, 124, 126)))
    for start, end in ((0.1, 0.34), (0.58, 0.84)):
        for first, last, low, high, bgr in (
            (start, end, 5.7, 8.3, (70, 104, 26)),
            (start + 0.02, end - 0.05, 7.3, 7.8, (190, 200, 190)),
            (start + 0.02, end - 0.09, 6.3, 6.8, (180, 192, 182)),
        ):
            facets.append((_wall(left + (right - left) * first, left + (right - left) * last, low, high), None, bgr))
    return Thing((left + right) / 2, facets)


def median(along: float, ground: Ground, lens: Lens) -> list[Facet]:
    """Five metres of the concrete barrier between the directions."""
    top, foot, high = 0.12, 0.32, 0.85
    start, end = (PARKWAY.line.at(np.full(4, at), [-foot, -top, top, foot]) for at in (along, along + 5.05))
    heights = (0.0, high, high, 0.0)
    faces: list[Facet] = []
    ahead = (end[0] - start[0]) / np.linalg.norm(end[0] - start[0])
    right = np.array([ahead[1], -ahead[0], 0.25])
    for i, normal in ((0, right * (-1, -1, 1)), (2, right), (1, np.array([0, 0, 1.0]))):
        points = np.array([np.append(start[i], heights[i]), np.append(end[i], heights[i]),
                           np.append(end[i + 1], heights[i + 1]), np.append(start[i + 1], heights[i + 1])])  # fmt: skip
        if (lens.position - points[0]) @ normal > 0:
            faces.append((points, normal / np.linalg.norm(normal), ground.concrete))
    return faces


def rails(along: float, ground: Ground) -> list[Facet]:
    """Five metres of guard rail on both rims, where there are no slip lanes."""
    if not ground.rail or any(start - 90 < along < end + 90 for start, end in (SLIP_M[:2], SLIP_M[2:])):
        return []
    faces: list[Facet] = []
    for side in (-1, 1):
        start, end = PARKWAY.line.at([along, along + 5.05], [side * 10.9] * 2)
        ahead = (end - start) / np.linalg.norm(end - start)
        normal = np.array([ahead[1] * -side, ahead[0] * side, 0.0])
        for low, high in ((0.35, ground.rail),) if ground.rail < 0.9 else ((0.0, 0.15), (0.5, 0.6), (0.9, ground.rail)):
            faces.append((_wall(start, end, low, high), normal, (138, 142, 142)))
        faces.append((_post(np.append(start, 0.0), ground.rail, 0.07, ahead), normal, (92, 96, 98)))
    return faces


def _wall(start: Array, end: Array, low: float, high: float) -> Array:
    return np.array([np.append(start, low), np.append(end, low), np.append(end, high), np.append(start, high)])


def _post(foot: Array, height: float, half: float, across: Array | tuple[float, float]) -> Array:
    aside = np.append(np.asarray(across) / np.linalg.norm(across), 0.0) * half
    return np.array([foot - aside, foot + aside, foot + aside + (0, 0, height), foot - aside + (0, 0, height)])
