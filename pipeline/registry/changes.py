"""Tell two days of a registry apart: what was added, is gone, was moved, renamed, renumbered, or changed its facts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from pipeline import cameras, geo, upkeep
from pipeline.errors import SchemaError
from pipeline.lake import Lake
from pipeline.registry import Row

KINDS = ("added", "gone", "moved", "renamed", "renumbered", "changed")
FACTS = (
    "stable_id",
    "bearing_deg",
    "road",
    "cadence_s",
    "licence",
    "attribution",
    "cleared",
    "image_url",
    "stream_url",
)
"""What is told as `changed`."""
MOVED_M = 1.0
"""Less is a list's rounding, not a move."""
NEAR_M = 250.0
"""A native id with another name further off than this was given to another camera."""
CADENCE_SHARE = 0.1
"""A cadence that differs by less is the same: some feeds state a running mean."""


@dataclass(frozen=True)
class Change:
    """One thing that differs."""

    kind: str
    """One of KINDS."""
    stable_id: str
    """Of the later day; of the earlier where the camera is gone."""
    camera_id: str
    """Of the same day as `stable_id`."""
    name: str
    fact: str
    """Column that differs; empty where the whole camera was added or is gone."""
    was: Any
    now: Any
    metres: float | None = None
    """How far it was moved."""


def of_night(lake: Lake, scan_date: date) -> pa.Table:
    """Read the cameras of a night; WindowNotFoundError names the nights there are."""
    listed = upkeep.night(lake, scan_date, "cameras")
    if listed["stable_id"].null_count:
        raise SchemaError(
            f"lake {lake}: the cameras of {scan_date} were listed before they had ids of ours; compare later nights"
        )
    return listed


def diff(before: pa.Table, after: pa.Table, reasons: dict[str, str] | None = None) -> list[Change]:
    """Compare two lists of cameras, by our ids first, then by the operator's.

    Args:
        before: `cameras` of the earlier day, or a registry's.
        after: The same of the later day.
        reasons: Why rows of the later day's lists are no cameras, as `reasons_of` has them.

    Returns:
        Changes by kind, then by camera and fact.
    """
    pairs, gone, added = _matched(before.to_pylist(), after.to_pylist())
    changes = [Change("added", row["stable_id"], row["camera_id"], row["name"], "", None, None) for row in added]
    for row in gone:
        why = (reasons or {}).get(row["camera_id"], (reasons or {}).get(row["feed"]))
        changes.append(Change("gone", row["stable_id"], row["camera_id"], row["name"], "", None, why))
    for old, new in pairs:
        changes += _changes(old, new)
    return sorted(changes, key=lambda each: (KINDS.index(each.kind), each.camera_id, each.fact))


def reasons_of(rejected: list[Row]) -> dict[str, str]:
    """Say why cameras of a day are gone, by `camera_id`; by feed where one of its lists did not come."""
    lost = {row["feed"]: "one of its feed's lists did not come" for row in rejected if "://" in row["native_id"]}
    return lost | {f"{row['feed']}:{row['native_id']}": row["reason"] for row in rejected}


def counts(changes: list[Change]) -> dict[str, int]:
    """Count the changes of each kind."""
    return {kind: sum(each.kind == kind for each in changes) for kind in KINDS}


def _matched(before: list[Row], after: list[Row]) -> tuple[list[tuple[Row, Row]], list[Row], list[Row]]:
    """Return the cameras of both days in pairs, those that are gone and those that were added."""
    pairs = []
    for key in ("stable_id", "camera_id"):
        known = {row[key]: row for row in before}
        found = [(known[row[key]], row) for row in after if row[key] in known and _same(known[row[key]], row)]
        pairs += found
        before = _without(before, [old for old, _ in found])
        after = _without(after, [new for _, new in found])
    return pairs, before, after


def _without(rows: list[Row], taken: list[Row]) -> list[Row]:
    """Return the rows that are not taken."""
    ids = {row["stable_id"] for row in taken}
    return [row for row in rows if row["stable_id"] not in ids]


def _same(old: Row, new: Row) -> bool:
    """Tell whether two rows of one id are one camera: of one name, or near each other."""
    return cameras.plain(old["name"]) == cameras.plain(new["name"]) or _metres(old, new) <= NEAR_M


def _place(row: Row) -> str:
    return f"{row['lat']:.6f}, {row['lon']:.6f}"


def _metres(old: Row, new: Row) -> float:
    return round(float(geo.haversine_m(old["lon"], old["lat"], new["lon"], new["lat"])), 1)


def _changes(old: Row, new: Row) -> Iterator[Change]:
    """Yield what differs between two days of one camera."""
    who = (new["stable_id"], new["camera_id"], new["name"])
    if (metres := _metres(old, new)) >= MOVED_M:
        yield Change("moved", *who, "place", _place(old), _place(new), metres)
    if old["name"] != new["name"]:
        yield Change("renamed", *who, "name", old["name"], new["name"])
    if old["native_id"] != new["native_id"]:
        yield Change("renumbered", *who, "native_id", old["native_id"], new["native_id"])
    for fact in FACTS:
        if old.get(fact) != new.get(fact) and not _alike(fact, old.get(fact), new.get(fact)):
            yield Change("changed", *who, fact, old.get(fact), new.get(fact))


def _alike(fact: str, was: Any, now: Any) -> bool:
    """Tell whether a running mean is what it was."""
    return fact == "cadence_s" and abs(was - now) <= CADENCE_SHARE * was
