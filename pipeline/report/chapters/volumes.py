"""Tell how many vehicles passed, by heading, kind and hour, between which bounds: flow, counts, mix -> facts."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.report.given import Facts, Given, Rows
from pipeline.report.words import cut, share

MAX_CHARTS = 12
"""Cameras with a chart: the busiest."""
MAX_CAMERAS, MAX_FULLEST, MAX_HOURS = 40, 24, 24
STEPS_MIN, MAX_STEPS = (5, 15, 60), 100
"""Minutes that a column of a chart may cover: the least with so few columns."""


def facts(given: Given) -> Facts:
    """Give totals, the charts of the busiest cameras, the kinds of vehicles, and how full views were by hour."""
    rows = given.product("flow")
    cameras = _cameras(rows, given)
    return {
        "total": _total(rows),
        "cameras": cut(cameras, MAX_CAMERAS, "flow"),
        "charts": _charts(rows, [row["camera_id"] for row in cameras[:MAX_CHARTS]], given),
        "kinds": _kinds(given.product("mix")),
        "fullness": _fullness(given),
    }


def bounds(rows: Rows, figure: str) -> tuple[float | None, float | None]:
    """Add up the bounds of a figure, as if all erred the same way; None where a product states none."""
    if not rows or any(f"{end}_{figure}" not in rows[0] for end in ("low", "high")):
        return None, None
    low, high = (sum(float(row[f"{end}_{figure}"] or 0) for row in rows) for end in ("low", "high"))
    return low, high


def _total(rows: Rows) -> Facts:
    """Add up the flow of the night."""
    low, high = bounds(rows, "vehicles")
    return {
        "cameras": len({row["camera_id"] for row in rows}),
        "vehicles": sum(row["vehicles"] for row in rows),
        "vehicles_expected": sum(row["vehicles_expected"] for row in rows),
        "low_vehicles": low,
        "high_vehicles": high,
    }


def _cameras(rows: Rows, given: Given) -> Rows:
    """Add up the flow of each camera, the busiest first."""
    found: dict[str, Rows] = defaultdict(list)
    for row in rows:
        found[row["camera_id"]].append(row)
    made = []
    for camera, those in found.items():
        peak = max(those, key=lambda row: (row["vehicles"], row["interval_at"]))
        total = {name: each for name, each in _total(those).items() if name != "cameras"}
        made.append({
            "camera_id": camera, "name": given.names.get(camera, camera), **total, "seen": share(total["vehicles"], total["vehicles_expected"]),
            "peak_local": peak["interval_local"], "peak_heading": peak["heading"], "peak_vehicles": peak["vehicles"],
        })  # fmt: skip
    return sorted(made, key=lambda row: (-row["vehicles"], row["camera_id"]))


def _charts(rows: Rows, chosen: list[str], given: Given) -> Facts:
    """Lay the flow of some cameras out over one stretch of time; longer nights in wider steps."""
    if not rows:
        return {"minutes": None, "starts_local": [], "cameras": []}
    first, last = (pick(row["interval_at"] for row in rows) for pick in (min, max))
    minutes = next((each for each in STEPS_MIN if (last - first) / timedelta(minutes=each) < MAX_STEPS), STEPS_MIN[-1])
    step, zone = timedelta(minutes=minutes), ZoneInfo(given.scan.timezone)
    first = first.replace(minute=first.minute // minutes * minutes)
    count = (last - first) // step + 1
    return {
        "minutes": minutes,
        "starts_local": [(first + step * n).astimezone(zone).replace(tzinfo=None) for n in range(count)],
        "cameras": [_chart(camera, rows, first, step, count, given) for camera in chosen],
    }


def _chart(camera: str, rows: Rows, first: datetime, step: timedelta, count: int, given: Given) -> Facts:
    """Give one camera's vehicles by heading and interval, those expected, and the bounds of these."""
    seen: dict[str, list[int]] = defaultdict(lambda: [0] * count)
    sums: dict[str, list[float]] = {}
    for row in (row for row in rows if row["camera_id"] == camera):
        at = (row["interval_at"] - first) // step
        seen[row["heading"]][at] += row["vehicles"]
        for name in ("vehicles_expected", "low_vehicles", "high_vehicles"):
            if row.get(name) is not None:
                sums.setdefault(name, [0] * count)[at] += row[name]
    return {
        "camera_id": camera,
        "name": given.names.get(camera, camera),
        "headings": dict(sorted(seen.items())),
        "vehicles_expected": sums["vehicles_expected"],
        "low_vehicles": sums.get("low_vehicles"),
        "high_vehicles": sums.get("high_vehicles"),
    }


def _kinds(rows: Rows) -> Rows:
    """Add up vehicles by kind, the commonest first."""
    found: dict[str, int] = defaultdict(int)
    for row in rows:
        found[row["label"]] += row["vehicles"]
    whole = sum(found.values())
    return [
        {"label": label, "vehicles": count, "share": share(count, whole)}
        for label, count in sorted(found.items(), key=lambda each: (-each[1], each[0]))
    ]


def _fullness(given: Given) -> Facts:
    """Lay vehicles per picture out by camera and hour, the fullest views first: what single stills can tell."""
    rows = given.product("counts")
    hours = sorted({row["hour_local"] for row in rows})[:MAX_HOURS]
    found: dict[str, dict[Any, Facts]] = defaultdict(dict)
    for row in rows:
        low, high = (row.get(f"{end}_vehicles_per_picture") for end in ("low", "high"))
        found[row["camera_id"]][row["hour_local"]] = {
            "vehicles_per_picture": row["vehicles_per_picture"], "low_vehicles_per_picture": low, "high_vehicles_per_picture": high,
            "pictures": row["pictures"],
        }  # fmt: skip
    listed: Rows = [
        {"camera_id": camera, "name": given.names.get(camera, camera), "hours": [there.get(hour) for hour in hours]}
        for camera, there in found.items()
    ]
    most = {
        row["camera_id"]: max((cell["vehicles_per_picture"] for cell in row["hours"] if cell), default=0)
        for row in listed
    }
    listed.sort(key=lambda row: (-most[row["camera_id"]], row["camera_id"]))
    return {"hours_local": hours, "cameras": cut(listed, MAX_FULLEST, "counts")}
