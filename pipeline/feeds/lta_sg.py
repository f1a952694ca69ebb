"""List Singapore's expressway cameras: each capture has an address of its own, so the list is asked before the pictures."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from pipeline import feeds
from pipeline.errors import FeedError
from pipeline.feeds import Camera, Due, Feed, Listing, Picture
from pipeline.feeds._lists import gather, records
from pipeline.feeds._rows import FieldError, Row
from pipeline.feeds._web import web
from pipeline.scans import Scan

BOUNDS = (103.55, 1.13, 104.15, 1.5)
MEDIA = "https://images.data.gov.sg/"
PATIENCE_S = 30.0
"""How long a picture asked for alone is waited for."""


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


def captured(content: bytes) -> dict[str, datetime]:
    """Tell when the newest capture of each camera was taken, UTC; those without a readable time are left out."""
    taken: dict[str, datetime] = {}
    for row in chain.from_iterable(_captures(batch) for batch in _batches(content)):
        at = _moment(_told(row, "timestamp"))
        if at and _told(row, "camera_id") not in taken:
            taken[_told(row, "camera_id")] = at
    return taken


def pictures(scan: Scan, due: Due, patience_s: float, seen: dict[str, Any]) -> list[Picture]:
    """Ask for the list, then for the captures it names; each was taken when the list says."""
    begun = time.monotonic()
    taken: dict[str, datetime] = {}
    listed = _listed(taken)
    assert listed.pictures
    try:
        newest = {each.native_id: each.image_url for each in feeds.listing(listed, scan).cameras}
    except FeedError:
        return [Picture("missed: its list did not come")] * len(due)
    asked = [(replace(each, image_url=newest[each.native_id]), slot) for each, slot in due if each.native_id in newest]
    left_s = max(patience_s - (time.monotonic() - begun), 0.0)
    came = dict(zip((each.native_id for each, _ in asked), listed.pictures(scan, asked, left_s, seen), strict=True))
    return [_dated(came.get(each.native_id), taken.get(each.native_id)) for each, _ in due]


def _batches(content: bytes) -> list[Row]:
    """Return an answer's batches, newest first; times are ISO 8601 texts of one zone."""
    return sorted(records("lta_sg", content, "items"), key=lambda batch: _told(batch, "timestamp"), reverse=True)


def _captures(batch: Row) -> list[Row]:
    """Return a batch's captures, none where they cannot be read."""
    try:
        return batch.rows("cameras")
    except FieldError:
        return []


def _told(row: Row, field: str) -> str:
    """Return a text, empty where it cannot be read: the row is rejected where it is read for good."""
    try:
        return row.text(field)
    except FieldError:
        return ""


def _moment(text: str) -> datetime | None:
    """Return an instant; None for a time without a zone, or none at all."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None


def _dated(picture: Picture | None, taken_at: datetime | None) -> Picture:
    """Return what came for one observation with the time the list gives it."""
    if picture is None:
        return Picture("missed: not in the newest list")
    if picture.jpeg is None or taken_at is None:
        return picture
    return replace(picture, captured_at=taken_at, captured_at_source="feed")


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


def _listed(taken: dict[str, datetime]) -> Feed:
    """Return the feed as others are: what its list says of times goes to `taken`."""

    def noted(content: bytes) -> Listing:
        listing = parse(content)
        taken.update(captured(content))
        return listing

    return web(
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
        lists=("https://api.data.gov.sg/v1/transport/traffic-images",),
        parse=noted,
        headers={"Accept": "application/json"},
        times="none",
    )


FEED = replace(
    _listed({}),
    pictures=pictures,
    picture=lambda scan, camera, slot: pictures(scan, [(camera, slot)], PATIENCE_S, {})[0],
)
