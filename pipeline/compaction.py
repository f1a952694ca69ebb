"""Merge the small files of committed places into few: the same rows in the same order, as a new revision.

Each step leaves the lake whole: the merged file is written aside, read back and compared, and becomes part of the lake
with its record alone. What it was made from stays for its readers until `audit.collect` drops it a day later. Later
stages name a commit by what its stage wrote, so none runs again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from pipeline.errors import IntegrityError
from pipeline.lake import Lake
from pipeline.records import Commit, File, Place
from pipeline.tables import TABLES

FULL_BYTES = 128 * 2**20
"""A merged file is closed where one part more would make it larger; parts of this size are left alone."""


@dataclass(frozen=True)
class Merge:
    """One place whose files were merged."""

    place: Place
    revision: int
    """The new one."""
    files: int
    merged_files: int
    size_bytes: int
    merged_bytes: int


def compact(lake: Lake, before: date | None = None) -> Iterator[Merge]:
    """Merge the files of every place, of nights before a scan date or of all; what is merged already is left as it is.

    Raises IntegrityError where a file is not as committed: nothing of that place is changed.
    """
    for place in lake.places():
        commit = lake.last(place)
        if commit is None or not _is_due(lake, place, commit, before):
            continue
        groups = list(_groups(commit.files))
        if len(groups) < len(commit.files):
            files = [_merged(lake, place, group) for group in groups]
            # another run that committed meanwhile was first: its files are merged next time, these are orphans
            if lake.merge(place, commit, files):
                sizes = [sum(file.size_bytes for file in each) for each in (commit.files, files)]
                yield Merge(place, commit.revision + 1, len(commit.files), len(files), *sizes)


def _is_due(lake: Lake, place: Place, commit: Commit, before: date | None) -> bool:
    """Tell whether a place's files are worth merging: there to stay, many, not merged, of a night that is asked for."""
    table = TABLES.get(place.table)
    stays = table is None or table.lives_days != 0
    parts = [file.part for file in commit.files]
    many = len(parts) > 1 and len(set(parts)) == len(parts) and commit.origin is None
    asked = before is None or commit.lineage["scan_date"] < before.isoformat()
    return stays and many and asked and not lake.dropped(place, commit)


def _groups(files: tuple[File, ...]) -> Iterator[list[File]]:
    """Take neighbouring parts together while they fit one file."""
    group: list[File] = []
    for file in files:
        if group and sum(each.size_bytes for each in group) + file.size_bytes > FULL_BYTES:
            yield group
            group = []
        group.append(file)
    yield group


def _merged(lake: Lake, place: Place, group: list[File]) -> File:
    """Write the rows of some parts to one file, aside, and prove that it holds them."""
    rows = pa.concat_tables([lake.rows(place, file) for file in group]).combine_chunks()
    file = lake.write(place, group[0].part, rows, merged=True)
    if not lake.rows(place, file).equals(rows):
        raise IntegrityError(f"{lake}/{place.folder}/{file.name}: merging changed a row; keep the parts and report it")
    return file
