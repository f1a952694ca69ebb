"""Read a folder of stills or clips: `cameras.csv` beside `frames/<camera>/<YYYYmmddTHHMMSS>.jpg` or `.mp4`.

Names are local times of the scan's timezone; a clip's is that of its first frame.
"""

import hashlib
import logging
from bisect import bisect_left
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from pipeline import bursts
from pipeline.errors import FeedError
from pipeline.feeds import Camera, Feed, Listing, Picture
from pipeline.feeds.archive import clips, graphml, listing, recordings
from pipeline.feeds.archive.recordings import Recording
from pipeline.scans import Scan, Window

PICTURE_LIMIT_BYTES = 8 * 2**20
"""No more of a file is read; `frames` calls such a picture broken."""
log = logging.getLogger("thoroughfare")


def cameras(scan: Scan) -> list[Camera]:
    """List the cameras of `cameras.csv`; a row that cannot be right is left out, and said.

    Columns: `camera` (or `camera_id`, `id`), `lat`, `lon` (or `latitude`, `longitude`, degrees WGS 84); optional `name`,
    `facing` (a compass point or degrees) or `bearing_deg`, `road`, `cadence_s`. Others are passed over. Where no cadence
    is given it is read off the frames.

    Raises:
        FeedError: no folder, no readable `cameras.csv`, a needed column is missing, no row is left, or no frame at all.
    """
    return register(scan).cameras


def register(scan: Scan) -> Listing:
    """List as `cameras` does, and every row that was left out with its reason."""
    listed = _listed(scan)
    recorded = {camera.native_id: _recording(scan, camera.native_id) for camera in listed.cameras}
    recordings.report_strangers(_frames(scan), frozenset(recorded))
    if not any(recording.files or recording.clips for recording in recorded.values()):
        raise FeedError(
            f"{_frames(scan)}: no frame of any camera of cameras.csv; add <camera>/<YYYYmmddTHHMMSS>.jpg, local times of {scan.timezone}"
        )
    step_s = clips.step_s(scan)
    read_off = {id_: step_s if each.clips else each.cadence_s for id_, each in recorded.items()}
    paced = [replace(each, cadence_s=each.cadence_s or read_off[each.native_id]) for each in listed.cameras]
    return Listing(paced, listed.rejected)


def slots(scan: Scan, window: Window, native_id: str) -> list[datetime]:
    """Plan the observations of a camera: the times of its frames, and one per cadence in every gap between them.

    A clip is as many as it has stills, `step_s` of `[scan.<name>.snapshots]` apart; between clips nothing is planned.

    Where the scan has bursts, only those that its sweeps and bursts would have come by: what would be known of a place
    if it had been polled so.

    Hours in which no camera of the archive has a frame were not recorded and have no slots; nor has the time before a
    camera's first frame or after its last.
    """
    recording = _recording(scan, native_id)
    first, last = (bisect_left(recording.slots, at) for at in (window.starts_at, window.ends_at))
    recorded = first < last and (window.hour_at in recording.hours or window.hour_at in hours(scan))
    there = list(recording.slots[first:last]) if recorded else []
    if recording.clips:
        folder, step_s = _frames(scan) / native_id, clips.step_s(scan)
        there = sorted({*there, *clips.slots(folder, recording.clips, window.starts_at, window.ends_at, step_s)})
    polled = bursts.read(scan) is not bursts.SWEEPS
    return bursts.thinned(there, bursts.slots(scan, window, native_id)) if polled else there


def picture(scan: Scan, camera: Camera, slot: datetime) -> Picture:
    """Read the frame of a slot; a file that is missing or unreadable is a value."""
    recording = _recording(scan, camera.native_id)
    name = recording.files.get(slot)
    if name is None:
        shown = clips.picture(_frames(scan) / camera.native_id, recording.clips, slot, clips.step_s(scan))
        return shown or Picture("missed: no file")
    try:
        with (_frames(scan) / camera.native_id / name).open("rb") as file:
            return Picture("ok", file.read(PICTURE_LIMIT_BYTES + 1), slot, "name")
    except OSError as error:
        return Picture(f"missed: {error.strerror or 'unreadable file'}")


def hours(scan: Scan) -> frozenset[datetime]:
    """Tell the UTC hours in which any camera of the archive has a frame."""
    return recordings.hours_of(tuple(_recording(scan, camera.native_id) for camera in _listed(scan).cameras))


def roads(scan: Scan) -> pa.Table:
    """Read the road graph named by `scan.roads`; empty where the scan names none or the file is not there."""
    return graphml.read(_folder(scan) / scan.roads) if scan.roads else graphml.NONE


def fingerprint(scan: Scan, window: Window | None) -> str:
    """Hash what the folder would answer: the list and the road file, or the planned slots and bytes of a window."""
    digest = hashlib.sha256()
    if window is None:
        digest.update(repr(cameras(scan)).encode())
        path = _folder(scan) / scan.roads
        digest.update(_digest(path).encode() if scan.roads and path.is_file() else b"-")
        return digest.hexdigest()
    for camera in _listed(scan).cameras:
        files, folder = _recording(scan, camera.native_id).files, _frames(scan) / camera.native_id
        for slot in slots(scan, window, camera.native_id):
            content = _digest(folder / files[slot]) if slot in files else "-"
            digest.update(f"{camera.native_id}\0{slot.isoformat()}\0{content}\n".encode())
        for at, name in _recording(scan, camera.native_id).clips.items():
            if at < window.ends_at and at + timedelta(seconds=clips.CLIP_S) >= window.starts_at:
                digest.update(f"{camera.native_id}\0{at.isoformat()}\0{_digest(folder / name)}\n".encode())
    return digest.hexdigest()


def _folder(scan: Scan) -> Path:
    """Return the scan's folder; FeedError where it is not one."""
    if not scan.source:
        raise FeedError(
            f"scan {scan.name}: an archive needs a folder; pass --source PATH or set source in settings.toml"
        )
    if not (folder := Path(scan.source).expanduser()).is_dir():
        raise FeedError(f"{folder}: no such folder; pass --source with the folder that holds cameras.csv and frames/")
    return folder


def _frames(scan: Scan) -> Path:
    """Return the folder of frames; FeedError where it is not there."""
    if not (folder := _folder(scan) / "frames").is_dir():
        raise FeedError(f"{folder}: no such folder; put the stills there as <camera>/<YYYYmmddTHHMMSS>.jpg")
    return folder


def _listed(scan: Scan) -> Listing:
    """Return what `cameras.csv` lists, read again only when the file has changed."""
    path = _folder(scan) / "cameras.csv"
    try:
        fact = path.stat()
    except OSError as error:
        raise FeedError(
            f"{path}: {error.strerror}; write one row per camera with the columns camera, lat, lon"
        ) from error
    return listing.read(path, scan.metric_crs, fact.st_mtime_ns, fact.st_size)


def _recording(scan: Scan, native_id: str) -> Recording:
    """Return what the archive holds of a camera, listed again only when its folder has changed."""
    folder = _frames(scan) / native_id
    try:
        return recordings.read(folder, scan.timezone, folder.stat().st_mtime_ns)
    except OSError:
        return recordings.NOTHING


def _digest(path: Path) -> str:
    """Hash a file's bytes, once per process for the same size and time of change."""
    try:
        fact = path.stat()
        return _digest_of(path, fact.st_size, fact.st_mtime_ns)
    except OSError as error:
        return f"unreadable: {error.strerror}"


@lru_cache(maxsize=2**18)
def _digest_of(path: Path, _size: int, _changed_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


FEED = Feed(
    operator="",
    licence="",
    attribution="",
    terms_url="",
    commercial=False,
    may_store_frames=True,
    cleared=True,
    min_interval_s=0.0,
    timestamps="file names: local time of the scan's timezone, whole seconds rounded down",
    cameras=cameras,
    listing=register,
    slots=slots,
    picture=picture,
    roads=roads,
    fingerprint=fingerprint,
)
"""The operator's own folder: its licence and attribution are those of the scan's settings, and travel with it."""
