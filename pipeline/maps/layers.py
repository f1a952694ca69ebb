"""Say how a layer of a map is written: rows -> a kepler.gl data set, its layer and its line in the legend."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.tables import VERDICTS

MAX_ROWS = 100_000
"""Rows of one layer that a browser draws smoothly; above it a layer is sampled or coarsened, and the title says so."""
MAX_TRIPS = 15_000
"""Trajectories, each of many vertices, that a page may hold."""
LABEL_LENGTH = 28
VERDICT_COLOURS = {"none": "#8b93a7", "count": "#f2a33a", "flow": "#4fb6f0", "link": "#d785c7", "trajectory": "#35d6a4"}
"""Least to most; told apart by readers with any colour vision, on dark ground."""

Swatches = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Layer:
    """One layer of the map: its data set, how kepler draws it, and its line in the legend."""

    name: str
    """Layer id, and the name of its data set unless it draws that of another."""
    label: str
    content: dict[str, Any]
    """kepler.gl data set: `id`, `format` (`arrow` or `geojson`) and `data`."""
    style: dict[str, Any]
    """kepler.gl layer of the saved-map schema v1."""
    tooltip: tuple[str, ...]
    rows: int
    swatches: Swatches = ()
    """(colour, meaning) pairs of the legend."""
    unit: str = ""
    """What the swatches measure."""
    notes: tuple[str, ...] = field(default=())
    """What was left out of it, said in the page's title."""
    hours: tuple[int, ...] = ()
    """Hours of its column `Hour`, POSIX milliseconds: with two or more a slider shows one at a time."""
    opens_at: int = 0
    """Hour that is shown first."""
    ramp: bool = False
    """Whether the swatches are classes of a figure, each with its least value."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Name the columns of its data set, as a configuration of kepler.gl does."""
        if self.content["format"] == "geojson":
            return ("_geojson", *self.tooltip)
        with pa.ipc.open_stream(base64.b64decode(self.content["data"])) as rows:
            return tuple(rows.schema.names)


def style(
    name: str, kind: str, label: str, colour: str, columns: dict[str, Any], visual: dict[str, Any],
    channels: dict[str, Any] | None = None, *, label_of: str = "", of: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Write a layer as kepler.gl saves it, drawing the data set `of` or that of its own name."""
    text = {"field": {"name": label_of, "type": "string"}, "color": [214, 222, 240], "size": 15, "offset": [0, 0],
            "anchor": "middle", "alignment": "bottom", "outlineWidth": 0, "outlineColor": [8, 12, 24, 255],
            "background": False, "backgroundColor": [8, 12, 24, 200]}  # fmt: skip
    config = {
        "dataId": of or name, "label": label, "color": rgb(colour), "highlightColor": [255, 255, 255, 255],
        "columns": columns, "isVisible": True, "hidden": False, "visConfig": visual,
        "textLabel": [text] if label_of else [],
    }  # fmt: skip
    return {"id": name, "type": kind, "config": config, "visualChannels": channels or {}}


def arrow(name: str, rows: pa.Table) -> dict[str, Any]:
    """Write rows as a data set in Arrow's stream format; its column names are what tooltips show.

    JavaScript reads 64-bit integers as BigInt, which kepler.gl cannot scale: they go in 32 bits.
    """
    narrow = [pa.int32() if each.type == pa.int64() else each.type for each in rows.schema]
    rows = rows.cast(pa.schema(list(zip(rows.column_names, narrow, strict=True))))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows.combine_chunks())
    return {"id": name, "format": "arrow", "data": base64.b64encode(sink.getvalue()).decode("ascii")}


def classes(values: Sequence[float], palette: tuple[str, ...]) -> tuple[dict[str, Any], Swatches]:
    """Part values into classes of about equal size at round bounds: kepler's colour range, and the legend of it.

    The legend names the least value of each class, the last with a plus.
    """
    bounds = _bounds(np.asarray(values, float), len(palette))
    picked = np.rint(np.linspace(0, len(palette) - 1, len(bounds) + 1)).astype(int)
    colours = [palette[at] for at in picked] if bounds else [palette[len(palette) // 2]]
    stops: list[float | None] = [*bounds, None]
    chosen = colour_range(colours) | {"colorMap": [list(pair) for pair in zip(stops, colours, strict=True)]}
    least = _number(min(values, default=0.0))
    meanings = [least, *(_number(bound) for bound in bounds)]
    meanings[-1] += "+" if bounds else ""
    return chosen, tuple(zip(colours, meanings, strict=True))


def by_class(column: str) -> dict[str, Any]:
    """Colour by a column in the classes of its colour range."""
    return {"colorField": {"name": column, "type": "real"}, "colorScale": "custom"}


def by_verdict(rows: Sequence[dict[str, Any]], column: str) -> tuple[dict[str, Any], Swatches]:
    """Colour by a column of verdicts: kepler gives its colours out in the order of the words."""
    present = {row[column] for row in rows}
    swatches = tuple((VERDICT_COLOURS[verdict], verdict) for verdict in VERDICTS if verdict in present)
    return colour_range([VERDICT_COLOURS[verdict] for verdict in sorted(present)]), swatches


def colour_range(colours: Sequence[str]) -> dict[str, Any]:
    """Write colours as kepler keeps them."""
    return {"name": "thoroughfare", "type": "custom", "category": "Custom", "colors": list(colours)}


def short(name: str) -> str:
    """Cut a name for the map itself; tooltips give it whole."""
    return name if len(name) <= LABEL_LENGTH else name[: LABEL_LENGTH - 1] + "…"


def rgb(colour: str) -> list[int]:
    """Read `#rrggbb`."""
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def _bounds(values: Any, count: int) -> list[float]:
    """Return at most count - 1 rising bounds between classes, of two digits, each with values on both sides."""
    if not len(values):
        return []
    quantiles = np.quantile(values, np.arange(1, count) / count)
    rounded = sorted({float(f"{each:.2g}") for each in quantiles.tolist()})
    return [bound for bound in rounded if values.min() < bound <= values.max()]


def _number(value: float) -> str:
    """Write a figure of a legend briefly."""
    return f"{value:,.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.2g}"
