"""Say how each table is drawn: tables -> kepler.gl data sets and layers, with what the reader must know of them."""

import base64
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import cos, hypot, radians
from typing import Any

import h3
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.maps import trips
from pipeline.tables import VERDICTS

MAX_ROWS = 100_000
"""Rows of one layer that a browser draws smoothly; above it a layer is sampled or coarsened, and the title says so."""
MAX_TRIPS = 15_000
"""Trajectories, each of many vertices, that a page may hold."""
MAX_GLOWING = 2_000
"""Trips that are drawn twice, once wide and faint; more light each other up."""
VERDICT_COLOURS = {"none": "#8b93a7", "count": "#f2a33a", "flow": "#4fb6f0", "link": "#d785c7", "trajectory": "#35d6a4"}
"""Least to most; told apart by readers with any colour vision, on dark ground."""
HEAT = ("#142a52", "#154a73", "#176c8a", "#2c8f97", "#5fb39b", "#a6d5a5")
SPEED = ("#ff5a3c", "#ff8a3d", "#ffb84a", "#ffe27a", "#b8f5c4", "#62e6f2")
ARC_ASIDE = 0.008
"""Of the cameras' extent."""
LABEL_LENGTH = 28
ARC, ARC_END = "#8f7bff", "#ff8fd0"


@dataclass(frozen=True)
class Layer:
    """One layer of the map: its data set, how kepler draws it, and its line in the legend."""

    name: str
    """Data set and layer id."""
    label: str
    content: dict[str, Any]
    """kepler.gl data set: `id`, `format` (`arrow` or `geojson`) and `data`."""
    style: dict[str, Any]
    """kepler.gl layer of the saved-map schema v1."""
    tooltip: tuple[str, ...]
    rows: int
    swatches: tuple[tuple[str, str], ...]
    """(colour, meaning) pairs of the legend."""
    unit: str = ""
    """What the swatches measure."""
    notes: tuple[str, ...] = field(default=())
    """What was left out of it, said in the page's title."""


def camera_layer(cameras: pa.Table, observability: pa.Table, sightings: pa.Table, k: int) -> Layer:
    """Draw cameras as dots coloured by what they can honestly support."""
    verdicts = camera_verdicts(observability)
    seen = Counter(sightings["camera_id"].to_pylist())
    rows = [
        {
            "name": row["name"], "label": _short(row["name"]), "camera": row["camera_id"], "lat": row["lat"], "lon": row["lon"],
            "verdict": verdicts.get(row["camera_id"], ("none", ""))[0],
            "reason": verdicts.get(row["camera_id"], ("none", "no picture of the night was weighed"))[1],
            "sightings": f"{count:,}" if (count := seen[row["camera_id"]]) >= k else f"fewer than {k}",
        }
        for row in sorted(cameras.to_pylist(), key=lambda row: str(row["camera_id"]))
    ]  # fmt: skip
    present = sorted({row["verdict"] for row in rows})
    schema = [("name", pa.string()), ("label", pa.string()), ("camera", pa.string()), ("lat", pa.float64()), ("lon", pa.float64()),
              ("verdict", pa.string()), ("reason", pa.string()), ("sightings", pa.string())]  # fmt: skip
    style = _style(
        "cameras", "point", "Cameras by verdict", "#ffffff", {"lat": "lat", "lng": "lon", "altitude": None},
        {"radius": 24, "fixedRadius": False, "opacity": 0.95, "outline": True, "thickness": 2, "strokeColor": [8, 12, 24],
         "filled": True, "colorRange": _range([VERDICT_COLOURS[verdict] for verdict in present])},
        {"colorField": {"name": "verdict", "type": "string"}, "colorScale": "ordinal"},
        label_of="label",
    )  # fmt: skip
    return Layer(
        "cameras", "Cameras", _arrow("cameras", pa.Table.from_pylist(rows, pa.schema(schema))), style,
        ("name", "verdict", "reason", "sightings"), len(rows),
        tuple((VERDICT_COLOURS[verdict], verdict) for verdict in VERDICTS if verdict in present), "supports at most",
    )  # fmt: skip


def heat_layer(heatmap: pa.Table) -> Layer:
    """Draw the published H3 cells by vehicle-minutes over the night, coarsened until a browser can bear them."""
    sums: Counter[str] = Counter()
    for name, minutes in zip(heatmap["cell"].to_pylist(), heatmap["vehicle_minutes"].to_pylist(), strict=True):
        sums[name] += minutes
    notes: tuple[str, ...] = ()
    while len(sums) > MAX_ROWS:
        parents: Counter[str] = Counter()
        for name, value in sums.items():
            parents[h3.cell_to_parent(name)] += value
        sums = parents
        notes = (f"heatmap coarsened to H3 resolution {h3.get_resolution(next(iter(sums)))}",)
    rows = pa.table({"h3": sorted(sums), "vehicle_minutes": [float(sums[name]) for name in sorted(sums)]})
    style = _style(
        "heatmap", "hexagonId", "Vehicle-minutes by H3 cell", HEAT[3], {"hex_id": "h3"},
        {"opacity": 0.3, "coverage": 0.92, "enable3d": False, "filled": True, "outline": False, "colorRange": _range(HEAT)},
        {"colorField": {"name": "vehicle_minutes", "type": "real"}, "colorScale": "quantile"},
    )  # fmt: skip
    return Layer("heatmap", "H3 heatmap", _arrow("heatmap", rows), style, ("vehicle_minutes",), rows.num_rows,
                 _ramp(HEAT, "fewer", "more"), "vehicle-minutes spent in the cell", notes)  # fmt: skip


def arc_layer(pairs: Mapping[tuple[str, str], int], cameras: pa.Table) -> Layer:
    """Draw an arc from camera to camera, thicker where more vehicles went; the busiest where there are too many.

    Both ends stand a little to the right of the way, so that there and back are two arcs.
    """
    places = {row["camera_id"]: row for row in cameras.to_pylist()}
    known = {
        pair: support
        for pair, support in pairs.items()
        if pair[0] in places and pair[1] in places and pair[0] != pair[1]
    }
    busiest = sorted(known, key=lambda pair: (-known[pair], pair))[:MAX_ROWS]
    notes = (f"arcs: the {MAX_ROWS:,} busiest of {len(known):,} pairs",) if len(known) > MAX_ROWS else ()
    ends = [_beside(places[a], places[b], ARC_ASIDE * _extent_deg(places.values())) for a, b in busiest]
    columns: dict[str, list[Any]] = {
        "from": [places[a]["name"] for a, _ in busiest], "to": [places[b]["name"] for _, b in busiest],
        **{name: [end[name] for end in ends] for name in ("lat0", "lon0", "lat1", "lon1")},
        "vehicles": [known[pair] for pair in busiest],
    }  # fmt: skip
    kinds = [("from", pa.string()), ("to", pa.string()), ("lat0", pa.float64()), ("lon0", pa.float64()),
             ("lat1", pa.float64()), ("lon1", pa.float64()), ("vehicles", pa.int32())]  # fmt: skip
    style = _style(
        "arcs", "arc", "Arcs between cameras", ARC, {"lat0": "lat0", "lng0": "lon0", "lat1": "lat1", "lng1": "lon1"},
        {"opacity": 0.6, "thickness": 2, "sizeRange": [1, 6], "targetColor": _rgb(ARC_END), "colorRange": _range([ARC])},
        {"sizeField": {"name": "vehicles", "type": "integer"}, "sizeScale": "sqrt"},
    )  # fmt: skip
    return Layer("arcs", "Arcs", _arrow("arcs", pa.table(columns, pa.schema(kinds))), style, ("from", "to", "vehicles"),
                 len(busiest), ((ARC, "from"), (ARC_END, "to")), "vehicles linked, by width", notes)  # fmt: skip


def trip_layers(trajectories: pa.Table, cameras: pa.Table, timezone: str) -> list[Layer]:
    """Draw trajectories as moving lights over their glow, coloured by mean speed; an even sample where too many."""
    total = trajectories.num_rows
    step = -(-total // MAX_TRIPS)
    ordered = trajectories.sort_by("trajectory_id")
    kept = ordered.take(pa.array(range(0, total, step or 1), pa.int64())) if step > 1 else ordered
    lines = sorted(
        trips.features(kept, cameras, timezone), key=lambda line: (line["geometry"]["coordinates"][0][3], str(line))
    )
    notes = (f"trips: one of every {step} of {total:,}",) if step > 1 else ()
    content = {"id": "trips", "format": "geojson", "data": {"type": "FeatureCollection", "features": lines}}
    tooltip = ("cameras", "started", "speed_kmh", "length_m", "probability")
    ramp = _ramp(SPEED, "slower", "faster")
    core = _trip_style("trips", "Trips", 0.95, 2.2, trail_s(lines))
    glow = _trip_style("glow", "Glow of trips", 0.2, 7.0, trail_s(lines))
    drawn = [Layer("trips", "Trips", content, core, tooltip, len(lines), ramp, "mean speed", notes)]
    return [*drawn, Layer("glow", "", content, glow, tooltip, len(lines), ())] if len(lines) <= MAX_GLOWING else drawn


def trail_s(lines: list[dict[str, Any]]) -> int:
    """Lengthen the tail with the time shown, which always plays in about a minute."""
    seconds = [vertex[3] for line in lines for vertex in line["geometry"]["coordinates"]]
    return int(min(600, max(12, (max(seconds) - min(seconds)) / 100))) if seconds else 12


def _trip_style(name: str, label: str, opacity: float, thickness: float, trail: int) -> dict[str, Any]:
    visual = {"opacity": opacity, "thickness": thickness, "trailLength": trail, "fadeTrail": True, "billboard": False,
              "colorRange": _range(SPEED)}  # fmt: skip
    channels = {"colorField": {"name": "speed_kmh", "type": "real"}, "colorScale": "quantile"}
    style = _style(name, "trip", label, SPEED[3], {"geojson": "_geojson"}, visual, channels)
    style["config"]["dataId"] = "trips"
    return style


def camera_verdicts(observability: pa.Table) -> dict[str, tuple[str, str]]:
    """Return each camera's verdict of most hours, the lower where two tie, with the reason of the first such hour."""
    alone = observability.filter(pc.equal(observability["pair_camera_id"], "")).sort_by("hour_at")
    hours: dict[str, list[tuple[str, str]]] = {}
    for row in alone.select(["camera_id", "verdict", "reason"]).to_pylist():
        hours.setdefault(row["camera_id"], []).append((row["verdict"], row["reason"]))
    chosen = {}
    for camera, weighed in hours.items():
        votes = Counter(verdict for verdict, _ in weighed)
        verdict = min(votes, key=lambda each: (-votes[each], VERDICTS.index(each)))
        chosen[camera] = (verdict, next(reason for each, reason in weighed if each == verdict))
    return chosen


def _style(
    name: str, kind: str, label: str, colour: str, columns: dict[str, Any], visual: dict[str, Any],
    channels: dict[str, Any], label_of: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Write a layer as kepler.gl saves it."""
    text = {"field": {"name": label_of, "type": "string"}, "color": [214, 222, 240], "size": 15, "offset": [0, 0],
            "anchor": "middle", "alignment": "bottom", "outlineWidth": 0, "outlineColor": [8, 12, 24, 255],
            "background": False, "backgroundColor": [8, 12, 24, 200]}  # fmt: skip
    config = {
        "dataId": name, "label": label, "color": _rgb(colour), "highlightColor": [255, 255, 255, 255],
        "columns": columns, "isVisible": True, "hidden": False, "visConfig": visual,
        "textLabel": [text] if label_of else [],
    }  # fmt: skip
    return {"id": name, "type": kind, "config": config, "visualChannels": channels}


def _arrow(name: str, rows: pa.Table) -> dict[str, Any]:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return {"id": name, "format": "arrow", "data": base64.b64encode(sink.getvalue()).decode("ascii")}


def _short(name: str) -> str:
    return name if len(name) <= LABEL_LENGTH else name[: LABEL_LENGTH - 1] + "…"


def _extent_deg(places: Iterable[Mapping[str, Any]]) -> float:
    lats, lons = zip(*((place["lat"], place["lon"]) for place in places), strict=True)
    return float(hypot(max(lats) - min(lats), (max(lons) - min(lons)) * cos(radians(lats[0]))))


def _beside(start: Mapping[str, Any], end: Mapping[str, Any], aside_deg: float) -> dict[str, float]:
    """Shift both ends to the right of the way from start to end by so many degrees of latitude."""
    shrink = cos(radians(start["lat"]))
    north, east = end["lat"] - start["lat"], (end["lon"] - start["lon"]) * shrink
    far = hypot(north, east) or 1.0
    up, right = -east / far * aside_deg, north / far * aside_deg / shrink
    return {
        "lat0": start["lat"] + up,
        "lon0": start["lon"] + right,
        "lat1": end["lat"] + up,
        "lon1": end["lon"] + right,
    }


def _range(colours: list[str] | tuple[str, ...]) -> dict[str, Any]:
    return {"name": "thoroughfare", "type": "custom", "category": "Custom", "colors": list(colours)}


def _ramp(colours: tuple[str, ...], low: str, high: str) -> tuple[tuple[str, str], ...]:
    meanings = [low] + [""] * (len(colours) - 2) + [high]
    return tuple(zip(colours, meanings, strict=True))


def _rgb(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
