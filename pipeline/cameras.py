"""List the cameras of a scan: feed -> cameras."""

import pyarrow as pa

from pipeline import feeds
from pipeline.errors import PrivacyError, SettingsError
from pipeline.feeds import Camera, Feed
from pipeline.scans import Scan
from pipeline.tables import CAMERAS


def survey(scan: Scan) -> pa.Table:
    """Ask the scan's feed for its cameras and keep those the scan names (all where it names none).

    Args:
        scan: `feed`, `cameras`, `cadence_s`, `licence` and `attribution` are read.

    Returns:
        The `cameras` table; the feed's own licence and attribution stand before the scan's.

    Raises:
        PrivacyError: the feed's terms are not cleared for this use.
        SettingsError: the scan names a camera the feed does not list.
        FeedError: the feed's list cannot be read.
    """
    feed = feeds.load(scan.feed)
    if not feed.cleared:
        raise PrivacyError(
            f"feed {scan.feed}: its terms ({feed.terms_url or feed.operator}) are not cleared for this use; "
            f"ask its operator, then set cleared in pipeline/feeds/{scan.feed}.py"
        )
    rows = [_row(camera, feed, scan) for camera in _chosen(feeds.listing(feed, scan).cameras, scan)]
    return CAMERAS.check(pa.Table.from_pylist(rows, schema=CAMERAS.schema))


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
    }
