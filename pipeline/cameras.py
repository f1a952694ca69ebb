"""List the cameras of a scan: feed -> cameras."""

import logging

import pyarrow as pa

from pipeline import feeds
from pipeline.errors import PrivacyError, SettingsError
from pipeline.feeds import Camera, Feed, Rejected
from pipeline.scans import Scan
from pipeline.tables import CAMERAS

log = logging.getLogger("thoroughfare")


def survey(scan: Scan) -> pa.Table:
    """Ask the scan's feed for its cameras and keep those the scan names (all where it names none).

    Args:
        scan: `feed`, `cameras`, `cadence_s`, `licence` and `attribution` are read.

    Returns:
        The `cameras` table; the feed's own licence and attribution stand before the scan's.

    Raises:
        PrivacyError: the feed's terms are not cleared for this use, and no permission is stated.
        SettingsError: the scan names a camera the feed does not list.
        FeedError: the feed's list cannot be read.
    """
    listed, rejected = register(scan)
    if rejected:
        log.warning(
            "feed %s: %d rows of its list are no cameras to observe; see `thoroughfare cameras %s --rejected`",
            scan.feed, len(rejected), scan.name,
        )  # fmt: skip
    return listed


def register(scan: Scan) -> tuple[pa.Table, list[Rejected]]:
    """Ask as `survey` does; return the `cameras` table and the rows of the feed's list that are none, with reasons."""
    feed = feeds.load(scan.feed)
    if not feed.cleared and not scan.permission.strip():
        raise PrivacyError(
            f"feed {scan.feed}: its terms ({feed.terms_url or feed.operator}) are not cleared for this use; ask its operator, "
            f"then state what you were allowed: --i-have-permission '...', or permission in [scan.{scan.name}]"
        )
    listing = feeds.listing(feed, scan)
    rows = [_row(camera, feed, scan) for camera in _chosen(listing.cameras, scan)]
    return CAMERAS.check(pa.Table.from_pylist(rows, schema=CAMERAS.schema)), listing.rejected


def _chosen(listed: list[Camera], scan: Scan) -> list[Camera]:
    """Keep the cameras the scan names; raise SettingsError for a name the feed does not list."""
    there = {camera.native_id for camera in listed}
    if unknown := sorted(set(scan.cameras) - there):
        raise SettingsError(f"scan {scan.name}: feed {scan.feed} has no cameras {unknown}; choose from {_some(there)}")
    return [camera for camera in listed if not scan.cameras or camera.native_id in scan.cameras]


def _some(natives: set[str]) -> str:
    """Name the cameras there are, the first dozen of many."""
    names = sorted(natives)
    return f"{names[:12]}" + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def _row(camera: Camera, feed: Feed, scan: Scan) -> dict[str, object]:
    """Build the row of a camera."""
    return {
        "camera_id": f"{scan.feed}:{camera.native_id}",
        "feed": scan.feed,
        "native_id": camera.native_id,
        "name": camera.name,
        "lon": camera.lon,
        "lat": camera.lat,
        "bearing_deg": camera.bearing_deg,
        "road": camera.road,
        "cadence_s": camera.cadence_s or scan.cadence_s,
        "licence": feed.licence or scan.licence,
        "attribution": feed.attribution or scan.attribution,
        "cleared": feed.cleared,
        "image_url": camera.image_url or None,
        "stream_url": camera.stream_url or None,
    }
