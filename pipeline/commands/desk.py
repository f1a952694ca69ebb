"""Commands for people with a question: SQL, the map, the report."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline import scans
from pipeline.commands.options import (
    LAKE,
    AnyNight,
    Json,
    LakeRoot,
    LakeScan,
    LakesScan,
    Purpose,
    SettingsFile,
    night_of,
    now,
    open_lake,
    scan_of,
)
from pipeline.console import advise, show, tell

app = typer.Typer()


@app.command(
    epilog='Example: thoroughfare sql "SELECT state, count(*) AS n FROM frames GROUP BY state" --lake out/demo'
)
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
    if not as_json:
        advise(f"thoroughfare report {name} --lake {lake}")


@app.command("map", epilog="Example: thoroughfare map --lake out/demo --out map.html")
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
    advise(f"thoroughfare report {name} --lake {lake}")


@app.command(epilog="Example: thoroughfare report --lake out/demo --out report.html")
def report(
    name: LakesScan = "",
    lake: LakeRoot = LAKE,
    on: AnyNight = "",
    out: Annotated[Path | None, typer.Option(help="Page to write; default: report.html in the lake.")] = None,
    settings: SettingsFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the facts as JSON and write nothing.")] = False,
) -> None:
    """Write what one night saw, made, refused, cost and keeps: a page, and its facts as JSON beside it."""
    from pipeline import nightly
    from pipeline.desk import Desk
    from pipeline.storage import beside

    name = scan_of(lake, name)
    desk = Desk(open_lake(lake, name), scans.load(name, settings), night_of(lake, name, on), "", now())
    if as_json:
        tell(nightly.facts(desk))
        return
    path = nightly.write(desk, out or beside(lake, "report.html"))
    typer.echo(f"{path} ({path.stat().st_size / 1e3:.0f} kB): open it in a browser, no network needed")
    facts = path.with_suffix(".json")
    typer.echo(f"{facts} ({facts.stat().st_size / 1e3:.0f} kB): the same facts, for a program")
    advise(f"thoroughfare sql cookbook/peak_hour_by_camera --lake {lake}")
