"""Draw one night on a kepler.gl map that needs no network: tables -> one `map.html`."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.maps.bundle import VERSION, application, packed
from pipeline.maps.ground import base_map, bounds
from pipeline.maps.layers import Layer, arc_layer, camera_layer, heat_layer, trip_layers
from pipeline.tables import TRAJECTORIES

HIDDEN = "Single trips are not shown: no purpose was stated. What is drawn are cameras and counts behind which at least {k} vehicles stand."
SHOWN = "Single trips are shown for this purpose: {purpose}. They are deleted after {days} days and carry no identity beyond this night."
EXEMPT = "Single trips are shown: {exempt}."


def draw(
    path: Path,
    *,
    title: str,
    timezone: str,
    cameras: pa.Table,
    roads: pa.Table,
    sightings: pa.Table,
    observability: pa.Table,
    links: pa.Table,
    trajectories: pa.Table,
    products: Mapping[str, pa.Table],
    k: int = 10,
    purpose: str = "",
    exempt: str = "",
) -> Path:
    """Write one self-contained page with roads, cameras, arcs, an H3 heatmap and, where allowed, animated trips.

    Args:
        path: File to write; its folder is made.
        title: Heading of the page, such as `demo 2026-05-05`.
        timezone: IANA name; the times of the page are local to it.
        cameras: `tables.CAMERAS`; their licence and attribution are shown on the page.
        roads: `tables.ROADS`; drawn in place of a base map. May be empty.
        sightings: `tables.SIGHTINGS` of the night.
        observability: `tables.OBSERVABILITY` of the night; gives each camera its verdict and reason.
        links: `tables.LINKS` of the night; counted for arcs where `travel_time` publishes none.
        trajectories: `tables.TRAJECTORIES` of the night; the animated trips.
        products: Product name to its published rows; `heatmap` and `travel_time` are drawn.
        k: Arcs and counts that fewer vehicles stand behind are left out.
        purpose: Why individual trajectories are looked at; shown on the page.
        exempt: Why no purpose is needed (`Scan.exempt`, a simulated city); shown on the page.

    Without `purpose` and `exempt` the trips are left out and the page says so.

    Returns:
        The path written. The same tables give the same bytes.

    Raises:
        IntegrityError: the installed kepler.gl bundle is not the one this page was made for.
    """
    layers = [camera_layer(cameras, observability, sightings, k)]
    if purpose or exempt:
        layers += trip_layers(trajectories, cameras, timezone)
    layers.append(arc_layer(pairs(products, links, sightings, k), cameras))
    if "heatmap" in products:
        layers.append(heat_layer(products["heatmap"]))
    layers = [layer for layer in layers if layer.rows]
    west, south, east, north = extent = _bounds(cameras, layers)
    style, notes = base_map(roads, ((west + east) / 2, (south + north) / 2))
    page = _page(
        title=title,
        night=_night(sightings, timezone),
        layers=layers,
        notes=[*notes, *(note for layer in layers for note in layer.notes)],
        privacy=_privacy(purpose, exempt, k),
        credits=_credits(cameras),
        drawn=_json({"data": _data(layers), "config": _config(layers, timezone), "bounds": extent}),
        ground=_json(style),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return path


def pairs(products: Mapping[str, pa.Table], links: pa.Table, sightings: pa.Table, k: int) -> dict[tuple[str, str], int]:
    """Count vehicles by pair of cameras: published travel times where there are any, else links, k or more."""
    published = products.get("travel_time")
    rows = [] if published is None else [row for row in published.to_pylist() if row["source"] == "links"]
    if rows:
        found = Counter[tuple[str, str]]()
        for row in rows:
            found[row["from_camera"], row["to_camera"]] += row["support"]
        return dict(found)
    camera = dict(zip(sightings["sighting_id"].to_pylist(), sightings["camera_id"].to_pylist(), strict=True))
    ends = zip(links["query_id"].to_pylist(), links["gallery_id"].to_pylist(), strict=True)
    counted = Counter((camera[a], camera[b]) for a, b in ends if a in camera and b in camera)
    return {pair: support for pair, support in counted.items() if support >= k}


def _page(*, title: str, notes: list[str], drawn: str, **said: Any) -> str:
    """Fill the template; only the page's own script, by its hash, and the application's blob may run."""
    css, script = _file("page.css"), _file("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}' blob: 'wasm-unsafe-eval'; worker-src blob:; style-src 'unsafe-inline'; "
        "img-src data: blob:; font-src data:; connect-src 'none'; base-uri 'none'; form-action 'none'"
    )
    heading = " · ".join([title, *notes])
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(_file("page.html"))
    return template.render(
        title=title, heading=heading, notes=notes, css=css, script=script, policy=policy,
        drawn=packed(drawn.encode()), bundle=application(), **said,
    )  # fmt: skip


def _privacy(purpose: str, exempt: str, k: int) -> str:
    """Say why single trips are shown, or that they are not."""
    if purpose:
        return SHOWN.format(purpose=purpose, days=TRAJECTORIES.lives_days)
    return EXEMPT.format(exempt=exempt) if exempt else HIDDEN.format(k=k)


def _config(layers: list[Layer], timezone: str) -> dict[str, Any]:
    """Write kepler.gl's saved map, schema v1; the page adds the view that fits its window."""
    middle = _middle_s(layers)
    vis = {
        "layers": [layer.style for layer in layers],
        "layerOrder": [layer.name for layer in layers],
        "layerBlending": "normal",
        "filters": [],
        "interactionConfig": {
            "tooltip": {
                "enabled": True,
                "fieldsToShow": {
                    layer.content["id"]: [{"name": name, "format": None} for name in layer.tooltip] for layer in layers
                },
            }
        },
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


def _middle_s(layers: list[Layer]) -> int | None:
    """Open the map when half of the trips have set out: POSIX seconds."""
    lines: list[Any] = next((each.content["data"]["features"] for each in layers if each.name == "trips"), [])
    starts = sorted(line["geometry"]["coordinates"][0][3] for line in lines)
    return starts[len(starts) // 2] if starts else None


def _data(layers: list[Layer]) -> dict[str, Any]:
    return {layer.content["id"]: layer.content for layer in layers}


def _bounds(cameras: pa.Table, layers: list[Layer]) -> list[float]:
    """Cover the cameras and every trip."""
    lons, lats = cameras["lon"].to_pylist(), cameras["lat"].to_pylist()
    for layer in layers:
        if layer.content["format"] == "geojson":
            vertices = [each for line in layer.content["data"]["features"] for each in line["geometry"]["coordinates"]]
            lons, lats = lons + [each[0] for each in vertices], lats + [each[1] for each in vertices]
    return bounds(lons, lats)


def _night(sightings: pa.Table, timezone: str) -> str:
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


def _json(value: Any) -> str:
    """Write sorted JSON that cannot end a script element."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _file(name: str) -> str:
    return files("pipeline.maps").joinpath(name).read_text(encoding="utf-8")
