"""Keep a lake true: prove its files and invariants, let its tables expire, log every look at trajectories."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa

from pipeline.errors import IntegrityError, PrivacyError, WindowNotFoundError
from pipeline.lake import File, Lake, Place
from pipeline.query import header, names, query
from pipeline.scans import Scan
from pipeline.stages import STAGES
from pipeline.tables import TABLES

GRACE = timedelta(hours=24)
"""A table that should not outlive its stage is dropped this long after it was made, finished run or not."""
SINGLED_OUT = ("trajectories", "links")
"""Tables that show single vehicles on their way: read with a purpose only."""
LOOKS = "looks"
SUPPORTS = "supports"
"""The table of `sql/checks` that holds the support of every row of every product."""


@dataclass(frozen=True)
class Fault:
    """One thing that must not be."""

    where: str
    what: str


def verify(lake: Lake) -> Iterator[Fault]:
    """Yield every file that is not as committed, then every row that `sql/checks` says must not exist."""
    broken = [Fault("files", sentence) for place in lake.places() for sentence in _file_faults(lake, place)]
    yield from broken
    if broken:
        return
    for scan_date in nights(lake):
        for check in names("checks"):
            yield from _check(lake, scan_date, check)


def nights(lake: Lake) -> list[date]:
    """List the scan dates of a lake."""
    return sorted({place.date for place in lake.places("cameras")})


def state(lake: Lake, scan_date: date) -> str:
    """Tell how far a night is: `none` never begun, `failed` begun and not finished, `completed`."""
    if not lake.last(Place("cameras", scan_date)):
        return "none"
    return "completed" if all(lake.last(Place(name, scan_date)) for name in names("products")) else "failed"


def night(lake: Lake, scan_date: date, table: str) -> pa.Table:
    """Read one table of a whole night; raise WindowNotFoundError where it was never made or has expired."""
    places = lake.night(table, scan_date)
    if not places:
        raise WindowNotFoundError(
            f"lake {lake}: no {table} for {scan_date}; dates there: {[str(d) for d in nights(lake)]}; "
            f"run `thoroughfare run {lake.scan} --date {scan_date} --lake {lake.root}`"
        )
    return lake.read(places)


def products(lake: Lake, scan_date: date) -> dict[str, pa.Table]:
    """Read every product of a night by its name."""
    tables = sorted({place.table for place in lake.places("products")})
    return {name.removeprefix("products/"): night(lake, scan_date, name) for name in tables}


def expire(lake: Lake, now: datetime) -> list[tuple[Place, list[str]]]:
    """Delete the files of every table past its days; returns the places and the files that went.

    A table's days count from the night's end or from the making of its files, whichever is later.
    """
    return [
        (place, gone)
        for place in lake.places()
        if _overdue(lake, place, now) and (gone := lake.drop(place, "retention"))
    ]


def overdue(lake: Lake, now: datetime) -> list[Place]:
    """List the places whose files should be gone and are not: the proof of `expire`."""
    return [p for p in lake.places() if _overdue(lake, p, now) and _parquet(lake, p)]


def look(lake: Lake, scan: Scan, table: str, purpose: str, now: datetime) -> None:
    """Log a look at single vehicles; raise PrivacyError where no purpose is stated and the scan is not exempt."""
    if table not in SINGLED_OUT or scan.exempt:
        return
    if not purpose.strip():
        raise PrivacyError(
            f"{table} of {lake.scan} show single vehicles; state why with --purpose '...' (each look is logged), or use products"
        )
    at = now.astimezone(UTC).isoformat(timespec="microseconds")
    entry = {"at": at, "table": table, "purpose": purpose.strip()}
    lake.storage.put(f"{LOOKS}/{at}-{table}.json", (json.dumps(entry, sort_keys=True) + "\n").encode())


def looks(lake: Lake) -> list[dict[str, str]]:
    """List every look at single vehicles, oldest first."""
    return [json.loads(lake.storage.get(key)) for key in lake.storage.keys(LOOKS)]


def _file_faults(lake: Lake, place: Place) -> Iterator[str]:
    """Hold the records of a place against their own hashes and its files, and the files against the records."""
    if damaged := list(_record_faults(lake, place)):
        yield from damaged
        return
    known = set()
    for commit in lake.commits(place):
        for file in commit.files:
            known.add(f"{place.folder}/{file.name}")
            yield from _faults(lake, place, file, dropped=lake.dropped(place, commit))
    for key in _parquet(lake, place):
        if key not in known:
            yield f"{lake}/{key}: in no commit; an interrupted run left it, run the scan again or delete it"


def _record_faults(lake: Lake, place: Place) -> Iterator[str]:
    """Check every record of a place: commits, markers and held parts."""
    for key in lake.storage.keys(place.folder):
        if key.endswith(".json"):
            try:
                lake.record(key)
            except IntegrityError as error:
                yield str(error)


def _parquet(lake: Lake, place: Place) -> list[str]:
    """List the keys of a place's files of rows."""
    return [key for key in lake.storage.keys(place.folder) if key.endswith(".parquet")]


def _faults(lake: Lake, place: Place, file: File, *, dropped: bool) -> Iterator[str]:
    """Check one committed file."""
    key = f"{place.folder}/{file.name}"
    if dropped:
        if key in lake.storage.keys(place.folder):
            yield f"{lake}/{key}: expired but still there; run `thoroughfare expire`"
        return
    try:
        rows = lake.rows(place, file).num_rows
    except (IntegrityError, OSError, pa.ArrowException) as error:
        yield str(error)
        return
    if rows != file.rows:
        yield f"{lake}/{key}: holds {rows} rows, its record says {file.rows}"


def _check(lake: Lake, scan_date: date, check: str) -> Iterator[Fault]:
    """Run one check of `sql/checks` over a night; what has expired is not checked."""
    stated, chosen = header(check), _settings(lake, scan_date)
    try:
        tables = {name: _checked(lake, scan_date, name) for name in stated["reads"]}
    except WindowNotFoundError:
        return
    for row in query(check, {name: float(chosen[name]) for name in stated["params"]}, **tables).to_pylist():
        yield Fault(f"{check} {scan_date}", json.dumps(row, default=str, sort_keys=True))


def _checked(lake: Lake, scan_date: date, name: str) -> pa.Table:
    """Read what a check reads: a table of the night, or `supports`, the support of every row of every product."""
    if name != SUPPORTS:
        return night(lake, scan_date, name)
    supports = [(product, rows["support"].to_pylist()) for product, rows in sorted(products(lake, scan_date).items())]
    if not supports:
        raise WindowNotFoundError(f"lake {lake}: no products for {scan_date}; run `thoroughfare run {lake.scan}`")
    pairs = [(product, support) for product, found in supports for support in found]
    kinds = pa.schema([("product", pa.string()), ("support", pa.int64())])
    return pa.Table.from_pylist([{"product": product, "support": support} for product, support in pairs], schema=kinds)


def _settings(lake: Lake, scan_date: date) -> dict[str, str]:
    """Return the settings the night's trajectories and products were made with: what their checks hold them to."""
    commits = [lake.last(place) for table in ("trajectories", "products") for place in lake.night(table, scan_date)]
    return {name: value for commit in commits if commit for name, value in commit.lineage["settings"].items()}


def _overdue(lake: Lake, place: Place, now: datetime) -> bool:
    """Tell whether a place's files have lived their days."""
    table = TABLES.get(place.table)
    if table is None or table.lives_days is None:
        return False
    made_at = lake.made_at(place)
    if table.lives_days == 0:
        return now - made_at > GRACE or _outlived(lake, place)
    begins = datetime(place.date.year, place.date.month, place.date.day, tzinfo=UTC) + timedelta(days=1)
    return now - max(begins, made_at) > timedelta(days=table.lives_days)


def _outlived(lake: Lake, place: Place) -> bool:
    """Tell whether the stage that drops a table has committed for that window."""
    enders = [line.table for line in STAGES if place.table in line.outlived]
    return all(lake.last(Place(table, place.date, place.hour)) for table in enders)
