"""Commands that draw and write pages: the map, the report."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from pipeline import scans
from pipeline.commands.options import (
    LAKE,
    AnyNight,
    LakeRoot,
    LakesScan,
    Purpose,
    SettingsFile,
    night_of,
    now,
    open_lake,
    scan_of,
)
from pipeline.console import advise, tell
from pipeline.errors import SettingsError

app = typer.Typer()


@app.command("map", epilog="Example: thoroughfare map --kind heatmap --lake out/demo")
def draw_map(
    name: LakesScan = "",
    lake: LakeRoot = LAKE,
    on: AnyNight = "",
    kind: Annotated[
        Literal["overview", "trips", "heatmap", "arcs", "health", "every"],
        typer.Option(help="What to draw; `every` writes all of them into a folder."),
    ] = "overview",
    out: Annotated[
        Path | None,
        typer.Option(
            help="Page to write, or for `every` the folder; default: map.html, map-KIND.html or maps in the lake."
        ),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Your own kepler.gl configuration, saved as JSON.")] = None,
    max_rows: Annotated[
        int, typer.Option(min=1000, help="Rows of one layer; above it, it is sampled or coarsened.")
    ] = 100_000,
    purpose: Purpose = "",
    settings: SettingsFile = None,
) -> None:
    """Draw one night on offline kepler.gl pages; single trips only with a purpose."""
    from pipeline import desk, maps
    from pipeline.privacy.verdicts import refuse_held

    name = scan_of(lake, name)
    scan, night = scans.load(name, settings), night_of(lake, name, on)
    pages = _pages(kind, lake, out)
    refuse_held(open_lake(lake, name), night)
    if kind == "every":
        if config:
            raise SettingsError("--config fits the map it was saved from; pass its --kind too, not `every`")
        if not (purpose.strip() or scan.exempt):
            del pages["trips"]
            typer.echo("trips: left out, they show single vehicles; state why with --purpose '...'")
    for each, path in pages.items():
        page = maps.compose(
            desk.map_night(open_lake(lake, name), scan, night, purpose, now(), each), each, most=max_rows, config=config
        )
        typer.echo(f"{each}: {page.size}")
        if page.heavy:
            typer.echo(f"{each}: a browser will be slow to open this; --max-rows {max_rows // 2} would make it smaller")
        typer.echo(f"{page.write(path)}: open it in a browser, no network needed")
    advise(f"thoroughfare report {name} --lake {lake}")


def _pages(kind: str, lake: str, out: Path | None) -> dict[str, Path]:
    """Name the page of each kind of map to draw."""
    from pipeline import maps
    from pipeline.storage import beside

    if kind != "every":
        return {kind: out or beside(lake, "map.html" if kind == "overview" else f"map-{kind}.html")}
    folder = out or beside(lake, "maps")
    if folder.is_file():
        raise SettingsError(f"{folder}: is a file; `--kind every` writes several pages, pass a folder as --out")
    return {each: folder / f"{each}.html" for each in maps.KINDS}


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
    from pipeline.privacy.verdicts import refuse_held
    from pipeline.storage import beside

    name = scan_of(lake, name)
    desk = Desk(open_lake(lake, name), scans.load(name, settings), night_of(lake, name, on), "", now())
    refuse_held(desk.lake, desk.scan_date)
    if as_json:
        tell(nightly.facts(desk))
        return
    path = nightly.write(desk, out or beside(lake, "report.html"))
    typer.echo(f"{path} ({path.stat().st_size / 1e3:.0f} kB): open it in a browser, no network needed")
    facts = path.with_suffix(".json")
    typer.echo(f"{facts} ({facts.stat().st_size / 1e3:.0f} kB): the same facts, for a program")
    advise(f"thoroughfare sql cookbook/peak_hour_by_camera --lake {lake}")
