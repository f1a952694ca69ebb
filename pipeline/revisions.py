"""Tell the history of a lake: every revision of every place, what changed, and what a file follows from."""

from collections import deque
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from pipeline.errors import WindowNotFoundError
from pipeline.lake import Lake
from pipeline.records import Commit, Place, record

SHORT = 12
"""Characters of a hash that a person is shown."""


@dataclass(frozen=True)
class Revision:
    """One commit of one place, told with its history."""

    place: Place
    commit: Commit
    made_at: datetime
    state: str
    """`current`, `old` or `expired`."""
    change: str
    """What differs from what the revision before was made from."""

    def row(self) -> dict[str, Any]:
        """Return what a person is shown."""
        return {
            "table": self.place.table,
            "place": self.place.folder.removeprefix(f"{self.place.table}/"),
            "revision": self.commit.revision,
            "files": len(self.commit.files),
            "rows": self.commit.rows,
            "bytes": sum(file.size_bytes for file in self.commit.files),
            "made_at": self.made_at.isoformat(timespec="seconds"),
            "state": self.state,
            "change": self.change,
        }


def history(lake: Lake, table: str = "", scan_date: date | None = None) -> list[Revision]:
    """List every revision, of one table or all, of one night or all; oldest first within a place."""
    found = []
    for place in lake.places(table or None):
        commits = sorted(lake.commits(place), key=lambda commit: commit.revision)
        if scan_date is None or any(commit.lineage["scan_date"] == str(scan_date) for commit in commits):
            found += [_revision(lake, place, commits, at) for at in range(len(commits))]
    return found


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Name what differs between two lineages: keys of it, and single settings, libraries and inputs with their values."""
    told = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            keys = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
            told += [f"{name}.{key} {_short(old.get(key))} -> {_short(new.get(key))}" for key in keys]
        elif old != new:
            told.append(f"{name} {_short(old)} -> {_short(new)}")
    return told


def trace(lake: Lake, name: str) -> list[tuple[Place, Commit]]:
    """Return the commit that a file is part of and every commit it follows from, nearest first.

    Raises WindowNotFoundError where no commit names the file.
    """
    first = next(((p, c) for p in lake.places() for c in lake.commits(p) if _names(p, c, name)), None)
    if first is None:
        raise WindowNotFoundError(
            f"lake {lake}: no commit names {name!r}; take a name from `thoroughfare revisions --files`"
        )
    places = {place.folder: place for place in lake.places()}
    found, waiting = {first[0]: first[1]}, deque([first])
    while waiting:
        _, commit = waiting.popleft()
        for folder, digest in commit.lineage["inputs"].items():
            place = places.get(folder)
            source = next((c for c in lake.commits(place) if c.digest == digest), None) if place else None
            if place and source and place not in found:
                found[place] = source
                waiting.append((place, source))
    return list(found.items())


def published_before(lake: Lake, scan_date: date) -> dict[str, pa.Table]:
    """Read every product of a night as it was published before it was last made again, for `release.differences`.

    Returns:
        Rows by product (`products/flow`...); none of a product that was made once, or whose earlier files are gone.
    """
    found = {}
    for place in lake.places("products"):
        commits = sorted(lake.commits(place), key=lambda commit: commit.revision)
        made = [commit for commit in commits if commit.origin is None and not lake.dropped(place, commit)]
        if len(made) > 1 and made[-1].lineage["scan_date"] == str(scan_date):
            found[place.table] = pa.concat_tables([lake.rows(place, file) for file in made[-2].files])
    return found


def facts(commit: Commit) -> dict[str, Any]:
    """Tell in short what a commit was made with."""
    lineage = commit.lineage
    return {
        "code": _short(lineage.get("code")) or "none",
        "models": " ".join(_short(plug) for plug in lineage.get("plugs", [])),
        "settings": " ".join(f"{name}={value}" for name, value in sorted(lineage.get("settings", {}).items())),
        "inputs": len(lineage.get("inputs", {})),
    }


def _revision(lake: Lake, place: Place, commits: list[Commit], at: int) -> Revision:
    """Tell one commit of a place."""
    commit, last = commits[at], at == len(commits) - 1
    state = "expired" if lake.dropped(place, commit) else "current" if last else "old"
    if commit.origin:
        change = f"compacted from revision {commit.origin.revision}"
    else:
        change = "; ".join(changes(commits[at - 1].lineage, commit.lineage)) if at else "first"
    made_at = lake.storage.made_at(record(place, commit.revision))
    return Revision(place, commit, made_at, state, change or "made again")


def _names(place: Place, commit: Commit, name: str) -> bool:
    """Tell whether a commit names a file, told by its name or its path."""
    return any(name.endswith(f"{place.folder}/{file.name}") or name == file.name for file in commit.files)


def _short(value: Any) -> str:
    """Write a value so that a person can tell it from another: a hash by its beginning."""
    text = "none" if value in (None, "", [], {}) else str(value)
    return text if len(text) <= 2 * SHORT else f"{text[:SHORT]}..."
