"""Show a run's progress, rows and scores: to a person as text, to a program as JSON."""

import json
import logging
import os
import re
import sys
import traceback
import unicodedata
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Column, Table

from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.runner import Night, Step
    from pipeline.status import Cell, Glance

ACROSS = 9
"""Windows side by side: a night's when the clocks go back."""
REFUSED = {
    "none": "counts, flows, travel times or trips", "count": "flows, travel times or trips",
    "flow": "travel times or trips", "link": "trips", "trajectory": "",
}  # fmt: skip
"""What each verdict leaves unpublished."""
PIPED_WIDTH = 1000
"""Columns of text where no terminal says how many there are."""
LINES = "\n\t"
"""Of what does not print, all that an error or a log may hold."""
CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+@")
"""User and password of an address: never written."""
SECRET = re.compile(r"(KEY|KEY_ID|SECRET|TOKEN|PASSWORD|SQL_ALCHEMY_CONN)$")
"""Names of the environment's variables whose values are never written, whoever says them: a server may echo a key."""
SHORTEST_SECRET = 8
"""Shorter values are no secrets, and words of a sentence."""
log = logging.getLogger("thoroughfare")


class Stderr(logging.Handler):
    """The log on what is standard error at the time, without the passwords of addresses."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; what libraries say below a warning is left out."""
        if record.levelno < logging.WARNING and record.name != log.name:
            return
        sys.stderr.write(printable(without_credentials(self.format(record)), LINES) + "\n")


def _plain(value: Any) -> str:
    """Write a value that JSON has no kind for: times and dates as ISO 8601 has them."""
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


class JsonLines(logging.Formatter):
    """One JSON object a line; what a record carries as `facts` stands beside its message."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told = {"at": at, "level": record.levelname.lower(), "event": record.getMessage()}
        return json.dumps(told | getattr(record, "facts", {}), default=_plain)


def log_as(kind: str) -> None:
    """Write the log on standard error: warnings as text, or every step, warning and error as a line of JSON."""
    root = logging.getLogger()
    handler = next((each for each in root.handlers if isinstance(each, Stderr)), None) or Stderr()
    handler.setFormatter(JsonLines() if kind == "json" else logging.Formatter("%(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    log.setLevel(logging.INFO if kind == "json" else logging.WARNING)


def without_credentials(text: str) -> str:
    """Take out of a text the users and passwords of addresses, and what the environment holds as secret."""
    held = {value.strip() for name, value in os.environ.items() if SECRET.search(name)}
    for secret in sorted((each for each in held if len(each) >= SHORTEST_SECRET), key=len, reverse=True):
        for written in {secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1]}:
            text = text.replace(written, "***")
    return CREDENTIALS.sub("", text)


def trace(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    """Show where in the program an error arose: Python's own traceback, without secrets."""
    sys.stderr.write(without_credentials("".join(traceback.format_exception(kind, error, where))))


def printable(text: str, spared: str = "") -> str:
    """Write what a terminal might obey, or what turns the reading round, as its escape; names come from strangers."""
    return text if text.isprintable() else "".join(each if each in spared else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    kind = unicodedata.category(character)
    return ascii(character)[1:-1] if kind.startswith("C") or kind in ("Zl", "Zp") else character


def log_is_json() -> bool:
    """Tell whether a machine reads standard error."""
    return log.isEnabledFor(logging.INFO)


def complain(sentence: str, exit_code: int) -> None:
    """Say on standard error why a command ends."""
    if log_is_json():
        log.error("error", extra={"facts": {"message": sentence, "exit_code": exit_code}})
    else:
        sys.stderr.write(f"thoroughfare: {printable(without_credentials(sentence), LINES)}\n")


def is_terminal() -> bool:
    """Tell whether a person reads standard output."""
    return sys.stdout.isatty()


def advise(*commands: str) -> None:
    """Name the next sensible commands where a person is reading."""
    if is_terminal():
        sys.stdout.write("\nNext: " + "\n      ".join(commands) + "\n")


class Progress:
    """Steps done of steps planned, on standard error so that output stays clean."""

    def __init__(self, title: str, *, quiet: bool = False) -> None:
        """Name the run; `quiet` shows nothing."""
        self.title, self.quiet = title, quiet or log_is_json()
        self.night: Night | None = None
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self.bar = Bar(*columns, console=Console(stderr=True), disable=self.quiet or not sys.stderr.isatty())
        self.task = self.bar.add_task(title, total=None)

    def expect(self, night: "Night") -> None:
        """Learn how many steps there will be, once the cameras are known."""
        self.night = night

    def step(self, done: "Step", seconds: float) -> None:
        """Show one finished step."""
        hour = "" if done.place.hour is None else f" {done.place.hour:02d}Z"
        state = f"{seconds:.1f} s" if done.fresh else "as before"
        line = f"{done.table:<14}{hour:<4} {done.rows:>8,} rows  {state}"
        if self.night is not None and done.table == "roads":
            self.bar.update(self.task, total=self.night.jobs, completed=1)
        self.bar.update(self.task, advance=1, description=f"{self.title}  {done.table}{hour}")
        if not self.quiet:
            self.bar.console.print(line, highlight=False)

    def __enter__(self) -> Self:
        """Start the bar."""
        if not self.quiet and self.bar.disable:
            self.bar.console.print(self.title, highlight=False)
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the bar, leaving its last line."""
        self.bar.stop()


class Waiting:
    """Parts done of parts there are, shown to a person while they are waited for."""

    def __init__(self, title: str, parts: int | None = None, *, quiet: bool = False) -> None:
        """Name what is waited for; without `parts`, the first step says how many there are."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        shown = not quiet and sys.stderr.isatty()
        self.title, self.bar = title, Bar(*columns, console=Console(stderr=True), disable=not shown, transient=True)
        self.task = self.bar.add_task(title, total=parts)

    def step(self, part: str, parts: int | None = None) -> None:
        """Count one part that is done."""
        self.bar.update(self.task, advance=1, total=parts, description=f"{self.title} ({part} done)")

    def __enter__(self) -> Self:
        """Start the bar."""
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away."""
        self.bar.stop()


def sentence(error: BaseException) -> str:
    """Say an error in one line: where it was met, what it is, what to do."""
    where = "".join(f"{note}: " for note in getattr(error, "__notes__", []))
    if isinstance(error, PipelineError):
        return f"{where}{error}"
    said = f"{type(error).__name__}: {error}".strip(": ")
    return f"{where}{said}; `thoroughfare --debug ...` shows where in the program"


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
    Console(width=None if is_terminal() else PIPED_WIDTH, markup=False, highlight=False).print(table)


def _cell(value: Any) -> str:
    """Write one value; numbers to six decimals."""
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return "" if value is None else printable(str(value))


def show_scores(found: dict[str, Any], following: str, *, as_json: bool) -> None:
    """Print scores, each nested one as a table of its own, and name the command that follows."""
    if as_json:
        tell(found)
        return
    plain = {name: value for name, value in found.items() if not isinstance(value, dict | list)}
    show([{"score": name, "value": value} for name, value in plain.items()], ["score", "value"])
    for name, value in found.items():
        if name not in plain and (rows := _as_rows(value)):
            _say(f"\n{name}")
            show(rows, list(rows[0]))
    advise(following)


def _as_rows(value: Any) -> list[dict[str, Any]]:
    """Lay nested scores out as rows: a list of rows, columns of one length, or rows by name."""
    if isinstance(value, list):
        return value
    if all(isinstance(each, dict) for each in value.values()):
        flat = [{key: v for key, v in row.items() if not isinstance(v, dict | list)} for row in value.values()]
        return [{"": name, **row} for name, row in zip(value, flat, strict=True)]
    columns = {name: each for name, each in value.items() if isinstance(each, list) and each}
    if len(columns) > 1:
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [{key: each for key, each in value.items() if not isinstance(each, dict | list)}]


def show_glance(seen: "Glance") -> None:
    """Print how a night stands: stages by windows, then pictures, room and the last fault."""
    _say(f"{seen.scan} {seen.scan_date}: {seen.state}, {_figure(seen.size_bytes / 1e6)} MB in the lake\n")
    night, *windows = seen.columns
    for start in range(0, max(len(windows), 1), ACROSS):
        across = [night, *windows[start : start + ACROSS]]
        columns = ["stage", *(name[-3:] if name != night else name for name in across), "rows", "seconds"]
        show([_across(stage, cells, across, columns) for stage, cells in seen.cells.items()], columns)
        _say()
    _say("pictures: " + (", ".join(f"{count:,} {state}" for state, count in seen.frames.items()) or "none to be told"))
    for each in seen.supports:
        many = "s" if each["count"] > 1 else ""
        _say(f"{each['verdict']}: {each['count']:,} {each['kind']}{many}; {_refused(each)}")
    if (fault := seen.last_fault) is not None:
        since = "; finished since" if seen.finished_since else ""
        where = " ".join(filter(None, (fault.stage, fault.window)))
        _say(f"last fault: {fault.started_at:%F %T}Z in {where}: {fault.fault}{since}")
    for note in seen.notes:
        _say(f"note: {note}")


def _refused(support: dict[str, Any]) -> str:
    """Say what is not published of some cameras or pairs, and why."""
    left = REFUSED[support["verdict"]]
    return f"no {left}: {support['cause']}" if left else support["cause"]


def _across(stage: str, cells: "dict[str, Cell]", across: list[str], columns: list[str]) -> dict[str, Any]:
    """Write one stage as a row of the glance; its rows and seconds are those of the windows shown."""
    there = [cells[name] for name in across if name in cells]
    seconds = [cell.seconds for cell in there if cell.seconds is not None]
    told = [cells[name].state if name in cells else "" for name in across]
    counted = [f"{sum(cell.rows for cell in there):,}", f"{sum(seconds):.1f}" if seconds else ""]
    return dict(zip(columns, [stage, *told, *counted], strict=True))


def _figure(value: float) -> str:
    """Write a figure as a person reads it: whole above a hundred, else three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _say(line: str = "") -> None:
    """Print one line."""
    sys.stdout.write(f"{line}\n")
