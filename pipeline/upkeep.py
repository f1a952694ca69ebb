"""Keep a lake true: prove its files and invariants, let its tables expire."""

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache

import pyarrow as pa

from pipeline import audit, looks
from pipeline.audit import GRACE, Fault
from pipeline.errors import IntegrityError, SettingsError, WindowNotFoundError
from pipeline.lake import Lake, Place
from pipeline.query import header, names, query
from pipeline.scans import Scan
from pipeline.stages import STAGES
from pipeline.storage import open_storage
from pipeline.tables import TABLES

PERMISSIONS = "permissions"
SUPPORTS = "supports"
"""The table of `sql/checks` that holds the support of every row of every product."""


def verify(lake: Lake, now: datetime | None = None) -> Iterator[Fault]:
    """Yield what shows that the log of looks was changed, every file that is not as committed, then every row that `sql/checks` says must not exist.

    With `now`, what a run at work has written and not yet committed waits and is no fault.
    """
    yield from (Fault(looks.LOG, words) for words in looks.faults(lake))
    found = list(audit.faults(lake, now))
    yield from found
    if all(fault.waits for fault in found):
        for scan_date in nights(lake):
            for rows in checks(lake, scan_date).values():
                yield from rows or ()


def checks(lake: Lake, scan_date: date) -> dict[str, list[Fault] | None]:
    """Run every check of `sql/checks` over a night, each table read once: the rows that must not exist, by check.

    None stands for a check that cannot be asked, as what it reads was never made or has expired.
    """
    read = cache(lambda name: _checked(lake, scan_date, name))
    return {check: _check(lake, scan_date, check, read) for check in names("checks")}


def nights(lake: Lake) -> list[date]:
    """List the scan dates of a lake."""
    return sorted({place.date for place in lake.places("cameras")})


def last_night(lake: Lake) -> date:
    """Return the last scan date of a lake; raise SettingsError where it has none."""
    if not (there := nights(lake)):
        raise SettingsError(
            f"lake {lake}: nothing in it; run `thoroughfare run {lake.scan} --date ... --lake {lake.root}` or pass --lake"
        )
    return there[-1]


def only_scan(root: str) -> str:
    """Return the only scan of a lake; raise SettingsError where it has none or several."""
    there = sorted({key.partition("/")[0] for key in open_storage(root).keys() if "/cameras/" in key})  # noqa: SIM118
    if len(there) != 1:
        raise SettingsError(
            f"lake {root}: holds scans {there}; pass --scan NAME"
            if there
            else f"lake {root}: no scan in it; pass --lake"
        )
    return there[0]


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
    """Read every product of a night by its name; a night of an earlier version has fewer."""
    tables = sorted({place.table for place in lake.places("products")})
    there = [name for name in tables if lake.night(name, scan_date)]
    return {name.removeprefix("products/"): night(lake, scan_date, name) for name in there or tables}


def expire(lake: Lake, now: datetime) -> list[tuple[Place, list[str]]]:
    """Delete the files of every table past its days; returns the places and the files that went.

    A table's days count from the night's end or from the making of its files, whichever is later. A damaged record
    stops nothing but its own place, and is raised when all others are done.
    """
    gone, damage = [], []
    for place in lake.places():
        try:
            if _overdue(lake, place, now) and (names := lake.drop(place, "retention")):
                gone.append((place, names))
        except IntegrityError as error:
            damage.append(error)
    if damage:
        raise damage[0]
    return gone


def overdue(lake: Lake, now: datetime) -> list[Place]:
    """List the places whose files should be gone and are not: the proof of `expire`."""
    return [p for p in lake.places() if _overdue(lake, p, now) and _parquet(lake, p)]


def permit(lake: Lake, scan: Scan, scan_date: date, now: datetime) -> None:
    """Log once a night what the operator of a feed has allowed, as the scan states it."""
    if words := scan.permission.strip():
        entry = {"at": now.astimezone(UTC).isoformat(), "feed": scan.feed, "permission": words}
        name = hashlib.sha256(f"{scan.feed} {words}".encode()).hexdigest()[:16]
        lake.storage.put(f"{PERMISSIONS}/{scan_date}-{name}.json", _line(entry))


def permissions(lake: Lake) -> list[dict[str, str]]:
    """List every permission stated, by night."""
    return _entries(lake, PERMISSIONS)


def _line(entry: dict[str, str]) -> bytes:
    """Write an entry of a log."""
    return (json.dumps(entry, sort_keys=True) + "\n").encode()


def _entries(lake: Lake, log: str) -> list[dict[str, str]]:
    """Read the entries of a log, in the order of their names."""
    return [json.loads(lake.storage.get(key)) for key in lake.storage.keys(log)]


def _parquet(lake: Lake, place: Place) -> list[str]:
    """List the keys of a place's files of rows."""
    return [key for key in lake.storage.keys(place.folder) if key.endswith(".parquet")]


def _check(lake: Lake, scan_date: date, check: str, read: Callable[[str], pa.Table]) -> list[Fault] | None:
    """Run one check of `sql/checks` over a night; None where what it reads has expired."""
    stated, chosen = header(check), _settings(lake, scan_date)
    try:
        tables = {name: read(name) for name in stated["reads"]}
    except WindowNotFoundError:
        return None
    rows = query(check, {name: float(chosen[name]) for name in stated["params"]}, **tables).to_pylist()
    return [Fault(f"{check} {scan_date}", json.dumps(row, default=str, sort_keys=True)) for row in rows]


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
        # a table that should not outlive its stage goes a day after it was made, finished run or not
        return now - made_at > GRACE or _outlived(lake, place)
    begins = datetime(place.date.year, place.date.month, place.date.day, tzinfo=UTC) + timedelta(days=1)
    return now - max(begins, made_at) > timedelta(days=table.lives_days)


def _outlived(lake: Lake, place: Place) -> bool:
    """Tell whether the stage that drops a table has committed for that window."""
    enders = [line.table for line in STAGES if place.table in line.outlived]
    return all(lake.last(Place(table, place.date, place.hour)) for table in enders)
