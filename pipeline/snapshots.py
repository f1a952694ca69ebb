"""Fetch the planned observations of some cameras in one window: cameras -> snapshots."""

from datetime import datetime

import pyarrow as pa

from pipeline import feeds
from pipeline.feeds import Feed
from pipeline.scans import Scan, Window
from pipeline.tables import SNAPSHOTS


def fetch(cameras: pa.Table, scan: Scan, window: Window) -> pa.Table:
    """Fetch every slot that the feed plans for the cameras in the window.

    Args:
        cameras: `cameras` rows to observe.
        scan: Tells the feed, and what it needs.
        window: UTC hour to observe.

    Returns:
        The `snapshots` table, one row per slot. A picture that did not come is a row too, with the reason as its status.
    """
    feed = feeds.load(scan.feed)
    ids = zip(cameras["camera_id"].to_pylist(), cameras["native_id"].to_pylist(), strict=True)
    rows = [
        snapshot(feed, scan, camera_id, native_id, slot)
        for camera_id, native_id in sorted(ids)
        for slot in feed.slots(scan, window, native_id)
    ]
    return SNAPSHOTS.check(pa.Table.from_pylist(rows, schema=SNAPSHOTS.schema))


def snapshot(feed: Feed, scan: Scan, camera_id: str, native_id: str, slot: datetime) -> dict[str, object]:
    """Fetch one slot as a row of `snapshots`. Recorded and rendered pictures arrive when they were taken, so that a re-run gives the same bytes."""
    picture = feed.picture(scan, native_id, slot)
    return {
        "camera_id": camera_id,
        "slot_at": slot,
        "fetched_at": (picture.captured_at or slot) if picture.jpeg is not None else None,
        "captured_at": picture.captured_at,
        "captured_at_source": picture.captured_at_source,
        "status": picture.status,
        "jpeg": picture.jpeg,
    }
