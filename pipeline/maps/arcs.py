"""Draw who goes where: pairs of cameras, zones of origin and destination -> arcs and lines between them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from math import cos, hypot, radians
from statistics import fmean
from typing import Any

import pyarrow as pa

from pipeline import geo
from pipeline.maps.heat import local_hour
from pipeline.maps.layers import MAX_ROWS, Layer, arrow, by_class, classes, colour_range, rgb, style

ARC_ASIDE = 0.008
"""Of the cameras' extent."""
ARC, ARC_END = "#8f7bff", "#ff8fd0"
OD, OD_END = "#5aa9ff", "#ffb347"
PACE = ("#d7301f", "#fc8d59", "#fdcc8a", "#c7e9b4", "#7fcdbb", "#41b6c4")
"""Slow to fast; red and green never stand for opposites."""
PLACES = ("lat0", "lon0", "lat1", "lon1")
NO_OD = (
    "No origins and destinations: too few vehicles were followed between the same zones in one hour to be published."
)
NO_PAIRS = "No travel times: too few vehicles were seen at the same two cameras in one hour to be published."

Pair = tuple[str, str]
Place = Mapping[str, Any]


def pairs(products: Mapping[str, pa.Table], links: pa.Table, sightings: pa.Table, k: int) -> dict[Pair, int]:
    """Count vehicles by pair of cameras: published travel times where there are any, else links, k or more."""
    published = products.get("travel_time")
    rows = [] if published is None else [row for row in published.to_pylist() if row["source"] == "links"]
    if rows:
        found = Counter[Pair]()
        for row in rows:
            found[row["from_camera"], row["to_camera"]] += row["support"]
        return dict(found)
    camera = dict(zip(sightings["sighting_id"].to_pylist(), sightings["camera_id"].to_pylist(), strict=True))
    ends = zip(links["query_id"].to_pylist(), links["gallery_id"].to_pylist(), strict=True)
    counted = Counter((camera[a], camera[b]) for a, b in ends if a in camera and b in camera)
    return {pair: support for pair, support in counted.items() if support >= k}


def arc_layer(pairs: Mapping[Pair, int], cameras: pa.Table, most: int = MAX_ROWS) -> Layer:
    """Draw an arc from camera to camera, thicker where more vehicles went; the busiest where there are too many.

    Both ends stand a little to the right of the way, so that there and back are two arcs.
    """
    places = {row["camera_id"]: row for row in cameras.to_pylist()}
    rows = [
        {"From": places[a]["name"], "To": places[b]["name"], "pair": (a, b), "Vehicles": support}
        for (a, b), support in pairs.items()
        if a in places and b in places and a != b
    ]
    rows, notes = _busiest(rows, most, "arcs", "pairs")
    table = _between(rows, places, ("From", "To", "Vehicles"))
    return _arcs("arcs", "Arcs", table, (ARC, ARC_END), ("From", "To", "Vehicles"), "vehicles linked, by width", notes)


def flow_layers(
    products: Mapping[str, pa.Table], cameras: pa.Table, transitions: pa.Table, timezone: str, most: int = MAX_ROWS
) -> tuple[list[Layer], list[str]]:
    """Draw published trips from zone to zone as arcs, and travel between cameras as lines by speed; say what lacks."""
    layers, absent = [], []
    for made, lacking in (
        (_od_layer(products, cameras, timezone, most), NO_OD),
        (_pace_layer(products, cameras, transitions, most), NO_PAIRS),
    ):
        layers += [made] if made.rows else []
        absent += [] if made.rows else [lacking]
    return layers, absent


def _od_layer(products: Mapping[str, pa.Table], cameras: pa.Table, timezone: str, most: int) -> Layer:
    """Draw an arc from zone to zone of the night, thicker where more vehicles went."""
    places = _zones(products, cameras)
    ends = ("first_zone", "last_zone")
    rows: dict[Pair, list[dict[str, Any]]] = defaultdict(list)
    for row in products["od"].to_pylist() if "od" in products and ends[0] in products["od"].column_names else []:
        rows[row[ends[0]], row[ends[1]]].append(row)
    within = sum(row["vehicles"] for (a, b), each in rows.items() if a == b for row in each)
    told = [
        {
            "From": places[a]["name"], "To": places[b]["name"], "pair": (a, b), "Vehicles": sum(row["vehicles"] for row in each),
            "Likely (95 %)": f"{sum(row['low_vehicles'] for row in each):,} to {sum(row['high_vehicles'] for row in each):,}",
            "Busiest hour": local_hour((busiest := max(each, key=lambda row: row["vehicles"]))["hour_at"], timezone),
            "Median minutes on the way": round(busiest["p50_s"] / 60, 1),
        }
        for (a, b), each in rows.items() if a in places and b in places and a != b
    ]  # fmt: skip
    told, notes = _busiest(told, most, "origins and destinations", "pairs of zones")
    tooltip = ("From", "To", "Vehicles", "Likely (95 %)", "Busiest hour", "Median minutes on the way")
    table = _between(told, places, tooltip)
    stayed = f"; {within:,} more began and ended in one zone" if within else ""
    return _arcs("od", "Origins and destinations", table, (OD, OD_END), tooltip, f"vehicles, by width{stayed}", notes)


def _pace_layer(products: Mapping[str, pa.Table], cameras: pa.Table, transitions: pa.Table, most: int) -> Layer:
    """Draw a line from camera to camera in the colour of its median speed over the road."""
    places = {row["camera_id"]: row for row in cameras.to_pylist()}
    rows: dict[Pair, list[dict[str, Any]]] = defaultdict(list)
    for row in products["travel_time"].to_pylist() if "travel_time" in products else []:
        rows[row["from_camera"], row["to_camera"]].append(row)
    road = dict(zip(zip(*(transitions[end].to_pylist() for end in ("from_camera", "to_camera")), strict=True),
                    transitions["road_m"].to_pylist(), strict=True))  # fmt: skip
    told = [
        _paced(pair, each, places, road)
        for pair, each in rows.items()
        if set(pair) <= set(places) and pair[0] != pair[1]
    ]
    told, notes = _busiest(told, most, "transitions", "pairs of cameras")
    tooltip = ("From", "To", "Median seconds", "Median km/h", "Vehicles", "Told by")
    table = _between(told, places, tooltip)
    colours, swatches = classes(table["Median km/h"].to_pylist(), PACE)
    drawn = style(
        "transitions", "line", "Travel between cameras", PACE[3],
        dict(zip(("lat0", "lng0", "lat1", "lng1"), PLACES, strict=True)),
        {"opacity": 0.9, "thickness": 3, "colorRange": colours}, by_class("Median km/h"),
    )  # fmt: skip
    return Layer("transitions", "Travel between cameras", arrow("transitions", table), drawn, tooltip, table.num_rows, swatches,
                 "median km/h along the road", notes, ramp=True)  # fmt: skip


def _paced(
    pair: Pair, rows: list[dict[str, Any]], places: Mapping[str, Place], road: Mapping[Pair, float]
) -> dict[str, Any]:
    """Tell of one pair over its hours, each by its support; as the crow flies where no road is known."""
    start, end = places[pair[0]], places[pair[1]]
    support = sum(row["support"] for row in rows)
    seconds = sum(float(row["p50_s"]) * row["support"] for row in rows) / support
    length_m = road.get(pair) or float(geo.haversine_m(start["lon"], start["lat"], end["lon"], end["lat"]))
    ways = {"links": "linked vehicles", "flows": "arrivals alone"}
    return {
        "From": start["name"], "To": end["name"], "pair": pair, "Vehicles": support, "Median seconds": round(seconds, 1),
        "Median km/h": round(3.6 * length_m / seconds, 1) if seconds > 0 else 0.0,
        "Told by": ", ".join(ways.get(source, source) for source in sorted({row["source"] for row in rows})),
    }  # fmt: skip


def _zones(products: Mapping[str, pa.Table], cameras: pa.Table) -> dict[str, Place]:
    """Place each zone in the middle of its cameras, and name it by them."""
    names = dict(zip(cameras["camera_id"].to_pylist(), cameras["name"].to_pylist(), strict=True))
    inside: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in products["zones"].to_pylist() if "zones" in products else []:
        inside[row["zone"]].append(row)
    made: dict[str, Place] = {}
    for zone, rows in inside.items():
        first, *more = sorted(names.get(row["camera_id"], row["camera_id"]) for row in rows)
        lon, lat = (fmean(row[axis] for row in rows) for axis in ("lon", "lat"))
        made[zone] = {"name": f"{first} and {len(more)} near it" if more else first, "lon": lon, "lat": lat}
    return made


def _busiest(
    rows: list[dict[str, Any]], most: int, what: str, whole: str
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Keep the rows behind which most vehicles stand, and say so."""
    order = sorted(rows, key=lambda row: (-row["Vehicles"], row["pair"]))
    return order[:most], (f"{what}: the {most:,} busiest of {len(rows):,} {whole}",) if len(rows) > most else ()


def _between(rows: list[dict[str, Any]], places: Mapping[str, Place], tooltip: tuple[str, ...]) -> pa.Table:
    """Give each row of a pair both its ends, beside the way."""
    aside = ARC_ASIDE * _extent_deg(places.values()) if places else 0.0
    ends = [_beside(places[row["pair"][0]], places[row["pair"][1]], aside) for row in rows]
    columns = {
        name: pa.array([row[name] for row in rows], None if rows else pa.string())
        for name in tooltip
    }  # fmt: skip
    return pa.table(columns | {name: pa.array([end[name] for end in ends], pa.float64()) for name in PLACES})


def _arcs(
    name: str, label: str, rows: pa.Table, colours: tuple[str, str], tooltip: tuple[str, ...], unit: str, notes: tuple[str, ...]
) -> Layer:  # fmt: skip
    """Write arcs that run from one colour to another, by width."""
    drawn = style(
        name, "arc", label, colours[0], dict(zip(("lat0", "lng0", "lat1", "lng1"), PLACES, strict=True)),
        {"opacity": 0.6, "thickness": 2, "sizeRange": [1, 6], "targetColor": rgb(colours[1]), "colorRange": colour_range(colours[:1])},
        {"sizeField": {"name": "Vehicles", "type": "integer"}, "sizeScale": "sqrt"},
    )  # fmt: skip
    swatches = tuple(zip(colours, ("from", "to"), strict=True))
    return Layer(name, label, arrow(name, rows), drawn, tooltip, rows.num_rows, swatches, unit, notes)


def _extent_deg(places: Iterable[Place]) -> float:
    lats, lons = zip(*((place["lat"], place["lon"]) for place in places), strict=True)
    return float(hypot(max(lats) - min(lats), (max(lons) - min(lons)) * cos(radians(lats[0]))))


def _beside(start: Place, end: Place, aside_deg: float) -> dict[str, float]:
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
