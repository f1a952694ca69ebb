"""The command line: `thoroughfare COMMAND`; imports nothing heavy before a command needs it."""

import logging
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from pipeline import operate, scans, score
from pipeline.console import show, tell
from pipeline.errors import PipelineError
from pipeline.operate import run_night
from pipeline.options import (
    LAKE,
    AnyNight,
    Json,
    LakeRoot,
    LakeScan,
    LakesScan,
    Night,
    Purpose,
    ScanName,
    Scheduler,
    SettingsFile,
    Source,
    Workers,
    date_of,
    night_of,
    now,
    open_lake,
    scan_of,
)

EXIT_CODES = "Exit codes: 0 done, 1 pipeline, 2 settings, 3 no such plug, 4 feed, 5 schema, 6 no such window, 7 integrity, 8 privacy, 9 no room."
app = typer.Typer(
    name="thoroughfare",
    help=f"Anonymous movement from public traffic cameras.\n\n{EXIT_CODES}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(operate.app)
app.add_typer(score.app, name="score")
DEMO_DATE = "2026-05-05"


@app.command()
def demo(
    lake: LakeRoot = "out/demo",
    on: Night = DEMO_DATE,
    workers: Workers = 0,
    as_json: Json = False,
) -> None:
    """Run the whole line on the built-in demo city, score it against its truth, draw map and report."""
    from pipeline import showcase

    scan = scans.load("demo", scans.bundled())
    run_night(scan, date_of(on), lake, workers, "", as_json=as_json)
    made = showcase.demo(scan, date_of(on), lake, say=_quiet if as_json else typer.echo)
    tell(made) if as_json else typer.echo(showcase.summary(made))


@app.command()
def run(
    name: ScanName,
    on: Night,
    source: Source = None,
    lake: LakeRoot = LAKE,
    roads: Annotated[str | None, typer.Option(help="Road graph (GraphML), relative to --source.")] = None,
    workers: Workers = 0,
    scheduler: Scheduler = "",
    settings: SettingsFile = None,
    as_json: Json = False,
) -> None:
    """Bring one night of one scan up to date, from camera frames to products; a second run does nothing."""
    scan = scans.load(name, settings, source=source, roads=roads)
    steps = run_night(scan, date_of(on), lake, workers, scheduler, as_json=as_json)
    if as_json:
        tell([asdict(step) for step in steps])
        return
    options = f"{name} --lake {lake} --date {on}"
    typer.echo(
        f"\nLake: {lake}/{name}\nNext: thoroughfare report {options}\n      thoroughfare map {options} --purpose '...'"
    )


@app.command()
def cameras(name: ScanName, source: Source = None, settings: SettingsFile = None, as_json: Json = False) -> None:
    """List the cameras of a scan's feed, with where they look."""
    from pipeline.cameras import survey

    rows = survey(scans.load(name, settings, source=source)).to_pylist()
    tell(rows) if as_json else show(
        rows, ["camera_id", "name", "lon", "lat", "bearing_deg", "road", "cadence_s", "cleared"]
    )


@app.command()
def sql(
    statement: Annotated[
        str, typer.Argument(help="One SELECT, or the name of a file of sql/ such as cookbook/peak_hour_by_camera.")
    ],
    name: LakeScan = "",
    lake: LakeRoot = LAKE,
    on: AnyNight = "",
    purpose: Purpose = "",
    settings: SettingsFile = None,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Ask the committed tables of one night; single vehicles only with a purpose."""
    from pipeline import desk

    name = scan_of(lake, name)
    rows = desk.ask(
        statement, open_lake(lake, name), scans.load(name, settings), night_of(lake, name, on), purpose, now()
    )
    if as_csv:
        typer.echo(desk.to_csv(rows), nl=False)
        return
    tell(rows.to_pylist()) if as_json else show(rows.to_pylist(), rows.column_names)


@app.command("map")
def draw_map(
    name: LakesScan = "",
    lake: LakeRoot = LAKE,
    on: AnyNight = "",
    out: Annotated[Path | None, typer.Option(help="Page to write; default: map.html in the lake.")] = None,
    purpose: Purpose = "",
    settings: SettingsFile = None,
) -> None:
    """Draw one night on an offline kepler.gl page; trips only with a purpose."""
    from pipeline import desk
    from pipeline.storage import beside

    name = scan_of(lake, name)
    scan = scans.load(name, settings)
    path = desk.draw(
        open_lake(lake, name), scan, night_of(lake, name, on), out or beside(lake, "map.html"), purpose, now()
    )
    typer.echo(f"{path} ({path.stat().st_size / 1e6:.1f} MB): open it in a browser, no network needed")


@app.command()
def report(
    name: LakesScan = "",
    lake: LakeRoot = LAKE,
    on: AnyNight = "",
    out: Annotated[Path | None, typer.Option(help="Page to write; default: report.html in the lake.")] = None,
    settings: SettingsFile = None,
) -> None:
    """Write what one night saw, made, refused and keeps, on one page."""
    from pipeline import desk
    from pipeline.storage import beside

    name = scan_of(lake, name)
    path = desk.report(
        open_lake(lake, name), scans.load(name, settings), night_of(lake, name, on), out or beside(lake, "report.html")
    )
    typer.echo(f"{path} ({path.stat().st_size / 1e3:.0f} kB): open it in a browser, no network needed")


@app.command()
def verify(name: LakesScan = "", lake: LakeRoot = LAKE, as_json: Json = False) -> None:
    """Prove every file of a lake by its hash and every table by sql/checks; exit 7 when anything is wrong."""
    from pipeline import upkeep

    name = scan_of(lake, name)
    faults = [asdict(fault) for fault in upkeep.verify(open_lake(lake, name))]
    nights = [str(each) for each in upkeep.nights(open_lake(lake, name))]
    if as_json:
        tell({"nights": nights, "faults": faults})
    else:
        show(faults, ["where", "what"]) if faults else typer.echo(f"{lake}/{name}: nights {nights}: nothing wrong")
    if faults:
        raise typer.Exit(7)


@app.command()
def expire(
    name: LakesScan = "",
    lake: LakeRoot = LAKE,
    prove: Annotated[
        bool, typer.Option(help="Search for files that should be gone; exit 7 when any is found.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Delete what has lived its days; the records of what it was stay."""
    from pipeline import upkeep

    name = scan_of(lake, name)
    gone = {place.folder: files for place, files in upkeep.expire(open_lake(lake, name), now())}
    left = [place.folder for place in upkeep.overdue(open_lake(lake, name), now())] if prove else []
    if as_json:
        tell({"expired": gone, "left": left})
    else:
        typer.echo(
            f"{lake}/{name}: {sum(map(len, gone.values()))} files expired"
            + (f", {len(left)} places left" if prove else "")
        )
    if left:
        raise typer.Exit(7)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Say what this machine has for each part of the line, and what to install where something is missing."""
    from pipeline import desk

    found = desk.doctor()
    tell(found) if as_json else show(found, ["part", "state", "note"])
    if any(row["state"] == "missing" for row in found):
        raise typer.Exit(1)


def main() -> None:
    """Run the command line; an error of the pipeline is one sentence and an exit code."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    try:
        app()
    except PipelineError as error:
        _stop(error)
    except BrokenPipeError:
        sys.exit(0)


def _quiet(_: str) -> None:
    """Say nothing."""


def _stop(error: PipelineError) -> NoReturn:
    typer.echo(f"thoroughfare: {error}", err=True)
    sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
