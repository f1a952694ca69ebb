"""Tell when the runs of a scan fall due, and which night each of them is for."""

import ast
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from pipeline import scans
from pipeline.scans import Scan

FEEDS = Path(scans.__file__).parent / "feeds"
YEAR = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
"""Any year has both changes of the clocks."""


def live(feed: str) -> bool:
    """Tell whether a feed states `live=True`, from its text: importing it would import pyarrow and more.

    One that is not there is left to its scan's first task to complain of: the other scans go on.
    """
    text = "".join(path.read_text() for path in (FEEDS / f"{feed}.py", FEEDS / feed / "__init__.py") if path.is_file())
    stated = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.keyword) and node.arg == "live"]
    return any(isinstance(value, ast.Constant) and value.value is True for value in stated)


def cron(scan: Scan) -> str:
    """Return when runs fall due, local to the scan: a live feed's at the night's start, any other's at its end."""
    first, last = scan.hours.replace("24:00", "00:00").split("-")
    at = time.fromisoformat(first if live(scan.feed) else last)
    return f"{at.minute} {at.hour} * * *"


def night_of(scan: Scan, moment: datetime) -> date:
    """Return the scan date of a run that fell due at an instant.

    For a live feed the night that last began, for any other the one that last ended.
    """
    on = scan.night_of(moment)
    return on if live(scan.feed) or scan.windows(on)[-1].ends_at <= moment else on - timedelta(days=1)


def most_windows(scan: Scan) -> int:
    """Return how many windows the longest night of a year has."""
    return max(len(scan.windows(on)) for on in YEAR)


def begins_at(scan: Scan, on: date, window: int) -> datetime:
    """Return when a window of a night begins, UTC; long ago where that night has no such window."""
    windows = scan.windows(on)
    return windows[window].starts_at if window < len(windows) else datetime.fromtimestamp(0, UTC)
