"""Tell when the runs of a scan fall due, and which night each of them is for."""

import ast
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path

from pipeline import scans
from pipeline.scans import Scan

FEEDS = Path(scans.__file__).parent / "feeds"
SHELF = "pipeline.feeds."
LEAD = timedelta(minutes=5)
"""How long before a live window its commands start: they stand ready when its first picture is due."""
YEAR = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
"""Any year has both changes of the clocks."""


@cache
def live(feed: str) -> bool:
    """Tell whether a feed, or what it is built by, states `live=True`; from their text: imported, they bring pyarrow.

    A feed that is not there is left to its scan's first task to complain of: the other scans go on.
    """
    tree = _tree(feed)
    told = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    built_by = [_tree(name.removeprefix(SHELF)) for name in told if name.startswith(f"{SHELF}_")]
    stated = [
        node.value
        for each in (tree, *built_by)
        for node in ast.walk(each)
        if isinstance(node, ast.keyword) and node.arg == "live"
    ]
    return any(isinstance(value, ast.Constant) and value.value is True for value in stated)


def cron(scan: Scan) -> str:
    """Return when runs fall due, local to the scan: a live feed's before the night's start, any other's at its end."""
    first, last = (time.fromisoformat(each) for each in scan.hours.replace("24:00", "00:00").split("-"))
    at = datetime.combine(YEAR[1], first) - LEAD if live(scan.feed) else last
    return f"{at.minute} {at.hour} * * *"


def night_of(scan: Scan, moment: datetime) -> date:
    """Return the scan date of a run that fell due at an instant.

    For a live feed the night that last began or is about to, for any other the one that last ended.
    """
    on = scan.night_of(moment + LEAD if live(scan.feed) else moment)
    return on if live(scan.feed) or scan.windows(on)[-1].ends_at <= moment else on - timedelta(days=1)


def most_windows(scan: Scan) -> int:
    """Return how many windows the longest night of a year has."""
    return max(len(scan.windows(on)) for on in YEAR)


def begins_at(scan: Scan, on: date, window: int) -> datetime:
    """Return when a window of a night begins, UTC; that of the night itself where it has no such window."""
    windows = scan.windows(on)
    return windows[window if window < len(windows) else 0].starts_at


def _tree(feed: str) -> ast.Module:
    """Parse a module of the feeds' shelf; one that is not there is empty."""
    found = (path for path in (FEEDS / f"{feed}.py", FEEDS / feed / "__init__.py") if path.is_file())
    return ast.parse("".join(path.read_text(encoding="utf-8") for path in found))
