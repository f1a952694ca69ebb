"""Draw how each camera fared: frames, observability -> rings of usable pictures around dots of what they support."""

from collections import Counter, defaultdict
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.maps.dots import MAX_LABELS, UNWEIGHED, camera_verdicts
from pipeline.maps.layers import (
    MAX_ROWS,
    VERDICT_COLOURS,
    Layer,
    arrow,
    by_class,
    by_verdict,
    colour_range,
    short,
    style,
)
from pipeline.tables import FRAME_STATES, VERDICTS

USABLE = ((0, "#ff5a3c"), (50, "#ffb199"), (80, "#ece6da"), (95, "#5b6785"))
"""Least percent of usable pictures of each ring: what ails stands out, what is well recedes."""
LINKED = ("link", "trajectory")
TOOLTIP = ("Camera", "Usable pictures (%)", "States of its pictures", "Supports at most", "Why not more", "By hour",
           "Seconds between pictures", "Seconds in view")  # fmt: skip
UNWATCHED = "No camera was weighed: the night has no observability."


def health_layers(
    cameras: pa.Table, frames: pa.Table, observability: pa.Table, most: int = MAX_ROWS
) -> tuple[list[Layer], list[str]]:
    """Draw every camera as a ring of its usable pictures around a dot of its verdict, and the pairs that can be linked."""
    rows = _cameras(cameras, frames, observability)
    if not rows:
        return [], []
    kinds = [(name, pa.string()) for name in (*TOOLTIP, "label", "id")]
    schema = pa.schema([*kinds, ("lat", pa.float64()), ("lon", pa.float64())])
    schema = schema.set(1, pa.field(TOOLTIP[1], pa.float64()))
    content = arrow("health", pa.Table.from_pylist(rows, schema))
    pairs = _pairs(cameras, observability, most)
    layers = [_dots(rows, content), _rings(rows, content), *([pairs] if pairs.rows else [])]
    return layers, [] if observability.num_rows else [UNWATCHED]


def _cameras(cameras: pa.Table, frames: pa.Table, observability: pa.Table) -> list[dict[str, Any]]:
    """Tell of each camera over the night; where frames have expired, by what observability kept of them."""
    verdicts, weighed, states = camera_verdicts(observability), _weighed(observability), _states(frames)
    named = cameras.num_rows <= MAX_LABELS
    return [
        {
            "Camera": row["name"], "label": short(row["name"]) if named else "", "id": row["camera_id"], "lat": row["lat"], "lon": row["lon"],
            "Usable pictures (%)": _usable(states.get(row["camera_id"]), weighed.get(row["camera_id"], [])),
            "States of its pictures": _listed(states.get(row["camera_id"], Counter()), FRAME_STATES) or "expired",
            **dict(zip(TOOLTIP[3:5], verdicts.get(row["camera_id"], UNWEIGHED), strict=True)),
            "By hour": _listed(Counter(each["verdict"] for each in weighed.get(row["camera_id"], [])), VERDICTS) or "none weighed",
            "Seconds between pictures": _median(weighed.get(row["camera_id"], []), "cadence_s"),
            "Seconds in view": _median(weighed.get(row["camera_id"], []), "dwell_s"),
        }
        for row in sorted(cameras.to_pylist(), key=lambda row: str(row["camera_id"]))
    ]  # fmt: skip


def _rings(rows: list[dict[str, Any]], content: dict[str, Any]) -> Layer:
    colours = [colour for _, colour in USABLE]
    stops = [*(least for least, _ in USABLE[1:]), None]
    chosen = colour_range(colours) | {"colorMap": [list(pair) for pair in zip(stops, colours, strict=True)]}
    drawn = style(
        "pictures", "point", "Usable pictures", colours[-1], {"lat": "lat", "lng": "lon", "altitude": None},
        {"radius": 34, "fixedRadius": False, "opacity": 0.9, "outline": False, "filled": True, "colorRange": chosen},
        by_class(TOOLTIP[1]), of="health",
    )  # fmt: skip
    swatches = tuple((colour, f"{least}+" if least else "below 50") for least, colour in USABLE)
    return Layer(
        "pictures",
        "Outer ring: usable pictures",
        content,
        drawn,
        TOOLTIP,
        len(rows),
        swatches,
        "percent of those planned",
    )


def _dots(rows: list[dict[str, Any]], content: dict[str, Any]) -> Layer:
    colours, swatches = by_verdict(rows, "Supports at most")
    named = bool(rows) and len(rows) <= MAX_LABELS
    drawn = style(
        "verdicts", "point", "Verdict", "#ffffff", {"lat": "lat", "lng": "lon", "altitude": None},
        {"radius": 19, "fixedRadius": False, "opacity": 1, "outline": True, "thickness": 2, "strokeColor": [8, 12, 24],
         "filled": True, "colorRange": colours},
        {"colorField": {"name": "Supports at most", "type": "string"}, "colorScale": "ordinal"},
        label_of="label" if named else "", of="health",
    )  # fmt: skip
    return Layer("verdicts", "Inner dot: verdict", content, drawn, TOOLTIP, len(rows), swatches, "supports at most")


def _pairs(cameras: pa.Table, observability: pa.Table, most: int) -> Layer:
    """Draw a line between two cameras whose vehicles can be linked, in the colour of their best hour."""
    places = {row["camera_id"]: row for row in cameras.to_pylist()}
    best: dict[tuple[str, str], dict[str, Any]] = {}
    linked = observability.filter(pc.is_in(observability["verdict"], pa.array(LINKED)))
    for row in linked.filter(pc.not_equal(linked["pair_camera_id"], "")).to_pylist():
        one, other = sorted((row["camera_id"], row["pair_camera_id"]))
        held = best.get((one, other))
        rank = (VERDICTS.index(row["verdict"]), row["p_pair"] or 0.0)
        if one in places and other in places and (not held or rank > held["rank"]):
            best[one, other] = {"rank": rank, "verdict": row["verdict"], "reason": row["reason"]}
    order = sorted(best, key=lambda pair: ([-each for each in best[pair]["rank"]], pair))[:most]
    notes = (f"pairs: the {most:,} best of {len(best):,}",) if len(best) > most else ()
    rows = [
        {
            "From": places[a]["name"], "To": places[b]["name"], "Pair supports": best[a, b]["verdict"],
            "Seen at both (%)": round(100 * best[a, b]["rank"][1], 1), "Why not more": best[a, b]["reason"],
            "lat0": places[a]["lat"], "lon0": places[a]["lon"], "lat1": places[b]["lat"], "lon1": places[b]["lon"],
        }
        for a, b in order
    ]  # fmt: skip
    colours, _ = by_verdict(rows, "Pair supports")
    tooltip = ("From", "To", "Pair supports", "Seen at both (%)", "Why not more")
    drawn = style(
        "pairs", "line", "Pairs of cameras", VERDICT_COLOURS["link"], {"lat0": "lat0", "lng0": "lon0", "lat1": "lat1", "lng1": "lon1"},
        {"opacity": 0.45, "thickness": 2, "colorRange": colours},
        {"colorField": {"name": "Pair supports", "type": "string"}, "colorScale": "ordinal"},
    )  # fmt: skip
    content = arrow("pairs", pa.Table.from_pylist(rows))
    swatches = tuple((VERDICT_COLOURS[each], each) for each in LINKED if each in {row["Pair supports"] for row in rows})
    return Layer("pairs", "Lines: pairs of cameras", content, drawn, tooltip, len(rows), swatches,
                 "their vehicles can be told apart and followed", notes)  # fmt: skip


def _states(frames: pa.Table) -> dict[str, Counter[str]]:
    """Count the pictures of each camera by state."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    counted = frames.group_by(["camera_id", "state"]).aggregate([([], "count_all")])
    for row in counted.to_pylist():
        found[row["camera_id"]][row["state"]] = row["count_all"]
    return found


def _weighed(observability: pa.Table) -> dict[str, list[dict[str, Any]]]:
    """Gather the hours of each camera alone."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in observability.filter(pc.equal(observability["pair_camera_id"], "")).sort_by("hour_at").to_pylist():
        found[row["camera_id"]].append(row)
    return found


def _usable(states: Counter[str] | None, hours: list[dict[str, Any]]) -> float:
    """Return the percent of planned observations that gave a usable picture; 0 where nothing was planned."""
    if states:
        return round(100 * states["ok"] / sum(states.values()), 1)
    planned = sum(row["slots_planned"] for row in hours)
    return round(100 * sum(row["slots_seen"] for row in hours) / planned, 1) if planned else 0.0


def _listed(counts: Counter[str], order: tuple[str, ...]) -> str:
    return ", ".join(f"{name} {counts[name]:,}" for name in order if counts[name])


def _median(rows: list[dict[str, Any]], column: str) -> str:
    """Say the middle value of the hours that have one."""
    known = sorted(row[column] for row in rows if row[column] is not None)
    return f"{known[len(known) // 2]:.1f}" if known else "not known"
