"""Commands that explain: what a night will take, how it stands, what it took, what is wrong with the machine."""

import csv
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from pipeline import console, scans
from pipeline.commands.options import (
    LAKE,
    AnyNight,
    Json,
    LakeRoot,
    LakeScan,
    LakesScan,
    Night,
    Permission,
    Purpose,
    ScanName,
    Scheduler,
    SettingsFile,
    Source,
    Workers,
    night_of,
    now,
    open_lake,
    scan_of,
)
from pipeline.console import advise, show, tell
from pipeline.scans import date_of

app = typer.Typer()


@app.command(epilog="Example: thoroughfare plan demo --date 2026-05-05 --requests 2000 --write polled.toml")
def plan(
    name: ScanName,
    on: Night,
    source: Source = None,
    lake: LakeRoot = LAKE,
    workers: Workers = 0,
    settings: SettingsFile = None,
    permission: Permission = None,
    *,
    requests: Annotated[int, typer.Option(min=0, help="Choose the polling: most requests of the night.")] = 0,
    megabytes: Annotated[float, typer.Option(min=0.0, help="Choose the polling: most megabytes of the night.")] = 0.0,
    choose: Annotated[bool, typer.Option("--choose", help="Choose the polling within the feed's caps alone.")] = False,
    write: Annotated[
        Path | None, typer.Option(help="Write the polling as a settings file for `run --settings`.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Let --write replace a file.")] = False,
    as_json: Json = False,
) -> None:
    """Say what a night will take before anything is fetched: who is polled when, room, time, terms, precision.

    Sweeps and bursts are chosen where the settings state a budget ([scan.NAME.plan]) and no bursts, or an option asks
    for it. Only the feed's list of cameras is asked for. Exit code 8 where its terms are not cleared.
    """
    from pipeline import plans
    from pipeline.plans import telling

    scan = scans.load(name, settings, source=source, permission=permission)
    stated = scan.settings("plan", plans.Budget)
    bounds = replace(stated, requests=requests or stated.requests, megabytes=megabytes or stated.megabytes)
    budget = bounds if requests or megabytes or choose or write else None
    planned = plans.plan(scan, date_of(on), open_lake(lake, name), workers, budget)
    if write:
        telling.write(scans.load(name, settings, source=source), planned, write, force=force)
    if as_json:
        tell(asdict(planned))
        return
    telling.tell(planned)
    with_file = f" --settings {write}" if write else f" --settings {settings}" if settings else ""
    if planned.chosen and not write:
        advise(f"thoroughfare plan {name} --date {on} ... --write polled.toml: `run` polls as its settings file says")
    else:
        advise(f"thoroughfare run {name} --date {on} --lake {lake}{with_file}")


@app.command(epilog="Example: thoroughfare status demo --date 2026-05-05")
def status(
    name: LakesScan = "",
    lake: LakeRoot = LAKE,
    on: AnyNight = "",
    source: Source = None,
    settings: SettingsFile = None,
    as_json: Json = False,
) -> None:
    """Show a night at a glance, every stage in every window; without --date, a lake of several nights line by line.

    States: done; dropped (its rows had lived their time); 2/4 shards held; stale (a run would make it again); absent.
    """
    from pipeline import status as standing
    from pipeline.upkeep import nights

    name = scan_of(lake, name)
    there = open_lake(lake, name)
    if not on and len(dates := nights(there)) != 1:
        rows = standing.nights(there)
        tell(rows) if as_json else show(rows, list(rows[0]) if rows else ["scan_date"])
        if dates and not as_json:
            advise(f"thoroughfare status {name} --lake {lake} --date {dates[-1]}")
        return
    seen = standing.glance(there, scans.load(name, settings, source=source), date_of(on) if on else dates[0])
    if as_json:
        tell(asdict(seen) | {"size_bytes": seen.size_bytes})
        return
    console.show_glance(seen)
    asked = f"{name} --lake {lake} --date {seen.scan_date}"
    advise(f"thoroughfare report {asked}" if seen.finished else f"thoroughfare run {asked}")


@app.command(epilog="Example: thoroughfare why 3f2a9c01d4e5b678 --lake lake --purpose 'checking a travel time'")
def why(
    sightings: Annotated[list[str], typer.Argument(help="Ids of sightings; `sightings.sighting_id`.")],
    lake: LakeRoot = LAKE,
    name: LakeScan = "",
    on: AnyNight = "",
    purpose: Purpose = "",
    settings: SettingsFile = None,
    as_json: Json = False,
) -> None:
    """Explain the links of a sighting, onward and back, or why there is none; needs a purpose, which is logged.

    Told are its gap against the usual time, how much place, time, looks and kind each speak for it, and the runner-up's
    margin; or what stood in the way: no way, a verdict, nobody in time, a rival, no portrait, the threshold.
    """
    from pipeline import desk

    name = scan_of(lake, name)
    there, scan = open_lake(lake, name), scans.load(name, settings)
    found = desk.why(sightings, there, scan, night_of(lake, name, on), purpose, now())
    tell([asdict(each) for each in found]) if as_json else typer.echo("\n\n".join("\n".join(e.lines()) for e in found))
    if not as_json:
        advise(f"thoroughfare sql cookbook/travel_times_learned --lake {lake}")


@app.command(epilog="Example: thoroughfare metrics demo --prometheus > /var/lib/node_exporter/thoroughfare.prom")
def metrics(
    name: LakesScan = "",
    lake: LakeRoot = LAKE,
    on: AnyNight = "",
    *,
    as_prometheus: Annotated[
        bool, typer.Option("--prometheus", help="Print one night in Prometheus' text form.")
    ] = False,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print every record as CSV.")] = False,
) -> None:
    """Tell what runs took: by night and stage; with --json and --csv every step; with --prometheus the last night."""
    from pipeline import metrics as kept

    name = scan_of(lake, name)
    there = open_lake(lake, name)
    nights = kept.nights(there)
    asked = date_of(on) if on else nights[-1] if as_prometheus and nights else None
    runs = kept.read(there, asked)
    if as_prometheus:
        typer.echo(kept.prometheus(runs), nl=False)
    elif as_csv:
        writer = csv.DictWriter(sys.stdout, kept.SCHEMA.names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(run) for run in runs)
    elif as_json:
        tell([asdict(run) for run in runs])
    else:
        rows = kept.summary(runs)
        show(rows, list(rows[0]) if rows else ["scan_date"])
        advise(f"thoroughfare status {name} --lake {lake}")


@app.command(epilog="Example: thoroughfare doctor demo --lake lake")
def doctor(
    name: Annotated[str, typer.Argument(help="Scan whose feed, room and clock changes are examined too.")] = "",
    lake: Annotated[str, typer.Option("--lake", help="Lake to be written to; default: none is tried.")] = "",
    scheduler: Scheduler = "",
    source: Source = None,
    settings: SettingsFile = None,
    as_json: Json = False,
) -> None:
    """Examine the machine, and a scan's feed and lake, within seconds; exit code 1 when a night could not run."""
    from pipeline import doctor as practice

    scan = scans.load(name, settings, source=source) if name else None
    there = open_lake(lake, name or "doctor") if lake else None
    with console.Waiting("examining", len(practice.CHECKS), quiet=as_json) as waiting:
        found = practice.examine(practice.Subject(scan, there, scheduler, now()), waiting.step)
    rows = [asdict(each) for each in found]
    if as_json:
        tell(rows)
    else:
        told = [row | {"found": ": ".join(filter(None, (row["note"], row["mend"])))} for row in rows]
        show(told, ["part", "state", "found"])
    if any(each.state == "missing" for each in found):
        raise typer.Exit(1)
    if not as_json:
        advise(f"thoroughfare plan {name or 'demo'} --date {now().date()}")
