"""Show a small simulated city: eight cameras whose pictures are rendered and whose truth is known.

Traffic was made once with SUMO (`make_truth.py`); pictures are drawn when they are asked for (`render.py`); faults are
planted (`faults.py`); the truth for scores and training is in `labels.py`. Every scan date has the same traffic.
"""

import hashlib
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import shapely

from pipeline import bursts
from pipeline.errors import FeedError
from pipeline.feeds import Camera, Feed, Picture
from pipeline.feeds.demo import render, traffic
from pipeline.feeds.demo.city import CROSS_M, MILL, OFF, ON, PARKWAY, QUAY, SLIP_M, STATIONS, Array, lonlat
from pipeline.feeds.demo.faults import FAULTS, Fault, broken, fault_at, placeholder
from pipeline.feeds.demo.labels import BOXES, example, standing, true_passes, truth_boxes
from pipeline.scans import Scan, Window
from pipeline.tables import ROADS

__all__ = ["BOXES", "FAULTS", "FEED", "example", "fault", "true_passes", "truth_boxes"]


def fault(scan: Scan, native_id: str, slot: datetime) -> Fault | None:
    """Return what is planted in a camera's picture of a slot (UTC), None where it is sound."""
    return fault_at(native_id, _second(scan, slot) % traffic.LASTS_S)


def cameras(scan: Scan) -> list[Camera]:
    """List the city's cameras."""
    places = lonlat(np.array([[each.lens.x_m, each.lens.y_m] for each in STATIONS.values()]))
    return [
        Camera(each.native_id, each.name, round(float(lon), 6), round(float(lat), 6), round(each.lens.yaw_deg, 1), each.road,
               bursts.closest_s(scan, each.native_id), bearing_source="yaw of its lens")
        for each, (lon, lat) in zip(STATIONS.values(), places, strict=True)
    ]  # fmt: skip


def slots(scan: Scan, window: Window, native_id: str) -> list[datetime]:
    """Plan a camera's sweeps and bursts."""
    _station(native_id)
    return bursts.slots(scan, window, native_id)


def picture(scan: Scan, camera: Camera, slot: datetime) -> Picture:
    """Render one planned observation; the same scan date, camera and slot give the same bytes."""
    native_id = camera.native_id
    _station(native_id)
    second, wrong = _second(scan, slot), fault(scan, native_id, slot)
    if wrong and wrong.kind == "missed":
        return Picture("missed: no file")
    if wrong and wrong.kind == "frozen":
        late = second % traffic.LASTS_S - wrong.from_s
        slot, shown = slot - timedelta(seconds=late + scan.cadence_s), second - late - scan.cadence_s
        return Picture(
            "ok", _jpeg(scan.timezone, native_id, slot, shown), slot + timedelta(seconds=second - shown), "render"
        )
    if wrong and wrong.kind == "placeholder":
        return Picture("ok", render.encode(placeholder(), 70), slot, "render")
    jpeg = _jpeg(scan.timezone, native_id, slot, second, dark=bool(wrong and wrong.kind == "dark"))
    return Picture("ok", broken(jpeg, wrong.way) if wrong and wrong.kind == "broken" else jpeg, slot, "render")


def roads(scan: Scan) -> pa.Table:  # noqa: ARG001
    """Return the city's streets between junctions, both directions where both may be driven."""
    line, half = PARKWAY.line, PARKWAY.median_m / 2 + 3.5
    cross = float(MILL.line.along[np.argmin(((MILL.line.points - line.at(CROSS_M)) ** 2).sum(1))])
    off_m, on_m = SLIP_M[1:3]
    stretches = {
        ("west", "mill"): line.part(0, CROSS_M, half), ("mill", "west"): line.part(CROSS_M, 0, -half),
        ("mill", "exit"): line.part(CROSS_M, off_m, half), ("exit", "entrance"): line.part(off_m, on_m, half),
        ("entrance", "north"): line.part(on_m, line.length_m, half), ("north", "mill"): line.part(line.length_m, CROSS_M, -half),
        ("exit", "quay"): OFF.line.points, ("quay", "entrance"): ON.line.points,
        ("quay", "east"): QUAY.line.points, ("east", "quay"): QUAY.line.points[::-1],
        ("south", "mill"): MILL.line.part(0, cross), ("mill", "south"): MILL.line.part(cross, 0),
        ("mill", "hill"): MILL.line.part(cross, MILL.line.length_m), ("hill", "mill"): MILL.line.part(MILL.line.length_m, cross),
    }  # fmt: skip
    nodes = {
        "west": line.at(0), "mill": line.at(CROSS_M), "exit": line.at(off_m, half), "entrance": line.at(on_m, half),
        "north": line.at(line.length_m), "quay": QUAY.line.at(0),
    }  # fmt: skip
    rows = [_edge(start, end, points, nodes) for (start, end), points in stretches.items()]
    return ROADS.check(pa.Table.from_pylist(rows, ROADS.schema))


def _edge(start: str, end: str, points: Array, nodes: dict[str, Array]) -> dict[str, object]:
    """Return a row of `roads`, its ends drawn to the junctions."""
    points = np.vstack([nodes.get(start, points[0]), points[1:-1], nodes.get(end, points[-1])])
    length = float(np.hypot(*np.diff(points, axis=0).T).sum())
    wkb = shapely.to_wkb(shapely.LineString(lonlat(points).round(7)))
    return {"from_node": start, "to_node": end, "length_m": round(length, 2), "geometry": wkb}


def fingerprint(scan: Scan, window: Window | None) -> str:
    """Name the truth and the renderer; the list, the roads and every picture follow from them."""
    polled = "" if bursts.read(scan) is bursts.SWEEPS else f" {bursts.read(scan)}"
    return f"{_sources()} {scan.timezone} {scan.hours} {scan.cadence_s:g}{polled} {window or ''}".strip()


@lru_cache(maxsize=1)
def _sources() -> str:
    """Return the hash of the truth and of this package's program texts."""
    folder, digest = Path(__file__).parent, hashlib.sha256(render.VERSION.encode())
    for path in (traffic.TRUTH, *sorted(folder.glob("*.py"))):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _jpeg(timezone: str, native_id: str, slot: datetime, second: float, *, dark: bool = False) -> bytes:
    """Draw one picture with the clock of its slot."""
    station, seen = STATIONS[native_id], standing(native_id)
    clock = slot.astimezone(ZoneInfo(timezone))
    seed = render.seed_of(native_id, slot.isoformat())
    drift = 1 + 0.03 * np.sin(second / 97 + int(native_id))
    image = render.scene(seen, render.vehicles(seen, traffic.at(second)))
    shown = render.sensor(image, station.look, seed, 0.03 if dark else float(drift))
    if dark:
        shown = (shown // 12).astype(np.uint8)
    render.banner(shown, station, clock)
    return render.encode(shown, station.look.quality)


def _station(native_id: str) -> None:
    if native_id not in STATIONS:
        raise FeedError(f"demo: no camera {native_id!r}; choose from {sorted(STATIONS)}")


def _second(scan: Scan, slot: datetime) -> float:
    """Return seconds between the start of a slot's night and the slot."""
    return (slot - scan.starts_at(scan.night_of(slot))).total_seconds()


FEED = Feed(
    operator="Thoroughfare",
    licence="CC0-1.0 (simulated)",
    attribution="Simulated city; traffic made with Eclipse SUMO",
    terms_url="https://creativecommons.org/publicdomain/zero/1.0/",
    commercial=True,
    may_store_frames=True,
    cleared=True,
    min_interval_s=0.0,
    timestamps="rendered for the slot itself",
    cameras=cameras,
    slots=slots,
    picture=picture,
    roads=roads,
    fingerprint=fingerprint,
)
