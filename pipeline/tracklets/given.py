"""Turn a scene of single-camera tracks into the first tables of the line."""

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline import cameras, scores, sightings
from pipeline.errors import SchemaError
from pipeline.feeds import Camera
from pipeline.tables import CAMERAS, DETECTIONS, FRAMES, ROADS, frame_id
from pipeline.tracklets import looks
from pipeline.tracklets.scene import FEED, Scene

if TYPE_CHECKING:
    from datetime import datetime


def tables(scene: Scene) -> dict[str, pa.Table]:
    """Return cameras, roads, frames, detections, embeddings and sightings of a scene.

    Raises:
        SchemaError: a file cannot be read as it must be, or no track is in it; names file and line.
    """
    boxes = _boxes(scene)
    names = sorted(set(boxes["camera_id"].to_pylist()) | {f"{FEED}:{each.native_id}" for each in scene.listed})
    known, frames = _cameras(scene, names), _frames(scene, boxes, names)
    detections, track = _detections(boxes)
    tracks = pa.table({"detection_id": detections["detection_id"], "track_id": track})
    return {
        "cameras": known,
        "roads": ROADS.empty(),
        "frames": frames,
        "detections": detections,
        "embeddings": looks.of(scene, detections, track),
        "sightings": sightings.take(known, frames, detections, tracks, sightings.Settings()),
    }


def _boxes(scene: Scene) -> pa.Table:
    """Read the boxes that count, with their track."""
    if not scene.tracks.exists():
        raise SchemaError(
            f"{scene.tracks}: no such file of tracks; name AI City text or a folder of <camera>/gt/gt.txt"
        )
    if scene.tracks.is_file() and scene.tracks.suffix in (".csv", ".json", ".parquet"):
        raise SchemaError(f"{scene.tracks}: tracks are AI City text or a folder of <camera>/gt/gt.txt; write them so")
    boxes = scores.read(scene.tracks, scene.naming).boxes
    shown = (boxes["x2_px"].to_numpy() > 0) & (boxes["y2_px"].to_numpy() > 0)
    boxes = boxes.filter(pa.array(shown & ~boxes["ignore"].to_numpy(zero_copy_only=False).astype(bool)))
    if not boxes.num_rows:
        raise SchemaError(f"{scene.tracks}: no box of a track in it; write `camera id frame x y w h` a line")
    keys = Counter(zip(*(boxes[name].to_pylist() for name in ("camera_id", "slot_at", "vehicle_id")), strict=True))
    (camera, at, track), n = keys.most_common(1)[0]
    if n > 1:
        raise SchemaError(f"{scene.tracks}: track {track} of {camera} has {n} boxes at {at:%H:%M:%S.%f}; leave one")
    return boxes


def _cameras(scene: Scene, names: list[str]) -> pa.Table:
    """Return the `cameras` table; a camera without a place stands where all do."""
    listed = {each.native_id: each for each in scene.listed}
    found = [listed.get(name, Camera(name, name, 0.0, 0.0)) for name in (each.partition(":")[2] for each in names)]
    ids = cameras.identify(FEED, found)
    rows = [
        {
            "camera_id": f"{FEED}:{each.native_id}", "feed": FEED, "native_id": each.native_id, "name": each.name,
            "lon": each.lon, "lat": each.lat, "bearing_deg": each.bearing_deg, "road": each.road,
            "bearing_source": each.bearing_source or None, "cadence_s": 1 / scene.frame_rate,
            "licence": "", "attribution": "", "cleared": True, "image_url": None, "stream_url": None,
        } | told
        for each, told in zip(found, ids, strict=True)
    ]  # fmt: skip
    return CAMERAS.check(pa.Table.from_pylist(rows, schema=CAMERAS.schema))


def _frames(scene: Scene, boxes: pa.Table, names: list[str]) -> pa.Table:
    """Return the `frames` table: every camera was looked at from frame 1 to the last that any has."""
    last: dict[str, datetime] = {}
    for camera, at in zip(boxes["camera_id"].to_pylist(), boxes["slot_at"].to_pylist(), strict=True):
        last[camera] = max(at, last.get(camera, at))
    slots = {name: (scene.naming.slot(name, 1, ""), scene.naming.slot(name, 2, "")) for name in names}
    n = max(round((last[name] - slots[name][0]) / (slots[name][1] - slots[name][0])) for name in last) + 1
    size = {name: _size(boxes.filter(pa.array([c == name for c in boxes["camera_id"].to_pylist()]))) for name in names}
    rows = [
        {
            "frame_id": frame_id(name, at), "camera_id": name, "slot_at": at, "captured_at": at,
            "captured_at_source": "clip", "width_px": size[name][0], "height_px": size[name][1], "sha256": None,
            "state": "ok", "reason": None, "view": None,
        }
        for name in names
        for at in (scene.naming.slot(name, number, "") for number in range(1, n + 1))
    ]  # fmt: skip
    return FRAMES.check(pa.Table.from_pylist(rows, schema=FRAMES.schema))


def _size(boxes: pa.Table) -> tuple[int, int]:
    """Return the least size of pictures that hold some boxes."""
    right, bottom = (int(np.ceil(boxes[name].to_numpy().max(initial=1))) for name in ("x2_px", "y2_px"))
    return right, bottom


def _detections(boxes: pa.Table) -> tuple[pa.Table, list[str]]:
    """Return the `detections` table and the track of each row."""
    rows, tracks, counted = [], [], Counter[str]()
    for box in boxes.to_pylist():
        frame = frame_id(box["camera_id"], box["slot_at"])
        name = f"{frame}#{counted[frame]:03d}"
        counted[frame] += 1
        # Trackers go on where a vehicle leaves the picture; a detection does not.
        corners = {each: max(box[each], 0.0) for each in ("x1_px", "y1_px", "x2_px", "y2_px")}
        told = {"detection_id": name, "frame_id": frame, "captured_at": box["slot_at"], "score": 1.0}
        rows.append(told | corners | {name: box[name] for name in ("camera_id", "label")})
        tracks.append(box["vehicle_id"])
    order = np.argsort([row["detection_id"] for row in rows], kind="stable")
    found = DETECTIONS.check(pa.Table.from_pylist([rows[place] for place in order], schema=DETECTIONS.schema))
    return found, [tracks[place] for place in order]
