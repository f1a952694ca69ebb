"""Name the options that commands share, and turn their words into lakes, nights and dates."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.completion import kept_nights, kept_scans, known_scans
from pipeline.scans import date_of

if TYPE_CHECKING:
    from pipeline.lake import Lake

SCAN, DATE, WHERE, FILE = "SCAN", "YYYY-MM-DD", "LAKE", "FILE"
"""What the help calls the values that are asked for."""
LAKE = "lake"
ScanName = Annotated[
    str, typer.Argument(metavar=SCAN, help="Section of settings.toml: [scan.NAME].", autocompletion=known_scans)
]
LakesScan = Annotated[
    str,
    typer.Argument(
        metavar=SCAN,
        help="Scan of the lake; default: its only one.",
        show_default=False,
        autocompletion=kept_scans,
    ),
]
LakeScan = Annotated[
    str,
    typer.Option("--scan", metavar=SCAN, help="Scan of the lake; default: its only one.", autocompletion=kept_scans),
]
ScoredScan = Annotated[
    str,
    typer.Option(
        "--scan",
        metavar=SCAN,
        help="Scan of settings.toml: feed, timezone, models.",
        autocompletion=known_scans,
    ),
]
Night = Annotated[str, typer.Option("--date", metavar=DATE, help="Local date on which the night begins.")]
AnyNight = Annotated[
    str,
    typer.Option(
        "--date",
        metavar=DATE,
        help="Local date on which the night begins; default: the lake's last.",
        autocompletion=kept_nights,
    ),
]
LakeRoot = Annotated[
    str, typer.Option("--lake", metavar=WHERE, help="Folder (or s3://bucket/prefix) the tables are kept in.")
]
Source = Annotated[
    str | None,
    typer.Option("--source", metavar="PLACE", help="Folder or address the feed reads, instead of settings.toml's."),
]
SettingsFile = Annotated[
    Path | None, typer.Option("--settings", metavar=FILE, help="Settings file; default: settings.toml here.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Workers = Annotated[
    int, typer.Option("--workers", metavar="N", min=0, help="Local Dask workers; 0 runs in this process.")
]
Scheduler = Annotated[str, typer.Option("--scheduler", metavar="ADDRESS", help="Address of a running Dask scheduler.")]
Preflight = Annotated[
    bool, typer.Option("--preflight/--no-preflight", help="Refuse what the disk has no room for (twice the estimate).")
]
Permission = Annotated[
    str | None,
    typer.Option(
        "--i-have-permission", metavar="WORDS", help="What the operator of an uncleared feed has allowed; logged."
    ),
]
Purpose = Annotated[
    str,
    typer.Option(
        "--purpose",
        metavar="WORDS",
        help="Why single vehicles are looked at; written to the lake's log.",
        show_default=False,
    ),
]
TruthFile = Annotated[
    Path,
    typer.Option(
        "--truth", metavar=FILE, help="COCO, identities or tracks CSV, MOTChallenge, AI City or our own tables."
    ),
]


def open_lake(root: str, name: str) -> "Lake":
    """Open the lake of a scan."""
    from pipeline.lake import Lake

    return Lake(root, name)


def night_of(root: str, name: str, on: str) -> date:
    """Return the date asked for, or the lake's last."""
    from pipeline.upkeep import last_night

    return date_of(on) if on else last_night(open_lake(root, name))


def scan_of(root: str, name: str) -> str:
    """Return the scan asked for, or the only one in the lake."""
    if name:
        return name
    from pipeline.upkeep import only_scan

    return only_scan(root)


def now() -> datetime:
    """Return the time, UTC; the command line alone has a clock."""
    return datetime.now(UTC)
