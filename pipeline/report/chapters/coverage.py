"""Tell what each camera and each pair of cameras can honestly support, and why no more: observability -> facts."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from statistics import median
from typing import Any

import pyarrow as pa

from pipeline.report.given import Facts, Given, Rows
from pipeline.report.words import cut, share, veiled
from pipeline.tables import FRAME_STATES, VERDICTS

MAX_CAMERAS, MAX_CAUSES, MAX_WAYS = 100, 40, 4000
"""Rows told; more ways between cameras say no more on a map."""
LINKING = ("link", "trajectory")
"""Verdicts of pairs that may be linked."""
GIVES = {
    "none": "nothing", "count": "how full the view is", "flow": "vehicles by heading", "link": "travel times",
    "trajectory": "trips, origin and destination, heat",
}  # fmt: skip
"""What each verdict lets be published, on top of those before it."""
Weighed = Mapping[tuple[str, str], Mapping[str, Any]]


def facts(given: Given) -> Facts:
    """Count cameras and pairs by verdict and cause; list the cameras, the lowest verdicts first where there are too many."""
    weighed = usual(given.table("observability"))
    listed = cameras(given, weighed)
    ways = sorted(
        (-VERDICTS.index(row["verdict"]), a, b) for (a, b), row in weighed.items() if b and row["verdict"] in LINKING
    )
    places = [{name: row[name] for name in ("camera_id", "name", "lon", "lat", "verdict")} for row in listed]
    if len(listed) > MAX_CAMERAS:
        listed.sort(key=lambda row: (VERDICTS.index(row["verdict"]), row["camera_id"]))
    return {
        "verdicts": [
            {
                "verdict": verdict,
                "gives": GIVES[verdict],
                "cameras": sum(row["verdict"] == verdict for row in places),
                "pairs": sum(row["verdict"] == verdict for (_, pair), row in weighed.items() if pair),
            }
            for verdict in VERDICTS
        ],
        "causes": cut(causes(weighed), MAX_CAUSES, "status"),
        "places": places,
        "ways": [{"from_camera": a, "to_camera": b, "verdict": VERDICTS[-rank]} for rank, a, b in ways[:MAX_WAYS]],
        "cameras": cut(listed, MAX_CAMERAS, "coverage"),
    }


def cameras(given: Given, weighed: Weighed) -> Rows:
    """Give each camera the states of its pictures, its passings (veiled below k) and its verdict, by id."""
    states = counted(given.table("frames"), "camera_id", "state")
    seen = counted(given.table("sightings"), "camera_id")
    rows = []
    for row in given.table("cameras").sort_by("camera_id").to_pylist():
        camera = row["camera_id"]
        judged = weighed.get((camera, ""), {})
        parts = {state: states[camera, state] for state in FRAME_STATES}
        planned = sum(parts.values())
        rows.append({
            "camera_id": camera, "name": row["name"], "lon": row["lon"], "lat": row["lat"], "planned": planned, "states": parts,
            "usable": share(parts["ok"], planned), "passings": None if "sightings" in given.gone else veiled(seen[camera,], given.scan.k),
            "verdict": judged.get("verdict", "none"), "reason": judged.get("reason", "not weighed"),
            "p_seen": judged.get("p_seen"), "cadence_s": judged.get("cadence_s"),
        })  # fmt: skip
    return rows


def usual(observability: pa.Table) -> dict[tuple[str, str], dict[str, Any]]:
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


def causes(weighed: Weighed) -> list[dict[str, Any]]:
    """Count cameras and pairs by verdict and by the cause that is given for no more, the lowest verdict first.

    Args:
        weighed: Rows of `observability` by camera and pair camera (empty for one camera).

    Returns:
        `kind`, `verdict`, `cause`, `count` and `p` (the median chance to be seen) of each.
    """
    found: dict[tuple[int, int, str], list[float]] = defaultdict(list)
    for (_, pair), row in weighed.items():
        whole = row["verdict"] == VERDICTS[-1]
        key = (bool(pair), VERDICTS.index(row["verdict"]), "nothing is refused" if whole else cause(row["reason"]))
        found[key].append(row["p_pair"] if pair else row["p_seen"])
    ranked = sorted(found, key=lambda key: (key[0], key[1], -len(found[key]), key[2]))
    return [
        {"kind": ("camera", "pair")[paired], "verdict": VERDICTS[verdict], "cause": why,
         "count": len(found[paired, verdict, why]), "p": median(found[paired, verdict, why])}
        for paired, verdict, why in ranked
    ]  # fmt: skip


def cause(reason: str) -> str:
    """Return the last clause of a reason, without its figures: why no more than this is supported."""
    last = re.split(r"[:;] ", re.sub(r" \([^)]*\)", "", reason))[-1].removesuffix(", counts only")
    return re.sub(r"(under |over )?\d[\d.,]*%?", "…", last)


def counted(rows: pa.Table, *columns: str) -> Counter[tuple[Any, ...]]:
    """Count rows by what some columns hold."""
    found = rows.group_by(list(columns)).aggregate([([], "count_all")])
    keys = zip(*(found[name].to_pylist() for name in columns), strict=True)
    return Counter(dict(zip(keys, found["count_all"].to_pylist(), strict=True)))
