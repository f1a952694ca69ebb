"""Lay the boxes of a night's sightings out as trackers write them: camera, frame, track, corner and size."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.exports import Night

XYXY = ("x1_px", "y1_px", "x2_px", "y2_px")


@dataclass(frozen=True)
class Tracked:
    """One camera's tracks."""

    camera_id: str
    name: str
    """Name without blanks or slashes."""
    rows: pa.Table
    """frame (from 1), track, left, top, width, height; by frame and track."""
    frames: int
    """Planned frames of the night."""
    starts_s: float
    """Seconds after the first frame of all at which its first was planned."""
    frame_rate: float
    """Planned frames a second."""
    size_px: tuple[int, int]


def tracked(night: Night) -> list[Tracked]:
    """Return the tracks of every camera that was planned, in the order of their ids.

    A track is one sighting: one vehicle at one camera. Its number is no other camera's, so that nobody reads the same
    vehicle at two cameras out of it.
    """
    frames = _numbered(night.table("frames"))
    boxes = _boxes(night, frames)
    named = names(night.cameras)
    zero = pc.min(frames["slot_at"]).as_py()
    found = []
    for camera_id in sorted(set(frames["camera_id"].to_pylist())):
        own = frames.filter(pc.field("camera_id") == camera_id)
        slots = own["slot_at"].cast(pa.int64()).to_numpy()
        step_s = float(np.median(np.diff(slots))) / 1e6 if len(slots) > 1 else 0.0
        sizes = [int(pc.max(own[each]).as_py() or 0) for each in ("width_px", "height_px")]
        rows = boxes.filter(pc.field("camera_id") == camera_id).drop_columns(["camera_id"])
        starts_s = (own["slot_at"][0].as_py() - zero).total_seconds()
        rate = round(1 / step_s, 6) if step_s else 0.0
        found.append(Tracked(camera_id, named[camera_id], rows, own.num_rows, starts_s, rate, (sizes[0], sizes[1])))
    return found


def names(cameras: pa.Table) -> dict[str, str]:
    """Name each camera by its native id, or by our own id where that holds what a path or a blank-separated line cannot."""
    rows = cameras.select(["camera_id", "native_id", "stable_id"]).to_pylist()
    return {row["camera_id"]: row["native_id"] if _plain(row["native_id"]) else row["stable_id"] for row in rows}


def _plain(name: str) -> bool:
    """Tell whether a name can stand in a path and between blanks."""
    return name[:1].isalnum() and all(letter.isalnum() or letter in "-_." for letter in name) and name.isascii()


def _numbered(frames: pa.Table) -> pa.Table:
    """Number each camera's planned frames from 1, as readers of counted files do."""
    rows = frames.sort_by([("camera_id", "ascending"), ("slot_at", "ascending")])
    code = rows["camera_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    starts = np.flatnonzero(np.diff(code, prepend=-1))
    number = np.arange(len(code)) - np.repeat(starts, np.diff(starts, append=len(code))) + 1
    columns = ["frame_id", "camera_id", "slot_at", "width_px", "height_px"]
    return rows.select(columns).append_column("frame", pa.array(number, pa.int64()))


def _boxes(night: Night, frames: pa.Table) -> pa.Table:
    """Return every box of a sighting with its frame's number and its track's."""
    seen = night.table("sightings").sort_by(
        [("camera_id", "ascending"), ("entered_at", "ascending"), ("sighting_id", "ascending")]
    )
    listed = seen["detection_ids"].combine_chunks()
    track = pc.add(pc.list_parent_indices(listed), 1).cast(pa.int64())
    owners = pa.table({"detection_id": listed.flatten(), "track": track})
    boxes = night.table("detections").select(["detection_id", "frame_id", "camera_id", *XYXY])
    boxes = boxes.join(owners, "detection_id", join_type="inner").join(
        frames.select(["frame_id", "frame"]), "frame_id", join_type="inner"
    )
    x1, y1, x2, y2 = (boxes[name].to_numpy().astype(np.float64) for name in XYXY)
    sides = {"left": x1, "top": y1, "width": x2 - x1, "height": y2 - y1}
    made = {name: boxes[name] for name in ("camera_id", "frame", "track")}
    made |= {name: pa.array(np.round(side, 2)) for name, side in sides.items()}
    return pa.table(made).sort_by([("camera_id", "ascending"), ("frame", "ascending"), ("track", "ascending")])
