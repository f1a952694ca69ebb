"""Run one SQL file over Arrow tables; the only room that knows DuckDB."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipeline.errors import PipelineError, SchemaError

CHECKOUT, PACKAGED = Path(__file__).parent.parent / "sql", Path(__file__).parent / "_sql"
SQL = PACKAGED if PACKAGED.is_dir() else CHECKOUT
HEADER = re.compile(r"^-- (grain|reads|params|units): *(.*)$", re.MULTILINE)
LOCKED = {
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_access": "false",
    "preserve_insertion_order": "true",
    "TimeZone": "'UTC'",
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
    connection = connect()
    try:
        for table, rows in tables.items():
            connection.register(table, rows)
        return connection.sql(text, params=params or {}).to_arrow_table()
    except duckdb.Error as error:
        raise PipelineError(f"sql/{name}.sql: {error}") from error
    finally:
        connection.close()


def connect() -> duckdb.DuckDBPyConnection:
    """Open a locked-down connection in memory with the macros of `sql/macros.sql`."""
    connection = duckdb.connect(":memory:")
    connection.execute(MACROS.read_text(encoding="utf-8"))
    for setting, value in LOCKED.items():
        connection.execute(f"SET {setting} = {value}")
    return connection


def names(folder: str = "") -> list[str]:
    """List the SQL files below `sql/<folder>`, as `query` names them."""
    return sorted(str(path.relative_to(SQL).with_suffix("")) for path in (SQL / folder).rglob("*.sql") if path != MACROS)


@cache
def read(name: str) -> str:
    """Return the text of `sql/<name>.sql`; raise PipelineError with the names there are."""
    path = SQL / f"{name}.sql"
    if not path.is_file():
        raise PipelineError(f"no sql/{name}.sql; choose from {names(str(Path(name).parent))}")
    return path.read_text(encoding="utf-8")


@cache
def header(name: str) -> dict[str, list[str]]:
    """Parse the header of a file: its `grain`, `reads`, `params` and `units` as lists of words or phrases."""
    found = {key: [part.strip() for part in text.split(",") if part.strip()] for key, text in HEADER.findall(read(name))}
    return {key: found.get(key, []) for key in ("grain", "reads", "params", "units")}
