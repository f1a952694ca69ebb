"""Log every look at single vehicles, shown or refused, in a chain of hashes that tells when somebody has changed it.

An entry is a file of its own that is created once: it names the hash of the one before it and seals itself by its own
(a hash chain, as of Haber and Stornetta, J. Cryptology 3:99, 1991). Who can write the lake could forge the whole chain
again, or cut its end; so the head, the last number with its hash, is to be kept elsewhere, and `faults` is held against it.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from pipeline.errors import PrivacyError, SettingsError, StorageError
from pipeline.lake import Lake
from pipeline.scans import Scan

SINGLED_OUT = ("trajectories", "links")
"""Tables that show single vehicles on their way: read with a purpose only."""
LOG = "looks"
"""Folder of the log below a scan's."""
Entry = dict[str, Any]
"""`number`, `at` (UTC), `table`, `purpose`, `shown` (false where it was refused), `before` (hash of the entry before), `sha256`."""


@dataclass(frozen=True)
class Head:
    """How far a log went at some time."""

    number: int
    """Of its last entry; 0 where there is none."""
    sha256: str
    """Hash of that entry; of the scan's name where there is none."""

    @classmethod
    def of(cls, words: str) -> Self:
        """Read what `str` writes; raise SettingsError where it is none."""
        number, _, sha256 = words.partition(":")
        if not (number.isdecimal() and len(sha256) == 64 and set(sha256) <= set("0123456789abcdef")):
            raise SettingsError(f"head {words!r}: not NUMBER:SHA256; take it from `thoroughfare audit head`")
        return cls(int(number), sha256)

    def __str__(self) -> str:
        """Write it as NUMBER:SHA256."""
        return f"{self.number}:{self.sha256}"


def look(lake: Lake, scan: Scan, table: str, purpose: str, now: datetime) -> None:
    """Log a look at single vehicles before it is shown; a scan that is exempt, being nobody's, has no log.

    Raises:
        PrivacyError: no purpose is stated; that is logged too, wherever the lake can be written.
        StorageError: the look cannot be logged, so nothing is shown.
    """
    if table not in SINGLED_OUT or scan.exempt:
        return
    entry = {"at": now.astimezone(UTC).isoformat(timespec="microseconds"), "table": table, "purpose": purpose.strip()}
    if not entry["purpose"]:
        with suppress(StorageError):
            _append(lake, entry | {"shown": False})
        raise PrivacyError(
            f"{table} of {lake.scan} show single vehicles; state why with --purpose '...' (each look is logged), or use products"
        )
    _append(lake, entry | {"shown": True})


def entries(lake: Lake) -> list[Entry]:
    """Read the log, oldest first, whatever state it is in; what cannot be read is left to `faults`."""
    found = []
    for key in lake.storage.keys(LOG):
        with suppress(ValueError, FileNotFoundError):
            entry = json.loads(lake.storage.get(key))
            found += [entry] if isinstance(entry, dict) else []
    return found


def head(lake: Lake) -> Head:
    """Return the last entry's number and hash."""
    keys = lake.storage.keys(LOG)
    if not keys:
        return _genesis(lake)
    last = keys[-1].rpartition("/")[2].removesuffix(".json")
    return Head(int(last) if last.isdecimal() else len(keys), _hash(lake.storage.get(keys[-1])))


def faults(lake: Lake, known: Head | None = None) -> Iterator[str]:
    """Yield what shows that the log was changed: an entry edited, gone, put in, moved, or other than a known head.

    Without a head that was kept elsewhere, an end that was cut off and a chain forged from some entry to its end leave no trace.
    """
    before, heads = _genesis(lake), {0: _genesis(lake).sha256}
    for key in lake.storage.keys(LOG):
        content, where = lake.storage.get(key), f"{lake}/{key}"
        stem, number = key.rpartition("/")[2].removesuffix(".json"), before.number + 1
        if key != _key(number):
            yield f"{where}: not entry {number}, which should follow here; an entry was taken out, put in or renamed"
            number = int(stem) if stem.isdecimal() else number
        entry = _read(content)
        if entry is None:
            yield f"{where}: not as it was written; its bytes were changed"
        elif entry.get("number") != number or entry.get("before") != before.sha256:
            yield f"{where}: does not follow the entry before it; one of both was changed, taken out or put in"
        before = Head(number, _hash(content))
        heads[number] = before.sha256
    if known and heads.get(known.number) != known.sha256:
        there = f"its entry {known.number} is another" if known.number in heads else f"it ends at {before.number}"
        yield f"{lake}/{LOG}: not the log whose head was {known}: {there}"


def _append(lake: Lake, entry: Entry) -> None:
    """Write the next entry; where another is faster, the one after."""
    while True:
        last = head(lake)
        entry |= {"number": last.number + 1, "before": last.sha256}
        if lake.storage.put(_key(last.number + 1), _sealed(entry)):
            return


def _genesis(lake: Lake) -> Head:
    """Return the head of a log without entries."""
    return Head(0, _hash(f"{LOG} of {lake.scan}".encode()))


def _key(number: int) -> str:
    """Name the file of an entry."""
    return f"{LOG}/{number:08}.json"


def _sealed(entry: Entry) -> bytes:
    """Write an entry with the hash of itself."""
    bare = {name: value for name, value in entry.items() if name != "sha256"}
    return _line(bare | {"sha256": _hash(_line(bare))})


def _read(content: bytes) -> Entry | None:
    """Return an entry that is as it was written."""
    with suppress(ValueError, AttributeError):
        entry: Entry = json.loads(content)
        return entry if _sealed(entry) == content else None
    return None


def _line(entry: Entry) -> bytes:
    """Write JSON in one way only."""
    return (json.dumps(entry, sort_keys=True) + "\n").encode()


def _hash(content: bytes) -> str:
    """Return the SHA-256 of bytes."""
    return hashlib.sha256(content).hexdigest()
