"""Reckon what the report says: tables of a night -> plain rows, figures and sentences for the page."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.report import figures
from pipeline.scans import Scan
from pipeline.tables import FRAME_STATES, TABLES, VERDICTS

LINKING = ("link", "trajectory")
"""Verdicts of pairs that may be linked."""
MAX_ROWS = 200
"""Rows of one table of the page; the page says how many more there are."""
MAX_CHARTS = 24
"""Cameras with a flow chart: the busiest."""
STEPS_MIN, MAX_STEPS = (5, 15, 60), 100
"""Minutes that a column of a flow chart may cover: the least with so few columns."""
Tables = Mapping[str, pa.Table]
Rows = list[dict[str, Any]]


def stages(tables: Tables, products: Tables, gone: Collection[str]) -> Rows:
    """Count what each stage of the line passed on; None where its table is gone."""
    frames = tables["frames"]
    usable = pc.sum(pc.equal(frames["state"], "ok")).as_py() or 0
    made = [
        ("cameras", tables["cameras"].num_rows, "cameras listed"),
        ("frames", frames.num_rows, "observations planned"),
        ("frames", usable, f"pictures usable, {share(usable, frames.num_rows)} of those planned"),
        ("detections", tables["detections"].num_rows, "vehicle boxes found in them"),
        ("sightings", tables["sightings"].num_rows, "passings of one vehicle at one camera"),
        ("links", tables["links"].num_rows, "passings joined with one at another camera"),
        ("trajectories", tables["trajectories"].num_rows, "vehicles followed over two cameras or more"),
        ("products", sum(rows.num_rows for rows in products.values()), "rows of counts, times and flows published"),
    ]
    return [{"count": None if name in gone else count, "meaning": meaning} for name, count, meaning in made]


def cameras(tables: Tables, k: int) -> Rows:
    """Give each camera its states, passings and verdict; the lowest verdicts first where there are too many."""
    states: dict[str, Counter[str]] = defaultdict(Counter)
    for camera, state in zip(*(tables["frames"][name].to_pylist() for name in ("camera_id", "state")), strict=True):
        states[camera][state] += 1
    seen = Counter(tables["sightings"]["camera_id"].to_pylist())
    weighed = verdicts(tables["observability"])
    rows = []
    for row in tables["cameras"].sort_by("camera_id").to_pylist():
        counted, judged = states[row["camera_id"]], weighed.get((row["camera_id"], ""), {})
        parts = [(state, counted[state]) for state in FRAME_STATES]
        planned = sum(counted.values())
        rows.append({
            **row, "sightings": veiled(seen[row["camera_id"]], k), "planned": planned, "usable": share(counted["ok"], planned),
            "bar": figures.bar(parts, f"{counted['ok']} of {planned} pictures usable"),
            "troubles": ", ".join(f"{count:,} {state}" for state, count in parts if count and state != "ok"),
            "verdict": judged.get("verdict", "none"), "reason": judged.get("reason", "not weighed"),
            "p_seen": percent(judged.get("p_seen")),
        })  # fmt: skip
    if len(rows) > MAX_ROWS:
        rows.sort(key=lambda row: (VERDICTS.index(row["verdict"]), row["camera_id"]))
    return rows


def verdicts(observability: pa.Table) -> dict[tuple[str, str], dict[str, Any]]:
    """Return for each camera, and each pair, the row of an hour with its most frequent verdict (the lower of a tie)."""
    hours: dict[tuple[str, str], Rows] = defaultdict(list)
    for row in observability.sort_by("hour_at").to_pylist():
        hours[row["camera_id"], row["pair_camera_id"]].append(row)
    chosen = {}
    for who, rows in hours.items():
        votes = Counter(row["verdict"] for row in rows)
        verdict = min(votes, key=lambda each: (-votes[each], VERDICTS.index(each)))
        chosen[who] = next(row for row in rows if row["verdict"] == verdict)
    return chosen


def pairs(tables: Tables, names: Mapping[str, str], k: int) -> Rows:
    """List what each directed pair of cameras supports, and how many links it has, the most linked first."""
    camera = dict(zip(*(tables["sightings"][name].to_pylist() for name in ("sighting_id", "camera_id")), strict=True))
    ends = zip(*(tables["links"][name].to_pylist() for name in ("query_id", "gallery_id")), strict=True)
    linked = Counter((camera.get(a), camera.get(b)) for a, b in ends)
    rows = [
        {**row, "from": names.get(a, a), "to": names.get(b, b), "count": linked[a, b], "p_pair": percent(row["p_pair"])}
        for (a, b), row in sorted(verdicts(tables["observability"]).items())
        if b
    ]
    rows.sort(key=lambda row: -row["count"])
    return [
        {**row, "links": veiled(row["count"], k), "idle": not row["count"] and row["verdict"] in LINKING}
        for row in rows
    ]


def flows(products: Tables, names: Mapping[str, str], timezone: str) -> Rows:
    """Chart the published flow of each camera, all on one scale and one stretch of time; longer nights in wider steps."""
    rows = products["flow"].to_pylist() if "flow" in products else []
    if not rows:
        return []
    first, last = (pick(row["interval_at"] for row in rows) for pick in (min, max))
    minutes = next((each for each in STEPS_MIN if (last - first) / timedelta(minutes=each) < MAX_STEPS), STEPS_MIN[-1])
    step = timedelta(minutes=minutes)
    first = first.replace(minute=first.minute // minutes * minutes)
    moments = [first + step * n for n in range((last - first) // step + 1)]
    zone = ZoneInfo(timezone)
    labels = [f"{moment.astimezone(zone):%H:%M}" for moment in moments]
    seen: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0] * len(moments)))
    expected: dict[str, list[int]] = defaultdict(lambda: [0] * len(moments))
    for row in rows:
        at = (row["interval_at"] - first) // step
        seen[row["camera_id"]][row["heading"]][at] += row["vehicles"]
        expected[row["camera_id"]][at] += row["vehicles_expected"]
    top = max(map(max, expected.values()))
    total = {camera: sum(map(sum, headings.values())) for camera, headings in seen.items()}
    return [
        {
            "name": names.get(camera, camera), "vehicles": total[camera], "minutes": minutes,
            "headings": [(heading, figures.heading_class(heading)) for heading in sorted(seen[camera])],
            "chart": figures.flow(
                labels, seen[camera], expected[camera], top, f"vehicles per {minutes} minutes at {names.get(camera, camera)}"
            ),
        }
        for camera in sorted(seen, key=lambda camera: (-total[camera], camera))[:MAX_CHARTS]
    ]  # fmt: skip


def travel_times(products: Tables, names: Mapping[str, str]) -> Rows:
    """List published travel times by pair and hour, with their range drawn on one scale."""
    rows = products["travel_time"].to_pylist() if "travel_time" in products else []
    top = max((float(row["p85_s"]) for row in rows), default=1.0)
    return [
        {**row, "from": names.get(row["from_camera"], row["from_camera"]), "to": names.get(row["to_camera"], row["to_camera"]),
         "hour": f"{row['hour_local']:%H:%M}",
         "spread": figures.spread([float(row[name]) for name in ("p15_s", "p50_s", "p85_s")], top, f"median {row['p50_s']} s")}
        for row in sorted(rows, key=lambda row: (row["from_camera"], row["to_camera"], row["hour_at"]))
    ]  # fmt: skip


def matrix(products: Tables, names: Mapping[str, str]) -> dict[str, Any]:
    """Lay out the published origin-destination matrix over the night; None where a cell was not published."""
    cells: Counter[tuple[str, str]] = Counter()
    for row in products["od"].to_pylist() if "od" in products else []:
        cells[row["first_camera"], row["last_camera"]] += row["support"]
    ends = sorted({camera for cell in cells for camera in cell})
    top = max(cells.values(), default=1)
    rows = [
        {
            "name": names.get(a, a),
            "cells": [{"count": cells.get((a, b)), "depth": round(100 * cells[a, b] / top)} for b in ends],
        }
        for a in ends
    ]
    return {"ends": [names.get(camera, camera) for camera in ends], "rows": rows}


def probabilities(links: pa.Table) -> str:
    """Chart how sure the links are."""
    counts, _ = np.histogram(links["probability"].to_numpy(), bins=20, range=(0.0, 1.0))
    return figures.histogram(counts.tolist(), 0, 1, "links by probability", ["0", "0.25", "0.5", "0.75", "1"])


def withheld(tables: Tables, products: Tables) -> Rows:
    """Say for each product how many of the vehicles that could stand behind it do, and so how many are not shown."""
    moving = pc.sum(pc.not_equal(tables["sightings"]["motion"], "parked")).as_py() or 0
    grounds = {"flow": (moving, "passings"), "counts": (moving, "passings"), "od": (tables["trajectories"].num_rows, "trajectories"),
               "travel_time": (tables["links"].num_rows, "links")}  # fmt: skip
    rows = []
    for name in sorted(products):
        shown = pc.sum(products[name]["support"]).as_py() or 0
        of, kind = grounds.get(name, (None, ""))
        left = None if of is None else max(of - shown, 0)
        rows.append(
            {"name": name, "rows": products[name].num_rows, "shown": shown, "of": of, "kind": kind, "left": left}
        )
    return rows


def abstained(tables: Tables) -> dict[str, Any]:
    """Count passings from which a road leads to another camera, and those left without a partner there."""
    sightings, transitions = tables["sightings"], tables["transitions"]
    leading = set(zip(*(transitions[name].to_pylist() for name in ("from_camera", "heading")), strict=True))
    linked = set(tables["links"]["query_id"].to_pylist())
    columns = (sightings[name].to_pylist() for name in ("sighting_id", "camera_id", "heading", "motion"))
    could = [
        each
        for each, camera, heading, motion in zip(*columns, strict=True)
        if motion != "parked" and (camera, heading) in leading
    ]
    alone = sum(each not in linked for each in could)
    return {"could": len(could), "alone": alone, "share": share(alone, len(could))}


def retention(scan: Scan, scan_date: date, tables: Tables) -> Rows:
    """Say when each table of this night is deleted."""
    ends = scan.windows(scan_date)[-1].ends_at.astimezone(ZoneInfo(scan.timezone)).date()
    rows = []
    for name, table in TABLES.items():
        if table.lives_days is None:
            until = "kept: no single vehicle in it"
        elif table.lives_days == 0:
            until = "as soon as the stages that read it have committed"
        else:
            until = f"{table.lives_days} days after the night or its making, not before {ends + timedelta(days=table.lives_days)}"
        rows.append(
            {
                "name": name,
                "grain": table.grain,
                "rows": tables[name].num_rows if name in tables else None,
                "until": until,
            }
        )
    return [
        *rows,
        {
            "name": "products",
            "grain": "as each product's SQL says",
            "rows": None,
            "until": "kept: counts of k vehicles or more",
        },
    ]


def share(part: int, whole: int) -> str:
    """Write a part of a whole in percent, a dash where there is no whole."""
    return percent(part / whole) if whole else "–"


def veiled(count: int, k: int) -> str:
    """Write how many vehicles stand behind a place, but not how few."""
    return f"{count:,}" if count >= k or not count else f"under {k}"


def percent(value: float | None) -> str:
    """Write a share of 1 in percent; never 100 or 0 for what is only near it."""
    if value is None:
        return "–"
    if 0 < value < 0.005:
        return "<1 %"
    return ">99 %" if 0.995 <= value < 1 else f"{100 * value:.0f} %"
