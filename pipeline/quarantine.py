"""Keep the ledger of pictures that kill whatever reads them, find them, and leave them out by name from then on.

`<lake>/quarantine/date=YYYY-MM-DD/hour=HH/` holds one small record for each: its camera, slot, hash and reason, never
the picture. A record is named by its bytes and never changes.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import PurePosixPath

import pyarrow as pa

from pipeline.errors import IntegrityError
from pipeline.lake import Lake, Place

FOLDER = "quarantine"
Key = tuple[str, datetime]
"""Camera and slot."""


@dataclass(frozen=True, order=True)
class Entry:
    """One picture that is never read again."""

    camera_id: str
    slot_at: datetime
    sha256: str
    """Of its bytes, by which an operator who has them may know them."""
    reason: str
    """Begins with `quarantined: `, by which `frames` knows it for broken."""

    def to_bytes(self) -> bytes:
        """Return the record's bytes: sorted JSON."""
        return (json.dumps(asdict(self) | {"slot_at": self.slot_at.isoformat()}, sort_keys=True) + "\n").encode()


@dataclass(frozen=True)
class Span:
    """Pictures from one key to another, both included, in order of camera and slot."""

    first: Key
    last: Key
    pictures: int


def read(lake: Lake, place: Place) -> tuple[Entry, ...]:
    """Read the ledger of a window; raise IntegrityError where a record is not as it was written."""
    found = []
    for key in lake.storage.keys(_folder(place)):
        content = lake.storage.get(key)
        if PurePosixPath(key).name != _name(content):
            raise IntegrityError(
                f"{lake}/{key}: its bytes are not those written; restore it, or delete it to try again"
            )
        note = json.loads(content)
        found.append(Entry(**note | {"slot_at": datetime.fromisoformat(note["slot_at"])}))
    return tuple(sorted(found))


def add(lake: Lake, place: Place, entry: Entry) -> None:
    """Write an entry into the ledger of a window."""
    content = entry.to_bytes()
    lake.storage.put(f"{_folder(place)}/{_name(content)}", content)


def entry(snapshots: pa.Table, key: Key, reason: str) -> Entry:
    """Describe a picture by its key and hash, without decoding it."""
    content = snapshots["jpeg"][keys(snapshots).index(key)].as_py()
    return Entry(*key, hashlib.sha256(content).hexdigest(), f"quarantined: {reason}")


def keys(snapshots: pa.Table) -> list[Key]:
    """List the keys of snapshots, in their order."""
    return list(zip(snapshots["camera_id"].to_pylist(), snapshots["slot_at"].to_pylist(), strict=True))


def pictured(snapshots: pa.Table) -> list[Key]:
    """List the keys of the snapshots that have a picture, sorted."""
    return sorted(keys(snapshots.filter(snapshots["jpeg"].is_valid())))


def blanked(snapshots: pa.Table, ledger: Iterable[Entry], only: Span | None = None) -> pa.Table:
    """Take the pictures in the ledger, and those outside a span, away; their status says why."""
    named = {(each.camera_id, each.slot_at): each.reason for each in ledger}
    if not named and only is None:
        return snapshots
    at = keys(snapshots)
    gone = [
        named.get(key) or ("missed: not probed" if only and not only.first <= key <= only.last else None) for key in at
    ]
    status = [reason or was for reason, was in zip(gone, snapshots["status"].to_pylist(), strict=True)]
    shown = pa.array([reason is None for reason in gone])
    jpeg = pa.compute.if_else(shown, snapshots["jpeg"], None)
    return _with(_with(snapshots, "status", status), "jpeg", jpeg)


def culprits(suspects: list[Key], kills: Callable[[list[Span]], list[bool]]) -> list[Key]:
    """Find the pictures that kill alone, by halving.

    Args:
        suspects: Keys, sorted.
        kills: Tells of some spans whether reading one kills a worker.

    Returns:
        The keys that do; empty where all together do not, or only several at once.
    """
    found, parts = [], [suspects] if suspects else []
    while parts:
        deadly = [part for part, dead in zip(parts, kills([_span(part) for part in parts]), strict=True) if dead]
        found += [part[0] for part in deadly if len(part) == 1]
        parts = [half for part in deadly if len(part) > 1 for half in _halves(part)]
    return found


def _halves(part: list[Key]) -> tuple[list[Key], list[Key]]:
    """Cut a list in the middle."""
    middle = len(part) // 2
    return part[:middle], part[middle:]


def _span(part: list[Key]) -> Span:
    """Name a list of keys by its ends."""
    return Span(part[0], part[-1], len(part))


def _with(rows: pa.Table, name: str, column: pa.Array | list[str]) -> pa.Table:
    """Put another column in the place of one."""
    where = rows.schema.get_field_index(name)
    return rows.set_column(
        where,
        rows.schema.field(name),
        pa.array(column, rows.schema.field(name).type) if isinstance(column, list) else column,
    )


def _folder(place: Place) -> str:
    """Where the ledger of a window lies."""
    return Place(FOLDER, place.date, place.hour).folder


def _name(content: bytes) -> str:
    """Name a record by its bytes."""
    return f"{hashlib.sha256(content).hexdigest()[:16]}.json"
