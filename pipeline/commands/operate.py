"""Commands that make nights: one stage at a time, as a scheduler calls it, and many nights on end."""

import logging
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pipeline import console, scans
from pipeline.commands import completion
from pipeline.commands.options import (
    LAKE,
    Json,
    LakeRoot,
    Night,
    Permission,
    Preflight,
    ScanName,
    Scheduler,
    SettingsFile,
    Source,
    Workers,
    now,
    open_lake,
)
from pipeline.console import advise, complain, show, tell, tell_line
from pipeline.errors import SettingsError
from pipeline.scans import date_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline import clusters, runner
    from pipeline.lake import Lake
    from pipeline.scans import Scan, Window
    from pipeline.stages import Stage

log = logging.getLogger("thoroughfare")
NO_SUCH_WINDOW = 99
"""Exit code of a stage that has nothing to do: the night has no such window, or the feed plans nothing in it."""
LEFT_ALONE = {"none": ("failed", "completed"), "failed": ("completed",), "completed": ()}
"""States of nights that a backfill leaves as they are, by what it is to reprocess."""
app = typer.Typer()


@app.command(epilog="Example: thoroughfare stage demo detections --date 2026-05-05 --window 0")
def stage(
    name: ScanName,
    table: Annotated[
        str,
        typer.Argument(
            help="Table to bring up to date: cameras, roads, snapshots ... products.", autocompletion=completion.stages
        ),
    ],
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
    permission: Permission = None,
    *,
    preflight: Preflight = True,
) -> None:
    """Bring one table of one window up to date: what a scheduler calls; prints one line of JSON.

    Exit code 99: nothing to do, as the night has no such window or the feed plans nothing in it.
    """
    from pipeline import database, runner, stages, upkeep
    from pipeline.commands.watch import Watch

    scan = scans.load(name, settings, source=source, permission=permission)
    if table not in (known := [line.table for line in stages.STAGES]):
        raise SettingsError(f"no table {table!r}; choose from {known}")
    line, there, scan_date = stages.stage(table), open_lake(lake, name), date_of(on)
    upkeep.permit(there, scan, scan_date, now())
    watch = Watch(there, scan_date, None if scheduler else workers, quiet=True)
    with _started(workers, scheduler) as jobs, watch:
        begin = partial(watch.begin, part=part if part >= 0 else None)
        night = runner.Night(scan, scan_date, there, jobs, report=watch.step, begin=begin)
        hour = _hour(night, line, window)
        if preflight and hour is not None:
            _find_room(night, [hour], (table,))
        if part >= 0 and hour is not None:
            rows = night.hold(line, hour, part)
            watch.held(rows)
            tell_line({"table": table, "window": str(hour), "part": part, "rows": rows})
            return
        step = night.ensure(line, hour)
        shards = len(night.shards) if table == "cameras" else None
    if table == stages.STAGES[-1].table:
        database.keep(there, scan)
    tell_line(asdict(step) | {"place": step.place.folder} | ({} if shards is None else {"parts": list(range(shards))}))


@app.command(epilog="Example: thoroughfare backfill demo --from 2026-05-01 --to 2026-05-03 --run-backwards")
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
    permission: Permission = None,
    preflight: Preflight = True,
    as_json: Json = False,
) -> None:
    """Bring many nights up to date; any order gives the same bytes.

    A night that fails does not stop the others; the exit code is that of the first that failed.
    """
    from pipeline import database, upkeep

    scan = scans.load(name, settings, source=source, permission=permission)
    begins, ends = date_of(first), date_of(last)
    if ends < begins:
        raise SettingsError(f"--to {last} is before --from {first}; swap them")
    dates = [begins + timedelta(days=n) for n in range((ends - begins).days + 1)]
    there = open_lake(lake, name)
    chosen = [on for on in dates if upkeep.state(there, on) not in LEFT_ALONE[reprocess]]
    told, exit_code = [], 0
    for n, on in enumerate(sorted(chosen, reverse=backwards), start=1):
        of = f"({n} of {len(chosen)})"
        night = partial(run_night, scan, on, lake, workers, scheduler, as_json=as_json, preflight=preflight, of=of)
        code, row = _one_of_many(on, night)
        exit_code = exit_code or code
        told.append(row)
    if chosen:
        database.keep(there, scan)
    if as_json:
        tell(told)
    else:
        show(told, ["scan_date", "outcome", "seconds", "fault"])
        typer.echo(f"{len(dates) - len(chosen)} of {len(dates)} nights were left as they are (--reprocess {reprocess})")
        again = f"thoroughfare backfill {name} --from {first} --to {last} --lake {lake}"
        advise(again if exit_code else f"thoroughfare status {name} --lake {lake}")
    if exit_code:
        raise typer.Exit(exit_code)


@app.command(epilog="Example: thoroughfare certificates /etc/thoroughfare/tls")
def certificates(
    folder: Annotated[Path, typer.Argument(help="Folder to write: scheduler/, worker/ and client/ in it.")],
) -> None:
    """Make the certificates of a Dask cluster: each side of it trusts those made here, and nobody else."""
    from pipeline.clusters.certificates import make

    for made in make(folder):
        typer.echo(f"{made}: set DASK_CONFIG={made.resolve()} for the {made.name}")
    advise("thoroughfare run SCAN --date ... --scheduler tls://HOST:8786, where DASK_CONFIG names the client's folder")


def run_night(
    scan: "Scan",
    on: date,
    lake: str,
    workers: int,
    scheduler: str,
    *,
    as_json: bool,
    preflight: bool = True,
    of: str = "",
) -> "list[runner.Step]":
    """Run a night with progress on standard error, run records in the lake, and faults that say where."""
    from pipeline import database, runner, upkeep
    from pipeline.commands.watch import Watch

    there = open_lake(lake, scan.name)
    upkeep.permit(there, scan, on, now())
    watch = Watch(there, on, None if scheduler else workers, of=of, quiet=as_json)
    with _started(workers, scheduler, partial(_keep_page, there, on)) as jobs, watch:
        night = runner.Night(scan, on, there, jobs, report=watch.step, begin=watch.begin)
        if preflight:
            night.begin = _after_preflight(night, workers, watch.begin)
        watch.expect(night)
        steps = night.run()
    if not of:
        database.keep(there, scan)
    return steps


def _keep_page(lake: "Lake", on: date, page: bytes) -> None:
    """Keep Dask's performance report of a night's last run, in a dot-folder: it is no part of the lake."""
    key = f".dask/{on}.html"
    lake.storage.delete(key)
    lake.storage.put(key, page)


@contextmanager
def _started(workers: int, scheduler: str, keep: "clusters.Keep | None" = None) -> "Iterator[clusters.Spread]":
    """Start workers deaf to Ctrl-C: a terminal sends it to all of them, and this program ends them in order."""
    from pipeline import clusters

    with ExitStack() as stack:
        heard = signal.getsignal(signal.SIGINT)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            jobs = stack.enter_context(clusters.spread(workers, scheduler, keep))
        finally:
            signal.signal(signal.SIGINT, heard)
        yield jobs


Begin = Callable[["Stage", "Window | None"], None]


def _after_preflight(night: "runner.Night", workers: int, begin: Begin) -> Begin:
    """Look for room before the first picture is asked for: only then are the cameras known."""
    looked: list[str] = []

    def begin_with_room(line: "Stage", window: "Window | None") -> None:
        begin(line, window)
        if line.unit == "shard" and not looked:
            looked.append(line.table)
            _find_room(night, [each for each in night.windows if not _is_seen(night, each)])
            _find_memory(night, workers)

    return begin_with_room


def _is_seen(night: "runner.Night", window: "Window") -> bool:
    """Tell whether a window's sightings are committed: pictures and vectors are behind it."""
    from pipeline.lake import Place

    return night.lake.last(Place.of("sightings", window.hour_at)) is not None


def _find_room(night: "runner.Night", windows: "list[Window]", tables: tuple[str, ...] = ()) -> None:
    """Refuse windows that the disk has no room for; say where that cannot be told."""
    from pipeline import plans
    from pipeline.lake import Place

    listed = night.lake.read([Place("cameras", night.scan_date)])
    counts = [plans.pictures(night.scan, window, listed) for window in windows]
    log.log(*_level(plans.room.refuse_without_room(night.lake, night.scan, counts, tables)))


def _level(sentence: str) -> tuple[int, str]:
    """Say aloud only that something was not checked."""
    return (logging.WARNING if "not checked" in sentence else logging.INFO), sentence


def _find_memory(night: "runner.Night", workers: int) -> None:
    """Warn where less memory is available than a run has needed."""
    from pipeline import plans

    needed, basis = plans.room.memory(night.lake, workers)
    if (available := plans.room.available_mb()) < needed:
        log.warning("%s MiB of memory available, a run needs %.0f (%s): use fewer --workers", available, needed, basis)


def _hour(night: "runner.Night", line: "Stage", window: int) -> "Window | None":
    """Return the window of that number, None for a stage of the night; exit where the night has none such."""
    if line.unit not in ("shard", "window"):
        return None
    hours = night.scan.windows(night.scan_date)
    if window < 0:
        raise SettingsError(f"stage {line.table} runs on one window; pass --window 0 to {len(hours) - 1}")
    if window >= len(hours) or hours[window] not in night.windows:
        raise typer.Exit(NO_SUCH_WINDOW)
    return hours[window]


def _one_of_many(on: date, run: Callable[[], Any]) -> tuple[int, dict[str, Any]]:
    """Run one night; a fault is an exit code and a row."""
    begun, code, fault = time.monotonic(), 0, ""
    try:
        run()
    except Exception as error:  # noqa: BLE001  # the other nights do not depend on this one
        code, fault = getattr(error, "exit_code", 1), console.sentence(error)
        complain(f"{on}: {fault}", code)
    took = round(time.monotonic() - begun, 1)
    return code, {"scan_date": on, "outcome": "failed" if code else "completed", "seconds": took, "fault": fault}
