"""Commands that schedulers and operators give: one stage at a time, nights on end."""

from dataclasses import asdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipeline import scans
from pipeline.console import tell_line
from pipeline.errors import SettingsError
from pipeline.options import (
    LAKE,
    Json,
    LakeRoot,
    Night,
    ScanName,
    Scheduler,
    SettingsFile,
    Source,
    Workers,
    date_of,
    open_lake,
)

if TYPE_CHECKING:
    from pipeline.runner import Step

NO_SUCH_WINDOW = 99
"""Exit code of a stage that has nothing to do: the night has no such window, or the feed plans nothing in it."""
app = typer.Typer()


@app.command()
def stage(
    name: ScanName,
    table: Annotated[str, typer.Argument(help="Table to bring up to date, as in `thoroughfare stages`.")],
    on: Night,
    window: Annotated[
        int,
        typer.Option(min=-1, show_default=False, help="Which of the night's UTC hours, from 0; not for night tables."),
    ] = -1,
    part: Annotated[
        int,
        typer.Option(
            min=-1, show_default=False, help="One shard of cameras: it is held until the window is committed."
        ),
    ] = -1,
    source: Source = None,
    lake: LakeRoot = LAKE,
    workers: Workers = 0,
    scheduler: Scheduler = "",
    settings: SettingsFile = None,
) -> None:
    """Bring one table of one window up to date: what a scheduler calls; prints one line of JSON.

    Exit code 99: nothing to do, as the night has no such window or the feed plans nothing in it.
    """
    from pipeline import clusters, runner, stages

    scan = scans.load(name, settings, source=source)
    if table not in (known := [line.table for line in stages.STAGES]):
        raise SettingsError(f"no table {table!r}; choose from {known}")
    line = stages.stage(table)
    with clusters.spread(workers, scheduler) as jobs:
        night = runner.Night(scan, date_of(on), open_lake(lake, name), jobs)
        hour = None
        if line.unit in ("shard", "window"):
            hours = scan.windows(night.scan_date)
            if window < 0:
                raise SettingsError(f"stage {table} runs on one window; pass --window 0 to {len(hours) - 1}")
            if window >= len(hours) or hours[window] not in night.windows:
                raise typer.Exit(NO_SUCH_WINDOW)
            hour = hours[window]
        if part >= 0 and hour is not None:
            tell_line({"table": table, "window": str(hour), "part": part, "rows": night.hold(line, hour, part)})
            return
        step = night.ensure(line, hour)
        shards = len(night.shards) if table == "cameras" else None
    tell_line(asdict(step) | {"place": step.place.folder} | ({} if shards is None else {"parts": list(range(shards))}))


@app.command()
def backfill(
    name: ScanName,
    first: Annotated[str, typer.Option("--from", help="First local date, YYYY-MM-DD.")],
    last: Annotated[str, typer.Option("--to", help="Last local date, YYYY-MM-DD.")],
    reprocess: Annotated[
        Literal["none", "failed", "completed"],
        typer.Option(help="Nights to do: those never begun; also those unfinished; also those finished."),
    ] = "failed",
    *,
    backwards: Annotated[bool, typer.Option("--run-backwards", help="Latest night first.")] = False,
    source: Source = None,
    lake: LakeRoot = LAKE,
    workers: Workers = 0,
    scheduler: Scheduler = "",
    settings: SettingsFile = None,
    as_json: Json = False,
) -> None:
    """Bring many nights up to date; any order gives the same bytes."""
    from pipeline import upkeep

    scan = scans.load(name, settings, source=source)
    begins, ends = date_of(first), date_of(last)
    if ends < begins:
        raise SettingsError(f"--to {last} is before --from {first}; swap them")
    dates = [begins + timedelta(days=n) for n in range((ends - begins).days + 1)]
    for on in reversed(dates) if backwards else dates:
        state = upkeep.state(open_lake(lake, name), on)
        if (state == "failed" and reprocess == "none") or (state == "completed" and reprocess != "completed"):
            continue
        run_night(scan, on, lake, workers, scheduler, as_json=as_json)


def run_night(scan: scans.Scan, on: date, lake: str, workers: int, scheduler: str, *, as_json: bool) -> "list[Step]":
    """Run a night with progress on standard error."""
    from pipeline import clusters, runner
    from pipeline.console import Progress

    with clusters.spread(workers, scheduler) as jobs, Progress(f"{scan.name} {on}", quiet=as_json) as progress:
        night = runner.Night(scan, on, open_lake(lake, scan.name), jobs, report=progress.step)
        progress.expect(night)
        return night.run()
