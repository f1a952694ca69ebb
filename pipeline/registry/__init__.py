"""Publish cameras: the lists of several scans as one registry, with licences, what was rejected and what is there twice."""

from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from typing import Any

import pyarrow as pa

from pipeline import cameras, feeds, geo
from pipeline.errors import SettingsError
from pipeline.feeds import Feed
from pipeline.scans import Scan
from pipeline.tables import CAMERAS

WITHIN_M = 25.0
"""Cameras of two registries this near to each other may be one (docs/registry.md)."""
APART_DEG = 60.0
"""Two views turned further from each other are two, wherever they hang."""
SCHEMA = CAMERAS.schema.append(
    pa.field("duplicate_of", pa.string(), metadata={"doc": "stable_id of the same camera in a registry named before"})
)
"""A row of a registry: one of `cameras`, and what it repeats."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Registry:
    """What is published."""

    cameras: pa.Table
    """Rows of SCHEMA by `stable_id`."""
    feeds: list[Row]
    """Each scan's feed with its terms, its attribution and what may be published of it, in the order asked for."""
    rejected: list[Row]
    """Every row of the feeds' lists that is no camera to observe, with its reason."""
    duplicates: list[Row]
    """Pairs of cameras of two registries that may be one, nearest first of each; `chosen` ones stand in `duplicate_of`."""


def collect(asked: list[Scan], listed_on: date, within_m: float = WITHIN_M) -> Registry:
    """Ask the feeds of some scans for their cameras.

    Args:
        asked: Scans; of cameras listed twice, the one of the scan named first counts.
        listed_on: Date to state.
        within_m: Metres between two cameras of different registries that may be one.

    Raises:
        PrivacyError: the terms of a feed are not cleared, and its scan holds no permission.
        FeedError: a list cannot be read; nothing is published then.
    """
    _refuse_twice(asked)
    rows: dict[str, Row] = {}
    order: dict[tuple[str, str], int] = {}
    rejected, facts = [], []
    for scan in asked:
        listed, others = cameras.register(scan)
        number = order.setdefault((scan.feed, scan.source), len(order))
        for row in listed.to_pylist():
            rows.setdefault(row["stable_id"], row | {"registry": number})
        rejected += [{"scan": scan.name, "feed": scan.feed, **vars(each)} for each in others]
        facts.append(_facts(scan, listed_on, listed.num_rows, len(others)))
    pairs = _pairs([row for _, row in sorted(rows.items())], within_m)
    first = _firsts(pairs)
    published = [row | {"duplicate_of": first.get(stable_id)} for stable_id, row in sorted(rows.items())]
    table = pa.Table.from_pylist(published, schema=SCHEMA)
    return Registry(table, facts, rejected, [_told(*pair, first) for pair in pairs])


def verdict(feed: Feed, scan: Scan) -> str:
    """Say what may be published of a feed's list, by its terms as we could read them."""
    if not feed.cleared:
        return f"not cleared: publish only what this permission allows: {scan.permission.strip()}"
    if not feed.licence:
        return (
            f"may be published as its licence says: {scan.licence}"
            if scan.licence
            else f"no licence is stated: publish nothing before licence stands in [scan.{scan.name}]"
        )
    return f"may be published with its attribution{'' if feed.commercial else ', not for commercial use'}"


def uncleared(asked: list[Scan]) -> list[str]:
    """Name the scans whose feed is not cleared and that hold no permission."""
    return [scan.name for scan in asked if not feeds.load(scan.feed).cleared and not scan.permission.strip()]


def _refuse_twice(asked: list[Scan]) -> None:
    names = [scan.name for scan in asked]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SettingsError(f"scans {twice} are named twice; name each once")


def _facts(scan: Scan, listed_on: date, listed: int, rejected: int) -> Row:
    """Return what travels with the cameras of a scan: whose they are, on what terms, and how many."""
    feed = feeds.load(scan.feed)
    return {
        "scan": scan.name,
        "feed": scan.feed,
        "operator": feed.operator,
        "verdict": verdict(feed, scan),
        **feeds.terms(scan),
        "timezone": feed.timezone or scan.timezone,
        "timestamps": feed.timestamps,
        "min_interval_s": feed.min_interval_s,
        "listed_on": listed_on,
        "cameras": listed,
        "rejected": rejected,
    }


Pair = tuple[Row, Row, float, float]
"""A camera, the one of an earlier registry that it may be, metres between them, likeness of their names 0..1."""


def _pairs(rows: list[Row], within_m: float) -> list[Pair]:
    """Return the pairs of cameras of two registries that may be one, likeliest first: equal names, then metres."""
    near, metres = geo.within([row["lon"] for row in rows], [row["lat"] for row in rows], within_m)
    found = []
    for (a, b), apart_m in zip(near.tolist(), metres.tolist(), strict=True):
        first, second = sorted((rows[a], rows[b]), key=lambda row: row["registry"])
        if first["registry"] != second["registry"] and not _turned(first, second):
            alike = SequenceMatcher(None, cameras.plain(first["name"]), cameras.plain(second["name"])).ratio()
            found.append((second, first, round(apart_m, 1), round(alike, 2)))
    return sorted(
        found, key=lambda pair: (pair[3] < 1.0, pair[2], -pair[3], pair[0]["stable_id"], pair[1]["stable_id"])
    )


def _turned(one: Row, other: Row) -> bool:
    """Tell whether two views are known to look elsewhere."""
    known = [row["bearing_deg"] for row in (one, other) if row["bearing_deg"] is not None]
    return len(known) == 2 and geo.turn_deg(*known) > APART_DEG


def _firsts(pairs: list[Pair]) -> dict[str, str]:
    """Choose what each camera repeats: one camera of a registry for one of another, and of several the first named."""
    taken: set[tuple[str, int]] = set()
    chosen: dict[str, tuple[int, str]] = {}
    for camera, first, *_ in pairs:
        ends = {(camera["stable_id"], first["registry"]), (first["stable_id"], camera["registry"])}
        if not ends & taken:
            taken |= ends
            known = (first["registry"], first["stable_id"])
            chosen[camera["stable_id"]] = min(known, chosen.get(camera["stable_id"], known))
    return {camera: _root(first, chosen) for camera, (_, first) in chosen.items()}


def _root(camera: str, chosen: dict[str, tuple[int, str]]) -> str:
    """Follow what a camera repeats to the one that repeats none."""
    while camera in chosen:
        camera = chosen[camera][1]
    return camera


def _told(camera: Row, first: Row, metres: float, alike: float, chosen: dict[str, str]) -> Row:
    """Return a pair as it is published."""
    return {
        "stable_id": camera["stable_id"],
        "other_id": first["stable_id"],
        "metres": metres,
        "names_alike": alike,
        "chosen": chosen.get(camera["stable_id"]) == first["stable_id"],
        "name": camera["name"],
        "other_name": first["name"],
        "camera_id": camera["camera_id"],
        "other_camera_id": first["camera_id"],
    }
