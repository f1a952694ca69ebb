"""Cut the clips of an archive (`frames/<camera>/<YYYYmmddTHHMMSS>.mp4`) into stills, each a planned observation."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from pipeline import decoder
from pipeline.errors import SettingsError
from pipeline.feeds import Picture
from pipeline.scans import Scan

STEP_S = (0.02, 60.0)
"""Between these a scan may say how far apart stills are; each costs a detection."""
CLIP_BYTES, CLIP_S = 32 * 2**20, 120.0
"""What the decoder takes: of a longer clip only its beginning is cut, a larger one not at all."""
MOST_STILLS = 600
HELD = 16
"""Clips held decoded: cameras of a shard may be asked in turn."""
log = logging.getLogger("thoroughfare")


@dataclass(frozen=True)
class Settings:
    """How clips are cut, from `[scan.<name>.snapshots]`."""

    step_s: float = 0.1
    """Seconds between two stills of a clip; 0.04 takes every frame of 25 a second."""


def step_s(scan: Scan) -> float:
    """Return how far apart a scan wants stills; SettingsError where that makes no sense."""
    step = scan.settings("snapshots", Settings).step_s
    if not STEP_S[0] <= step <= STEP_S[1]:
        raise SettingsError(
            f"settings [scan.{scan.name}.snapshots]: step_s = {step:g} must be from {STEP_S[0]:g} to {STEP_S[1]:g}; mend it"
        )
    return float(step)


def slots(folder: Path, clips: dict[datetime, str], starts: datetime, ends: datetime, step: float) -> list[datetime]:
    """Plan the stills of the clips that show a time from `starts` to before `ends`; a clip without any has its first instant."""
    near = [at for at in clips if starts - timedelta(seconds=CLIP_S) <= at < ends]
    planned = {at + timedelta(seconds=second) for at in near for second in _seconds(folder / clips[at], step) or (0.0,)}
    return sorted(slot for slot in planned if starts <= slot < ends)


def picture(folder: Path, clips: dict[datetime, str], slot: datetime, step: float) -> Picture | None:
    """Return the still of a slot; None where no clip shows it. A clip that cannot be cut is a value."""
    earlier = [at for at in clips if timedelta(0) <= slot - at <= timedelta(seconds=CLIP_S)]
    for at in sorted(earlier, reverse=True):
        path = folder / clips[at]
        for second, jpeg in _stills(path, step):
            if at + timedelta(seconds=second) == slot:
                return Picture("ok", jpeg, slot, "clip")
        if at == slot:
            return Picture(f"missed: {_fault(path)}")
    return None


def _fault(path: Path) -> str:
    """Say why nothing was cut from a clip."""
    try:
        size = path.stat().st_size
    except OSError as error:
        return error.strerror or "unreadable file"
    if size > CLIP_BYTES:
        return f"the clip is above {CLIP_BYTES >> 20} MiB"
    return "the clip cannot be decoded" if size else "the clip is empty"


def _seconds(path: Path, step: float) -> tuple[float, ...]:
    """Return when the stills of a clip are, seconds from its start."""
    try:
        fact = path.stat()
    except OSError:
        return ()
    return _seconds_of(path, step, fact.st_size, fact.st_mtime_ns)


@lru_cache(maxsize=2**14)
def _seconds_of(path: Path, step: float, size: int, changed_ns: int) -> tuple[float, ...]:
    found = tuple(second for second, _ in _stills_of(path, step, size, changed_ns))
    if not found:
        log.warning("%s: %s; give an mp4 (H.264 or MPEG-4) of %g s at most", path, _fault(path), CLIP_S)
    elif found[-1] + 2 * step > CLIP_S or len(found) == MOST_STILLS:
        log.warning(
            "%s: cut to its first %.1f s; split it into clips of %g s, or raise step_s", path, found[-1], CLIP_S
        )
    return found


def _stills(path: Path, step: float) -> tuple[tuple[float, bytes], ...]:
    """Return the stills of a clip and their seconds from its start; none where it cannot be cut."""
    try:
        fact = path.stat()
        return _stills_of(path, step, fact.st_size, fact.st_mtime_ns)
    except OSError:
        return ()


@lru_cache(maxsize=HELD)
def _stills_of(path: Path, step: float, size: int, _changed_ns: int) -> tuple[tuple[float, bytes], ...]:
    if not 0 < size <= CLIP_BYTES:
        return ()
    # slots are told to the millisecond in the names of frames
    return tuple((round(second, 3), jpeg) for second, jpeg in decoder.stills(path.read_bytes(), step))
