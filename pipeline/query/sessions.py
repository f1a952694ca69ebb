"""Put one SELECT to a database file and the committed files of the tables it names: read-only, locked down, bounded."""

import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa

from pipeline.errors import PipelineError
from pipeline.query import LOCKED, header, read
from pipeline.query.files import Files, named, quoted, select

BATCH_ROWS = 100_000
"""Rows of an answer that are taken at a time."""
LOOK_S = 0.1
"""Seconds between two looks at how far a question is."""
Look = Callable[[float], None]


@dataclass(frozen=True)
class Bounds:
    """What one question may take."""

    memory_mb: int = 0
    """Megabytes; 0 is half of the machine's."""
    threads: int = 0
    """Threads; 0 is one a core."""
    spill_mb: int = 32_000
    """Megabytes of disk that it may write aside, in a folder of its own that goes with it."""

    def config(self, folder: str) -> dict[str, str | bool | int | float | list[str]]:
        """Return DuckDB's settings."""
        half = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2_000_000
        return {
            "memory_limit": f"{self.memory_mb or half}MB",
            "threads": self.threads or os.cpu_count() or 1,
            "temp_directory": folder,
            "max_temp_directory_size": f"{self.spill_mb}MB",
        }


class Session:
    """A connection that sees what it is given, and once locked nothing else."""

    def __init__(self, database: Path, bounds: Bounds | None = None) -> None:
        """Open a database read-only."""
        self.aside = tempfile.TemporaryDirectory(prefix="thoroughfare-sql-")
        self.worker = ThreadPoolExecutor(1)
        self.opened: list[str] = []
        try:
            config = (bounds or Bounds()).config(self.aside.name)
            self.connection = duckdb.connect(database, read_only=True, config=config)
        except duckdb.Error as error:
            self.aside.cleanup()
            raise PipelineError(
                f"{database}: cannot be opened ({error}); delete it, the next question makes it again"
            ) from error
        for setting in ("TimeZone = 'UTC'", "enable_progress_bar = true", "enable_progress_bar_print = false"):
            self.connection.execute(f"SET {setting}")
        ((self.catalog,),) = self.connection.execute("SELECT current_database()").fetchall()

    def all(self, text: str, params: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Ask the database itself, before it is locked."""
        found: list[tuple[Any, ...]] = self.connection.execute(text, params).fetchall()
        return found

    def about(self) -> dict[str, str]:
        """Return what the database says of itself; nothing where it says nothing."""
        try:
            return dict(self.all("SELECT topic, words FROM about"))
        except duckdb.Error:
            return {}

    def files(self, name: str, files: list[Files], schema: pa.Schema | None, *, dated: bool) -> None:
        """Show a table by its committed files."""
        self.opened += [path for each in files for path in each.paths]
        self.view(name, select(self.connection, name, schema, files, dated=dated))

    def kept(self, name: str, nights: list[date], *, dated: bool) -> None:
        """Show some nights of a table that the database itself holds."""
        columns = "*" if dated else "* EXCLUDE (scan_date)"
        chosen = ", ".join(f"DATE {quoted(str(night))}" for night in nights)
        stored = f"{named(self.catalog)}.main.{named(name)}"
        self.view(name, f"SELECT {columns} FROM {stored} WHERE scan_date IN ({chosen})")  # noqa: S608  # names are quoted

    def rows(self, name: str, rows: pa.Table) -> None:
        """Show a table of given rows."""
        self.connection.register(name, rows)

    def view(self, name: str, text: str) -> None:
        """Show a view of what is shown."""
        self.connection.execute(f"CREATE OR REPLACE TEMP VIEW {named(name)} AS {text}")

    def answer(self, name: str, file: str, params: dict[str, Any]) -> None:
        """Show the rows that `sql/<file>.sql` gives over what is shown now."""
        given = {key: params[key] for key in header(file)["params"]}
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {named(name)} AS {read(file)}", given)

    def lock(self) -> None:
        """Refuse from here on every file but those shown, every extension and every change of a setting."""
        self.connection.execute(f"SET allowed_paths = [{', '.join(map(quoted, self.opened))}]")
        for setting, value in LOCKED.items():
            self.connection.execute(f"SET {setting} = {value}")

    def ask(self, text: str, params: dict[str, Any], look: Look | None = None) -> pa.RecordBatchReader:
        """Run one SELECT and return its rows as they come; `look` is told the percent done, and may stop it.

        Raises PipelineError with DuckDB's own words when it fails.
        """
        reader = self._watched(lambda: self._begun(text, params), look)
        return pa.RecordBatchReader.from_batches(reader.schema, self._batches(reader, look))

    def _begun(self, text: str, params: dict[str, Any]) -> pa.RecordBatchReader:
        """Begin a question."""
        found: pa.RecordBatchReader = self.connection.sql(text, params=params).to_arrow_reader(BATCH_ROWS)
        return found

    def _batches(self, reader: pa.RecordBatchReader, look: Look | None) -> Iterator[pa.RecordBatch]:
        """Yield the rows of an answer, some at a time."""
        while (batch := self._watched(lambda: next(reader, None), look)) is not None:
            yield batch

    def _watched(self, call: Callable[[], Any], look: Look | None) -> Any:
        """Wait for a call, looking now and then how far it is; whatever stops the waiting stops the call."""
        future: Future[Any] = self.worker.submit(call)
        try:
            while not wait([future], LOOK_S).done:
                if look:
                    look(self.connection.query_progress())
            return future.result()
        except (duckdb.Error, pa.ArrowException) as error:
            raise PipelineError(f"your SQL: {error}") from error
        finally:
            if not future.done():
                self.connection.interrupt()
                wait([future])

    def __enter__(self) -> Self:
        """Hold it open while it is asked."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close it and remove what it wrote aside."""
        self.worker.shutdown()
        self.connection.close()
        self.aside.cleanup()
