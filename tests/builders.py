"""Build rows of any table: what a test does not say is filled in plainly."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from pipeline import geo
from pipeline.tables import TABLES, frame_id

NIGHT = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
"""Start of the hour that seconds count from."""
FILLED = {pa.string(): "x", pa.bool_(): True, pa.binary(): b""}


def at(seconds: float) -> datetime:
    """Return a time of the night, seconds after its start."""
    return NIGHT + timedelta(seconds=seconds)


def rows(table: str, *stated: dict[str, Any], raw: bool = False) -> pa.Table:
    """Fill rows of a table and hold them against its schema, unless they are meant to be wrong (`raw`)."""
    schema = TABLES[table].schema
    filled = [{each.name: _filled(each) for each in schema} | row for row in stated]
    made = pa.Table.from_pylist(filled, schema=schema)
    return made if raw else TABLES[table].check(made)


def camera(native_id: str, lon: float = -73.98, lat: float = 40.75, **more: Any) -> dict[str, Any]:
    return {
        "camera_id": native_id,
        "native_id": native_id,
        "name": f"Camera {native_id}",
        "lon": lon,
        "lat": lat,
        **more,
    }


def frame(camera_id: str, seconds: float, state: str = "ok", **more: Any) -> dict[str, Any]:
    reason = None if state == "ok" else f"because {state}"
    base = {"frame_id": frame_id(camera_id, at(seconds)), "camera_id": camera_id, "slot_at": at(seconds)}
    return base | {"captured_at": None, "width_px": 352, "height_px": 240, "state": state, "reason": reason, **more}


def detection(name: str, box: Iterable[float] = (10, 20, 30, 40), **more: Any) -> dict[str, Any]:
    corners = dict(zip(("x1_px", "y1_px", "x2_px", "y2_px"), box, strict=True))
    return {"detection_id": name, "label": "car", "score": 0.9, **corners, **more}


def sighting(name: str, camera_id: str, entered: float, left: float | None = None, **more: Any) -> dict[str, Any]:
    """One vehicle at one camera; in two frames, moving, unless said otherwise."""
    times = {"entered_at": at(entered), "left_at": at(entered if left is None else left)}
    base = {
        "sighting_id": name,
        "camera_id": camera_id,
        "label": "car",
        "heading": "N",
        "motion": "moving",
        "quality": 0.9,
    }
    return base | times | {"detection_ids": [f"{name}#0", f"{name}#1"], **more}


def single(name: str, camera_id: str, entered: float, **more: Any) -> dict[str, Any]:
    return sighting(name, camera_id, entered, **{"motion": "single", "detection_ids": [f"{name}#0"]} | more)


def link(query_id: str, gallery_id: str, travel_s: float = 10.0, **more: Any) -> dict[str, Any]:
    return {
        "query_id": query_id,
        "gallery_id": gallery_id,
        "travel_s": travel_s,
        "distance": 0.2,
        "probability": 0.9,
        **more,
    }


def transition(from_camera: str, to_camera: str, **more: Any) -> dict[str, Any]:
    ways = {"from_camera": from_camera, "to_camera": to_camera, "heading": "N", "to_heading": "N", "clock_s": 0.0}
    return ways | {"road_m": 100.0, "floor_s": 5.0, "ceiling_s": 60.0, "source": "road", **more}


def seen(camera_id: str, verdict: str, pair_camera_id: str = "", p: float = 1.0, **more: Any) -> dict[str, Any]:
    """One row of observability in the first hour."""
    base = {"camera_id": camera_id, "pair_camera_id": pair_camera_id, "hour_at": NIGHT, "verdict": verdict, "p_seen": p}
    return base | {
        "slots_planned": 10,
        "slots_seen": 10,
        "cadence_s": 6.0,
        "p_pair": p if pair_camera_id else None,
        **more,
    }


def trajectory(name: str, stops: Iterable[tuple[str, str, float]], **more: Any) -> dict[str, Any]:
    """One vehicle past (sighting, camera, second) stops; its line is straight and of no meaning."""
    sightings, cameras, passed = zip(*stops, strict=True)
    times = {"passed_at": [at(each) for each in passed], "started_at": at(passed[0]), "finished_at": at(passed[-1])}
    base = {"trajectory_id": name, "sighting_ids": list(sightings), "camera_ids": list(cameras), "probability": 0.9}
    line = {"length_m": 100.0, "mean_speed_mps": 10.0, "geometry": geo.to_wkb([[-73.98, 40.75], [-73.98, 40.7509]])}
    told = {"vertices_at": [at(passed[0]), at(passed[-1])], "bridged": [False] * (len(passed) - 1)}
    return base | times | line | told | more


def _filled(field: pa.Field) -> Any:
    """Return a plain value of a column: null where it may be."""
    if field.nullable:
        return None
    if pa.types.is_list(field.type):
        return []
    if pa.types.is_timestamp(field.type):
        return NIGHT
    return FILLED.get(field.type, 1)
