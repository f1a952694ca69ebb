"""Tell the truth about the demo city's pictures: boxes, passes, and labelled examples to train on."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import cv2
import numpy as np
import pyarrow as pa

from pipeline import bursts
from pipeline.feeds.demo import render, traffic
from pipeline.feeds.demo.canvas import Image, Light
from pipeline.feeds.demo.city import STATIONS, Array, Lens, Look
from pipeline.feeds.demo.faults import fault_at
from pipeline.feeds.demo.scenery import View, view
from pipeline.scans import Scan
from pipeline.tables import TIME

BOXES = pa.schema(
    [
        pa.field("camera_id", pa.string()), pa.field("slot_at", TIME), pa.field("vehicle_id", pa.string()),
        pa.field("label", pa.string()), pa.field("x1_px", pa.float32()), pa.field("y1_px", pa.float32()),
        pa.field("x2_px", pa.float32()), pa.field("y2_px", pa.float32()), pa.field("visible_share", pa.float32()),
        pa.field("distance_m", pa.float32()), pa.field("heading_deg", pa.float32()), pa.field("speed_mps", pa.float32()),
        pa.field("fault", pa.string()),
    ]
)  # fmt: skip
"""One vehicle in one planned picture; `fault` is null where the picture shows it."""
VARIANTS = 16
"""Consecutive seeds that share one view of a camera in `example`, for drawing a view costs a second."""


@lru_cache(maxsize=16)
def standing(native_id: str) -> View:
    """Return the view of a camera as the feed shows it."""
    station = STATIONS[native_id]
    return view(station.lens, Light(), station.look.scenery, int(native_id))


def vehicle_id(number: int, turn: int = 0) -> str:
    """Name a vehicle of the truth; `turn` counts how often the truth has been repeated."""
    return f"v{number:04d}" + (f".{turn}" if turn else "")


def truth_boxes(scan: Scan, scan_date: date, cameras: tuple[str, ...] = ()) -> pa.Table:
    """Return every vehicle that a planned picture shows.

    Args:
        scan: A scan of this feed.
        scan_date: Local date on which the night begins.
        cameras: Native ids; empty for those of the scan.

    Returns:
        Rows of BOXES by camera, time and vehicle: boxes xyxy in pixels of 352 x 240 cut to the picture, at least 8 px
        high and over 0.3 visible (of what is within the picture; the rest is behind other vehicles or things). Rows where `fault` is not null happened unseen.
    """
    rows: list[tuple[object, ...]] = []
    for native_id in cameras or scan.cameras or tuple(STATIONS):
        for slot, second in planned(scan, scan_date, native_id):
            rows += _seen(native_id, slot, second)
    columns = [[row[number] for row in rows] for number in range(len(BOXES))]
    table = pa.table([pa.array(values, kind) for values, kind in zip(columns, BOXES.types, strict=True)], schema=BOXES)
    return table.sort_by([(name, "ascending") for name in ("camera_id", "slot_at", "vehicle_id")])


def planned(scan: Scan, scan_date: date, native_id: str) -> list[tuple[datetime, float]]:
    """Return a camera's slots of a night, UTC, with their seconds after its start."""
    first = scan.starts_at(scan_date)
    slots = (slot for window in scan.windows(scan_date) for slot in bursts.slots(scan, window, native_id))
    return [(slot, (slot - first).total_seconds()) for slot in slots]


def _seen(native_id: str, slot: datetime, second: float) -> list[tuple[object, ...]]:
    """Return the rows of one picture."""
    placed, wrong = traffic.at(second), fault_at(native_id, second % traffic.LASTS_S)
    drawn = render.vehicles(standing(native_id), placed)
    if not drawn:
        return []
    found, shares, kept = render.boxes(standing(native_id), drawn)
    rows: list[tuple[object, ...]] = []
    for box, share, each in zip(found, shares, (drawn[number] for number in kept), strict=True):
        name = vehicle_id(each.car.number, placed.turn)
        course = float(np.degrees(placed.heading[each.index])) % 360
        rows.append((f"demo:{native_id}", slot, name, each.car.label, *map(float, box), float(share), each.distance_m,
                     course, float(placed.speed[each.index]), wrong.kind if wrong else None))  # fmt: skip
    return rows


def true_passes(boxes: pa.Table) -> pa.Table:
    """Return each vehicle's passes of cameras in order of time, from `truth_boxes`; what faults hid is left out.

    Returns:
        Rows vehicle_id, pass_number, camera_id, entered_at, left_at, pictures: one pass is an unbroken stay of at most
        30 s between two pictures. Consecutive rows of one vehicle are the true links.
    """
    seen = boxes.filter(pa.compute.is_null(boxes["fault"])).select(["vehicle_id", "slot_at", "camera_id"])
    passes: list[dict[str, object]] = []
    last: dict[tuple[str, str], dict[str, object]] = {}
    for row in seen.sort_by([(name, "ascending") for name in seen.column_names]).to_pylist():
        key = (row["vehicle_id"], row["camera_id"])
        known = last.get(key)
        if known and row["slot_at"] - known["left_at"] <= timedelta(seconds=30):
            known |= {"left_at": row["slot_at"], "pictures": int(str(known["pictures"])) + 1}
            continue
        last[key] = {
            "vehicle_id": key[0],
            "camera_id": key[1],
            "entered_at": row["slot_at"],
            "left_at": row["slot_at"],
            "pictures": 1,
        }
        passes.append(last[key])
    schema = pa.schema([("vehicle_id", pa.string()), ("camera_id", pa.string()), ("entered_at", TIME), ("left_at", TIME),
                        ("pictures", pa.int32())])  # fmt: skip
    table = pa.Table.from_pylist(passes, schema)
    return table.sort_by([(name, "ascending") for name in ("vehicle_id", "entered_at", "camera_id")])


def example(
    native_id: str, slot: int, seed: int = 0, fleet: int = 0, least_px: float = 8.0
) -> tuple[Image, Array, list[str], list[str]]:
    """Render a labelled training picture with looks of its own.

    Args:
        native_id: Camera, a key of `STATIONS`.
        slot: Step of the truth, 0..599; two seconds each.
        seed: 0 for the feed's own look; else pose, scenery, sun, haze, colour cast, blur and noise vary with it.
            Sixteen consecutive seeds (seed // 16) share pose and scenery, of which the last few dozen are kept.
            Up to ten other moments' traffic is mixed in, where there is room.
        fleet: 0 for the feed's own vehicles; else every vehicle is repainted and remodelled. One vehicle id means one
            look within one fleet, over all cameras, slots and seeds.
        least_px: Lower vehicles get no box, though they are drawn.

    Returns:
        The picture (240, 352, 3) uint8 BGR, without banner in half of the seeds; boxes (n, 4) xyxy pixels; vehicle ids;
        labels of tables.LABELS.
    """
    seen = _varied(native_id, seed // VARIANTS) if seed else standing(native_id)
    station, chance = STATIONS[native_id], np.random.default_rng([seed, slot, int(native_id)])
    seconds = [slot * 2, *(2 * chance.integers(0, 600, int(chance.integers(0, 11)) if seed else 0))]
    drawn = render.vehicles(seen, traffic.together(seconds), fleet)
    found, _, kept = render.boxes(seen, drawn, least_px=least_px)
    look = _varied_look(station.look, chance) if seed else station.look
    picture = render.sensor(render.scene(seen, drawn), look, int(chance.integers(2**31)))
    if not seed or chance.random() < 0.5:
        render.banner(
            picture,
            replace(station, look=look),
            datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=float(slot * 6151 + seed)),
        )
    picture = np.asarray(
        cv2.imdecode(np.frombuffer(render.encode(picture, look.quality), np.uint8), cv2.IMREAD_COLOR), np.uint8
    )
    cars = [drawn[number].car for number in kept]
    return picture, found, [f"{vehicle_id(car.number)}/{fleet}" for car in cars], [car.label for car in cars]


@lru_cache(maxsize=48)
def _varied(native_id: str, variant: int) -> View:
    """Return a camera moved, turned and planted differently, under another sky."""
    station, chance = STATIONS[native_id], np.random.default_rng([variant, int(native_id)])
    lens = station.lens
    moved = Lens(
        lens.x_m + chance.normal(0, 1.5), lens.y_m + chance.normal(0, 1.5), lens.height_m * chance.uniform(0.75, 1.35),
        lens.yaw_deg + chance.normal(0, 5), lens.pitch_deg + chance.normal(1, 3), lens.focal_px * chance.uniform(0.75, 1.5),
        chance.normal(0, 1.5),
    )  # fmt: skip
    cloudy, dusk = chance.random() < 0.35, chance.random() < 0.2
    direct = 0.0 if cloudy else chance.uniform(0.3, 0.75)
    bright = chance.uniform(0.35, 0.6) if dusk else 1.0
    blue, green, red = np.array((206, 200, 194) if cloudy else (216, 180, 142)) * bright * chance.uniform(0.85, 1.1)
    light = Light(
        azimuth_deg=chance.uniform(0, 360),
        elevation_deg=chance.uniform(18, 65),
        direct=direct * bright,
        ambient=(0.95 if cloudy else 0.55) * bright * chance.uniform(0.85, 1.1),
        haze=float(chance.gamma(1.2, 0.25)),
        sky=(int(blue), int(green), int(red)),
    )
    kind = str(chance.choice(["park", "town", "water", "works"]))
    return view(moved, light, kind, int(chance.integers(2**31)))


def _varied_look(look: Look, chance: np.random.Generator) -> Look:
    """Return other optics, sensor and compression."""
    cast = chance.normal(1, 0.05, 3) * chance.uniform(0.8, 1.2)
    return Look(
        (float(cast[0]), float(cast[1]), float(cast[2])), float(chance.uniform(0.65, 1.2)), float(chance.uniform(-15, 35)),
        float(chance.uniform(0.2, 1.1)), float(np.round(chance.uniform(1.0, 5.0) * 2) / 2), int(chance.integers(45, 82)),
        str(chance.choice(["black", "plain", "grey"])), look.scenery,
    )  # fmt: skip
