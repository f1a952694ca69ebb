"""Build the vehicles of the demo city: models, paints and meshes of shaded quads.

A mesh lies in metres, x ahead, y to the left, z up, origin on the ground under its middle.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.feeds.demo.city import Array

BODY, GLASS, DARK, LAMP, TAIL, SECOND, METAL, PLATE = range(8)
"""What a face is made of; SECOND is the colour of a cargo box, a stripe or a roof sign."""
CORNERS = 8
"""Every face has this many corners, the last one repeated where it has fewer."""


@dataclass(frozen=True)
class Model:
    """A kind of vehicle and its shape, seen from the side."""

    label: str
    """One of tables.LABELS."""
    length_m: float
    width_m: float
    height_m: float
    share: float
    """Of all vehicles."""
    hood_m: float = 0.9
    """Height of the hood."""
    belt_m: float = 0.95
    """Height of the lower edge of the windows."""
    deck_m: float = 0.95
    """Height of the trunk or bed."""
    glass_x: tuple[float, float, float, float] = (0.2, 0.05, -0.25, -0.38)
    """Along the vehicle, in lengths from the middle: foot and top of the windscreen, top and foot of the rear window."""
    windows: int = 2
    """On each side; 0 for sheet metal."""
    cargo: tuple[float, float, float] | None = None
    """A box behind the cab: from, to (lengths from the middle) and its height."""
    wheels_x: tuple[float, ...] = (0.31, -0.3)
    wheel_m: float = 0.33
    """Radius."""
    paints: tuple[str, ...] = ()
    """Paints of a fleet; empty for any."""
    sign: bool = False
    """Whether it bears a lit sign on its roof."""
    rider: bool = False


_FLEET = ("white",)
MODELS = {
    "sedan": Model("car", 4.7, 1.84, 1.45, 0.27),
    "hatchback": Model("car", 4.1, 1.78, 1.5, 0.1, 0.92, 0.95, 0.95, (0.24, 0.08, -0.36, -0.47)),
    "wagon": Model("car", 4.75, 1.84, 1.5, 0.04, 0.9, 0.95, 0.95, (0.2, 0.05, -0.38, -0.48), 3),
    "coupe": Model("car", 4.5, 1.86, 1.36, 0.03, 0.84, 0.9, 0.9, (0.17, 0.01, -0.18, -0.42), 1),
    "suv": Model("car", 4.75, 1.93, 1.75, 0.2, 1.08, 1.12, 1.1, (0.23, 0.1, -0.41, -0.48), 3, wheel_m=0.38),
    "big_suv": Model("car", 5.2, 2.03, 1.92, 0.04, 1.18, 1.22, 1.2, (0.24, 0.13, -0.45, -0.485), 3, wheel_m=0.41),
    "taxi": Model("car", 4.8, 1.85, 1.5, 0.05, paints=("taxi",), sign=True),
    "pickup": Model("truck", 5.7, 2.0, 1.88, 0.05, 1.12, 1.16, 1.14, (0.19, 0.1, -0.09, -0.12), 2, wheel_m=0.4),
    "minivan": Model("car", 5.1, 1.98, 1.75, 0.04, 0.98, 1.02, 1.0, (0.32, 0.16, -0.44, -0.49), 3),
    "van": Model("car", 5.7, 2.02, 2.4, 0.04, 1.12, 1.2, 1.15, (0.38, 0.26, -0.485, -0.495), 0, paints=_FLEET, wheel_m=0.36),
    "city_van": Model("car", 4.9, 1.95, 1.95, 0.025, 1.08, 1.12, 1.1, (0.34, 0.2, -0.47, -0.49), 0,
                      paints=("white", "silver", "black", "blue")),
    "box_truck": Model("truck", 7.6, 2.3, 2.3, 0.04, 1.15, 1.3, 0.8, (0.4, 0.33, 0.22, 0.21), 1,
                       (0.2, -0.5, 3.4), (0.36, -0.3), 0.45, ("white", "red", "blue", "taxi")),
    "lorry": Model("truck", 10.5, 2.5, 2.8, 0.02, 1.5, 1.6, 0.9, (0.46, 0.43, 0.3, 0.295), 1,
                   (0.28, -0.5, 3.8), (0.38, -0.28, -0.38), 0.5, ("white", "red", "blue", "green", "black")),
    "bus": Model("bus", 12.0, 2.55, 3.1, 0.02, 1.1, 1.15, 1.1, (0.496, 0.488, -0.49, -0.498), 8,
                 wheels_x=(0.27, -0.24), wheel_m=0.48, paints=("bus_white", "bus_blue")),
    "shuttle": Model("bus", 7.2, 2.2, 2.7, 0.01, 1.15, 1.25, 1.2, (0.37, 0.3, -0.49, -0.498), 4,
                     wheels_x=(0.33, -0.28), wheel_m=0.4, paints=("white", "bus_white")),
    "motorcycle": Model("motorcycle", 2.2, 0.8, 1.6, 0.025, 0.75, 0.8, 0.75, (0.12, 0.08, 0.03, 0.0), 0,
                        wheels_x=(0.33, -0.33), wheel_m=0.32, paints=("black", "red", "blue", "silver"), rider=True),
}  # fmt: skip
"""By name; SUMO drives them by their length."""


@dataclass(frozen=True)
class Paint:
    """A colour of paint and how common it is."""

    bgr: tuple[int, int, int]
    share: float
    spread: float = 0.1
    """How much two vehicles of this paint differ, as a share of full brightness."""


PAINTS = {
    "black": Paint((34, 32, 32), 0.22, 0.05), "white": Paint((226, 226, 224), 0.22, 0.05),
    "grey": Paint((98, 95, 92), 0.17, 0.1), "silver": Paint((176, 174, 170), 0.13, 0.07),
    "blue": Paint((118, 66, 38), 0.07), "red": Paint((40, 36, 140), 0.065), "navy": Paint((70, 42, 28), 0.03, 0.05),
    "maroon": Paint((38, 28, 82), 0.02, 0.06), "green": Paint((62, 84, 46), 0.02), "beige": Paint((140, 164, 178), 0.025),
    "brown": Paint((48, 66, 88), 0.015, 0.06), "orange": Paint((40, 104, 208), 0.008), "taxi": Paint((28, 176, 236), 0.007, 0.03),
    "bus_white": Paint((215, 218, 216), 0.0005, 0.03), "bus_blue": Paint((160, 120, 60), 0.0005, 0.03),
}  # fmt: skip
"""By name; shares of the vehicles that no fleet has claimed."""


@dataclass(frozen=True)
class Mesh:
    """Faces of a vehicle in the order they are drawn."""

    points: Array
    """(faces, CORNERS, 3) metres."""
    normals: Array
    """(faces, 3), unit length, outward."""
    stuff: NDArray[np.intp]
    """(faces,) what each is made of."""
    hull: Array
    """(n, 3) corners that bound it, for its box and its shadow."""


@dataclass
class _Faces:
    """Collects faces while a mesh is built."""

    points: list[Array] = field(default_factory=list)
    stuff: list[int] = field(default_factory=list)

    def add(self, stuff: int, *corners: tuple[float, float, float] | Array) -> Array:
        """Add a face of 3 to 8 corners, counter-clockwise from outside, and return its corners."""
        face = np.array(corners, float)
        self.points.append(np.concatenate([face, np.repeat(face[-1:], CORNERS - len(face), 0)]))
        self.stuff.append(stuff)
        return face

    def on(self, face: Array, stuff: int, u0: float, u1: float, v0: float, v1: float) -> None:
        """Paint a patch on a quad given as foot left, foot right, top right, top left; u to the right, v up."""
        foot_left, foot_right, top_right, top_left = face[:4]
        uv = np.array([(u0, v0), (u1, v0), (u1, v1), (u0, v1)])
        u, v = uv[:, :1], uv[:, 1:]
        foot, top = foot_left + u * (foot_right - foot_left), top_left + u * (top_right - top_left)
        self.add(stuff, *(foot + v * (top - foot)))

    def loft(self, stuff: int, stations: list[tuple[float, float, float]], foot: float) -> dict[str, Array]:
        """Span sides and tops over (x, half width, top) from front to rear, close the ends, and return the named quads."""
        named = {}
        for (x0, w0, z0), (x1, w1, z1) in pairwise(stations):
            self.add(stuff, (x0, w0, foot), (x1, w1, foot), (x1, w1, z1), (x0, w0, z0))
            self.add(stuff, (x1, -w1, foot), (x0, -w0, foot), (x0, -w0, z0), (x1, -w1, z1))
            self.add(stuff, (x0, w0, z0), (x1, w1, z1), (x1, -w1, z1), (x0, -w0, z0))
        (x0, w0, z0), (x1, w1, z1) = stations[0], stations[-1]
        named["nose"] = self.add(stuff, (x0, -w0, foot), (x0, w0, foot), (x0, w0, z0), (x0, -w0, z0))
        named["tail"] = self.add(stuff, (x1, w1, foot), (x1, -w1, foot), (x1, -w1, z1), (x1, w1, z1))
        return named


@lru_cache(maxsize=2048)
def mesh(name: str, stretch: float = 1.0, extra: int = 0) -> Mesh:
    """Build a model, `stretch` times as long and high, with one of four sets of extras (0 none, 1 roof rack, 2 stripe, 3 dark roof)."""
    model, faces = MODELS[name], _Faces()
    if model.rider:
        _motorcycle(faces, model)
    else:
        _body(faces, model, extra)
        _cabin(faces, model, extra)
    if model.cargo:
        _cargo(faces, model)
    points = np.array(faces.points) * [stretch, 1.0, stretch]
    normals = np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    return Mesh(points, normals, np.array(faces.stuff), np.unique(points.reshape(-1, 3).round(3), axis=0))


def _body(faces: _Faces, model: Model, extra: int) -> None:
    """Lower body with bumpers, lamps, plates and wheels."""
    length, half, foot = model.length_m, model.width_m / 2, 0.5 * model.wheel_m
    cowl, rear = model.glass_x[0] * length, model.glass_x[3] * length
    blunt = model.glass_x[0] > 0.45
    nose = [(length / 2, half * (0.97 if blunt else 0.84), model.hood_m * (1.0 if blunt else 0.8))]
    if not blunt:
        nose.append((length * 0.43, half * 0.98, model.hood_m * 0.95))
    back = [] if rear < -0.44 * length else [(-0.44 * length, half, model.deck_m)]
    tail = [*back, (-length / 2, half * 0.92, model.deck_m * (0.95 if back else 1.0))]
    ends = faces.loft(BODY, [*nose, (cowl, half, model.belt_m), (rear, half, model.belt_m), *tail], foot)
    for side in (1, -1):
        band = np.array(
            [
                (-length * 0.47, side * (half + 0.005), foot),
                (length * 0.42, side * (half + 0.005), foot),
                (length * 0.42, side * (half + 0.005), model.belt_m),
                (-length * 0.47, side * (half + 0.005), model.belt_m),
            ]
        )
        band = band if side < 0 else band[[1, 0, 3, 2]]
        faces.on(band, DARK, 0, 1, 0, 0.16)
        if extra == 2:
            faces.on(band, SECOND, 0.05, 0.95, 0.62, 0.8)
        for x in model.wheels_x:
            _wheel(faces, x * length, side * (half + 0.02), model.wheel_m, side)
    nose_face, tail_face = ends["nose"], ends["tail"]
    faces.on(nose_face, DARK, 0.0, 1.0, 0.0, 0.22)
    faces.on(nose_face, DARK, 0.28, 0.72, 0.5, 0.82)
    faces.on(nose_face, PLATE, 0.41, 0.59, 0.25, 0.45)
    faces.on(tail_face, DARK, 0.0, 1.0, 0.0, 0.25)
    faces.on(tail_face, PLATE, 0.4, 0.6, 0.42, 0.6)
    for u in (0.02, 0.78):
        faces.on(nose_face, LAMP, u, u + 0.2, 0.6, 0.86)
        faces.on(tail_face, TAIL, u, u + 0.18, 0.6, 0.9)


def _wheel(faces: _Faces, x: float, y: float, radius: float, side: int) -> None:
    """An eight-cornered tyre and a four-cornered rim."""
    turn = np.arange(8) * np.pi / 4 * -side + np.pi / 8
    tyre = np.stack([x + radius * np.cos(turn), np.full(8, y), radius + radius * np.sin(turn)], 1)
    faces.add(DARK, *tyre)
    faces.add(METAL, *(tyre[::2] - [x, y, radius]) * 0.55 + [x, y + 0.004 * side, radius])


def _cabin(faces: _Faces, model: Model, extra: int) -> None:
    """Windscreen, rear window, side windows and roof."""
    half, belt, roof = model.width_m / 2 - 0.012, model.belt_m, model.height_m
    tall = model.windows in (0, 8, 4) or model.height_m > 2
    narrow = half - (0.06 if tall else 0.2)
    foot_front, front, rear, foot_rear = (x * model.length_m for x in model.glass_x)
    screen = faces.add(
        BODY, (foot_front, -half, belt), (foot_front, half, belt), (front, narrow, roof), (front, -narrow, roof)
    )
    back = faces.add(
        BODY, (foot_rear, half, belt), (foot_rear, -half, belt), (rear, -narrow, roof), (rear, narrow, roof)
    )
    left = faces.add(
        BODY, (foot_front, half, belt), (foot_rear, half, belt), (rear, narrow, roof), (front, narrow, roof)
    )
    right = faces.add(
        BODY, (foot_rear, -half, belt), (foot_front, -half, belt), (front, -narrow, roof), (rear, -narrow, roof)
    )
    top = faces.add(
        DARK if extra == 3 else BODY,
        (front, narrow, roof),
        (rear, narrow, roof),
        (rear, -narrow, roof),
        (front, -narrow, roof),
    )
    faces.on(screen, GLASS, 0.05, 0.95, 0.06, 0.92)
    if model.windows:
        faces.on(back, GLASS, 0.08, 0.92, 0.12, 0.88)
    panes = model.windows or 1
    for side, forward in ((left, False), (right, True)):
        for pane in range(panes):
            low, high = (0.04 + 0.92 * pane / panes, 0.02 + 0.92 * (pane + 1) / panes) if model.windows else (0.8, 0.95)
            low, high = (low, high) if forward else (1 - high, 1 - low)
            faces.on(side, GLASS, low, high, 0.1, 0.86)
        if extra == 2 and not model.windows:
            faces.on(side, SECOND, 0.25, 0.65, 0.2, 0.7)
    if extra == 1 and not tall:
        faces.on(top, DARK, 0.05, 0.12, 0.1, 0.9)
        faces.on(top, DARK, 0.88, 0.95, 0.1, 0.9)
    if model.sign:
        middle = (front + rear) / 2
        faces.loft(PLATE, [(middle + 0.15, 0.4, roof + 0.25), (middle - 0.15, 0.4, roof + 0.25)], roof)


def _cargo(faces: _Faces, model: Model) -> None:
    """The box of a truck."""
    assert model.cargo
    start, end, height = model.cargo
    half, length = model.width_m / 2 + 0.05, model.length_m
    ends = faces.loft(SECOND, [(start * length, half, height), (end * length, half, height)], 0.95)
    faces.on(ends["tail"], DARK, 0.49, 0.51, 0.0, 1.0)
    faces.on(ends["tail"], TAIL, 0.02, 0.12, 0.01, 0.06)
    faces.on(ends["tail"], TAIL, 0.88, 0.98, 0.01, 0.06)


def _motorcycle(faces: _Faces, model: Model) -> None:
    """Two wheels, a tank and a clothed rider with a helmet."""
    length = model.length_m
    for x in model.wheels_x:
        for side in (1, -1):
            _wheel(faces, x * length, side * 0.07, model.wheel_m, side)
    faces.loft(BODY, [(0.3 * length, 0.14, 0.85), (0.0, 0.2, 0.9), (-0.35 * length, 0.16, 0.75)], 0.4)
    faces.loft(DARK, [(0.12, 0.24, 1.2), (-0.2, 0.26, 1.35), (-0.35, 0.22, 1.2)], 0.75)
    faces.loft(SECOND, [(0.1, 0.12, 1.6), (-0.14, 0.13, 1.62)], 1.34)
    faces.loft(METAL, [(0.36 * length, 0.3, 1.02), (0.34 * length, 0.3, 1.02)], 0.94)
