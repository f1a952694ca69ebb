"""Build small truths and what was found of them: square vehicles, 30 px, that stand at some x."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from pipeline.scores import Truth
from pipeline.tables import frame_id
from tests.builders import at, rows

Place = tuple[str, float, float]
"""Camera, seconds, left edge."""


def box(x: float, size: float = 30) -> dict[str, float]:
    return {"x1_px": x, "y1_px": 100.0, "x2_px": x + size, "y2_px": 100.0 + size}


def label(
    vehicle: str | None, camera: str, seconds: float, x: float = 0, size: float = 30, **more: Any
) -> dict[str, Any]:
    """One true box."""
    return {
        "vehicle_id": vehicle,
        "camera_id": camera,
        "slot_at": at(seconds),
        "label": "vehicle",
        "ignore": False,
        **box(x, size),
        **more,
    }


def truth(*labels: dict[str, Any], sparse: bool = False, frames: Iterable[tuple[str, float]] | None = None) -> Truth:
    """A truth of some boxes; `frames` (camera, seconds) those looked at."""
    looked_at = frames and pa.table({"camera_id": [c for c, _ in frames], "slot_at": [at(s) for _, s in frames]})
    columns = list(dict.fromkeys(name for each in labels for name in each))
    return Truth.of(pa.table({name: [each.get(name) for each in labels] for name in columns}), looked_at, sparse=sparse)


def found(camera: str, seconds: float, x: float, score: float = 0.9, size: float = 30, **more: Any) -> dict[str, Any]:
    """One detection, named by where it is."""
    frame = frame_id(camera, at(seconds))
    base = {
        "detection_id": f"{frame}#{x:g}:{size:g}",
        "frame_id": frame,
        "camera_id": camera,
        "captured_at": at(seconds),
    }
    return base | {"label": "car", "score": score, **box(x, size), **more}


def night(**sightings: list[Place]) -> tuple[pa.Table, pa.Table]:
    """Sightings, each of some boxes at one camera, and their detections."""
    seen = []
    for name, places in sightings.items():
        ids = [found(*place)["detection_id"] for place in places]
        times = {"entered_at": at(places[0][1]), "left_at": at(places[-1][1])}
        seen.append({"sighting_id": name, "camera_id": places[0][0], "detection_ids": ids, "heading": "N", **times})
    boxes = {found(*place)["detection_id"]: found(*place) for places in sightings.values() for place in places}
    return rows("sightings", *seen), rows("detections", *boxes.values())
