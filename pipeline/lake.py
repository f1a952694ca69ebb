"""Commit, read, drop and prove the files of the lake: readers see a window's table whole or not at all.

`<root>/<scan>/<table>/date=YYYY-MM-DD/hour=HH/` holds Parquet files named by their bytes beside `commit-r1.json`, the
record that makes them part of the lake. The record is created only if absent, after every file is on disk; equal inputs
give equal bytes, changed inputs a new revision. Parts of a commit to come are held by `part-NNNN-....json`, so that
what was done before a crash is not done again.
"""

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import IntegrityError, WindowNotFoundError
from pipeline.storage import open_storage
from pipeline.tables import TABLES

ROWS_IN_GROUP = 10_000


@dataclass(frozen=True, order=True)
class Place:
    """Where one window's, or one night's, table lies."""

    table: str
    date: date
    """UTC date of a window; local date on which a night begins."""
    hour: int | None = None
    """UTC hour of a window; None for a night."""

    @property
    def folder(self) -> str:
        """Path below the scan's folder."""
        hour = "" if self.hour is None else f"/hour={self.hour:02d}"
        return f"{self.table}/date={self.date.isoformat()}{hour}"


@dataclass(frozen=True)
class File:
    """One Parquet file of a commit."""

    part: int
    """Shard it holds."""
    name: str
    sha256: str
    rows: int
    size_bytes: int


@dataclass(frozen=True)
class Commit:
    """One commit record: what is part of the lake, and what it was made from."""

    table: str
    revision: int
    files: tuple[File, ...]
    lineage: dict[str, Any]
    """Inputs, code, settings, model and environment that these files follow from."""

    @property
    def rows(self) -> int:
        """Rows in all files."""
        return sum(file.rows for file in self.files)

    @property
    def digest(self) -> str:
        """Hash of the contents, by which later stages name this input."""
        return digest([(file.part, file.sha256) for file in self.files])

    def to_bytes(self) -> bytes:
        """Return the record's bytes: sorted JSON, no clock in it."""
        return _sealed(asdict(self))


Written = list[tuple[str, File]]
"""Files with the tables they belong to."""


def digest(value: Any) -> str:
    """Return the SHA-256 of a JSON-able value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


class Lake:
    """The committed tables of one scan below a root folder."""

    def __init__(self, root: Path | str, scan: str) -> None:
        """Open the lake of `scan` at `root`; nothing is written before the first commit."""
        self.root, self.scan = str(root), scan
        self.storage = open_storage(f"{self.root.rstrip('/')}/{scan}")

    def __str__(self) -> str:
        """Name the lake as messages do."""
        return self.storage.url

    def write(self, place: Place, part: int, rows: pa.Table) -> File:
        """Write one part of a table aside, on disk but not yet part of the lake."""
        sink = pa.BufferOutputStream()
        pq.write_table(
            rows, sink, compression="zstd", row_group_size=ROWS_IN_GROUP, write_page_checksum=True, version="2.6"
        )
        content = sink.getvalue().to_pybytes()
        sha256 = hashlib.sha256(content).hexdigest()
        file = File(part, f"{part:04d}-{sha256[:16]}.parquet", sha256, rows.num_rows, len(content))
        self._put(f"{place.folder}/{file.name}", content)
        return file

    def hold(self, place: Place, part: int, made_from: str, files: Written) -> None:
        """Note that a part of a commit to come is written: `made_from` is the digest of its lineage."""
        note = {"written": [[table, asdict(file)] for table, file in files]}
        self._put(f"{place.folder}/{_held(part, made_from)}", _sealed(note))

    def held(self, place: Place, made_from: str) -> dict[int, Written]:
        """Return the parts of a commit to come that are written, by part; a damaged record holds nothing."""
        found = {}
        for key in self._keys(place, "part-", f"-{made_from[:16]}.json"):
            with suppress(FileNotFoundError, IntegrityError):
                note = self.record(key)["written"]
                found[int(PurePosixPath(key).name.split("-")[1])] = [(name, File(**file)) for name, file in note]
        return found

    def release(self, place: Place) -> None:
        """Forget the held parts of a place: they are committed."""
        for key in self._keys(place, "part-", ".json"):
            self.storage.delete(key)

    def commit(self, place: Place, files: list[File], lineage: dict[str, Any]) -> Commit:
        """Make the files part of the lake, in one step; the same commit again changes nothing.

        Raises IntegrityError when another run committed something else at the same time.
        """
        files = sorted(files, key=lambda file: file.part)
        last = self.last(place)
        if last and last.lineage == lineage:
            return self._again(place, last, files)
        commit = Commit(place.table, last.revision + 1 if last else 1, tuple(files), lineage)
        key = _record(place, commit.revision)
        if not self._put(key, commit.to_bytes()) and self.storage.get(key) != commit.to_bytes():
            raise IntegrityError(f"{self}/{key}: another run committed other rows meanwhile; run the command again")
        return commit

    def last(self, place: Place) -> Commit | None:
        """Return the newest commit of a place, or None."""
        return max(self.commits(place), key=lambda commit: commit.revision, default=None)

    def commits(self, place: Place) -> list[Commit]:
        """Return every revision of a place."""
        return [self.load(key) for key in self._keys(place, "commit-r", ".json")]

    def load(self, key: str) -> Commit:
        """Read one commit record; raise IntegrityError when it is not one."""
        record = self.record(key)
        return Commit(
            record["table"], record["revision"], tuple(File(**file) for file in record["files"]), record["lineage"]
        )

    def record(self, key: str) -> dict[str, Any]:
        """Read a record; raise IntegrityError unless it is, to the byte, what was written."""
        content = self.storage.get(key)
        with suppress(ValueError, KeyError, TypeError, AttributeError):
            note: dict[str, Any] = json.loads(content)
            del note["seal"]
            if _sealed(note) == content:
                return note
        raise IntegrityError(
            f"{self}/{key}: not a commit record as it was written; restore it or delete that folder and run again"
        )

    def read(self, places: list[Place], part: int | None = None) -> pa.Table:
        """Read the newest commits of some places of one table, every byte verified before it is used.

        Raises WindowNotFoundError where nothing is committed or it has expired, IntegrityError where bytes differ.
        """
        table = places[0].table
        parts = [self.rows(place, file) for place in places for file in self.files(place, part)]
        if not parts:
            return TABLES[table].empty() if table in TABLES else pa.table({})
        return pa.concat_tables(parts)

    def rows(self, place: Place, file: File) -> pa.Table:
        """Read one file after its hash holds; raise IntegrityError when it does not."""
        key = f"{place.folder}/{file.name}"
        try:
            content = self.storage.get(key)
        except FileNotFoundError as error:
            raise IntegrityError(
                f"{self}/{key}: committed but missing; restore it or delete the folder and run again"
            ) from error
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise IntegrityError(
                f"{self}/{key}: its bytes are not those committed; restore it or delete the folder and run again"
            )
        # not pq.read_table: its dataset frees the bytes in a thread of its own, which aborts a program that ends meanwhile
        with pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True) as parquet:
            return parquet.read()

    def files(self, place: Place, part: int | None = None) -> list[File]:
        """List the files of a place's newest commit; raise WindowNotFoundError where there is none to read."""
        commit = self.last(place)
        where = f"{self}/{place.folder}"
        if commit is None:
            raise WindowNotFoundError(f"{where}: nothing committed; run `thoroughfare run {self.scan}` for that date")
        if self.dropped(place, commit):
            raise WindowNotFoundError(f"{where}: expired by its retention; run the scan again if you may")
        return [file for file in commit.files if part in (None, file.part)]

    def dropped(self, place: Place, commit: Commit | None = None) -> bool:
        """Tell whether the files of a commit, by default the newest, are gone on purpose."""
        commit = commit or self.last(place)
        return commit is not None and _record(place, commit.revision, "expired") in self.storage.keys(place.folder)

    def drop(self, place: Place, because: str) -> list[str]:
        """Delete every file of a place, of all revisions, keeping the records and a marker that says why."""
        gone = []
        for commit in self.commits(place):
            note = {"because": because, "files": [file.name for file in commit.files]}
            self._put(_record(place, commit.revision, "expired"), _sealed(note))
            gone += [f.name for f in commit.files if self.storage.delete(f"{place.folder}/{f.name}")]
        return gone

    def places(self, table: str | None = None) -> list[Place]:
        """List every place with a commit, of one table or of all."""
        records = (PurePosixPath(key) for key in self.storage.keys(table or ""))
        return sorted({_place(path.parent) for path in records if path.match("commit-r*.json")}, key=str)

    def night(self, table: str, scan_date: date) -> list[Place]:
        """List the committed places of one table that belong to a night.

        Windows are found through their commit's lineage, which names the night.
        """
        return [p for p in self.places(table) if (c := self.last(p)) and c.lineage["scan_date"] == str(scan_date)]

    def made_at(self, place: Place) -> datetime:
        """Return when the newest commit of a place was made, UTC."""
        return max(self.storage.made_at(key) for key in self._keys(place, "commit-r", ".json"))

    def sweep(self) -> None:
        """Remove what runs that died left half-written."""
        self.storage.sweep()

    def _again(self, place: Place, last: Commit, files: list[File]) -> Commit:
        """Accept the same commit a second time, bringing dropped files back to life when they are the same."""
        if [file.sha256 for file in files] != [file.sha256 for file in last.files]:
            raise IntegrityError(
                f"{self}/{place.folder}: the same inputs gave other rows than revision {last.revision}; "
                "its pictures may be gone or the machine differs; delete the folder to begin anew"
            )
        self.storage.delete(_record(place, last.revision, "expired"))
        return last

    def _keys(self, place: Place, begins: str, ends: str) -> list[str]:
        """List the keys of a place whose names begin and end so."""
        names = ((key, PurePosixPath(key).name) for key in self.storage.keys(place.folder))
        return [key for key, name in names if name.startswith(begins) and name.endswith(ends)]

    def _put(self, key: str, content: bytes) -> bool:
        """Create a key; a fault of the disk is a sentence."""
        try:
            return self.storage.put(key, content)
        except OSError as error:
            raise IntegrityError(
                f"{self}/{key}: cannot be written ({error}); free space or mend the disk, then run again"
            ) from error


def _record(place: Place, revision: int, kind: str = "commit") -> str:
    """Name a commit's record, or the marker that its files expired."""
    return f"{place.folder}/{kind}-r{revision}.json"


def _held(part: int, made_from: str) -> str:
    """Name the record of a held part."""
    return f"part-{part:04d}-{made_from[:16]}.json"


def _sealed(note: dict[str, Any]) -> bytes:
    """Write a record with the hash of itself: a JSON file has no checksum of its own."""
    return (json.dumps(note | {"seal": digest(note)}, indent=1, sort_keys=True) + "\n").encode()


def _place(folder: PurePosixPath) -> Place:
    """Read a place back from its path."""
    hour = folder.parts[-1].removeprefix("hour=") if folder.parts[-1].startswith("hour=") else None
    table = [part for part in folder.parts if "=" not in part]
    day = next(part for part in folder.parts if part.startswith("date="))
    return Place("/".join(table), date.fromisoformat(day.removeprefix("date=")), None if hour is None else int(hour))
