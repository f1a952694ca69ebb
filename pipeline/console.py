"""Show a run's progress, rows and scores: to a person as text, to a program as JSON."""

import json
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Column, Table

if TYPE_CHECKING:
    from pipeline.runner import Night, Step

PIPED_WIDTH = 1000
"""Columns of text where no terminal says how many there are."""


class Progress:
    """Steps done of steps planned, on standard error so that output stays clean."""

    def __init__(self, title: str, *, quiet: bool = False) -> None:
        """Name the run; `quiet` shows nothing."""
        self.title, self.quiet, self.since = title, quiet, time.monotonic()
        self.night: Night | None = None
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self.bar = Bar(*columns, console=Console(stderr=True), disable=quiet or not sys.stderr.isatty())
        self.task = self.bar.add_task(title, total=None)

    def expect(self, night: "Night") -> None:
        """Learn how many steps there will be, once the cameras are known."""
        self.night = night

    def step(self, done: "Step") -> None:
        """Show one finished step."""
        took, self.since = time.monotonic() - self.since, time.monotonic()
        hour = "" if done.place.hour is None else f" {done.place.hour:02d}Z"
        state = f"{took:.1f} s" if done.fresh else "as before"
        line = f"{done.table:<14}{hour:<4} {done.rows:>8,} rows  {state}"
        if self.night is not None and done.table == "roads":
            self.bar.update(self.task, total=self.night.jobs, completed=1)
        self.bar.update(self.task, advance=1, description=f"{self.title}  {done.table}{hour}")
        if not self.quiet:
            self.bar.console.print(line, highlight=False)

    def __enter__(self) -> Self:
        """Start the bar."""
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the bar, leaving its last line."""
        self.bar.stop()


def tell(value: Any) -> None:
    """Print JSON on standard output."""
    sys.stdout.write(json.dumps(value, indent=1, default=str) + "\n")


def tell_line(value: Any) -> None:
    """Print JSON on one line: the answer of a command that a scheduler reads."""
    sys.stdout.write(json.dumps(value, default=str) + "\n")


def show(rows: list[dict[str, Any]], columns: list[str]) -> None:
    """Print rows as a plain table; piped, every row is one line and no cell is cut."""
    table = Table(*(Column(name, overflow="fold") for name in columns), box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(_cell(row[name]) for name in columns))
    Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, markup=False, highlight=False).print(table)


def _cell(value: Any) -> str:
    """Write one value; numbers to six decimals."""
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return "" if value is None else str(value)


def show_scores(found: dict[str, Any], *, as_json: bool) -> None:
    """Print scores; the nested ones only as JSON."""
    if as_json:
        tell(found)
        return
    show([{"score": n, "value": v} for n, v in found.items() if not isinstance(v, dict | list)], ["score", "value"])
