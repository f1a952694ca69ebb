"""Draw where vehicles spend their time: published H3 cells -> one night at a glance, or hour by hour under a slider."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import h3
import pyarrow as pa

from pipeline.maps.layers import MAX_ROWS, Layer, arrow, by_class, classes, style

HEAT = ("#142a52", "#154a73", "#176c8a", "#2c8f97", "#5fb39b", "#a6d5a5")
HOURLY = ("#1b2f63", "#205b8a", "#1f8a98", "#4db58c", "#a5d66b", "#f5e663")
"""Rising in lightness, so that readers of any colour vision rank them."""
MINUTES, PICTURES = "Vehicle-minutes", "Vehicles in a picture"
HOUR = "Hour"
UNFOLLOWED = "No vehicle was followed from camera to camera: cells show how full the cameras' own pictures were."
NOTHING = "No heatmap: nothing that enough vehicles stand behind was published for this night."

Cell = tuple[str, datetime]


def heat_layer(heatmap: pa.Table, most: int = MAX_ROWS) -> Layer:
    """Draw the published H3 cells by vehicle-minutes over the night, coarsened until a browser can bear them."""
    sums: dict[str, float] = defaultdict(float)
    for name, minutes in zip(heatmap["cell"].to_pylist(), heatmap["vehicle_minutes"].to_pylist(), strict=True):
        sums[name] += float(minutes)
    notes: tuple[str, ...] = ()
    while len(sums) > most:
        parents: dict[str, float] = defaultdict(float)
        for name, value in sums.items():
            parents[h3.cell_to_parent(name)] += value
        sums = parents
        notes = (f"heatmap coarsened to H3 resolution {h3.get_resolution(next(iter(sums)))}",)
    rows = pa.table({"h3": sorted(sums), MINUTES: [round(sums[name], 1) for name in sorted(sums)]})
    drawn, swatches = _cells(rows, MINUTES, HEAT, 0.3)
    return Layer("heatmap", "H3 heatmap", arrow("heatmap", rows), drawn, (MINUTES,), rows.num_rows,
                 swatches, "vehicle-minutes spent in the cell", notes, ramp=True)  # fmt: skip


def hourly_layers(
    products: Mapping[str, pa.Table], timezone: str, most: int = MAX_ROWS
) -> tuple[list[Layer], list[str]]:
    """Draw the H3 cells of every hour, one hour at a time, and say what they are where vehicles were not followed.

    Of more than `most` rows the coarser product is drawn, or parents of the cells.
    """
    fine = _published(products, "heatmap")
    if not fine:
        full = _fullness(products)
        return (
            ([_hours(full, PICTURES, timezone, "vehicles in one picture", ())], [UNFOLLOWED])
            if full
            else ([], [NOTHING])
        )
    found = fine
    if len(fine) > most:
        found = _published(products, "heatmap_coarse") or _parents(fine)
    while len(found) > most:
        found = _parents(found)
    notes = () if found is fine else (_said(fine, found),)
    return [_hours(found, MINUTES, timezone, "vehicle-minutes spent in the cell in one hour", notes)], []


def local_hour(hour_at: datetime, timezone: str) -> str:
    """Write an hour as people there call it; not as a date that kepler.gl would read and show as a number."""
    zone = ZoneInfo(timezone)
    start, end = (moment.astimezone(zone) for moment in (hour_at, hour_at + timedelta(hours=1)))
    return f"{start:%a %d %b}, from {start:%H:%M} to {end:%H:%M}"


def _hours(rows: Mapping[Cell, dict[str, Any]], figure: str, timezone: str, unit: str, notes: tuple[str, ...]) -> Layer:
    """Write one row a cell and hour; open on the fullest hour."""
    order = sorted(rows, key=lambda key: (key[1], key[0]))
    table = {
        "h3": [cell for cell, _ in order],
        HOUR: pa.array([hour for _, hour in order], pa.timestamp("ms", tz="UTC")),
        "Local time": [local_hour(hour, timezone) for _, hour in order],
        figure: [round(float(rows[key]["value"]), 1) for key in order],
    }
    tooltip = ["Local time", figure]
    if all("low" in row for row in rows.values()):
        table["Likely (95 %)"] = [f"{rows[key]['low']:,.0f} to {rows[key]['high']:,.0f}" for key in order]
        tooltip.append("Likely (95 %)")
    made = pa.table(table)
    drawn, swatches = _cells(made, figure, HOURLY, 0.62)
    fullest: dict[datetime, float] = defaultdict(float)
    for key in order:
        fullest[key[1]] += float(rows[key]["value"])
    peak = max(fullest, key=lambda hour: (fullest[hour], -hour.timestamp()))
    return Layer("heatmap", "Heatmap by hour", arrow("heatmap", made), drawn, tuple(tooltip), made.num_rows, swatches, unit, notes,
                 tuple(_ms(hour) for hour in sorted(fullest)), _ms(peak), ramp=True)  # fmt: skip


def _cells(rows: pa.Table, figure: str, palette: tuple[str, ...], opacity: float) -> tuple[dict[str, Any], Any]:
    colours, swatches = classes(rows[figure].to_pylist(), palette)
    drawn = style(
        "heatmap", "hexagonId", f"{figure} by H3 cell", palette[3], {"hex_id": "h3"},
        {"opacity": opacity, "coverage": 0.92, "enable3d": False, "filled": True, "outline": False, "colorRange": colours},
        by_class(figure),
    )  # fmt: skip
    return drawn, swatches


def _published(products: Mapping[str, pa.Table], name: str) -> dict[Cell, dict[str, Any]]:
    """Read a heatmap by cell and hour: its figure, and its bounds where the product states them."""
    if name not in products:
        return {}
    renamed = {"vehicle_minutes": "value", "low_vehicle_minutes": "low", "high_vehicle_minutes": "high"}
    return {
        (row["cell"], row["hour_at"]): {short: row[long] for long, short in renamed.items() if long in row}
        for row in products[name].to_pylist()
    }


def _fullness(products: Mapping[str, pa.Table]) -> dict[Cell, dict[str, Any]]:
    """Average the vehicles in a picture over the cameras of a cell, by hour: what a feed of stills can tell."""
    if "counts" not in products:
        return {}
    there: dict[Cell, list[tuple[float, int]]] = defaultdict(list)
    for row in products["counts"].to_pylist():
        there[row["cell"], row["hour_at"]].append((float(row["vehicles_per_picture"]), row["pictures"]))
    return {
        key: {"value": sum(full * pictures for full, pictures in each) / (sum(pictures for _, pictures in each) or 1)}
        for key, each in there.items()
    }


def _parents(rows: Mapping[Cell, dict[str, Any]]) -> dict[Cell, dict[str, Any]]:
    """Add cells up into the next larger ones; bounds add to wider ones, never too narrow."""
    made: dict[Cell, dict[str, Any]] = {}
    for (cell, hour), row in rows.items():
        parent = made.setdefault((h3.cell_to_parent(cell), hour), dict.fromkeys(row, 0))
        for name, value in row.items():
            parent[name] += value
    return made


def _said(fine: Mapping[Cell, Any], found: Mapping[Cell, Any]) -> str:
    return f"heatmap coarsened to H3 resolution {h3.get_resolution(next(iter(found))[0])}: {len(found):,} rows for {len(fine):,}"


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
