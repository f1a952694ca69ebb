"""Hold a night against those before it: totals of earlier nights, anomalies -> what changed."""

from collections.abc import Mapping
from datetime import date
from statistics import median

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.report.given import Facts, Given, Rows
from pipeline.report.words import cut

TRAILING, LEAST = 8, 3
"""Nights held against, and the fewest that tell what is usual."""
MAX_ANOMALIES = 30
TOTALS = {
    "cameras": "cameras weighed",
    "usable": "share of planned pictures that were usable",
    "vehicles": "vehicles seen at cameras that support flows",
    "vehicles_expected": "vehicles with those that no picture shows",
    "pairs_timed": "pairs of cameras with a travel time",
    "trips": "trips published from end to end",
    "vehicle_minutes": "vehicle-minutes on the heatmap",
}
"""What a night comes to, in words."""


def totals(tables: Mapping[str, pa.Table]) -> dict[str, float]:
    """Add up a night from what is kept for ever: `observability` and products; what a night has not is left out."""
    found: dict[str, float] = {}
    if "observability" in tables:
        single = tables["observability"].filter(pc.field("pair_camera_id") == "")
        planned = pc.sum(single["slots_planned"]).as_py()
        found["cameras"] = float(pc.count_distinct(single["camera_id"]).as_py())
        if planned:
            found["usable"] = round(pc.sum(single["slots_seen"]).as_py() / planned, 6)
    for product, column, name in (
        ("flow", "vehicles", "vehicles"), ("flow", "vehicles_expected", "vehicles_expected"), ("od", "vehicles", "trips"),
        ("heatmap", "vehicle_minutes", "vehicle_minutes"),
    ):  # fmt: skip
        if product in tables and column in tables[product].column_names:
            found[name] = float(pc.sum(tables[product][column]).as_py() or 0)
    if "travel_time" in tables:
        pairs = tables["travel_time"].group_by(["from_camera", "to_camera"]).aggregate([])
        found["pairs_timed"] = float(pairs.num_rows)
    return found


def nights(there: list[date], scan_date: date) -> list[date]:
    """Choose the nights to hold one against: the last TRAILING of its weekday, and the last TRAILING of all."""
    earlier = [each for each in sorted(there) if each < scan_date]
    same = [each for each in earlier if each.weekday() == scan_date.weekday()]
    return sorted({*same[-TRAILING:], *earlier[-TRAILING:]})


def facts(given: Given) -> Facts:
    """Hold the night's totals against the same weekdays before it, or, where these are too few, the nights before it."""
    same = [each for each in given.before if each.weekday() == given.scan_date.weekday()][-TRAILING:]
    held = same if len(same) >= LEAST else sorted(given.before)[-TRAILING:]
    enough = len(held) >= LEAST
    rows = given.gold["anomalies"].to_pylist() if "anomalies" in given.gold else []
    return {
        "nights": sorted(held) if enough else [],
        "basis": ("same weekdays" if held is same else "nights before") if enough else None,
        "needs": LEAST,
        "nights_before": len(given.before),
        "same_weekdays_before": len(same),
        "totals": _totals(given, held if enough else []),
        "anomalies": cut(_anomalies(rows, given), MAX_ANOMALIES, "gold/anomalies"),
    }


def _totals(given: Given, held: list[date]) -> Rows:
    """Set each total of the night beside the median and the range of others."""
    tonight = totals({"observability": given.table("observability"), **given.products})
    made = []
    for name, words in TOTALS.items():
        others = [given.before[night][name] for night in held if name in given.before[night]]
        value, usual = tonight.get(name), median(others) if others else None
        outside = value is not None and bool(others) and not min(others) <= value <= max(others)
        made.append({
            "name": name, "meaning": words, "tonight": value, "usual": usual, "least": min(others, default=None),
            "most": max(others, default=None), "outside": outside, "by_night": others,
            "percent": round(100 * (value - usual) / usual, 1) if usual and value is not None else None,
        })  # fmt: skip
    return made


def _anomalies(rows: Rows, given: Given) -> Rows:
    """List the hours of this night that stand out, the farthest out first."""
    windows = given.scan.windows(given.scan_date)
    tonight = [row for row in rows if windows[0].hour_at <= row["hour_at"] < windows[-1].ends_at]
    tonight.sort(key=lambda row: (-abs(float(row["percent"] or 0)), row["camera_id"], row["heading"], row["hour_at"]))
    names = ("camera_id", "heading", "hour_local", "vehicles", "usual_vehicles", "low_vehicles", "high_vehicles", "nights", "percent")  # fmt: skip
    return [
        {**{name: row.get(name) for name in names}, "name": given.names.get(row["camera_id"], row["camera_id"])}
        for row in tonight
    ]
