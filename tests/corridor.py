"""Invent a straight road of cameras and the vehicles that pass them, each with its look: the truth is known."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipeline.scans import HOUR, Window
from pipeline.tables import TABLES
from tests.builders import NIGHT, at, camera, rows, seen, sighting

WINDOW = Window(NIGHT, NIGHT, NIGHT + HOUR)


@dataclass(frozen=True)
class Corridor:
    """Tables of one hour, and whose sighting is whose."""

    cameras: pa.Table
    sightings: pa.Table
    detections: pa.Table
    embeddings: pa.Table
    vehicle: dict[str, int]


def corridor(
    vehicles: int = 200, stops: int = 3, noise: float = 0.6, alike: bool = False, seen: float = 0.9, seed: int = 1
) -> Corridor:
    """Send vehicles north past cameras 1 km apart at 15 m/s, some faster, some slower, some unseen.

    Looks are random directions in 64 dimensions; every sighting adds `noise` times another of the same length, and every
    camera its own tint. `alike` gives all vehicles one look.
    """
    rng = np.random.default_rng(seed)
    tints = rng.normal(size=(stops, 64)) / 8
    made, boxes, looks, vehicle = [], [], [], {}
    for number in range(vehicles):
        look = _unit(np.ones(64) if alike else rng.normal(size=64))
        start, speed = rng.uniform(0, 3000), 15.0 * np.exp(rng.normal(0, 0.12))
        for stop in range(stops):
            name = f"{stop}-{rng.integers(1 << 40):010x}"
            if rng.uniform() < seen:
                moment = start + 1000.0 * stop / speed
                made.append(sighting(name, f"c{stop}", moment, moment + 3.0, detection_ids=[name]))
                boxes.append(
                    {
                        "detection_id": name,
                        "camera_id": f"c{stop}",
                        "captured_at": at(moment),
                        "x2_px": 31.0,
                        "y2_px": 31.0,
                    }
                )
                looks.append(
                    {"detection_id": name, "vector": _packed(look + noise * _unit(rng.normal(size=64)) + tints[stop])}
                )
                vehicle[name] = number
    cameras = [
        camera(f"c{stop}", lat=40.7 + stop * 1000.0 / 111_195.0, bearing_deg=0.0, cadence_s=2.0)
        for stop in range(stops)
    ]
    return Corridor(
        rows("cameras", *cameras),
        rows("sightings", *made),
        rows("detections", *boxes),
        rows("embeddings", *looks),
        vehicle,
    )


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def _packed(vector: np.ndarray) -> bytes:
    return bytes(_unit(vector).astype("<f2").tobytes())


def empty(name: str) -> pa.Table:
    return TABLES[name].empty()


def honest(stops: int = 3, **verdicts: str) -> pa.Table:
    """Let all cameras of a corridor, and all pairs, support trajectories, but for those named: `c0="count"`, `c0_c1="flow"`."""
    names = [f"c{stop}" for stop in range(stops)]
    pairs = [(first, second) for first in names for second in ["", *names] if first != second]
    return rows("observability", *(seen(a, verdicts.get(f"{a}_{b}".strip("_"), "trajectory"), b) for a, b in pairs))
