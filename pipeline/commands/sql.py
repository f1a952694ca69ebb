"""The command that asks a lake: one SELECT, or a question of the cookbook, in the form that is wanted."""

import secrets
import sys
import time
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from pipeline import scans
from pipeline.commands.completion import questions
from pipeline.commands.options import (
    LAKE,
    AnyNight,
    Json,
    LakeRoot,
    LakeScan,
    Purpose,
    SettingsFile,
    night_of,
    now,
    open_lake,
    scan_of,
)
from pipeline.console import advise, log_is_json, show
from pipeline.errors import SettingsError, StorageError
from pipeline.scans import date_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from pipeline.desk import Desk

app = typer.Typer()
SHOWN_ROWS = 200
PATIENCE_S = 1.0
"""A question that takes longer than this shows how far it is."""


@app.command(
    epilog='Example: thoroughfare sql "SELECT state, count(*) AS n FROM frames GROUP BY state" --lake out/demo'
)
def sql(
    statement: Annotated[
        str,
        typer.Argument(
            help="One SELECT, or the name of a file of sql/ such as cookbook/peak_hour_by_camera.",
            autocompletion=questions,
            show_default=False,
        ),
    ] = "",
    name: LakeScan = "",
    lake: LakeRoot = LAKE,
    on: AnyNight = "",
    purpose: Purpose = "",
    settings: SettingsFile = None,
    *,
    begins: Annotated[
        str, typer.Option("--from", help="First night of several; tables then bear `scan_date`.", show_default=False)
    ] = "",
    ends: Annotated[
        str, typer.Option("--to", help="Last night of several; default: the lake's last.", show_default=False)
    ] = "",
    given: Annotated[
        list[str] | None,
        typer.Option(
            "--param", help="NAME=VALUE of a question's own parameter, such as date=2026-05-01; may be repeated."
        ),
    ] = None,
    questions: Annotated[bool, typer.Option("--list", help="List the questions of the cookbook.")] = False,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    parquet: Annotated[Path | None, typer.Option(help="Write Parquet.", metavar="FILE")] = None,
    geojson: Annotated[
        Path | None,
        typer.Option(help="Write GeoJSON: rows with lon and lat, a geometry, an H3 cell or a camera.", metavar="FILE"),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write --csv or --json there.", metavar="FILE")] = None,
    rows: Annotated[int, typer.Option(min=1, help="Rows of the table that are shown.")] = SHOWN_ROWS,
    memory_mb: Annotated[int, typer.Option(min=0, help="Most memory, MB; 0: half of the machine's.")] = 0,
    threads: Annotated[int, typer.Option(min=0, help="Most threads; 0: one a core.")] = 0,
) -> None:
    """Ask the committed tables of one night, or of several; single vehicles only with a purpose.

    The lake is opened read-only and locked: a question sees the tables it names and no other file.
    """
    from pipeline import asking
    from pipeline.query.sessions import Bounds

    if questions:
        _list()
        return
    form = _form(statement, parquet, geojson, out, as_json=as_json, as_csv=as_csv)
    name = scan_of(lake, name)
    asked = _desk(lake, name, on, begins, ends, purpose, settings)
    first = date_of(begins, "--from") if begins else asked.scan_date if ends else None
    chosen = asking.answering(statement, asked, first, Bounds(memory_mb, threads), _given(given or []))
    with chosen as question, _patience() as look:
        answer = question.put(look)
        target = parquet or geojson or out
        if form == "table":
            _print(answer, rows)
            advise(f"thoroughfare report {name} --lake {lake}")
            return
        _write(form, answer, target, asked)
    if target:
        typer.echo(f"{target} ({target.stat().st_size / 1e3:,.0f} kB)")


def _given(params: list[str]) -> dict[str, str]:
    """Read NAME=VALUE pairs."""
    if wrong := next((each for each in params if "=" not in each), ""):
        raise SettingsError(f"--param {wrong!r}: write NAME=VALUE, such as date=2026-05-01")
    return {name.strip(): value for name, _, value in (each.partition("=") for each in params)}


def _list() -> None:
    """Print the questions of the cookbook: the name of each and what it asks."""
    from pipeline import query

    told = [{"question": name, "asks": query.asks(name)} for name in query.names("cookbook")]
    show(told, ["question", "asks"])
    advise("thoroughfare sql cookbook/peak_hour_by_camera")


def _form(
    statement: str, parquet: Path | None, geojson: Path | None, out: Path | None, *, as_json: bool, as_csv: bool
) -> str:
    """Return the one form that is asked for."""
    asked = {"csv": as_csv, "json": as_json, "parquet": parquet is not None, "geojson": geojson is not None}
    forms = [form for form, wanted in asked.items() if wanted]
    if not statement:
        raise SettingsError("nothing is asked; write one SELECT, or a name that `thoroughfare sql --list` shows")
    if len(forms) > 1:
        raise SettingsError(f"--{forms[0]} and --{forms[1]}: one form at a time; ask twice")
    if out and not (as_csv or as_json):
        raise SettingsError("--out goes with --csv or --json; --parquet and --geojson name their own file")
    return forms[0] if forms else "table"


def _desk(lake: str, name: str, on: str, begins: str, ends: str, purpose: str, settings: Path | None) -> "Desk":
    """Open the desk at the night asked for, or at the last of several."""
    from pipeline.desk import Desk

    if on and (begins or ends):
        raise SettingsError("--date is one night, --from and --to are several; use one or the other")
    last = date_of(ends, "--to") if ends else night_of(lake, name, on)
    if begins and date_of(begins, "--from") > last:
        raise SettingsError(f"--from {begins} is after the last night asked, {last}; pass --to {begins} or later")
    return Desk(open_lake(lake, name), scans.load(name, settings), last, purpose, now())


@contextmanager
def _patience() -> "Iterator[Callable[[float], None]]":
    """Show how far a long question is, on standard error; say in a sentence when somebody stops it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("asking"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    shown = sys.stderr.isatty() and not log_is_json()
    bar = Progress(*columns, console=Console(stderr=True), disable=not shown, transient=True)
    task, begun = bar.add_task("asking", total=100), time.monotonic()

    def look(percent: float) -> None:
        if time.monotonic() - begun > PATIENCE_S:
            bar.start()
            bar.update(task, completed=percent if percent >= 0 else None)

    try:
        yield look
    except Exception:
        raise
    except BaseException as stop:
        stop.add_note("the question was stopped; nothing was changed, and no file was written")
        raise
    finally:
        bar.stop()


def _print(answer: "pa.RecordBatchReader", most: int) -> None:
    """Print the first rows as a table, and say how many more there are."""
    from pipeline import answers

    shown, left = answers.first(answer, most)
    show(shown, answer.schema.names)
    if left:
        typer.echo(
            f"... and {left:,} more rows, {len(shown) + left:,} in all; --rows N shows more, --csv, --json and --parquet give all"
        )
    elif not shown:
        typer.echo("no rows")


def _write(form: str, answer: "pa.RecordBatchReader", target: Path | None, desk: "Desk") -> None:
    """Write an answer in a form, to a file or to standard output."""
    from pipeline import answers

    if form == "parquet" and target:
        with _aside(target) as path:
            answers.to_parquet(answer, path)
        return
    write: Callable[[IO[str]], None] = partial(answers.to_csv if form == "csv" else answers.to_json, answer)
    if form == "geojson":
        write = partial(answers.to_geojson, answer, places=_places(desk))
    if target is None:
        write(sys.stdout)
        return
    with _aside(target) as path, path.open("w", encoding="utf-8", newline="") as handle:
        write(handle)


def _places(desk: "Desk") -> dict[str, tuple[float, float]]:
    """Return where each camera of the night stands, longitude first."""
    cameras = desk.table("cameras").select(["camera_id", "lon", "lat"])
    return {row["camera_id"]: (row["lon"], row["lat"]) for row in cameras.to_pylist()}


@contextmanager
def _aside(target: Path) -> "Iterator[Path]":
    """Write a file aside and rename it when it is whole; what was there before stays until then."""
    path = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
    try:
        yield path
        path.replace(target)
    except OSError as error:
        raise StorageError(f"{target}: cannot be written ({error.strerror or error}); choose another file") from error
    finally:
        with suppress(OSError):  # no file, or no folder to hold one
            path.unlink()
