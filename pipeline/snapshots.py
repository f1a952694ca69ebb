"""Fetch the planned observations of some cameras in one window: cameras -> snapshots."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

import pyarrow as pa

from pipeline import feeds
from pipeline.feeds import Camera, Due, Feed, Picture
from pipeline.scans import Scan, Window
from pipeline.tables import SNAPSHOTS


@dataclass(frozen=True)
class Clock:
    """The time that a live feed is polled by."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep


CLOCK = Clock()
TOO_LATE = Picture("missed: asked too late")


def fetch(cameras: pa.Table, scan: Scan, window: Window) -> pa.Table:
    """Fetch every slot that the feed plans for the cameras in the window, in order of time.

    A live feed is polled as the window goes: what is due at one slot is asked for together when the slot has come, until
    the window's end. A slot whose successor has already come, because the run began late or an answer took long, is
    missed: its picture is gone.

    Args:
        cameras: `cameras` rows to observe.
        scan: Tells the feed, and what it needs.
        window: UTC hour to observe.

    Returns:
        The `snapshots` table, one row per slot. A picture that did not come is a row too, with the reason as its status:
        `missed: not modified` where the server says that it is the camera's last one still.
    """
    feed = feeds.load(scan.feed)
    listed = {row["camera_id"]: Camera.of(row) for row in cameras.to_pylist()}
    due = sorted((slot, id_) for id_, each in listed.items() for slot in feed.slots(scan, window, each.native_id))
    seen: dict[str, Any] = {}
    batches = []
    for slot, group in groupby(due, key=itemgetter(0)):
        ids = [id_ for _, id_ in group]
        asked = [(listed[id_], slot) for id_ in ids]
        pictures = _polled(feed, scan, asked, seen) if feed.live else [feed.picture(scan, *each) for each in asked]
        rows = [_row(feed, id_, slot, picture) for id_, picture in zip(ids, pictures, strict=True)]
        batches.append(pa.RecordBatch.from_pylist(rows, schema=SNAPSHOTS.schema))
    return SNAPSHOTS.check(pa.Table.from_batches(batches, schema=SNAPSHOTS.schema))


def snapshot(feed: Feed, scan: Scan, camera_id: str, camera: Camera, slot: datetime) -> dict[str, object]:
    """Fetch one slot of the past as a row of `snapshots`; a live feed shows none of them again."""
    return _row(feed, camera_id, slot, TOO_LATE if feed.live else feed.picture(scan, camera, slot))


def _polled(feed: Feed, scan: Scan, asked: Due, seen: dict[str, Any]) -> list[Picture]:
    """Wait for a slot's time and fetch what is due, unless the next slot's time has come."""
    slot = asked[0][1]
    ends_at = slot + timedelta(seconds=max(scan.cadence_s, feed.min_interval_s))
    if (early_s := (slot - CLOCK.now()).total_seconds()) > 0:
        CLOCK.sleep(early_s)
    if feed.pictures:
        patience_s = (ends_at - CLOCK.now()).total_seconds()
        return feed.pictures(scan, asked, patience_s, seen) if patience_s > 0 else [TOO_LATE] * len(asked)
    return [feed.picture(scan, *each) if CLOCK.now() < ends_at else TOO_LATE for each in asked]


def _row(feed: Feed, camera_id: str, slot: datetime, picture: Picture) -> dict[str, object]:
    """Return one slot as a row of `snapshots`.

    A live picture arrives when it does; recorded and rendered ones when they were taken, so that a re-run gives the same bytes.
    """
    arrived = picture.arrived_at or CLOCK.now() if feed.live else picture.captured_at or slot
    return {
        "camera_id": camera_id,
        "slot_at": slot,
        "fetched_at": arrived if picture.jpeg is not None else None,
        "captured_at": picture.captured_at,
        "captured_at_source": picture.captured_at_source,
        "status": picture.status,
        "jpeg": picture.jpeg,
    }
