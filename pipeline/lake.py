"""Commit, read, drop and prove the files of the lake: readers see a window's table whole or not at all.

`<root>/<scan>/<table>/date=YYYY-MM-DD/hour=HH/` holds Parquet files named by their bytes beside `commit-r1.json`, the
record that makes them part of the lake. The record is created only if absent (`os.link`), after every file is on disk;
equal inputs give equal bytes, changed inputs a new revision.
"""

import hashlib
import json
import os
import re
import socket
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import IntegrityError, SettingsError, WindowNotFoundError
from pipeline.tables import TABLES

ROWS_IN_GROUP = 10_000
STAGING = ".staging"


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
        return (json.dumps(asdict(self), indent=1, sort_keys=True) + "\n").encode()


def digest(value: Any) -> str:
    """Return the SHA-256 of a JSON-able value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


class Lake:
    """The committed tables of one scan below a root folder."""

    def __init__(self, root: Path | str, scan: str) -> None:
        """Open the lake of `scan` at `root`; nothing is written before the first commit."""
        if re.match(r"[a-z][a-z0-9+.-]+:/", str(root)):
            raise SettingsError(f"lake {root}: only folders are supported so far; pass --lake FOLDER")
        self.root, self.scan = Path(root), scan
        self.folder = self.root / scan

    def write(self, place: Place, part: int, rows: pa.Table) -> File:
        """Write one part of a table aside, on disk but not yet part of the lake."""
        sink = pa.BufferOutputStream()
        pq.write_table(
            rows, sink, compression="zstd", row_group_size=ROWS_IN_GROUP, write_page_checksum=True, version="2.6"
        )
        content = sink.getvalue().to_pybytes()
        sha256 = hashlib.sha256(content).hexdigest()
        file = File(part, f"{part:04d}-{sha256[:16]}.parquet", sha256, rows.num_rows, len(content))
        self._publish(self.folder / place.folder / file.name, content)
        return file

    def commit(self, place: Place, files: list[File], lineage: dict[str, Any]) -> Commit:
        """Make the files part of the lake, in one step; the same commit again changes nothing.

        Raises IntegrityError when another run committed something else at the same time.
        """
        files = sorted(files, key=lambda file: file.part)
        last = self.last(place)
        if last and last.lineage == lineage:
            return self._again(place, last, files)
        commit = Commit(place.table, last.revision + 1 if last else 1, tuple(files), lineage)
        path = self._record(place, commit.revision)
        if not self._publish(path, commit.to_bytes()) and path.read_bytes() != commit.to_bytes():
            raise IntegrityError(f"{path}: another run committed other rows meanwhile; run the command again")
        return commit

    def last(self, place: Place) -> Commit | None:
        """Return the newest commit of a place, or None."""
        return max(self.commits(place), key=lambda commit: commit.revision, default=None)

    def commits(self, place: Place) -> list[Commit]:
        """Return every revision of a place."""
        return [self.load(path) for path in sorted((self.folder / place.folder).glob("commit-r*.json"))]

    def load(self, path: Path) -> Commit:
        """Read one commit record; raise IntegrityError when it is not one."""
        try:
            record = json.loads(path.read_bytes())
            files = tuple(File(**file) for file in record["files"])
            return Commit(record["table"], record["revision"], files, record["lineage"])
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(f"{path}: not a commit record ({error}); delete that folder and run again") from error

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
        path = self.folder / place.folder / file.name
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise IntegrityError(
                f"{path}: committed but missing; restore it or delete the folder and run again"
            ) from error
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise IntegrityError(
                f"{path}: its bytes are not those committed; restore it or delete the folder and run again"
            )
        return pq.read_table(pa.BufferReader(content), page_checksum_verification=True)

    def files(self, place: Place, part: int | None = None) -> list[File]:
        """List the files of a place's newest commit; raise WindowNotFoundError where there is none to read."""
        commit = self.last(place)
        where = f"{self.folder / place.folder}"
        if commit is None:
            raise WindowNotFoundError(f"{where}: nothing committed; run `thoroughfare run {self.scan}` for that date")
        if self.dropped(place, commit):
            raise WindowNotFoundError(f"{where}: expired by its retention; run the scan again if you may")
        return [file for file in commit.files if part in (None, file.part)]

    def dropped(self, place: Place, commit: Commit | None = None) -> bool:
        """Tell whether the files of a commit, by default the newest, are gone on purpose."""
        commit = commit or self.last(place)
        return commit is not None and self._marker(place, commit.revision).exists()

    def drop(self, place: Place, because: str) -> list[str]:
        """Delete every file of a place, of all revisions, keeping the records and a marker that says why."""
        gone = []
        for commit in self.commits(place):
            note = {"because": because, "files": [file.name for file in commit.files]}
            self._publish(self._marker(place, commit.revision), (json.dumps(note, sort_keys=True) + "\n").encode())
            gone += [file.name for file in commit.files if _remove(self.folder / place.folder / file.name)]
        return gone

    def places(self, table: str | None = None) -> list[Place]:
        """List every place with a commit, of one table or of all."""
        records = self.folder.glob(f"{table or '**'}/**/commit-r*.json") if self.folder.is_dir() else []
        return sorted({_place(path.parent.relative_to(self.folder)) for path in records}, key=str)

    def night(self, table: str, scan_date: date) -> list[Place]:
        """List the committed places of one table that belong to a night.

        Windows are found through their commit's lineage, which names the night.
        """
        return [p for p in self.places(table) if (c := self.last(p)) and c.lineage["scan_date"] == str(scan_date)]

    def made_at(self, place: Place) -> datetime:
        """Return when the newest commit of a place was made, UTC."""
        paths = (self.folder / place.folder).glob("commit-r*.json")
        return max(datetime.fromtimestamp(path.stat().st_mtime).astimezone() for path in paths)

    def sweep(self) -> None:
        """Remove what runs of this machine that died left in staging."""
        for path in (self.folder / STAGING).glob(f"{socket.gethostname()}-*"):
            if not Path(f"/proc/{path.name.rsplit('-', 1)[1]}").exists():
                path.unlink(missing_ok=True)

    def _again(self, place: Place, last: Commit, files: list[File]) -> Commit:
        """Accept the same commit a second time, bringing dropped files back to life when they are the same."""
        if [file.sha256 for file in files] != [file.sha256 for file in last.files]:
            raise IntegrityError(
                f"{self.folder / place.folder}: the same inputs gave other rows than revision {last.revision}; "
                "its pictures may be gone or the machine differs; delete the folder to begin anew"
            )
        self._marker(place, last.revision).unlink(missing_ok=True)
        return last

    def _record(self, place: Place, revision: int, kind: str = "commit") -> Path:
        return self.folder / place.folder / f"{kind}-r{revision}.json"

    def _marker(self, place: Place, revision: int) -> Path:
        return self._record(place, revision, "expired")

    def _publish(self, path: Path, content: bytes) -> bool:
        """Write aside, fsync, link under the final name only if absent, fsync the folder; False if it was there."""
        staged = self.folder / STAGING / f"{socket.gethostname()}-{path.name}-{os.getpid()}"
        staged.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with staged.open("wb") as handle:
                handle.write(content)
                handle.flush()
                os.fsync(handle.fileno())
            os.link(staged, path)
        except FileExistsError:
            return False
        except OSError as error:
            raise IntegrityError(
                f"{path}: cannot be written ({error}); free space or mend the disk, then run again"
            ) from error
        finally:
            staged.unlink(missing_ok=True)
        _sync(path.parent)
        return True


def _remove(path: Path) -> bool:
    """Unlink a file; False if it was not there."""
    there = path.exists()
    path.unlink(missing_ok=True)
    return there


def _sync(folder: Path) -> None:
    """Flush a folder's entries to disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _place(folder: Path) -> Place:
    """Read a place back from its path."""
    hour = folder.parts[-1].removeprefix("hour=") if folder.parts[-1].startswith("hour=") else None
    table = [part for part in folder.parts if "=" not in part]
    day = next(part for part in folder.parts if part.startswith("date="))
    return Place("/".join(table), date.fromisoformat(day.removeprefix("date=")), None if hour is None else int(hour))
