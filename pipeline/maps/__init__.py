"""Draw one night on kepler.gl maps that need no network: tables -> one self-contained page a kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import SettingsError
from pipeline.maps.arcs import arc_layer, flow_layers, pairs
from pipeline.maps.bundle import VERSION
from pipeline.maps.dots import camera_layer
from pipeline.maps.given import fitted, read_config
from pipeline.maps.ground import base_map, bounds
from pipeline.maps.health import health_layers
from pipeline.maps.heat import heat_layer, hourly_layers
from pipeline.maps.layers import MAX_ROWS, Layer
from pipeline.maps.page import Page, page
from pipeline.maps.trips import NO_TRIPS, trip_layers
from pipeline.tables import FRAMES, TRAJECTORIES, TRANSITIONS

HIDDEN = "Single trips are not shown: no purpose was stated. What is drawn are cameras and counts behind which at least {k} vehicles stand."
SHOWN = "Single trips are shown for this purpose: {purpose}. They are deleted after {days} days and carry no identity beyond this night."
CUT = "Their ends are cut off, with the first and the last camera."
EXEMPT = "Single trips are shown: {exempt}."
AGGREGATES = "No single trip is on this map: cameras, and figures behind which at least {k} vehicles stand."

HOUR_MS = 3_600_000
CROWD = 100
"""Cameras above which their dots would hide what a map is about."""


@dataclass(frozen=True)
class Night:
    """What a night left, and who may see what of it."""

    title: str
    """Heading of the page, such as `demo 2026-05-05`."""
    timezone: str
    """IANA name; the times of the page are local to it."""
    cameras: pa.Table
    """`tables.CAMERAS`; their licence and attribution are shown on the page."""
    roads: pa.Table
    """`tables.ROADS`; drawn in place of a base map. May be empty."""
    sightings: pa.Table
    """`tables.SIGHTINGS` of the night."""
    observability: pa.Table
    """`tables.OBSERVABILITY` of the night; gives each camera its verdict and reason."""
    links: pa.Table
    """`tables.LINKS` of the night; counted for the overview's arcs where `travel_time` publishes none."""
    trajectories: pa.Table
    """`tables.TRAJECTORIES` of the night; the animated trips."""
    products: Mapping[str, pa.Table]
    """Product name to its published rows."""
    frames: pa.Table = field(default_factory=FRAMES.empty)
    """`tables.FRAMES` of the night, for the health of cameras; empty where they have expired."""
    transitions: pa.Table = field(default_factory=TRANSITIONS.empty)
    """`tables.TRANSITIONS` of the night, for the metres between cameras."""
    k: int = 10
    """Arcs and counts that fewer vehicles stand behind are left out."""
    purpose: str = ""
    """Why individual trajectories are looked at; shown on the page."""
    exempt: str = ""
    """Why no purpose is needed (`Scan.exempt`, a simulated city); shown on the page."""

    @property
    def shows_trips(self) -> bool:
        """Whether single trips may be drawn."""
        return bool(self.purpose or self.exempt)


def compose(night: Night, kind: str = "overview", *, most: int = MAX_ROWS, config: Path | None = None) -> Page:
    """Draw one map of a night, to be looked at (`Page.size`) and written (`Page.write`).

    Args:
        night: Tables of the night. Without `purpose` and `exempt` its trips are left out and the page says so.
        kind: One of `KINDS`.
        most: Rows of one layer; above it a layer is sampled or coarsened, and the title says so.
        config: A person's own kepler.gl configuration, for this page's data sets.

    Returns:
        The page. The same tables give the same bytes.

    Raises:
        IntegrityError: the installed kepler.gl bundle is not the one this page was made for.
        SettingsError: there is no such kind, or the configuration does not fit.
    """
    if kind not in KINDS:
        raise SettingsError(f"no map {kind!r}; choose from {', '.join(KINDS)}")
    drawn, absent = KINDS[kind](night, most)
    layers = [layer for layer in drawn if layer.rows]
    west, south, east, north = extent = _extent(night.cameras, layers)
    style, notes = base_map(night.roads, ((west + east) / 2, (south + north) / 2))
    saved = own = _config(layers, night.timezone)
    if config:
        saved = fitted(read_config(config), own, {layer.content["id"]: layer.columns for layer in layers}, config)
    data = {layer.content["id"]: layer.content for layer in layers}
    return page(
        title=night.title if kind == "overview" else f"{night.title} · {kind}",
        night=_when(night.sightings, night.timezone),
        layers=layers,
        notes=[*notes, *(note for layer in layers for note in layer.notes)],
        absent=absent,
        configured=config.name if config else "",
        privacy=_privacy(night, kind),
        credits=_credits(night.cameras),
        drawn={"data": data, "config": saved, "bounds": extent, "opening": OPENING[kind]},
        ground=style,
    )


def draw(path: Path, *, kind: str = "overview", **night: Any) -> Path:
    """Write one map of a night (the fields of `Night`) and return its path."""
    return compose(Night(**night), kind).write(path)


def _overview(night: Night, most: int) -> tuple[list[Layer], list[str]]:
    """Draw cameras, trips where allowed, arcs and the heatmap of the night at one glance."""
    layers = [camera_layer(night.cameras, night.observability, night.sightings, night.k)]
    if night.shows_trips:
        layers += trip_layers(night.trajectories, night.cameras, night.timezone, most)
    layers.append(arc_layer(pairs(night.products, night.links, night.sightings, night.k), night.cameras, most))
    if "heatmap" in night.products:
        layers.append(heat_layer(night.products["heatmap"], most))
    return layers, []


def _trips(night: Night, most: int) -> tuple[list[Layer], list[str]]:
    """Draw vehicles on their way, where allowed."""
    places = [_places(night)]
    if not night.shows_trips:
        return places, []
    layers = [layer for layer in trip_layers(night.trajectories, night.cameras, night.timezone, most) if layer.rows]
    return [*places, *layers], [] if layers else [NO_TRIPS]


def _heatmap(night: Night, most: int) -> tuple[list[Layer], list[str]]:
    """Draw where vehicles spend their time, hour by hour."""
    layers, absent = hourly_layers(night.products, night.timezone, most)
    return [_places(night), *layers], absent


def _arcs(night: Night, most: int) -> tuple[list[Layer], list[str]]:
    """Draw who goes where."""
    layers, absent = flow_layers(night.products, night.cameras, night.transitions, night.timezone, most)
    return [_places(night), *layers], absent


def _health(night: Night, most: int) -> tuple[list[Layer], list[str]]:
    """Draw how each camera fared."""
    return health_layers(night.cameras, night.frames, night.observability, most)


def _places(night: Night) -> Layer:
    """Draw the cameras small, under what a map is about."""
    radius = 13 if night.cameras.num_rows <= CROWD else 6
    return camera_layer(night.cameras, night.observability, night.sightings, night.k, radius=radius)


KINDS: dict[str, Callable[[Night, int], tuple[list[Layer], list[str]]]] = {
    "overview": _overview, "trips": _trips, "heatmap": _heatmap, "arcs": _arcs, "health": _health,
}  # fmt: skip
"""Every ready map by its name."""
OPENING = {
    "overview": {"pitch": 42, "below": 180, "plays": True}, "trips": {"pitch": 35, "below": 180, "plays": True},
    "heatmap": {"pitch": 0, "below": 270}, "arcs": {"pitch": 42, "below": 90}, "health": {"pitch": 0, "below": 90},
}  # fmt: skip
"""Degrees from straight down at which each is opened, the pixels that its clock covers, and whether that sets off."""


def _privacy(night: Night, kind: str) -> str:
    """Say why single trips are shown, or that they are not."""
    if kind not in ("overview", "trips"):
        return AGGREGATES.format(k=night.k)
    if night.purpose:
        shown = SHOWN.format(purpose=night.purpose, days=TRAJECTORIES.lives_days)
        return shown if night.exempt else f"{shown} {CUT}"
    return EXEMPT.format(exempt=night.exempt) if night.exempt else HIDDEN.format(k=night.k)


def _config(layers: list[Layer], timezone: str) -> dict[str, Any]:
    """Write kepler.gl's saved map, schema v1; the page adds the view that fits its window."""
    middle = _middle_s(layers)
    shown = {layer.content["id"]: [{"name": name, "format": None} for name in layer.tooltip] for layer in layers}
    vis = {
        "layers": [layer.style for layer in layers],
        "layerOrder": [layer.name for layer in layers],
        "layerBlending": "normal",
        "filters": [_slider(layer, timezone) for layer in layers if len(layer.hours) > 1],
        "interactionConfig": {"tooltip": {"enabled": True, "fieldsToShow": shown}},
        "animationConfig": {
            "currentTime": middle * 1000 if middle else None,
            "speed": 0.2,
            "timezone": timezone,
            "timeFormat": "HH:mm:ss",
        },
    }
    return {
        "version": "v1",
        "config": {"visState": vis, "mapStyle": {"styleType": "dark-matter", "visibleLayerGroups": {"road": True}}},
    }


def _slider(layer: Layer, timezone: str) -> dict[str, Any]:
    """Show one hour of a layer at a time, under a slider that people move or let run."""
    return {
        "id": f"{layer.name}-hour", "dataId": [layer.content["id"]], "name": ["Hour"], "type": "timeRange",
        "value": [layer.opens_at, layer.opens_at + HOUR_MS - 1], "view": "minified", "enlarged": False, "enabled": True,
        "plotType": {"type": "histogram", "interval": "1-hour"}, "animationWindow": "interval", "speed": 1, "yAxis": None,
        "timezone": timezone,
    }  # fmt: skip


def _middle_s(layers: list[Layer]) -> int | None:
    """Open the map when half of the trips have set out: POSIX seconds."""
    lines: list[Any] = next((each.content["data"]["features"] for each in layers if each.name == "trips"), [])
    starts = sorted(line["geometry"]["coordinates"][0][3] for line in lines)
    return starts[len(starts) // 2] if starts else None


def _extent(cameras: pa.Table, layers: list[Layer]) -> list[float]:
    """Cover the cameras and every trip."""
    lons, lats = cameras["lon"].to_pylist(), cameras["lat"].to_pylist()
    for layer in layers:
        if layer.content["format"] == "geojson" and layer.label:
            vertices = [each for line in layer.content["data"]["features"] for each in line["geometry"]["coordinates"]]
            lons, lats = lons + [each[0] for each in vertices], lats + [each[1] for each in vertices]
    return bounds(lons, lats)


def _when(sightings: pa.Table, timezone: str) -> str:
    """Say from when to when vehicles were seen, in local time."""
    first, last = pc.min(sightings["entered_at"]).as_py(), pc.max(sightings["left_at"]).as_py()
    if first is None:
        return f"no sighting in the lake · {timezone}"
    first, last = (moment.astimezone(ZoneInfo(timezone)) for moment in (first, last))
    end = f"{last:%H:%M}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M}"
    return f"{first:%Y-%m-%d %H:%M} – {end} · {timezone}"


def _credits(cameras: pa.Table) -> list[str]:
    """List each attribution and licence of the cameras once, and that of the program which draws."""
    both = zip(cameras["attribution"].to_pylist(), cameras["licence"].to_pylist(), strict=True)
    lines = sorted({" · ".join(part for part in pair if part) for pair in both} - {""})
    return [*lines, f"Drawn by kepler.gl (keplergl {VERSION}, MIT licence); this page asks nothing of any host"]
