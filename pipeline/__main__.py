"""The command line: `thoroughfare COMMAND`; imports nothing heavy before a command needs it."""

import json
import logging
import sys
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from pipeline import scans
from pipeline.errors import PipelineError, SettingsError

if TYPE_CHECKING:
    from pipeline.runner import Step

EXIT_CODES = "Exit codes: 0 done, 1 pipeline, 2 settings, 3 no such plug, 4 feed, 5 schema, 6 no such window, 7 integrity, 8 privacy."
app = typer.Typer(
    name="thoroughfare",
    help=f"Anonymous movement from public traffic cameras.\n\n{EXIT_CODES}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ScanName = Annotated[str, typer.Argument(help="Section of settings.toml: [scan.NAME].")]
Night = Annotated[str, typer.Option("--date", help="Local date on which the night begins, YYYY-MM-DD.")]
AnyNight = Annotated[str, typer.Option("--date", help="Local date on which the night begins; default: the lake's last.")]
Folder = Annotated[Path, typer.Option("--lake", help="Folder the tables are kept in.")]
Source = Annotated[str | None, typer.Option("--source", help="Folder or address the feed reads, instead of settings.toml's.")]
SettingsFile = Annotated[Path | None, typer.Option("--settings", help="Settings file; default: settings.toml here.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Workers = Annotated[int, typer.Option("--workers", min=0, help="Local Dask workers; 0 runs in this process.")]
Scheduler = Annotated[str, typer.Option("--scheduler", help="Address of a running Dask scheduler.")]
Purpose = Annotated[str, typer.Option("--purpose", help="Why single vehicles are looked at; written to the lake's log.")]
DEMO_DATE = "2026-05-05"
LAKE = Path("lake")


@app.command()
def demo(
    lake: Folder = Path("out/demo"),
    on: Night = DEMO_DATE,
    workers: Workers = 0,
    as_json: Json = False,
) -> None:
    """Run the whole line on the built-in demo city, score it against its truth, draw map and report."""
    from pipeline import showcase

    scan = scans.load("demo", scans.bundled())
    _run(scan, _date(on), lake, workers, "", as_json=as_json)
    made = showcase.demo(scan, _date(on), lake, say=_quiet if as_json else typer.echo)
    _tell(made) if as_json else typer.echo(showcase.summary(made))


@app.command()
def run(
    name: ScanName,
    on: Night,
    source: Source = None,
    lake: Folder = LAKE,
    roads: Annotated[str | None, typer.Option(help="Road graph (GraphML), relative to --source.")] = None,
    workers: Workers = 0,
    scheduler: Scheduler = "",
    settings: SettingsFile = None,
    as_json: Json = False,
) -> None:
    """Bring one night of one scan up to date, from camera frames to products; a second run does nothing."""
    scan = scans.load(name, settings, source=source, roads=roads)
    steps = _run(scan, _date(on), lake, workers, scheduler, as_json=as_json)
    if as_json:
        _tell([asdict(step) for step in steps])
        return
    options = f"{name} --lake {lake} --date {on}"
    typer.echo(f"\nLake: {lake / name}\nNext: thoroughfare report {options}\n      thoroughfare map {options} --purpose '...'")


@app.command()
def cameras(name: ScanName, source: Source = None, settings: SettingsFile = None, as_json: Json = False) -> None:
    """List the cameras of a scan's feed, with where they look."""
    from pipeline.cameras import survey

    rows = survey(scans.load(name, settings, source=source)).to_pylist()
    _tell(rows) if as_json else _print(rows, ["camera_id", "name", "lon", "lat", "bearing_deg", "road", "cadence_s", "cleared"])


@app.command()
def sql(
    statement: Annotated[str, typer.Argument(help="One SELECT, or the name of a file of sql/ such as cookbook/peak_hour.")],
    name: Annotated[str, typer.Option("--scan", help="Scan whose tables are asked.")] = "demo",
    lake: Folder = LAKE,
    on: AnyNight = "",
    purpose: Purpose = "",
    settings: SettingsFile = None,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Ask the committed tables of one night; single vehicles only with a purpose."""
    from pipeline import desk

    rows = desk.ask(statement, _lake(lake, name), scans.load(name, settings), _night(lake, name, on), purpose, _now())
    if as_csv:
        typer.echo(desk.to_csv(rows), nl=False)
        return
    _tell(rows.to_pylist()) if as_json else _print(rows.to_pylist(), rows.column_names)


@app.command("map")
def draw_map(
    name: ScanName,
    lake: Folder = LAKE,
    on: AnyNight = "",
    out: Annotated[Path | None, typer.Option(help="Page to write; default: map.html in the lake.")] = None,
    purpose: Purpose = "",
    settings: SettingsFile = None,
) -> None:
    """Draw one night on an offline kepler.gl page; trips only with a purpose."""
    from pipeline import desk

    scan = scans.load(name, settings)
    path = desk.draw(_lake(lake, name), scan, _night(lake, name, on), out or lake / "map.html", purpose, _now())
    typer.echo(f"{path} ({path.stat().st_size / 1e6:.1f} MB): open it in a browser, no network needed")


@app.command()
def report(
    name: ScanName,
    lake: Folder = LAKE,
    on: AnyNight = "",
    out: Annotated[Path | None, typer.Option(help="Page to write; default: report.html in the lake.")] = None,
    settings: SettingsFile = None,
) -> None:
    """Write what one night saw, made, refused and keeps, on one page."""
    from pipeline import desk

    path = desk.report(_lake(lake, name), scans.load(name, settings), _night(lake, name, on), out or lake / "report.html")
    typer.echo(f"{path} ({path.stat().st_size / 1e3:.0f} kB): open it in a browser, no network needed")


score = typer.Typer(help="Score a lake, or the models on an archive, against a truth file.", no_args_is_help=True)
app.add_typer(score, name="score")
TruthFile = Annotated[Path, typer.Option("--truth", help="COCO, identities or tracks CSV, MOTChallenge, AI City or our own tables.")]
ScoredScan = Annotated[str, typer.Option("--scan", help="Scan of settings.toml: feed, timezone, models.")]


@score.command("detections")
def score_detections(
    truth: TruthFile, source: Source = None, name: ScoredScan = "fdr", settings: SettingsFile = None, as_json: Json = False
) -> None:
    """Run the detector over the labelled frames of an archive: AP, recall, precision, calibration."""
    from pipeline import scoring

    _scores(scoring.score_detections(truth, scans.load(name, settings, source=source)), as_json=as_json)


@score.command("embeddings")
def score_embeddings(
    truth: TruthFile,
    source: Source = None,
    pairs: Annotated[Path | None, typer.Option(help="CSV of same and look-alike pairs.")] = None,
    name: ScoredScan = "fdr",
    settings: SettingsFile = None,
    as_json: Json = False,
) -> None:
    """Run the encoder over the labelled boxes of an archive: rank-1, mAP, look-alike AUC."""
    from pipeline import scoring

    _scores(scoring.score_embeddings(truth, scans.load(name, settings, source=source), pairs), as_json=as_json)


@score.command("tracks")
def score_tracks(
    truth: TruthFile, lake: Folder = LAKE, name: ScoredScan = "fdr", on: AnyNight = "", settings: SettingsFile = None,
    as_json: Json = False,
) -> None:
    """Score a lake's sightings as tracks within each camera."""
    from pipeline import scoring

    found = scoring.score_tracks(truth, _lake(lake, name), scans.load(name, settings), _night(lake, name, on))
    _scores(found, as_json=as_json)


@score.command("links")
def score_links(
    truth: TruthFile, lake: Folder = LAKE, name: ScoredScan = "fdr", on: AnyNight = "", settings: SettingsFile = None,
    as_json: Json = False,
) -> None:
    """Score a lake's links across cameras: precision, recall, identity F1, impossible links, calibration."""
    from pipeline import scoring

    found = scoring.score_links(truth, _lake(lake, name), scans.load(name, settings), _night(lake, name, on))
    _scores(found, as_json=as_json)


@app.command()
def verify(name: ScanName, lake: Folder = LAKE, as_json: Json = False) -> None:
    """Prove every file of a lake by its hash and every table by sql/checks; exit 7 when anything is wrong."""
    from pipeline import upkeep

    faults = [asdict(fault) for fault in upkeep.verify(_lake(lake, name))]
    nights = [str(each) for each in upkeep.nights(_lake(lake, name))]
    if as_json:
        _tell({"nights": nights, "faults": faults})
    else:
        _print(faults, ["where", "what"]) if faults else typer.echo(f"{lake / name}: nights {nights}: nothing wrong")
    if faults:
        raise typer.Exit(7)


@app.command()
def expire(
    name: ScanName,
    lake: Folder = LAKE,
    prove: Annotated[bool, typer.Option(help="Search for files that should be gone; exit 7 when any is found.")] = False,
    as_json: Json = False,
) -> None:
    """Delete what has lived its days; the records of what it was stay."""
    from pipeline import upkeep

    gone = {place.folder: files for place, files in upkeep.expire(_lake(lake, name), _now())}
    left = [place.folder for place in upkeep.overdue(_lake(lake, name), _now())] if prove else []
    if as_json:
        _tell({"expired": gone, "left": left})
    else:
        typer.echo(f"{lake / name}: {sum(map(len, gone.values()))} files expired" + (f", {len(left)} places left" if prove else ""))
    if left:
        raise typer.Exit(7)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Say what this machine has for each part of the line, and what to install where something is missing."""
    from pipeline import desk

    found = desk.doctor()
    _tell(found) if as_json else _print(found, ["part", "state", "note"])
    if any(row["state"] == "missing" for row in found):
        raise typer.Exit(1)


def main() -> None:
    """Run the command line; an error of the pipeline is one sentence and an exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    try:
        app()
    except PipelineError as error:
        _stop(error)
    except BrokenPipeError:
        sys.exit(0)


def _run(scan: scans.Scan, on: date, lake: Path, workers: int, scheduler: str, *, as_json: bool) -> "list[Step]":
    """Run a night with progress on standard error."""
    from pipeline import runner
    from pipeline.progress import Progress

    spread = runner.dask(workers, scheduler) if workers or scheduler else runner.here()
    with spread as jobs, Progress(f"{scan.name} {on}", quiet=as_json) as progress:
        night = runner.Night(scan, on, _lake(lake, scan.name), jobs, report=progress.step)
        progress.expect(night)
        return night.run()


def _lake(root: Path, name: str) -> Any:
    from pipeline.lake import Lake

    return Lake(root, name)


def _night(root: Path, name: str, on: str) -> date:
    """Return the date asked for, or the lake's last."""
    from pipeline.upkeep import nights

    if on:
        return _date(on)
    if not (there := nights(_lake(root, name))):
        raise SettingsError(f"lake {root / name}: nothing in it; run `thoroughfare run {name} --date ... --lake {root}` or pass --lake")
    return there[-1]


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f"--date {text!r} is not a date; write YYYY-MM-DD") from error


def _now() -> datetime:
    return datetime.now(UTC)


def _tell(value: Any) -> None:
    """Print JSON."""
    typer.echo(json.dumps(value, indent=1, default=str))


def _print(rows: list[dict[str, Any]], columns: list[str]) -> None:
    """Print rows as a plain table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*("" if row[name] is None else str(row[name]) for name in columns))
    Console(soft_wrap=not sys.stdout.isatty()).print(table)


def _scores(found: dict[str, Any], *, as_json: bool) -> None:
    """Print scores; the nested ones only as JSON."""
    if as_json:
        _tell(found)
        return
    _print([{"score": n, "value": v} for n, v in found.items() if not isinstance(v, dict | list)], ["score", "value"])


def _quiet(_: str) -> None:
    """Say nothing."""


def _stop(error: PipelineError) -> NoReturn:
    typer.echo(f"thoroughfare: {error}", err=True)
    sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
