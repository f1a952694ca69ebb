"""List the cameras of a scan: feed -> cameras."""

import hashlib
import logging
import re
import unicodedata
from base64 import b32encode
from collections import Counter

import numpy as np
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline import bursts, feeds, geo
from pipeline.errors import PrivacyError, SettingsError
from pipeline.feeds import Camera, Feed, Rejected
from pipeline.scans import Scan
from pipeline.tables import CAMERAS

PLACE_DECIMALS = 2
"""Of the degrees in a stable id: about a kilometre, so that a place that is surveyed again, or a pole moved, keeps its id."""
ID_LETTERS = 10
"""Of base 32 in a stable id: 50 bits, a chance of one in ten million that two of ten thousand cameras share one."""
POLE_M = 5.0
"""Cameras of one feed this near to each other hang on one pole, where the feed itself names none (docs/registry.md)."""
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
    ids = dict(zip((each.native_id for each in listing.cameras), identify(scan.feed, listing.cameras), strict=True))
    rows = [_row(camera, feed, scan) | ids[camera.native_id] for camera in _chosen(listing.cameras, scan)]
    return CAMERAS.check(pa.Table.from_pylist(rows, schema=CAMERAS.schema)), listing.rejected


def identify(feed: str, listed: list[Camera]) -> list[dict[str, str]]:
    """Give every camera of a feed's whole list its `stable_id` and its `site_id`; the order of the list does not matter.

    A stable id is made of the feed, the name without case, accents and signs, what tells views of one name apart, and
    the place to `PLACE_DECIMALS`. Cameras that share all of these are told apart by their native ids. A site is what
    the feed says; else all that are joined by steps of `POLE_M`, called by the least of their stable ids.
    """
    keys = [_key(camera) for camera in listed]
    shared = Counter(keys)
    stable = [
        _named(feed, *key, *([camera.native_id] if shared[key] > 1 else []))
        for key, camera in zip(keys, listed, strict=True)
    ]
    return [{"stable_id": id_, "site_id": site} for id_, site in zip(stable, _sites(feed, listed, stable), strict=True)]


def plain(name: str) -> str:
    """Return a name as stable ids hold it: without case, accents, signs and double spaces."""
    bare = "".join(each for each in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(each))
    return " ".join(re.findall(r"[^\W_]+", bare)) or name


def _key(camera: Camera) -> tuple[str, str, str, str]:
    """Return what a camera is known by when its native id is not."""
    lon, lat = (f"{round(degrees, PLACE_DECIMALS) + 0.0:.{PLACE_DECIMALS}f}" for degrees in (camera.lon, camera.lat))
    return plain(camera.name), camera.view, lon, lat


def _named(feed: str, *parts: str) -> str:
    """Return an id that follows from its parts."""
    digest = hashlib.sha256("\x1f".join((feed, *parts)).encode()).digest()
    return f"{feed}-{b32encode(digest).decode().lower()[:ID_LETTERS]}"


def _sites(feed: str, listed: list[Camera], stable: list[str]) -> list[str]:
    """Name the site of each camera."""
    places = np.array([(camera.lon, camera.lat) for camera in listed], dtype=np.float64).reshape(-1, 2)
    pairs, _ = geo.within(places[:, 0], places[:, 1], POLE_M)
    own = np.array([bool(camera.site) for camera in listed], dtype=bool)
    pairs = pairs[~own[pairs].any(axis=1)]
    joined = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(listed), len(listed)))
    _, group = connected_components(joined, directed=False)
    first: dict[int, str] = {}
    for id_, number in sorted(zip(stable, group.tolist(), strict=True)):
        first.setdefault(number, id_)
    return [
        f"{feed}:{camera.site}" if camera.site else first[number]
        for camera, number in zip(listed, group.tolist(), strict=True)
    ]


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
        "bearing_source": camera.bearing_source or None,
        "road": camera.road,
        "cadence_s": camera.cadence_s or bursts.closest_s(scan, camera.native_id),
        "licence": feed.licence or scan.licence,
        "attribution": feed.attribution or scan.attribution,
        "cleared": feed.cleared,
        "image_url": camera.image_url or None,
        "stream_url": camera.stream_url or None,
    }
