"""List a camera's frames: their names as UTC times, their cadence, and the observations their gaps imply."""

import logging
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median
from zoneinfo import ZoneInfo

NAME = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)\.(?:jpe?g|mp4)", re.IGNORECASE | re.ASCII)
GAP = 1.75
"""A pause longer than this many cadences has lost observations in it."""
NEAR = timedelta(minutes=10)
"""Frames this close to an hour that the clocks run twice tell which pass of it was recorded."""
QUARTER = timedelta(minutes=15)
log = logging.getLogger("thoroughfare")


@dataclass(frozen=True, eq=False)
class Recording:
    """What the archive holds of one camera."""

    files: dict[datetime, str] = field(default_factory=dict)
    """File name of each frame by UTC time."""
    slots: tuple[datetime, ...] = ()
    """Times of frames and of the observations missing between them, UTC, ascending."""
    cadence_s: float | None = None
    """Mean seconds between frames, gaps left out; None for fewer than two frames."""
    hours: frozenset[datetime] = frozenset()
    """UTC hours with a frame, or in which a clip begins."""
    clips: dict[datetime, str] = field(default_factory=dict)
    """File name of each clip by the UTC time of its first frame."""


NOTHING = Recording()


@lru_cache(maxsize=4096)
def read(folder: Path, timezone: str, _changed_ns: int) -> Recording:
    """List a folder of frames once; names that are no times are left out, and said."""
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if not entry.name.startswith(".") and entry.is_file())
    stills, films = dict[datetime, str](), dict[datetime, str]()
    for name in names:
        if (at := _local(name)) is not None:
            (films if name.lower().endswith(".mp4") else stills).setdefault(at, name)
    taken = {*stills.values(), *films.values()}
    if odd := [name for name in names if name not in taken]:
        log.warning(
            "%s: %d files left out, such as %r; name them YYYYmmddTHHMMSS.jpg, clips .mp4", folder, len(odd), odd[0]
        )
    files, clips = (_utc(folder, local, timezone) for local in (stills, films))
    cadence_s = _cadence_s(list(files))
    hours = frozenset(at.replace(minute=0, second=0) for at in (*files, *clips))
    return Recording(files, tuple(_planned(list(files), cadence_s or 0.0)), cadence_s, hours, clips)


@lru_cache(maxsize=16)
def hours_of(recordings: tuple[Recording, ...]) -> frozenset[datetime]:
    """Join the hours of several cameras."""
    return frozenset().union(*(recording.hours for recording in recordings))


@lru_cache(maxsize=16)
def report_strangers(frames: Path, known: frozenset[str]) -> None:
    """Say once which folders of frames have no row in `cameras.csv`."""
    strangers = sorted(path.name for path in frames.iterdir() if path.is_dir() and path.name not in known)
    if strangers:
        log.warning("%s: left out, without a row in cameras.csv: %s", frames, strangers)


def _local(name: str) -> datetime | None:
    """Return the local time a file is named after."""
    if (match := NAME.fullmatch(name)) is None:
        return None
    try:
        return datetime(*(int(part) for part in match.groups()))  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError:
        return None


def _utc(folder: Path, local: dict[datetime, str], timezone: str) -> dict[datetime, str]:
    """Turn local times into UTC, ascending; hours that the clocks leave out or run twice are said."""
    twice = [at for at in local if _twice(at, timezone)]
    never = [at for at in local if _never(at, timezone)]
    later = bool(twice) and _second_pass(local, twice)
    if twice:
        which = "second, for only it joins on to other frames" if later else "first"
        log.warning(
            "%s: %d names from %s on fall in an hour that ran twice; taken as the %s pass",
            folder,
            len(twice),
            twice[0],
            which,
        )
    if never:
        log.warning(
            "%s: %d names from %s on fall in an hour that the clocks left out; not used", folder, len(never), never[0]
        )
    folds = dict.fromkeys(twice, int(later))
    found = {
        at - _offset(at, folds.get(at, 0), timezone): name for at, name in local.items() if not _never(at, timezone)
    }
    return {at.replace(tzinfo=UTC): found[at] for at in sorted(found)}


def _second_pass(local: Iterable[datetime], twice: list[datetime]) -> bool:
    """Tell whether frames join on after the repeated hour but not before it."""
    outside = set(local) - set(twice)
    before = any(timedelta(0) < min(twice) - at <= NEAR for at in outside)
    after = any(timedelta(0) < at - max(twice) <= NEAR for at in outside)
    return after and not before


def _twice(at: datetime, timezone: str) -> bool:
    """Tell whether the clocks show this local time twice."""
    return _offset(at, 0, timezone) > _offset(at, 1, timezone)


def _never(at: datetime, timezone: str) -> bool:
    """Tell whether the clocks leave this local time out."""
    return _offset(at, 0, timezone) < _offset(at, 1, timezone)


def _offset(at: datetime, fold: int, timezone: str) -> timedelta:
    """Return local minus UTC; asked once a quarter of an hour, in which no zone changes."""
    return _offset_of(at.replace(minute=at.minute // 15 * 15, second=0), fold, timezone)


@lru_cache(maxsize=2**16)
def _offset_of(quarter: datetime, fold: int, timezone: str) -> timedelta:
    return quarter.replace(tzinfo=ZoneInfo(timezone), fold=fold).utcoffset() or timedelta(0)


def _cadence_s(times: list[datetime]) -> float | None:
    """Return the mean of the gaps that are no pauses; the median of whole seconds alone would be off by up to one."""
    gaps = [(after - before).total_seconds() for before, after in pairwise(times)]
    if not gaps:
        return None
    usual = median(gaps)
    return fmean(gap for gap in gaps if gap <= GAP * usual)


def _planned(times: list[datetime], cadence_s: float) -> Iterator[datetime]:
    """Yield every frame's time and, in every pause, the observations that are missing; names are whole seconds."""
    longest = timedelta(seconds=GAP * cadence_s)
    for before, after in pairwise(times):
        yield before
        if after - before > longest + timedelta(seconds=min(1.0, cadence_s / 2)):
            parts = round((after - before).total_seconds() / cadence_s)
            yield from (before + (after - before) * part / parts for part in range(1, parts))
    yield from times[-1:]
