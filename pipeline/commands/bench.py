"""The command that invents a city whose truth is known and scores the whole line on it."""

import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline import scans
from pipeline.commands.operate import run_night
from pipeline.commands.options import Json, open_lake
from pipeline.console import advise, tell
from pipeline.errors import SettingsError
from pipeline.scans import date_of

app = typer.Typer()
DEMO_DATE = "2026-05-05"
UNCHANGED = {"loss": 0.0, "skewed": 0.03, "taxis": 0.08, "vans": 0.05, "overlapping": False}
"""What the options are where nobody sets them."""


@app.command("bench-city", epilog="Example: thoroughfare bench-city --size district --cadence 2 --seed 1 --json")
def bench_city(
    size: Annotated[
        str,
        typer.Option(
            help="demo (pictures), district (60 cameras, 1 h) or city (1,000, a night).",
            autocompletion=lambda: ["demo", "district", "city"],
        ),
    ],
    cadence: Annotated[float, typer.Option(help="Seconds between two pictures of a camera: 2, 60, 300.")] = 2.0,
    seed: Annotated[int, typer.Option(help="Every random choice follows from it; the demo has one city only.")] = 1,
    loss: Annotated[float, typer.Option(help="Share of boxes lost on top of the detector's own misses.")] = 0.0,
    skewed: Annotated[float, typer.Option(help="Share of cameras whose clock is 8 minutes off.")] = 0.03,
    taxis: Annotated[float, typer.Option(help="Share of vehicles that are yellow taxis.")] = 0.08,
    vans: Annotated[float, typer.Option(help="Share of vehicles that are white vans.")] = 0.05,
    lake: Annotated[str, typer.Option(help="Keep the tables in a new lake here.")] = "",
    *,
    overlapping: Annotated[
        bool, typer.Option("--overlapping", help="Perfect tracks of cameras with overlapping views (AI City's form).")
    ] = False,
    as_json: Json = False,
) -> None:
    """Invent a city, run the line's own stages on what its cameras saw, and score them against the truth.

    The same options give the same city to the byte. docs/benchmark_city.md has the model and its figures.
    """
    from pipeline import synthetic

    given = {"loss": loss, "skewed": skewed, "taxis": taxis, "vans": vans, "overlapping": overlapping}
    root = _new(lake)
    if size == "demo":
        made = _demo(cadence, seed, given, root)
    else:
        options = synthetic.Options(size=size, cadence_s=cadence, seed=seed, **given)  # type: ignore[arg-type]
        made = synthetic.bench(options, root, lambda words: typer.echo(words, err=True))
    if as_json:
        tell(made)
        return
    typer.echo(synthetic.summary(made))
    if lake:
        settings = "" if size == "demo" else f" --settings {Path(lake) / 'settings.toml'}"
        advise(f"thoroughfare report --lake {lake}{settings}", f"thoroughfare map --lake {lake}{settings}")


def _demo(cadence_s: float, seed: int, given: dict[str, Any], root: str) -> dict[str, Any]:
    """Run and score the demo city, whose pictures are rendered: it has one traffic, one look and no clock is wrong."""
    from pipeline import scoring, showcase, synthetic, upkeep

    if given != UNCHANGED or seed != 1:
        raise SettingsError(
            "--size demo: its city is rendered and has one seed and one look; leave all but --cadence out"
        )
    if not 0.5 <= cadence_s <= 300.0:
        raise SettingsError(f"--cadence {cadence_s:g}: the demo city lasts 20 minutes; give 0.5 to 300 seconds")
    on, scan = date_of(DEMO_DATE), replace(scans.load("demo", scans.bundled()), cadence_s=cadence_s)
    with tempfile.TemporaryDirectory(prefix="thoroughfare-bench-") as folder:
        steps = run_night(scan, on, root or folder, 0, "", as_json=True)
        there = open_lake(root or folder, scan.name)
        truth = showcase.truth(scan, on, upkeep.night(there, on, "frames"))
        rows: Counter[str] = Counter()
        for step in steps:
            rows[step.table] += step.rows
        return {
            "size": "demo",
            "options": {"size": "demo", "cadence_s": cadence_s},
            "rows": dict(rows),
            "verdicts": synthetic.verdicts(upkeep.night(there, on, "observability")),
            "scores": scoring.score_demo(truth, there, on),
        }


def _new(lake: str) -> str:
    """Refuse a folder that holds something else: an invented city is never mixed with another."""
    if lake and any(each.is_file() for each in (Path(lake), *Path(lake).parents)):
        raise SettingsError(f"--lake {lake}: a file stands where the folder should be; name a new folder")
    if lake and Path(lake).is_dir() and any(Path(lake).iterdir()):
        raise SettingsError(f"--lake {lake}: something is there already; name a new folder, or delete that one")
    return lake
