"""Follow each vehicle through one camera's frames: cameras, frames, detections -> sightings."""

from collections.abc import Callable, Iterator
from hashlib import blake2s
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline import tables
from pipeline.motion import Ints
from pipeline.sightings import clips, given, speeds, stills, ways
from pipeline.sightings.seen import Followed, Seen, gather
from pipeline.sightings.settings import Settings

__all__ = ["Settings", "take", "track"]


def track(cameras: pa.Table, frames: pa.Table, detections: pa.Table, settings: Settings) -> pa.Table:
    """Join the detections of each camera into sightings: one vehicle passing once.

    How is chosen by the camera's cadence: in a clip boxes of one vehicle overlap and a tracker library follows them
    (`clips`); stills some seconds apart are joined by the camera's own flow (`stills`); slower than that each detection
    is a sighting of its own, and its `motion` says `lone`.

    Args:
        cameras: `tables.CAMERAS`; `bearing_deg` turns `away` and its like into compass points.
        frames: `tables.FRAMES`; usable ones without a vehicle tell how long it was not seen, the others tell nothing.
        detections: `tables.DETECTIONS`, in any order.
        settings: Trust in links, and the points by which cameras are calibrated.

    Returns:
        `tables.SIGHTINGS`; each detection is in at most one row, and in exactly one while `min_frames` is 1.

    Raises:
        SettingsError: a calibration cannot be right.
    """

    def follow(seen: Seen) -> Followed:
        room = clips if seen.cadence_s < settings.clip_cadence_s else stills
        followed: Followed = room.follow(seen, settings)
        return followed

    return _table(cameras, frames, detections, follow, settings)


def take(cameras: pa.Table, frames: pa.Table, detections: pa.Table, tracks: pa.Table, settings: Settings) -> pa.Table:
    """Take the tracks of another tracker for sightings; headings, motion and all else are told as `track` does.

    Args:
        cameras: `tables.CAMERAS`.
        frames: `tables.FRAMES`.
        detections: `tables.DETECTIONS`.
        tracks: `detection_id` and `track_id`, which need hold at one camera only; a detection without stands alone.
        settings: Trust in what stands still, and the points by which cameras are calibrated.

    Returns:
        `tables.SIGHTINGS`, one row a track.
    """
    track_of = dict(zip(tracks["detection_id"].to_pylist(), tracks["track_id"].to_pylist(), strict=True))
    return _table(cameras, frames, detections, lambda seen: given.follow(seen, track_of, settings), settings)


def _table(
    cameras: pa.Table,
    frames: pa.Table,
    detections: pa.Table,
    follow: Callable[[Seen], Followed],
    settings: Settings,
) -> pa.Table:
    """Return the sightings of all cameras, each camera's detections joined by `follow`."""
    known = {row["camera_id"]: row for row in cameras.to_pylist()}
    rows: list[dict[str, Any]] = []
    for camera_id in sorted(set(detections["camera_id"].to_pylist())):
        followed = follow(gather(frames, detections, camera_id))
        rows += _rows(followed, camera_id, known.get(camera_id, {}), settings)
    views = dict(zip(frames["frame_id"].to_pylist(), frames["view"].to_pylist(), strict=True))
    rows = [row | {"view": views.get(row["detection_ids"][0].rpartition("#")[0])} for row in rows]
    return tables.SIGHTINGS.check(pa.Table.from_pylist(rows, schema=tables.SIGHTINGS.schema))


def _rows(followed: Followed, camera_id: str, camera: dict[str, Any], settings: Settings) -> Iterator[dict[str, Any]]:
    """Yield the sightings of one camera."""
    seen, paths, bearing_deg = followed.seen, followed.paths, camera.get("bearing_deg")
    way, shares = ways.ways(seen, paths)
    carriageway = ways.carriageways(seen, paths, way)
    cut = seen.ground.cut(seen.boxes)
    speed = speeds.measure(followed, camera, settings)
    for number, path in enumerate(paths):
        if len(path) < settings.min_frames:
            continue
        sure = float(np.prod(followed.sureness[path[1:]])) if len(path) > 1 else 0.5 * float(seen.scores[path[0]])
        yield {
            "sighting_id": blake2s(f"{camera_id} {seen.ids[path[0]]}".encode(), digest_size=8).hexdigest(),
            "camera_id": camera_id,
            "label": _vote(seen, path),
            "entered_at": int(seen.times[path[0]]),
            "left_at": int(seen.times[path[-1]]),
            "heading": ways.heading(way[number], bearing_deg),
            "motion": _motion(followed, path, settings),
            "detection_ids": [seen.ids[each] for each in path],
            "quality": round(sure * shares[number], 4),
            "carriageway": int(carriageway[number]) or None,
            "cut": bool(cut[path[0]] or cut[path[-1]]),
        } | speed.get(number, {})


def _motion(followed: Followed, path: Ints, settings: Settings) -> str:
    """Tell whether a vehicle passed, stood for a while, was parked, or was seen once, maybe where none can be followed."""
    seen, standing = followed.seen, followed.still[path]
    if len(path) == 1:
        apart = np.diff(seen.seconds, prepend=-np.inf, append=np.inf)[seen.frame[path[0]] :][:2]
        return "single" if apart.min() < settings.slowest_cadence_s else "lone"
    if not np.any(standing >= 0):
        return "moving"
    stays = max(np.ptp(seen.seconds[seen.frame[path[standing == each]]]) for each in np.unique(standing[standing >= 0]))
    return "parked" if stays >= settings.parked_s else "stopped"


def _vote(seen: Seen, path: Ints) -> str:
    """Return the label of the greatest total score, the first by name among equals."""
    total: dict[str, float] = {}
    for each in path:
        total[seen.labels[each]] = total.get(seen.labels[each], 0.0) + float(seen.scores[each])
    return max(sorted(total), key=lambda label: total[label])
