"""Let a night go on with the cameras of an earlier one where today's list of its feed cannot be read."""

from datetime import date, timedelta
from typing import Any

from pipeline import feeds, lineage
from pipeline.lake import Lake, Place
from pipeline.scans import Scan

LIVES = timedelta(days=7)
"""An older list is no list: cameras are moved and taken down."""
KEY = "holdover"
"""Of a commit's lineage: the scan date of the night whose cameras stand in."""


def place(lake: Lake, scan: Scan, scan_date: date) -> Place | None:
    """Return where the newest cameras lie that may stand in for those of a night; None where there are none.

    Only what the scan listed as it is set now, from its live feed, not more than `LIVES` before.
    """
    if not feeds.load(scan.feed).live:
        return None
    earlier = [each for each in lake.places("cameras") if timedelta(0) < scan_date - each.date <= LIVES]
    for each in sorted(earlier, key=lambda there: there.date, reverse=True):
        last = lake.last(each)
        if (
            last
            and not lake.dropped(each)
            and last.lineage.get("scan") == lineage.stated(scan)
            and KEY not in last.lineage
        ):
            return each
    return None


def without(made_from: dict[str, Any]) -> dict[str, Any]:
    """Return a lineage as it would be had the list been read."""
    return {name: value for name, value in made_from.items() if name != KEY}
