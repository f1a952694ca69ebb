"""List TfL's JamCams as clips: some ten seconds of each camera about every five minutes, cut into stills."""

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from pipeline import bursts, decoder
from pipeline.errors import SettingsError
from pipeline.feeds import Camera, Due, Listing, Picture, _asking, tfl_jamcams
from pipeline.feeds._asking import Source
from pipeline.feeds._lists import gather, records
from pipeline.feeds._rows import Row
from pipeline.feeds._web import told, web
from pipeline.scans import Scan, Window

MIN_INTERVAL_S = 240.0
LEAST_STEP_S, MOST_CLIP_S = 0.04, 60.0
"""A frame of 25 a second; longer clips have not been seen."""
CLIP_BYTES = 2 * 2**20
"""A clip has some 72 kB."""
AT_A_TIME = 16
"""Clips held at once: each is cut as soon as it and those beside it have come."""
LATE_S = 1.0
"""What is due together is begun within so many seconds, at random."""
SHORT = Picture("missed: the clip is shorter")
UNREADABLE = "missed: the clip cannot be decoded"


def parse(content: bytes) -> Listing:
    """Read the places of an answer that have a clip; FeedError names what is not as it was."""
    places = records("tfl_clips", content, "")
    return gather("tfl_clips", places, lambda place: place.native("id"), _camera, tfl_jamcams.BOUNDS, tfl_jamcams.keyed)


@dataclass(frozen=True)
class Burst:
    """The slots that one clip answers: one each step, from the cycle's start."""

    first: datetime
    """Start of the night, UTC: cycles are counted from it."""
    cycle: timedelta
    step: timedelta
    stills: int

    @classmethod
    def of(cls, scan: Scan, moment: datetime) -> "Burst":
        """Return that of a night; SettingsError names a setting that makes no sense."""
        if bursts.SECTION in scan.stages:
            raise SettingsError(
                f"scan {scan.name}: feed {scan.feed} gives a burst a clip; leave [scan.{scan.name}.bursts] out"
            )
        settings = scan.settings("snapshots", _asking.Settings)
        if not LEAST_STEP_S <= settings.step_s <= settings.clip_s <= MOST_CLIP_S:
            raise SettingsError(
                f"settings [scan.{scan.name}.snapshots]: step_s = {settings.step_s:g} and clip_s = {settings.clip_s:g} must be "
                f"from {LEAST_STEP_S:g} to {MOST_CLIP_S:g}, and clip_s not below step_s; mend them"
            )
        cycle = timedelta(seconds=max(scan.cadence_s, _asking.interval_s(scan, MIN_INTERVAL_S)))
        step = timedelta(seconds=settings.step_s)
        stills = timedelta(seconds=settings.clip_s) // step
        return cls(scan.starts_at(scan.night_of(moment)), cycle, step, stills)

    def number(self, slot: datetime) -> int:
        """Return which still of its clip answers a slot, from 0."""
        number = (slot - self.begun(slot)) // self.step
        return number if number < self.stills else 0  # of a moment that was not planned, the first

    def begun(self, slot: datetime) -> datetime:
        """Return the start of the cycle that an instant is in."""
        return self.first + (slot - self.first) // self.cycle * self.cycle


def slots(scan: Scan, window: Window, _native_id: str) -> list[datetime]:
    """Plan the stills of the clips that are due in a window, all cameras alike."""
    burst = Burst.of(scan, window.starts_at)
    begins = burst.begun(window.starts_at - timedelta(microseconds=1)) + burst.cycle
    planned = []
    while begins < window.ends_at:
        planned += [begins + number * burst.step for number in range(burst.stills)]
        begins += burst.cycle
    return [slot for slot in planned if slot < window.ends_at]


def asked_at(scan: Scan, slot: datetime) -> datetime:
    """Tell when a clip is asked for: when the last of its slots has gone by."""
    burst = Burst.of(scan, slot)
    return burst.begun(slot) + burst.stills * burst.step


def pictures(source: Source, scan: Scan, due: Due, patience_s: float, seen: dict[str, Any]) -> list[Picture]:
    """Ask for one clip a camera, few at a time, and give each of its slots the still of its place."""
    begun, burst = time.monotonic(), Burst.of(scan, due[0][1])
    cameras = iter({camera.native_id: camera for camera, _ in due}.values())
    cut: dict[str, Cut] = {}
    while some := list(islice(cameras, AT_A_TIME)):
        left_s = max(patience_s - (time.monotonic() - begun), 0.0)
        asked = [(camera, camera.image_url) for camera in some]
        came = _asking.pictures(source, scan, asked, left_s, seen, LATE_S, limit_bytes=CLIP_BYTES)
        cut |= {each.native_id: _cut(told(source, answer), burst) for each, answer in zip(some, came, strict=True)}
    return [cut[camera.native_id].at(burst.number(slot)) for camera, slot in due]


@dataclass(frozen=True)
class Cut:
    """A clip cut into stills."""

    stills: dict[int, Picture]
    """By their number in the burst."""
    rest: Picture
    """What the burst's other slots are."""

    def at(self, number: int) -> Picture:
        """Return what one slot has."""
        return self.stills.get(number, self.rest)


def _cut(clip: Picture, burst: Burst) -> Cut:
    """Cut what came for a camera: the last still was taken when the clip was stored, the others as long before as it shows."""
    if clip.jpeg is None:
        return Cut({}, clip)
    step_s = burst.step.total_seconds()
    stills = decoder.stills(clip.jpeg, step_s)
    if not stills:
        return Cut({}, Picture(UNREADABLE, arrived_at=clip.arrived_at))
    pictures: dict[int, Picture] = {}
    for seconds, jpeg in stills:
        picture = replace(clip, jpeg=jpeg)
        if clip.captured_at:
            at = clip.captured_at - timedelta(seconds=stills[-1][0] - seconds)
            picture = replace(picture, captured_at=at, captured_at_source="clip")
        pictures.setdefault(int(seconds / step_s + 1e-6), picture)
    return Cut(pictures, SHORT)


def _camera(place: Row) -> Camera:
    """Build the camera of a place; what is asked for is its clip."""
    return replace(
        tfl_jamcams.camera(place), image_url=place.address("additionalProperties.videoUrl", tfl_jamcams.MEDIA)
    )


_TFL = tfl_jamcams.FEED
FEED = web(
    operator=_TFL.operator,
    licence=_TFL.licence,
    attribution=_TFL.attribution,
    terms_url=_TFL.terms_url,
    commercial=_TFL.commercial,
    may_store_frames=_TFL.may_store_frames,
    cleared=_TFL.cleared,
    min_interval_s=MIN_INTERVAL_S,
    timestamps="Last-Modified is when the clip was stored, seconds after its end; its stills are dated back from it and are exact among themselves",
    timezone=_TFL.timezone,
    metric_crs=_TFL.metric_crs,
    cadence_s=_TFL.cadence_s,
    clip_s=10.0,
    requests_per_minute=None,
    hosts=_TFL.hosts,
    bounds=tfl_jamcams.BOUNDS,
    lists=tfl_jamcams.LISTS,
    parse=parse,
    headers={"Accept": "application/json"},
    times="last_modified",
    kinds=("mp4",),
    slots=slots,
    pictures=pictures,
    asked_at=asked_at,
)
