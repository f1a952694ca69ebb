"""Show one question the committed tables it names, and nothing else: from files through DuckDB, or out of a bucket."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline import database, looks, metrics, query, upkeep
from pipeline.errors import PipelineError, SettingsError, WindowNotFoundError
from pipeline.lake import Lake
from pipeline.looks import SINGLED_OUT
from pipeline.query.sessions import Bounds, Look, Session
from pipeline.storage import Folder
from pipeline.tables import TABLES

if TYPE_CHECKING:
    from pipeline.desk import Desk

SHOWN = tuple(name for name in TABLES if name not in database.HIDDEN)
"""Tables people may ask: pixels and vectors are not among them."""
PARAM = re.compile(r"\$([a-z_]\w*)")
"""A parameter of a question."""
RUNS = "runs"
"""The table of run records: no part of any night."""


@dataclass(frozen=True)
class Answering:
    """One question over what it may see; `put` runs it."""

    text: str
    params: dict[str, Any]
    there: tuple[str, ...]
    """Tables and views a question may name."""
    session: Session | None
    tables: dict[str, pa.Table]
    """What it reads, of a lake in a bucket, where there is no session."""

    def put(self, look: Look | None = None) -> pa.RecordBatchReader:
        """Return the rows as they come; `look` is told the percent done while they are waited for.

        Raises PipelineError with DuckDB's own words, and the tables there are, when the SQL fails.
        """
        try:
            if self.session is None:
                return query.ask(self.text, self.tables, self.params).to_reader()
            return self.session.ask(self.text, self.params, look)
        except PipelineError as error:
            raise PipelineError(f"{error}; tables here: {sorted(self.there)}") from error


@contextmanager
def answering(
    statement: str,
    desk: "Desk",
    first: date | None = None,
    bounds: Bounds | None = None,
    given: Mapping[str, str] | None = None,
) -> Iterator[Answering]:
    """Show a question the committed tables it names and nothing else: of the desk's night, or of all nights from `first`.

    A file whose header says `nights: all` sees every night up to the desk's. Tables of several nights bear `scan_date`.
    `given` are the values of the question's own parameters.
    """
    named = statement in query.names() or ("/" in statement and statement.replace("/", "").isidentifier())
    text = query.read(statement) if named else statement
    wanted = query.beneath(query.mentioned(text))
    for table in sorted(wanted & set(SINGLED_OUT)):
        looks.look(desk.lake, desk.scan, table, desk.purpose, desk.now)
    params = _params(statement if named else "your SQL", text, desk, given or {})
    first = date.min if named and "all" in query.header(statement)["nights"] else first
    if not isinstance(desk.lake.storage, Folder):
        there, tables = _fetched(desk, wanted, first)
        yield Answering(text, params, there, None, tables)
        return
    with database.opened(desk.lake, desk.scan, bounds) as session:
        there = _shown(desk, session, wanted, first)
        session.lock()
        yield Answering(text, params, there, session, {})


def _params(asked: str, text: str, desk: "Desk", given: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of a question's parameters: those of the scan, and those a person gives."""
    wanted = set(PARAM.findall(text))
    params = {name: getattr(desk.scan, name) for name in ("timezone", "k") if name in wanted}
    own = wanted - set(params)
    if missing := sorted(own - set(given)):
        raise SettingsError(f"{asked} asks for ${missing[0]}; give it with --param {missing[0]}=VALUE")
    if unknown := sorted(set(given) - own):
        raise SettingsError(f"--param {unknown[0]}: {asked} takes {sorted(own) or 'no parameter'}; leave it out")
    return params | dict(given)


def _shown(desk: "Desk", session: Session, wanted: set[str], first: date | None) -> tuple[str, ...]:
    """Show a session what a question names; return what it might have named."""
    listed = [database.Committed(*row) for row in session.all(database.LISTED)]
    listed += [each for name in sorted(wanted & set(SINGLED_OUT)) for each in database.committed(desk.lake, name)]
    copied = {name for (name,) in session.all(database.COPIES)}
    gold = {name.removeprefix("gold/") for name in query.names("gold")}
    last_night = max((each.scan_date for each in listed), default=desk.scan_date)
    for name in sorted(wanted & gold & copied if desk.scan_date < last_night else ()):
        for base in query.header(f"gold/{name}")["reads"]:
            _show(desk, session, base, [each for each in listed if each.table == base], copied, date.min)
        session.answer(name, f"gold/{name}", {"timezone": desk.scan.timezone, "k": desk.scan.k})
    there = {each.table for each in listed}
    for name in sorted(wanted & (there | set(SHOWN))):
        _show(desk, session, name, [each for each in listed if each.table == name], copied, first)
    for view, (text, bases) in query.views().items():
        if view in wanted and bases <= wanted:
            session.view(view, text if first else query.undated(text))
    if RUNS in wanted:
        session.rows(RUNS, metrics.table(metrics.read(desk.lake)))
    return (*there, *(gold & copied), *query.views(), *SINGLED_OUT, RUNS)


def _show(
    desk: "Desk", session: Session, name: str, listed: list[database.Committed], copied: set[str], first: date | None
) -> None:
    """Show a session one table: as the database holds it, or by its files, after they are held against their records."""
    files = [each for each in listed if (first or desk.scan_date) <= each.scan_date <= desk.scan_date]
    if not files:
        # says why there is nothing: never made, or expired
        session.rows(name, upkeep.night(desk.lake, desk.scan_date, _stored(name)))
    elif name in copied:
        session.kept(name, sorted({each.scan_date for each in files}), dated=first is not None)
    else:
        database.prove(desk.lake, files)
        root = desk.lake.storage.root.resolve()  # type: ignore[attr-defined]
        schema = TABLES[name].schema if name in TABLES else None
        session.files(name, database.by_night(files, root), schema, dated=first is not None)


def _fetched(desk: "Desk", wanted: set[str], first: date | None) -> tuple[tuple[str, ...], dict[str, pa.Table]]:
    """Fetch what a question names from a bucket; return also what it might have named."""
    there = {place.table.removeprefix("products/"): place.table for place in desk.lake.places()}
    shown = {name: table for name, table in there.items() if name in SHOWN or name not in TABLES}
    tables: dict[str, pa.Table] = {}
    for name in sorted(wanted & set(shown)):
        if first is None:
            tables[name] = upkeep.night(desk.lake, desk.scan_date, shown[name])
        else:
            tables[name] = of_nights(desk.lake, desk.scan_date, shown[name], first)
    if RUNS in wanted:
        tables[RUNS] = metrics.table(metrics.read(desk.lake))
    return (*shown, *query.views(), RUNS), tables


def of_nights(lake: Lake, last: date, table: str, first: date) -> pa.Table:
    """Read a table of some nights, each row with its `scan_date`; nights that have expired are left out."""
    parts = []
    for night in upkeep.nights(lake):
        if first <= night <= last:
            try:
                rows = upkeep.night(lake, night, table)
            except WindowNotFoundError:
                continue
            days = pa.array([night] * rows.num_rows, pa.date32())
            parts.append(rows.append_column("scan_date", days))
    return pa.concat_tables(parts, promote_options="default") if parts else upkeep.night(lake, last, table)


def _stored(name: str) -> str:
    """Return under which name a lake keeps a table or a product."""
    return name if name in TABLES else f"products/{name}"
