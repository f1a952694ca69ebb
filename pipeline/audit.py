"""Hold what lies in a lake against its records: what is not as committed, and what no commit names."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import pyarrow as pa

from pipeline.errors import IntegrityError, SchemaError, StorageError, WindowNotFoundError
from pipeline.lake import Lake
from pipeline.records import Commit, File, Place, digest, record_name

GRACE = timedelta(hours=24)
"""What no commit names is left alone this long: longer than any night, whose run may still commit it."""


@dataclass(frozen=True)
class Fault:
    """One thing that must not be."""

    where: str
    what: str
    waits: bool = False
    """Not wrong yet: a run at work leaves the same, and the next run or `expire` ends it."""


@dataclass(frozen=True)
class Litter:
    """One key that `expire` may delete."""

    kind: Literal["orphan", "held", "expired", "superseded"]
    """Rows of no commit; a part held for a commit; rows that outlived their marker, or were compacted since."""
    place: Place
    name: str

    @property
    def key(self) -> str:
        """Where it lies below the scan's folder."""
        return f"{self.place.folder}/{self.name}"


@dataclass(frozen=True)
class Shelf:
    """What lies in one place."""

    place: Place
    names: frozenset[str]
    commits: tuple[Commit, ...]

    @property
    def live(self) -> dict[str, File]:
        """The files that readers may ask for, by name."""
        return {file.name: file for commit in self.commits if not self.is_dropped(commit) for file in commit.files}

    @property
    def dropped(self) -> set[str]:
        """The names of files that are gone on purpose, or should be."""
        return {file.name for commit in self.commits for file in commit.files} - set(self.live)

    @property
    def rows(self) -> set[str]:
        """The names of files of rows."""
        return {name for name in self.names if name.endswith(".parquet")}

    @property
    def held(self) -> set[str]:
        """The names of records of held parts."""
        return {name for name in self.names if name.startswith("part-")}

    def is_dropped(self, commit: Commit) -> bool:
        """Tell whether a commit's files are marked as gone."""
        return record_name(commit.revision, "expired") in self.names


def faults(lake: Lake, now: datetime | None = None) -> Iterator[Fault]:
    """Yield every record and file that is not as committed, or that no commit names.

    Without `now`, what no commit names is a fault however young it is.
    """
    found = lake.names()
    broken = {place: each for place, names in found.items() if (each := list(damaged(lake, place, names)))}
    yield from (fault for each in broken.values() for fault in each)
    shelves = [_shelf(lake, place, names) for place, names in found.items() if place not in broken]
    held = _held(lake, shelves, None)
    for shelf in shelves:
        yield from _numbers(lake, shelf)
        yield from _files(lake, shelf)
        yield from _uncommitted(lake, shelf, held, now)


def litter(lake: Lake, now: datetime) -> Iterator[Litter]:
    """Yield every key that no reader and no run will ask for again; a place with a damaged record is left alone."""
    shelves = _intact(lake)
    held = _held(lake, shelves, now)
    for shelf in shelves:
        yield from (
            Litter("held", shelf.place, name) for name in sorted(shelf.held) if _is_over(lake, shelf, name, now)
        )
        for name in sorted(shelf.rows - set(shelf.live) - held.get(shelf.place, set())):
            if _is_old(lake, shelf.place, name, now):
                yield Litter("expired" if name in shelf.dropped else "orphan", shelf.place, name)


def superseded(lake: Lake, now: datetime) -> Iterator[tuple[Place, int]]:
    """Yield the revisions whose rows lie in merged files since a day: whoever read the old files has ended.

    Where a merged file is damaged, what it was made from is the only copy and stays.
    """
    merged = [(shelf, commit, commit.origin) for shelf in _intact(lake) for commit in shelf.commits]
    for shelf, commit, origin in merged:
        if origin and record_name(origin.revision, "expired") not in shelf.names:
            old = _is_old(lake, shelf.place, record_name(commit.revision), now)
            if old and not any(_fault(lake, shelf.place, file) for file in commit.files):
                yield shelf.place, origin.revision


def collect(lake: Lake, now: datetime) -> dict[str, int]:
    """Delete litter, what was compacted a day ago and what dead writers left half-written; returns how many of each."""
    counts = {"orphan": 0, "held": 0, "expired": 0, "superseded": 0, "staged": lake.sweep()}
    for place, revision in superseded(lake, now):
        counts["superseded"] += len(lake.drop(place, "compacted", revision))
    for each in litter(lake, now):
        counts[each.kind] += lake.storage.delete(each.key)
    return counts


def _intact(lake: Lake) -> list[Shelf]:
    """Read the places whose records are as they were written."""
    shelves = []
    for place, names in lake.names().items():
        with suppress(IntegrityError):
            shelves.append(_shelf(lake, place, names))
    return shelves


def _shelf(lake: Lake, place: Place, names: list[str]) -> Shelf:
    """Read the commits of a place; raise IntegrityError where one is not as it was written."""
    commits = [lake.load(f"{place.folder}/{name}") for name in names if name.startswith("commit-r")]
    return Shelf(place, frozenset(names), tuple(sorted(commits, key=lambda commit: commit.revision)))


def _held(lake: Lake, shelves: list[Shelf], now: datetime | None) -> dict[Place, set[str]]:
    """Name the files that held parts keep from being orphans; with `now`, those whose time is not over."""
    named: dict[Place, set[str]] = {}
    for shelf in shelves:
        for name in shelf.held:
            with suppress(IntegrityError, FileNotFoundError):
                if now is None or not _is_over(lake, shelf, name, now):
                    for at, file in lake.written(f"{shelf.place.folder}/{name}"):
                        named.setdefault(at, set()).add(file.name)
    return named


def damaged(lake: Lake, place: Place, names: list[str]) -> Iterator[Fault]:
    """Check every record of a place: commits, markers and held parts by their seal, others by their name."""
    for name in (name for name in names if name.endswith(".json")):
        key = f"{place.folder}/{name}"
        try:
            if name.startswith(("commit-r", "expired-r", "part-")):
                lake.record(key)
            elif hashlib.sha256(lake.storage.get(key)).hexdigest()[:16] != name.removesuffix(".json"):
                yield Fault("files", f"{lake}/{key}: its bytes are not those it is named by; restore it or delete it")
        except IntegrityError as error:
            yield Fault("files", str(error))
        except FileNotFoundError:
            continue  # a run at work has released it meanwhile


def _numbers(lake: Lake, shelf: Shelf) -> Iterator[Fault]:
    """Check that revisions are 1 to n, each record bears its name, and no marker is without its commit."""
    where, there = f"{lake}/{shelf.place.folder}", [commit.revision for commit in shelf.commits]
    named = {record_name(revision) for revision in there}
    if there and (there != list(range(1, len(there) + 1)) or not named <= shelf.names):
        records = sorted(name for name in shelf.names if name.startswith("commit-r"))
        yield Fault(
            "files",
            f"{where}: {records} hold revisions {there}, not 1 to {len(there)} by name; restore what is missing",
        )
    markers = {name for name in shelf.names if name.startswith("expired-r")}
    for name in sorted(markers - {record_name(revision, "expired") for revision in there}):
        yield Fault("files", f"{where}/{name}: marks a revision that is not there; restore its record or delete it")


def _files(lake: Lake, shelf: Shelf) -> Iterator[Fault]:
    """Read every committed file, and name those that should be gone."""
    for file in shelf.live.values():
        if fault := _fault(lake, shelf.place, file):
            yield Fault("files", fault)
    for name in sorted(shelf.dropped & shelf.names):
        yield Fault("files", f"{lake}/{shelf.place.folder}/{name}: expired but still there; run `thoroughfare expire`")


def _fault(lake: Lake, place: Place, file: File) -> str:
    """Check one committed file; empty where it is as committed."""
    try:
        rows = lake.rows(place, file).num_rows
    except StorageError:
        raise
    except WindowNotFoundError:
        return ""  # a run at work has dropped it meanwhile
    except (IntegrityError, SchemaError, pa.ArrowException, OSError) as error:
        return str(error)
    same = rows == file.rows
    return "" if same else f"{lake}/{place.folder}/{file.name}: holds {rows} rows, its record says {file.rows}"


def _uncommitted(lake: Lake, shelf: Shelf, held: dict[Place, set[str]], now: datetime | None) -> Iterator[Fault]:
    """Name what no commit names: parts held for one to come, and rows that nothing holds."""
    place, done = shelf.place, _committed_parts(shelf)
    loose = shelf.rows - set(shelf.live) - shelf.dropped - held.get(place, set())
    for name in sorted(shelf.held | loose):
        where = f"{lake}/{place.folder}/{name}"
        if name in done:
            yield Fault(
                "files",
                f"{where}: held for a commit that is made, so in no commit to come; the next run or expire ends it",
                waits=True,
            )
        elif now is None:
            yield Fault("files", f"{where}: in no commit; an interrupted run left it, run the scan again or delete it")
        elif _is_old(lake, place, name, now):
            yield Fault(
                "files",
                f"{where}: in no commit for more than {GRACE // timedelta(hours=1)} h; run `thoroughfare expire`",
            )
        else:
            yield Fault("files", f"{where}: in no commit yet; a run is at it, or was cut off: run it again", waits=True)


def _committed_parts(shelf: Shelf) -> set[str]:
    """Name the held parts of a place that a commit has taken."""
    taken = {digest(commit.lineage)[:16] for commit in shelf.commits}
    return {name for name in shelf.held if name.removesuffix(".json").split("-")[2] in taken}


def _is_over(lake: Lake, shelf: Shelf, name: str, now: datetime) -> bool:
    """Tell whether a held part is committed, or will never be."""
    return name in _committed_parts(shelf) or _is_old(lake, shelf.place, name, now)


def _is_old(lake: Lake, place: Place, name: str, now: datetime) -> bool:
    """Tell whether a key is past the grace."""
    try:
        return now - lake.storage.made_at(f"{place.folder}/{name}") > GRACE
    except FileNotFoundError:
        return False
