"""Write a DuckDB file of views over Parquet by relative path, small tables, macros and comments; tell what one holds."""

from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa

from pipeline.errors import IntegrityError
from pipeline.query import MACROS, header, macros, read
from pipeline.query.files import Files, named, quoted, select

LOCAL = "CREATE OR REPLACE MACRO local_time(moment) AS timezone({}, moment), (moment, zone) AS timezone(zone, moment)"
"""In a database, `local_time` knows the zone of its scan."""


class Writer:
    """A database file that is being written; its views are relative to the folder it will lie in."""

    def __init__(self, path: Path, folder: Path, timezone: str) -> None:
        """Create the file with the macros of `sql/macros.sql`."""
        self.connection = duckdb.connect(path, config={"python_enable_replacements": False})
        self.connection.execute("SET TimeZone = 'UTC'")
        self.connection.execute(f"SET file_search_path = {quoted(str(folder))}")
        self.connection.execute(MACROS.read_text(encoding="utf-8"))
        self.connection.execute(LOCAL.format(quoted(timezone)))
        for macro, words in macros().items():
            self.connection.execute(f"COMMENT ON MACRO {named(macro)} IS {quoted(words)}")

    def files(self, name: str, files: list[Files], schema: pa.Schema | None, *, kept: bool) -> None:
        """Add a table of all nights: its rows where `kept`, else a view of its files."""
        text = select(self.connection, name, schema, files, dated=True)
        self.connection.execute(f"CREATE {'TABLE' if kept else 'VIEW'} {named(name)} AS {text}")

    def rows(self, name: str, rows: pa.Table) -> None:
        """Add a table of given rows."""
        self.connection.register("given", rows)
        self.connection.execute(f"CREATE TABLE {named(name)} AS FROM given")
        self.connection.unregister("given")

    def answer(self, name: str, file: str, params: dict[str, Any]) -> bool:
        """Add the rows that `sql/<file>.sql` gives; False where what is there lacks a column, made by an earlier version."""
        given = {key: params[key] for key in header(file)["params"]}
        self.connection.commit()  # one that fails takes no other with it
        try:
            self.connection.execute(f"CREATE TABLE {named(name)} AS {read(file)}", given)
        except duckdb.BinderException:
            return False
        finally:
            self.connection.begin()
        return True

    def view(self, name: str, text: str) -> None:
        """Add a view of what is there."""
        self.connection.execute(f"CREATE VIEW {named(name)} AS {text}")

    def comment(self, name: str, words: str, columns: dict[str, str]) -> None:
        """Say what a table or view is, and each of its columns that is there."""
        found = "SELECT table_type FROM information_schema.tables WHERE table_name = $name"
        ((kind,),) = self.connection.execute(found, {"name": name}).fetchall()
        kind = "VIEW" if kind == "VIEW" else "TABLE"
        self.connection.execute(f"COMMENT ON {kind} {named(name)} IS {quoted(words)}")
        for column in self.connection.table(name).columns:
            if column in columns:
                on = f"{named(name)}.{named(column)}"
                self.connection.execute(f"COMMENT ON COLUMN {on} IS {quoted(columns[column])}")

    def __enter__(self) -> Self:
        """Write all or nothing."""
        self.connection.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Bring all of it to the file and close it."""
        try:
            if error is None:
                self.connection.commit()
        finally:
            self.connection.close()
        if isinstance(error, duckdb.Error):
            raise IntegrityError(f"a committed table cannot be read ({error}); run `thoroughfare verify`") from error


def about(path: Path) -> dict[str, str]:
    """Return what a database says of itself; nothing where there is none, or it is damaged."""
    if not path.is_file():
        return {}
    try:
        with closing(duckdb.connect(path, read_only=True)) as connection:
            return dict(connection.execute("SELECT topic, words FROM about").fetchall())
    except duckdb.Error:
        return {}
