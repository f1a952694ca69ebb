"""Tell where every vehicle of the demo city is at a second after the night's start, from the truth that SUMO made."""

import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.feeds.demo.city import Array
from pipeline.feeds.demo.vehicles import MODELS, PAINTS, Mesh, mesh

TRUTH = Path(__file__).with_name("truth.parquet")
LASTS_S = 1200
"""Length of the truth; a longer night repeats it with new vehicles' names."""
STEP_S = 2
ROOM_M = 8.0
"""Vehicles of two moments are not mixed closer than this."""


@dataclass(frozen=True)
class Car:
    """What a vehicle looks like wherever it is seen."""

    number: int
    model: str
    label: str
    """One of tables.LABELS."""
    paint: str
    bgr: Array
    second_bgr: Array
    """Of its cargo box, stripe or rider's helmet."""
    mesh: Mesh
    gloss: float
    """How much of the sky it mirrors."""


@dataclass(frozen=True)
class Placed:
    """The vehicles on the roads at one instant."""

    number: NDArray[np.int64]
    """(n,) index into the fleet."""
    place: Array
    """(n, 2) metres, the middle of each."""
    heading: Array
    """(n,) radians clockwise from north."""
    speed: Array
    """(n,) metres per second."""
    turn: int
    """How many times the truth has been repeated."""


@lru_cache(maxsize=1)
def _truth() -> tuple[dict[str, Array], NDArray[np.int64], list[str], list[str]]:
    """Read the truth sorted by second: its columns, where each step begins, and each vehicle's model and paint."""
    rows = pq.read_table(TRUTH).sort_by([("second", "ascending"), ("vehicle", "ascending")])
    columns: dict[str, Array] = {
        name: rows[name].to_numpy().astype(float) for name in rows.column_names if name not in ("model", "paint")
    }
    starts = np.searchsorted(columns["second"], np.arange(0, LASTS_S + 2 * STEP_S, STEP_S)).astype(np.int64)
    _, first = np.unique(columns["vehicle"], return_index=True)
    models, paints = (rows[name].take(first).to_pylist() for name in ("model", "paint"))
    return columns, starts, models, paints


def count() -> int:
    """Return how many vehicles the truth has."""
    return len(_truth()[2])


def at(second: float) -> Placed:
    """Place the vehicles; between two steps of the truth along a straight line."""
    turn, second = divmod(second, LASTS_S)
    step, rest = divmod(second, STEP_S)
    columns, starts, _, _ = _truth()
    now = {name: values[starts[int(step)] : starts[int(step) + 1]] for name, values in columns.items()}
    heading = np.radians(now["heading_ddeg"] / 10)
    place, speed = np.stack([now["x_dm"], now["y_dm"]], 1) / 10, now["speed_cmps"] / 100
    if rest:
        place = place + np.stack([np.sin(heading), np.cos(heading)], 1) * (speed * rest)[:, None]
        later = {name: values[starts[int(step) + 1] : starts[int(step) + 2]] for name, values in columns.items()}
        _, here, there = np.intersect1d(now["vehicle"], later["vehicle"], assume_unique=True, return_indices=True)
        ahead = np.stack([later["x_dm"], later["y_dm"]], 1)[there] / 10
        behind = np.stack([now["x_dm"], now["y_dm"]], 1)[here] / 10
        place[here] = behind + (ahead - behind) * rest / STEP_S
    return Placed(now["vehicle"].astype(np.int64), place, heading, speed, int(turn))


def together(seconds: list[int]) -> Placed:
    """Place the vehicles of several moments at once; those of later moments only where there is room."""
    moments = [at(float(second)) for second in seconds]
    kept = moments[0]
    for each in moments[1:]:
        gap = np.linalg.norm(each.place[:, None] - kept.place[None], axis=-1).min(1, initial=np.inf)
        free = (gap > ROOM_M) & ~np.isin(each.number, kept.number)
        kept = Placed(
            np.concatenate([kept.number, each.number[free]]),
            np.concatenate([kept.place, each.place[free]]),
            np.concatenate([kept.heading, each.heading[free]]),
            np.concatenate([kept.speed, each.speed[free]]),
            kept.turn,
        )
    return kept


@lru_cache(maxsize=8192)
def car(number: int, fleet: int = 0) -> Car:
    """Return a vehicle's looks; another `fleet` repaints and remodels every vehicle of like length."""
    _, _, models, paints = _truth()
    chance = np.random.default_rng(zlib.crc32(f"car {number} {fleet}".encode()))
    name, paint = models[number], paints[number]
    if fleet:
        length = MODELS[name].length_m
        like = [each for each, model in MODELS.items() if abs(model.length_m - length) < 0.12 * length]
        name = str(_draw(chance, like, [MODELS[each].share for each in like]))
        allowed = MODELS[name].paints or tuple(PAINTS)
        paint = str(_draw(chance, list(allowed), [PAINTS[each].share for each in allowed]))
    spread = PAINTS[paint].spread * 255
    bgr = np.array(PAINTS[paint].bgr, float) + chance.normal(0, spread * 0.5) + chance.normal(0, spread * 0.2, 3)
    other = list(PAINTS.values())[int(chance.integers(len(PAINTS)))].bgr
    second = np.array(other if chance.random() < 0.45 else (222, 224, 224), float)
    extra = 0 if MODELS[name].sign else int(chance.choice(4, p=[0.5, 0.22, 0.12, 0.16]))
    stretch = round(float(chance.normal(1, 0.025)), 2)
    shape = mesh(name, stretch, extra)
    return Car(
        number, name, MODELS[name].label, paint, np.clip(bgr, 12, 245), second, shape, float(chance.uniform(0.5, 1.4))
    )


def _draw(chance: np.random.Generator, names: list[str], shares: list[float]) -> str:
    return names[int(chance.choice(len(names), p=np.array(shares) / sum(shares)))]
