"""Render one picture of a demo camera: vehicles into its standing view, then the sensor, the banner and the JPEG."""

import zlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.feeds.demo import traffic
from pipeline.feeds.demo.canvas import SCALE, Image, Light
from pipeline.feeds.demo.city import HEIGHT_PX, PARKWAY, WIDTH_PX, Array, Look, Station
from pipeline.feeds.demo.scenery import View
from pipeline.feeds.demo.vehicles import BODY, GLASS, SECOND

VERSION = "1"
"""Raise it when pictures change: part of the feed's fingerprint."""
NEAREST_M, FARTHEST_M = 4.0, 320.0
LEAST_WIDTH_PX = 5.0
"""A narrower box is the sliver of a vehicle that is leaving the picture."""
SHUTTER_S = 1 / 110
"""How long the shutter is open."""
_STUFF = np.array([(0, 0, 0), (46, 42, 38), (30, 30, 30), (222, 226, 228), (44, 42, 150), (0, 0, 0), (120, 122, 124),
                   (170, 186, 190)], float)  # fmt: skip
_MIRROR = np.array([0.13, 0.3, 0.03, 0.0, 0.0, 0.05, 0.1, 0.0])
"""Colour (blue, green, red) of what faces are made of, and how much of the sky it mirrors."""


@dataclass(frozen=True)
class Drawn:
    """One vehicle as a camera sees it."""

    car: traffic.Car
    index: int
    """Row among the placed vehicles."""
    distance_m: float
    """Ahead of the lens."""
    beyond: bool
    """Whether the parkway's barrier stands between."""
    pixels: Array
    """(faces, CORNERS, 2) of the picture at SCALE."""
    shown: NDArray[np.bool_]
    """(faces,) turned towards the lens."""
    colours: Array
    """(faces, 3)."""
    moved: Array
    """(2,) pixels of the picture that it moves while the shutter is open."""
    shadow: Array
    """(n, 3) world corners whose hull is its shadow on the ground."""

    @property
    def box(self) -> Array:
        """Left, top, right, bottom in pixels of the picture, beyond its rims too."""
        flat = self.pixels.reshape(-1, 2)
        return np.concatenate([flat.min(0), flat.max(0)]) / SCALE


def vehicles(view: View, placed: traffic.Placed, fleet: int = 0) -> list[Drawn]:
    """Return the vehicles in view, in the order they are drawn: beyond the barrier first, then far before near."""
    centres = np.column_stack([placed.place, np.full(len(placed.place), 0.7)])
    pixels, depth = view.lens.project(centres)
    margin = 8 * view.lens.focal_px / np.maximum(depth, 1)
    inside = (depth > NEAREST_M) & (depth < FARTHEST_M)
    for axis, size in ((0, WIDTH_PX), (1, HEIGHT_PX)):
        inside &= (pixels[:, axis] > -margin) & (pixels[:, axis] < size + margin)
    chosen = np.flatnonzero(inside)
    beyond = (PARKWAY.line.right_of(placed.place[chosen]) < 0) != view.left
    away = np.linalg.norm(placed.place[chosen] - view.lens.position[:2], axis=1)
    order = np.lexsort((placed.number[chosen], -away, ~beyond))
    return _drawn(view, placed, chosen[order], depth[chosen[order]], beyond[order], fleet)


def _drawn(view: View, placed: traffic.Placed, chosen: NDArray[np.intp], distance: Array, beyond: NDArray[np.bool_],
           fleet: int) -> list[Drawn]:  # fmt: skip
    """Turn the meshes of all chosen vehicles at once into pixels and colours."""
    if not len(chosen):
        return []
    cars = [traffic.car(int(placed.number[index]), fleet) for index in chosen]
    sin, cos = np.sin(placed.heading[chosen]), np.cos(placed.heading[chosen])
    none, one = np.zeros_like(sin), np.ones_like(sin)
    turns = np.stack([sin, cos, none, -cos, sin, none, none, none, one], 1).reshape(-1, 3, 3)
    middles = np.column_stack([placed.place[chosen], none])
    owner = np.repeat(np.arange(len(cars)), [len(car.mesh.stuff) for car in cars])
    points = np.concatenate([car.mesh.points for car in cars]) @ turns[owner] + middles[owner, None]
    normals = (np.concatenate([car.mesh.normals for car in cars])[:, None] @ turns[owner])[:, 0]
    shown = ((view.lens.position - points[:, 0]) * normals).sum(1) > 0
    pixels, _ = view.lens.project(points, SCALE)
    colours = _colours(cars, owner, normals, view.light, distance)
    parts = np.flatnonzero(np.diff(owner)) + 1
    ahead = np.column_stack([sin, cos, none]) * (placed.speed[chosen] * SHUTTER_S)[:, None]
    moved = view.lens.project(middles + ahead)[0] - view.lens.project(middles)[0]
    split = [np.split(each, parts) for each in (pixels, shown, colours)]
    return [
        Drawn(
            car, int(chosen[i]), float(distance[i]), bool(beyond[i]), split[0][i], split[1][i], split[2][i], moved[i],
            view.light.shadow(car.mesh.hull @ turns[i] + middles[i]),
        )
        for i, car in enumerate(cars)
    ]  # fmt: skip


def _colours(cars: list[traffic.Car], owner: NDArray[np.intp], normals: Array, light: Light, distance: Array) -> Array:
    """Shade the faces: sun, sky, what the paint and the glass mirror, haze."""
    stuff = np.concatenate([car.mesh.stuff for car in cars])
    base = np.tile(_STUFF, (len(cars), 1, 1))
    base[:, BODY], base[:, SECOND] = [car.bgr for car in cars], [car.second_bgr for car in cars]
    mirror = np.tile(_MIRROR, (len(cars), 1))
    mirror[:, BODY] *= [car.gloss for car in cars]
    bright = light.on(normals)
    bright[stuff == GLASS] = 0.85 * (light.ambient + 0.5 * light.direct)
    glance = mirror[owner, stuff] * np.clip(0.25 + 0.75 * normals[:, 2], 0, 1) * min(1.0, light.ambient + light.direct)
    colours = base[owner, stuff] * bright[:, None] + np.array(light.sky) * glance[:, None]
    veil = (1 - np.exp(-light.haze * distance / 300))[owner, None]
    hazed: Array = np.clip(colours * (1 - veil) + np.array(light.sky) * veil, 0, 250)
    return hazed


def scene(view: View, drawn: list[Drawn]) -> Image:
    """Draw vehicles and their shadows into a copy of the view, at SCALE."""
    image = view.image.copy()
    if not drawn:
        return image
    mask = np.zeros(image.shape[:2], np.uint8)
    sunny = view.light.direct > 0.1
    for each in drawn:
        pixels, depth = view.lens.project(each.shadow, SCALE)
        if (depth > 1).all() and sunny:
            cv2.fillConvexPoly(mask, cv2.convexHull(_eighths(pixels)), 255, cv2.LINE_8, 3)
    cv2.copyTo(view.shaded, mask, image)
    for each in drawn:
        faces, colours = _eighths(each.pixels[each.shown]), each.colours[each.shown].tolist()
        for face, colour in zip(faces, colours, strict=True):
            cv2.fillConvexPoly(image, face, colour, cv2.LINE_8, 3)
        _hide(view, each, image)
        _smear(each, image)
    return image


def _eighths(pixels: Array) -> NDArray[np.int32]:
    """Round pixels to eighths, as cv2 takes them with a shift of 3."""
    return np.round(np.clip(pixels, -4000, 4000) * 8).astype(np.int32)


def _patch(drawn: Drawn) -> tuple[slice, slice]:
    """Return rows and columns at SCALE that a vehicle can touch."""
    left, top, right, bottom = np.clip(drawn.box, 0, (WIDTH_PX, HEIGHT_PX) * 2) * SCALE
    return slice(int(top), int(np.ceil(bottom)) + 1), slice(int(left), int(np.ceil(right)) + 1)


def hidden(view: View, drawn: Drawn) -> tuple[tuple[slice, slice], NDArray[np.bool_]]:
    """Return a vehicle's patch and where in it something standing is nearer than the vehicle."""
    patch = _patch(drawn)
    nearer = view.depth[patch] < drawn.distance_m
    return patch, nearer | view.barrier[patch] if drawn.beyond else nearer


def _hide(view: View, drawn: Drawn, image: Image) -> None:
    """Put standing things that are nearer back in front of a vehicle."""
    patch, nearer = hidden(view, drawn)
    if nearer.any():
        np.copyto(image[patch], view.image[patch], where=nearer[..., None])


def _smear(drawn: Drawn, image: Image) -> None:
    """Blur a vehicle along the way it moves while the shutter is open."""
    across, down = drawn.moved * SCALE
    reach = int(min(max(abs(across), abs(down)), 9.0))
    if reach < 2:
        return
    kernel = np.zeros((2 * (reach // 2) + 1, 2 * (reach // 2) + 1), np.float32)
    half, scale = reach // 2, (reach // 2) / max(abs(across), abs(down))
    start = (round(half - across * scale), round(half - down * scale))
    cv2.line(kernel, start, (round(half + across * scale), round(half + down * scale)), 1.0)
    patch = _patch(drawn)
    if image[patch].size:
        image[patch] = cv2.filter2D(image[patch], -1, kernel / kernel.sum())


def sensor(image: Image, look: Look, seed: int, gain: float = 1.0) -> Image:
    """Average a scene down to the picture and add what lens and sensor do."""
    small = cv2.resize(image, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA)
    if look.blur_px > 0.2:
        small = cv2.GaussianBlur(small, (3, 3) if look.blur_px < 0.9 else (5, 5), look.blur_px)
    small = cv2.LUT(small, _grading(look, round(gain, 3)))
    pool = _noise(look.noise)
    down, across = seed % 61, (seed >> 8) % 61
    noise = pool[(seed >> 16) % len(pool), down : down + HEIGHT_PX, across : across + WIDTH_PX]
    return np.asarray(cv2.add(small, np.ascontiguousarray(noise), dtype=cv2.CV_8U), np.uint8)


@lru_cache(maxsize=256)
def _grading(look: Look, gain: float) -> Image:
    """Return the (256, 1, 3) table from light to grey level."""
    level = np.arange(256.0)[:, None] * np.array(look.gain) * gain
    level = (level - 118) * look.contrast + 118 + look.lift
    level = np.where(level > 215, 215 + (level - 215) * 0.55, level)
    table: Image = np.clip(level, 0, 255).astype(np.uint8)[:, None, :]
    return table


@lru_cache(maxsize=64)
def _noise(strength: float) -> NDArray[np.int16]:
    """Return four fields of sensor noise larger than a picture."""
    chance = np.random.default_rng(7)
    shape = (4, HEIGHT_PX + 64, WIDTH_PX + 64)
    grey, colour = chance.normal(0, strength, (*shape, 1)), chance.normal(0, strength * 0.5, (*shape, 3))
    return np.round(grey + colour).astype(np.int16)


def banner(image: Image, station: Station, clock: datetime) -> None:
    """Burn the camera's name and the local time into the top of a picture."""
    style = station.look.banner
    if style == "black":
        image[:17] = 0
        text = f"{station.facing} {clock:%Y-%m-%d %I:%M:%S %p}"
    elif style == "grey":
        image[:17] = image[:17] // 2
        text = f"{station.name}  {clock:%m/%d/%y %H:%M:%S}"
    else:
        text = f"{station.facing} {clock:%m/%d/%Y %I:%M:%S %p}"
        cv2.putText(image, text, (5, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (20, 20, 20), 1, cv2.LINE_AA)
    cv2.putText(image, text, (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (245, 245, 245), 1, cv2.LINE_AA)


def encode(image: Image, quality: int) -> bytes:
    """Return the JPEG's bytes."""
    done, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return coded.tobytes()


def boxes(
    view: View, drawn: list[Drawn], least_visible: float = 0.3, least_px: float = 8.0
) -> tuple[Array, Array, list[int]]:
    """Return what can be seen of the drawn vehicles.

    Returns:
        Boxes (n, 4) xyxy pixels cut to the picture, visible shares (n,) of each vehicle's outline in it, and the
        vehicles' places in `drawn`. Those less visible or lower than asked are left out.
    """
    owner = np.full((HEIGHT_PX * SCALE, WIDTH_PX * SCALE), -1, np.int16)
    area = []
    for number, each in enumerate(drawn):
        hull = cv2.convexHull(_eighths(each.pixels[each.shown].reshape(-1, 2)))
        cv2.fillConvexPoly(owner, hull, number, cv2.LINE_8, 3)
        patch, nearer = hidden(view, each)
        area.append(max(int((owner[patch] == number).sum()), 1))
        owner[patch][nearer & (owner[patch] == number)] = -1
    found, shares, kept = [], [], []
    for number, each in enumerate(drawn):
        box = np.clip(each.box, 0, (WIDTH_PX, HEIGHT_PX) * 2)
        share = min(1.0, float((owner[_patch(each)] == number).sum()) / area[number])
        if share > least_visible and box[3] - box[1] >= least_px and box[2] - box[0] >= LEAST_WIDTH_PX:
            found.append(box)
            shares.append(share)
            kept.append(number)
    return np.array(found).reshape(-1, 4), np.array(shares), kept


def seed_of(*parts: object) -> int:
    """Return a number that is the same for the same parts in every process."""
    return zlib.crc32("|".join(map(str, parts)).encode())
