"""Tell what is kept how long, what was withheld and why, and who looked at single vehicles."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pyarrow.compute as pc

from pipeline.report.given import Facts, Given, Rows
from pipeline.report.words import about, cut
from pipeline.tables import TABLES

MAX_LOOKS = 20
ADDED_UP = ("sightings", "links", "trajectories")
"""Tables whose number of rows, less what is published, could tell a withheld one."""


def facts(given: Given) -> Facts:
    """Give k, what is not shown, what is deleted when, and the looks at single vehicles, the newest first."""
    looks = sorted(given.looks, key=lambda look: (look["at"], look["table"]), reverse=True)
    return {
        "k": given.scan.k,
        "exempt": given.scan.exempt,
        "withheld": withheld(given),
        "retention": retention(given),
        "looks": cut([{name: look.get(name) for name in ("at", "table", "purpose", "shown")} for look in looks], MAX_LOOKS, "looks"),
    }  # fmt: skip


def withheld(given: Given) -> Rows:
    """Say of each product how many rows too few vehicles stand behind, and how many vehicles are behind those shown.

    A vehicle is behind several rows, or behind rows of a camera that supports less; so what the published rows do not
    hold is told, about, of the products in which one vehicle stands behind one row.
    """
    sightings = given.table("sightings")
    moving = pc.sum(pc.not_equal(sightings["motion"], "parked")).as_py() or 0
    grounds = {
        "flow": ("sightings", about(moving), "passings"),
        "od": ("trajectories", about(given.table("trajectories").num_rows), "trajectories"),
        "travel_time": ("links", about(given.table("links").num_rows), "links"),
    }
    rows = []
    for name in sorted(given.products):
        shown = pc.sum(given.products[name]["support"]).as_py() or 0
        table, of, kind = grounds.get(name, ("", None, None))
        known = table and table not in given.gone
        rows.append({
            "product": name, "rows": given.products[name].num_rows, "rows_withheld": given.withheld.get(name), "vehicles": shown,
            "of": of if known else None, "kind": kind if known else None, "left": about(max(of - shown, 0)) if known and of is not None else None,
        })  # fmt: skip
    return rows


def retention(given: Given) -> Rows:
    """Say when each table of this night is deleted."""
    zone = ZoneInfo(given.scan.timezone)
    ends = given.scan.windows(given.scan_date)[-1].ends_at.astimezone(zone).date()
    rows = []
    for name, table in TABLES.items():
        if table.lives_days is None:
            until = "kept: no single vehicle in it"
        elif table.lives_days == 0:
            until = "as soon as the stages that read it have committed"
        else:
            until = f"{table.lives_days} days after the night or its making, not before {ends + timedelta(days=table.lives_days)}"
        there = given.tables[name].num_rows if name in given.tables else given.lying.get(name, {}).get("rows")
        there = about(there) if there and name in ADDED_UP else there
        rows.append({"table": name, "grain": table.grain, "rows": there, "until": until})
    published = sum(rows.num_rows for rows in given.products.values())
    last = {"table": "products", "grain": "as each product's SQL says", "rows": published, "until": "kept: counts of k vehicles or more"}  # fmt: skip
    return [*rows, last]
