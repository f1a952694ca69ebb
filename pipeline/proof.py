"""Prove that pixels and vectors are gone: read every file that the program may have written, and find none.

Files are read as bytes; Parquet files column by column, as their pages are compressed. A picture is known by a chain of
JPEG's markers (ITU-T T.81, annex B), a vector by the one that is planted in every file of them (`sentinels`), and either
by a column of its name.
"""

import io
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.audit import GRACE
from pipeline.lake import Lake
from pipeline.sentinels import MARK
from pipeline.storage import STAGING, Folder

SOI, SOS = b"\xff\xd8\xff", 0xDA
SEGMENTS = {*range(0xC0, 0xD0), *range(0xDB, 0xF0), 0xFE} - {0xC8}
"""JPEG's markers that a length follows, before a scan."""
What = Literal["picture", "vector"]
Column = tuple[What | None, list[bytes]]
COLUMNS: dict[str, What] = {"jpeg": "picture", "vector": "vector"}
"""Columns that hold nothing else."""
TRANSIENT = ("snapshots/", "embeddings/")
"""Folders that hold pixels and vectors while a run is at work."""
ASIDE = ("thoroughfare-*", "dask-scratch-space*")
"""What the program and its workers leave in the folder for temporary files, should they be killed."""


@dataclass(frozen=True)
class Find:
    """Pictures or vectors in one file."""

    where: str
    what: What
    count: int
    waits: bool
    """In a table that goes when its stage has committed: a run at work has them, or `expire` deletes them in a day."""


@dataclass(frozen=True)
class Proof:
    """What was searched, and what was found there."""

    files: int
    size_bytes: int
    finds: tuple[Find, ...]

    def count(self, what: What) -> int:
        """Count the pictures, or the vectors, in all files."""
        return sum(find.count for find in self.finds if find.what == what)

    @property
    def wrong(self) -> tuple[Find, ...]:
        """What is found where nothing may be at any time."""
        return tuple(find for find in self.finds if not find.waits)


def search(lake: Lake, now: datetime, also: Iterable[Path] = ()) -> Proof:
    """Search a scan's lake, what is staged for it, what runs leave in temporary folders, and other folders.

    Args:
        lake: Lake of a scan, in a folder or a bucket; its database and its logs lie in it too.
        now: What is younger than a day in a temporary folder may be of a run at work.
        also: Folders or files that pages and exports were written to.
    """
    files, size, finds = 0, 0, list[Find]()
    for where, content, waits in _contents(lake, now, also):
        files, size = files + 1, size + len(content)
        finds += [Find(where, what, count, waits) for what, count in found_in(content).items() if count]
    return Proof(files, size, tuple(finds))


def found_in(content: bytes) -> dict[What, int]:
    """Count the pictures and vectors in a file's bytes."""
    columns = _columns(content) if content[:4] == b"PAR1" else None
    found: dict[What, int] = {"picture": 0, "vector": 0}
    for kind, values in columns or ():
        if kind:
            found[kind] += sum(map(bool, values))
        else:
            found["picture"] += sum(map(pictures_in, values))
            found["vector"] += sum(each.count(MARK) for each in values)
    if columns is None:
        found |= {"picture": pictures_in(content), "vector": content.count(MARK)}
    return found


def pictures_in(content: bytes) -> int:
    """Count what begins as a JPEG does: with two segments in a row, or with one that the bytes end in."""
    count, at = 0, content.find(SOI)
    while at >= 0:
        count += _is_picture(content, at + 2)
        at = content.find(SOI, at + 1)
    return count


def _is_picture(content: bytes, at: int) -> bool:
    """Tell whether segments follow each other from here."""
    for nth in range(2):
        if at + 4 > len(content):
            return nth == 1  # cut off in its first segment, or behind it
        mark, kind, length = content[at], content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if mark != SOI[0] or kind not in SEGMENTS or length < 2:
            return False
        if kind == SOS:
            return True
        at += 2 + length
    return True


def _contents(lake: Lake, now: datetime, also: Iterable[Path]) -> Iterator[tuple[str, bytes, bool]]:
    """Yield every file's name, its bytes, and whether a run at work may have it; what goes while it is being read is gone."""
    for key in lake.storage.keys():  # noqa: SIM118
        with suppress(FileNotFoundError):
            yield f"{lake}/{key}", lake.storage.get(key), key.startswith(TRANSIENT)
    if isinstance(lake.storage, Folder):
        yield from ((str(path), content, True) for path, content in _read([lake.storage.root / STAGING]))
    yield from ((str(path), content, False) for path, content in _read(also))
    young = (now - GRACE).timestamp()
    for path, content in _read(_aside()):
        with suppress(FileNotFoundError):
            yield str(path), content, path.stat().st_mtime > young


def _read(folders: Iterable[Path]) -> Iterator[tuple[Path, bytes]]:
    """Yield every file of some folders with its bytes."""
    for folder in folders:
        for path in sorted([folder] if folder.is_file() else folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                with suppress(FileNotFoundError):
                    yield path, path.read_bytes()


def _aside() -> Iterator[Path]:
    """Name the temporary folders of runs, and Airflow's logs where it has a home."""
    for pattern in ASIDE:
        yield from sorted(Path(tempfile.gettempdir()).glob(pattern))
    if home := os.environ.get("AIRFLOW_HOME"):
        yield Path(home) / "logs"


def _columns(content: bytes) -> list[Column] | None:
    """Return the values of each column of bytes or text, with what its name says it holds; None where it is no Parquet file."""
    try:
        file, found = pq.ParquetFile(io.BytesIO(content)), list[Column]()
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group)
            for name, column in zip(rows.column_names, rows.columns, strict=True):
                if pa.types.is_binary(column.type) or pa.types.is_string(column.type):
                    values = pc.drop_null(column).cast(pa.binary())
                    kind = COLUMNS.get(name)
                    found.append((kind, (values if kind else values.unique()).to_pylist()))
    except (pa.ArrowException, OSError):
        return None
    return found
