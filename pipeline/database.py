"""Keep `thoroughfare.duckdb` beside a lake's tables, and open it for questions.

It holds views of the committed files of all nights by relative path; the tables that live for ever as copies; what
`sql/gold` makes of them; macros; and a comment on every table and column. Of single vehicles on their way, pixels and
vectors it holds nothing. It is made of the lake and is no part of it: who deletes it loses nothing.
"""

import hashlib
import logging
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple, Protocol

import pyarrow as pa

from pipeline import query
from pipeline.errors import IntegrityError, PipelineError, StorageError
from pipeline.lake import Lake
from pipeline.looks import SINGLED_OUT
from pipeline.query import databases, meanings
from pipeline.query.files import Files
from pipeline.query.sessions import Bounds, Session
from pipeline.storage import Folder
from pipeline.tables import KEPT, TABLES

log = logging.getLogger("thoroughfare")
FILE = "thoroughfare.duckdb"
HIDDEN = ("snapshots", "embeddings")
"""Pixels and vectors: no question reads them."""
PRODUCTS, GOLD = "products/", "gold/"
COPIED = tuple(
    name for name, table in TABLES.items() if table.lives_days is KEPT and name not in ("roads", "transitions")
)
"""Tables of the line that are small and live for ever: the file holds their rows."""
PROVEN_BYTES = 64 * 2**20
"""Files of one question that are proved by their hash, up to so many bytes together; more are proved by their size."""
MOVED = (
    "These files are not where this database looks for them. It looks below the folder it lies in: start DuckDB there "
    "(cd FOLDER, then duckdb " + FILE + "), or SET file_search_path = 'FOLDER'. Where files have expired or were "
    "merged since, `thoroughfare sql` makes the database again."
)
SANITY = """
WITH there AS (SELECT regexp_extract(file, '(products/)?[^/]+/date=.*$') AS path FROM glob('**/*.parquet')),
missing AS (SELECT path FROM files WHERE path NOT IN (SELECT path FROM there))
SELECT (SELECT count(*) FROM files) AS files, (SELECT count(*) FROM missing) AS missing,
    (SELECT min(path) FROM missing) AS first_missing,
    CASE WHEN EXISTS (FROM missing) THEN (SELECT words FROM about WHERE topic = 'moved') ELSE 'All files are there.' END
        AS message
"""
FILES = pa.schema(
    [
        ("table_name", pa.string()),
        ("scan_date", pa.date32()),
        ("path", pa.string()),
        ("rows", pa.int64()),
        ("size_bytes", pa.int64()),
        ("sha256", pa.string()),
        ("made_by", pa.string()),
    ]
)
LISTED = "FROM files ORDER BY ALL"
"""Every committed file, as `Committed` has it."""
COPIES = "SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
"""Names of the tables whose rows the database holds."""


class Sense(Protocol):
    """What of a scan its database needs to know; a Scan knows it."""

    @property
    def timezone(self) -> str:
        """Zone of its clocks."""

    @property
    def k(self) -> int:
        """Fewest vehicles behind a row."""


class Told(NamedTuple):
    """What a database itself says of its scan."""

    timezone: str
    k: int


@dataclass(frozen=True)
class Committed:
    """One committed file of a night's table."""

    table: str
    scan_date: date
    path: str
    """Below the scan's folder."""
    rows: int
    size_bytes: int
    sha256: str
    made_by: str


def refresh(lake: Lake, scan: Sense) -> Path | None:
    """Make the database of a lake anew, whole or not at all; return where it lies, None for a lake in a bucket."""
    if not isinstance(lake.storage, Folder):
        return None
    with tempfile.TemporaryDirectory(prefix="thoroughfare-db-") as aside:
        made = _write(lake, scan, Path(aside) / FILE)
        lake.storage.replace(FILE, made.read_bytes())
    return lake.storage.root / FILE


def keep(lake: Lake, scan: Sense) -> None:
    """Make the database anew after files have changed; where that fails the lake is none the worse, and a warning says so."""
    try:
        refresh(lake, scan)
    except Exception as error:  # noqa: BLE001  # what was asked for is done; the next question makes it again
        log.warning("%s/%s: not made anew (%s); `thoroughfare sql` makes it before it answers", lake, FILE, error)


def keep_again(lake: Lake) -> None:
    """Make a database that is there anew, for who knows the lake and not its scan."""
    if isinstance(lake.storage, Folder):
        told = databases.about(lake.storage.root / FILE)
        if {"timezone", "k"} <= set(told):
            keep(lake, Told(told["timezone"], int(told["k"])))


@contextmanager
def opened(lake: Lake, scan: Sense, bounds: Bounds | None = None) -> Iterator[Session]:
    """Open the database of a lake in a folder, made anew first where files have changed; aside where it cannot be kept."""
    with ExitStack() as stack:
        session = _standing(lake, scan, bounds)
        if session is None:
            aside = stack.enter_context(tempfile.TemporaryDirectory(prefix="thoroughfare-db-"))
            made = _write(lake, scan, Path(aside) / FILE)
            try:
                lake.storage.replace(FILE, made.read_bytes())
            except StorageError as error:
                log.warning("%s; the database is made for this question only", error)
            session = Session(made, bounds)
        yield stack.enter_context(session)


def _standing(lake: Lake, scan: Sense, bounds: Bounds | None) -> Session | None:
    """Open the database that is there; None where there is none, it is damaged, or files have changed since."""
    assert isinstance(lake.storage, Folder)
    if not (lake.storage.root / FILE).is_file():
        return None
    try:
        session = Session(lake.storage.root / FILE, bounds)
    except PipelineError:
        return None
    if session.about().get("state") == _state(lake, scan):
        return session
    session.close()
    return None


def committed(lake: Lake, table: str) -> list[Committed]:
    """List the files of every night of a table; a night of which any has expired is left out."""
    found: list[Committed] = []
    gone = set()
    for place in lake.places(table):
        if (last := lake.last(place)) is None:
            continue
        night = date.fromisoformat(last.lineage["scan_date"])
        if lake.dropped(place, last):
            gone.add(night)
        name, made_by = table.removeprefix(PRODUCTS), str(last.lineage.get("code") or place.folder)
        found += [
            Committed(name, night, f"{place.folder}/{f.name}", f.rows, f.size_bytes, f.sha256, made_by)
            for f in last.files
        ]
    return [each for each in found if each.scan_date not in gone]


def by_night(files: list[Committed], root: Path | None = None) -> list[Files]:
    """Put files together by night and maker, relative or below `root`."""
    groups: dict[tuple[date, str], list[str]] = {}
    for each in files:
        path = each.path if root is None else str(root / each.path)
        groups.setdefault((each.scan_date, each.made_by), []).append(path)
    return [Files(night, tuple(paths), made_by) for (night, made_by), paths in sorted(groups.items())]


def prove(lake: Lake, files: list[Committed]) -> None:
    """Hold files against their records: by hash while they are few bytes, else by size alone.

    Raises IntegrityError where one is missing or not as committed.
    """
    assert isinstance(lake.storage, Folder)
    hashed = sum(each.size_bytes for each in files) <= PROVEN_BYTES
    for each in files:
        path = lake.storage.root / each.path
        try:
            same = path.stat().st_size == each.size_bytes and (
                not hashed or hashlib.sha256(path.read_bytes()).hexdigest() == each.sha256
            )
        except FileNotFoundError as error:
            raise IntegrityError(
                f"{path}: committed but missing; restore it or delete the folder and run again"
            ) from error
        if not same:
            raise IntegrityError(
                f"{path}: its bytes are not those committed; restore it or delete the folder and run again"
            )


def _write(lake: Lake, scan: Sense, path: Path) -> Path:
    """Write a database aside."""
    assert isinstance(lake.storage, Folder)
    names = {name.removeprefix(PRODUCTS): name for name in sorted({place.table for place in lake.places()})}
    shown = {name: table for name, table in names.items() if table not in (*HIDDEN, *SINGLED_OUT)}
    files = {name: committed(lake, table) for name, table in shown.items()}
    there: set[str] = set()
    with databases.Writer(path, lake.storage.root.resolve(), scan.timezone) as writer:
        writer.rows("about", _about(lake, scan))
        listed = [vars(each) | {"table_name": each.table} for those in files.values() for each in those]
        writer.rows("files", pa.Table.from_pylist(listed, schema=FILES))
        writer.view("sanity", SANITY)
        for name, those in files.items():
            if those and _stands(lake, those):
                kept = name in COPIED or name not in TABLES
                writer.files(name, by_night(those), TABLES[name].schema if name in TABLES else None, kept=kept)
                there.add(name)
        there |= _derived(writer, scan, there)
        for name in sorted(there | set(meanings.OWN)):
            writer.comment(name, *meanings.of(name))
    return path


def _stands(lake: Lake, files: list[Committed]) -> bool:
    """Tell whether a table's files are as committed; one that is damaged is left out, and named when it is asked for."""
    try:
        prove(lake, files)
    except IntegrityError as error:
        log.warning("%s: left out of the database (%s)", files[0].table, error)
        return False
    return True


def _derived(writer: databases.Writer, scan: Sense, there: set[str]) -> set[str]:
    """Add what stands on the tables: views for people, and gold."""
    made = set()
    for view, (text, bases) in query.views().items():
        if bases <= there:
            writer.view(view, text)
            made.add(view)
    for file in query.names("gold"):
        name, params = file.removeprefix(GOLD), {"timezone": scan.timezone, "k": scan.k}
        if set(query.header(file)["reads"]) <= there and writer.answer(name, file, params):
            made.add(name)
    return made


def _about(lake: Lake, scan: Sense) -> pa.Table:
    """Say what a database is."""
    words = {
        "scan": lake.scan,
        "timezone": scan.timezone,
        "k": str(scan.k),
        "how": "Every view and table holds all nights; scan_date tells them apart. DESCRIBE and duckdb_columns() give units.",
        "check": "FROM sanity tells whether all files are there, and what to do where not.",
        "moved": MOVED,
        "left out": "Trajectories and links show single vehicles: `thoroughfare sql --purpose '...'` asks them. "
        "Pictures and vectors are asked by nobody.",
        "state": _state(lake, scan),
    }
    return pa.table({"topic": list(words), "words": list(words.values())})


def _state(lake: Lake, scan: Sense) -> str:
    """Digest everything a database follows from: which revisions there are, which have expired, and the SQL it holds."""
    keys = [key for key in lake.storage.keys() if "/commit-r" in key or "/expired-r" in key]  # noqa: SIM118
    sql = [query.read(name) for name in ("macros", "views", *query.names("products"), *query.names("gold"))]
    code = [Path(__file__).read_text(encoding="utf-8"), *(str(table) for table in TABLES.values())]
    return hashlib.sha256("\n".join([scan.timezone, str(scan.k), *keys, *sql, *code]).encode()).hexdigest()
