"""Commit, read, drop and prove the files of the lake: readers see a window's table whole or not at all.

`<root>/<scan>/<table>/date=YYYY-MM-DD/hour=HH/` holds Parquet files named by their bytes beside `commit-r1.json`, the
record that makes them part of the lake. The record is created only if absent, after every file is on disk; equal inputs
give equal bytes, changed inputs a new revision. Parts of a commit to come are held by `part-NNNN-....json`, so that
what was done before a crash is not done again.
"""

import hashlib
from contextlib import suppress
from dataclasses import asdict
from datetime import date, datetime
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import versions
from pipeline.errors import IntegrityError, WindowNotFoundError
from pipeline.records import (
    Commit,
    File,
    Origin,
    Place,
    Written,
    commit_of,
    digest,
    held_record,
    place_of,
    record,
    sealed,
    unsealed,
)
from pipeline.storage import open_storage
from pipeline.tables import TABLES

__all__ = ["Commit", "File", "Lake", "Place", "Written", "digest"]
ROWS_IN_GROUP = 10_000


class Lake:
    """The committed tables of one scan below a root folder or bucket."""

    def __init__(self, root: Path | str, scan: str) -> None:
        """Open the lake of `scan` at `root`; nothing is written before the first commit."""
        self.root, self.scan = str(root), scan
        self.storage = open_storage(f"{self.root.rstrip('/')}/{scan}")

    def __str__(self) -> str:
        """Name the lake as messages do."""
        return self.storage.url

    def write(self, place: Place, part: int, rows: pa.Table, *, merged: bool = False) -> File:
        """Write one part of a table, or several merged, aside: on disk but not yet part of the lake."""
        sink = pa.BufferOutputStream()
        pq.write_table(
            rows, sink, compression="zstd", row_group_size=ROWS_IN_GROUP, write_page_checksum=True, version="2.6"
        )
        content = sink.getvalue().to_pybytes()
        sha256 = hashlib.sha256(content).hexdigest()
        # a merged file never shares its name, and so its fate, with a part of the same bytes
        name = f"{part:04d}-{sha256[:16]}{'-merged' if merged else ''}.parquet"
        self._settle(f"{place.folder}/{name}", content)
        return File(part, name, sha256, rows.num_rows, len(content))

    def hold(self, place: Place, part: int, made_from: str, files: Written) -> None:
        """Note that a part of a commit to come is written: `made_from` is the digest of its lineage."""
        note = {"written": [[table, asdict(file)] for table, file in files]}
        self._settle(held_record(place, part, made_from), sealed(note))

    def held(self, place: Place, made_from: str) -> dict[int, Written]:
        """Return the parts of a commit to come that are written, by part; a damaged record holds nothing."""
        found = {}
        there = cache(lambda folder: set(self.storage.keys(folder)))
        for key in self._keys(place, "part-", f"-{made_from[:16]}.json"):
            with suppress(FileNotFoundError, IntegrityError):
                written = self.written(key)
                if all(f"{each.folder}/{file.name}" in there(each.folder) for each, file in written):
                    found[int(PurePosixPath(key).name.split("-")[1])] = [(each.table, file) for each, file in written]
        return found

    def written(self, key: str) -> list[tuple[Place, File]]:
        """Read which files a held part's record names, and where they lie."""
        place = place_of(PurePosixPath(key).parent)
        assert place is not None
        notes = self.record(key)["written"]
        return [(Place(table, place.date, place.hour), File(**file)) for table, file in notes]

    def release(self, place: Place) -> None:
        """Forget the held parts of a place: they are committed."""
        for key in self._keys(place, "part-", ".json"):
            self.storage.delete(key)

    def commit(self, place: Place, files: list[File], lineage: dict[str, Any]) -> Commit:
        """Make the files part of the lake, in one step; the same commit again changes nothing.

        Raises IntegrityError when a file is gone, or another run committed something else at the same time.
        """
        files = sorted(files, key=lambda file: file.part)
        self._check_there(place, files)
        last = self.last(place)
        revision = last.revision + 1 if last else 1
        if last and last.lineage == lineage:
            _hold_equal(f"{self}/{place.folder}", last, files)
            if last.origin is None or not self.dropped(place, last):
                self._unmark(place, last, files)
                return last
        commit = Commit(place.table, revision, tuple(files), lineage)
        if not self._create(place, commit):
            where = f"{self}/{record(place, revision)}"
            raise IntegrityError(f"{where}: another run committed other rows meanwhile; run the command again")
        return commit

    def merge(self, place: Place, last: Commit, files: list[File]) -> bool:
        """Commit the merged files of a place's newest commit; False where another commit came first.

        The revision it was made from keeps its files for those who read them: `audit.collect` drops them later.
        """
        origin = Origin(last.revision, last.files)
        return self._create(place, Commit(place.table, last.revision + 1, tuple(files), last.lineage, origin))

    def last(self, place: Place) -> Commit | None:
        """Return the newest commit of a place, or None."""
        return max(self.commits(place), key=lambda commit: commit.revision, default=None)

    def commits(self, place: Place) -> list[Commit]:
        """Return every revision of a place."""
        return [self.load(key) for key in self._keys(place, "commit-r", ".json")]

    def load(self, key: str) -> Commit:
        """Read one commit record; raise IntegrityError when it is not one."""
        return commit_of(self.record(key))

    def record(self, key: str) -> dict[str, Any]:
        """Read a record; raise IntegrityError unless it is, to the byte, what was written."""
        note = unsealed(self.storage.get(key))
        if note is None:
            raise IntegrityError(
                f"{self}/{key}: not a commit record as it was written; restore it or delete that folder and run again"
            )
        return note

    def read(self, places: list[Place], part: int | None = None) -> pa.Table:
        """Read the newest commits of some places of one table, every byte verified before it is used.

        Raises WindowNotFoundError where nothing is committed or it has expired, IntegrityError where bytes differ.
        """
        table = places[0].table
        wanted = [(place, piece) for place in places for piece in self._standing(place).slices(part)]
        parts = [self.rows(place, file).slice(first, rows) for place, (file, first, rows) in wanted]
        if not parts:
            return TABLES[table].empty() if table in TABLES else pa.table({})
        return pa.concat_tables(parts, promote_options="default")

    def rows(self, place: Place, file: File) -> pa.Table:
        """Read one file after its hash holds; raise IntegrityError when it does not.

        A file of an earlier version is read with nulls in the columns that are newer.
        Raises WindowNotFoundError where the place expired since its commit was read.
        """
        key = f"{place.folder}/{file.name}"
        try:
            content = self.storage.get(key)
        except FileNotFoundError as error:
            self._standing(place)
            raise IntegrityError(
                f"{self}/{key}: committed but missing; restore it or delete the folder and run again"
            ) from error
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise IntegrityError(
                f"{self}/{key}: its bytes are not those committed; restore it or delete the folder and run again"
            )
        # not pq.read_table: its dataset frees the bytes in a thread of its own, which aborts a program that ends meanwhile
        with pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True) as parquet:
            rows = parquet.read()
        return versions.today(TABLES[place.table], rows, f"{self}/{key}") if place.table in TABLES else rows

    def files(self, place: Place) -> list[File]:
        """List the files of a place's newest commit; raise WindowNotFoundError where there is none to read."""
        return list(self._standing(place).files)

    def dropped(self, place: Place, commit: Commit | None = None) -> bool:
        """Tell whether the files of a commit, by default the newest, are gone on purpose."""
        commit = commit or self.last(place)
        return commit is not None and record(place, commit.revision, "expired") in self.storage.keys(place.folder)

    def stands(self, place: Place) -> bool:
        """Tell whether any row of a place is still there, or should be, as also after a drop that was cut off."""
        last = self.last(place)
        rows = any(key.endswith(".parquet") for key in self.storage.keys(place.folder))
        return last is not None and (rows or not self.dropped(place, last))

    def drop(self, place: Place, because: str, revision: int | None = None) -> list[str]:
        """Delete the files of a place, of all revisions or of one, keeping the records and a marker that says why."""
        commits = sorted(self.commits(place), key=lambda commit: -commit.revision)
        going = [commit for commit in commits if revision in (None, commit.revision)]
        others = [commit for commit in commits if commit not in going and not self.dropped(place, commit)]
        staying = {file.name for commit in others for file in commit.files}
        # every marker before any file, the newest first: revisions may share files, and no reader may miss one
        self._mark(place, going, because)
        names = sorted({file.name for commit in going for file in commit.files} - staying)
        gone = [name for name in names if self.storage.delete(f"{place.folder}/{name}")]
        # a run that made the same files again may have taken a marker off before they went
        self._mark(place, [commit for commit in going if not self.dropped(place, commit)], because)
        return gone

    def places(self, table: str | None = None) -> list[Place]:
        """List every place with a commit, of one table or of all."""
        found = self.names(table)
        return [place for place, names in found.items() if any(name.startswith("commit-r") for name in names)]

    def names(self, table: str | None = None) -> dict[Place, list[str]]:
        """List every place that holds anything, committed or not, with the names of what it holds."""
        found: dict[Place, list[str]] = {}
        for path in (PurePosixPath(key) for key in self.storage.keys(table or "")):
            if place := place_of(path.parent):
                found.setdefault(place, []).append(path.name)
        return {place: found[place] for place in sorted(found, key=str)}

    def night(self, table: str, scan_date: date) -> list[Place]:
        """List the committed places of one table that belong to a night.

        Windows are found through their commit's lineage, which names the night.
        """
        return [p for p in self.places(table) if (c := self.last(p)) and c.lineage["scan_date"] == str(scan_date)]

    def made_at(self, place: Place) -> datetime:
        """Return when the newest rows of a place were made, UTC; merging them makes none."""
        commits = self.commits(place)
        made = [commit for commit in commits if commit.origin is None] or commits
        return max(self.storage.made_at(record(place, commit.revision)) for commit in made)

    def sweep(self) -> int:
        """Remove what runs that died left half-written; returns how many pieces."""
        return self.storage.sweep()

    def _standing(self, place: Place) -> Commit:
        """Return a place's newest commit; raise WindowNotFoundError where there is none to read."""
        commit = self.last(place)
        where = f"{self}/{place.folder}"
        if commit is None:
            raise WindowNotFoundError(f"{where}: nothing committed; run `thoroughfare run {self.scan}` for that date")
        if self.dropped(place, commit):
            raise WindowNotFoundError(f"{where}: expired by its retention; run the scan again if you may")
        return commit

    def _create(self, place: Place, commit: Commit) -> bool:
        """Create a commit's record; False where there is another of that revision."""
        key = record(place, commit.revision)
        return self.storage.put(key, commit.to_bytes()) or self.storage.get(key) == commit.to_bytes()

    def _check_there(self, place: Place, files: list[File]) -> None:
        """Raise IntegrityError unless files are there to be committed."""
        there = self.storage.keys(place.folder)
        if gone := [file.name for file in files if f"{place.folder}/{file.name}" not in there]:
            raise IntegrityError(
                f"{self}/{place.folder}: {gone[0]} was deleted before its commit, or was written elsewhere; give every worker "
                "the same lake at the same path (or an s3:// one) and run again"
            )

    def _mark(self, place: Place, commits: list[Commit], because: str) -> None:
        """Say of some commits that their files are gone on purpose, or will be at once."""
        for commit in commits:
            note = {"because": because, "files": [file.name for file in commit.files]}
            self.storage.put(record(place, commit.revision, "expired"), sealed(note))

    def _unmark(self, place: Place, commit: Commit, files: list[File]) -> None:
        """Take the marker off a commit whose files are made again; it stays where another run deletes them meanwhile."""
        key = record(place, commit.revision, "expired")
        with suppress(FileNotFoundError):
            marker = self.storage.get(key)
            self.storage.delete(key)
            try:
                self._check_there(place, files)
            except IntegrityError:
                self.storage.put(key, marker)
                raise

    def _settle(self, key: str, content: bytes) -> None:
        """Create a key that follows from what it holds; where a run left it, make it whole and young again."""
        if not self.storage.put(key, content):
            self.storage.replace(key, content)

    def _keys(self, place: Place, begins: str, ends: str) -> list[str]:
        """List the keys of a place whose names begin and end so."""
        names = ((key, PurePosixPath(key).name) for key in self.storage.keys(place.folder))
        return [key for key, name in names if name.startswith(begins) and name.endswith(ends)]


def _hold_equal(where: str, last: Commit, files: list[File]) -> None:
    """Hold files against those of a commit of the same inputs."""
    if [file.sha256 for file in files] != [file.sha256 for file in last.parts]:
        raise IntegrityError(
            f"{where}: the same inputs gave other rows than revision {last.revision}; "
            "its pictures may be gone or the machine differs; delete the folder to begin anew"
        )
