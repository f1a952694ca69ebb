"""Invent one small night: a road loop of six cameras, sixty trajectories, and every table that the line would make."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import cos, pi, sin
from typing import Any

import pyarrow as pa
import shapely

from pipeline import products
from pipeline.tables import TABLES

START = datetime(2026, 3, 3, 12, 30, tzinfo=UTC)
HOUR = START.replace(minute=0)
NODES = 24
HOSTILE = "</script><img src=x onerror=alert(1)> & 'Main' \"St\""


def place(node: int) -> tuple[float, float]:
    """Return lon, lat of a junction on the bent loop."""
    angle = 2 * pi * node / NODES
    return -73.98 + 0.011 * cos(angle) * (1 + 0.25 * sin(2 * angle)), 40.76 + 0.006 * sin(angle)


CAMERA_NODES = {f"demo:{index}": node for index, node in enumerate((0, 4, 8, 12, 16, 20))}
NAMES = ("Harbour Bridge", HOSTILE, "Mill Lane", "North Ramp", "Market Cross", "Canal Bend")
VERDICTS = ("trajectory", "link", "flow", "count", "none", "trajectory")


def cameras() -> pa.Table:
    rows = [
        {
            "camera_id": camera, "stable_id": camera, "site_id": camera, "feed": "demo",
            "native_id": camera[5:], "name": name, "lon": place(node)[0],
            "lat": place(node)[1], "bearing_deg": 15.0 * node, "road": "Ring Road", "cadence_s": 2.0,
            "licence": "CC0-1.0", "attribution": "Pictures: <b>Demo City</b>", "cleared": True, "image_url": None,
        }
        for (camera, node), name in zip(CAMERA_NODES.items(), NAMES, strict=True)
    ]  # fmt: skip
    return _table("cameras", rows)


def roads() -> pa.Table:
    ring = [(node, (node + step) % NODES) for node in range(NODES) for step in (1, -1)]
    across = [(2, 14), (14, 2), (6, 19), (19, 6)]
    rows = [
        {
            "from_node": str(a),
            "to_node": str(b),
            "length_m": 150.0,
            "geometry": shapely.LineString([place(a), place(b)]).wkb,
        }
        for a, b in ring + across
    ]
    return _table("roads", rows)


def frames() -> pa.Table:
    states = ("ok",) * 7 + ("dark", "stale", "frozen", "broken", "missed", "placeholder")
    rows = [
        {
            "frame_id": f"{camera}@{slot:03d}", "camera_id": camera, "slot_at": START + timedelta(seconds=10 * slot),
            "captured_at": START + timedelta(seconds=10 * slot), "captured_at_source": "render", "width_px": 352,
            "height_px": 240, "sha256": "0" * 64, "reason": None,
            "state": states[(slot + int(camera[5:])) % len(states)] if int(camera[5:]) > 2 else "ok",
        }
        for camera in CAMERA_NODES for slot in range(60)
    ]  # fmt: skip
    return _table("frames", rows)


def journeys() -> list[list[tuple[str, datetime]]]:
    """Sixty vehicles: cameras and passing times of each, both ways round the loop."""
    made = []
    for vehicle in range(60):
        way, first, count = (1 if vehicle % 3 else -1), vehicle % 6, 3 + vehicle % 3
        pace = 32 + 4 * (vehicle % 7)
        begins = START + timedelta(seconds=9 * vehicle)
        made.append([(f"demo:{(first + way * n) % 6}", begins + timedelta(seconds=pace * n)) for n in range(count)])
    return made


def sightings() -> pa.Table:
    rows = [
        {
            "sighting_id": f"s{vehicle:02d}-{n}", "camera_id": camera, "label": ("car", "car", "truck", "bus")[vehicle % 4],
            "entered_at": at - timedelta(seconds=2), "left_at": at + timedelta(seconds=2), "heading": "E" if vehicle % 3 else "W",
            "motion": "moving", "detection_ids": [f"d{vehicle:02d}-{n}-0", f"d{vehicle:02d}-{n}-1"], "quality": 0.9,
        }
        for vehicle, journey in enumerate(journeys()) for n, (camera, at) in enumerate(journey)
    ]  # fmt: skip
    return _table("sightings", rows)


def detections() -> pa.Table:
    rows = [
        {
            "detection_id": name, "frame_id": f"{row['camera_id']}@000", "camera_id": row["camera_id"],
            "captured_at": row["entered_at"], "label": row["label"], "score": 0.4 + 0.05 * (index % 12),
            "x1_px": 10.0, "y1_px": 10.0, "x2_px": 40.0, "y2_px": 30.0,
        }
        for index, row in enumerate(sightings().to_pylist()) for name in row["detection_ids"]
    ]  # fmt: skip
    return _table("detections", rows)


def links() -> pa.Table:
    rows = [
        {
            "query_id": f"s{vehicle:02d}-{n}", "gallery_id": f"s{vehicle:02d}-{n + 1}",
            "travel_s": (journey[n + 1][1] - journey[n][1]).total_seconds() - 4, "distance": 0.2,
            "probability": 0.55 + 0.44 * ((vehicle * 7 + n) % 11) / 11, "runner_up": 0.1,
            "prior_nats": -2.0, "travel_nats": 1.0, "appearance_nats": 2.0, "kind_nats": 0.0,
        }
        for vehicle, journey in enumerate(journeys()) for n in range(len(journey) - 1)
    ]  # fmt: skip
    return _table("links", rows)


def trajectories() -> pa.Table:
    rows: list[dict[str, Any]] = []
    for vehicle, journey in enumerate(journeys()):
        way = 1 if vehicle % 3 else -1
        first, count = CAMERA_NODES[journey[0][0]], 4 * (len(journey) - 1)
        line = shapely.LineString([place((first + way * step) % NODES) for step in range(count + 1)])
        seconds = (journey[-1][1] - journey[0][1]).total_seconds()
        length_m = 190.0 * count
        rows.append({
            "trajectory_id": f"t{vehicle:02d}", "sighting_ids": [f"s{vehicle:02d}-{n}" for n in range(len(journey))],
            "camera_ids": [camera for camera, _ in journey], "passed_at": [at for _, at in journey],
            "started_at": journey[0][1] - timedelta(seconds=2), "finished_at": journey[-1][1] + timedelta(seconds=2),
            "length_m": length_m, "mean_speed_mps": length_m / seconds, "probability": 0.6, "geometry": line.wkb,
            "vertices_at": [journey[0][1] + timedelta(seconds=seconds * step / count) for step in range(count + 1)],
            "bridged": [False] * (len(journey) - 1),
        })  # fmt: skip
    return _table("trajectories", rows)


def neighbours() -> list[tuple[str, str]]:
    return [(f"demo:{a}", f"demo:{(a + way) % 6}") for a in range(6) for way in (1, -1)]


def transitions() -> pa.Table:
    rows = [
        {
            "from_camera": a, "to_camera": b, "heading": heading, "to_heading": heading, "hour_at": HOUR, "road_m": 760.0, "travel_mu": 3.4,
            "travel_sigma": 0.3, "floor_s": 10.0, "ceiling_s": 200.0, "clock_s": 0.0, "support": 20, "hour_support": 20,
            "fit": 0.9, "source": "learned",
        }
        for a, b in neighbours() for heading in ("E", "W")
    ]  # fmt: skip
    return _table("transitions", rows)


def observability() -> pa.Table:
    verdicts = {(camera, ""): verdict for camera, verdict in zip(CAMERA_NODES, VERDICTS, strict=True)}
    weak = {("demo:4", "demo:3"): "none", ("demo:1", "demo:0"): "none", ("demo:2", "demo:1"): "link"}
    verdicts |= {pair: weak.get(pair, "trajectory") for pair in neighbours()}
    rows = [
        {
            "camera_id": camera, "pair_camera_id": pair, "hour_at": HOUR, "slots_planned": 60, "slots_seen": 55 if not pair else 50,
            "cadence_s": 10.0, "dwell_s": 4.0, "p_seen": 0.8, "p_pair": 0.6 if pair else None, "verdict": verdict,
            "reason": f"a picture every 10 s against 4 s in view: {verdict}",
        }
        for (camera, pair), verdict in verdicts.items()
    ]  # fmt: skip
    return _table("observability", rows)


def published(k: int = 3, make: Callable[..., dict[str, pa.Table]] = products.publish) -> dict[str, pa.Table]:
    """Return the products that the night supports, by name; every row of them where `make` are candidates."""
    settings = products.Settings(timezone="America/New_York", k=k)
    made = make(cameras(), frames(), sightings(), observability(), links(), trajectories(), transitions(), settings)
    return {name.removeprefix("products/"): rows for name, rows in made.items()}


def tables() -> dict[str, pa.Table]:
    """Return every table of the night by name."""
    made = (cameras, roads, frames, detections, sightings, transitions, observability, links, trajectories)
    return {each.__name__: each() for each in made}


def _table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    return TABLES[name].check(pa.Table.from_pylist(rows, TABLES[name].schema))
