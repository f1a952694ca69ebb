"""Run one SQL file over Arrow tables, or one question over a database and committed files; the only room that knows DuckDB."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipeline.errors import PipelineError, SchemaError

CHECKOUT, PACKAGED = Path(__file__).parents[2] / "sql", Path(__file__).parents[1] / "_sql"
SQL = PACKAGED if PACKAGED.is_dir() else CHECKOUT
HEADER = re.compile(r"^-- (grain|reads|params|units|nights): *(.*)$", re.MULTILINE)
HEADED = re.compile(r"^-- (\w+|column \w+):")
COLUMN = re.compile(r"^-- column (\w+): *(.*)$", re.MULTILINE)
"""A column of the rows a file gives: its name, its meaning and its unit."""
TABLE_NAME = re.compile(r'"table_name":"((?:[^"\\]|\\.)*)"')
"""A name in DuckDB's parse tree of a SELECT."""
MACRO = re.compile(r"^-- macro (\w+): *(.*)$", re.MULTILINE)
"""What a macro of `sql/macros.sql` gives."""
VIEW = re.compile(r"^CREATE VIEW (\w+) AS\s+(.*?);", re.MULTILINE | re.DOTALL)
"""A view of `sql/views.sql`: its name and its SELECT."""
MEANING = re.compile(r"^-- (.*)\.\nCREATE VIEW (\w+) AS$", re.MULTILINE)
"""What a view is, and its name."""
LOCKED = {
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_access": "false",
    "preserve_insertion_order": "true",
    "TimeZone": "'UTC'",
    "lock_configuration": "true",
}
"""Settings of every connection: SQL sees the tables it is given and nothing else."""
MACROS = SQL / "macros.sql"


def query(name: str, params: dict[str, Any] | None = None, **tables: pa.Table) -> pa.Table:
    """Run `sql/<name>.sql` over `tables`, each under its own name, and return Arrow rows.

    Args:
        name: Path below `sql/` without its ending, such as `links/candidates`.
        params: Values of the file's `$params`.
        tables: Arrow tables; exactly those of the header's `-- reads:`.

    Raises:
        SchemaError: a table of `-- reads:` is missing, or one more was given.
        PipelineError: the SQL itself fails; the message names the file.
    """
    text = read(name)
    if (wanted := set(header(name)["reads"])) != set(tables):
        raise SchemaError(f"sql/{name}.sql reads {sorted(wanted)} but was given {sorted(tables)}; pass exactly those")
    return _select(text, f"sql/{name}.sql", params or {}, tables)


def ask(text: str, tables: dict[str, pa.Table], params: dict[str, Any] | None = None) -> pa.Table:
    """Run one SELECT a person wrote over `tables` and the views of `sql/views.sql` whose tables are among them.

    It sees nothing else and can change nothing.
    Raises PipelineError with DuckDB's own words when it is not one SELECT or fails.
    """
    _parse(text)
    return _select(text, "your SQL", params or {}, tables, VIEW.findall(read("views")))


def mentioned(text: str) -> set[str]:
    """List the names a SELECT reads from: tables, and its own common table expressions."""
    _parse(text)
    tree = _parser().execute("SELECT json_serialize_sql($text)", {"text": text}).fetchall()[0][0]
    return set(TABLE_NAME.findall(tree))


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """Open a connection that takes statements to pieces and runs none."""
    return duckdb.connect(":memory:")


def beneath(names: set[str]) -> set[str]:
    """Add to some names those of the tables that the views among them stand on."""
    return names.union(*(_bases(select) for view, select in VIEW.findall(read("views")) if view in names))


def views() -> dict[str, tuple[str, set[str]]]:
    """Return the views of `sql/views.sql`: the SELECT of each, over tables of several nights, and what it stands on."""
    return {view: (select, _bases(select)) for view, select in VIEW.findall(read("views"))}


def view_meaning(name: str) -> str:
    """Return what a view of `sql/views.sql` is."""
    return next((words for words, view in MEANING.findall(read("views")) if view == name), "")


def macros() -> dict[str, str]:
    """Return what each macro of `sql/macros.sql` gives."""
    return dict(MACRO.findall(MACROS.read_text(encoding="utf-8")))


def undated(select: str) -> str:
    """Take `scan_date` out of a view, for tables of one night, which have none."""
    return re.sub(r"\bscan_date,\s+", "", select)


@cache
def _bases(select: str) -> set[str]:
    """List the tables that a view stands on."""
    return set(re.findall(r"\b(?:FROM|JOIN) (\w+)", select)) & set(header("views")["reads"])


def _parse(text: str) -> None:
    """Raise PipelineError unless the text is one SELECT."""
    try:
        kinds = [statement.type for statement in duckdb.extract_statements(text)]
    except duckdb.Error as error:
        raise PipelineError(f"your SQL: {error}; mend it there") from error
    if kinds != [duckdb.StatementType.SELECT]:
        raise PipelineError(f"your SQL holds {len(kinds)} statements, not one SELECT; ask one question at a time")


def _select(
    text: str, where: str, params: dict[str, Any], tables: dict[str, pa.Table], views: Iterable[tuple[str, str]] = ()
) -> pa.Table:
    """Run one statement over registered tables, views of them, and nothing else."""
    with connect() as connection:
        try:
            for table, rows in tables.items():
                connection.register(table, rows)
            for view, select in views:
                if _bases(select) <= set(tables):
                    dated = any("scan_date" in tables[name].column_names for name in _bases(select))
                    connection.execute(f"CREATE VIEW {view} AS {select if dated else undated(select)}")
            return connection.sql(text, params=params).to_arrow_table()
        except duckdb.Error as error:
            raise PipelineError(f"{where}: {error}") from error


def connect() -> duckdb.DuckDBPyConnection:
    """Open a locked-down connection in memory with the macros of `sql/macros.sql`."""
    connection = duckdb.connect(":memory:")
    connection.execute(MACROS.read_text(encoding="utf-8"))
    for setting, value in LOCKED.items():
        connection.execute(f"SET {setting} = {value}")
    return connection


def names(folder: str = "") -> list[str]:
    """List the SQL files below `sql/<folder>`, as `query` names them."""
    return sorted(
        str(path.relative_to(SQL).with_suffix("")) for path in (SQL / folder).rglob("*.sql") if path != MACROS
    )


@cache
def read(name: str) -> str:
    """Return the text of `sql/<name>.sql`; raise PipelineError with the names there are."""
    path = SQL / f"{name}.sql"
    if not path.is_file():
        raise PipelineError(f"no sql/{name}.sql; choose from {names(str(Path(name).parent))}")
    return path.read_text(encoding="utf-8")


@cache
def header(name: str) -> dict[str, list[str]]:
    """Parse the header of a file: `grain`, `reads`, `params`, `units` and `nights` as lists of words or phrases."""
    found = {
        key: [part.strip() for part in text.split(",") if part.strip()] for key, text in HEADER.findall(read(name))
    }
    return {key: found.get(key, []) for key in ("grain", "reads", "params", "units", "nights")}


def asks(name: str) -> str:
    """Return what a file asks, in one line: the first sentence of its comment."""
    words = " ".join(line[3:] for line in read(name).splitlines() if line.startswith("-- ") and not HEADED.match(line))
    return re.split(r"(?<=[.?!]) ", words)[0] if words else ", ".join(header(name)["grain"])


@cache
def columns(name: str) -> dict[str, str]:
    """Return what the header of a file says of each column it gives, in their order; empty where it says nothing."""
    return {column: " ".join(words.split()) for column, words in COLUMN.findall(read(name))}
