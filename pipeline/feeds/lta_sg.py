"""List Singapore's expressway cameras: each capture has an address of its own, so the list is asked before the pictures."""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.feeds import Camera, Due, Gone, Listing, Picture
from pipeline.feeds._asking import Once, Source, listed
from pipeline.feeds._lists import gather, readings, records
from pipeline.feeds._past import UNKNOWN, Taken, read, recall, split
from pipeline.feeds._rows import FieldError, Row
from pipeline.feeds._web import AHEAD, sweep, web
from pipeline.scans import Scan

BOUNDS = (103.55, 1.13, 104.15, 1.5)
LIST = "https://api.data.gov.sg/v1/transport/traffic-images"
MEDIA = "https://images.data.gov.sg/"
ZONE = ZoneInfo("Asia/Singapore")
"""`date_time` is local, without a zone."""
BATCHES_MIN = range(1, 6)
"""Minutes back at which the list is also asked who is there: one answer may hold one batch of a few cameras."""
TEN_YEARS_S = 10 * 365.25 * 86400.0


def parse(content: bytes) -> Listing:
    """Read the cameras of an answer's batches, newest batch first; FeedError names what is not as it was.

    A camera of an older batch counts where no newer batch has it: an answer may hold one batch of many.
    """
    seen: set[str] = set()

    def unseen(batch: Row) -> list[Row]:
        fresh = [row for row in batch.rows("cameras") if _told(row, "camera_id") not in seen]
        seen.update(_told(row, "camera_id") for row in fresh)
        seen.discard("")
        return fresh

    return gather("lta_sg", _batches(content), lambda row: row.native("camera_id"), _camera, BOUNDS, unseen)


def captures(content: bytes) -> dict[str, list[Taken]]:
    """Tell every capture of each camera in an answer; FeedError names what is not as it was, times without a zone too."""
    known: dict[str, list[Taken]] = defaultdict(list)
    for camera, taken in readings("lta_sg", _batches(content), _capture, lambda batch: batch.rows("cameras")):
        known[camera].append(taken)
    return dict(known)


def pictures(source: Source, scan: Scan, due: Due, patience_s: float, seen: dict[str, Any]) -> list[Picture]:
    """Ask for the list, once for all that are due, then for the captures it names; each was taken when the list says."""
    begun = time.monotonic()
    known = _lists((scan.source, due[0][1]), lambda: read(lambda: captures(listed(source, scan, LIST))))
    if isinstance(known, Picture):
        return [known] * len(due)
    newest = {name: max(taken, key=lambda each: each.at) for name, taken in known.items()}
    asked = [(replace(each, image_url=newest[each.native_id].url), at) for each, at in due if each.native_id in newest]
    left_s = max(patience_s - (time.monotonic() - begun), 0.0)
    came = iter(sweep(source, scan, asked, left_s, seen))
    gone = Picture("missed: not in the newest list")
    return [_dated(next(came), newest[each.native_id]) if each.native_id in newest else gone for each, _ in due]


def past(source: Source, scan: Scan, gone: Sequence[Gone], patience_s: float) -> list[Picture]:
    """Ask for the list of each slot, then for the captures that all of them name: one may hold a batch of a few cameras."""
    until = time.monotonic() + patience_s
    lists, faults = split({each.slot for each in gone}, partial(_captures_at, source, scan, until))
    known: dict[str, list[Taken]] = defaultdict(list)
    for name, taken in chain.from_iterable(captured.items() for captured in lists.values()):
        known[name] += taken
    came = recall(source, scan, gone, known, until)
    return [
        faults.get(each.slot, picture) if picture is UNKNOWN else picture
        for each, picture in zip(gone, came, strict=True)
    ]


def earlier() -> tuple[str, ...]:
    """Name the list as it was in the last minutes."""
    now = datetime.now(UTC).replace(microsecond=0)
    return tuple(_list_at(now - timedelta(minutes=minutes)) for minutes in BATCHES_MIN)


_lists: Once[dict[str, list[Taken]] | Picture] = Once()


def _list_at(moment: datetime) -> str:
    """Return the address of the list as it was at an instant."""
    return f"{LIST}?date_time={moment.astimezone(ZONE):%Y-%m-%dT%H:%M:%S}"


def _captures_at(source: Source, scan: Scan, until: float, slot: datetime) -> dict[str, list[Taken]] | Picture:
    """Ask for the list as it was at a slot."""
    url = _list_at(slot)
    return _lists((scan.source, url), lambda: read(lambda: captures(listed(source, scan, url, until))))


def _batches(content: bytes) -> list[Row]:
    """Return an answer's batches, newest first; times are ISO 8601 texts of one zone."""
    return sorted(records("lta_sg", content, "items"), key=lambda batch: _told(batch, "timestamp"), reverse=True)


def _told(row: Row, field: str) -> str:
    """Return a text, empty where it cannot be read: the row is rejected where it is read for good."""
    try:
        return row.text(field)
    except FieldError:
        return ""


def _dated(picture: Picture, taken: Taken) -> Picture:
    """Return what came for one observation with the time the list gives it; none where that is yet to come."""
    if picture.jpeg is None or (picture.arrived_at and taken.at > picture.arrived_at + AHEAD):
        return picture
    return replace(picture, captured_at=taken.at, captured_at_source="feed")


def _capture(row: Row) -> tuple[str, Taken]:
    """Return a camera and one of its captures."""
    return row.native("camera_id"), Taken(row.moment("timestamp"), row.address("image", MEDIA))


def _camera(row: Row) -> Camera:
    """Build a camera; the feed gives it neither name nor bearing."""
    row.name("timestamp")
    return Camera(
        native_id=row.native("camera_id"),
        name=row.native("camera_id"),
        lon=row.number("location.longitude"),
        lat=row.number("location.latitude"),
        image_url=row.address("image", MEDIA),
    )


FEED = web(
    operator="Land Transport Authority of Singapore, by data.gov.sg",
    licence="Singapore Open Data Licence 1.0",
    attribution="Contains information from the Land Transport Authority's Traffic Images, accessed from data.gov.sg and made available under the terms of the Singapore Open Data Licence version 1.0",
    terms_url="https://data.gov.sg/open-data-licence",
    commercial=True,
    may_store_frames=False,
    cleared=True,
    min_interval_s=60.0,
    timestamps="the list gives each capture's time; an address is of one capture alone",
    timezone="Asia/Singapore",
    metric_crs="EPSG:3414",
    cadence_s=60.0,
    requests_per_minute=None,
    hosts=("https://api.data.gov.sg", "https://images.data.gov.sg"),
    bounds=BOUNDS,
    lists=(LIST,),
    parse=parse,
    earlier=earlier,
    headers={"Accept": "application/json"},
    times="none",
    pictures=pictures,
    past=past,
    history_s=TEN_YEARS_S,
    history_step_s=60.0,
)
