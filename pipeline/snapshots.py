"""Fetch the planned observations of some cameras in one window: cameras -> snapshots."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from pipeline import feeds
from pipeline.feeds import Camera, Feed
from pipeline.scans import Scan, Window
from pipeline.tables import SNAPSHOTS


@dataclass(frozen=True)
class Clock:
    """The time that a live feed is polled by."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep


CLOCK = Clock()


def fetch(cameras: pa.Table, scan: Scan, window: Window) -> pa.Table:
    """Fetch every slot that the feed plans for the cameras in the window, in order of time.

    A live feed is polled as the window goes: each slot is asked for when it has come, until the window's end. A slot
    whose successor has already come, because the run began late or an answer took long, is missed: its picture is gone.

    Args:
        cameras: `cameras` rows to observe.
        scan: Tells the feed, and what it needs.
        window: UTC hour to observe.

    Returns:
        The `snapshots` table, one row per slot. A picture that did not come is a row too, with the reason as its status.
    """
    feed = feeds.load(scan.feed)
    listed = {row["camera_id"]: Camera.of(row) for row in cameras.to_pylist()}
    due = sorted((slot, id_) for id_, each in listed.items() for slot in feed.slots(scan, window, each.native_id))
    ask = _polled if feed.live else snapshot
    rows = [ask(feed, scan, id_, listed[id_], slot) for slot, id_ in due]
    return SNAPSHOTS.check(pa.Table.from_pylist(rows, schema=SNAPSHOTS.schema))


def snapshot(feed: Feed, scan: Scan, camera_id: str, camera: Camera, slot: datetime) -> dict[str, object]:
    """Fetch one slot as a row of `snapshots`.

    A live picture arrives when it does; recorded and rendered ones when they were taken, so that a re-run gives the same bytes.
    """
    picture = feed.picture(scan, camera, slot)
    arrived = CLOCK.now() if feed.live else picture.captured_at or slot
    return {
        "camera_id": camera_id,
        "slot_at": slot,
        "fetched_at": arrived if picture.jpeg is not None else None,
        "captured_at": picture.captured_at,
        "captured_at_source": picture.captured_at_source,
        "status": picture.status,
        "jpeg": picture.jpeg,
    }


def _polled(feed: Feed, scan: Scan, camera_id: str, camera: Camera, slot: datetime) -> dict[str, object]:
    """Wait for a slot's time and fetch it, unless the next slot's time has come."""
    if (early_s := (slot - CLOCK.now()).total_seconds()) > 0:
        CLOCK.sleep(early_s)
    if -(slot - CLOCK.now()).total_seconds() < max(scan.cadence_s, feed.min_interval_s):
        return snapshot(feed, scan, camera_id, camera, slot)
    nothing = dict.fromkeys(SNAPSHOTS.schema.names)
    return nothing | {
        "camera_id": camera_id, "slot_at": slot, "captured_at_source": "none", "status": "missed: asked too late",
    }  # fmt: skip
