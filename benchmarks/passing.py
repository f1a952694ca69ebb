"""Simulate vehicles that pass cameras, and the pictures taken of them: what is true, and what a scan would hold of it.

Two truths: the demo city's (SUMO's vehicles, in view where the renderer draws a box) and a district of signalised streets
that is invented here. Nothing of the pipeline's own model of stays is used.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.scans import Window
from pipeline.tables import CAMERAS, FRAMES, SIGHTINGS, TIME, TRANSITIONS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
START = datetime(2026, 3, 3, 12, tzinfo=UTC)
"""What seconds count from: the start of an hour."""
FOLLOW_S, AWAY_S = 10.0, 30.0
"""As `sightings`: pictures so far apart show no movement. As the demo city's truth: a pass is over after so long out of view."""


@dataclass(frozen=True)
class Traffic:
    """n true passes of vehicles by cameras."""

    camera: Ints
    vehicle: Ints
    entered_s: Floats
    left_s: Floats
    waited_s: Floats
    """Seconds of the stay that the vehicle stood."""

    def of(self, rows: NDArray[np.bool_]) -> "Traffic":
        """Keep some passes."""
        return Traffic(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def demo_city(step_s: float = 0.5) -> Traffic:
    """Return the passes of the demo city: a vehicle is in view while the renderer gives it a box that a truth would hold.

    Those in view when the twenty minutes begin or end are left out, for how long they stay is not known.
    """
    from pipeline.feeds.demo import labels, render, traffic  # noqa: PLC0415 - drawing is heavy

    rows = []
    for number, name in enumerate(sorted(labels.STATIONS)):
        view = labels.standing(name)
        for second in np.arange(0.0, traffic.LASTS_S, step_s):
            drawn = render.vehicles(view, traffic.at(float(second)))
            kept = render.boxes(view, drawn)[2] if drawn else []
            rows += [(number, drawn[each].car.number, second) for each in kept]
    camera, vehicle, second = np.array(rows)[np.lexsort(np.array(rows).T[::-1])].T
    new = (
        (np.diff(camera, prepend=-1) != 0) | (np.diff(vehicle, prepend=-1) != 0) | (np.diff(second, prepend=0) > AWAY_S)
    )
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(new)) - 1
    every = Traffic(
        camera[first].astype(np.int64), vehicle[first].astype(np.int64), second[first] - step_s / 2,
        second[last] + step_s / 2, np.zeros(len(first)),
    )  # fmt: skip
    return every.of((second[first] > 0) & (second[last] < traffic.LASTS_S - step_s))


def district(hours: float, seed: int = 0, side: int = 8, a_hour: float = 3000.0, *, signals: bool = True) -> Traffic:
    """Invent a district of side x side junctions 250 m apart, a camera at each, with signals that make platoons.

    A vehicle has a speed of its own, drives straight on at seven junctions of ten, and stops where it finds red; each
    signal has a cycle of 60 to 120 s. Two cameras of three look at their stop line, the others past it, so that their
    vehicles never stand in view. Fields of view are 35 to 120 m long. `signals` off gives free flow.
    """
    chance = np.random.default_rng(seed)
    cameras, n = side * side, int(a_hour * (hours + 0.5))
    cycle_s = chance.choice([60.0, 75.0, 90.0, 100.0, 120.0], cameras)
    offset_s, view_m = chance.uniform(0, 120, cameras), np.exp(chance.uniform(np.log(35), np.log(120), cameras))
    at_line = np.arange(cameras) % 3 != 0
    speed = 11.0 * np.exp(chance.normal(0, 0.2, n))
    x, y, way = _entries(chance, side, n)
    now_s = chance.uniform(-1800.0, 3600.0 * hours, n)
    parts, alive = [], np.arange(n)
    while len(alive):
        camera = y[alive] * side + x[alive]
        through_s = view_m[camera] / speed[alive]
        reach_s = now_s[alive] + 0.6 * through_s * at_line[camera]
        phase = (reach_s + offset_s[camera] + (way[alive] % 2) * cycle_s[camera] / 2) % cycle_s[camera]
        red = signals & (phase > cycle_s[camera] / 2)
        wait_s = np.where(red, cycle_s[camera] - phase + chance.uniform(0, 10, len(alive)), 0.0)
        seen_s = now_s[alive] + np.where(at_line[camera], 0.0, wait_s)
        left_s = seen_s + through_s + np.where(at_line[camera], wait_s, 0.0)
        parts.append((camera, alive, seen_s, left_s, np.where(at_line[camera], wait_s, 0.0)))
        way[alive] = (way[alive] + chance.choice([0, 1, 3], len(alive), p=[0.7, 0.15, 0.15])) % 4
        x[alive] += np.array([1, 0, -1, 0])[way[alive]]
        y[alive] += np.array([0, 1, 0, -1])[way[alive]]
        rest_m = 250.0 - view_m[camera]
        now_s[alive] = left_s + rest_m / speed[alive] * np.exp(chance.normal(0, 0.1, len(alive)))
        alive = alive[(x[alive] >= 0) & (x[alive] < side) & (y[alive] >= 0) & (y[alive] < side)]
    return Traffic(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _entries(chance: np.random.Generator, side: int, n: int) -> tuple[Ints, Ints, Ints]:
    """Put each vehicle at the edge, heading in: x, y and way (0 east, 1 north, 2 west, 3 south)."""
    way, along = chance.integers(0, 4, n), chance.integers(0, side, n)
    x = np.where(way == 0, 0, np.where(way == 2, side - 1, along))
    y = np.where(way == 1, 0, np.where(way == 3, side - 1, along))
    return x, y, way


def every(cadence_s: float, seconds: float, phase_s: float = 0.0) -> Floats:
    """Take pictures at an even cadence."""
    return np.arange(phase_s % cadence_s, seconds, cadence_s)


def clips(seconds: float, length_s: float = 10.0, each_s: float = 300.0, step_s: float = 1.0) -> Floats:
    """Take a short clip's pictures every few minutes."""
    return (np.arange(0.0, seconds, each_s)[:, None] + np.arange(0.0, length_s, step_s)).ravel()


def without(pictures: Floats, chance: np.random.Generator, share: float, block_s: float = 0.0) -> NDArray[np.bool_]:
    """Say which pictures come when a share of them is lost: one by one, or whole blocks of time."""
    if not block_s:
        return chance.random(len(pictures)) >= share
    lost = chance.random(int(pictures.max() // block_s) + 1) < share
    return ~lost[(pictures // block_s).astype(np.int64)]


def frames(pictures: dict[int, Floats], came: dict[int, NDArray[np.bool_]]) -> pa.Table:
    """Return `frames` of what was planned by each camera, and what of it came."""
    camera = np.repeat(list(pictures), [len(each) for each in pictures.values()])
    slot_at, state = _times(np.concatenate(list(pictures.values()))), np.concatenate(list(came.values()))
    count = len(camera)
    return FRAMES.check(_filled(FRAMES.schema, {
        "frame_id": pa.array([f"{name(c)}@{n}" for n, c in enumerate(camera)]), "camera_id": pa.array([name(c) for c in camera]),
        "slot_at": slot_at, "captured_at": slot_at, "state": pa.array(np.where(state, "ok", "missed").tolist()),
    }, count))  # fmt: skip


def sighted(traffic: Traffic, usable: dict[int, Floats], missed: float = 0.0, seed: int = 0) -> pa.Table:
    """Return `sightings` as a perfect tracker makes them of these pictures; a detector may miss a share of the boxes.

    As in the pipeline, a track ends where pictures lie FOLLOW_S apart, or where a vehicle is undetected in two in a row.
    """
    chance, parts = np.random.default_rng(seed), []
    for camera, times in usable.items():
        mine = traffic.of(traffic.camera == camera)
        first, last = np.searchsorted(times, mine.entered_s), np.searchsorted(times, mine.left_s)
        passing = np.repeat(np.arange(len(first)), last - first)
        picture = np.concatenate([np.arange(a, b) for a, b in zip(first, last, strict=True)] or [[]]).astype(np.int64)
        found = chance.random(len(picture)) >= missed
        passing, picture = passing[found], picture[found]
        if not len(picture):
            continue
        apart = np.diff(times[picture], prepend=-1e9) >= FOLLOW_S
        new = (np.diff(passing, prepend=-1) != 0) | apart | (np.diff(picture, prepend=-9) > 2)
        starts = np.flatnonzero(new)
        ends = np.append(starts[1:], len(new)) - 1
        parts.append((np.full(len(starts), camera), times[picture[starts]], times[picture[ends]], ends - starts + 1,
                      mine.waited_s[passing[starts]]))  # fmt: skip
    camera, entered, left, pictures, waited = (np.concatenate(column) for column in zip(*parts, strict=True))
    motion = np.where(pictures == 1, "single", np.where((waited >= 5) & (pictures >= 4), "stopped", "moving"))
    return SIGHTINGS.check(_filled(SIGHTINGS.schema, {
        "sighting_id": pa.array([f"s{n:07d}" for n in range(len(camera))]), "camera_id": pa.array([name(c) for c in camera]),
        "entered_at": _times(entered), "left_at": _times(left), "motion": pa.array(motion.tolist()),
    }, len(camera)))  # fmt: skip


def joined(traffic: Traffic, least: int = 30) -> dict[tuple[int, int], NDArray[np.int64]]:
    """Return the true journeys from each camera straight to the next: passes there and here, (m, 2), where there are enough."""
    order = np.lexsort((traffic.entered_s, traffic.vehicle))
    same = traffic.vehicle[order][1:] == traffic.vehicle[order][:-1]
    legs = np.column_stack([order[:-1][same], order[1:][same]])
    ends = traffic.camera[legs]
    legs, ends = legs[ends[:, 0] != ends[:, 1]], ends[ends[:, 0] != ends[:, 1]]
    pairs, count = np.unique(ends, axis=0, return_counts=True)
    return {
        (int(a), int(b)): legs[(ends == (a, b)).all(axis=1)]
        for (a, b), n in zip(pairs, count, strict=True)
        if n >= least
    }


def transitions(traffic: Traffic, journeys: dict[tuple[int, int], NDArray[np.int64]]) -> pa.Table:
    """Return `transitions` with travel times fitted to the true journeys, by the moments of ln(time - floor)."""
    rows = []
    for (first, second), legs in journeys.items():
        travel_s = np.maximum(traffic.entered_s[legs[:, 1]] - traffic.left_s[legs[:, 0]], 0.1)
        floor_s = 0.9 * float(np.quantile(travel_s, 0.02))
        logs = np.log(np.maximum(travel_s - floor_s, 0.2))
        rows.append({
            "from_camera": name(first), "to_camera": name(second), "heading": "none", "to_heading": "none", "hour_at": START, "road_m": 250.0,
            "travel_mu": float(logs.mean()), "travel_sigma": max(float(logs.std()), 0.05), "floor_s": floor_s,
            "ceiling_s": float(travel_s.max()), "clock_s": 0.0, "support": len(legs), "hour_support": 0, "fit": 1.0,
            "source": "learned",
        })  # fmt: skip
    return TRANSITIONS.check(pa.Table.from_pylist(rows, TRANSITIONS.schema))


def seen(traffic: Traffic, usable: dict[int, Floats]) -> NDArray[np.bool_]:
    """Tell which passes are in at least one usable picture."""
    found = np.zeros(len(traffic.camera), bool)
    for camera, times in usable.items():
        mine = traffic.camera == camera
        found[mine] = np.searchsorted(times, traffic.entered_s[mine]) < np.searchsorted(times, traffic.left_s[mine])
    return found


def window(hour: int, length_s: float = 3600.0) -> Window:
    """Return an hour of the simulation."""
    hour_at = START + timedelta(hours=hour)
    return Window(hour_at, hour_at, hour_at + timedelta(seconds=length_s))


def cameras(count: int) -> pa.Table:
    """Return `cameras`."""
    made = {"camera_id": pa.array([name(n) for n in range(count)])}
    return CAMERAS.check(_filled(CAMERAS.schema, made, count))


def name(camera: int) -> str:
    """Name a camera of the simulation."""
    return f"sim:{camera:02d}"


def _times(seconds: Floats) -> pa.Array:
    return pa.array(np.round(seconds * 1e6).astype(np.int64) + round(START.timestamp()) * 1_000_000).cast(TIME)


def _filled(schema: pa.Schema, stated: dict[str, pa.Array], count: int) -> pa.Table:
    """Fill the columns that the simulation has nothing to say of."""
    plain = {pa.string(): "none", pa.bool_(): True, TIME: START}
    columns = [
        stated.get(field.name, pa.nulls(count, field.type) if field.nullable else _plain(field.type, plain, count))
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _plain(kind: pa.DataType, plain: dict[pa.DataType, object], count: int) -> pa.Array:
    return pa.array([[] if pa.types.is_list(kind) else plain.get(kind, 0)] * count, kind)
