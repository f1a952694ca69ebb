"""Say in SQL which committed Parquet files hold a table, night by night, whatever version wrote them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from pipeline.errors import IntegrityError, SchemaError


@dataclass(frozen=True)
class Files:
    """Files of one night of one table, written by one version of its stage."""

    scan_date: date
    paths: tuple[str, ...]
    """As DuckDB is to open them."""
    made_by: str
    """Equal for files whose columns are equal."""


def quoted(text: str) -> str:
    """Write a text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"


def named(name: str) -> str:
    """Write a name as SQL has it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def select(
    connection: duckdb.DuckDBPyConnection, table: str, schema: pa.Schema | None, files: Iterable[Files], *, dated: bool
) -> str:
    """Return the SELECT of a table's rows, with today's columns and, where `dated`, `scan_date` at the end.

    Columns newer than a file are null in its rows; without a `schema`, all columns of all files are there.

    Raises:
        SchemaError: a column is of another type than today.
        IntegrityError: a file is no Parquet.
    """
    kinds = _kinds(connection, schema) if schema is not None else None
    seen: dict[str, dict[str, str]] = {}
    parts = []
    for each in files:
        if each.made_by not in seen:
            seen[each.made_by] = _described(connection, each.paths[0])
        columns = _columns(table, kinds, seen[each.made_by]) if kinds else "*"
        day = f", DATE {quoted(str(each.scan_date))} AS scan_date" if dated else ""
        parts.append(f"SELECT {columns}{day} FROM {_read(each.paths)}")  # noqa: S608  # names and paths are quoted
    if not parts and kinds:
        day = ", CAST(NULL AS DATE) AS scan_date" if dated else ""
        parts = [f"SELECT {_columns(table, kinds, {})}{day} WHERE false"]
    return f"\nUNION ALL{'' if kinds else ' BY NAME'}\n".join(parts)


def _read(paths: tuple[str, ...]) -> str:
    """Write the call that reads some files of equal columns."""
    return f"read_parquet([{', '.join(map(quoted, paths))}], hive_partitioning = false)"


def _columns(table: str, kinds: dict[str, str], there: dict[str, str]) -> str:
    """List the columns of today, those that the files lack as nulls."""
    for name, kind in kinds.items():
        if there.get(name, kind) != kind:
            raise SchemaError(
                f"table {table}: {name} is {there[name]} in a file, not {kind}: another version wrote it; "
                "run the scan again, or read it with that version"
            )
    told = [named(name) if name in there else f"CAST(NULL AS {kind}) AS {named(name)}" for name, kind in kinds.items()]
    return ", ".join(told)


def _kinds(connection: duckdb.DuckDBPyConnection, schema: pa.Schema) -> dict[str, str]:
    """Name DuckDB's type of each column of an Arrow schema."""
    # not schema.empty_table(), which imports pandas where there is one: half a second
    return _types(connection.from_arrow(pa.Table.from_batches([], schema)))


def _described(connection: duckdb.DuckDBPyConnection, path: str) -> dict[str, str]:
    """Name the type of each column of a file."""
    try:
        return _types(connection.sql(f"FROM {_read((path,))}"))
    except duckdb.Error as error:
        raise IntegrityError(f"{path}: cannot be read ({error}); run `thoroughfare verify`") from error


def _types(relation: Any) -> dict[str, str]:
    """Name the type of each column of a relation."""
    return dict(zip(relation.columns, map(str, relation.types), strict=True))
