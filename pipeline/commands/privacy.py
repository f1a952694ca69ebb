"""The command that measures what a night gives away, and holds it back where it is too much."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline import scans
from pipeline.commands.options import (
    LAKE,
    AnyNight,
    Json,
    LakeRoot,
    LakeScan,
    LakesScan,
    SettingsFile,
    night_of,
    now,
    open_lake,
    scan_of,
)
from pipeline.console import Waiting, advise, show, tell
from pipeline.errors import SettingsError

CANARY_DATE = "2026-05-05"
"""Night of the demo city that canaries are drawn in; all its nights have the same traffic."""
app = typer.Typer(no_args_is_help=True, help="Measure what a night gives away.")


@app.callback()
def privacy() -> None:
    """Measure what a night gives away."""


@app.command(epilog="Example: thoroughfare privacy report --lake out/demo")
def report(
    name: LakesScan = "",
    scan: LakeScan = "",
    lake: LakeRoot = LAKE,
    on: AnyNight = "",
    also: Annotated[
        list[Path] | None,
        typer.Option(metavar="FOLDER", help="Search here too, such as where pages and exports are kept."),
    ] = None,
    settings: SettingsFile = None,
    *,
    canaries: Annotated[
        bool,
        typer.Option(
            "--canaries", help="Send plates and faces through the line first, on pictures of the demo city (2 minutes)."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Measure one night against what is promised, keep the figures in its lake, and hold it back where it fails; exit 8."""
    from pipeline.desk import Desk
    from pipeline.privacy import measures, verdicts

    if name and scan and name != scan:
        raise SettingsError(f"{name} and --scan {scan}: name one scan")
    if missing := [str(each) for each in also or () if not each.exists()]:
        raise SettingsError(f"--also {missing}: not there; name a folder or file that was written")
    name = scan_of(lake, name or scan)
    desk = Desk(open_lake(lake, name), scans.load(name, settings), night_of(lake, name, on), "", now())
    sent = _canaries(quiet=as_json) if canaries else None
    with Waiting("measuring what the night gives away", quiet=as_json):
        found = measures.measure(desk, also or (), sent)
    key = verdicts.keep(desk.lake, found)
    if as_json:
        tell(found)
    else:
        show(_rows(found), ["figure", "value", "words"])
        typer.echo(
            f"\n{name} {desk.scan_date}: {found['verdict']}"
            + "".join(f"\n- {why}" for why in [*found["reasons"], *found["cautions"]])
        )
        if desk.scan.exempt:
            typer.echo(f"Single trips may be shown: {desk.scan.exempt}.")
        typer.echo(f"{desk.lake}/{key}")
        advise(
            f"thoroughfare expire {name} --lake {lake}"
            if found["reasons"]
            else f"thoroughfare report {name} --lake {lake}"
        )
    if found["reasons"]:
        raise typer.Exit(8)


def _canaries(*, quiet: bool) -> dict[str, Any]:
    """Run a night of the demo city with plates and faces in its pictures; what became of them."""
    from pipeline.privacy import chain

    scan = scans.load("demo", scans.bundled())
    with Waiting("sending 1,000 plates and 500 faces through the line", quiet=quiet):
        return chain.survey(scan, scans.date_of(CANARY_DATE), now())


FIGURES = ("k_violations", "recoverable_cells", "revision_differences", "jpeg_found", "sentinel_vectors_found", "plates_read", "faces_found", "epsilon", "trips_kept", "count_mape")  # fmt: skip


def _rows(found: dict[str, Any]) -> list[dict[str, str]]:
    """Lay the figures out for a person, each with why there is none or of how many it is."""
    rows = [(each, found[each], found["unmeasured"].get(each, "")) for each in FIGURES]
    for words, told in (found["unicity"] or {}).items():
        each = [name for name in told or {} if name.endswith("points")]
        rows += [(f"singled out, {words}: {name}", told[name], f"of {told[f'journeys with {name[0]}']} journeys") for name in each]  # fmt: skip
    rows += [(f"found again on another night, AUC: {words}", auc, "") for words, auc in (found["linkage_auc"] or {}).items()]  # fmt: skip
    return [{"figure": figure, "value": _told(value), "words": words} for figure, value, words in rows]


def _told(value: float | None) -> str:
    """Write a figure; a dash where it was not measured."""
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else f"{value}"
