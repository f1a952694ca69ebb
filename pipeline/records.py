"""Name what lies in a lake: places, files and the sealed records that say which files are part of it."""

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Any, Self


@dataclass(frozen=True, order=True)
class Place:
    """Where one window's, or one night's, table lies."""

    table: str
    date: date
    """UTC date of a window; local date on which a night begins."""
    hour: int | None = None
    """UTC hour of a window; None for a night."""

    @classmethod
    def of(cls, table: str, hour_at: datetime) -> Self:
        """Return where the table of the window that begins in an hour, UTC, lies."""
        return cls(table, hour_at.date(), hour_at.hour)

    @property
    def folder(self) -> str:
        """Path below the scan's folder."""
        hour = "" if self.hour is None else f"/hour={self.hour:02d}"
        return f"{self.table}/date={self.date.isoformat()}{hour}"


@dataclass(frozen=True)
class File:
    """One Parquet file of a commit."""

    part: int
    """Shard it holds; of a merged file, the first."""
    name: str
    sha256: str
    rows: int
    size_bytes: int


@dataclass(frozen=True)
class Origin:
    """What a compacted commit was made from: the same rows in the same order, in more files."""

    revision: int
    files: tuple[File, ...]


@dataclass(frozen=True)
class Commit:
    """One commit record: what is part of the lake, and what it was made from."""

    table: str
    revision: int
    files: tuple[File, ...]
    lineage: dict[str, Any]
    """Inputs, code, settings, model and environment that these files follow from."""
    origin: Origin | None = None
    """Where its files are merged ones."""

    @property
    def rows(self) -> int:
        """Rows in all files."""
        return sum(file.rows for file in self.files)

    @property
    def parts(self) -> tuple[File, ...]:
        """The files as its stage wrote them, one a shard, though they may be merged since."""
        return self.origin.files if self.origin else self.files

    @property
    def digest(self) -> str:
        """Hash of the contents, by which later stages name this input; the same before and after compaction."""
        return digest([(file.part, file.sha256) for file in self.parts])

    def slices(self, part: int | None = None) -> list[tuple[File, int, int]]:
        """Say where the rows of one part, or of all, lie: file, first row in it, number of rows."""
        if part is None or self.origin is None:
            return [(file, 0, file.rows) for file in self.files if part in (None, file.part)]
        found = []
        for each in (each for each in self.parts if each.part == part):
            file = max((file for file in self.files if file.part <= part), key=lambda file: file.part)
            before = sum(other.rows for other in self.parts if file.part <= other.part < part)
            found.append((file, before, each.rows))
        return found

    def to_bytes(self) -> bytes:
        """Return the record's bytes: sorted JSON, no clock in it."""
        return sealed({name: value for name, value in asdict(self).items() if name != "origin" or value})


Written = list[tuple[str, File]]
"""Files with the tables they belong to."""


def digest(value: Any) -> str:
    """Return the SHA-256 of a JSON-able value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def sealed(note: dict[str, Any]) -> bytes:
    """Write a record with the hash of itself: a JSON file has no checksum of its own."""
    return (json.dumps(note | {"seal": digest(note)}, indent=1, sort_keys=True) + "\n").encode()


def unsealed(content: bytes) -> dict[str, Any] | None:
    """Read a record; None unless it is, to the byte, what was written."""
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        note: dict[str, Any] = json.loads(content)
        del note["seal"]
        if sealed(note) == content:
            return note
    return None


def commit_of(note: dict[str, Any]) -> Commit:
    """Build a commit from its record."""
    origin = note.get("origin")
    came_from = Origin(origin["revision"], _files(origin["files"])) if origin else None
    return Commit(note["table"], note["revision"], _files(note["files"]), note["lineage"], came_from)


def record(place: Place, revision: int, kind: str = "commit") -> str:
    """Return where a commit's record lies, or the marker that its files expired."""
    return f"{place.folder}/{record_name(revision, kind)}"


def record_name(revision: int, kind: str = "commit") -> str:
    """Name a commit's record, or the marker that its files expired, in its place."""
    return f"{kind}-r{revision}.json"


def held_record(place: Place, part: int, made_from: str) -> str:
    """Name the record of a held part."""
    return f"{place.folder}/part-{part:04d}-{made_from[:16]}.json"


def place_of(folder: PurePosixPath) -> Place | None:
    """Read a place back from its path; None where it is none."""
    table = [part for part in folder.parts if "=" not in part]
    keys = dict(part.split("=", 1) for part in folder.parts if "=" in part)
    with suppress(ValueError, KeyError):
        hour = int(keys["hour"]) if "hour" in keys else None
        place = Place("/".join(table), date.fromisoformat(keys["date"]), hour)
        return place if place.folder == str(folder) else None
    return None


def _files(notes: list[dict[str, Any]]) -> tuple[File, ...]:
    """Build the files that a record names."""
    return tuple(File(**note) for note in notes)
