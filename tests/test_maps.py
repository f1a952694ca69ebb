"""Draw the invented night and look at the page in Debian's Chromium, without a network."""

import base64
import gzip
import json
import re
import time
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import night
import numpy as np
import pyarrow as pa
import pytest
import shapely
from playwright.sync_api import Browser, Page, sync_playwright

from pipeline.errors import IntegrityError
from pipeline.maps import Night, arcs, compose, dots, health, heat, layers, trips
from pipeline.maps.bundle import application

FLAGS = (
    "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
)  # fmt: skip
UNDRAWN = ("detections",)
PATIENCE_S = 80
MAP_ONLY = {"x": 0, "y": 40, "width": 650, "height": 420}
"""The part of a 1024x640 page that neither the card with its legend nor kepler's controls cover."""
GROUND = "#0a0f1d"
SEEN: dict[str, dict[str, tuple[str, float]]] = {
    "overview": {
        "cameras": (layers.VERDICT_COLOURS["trajectory"], 0.95), "trips": (trips.SPEED[0], 0.95), "arcs": (arcs.ARC, 0.6),
        "heatmap": (heat.HEAT[1], 0.3), "roads": ("#33415f", 1.0),
    },
    "trips": {"trips": (trips.SPEED[0], 0.95), "roads": ("#33415f", 1.0)},
    "heatmap": {"heatmap": (heat.HOURLY[5], 0.62), "roads": ("#33415f", 1.0)},
    "arcs": {"transitions": (arcs.PACE[0], 0.9), "roads": ("#33415f", 1.0)},
    "health": {"verdicts": (layers.VERDICT_COLOURS["trajectory"], 1.0), "pictures": (health.USABLE[1][1], 0.9), "roads": ("#33415f", 1.0)},
}  # fmt: skip
"""Of each map: layer to a colour that only it draws, and its opacity over the ground."""
EARLIER = night.HOUR - timedelta(hours=1)
"""Hour of the heatmap that its slider hides when the page opens: of one cell, in a class of its own."""


def invented(**changes: Any) -> Night:
    """Hold the invented night, with changes."""
    return Night(**{"exempt": "a simulated city", **_tables(), **changes})


@cache
def _tables() -> dict[str, Any]:
    given = {name: rows for name, rows in night.tables().items() if name not in UNDRAWN}
    return given | {"title": "demo 2026-03-03", "timezone": "America/New_York", "products": night.published()}


def drawing(path: Path, kind: str = "overview", *, most: int = layers.MAX_ROWS, **changes: Any) -> str:
    """Draw the invented night and return the page."""
    return compose(invented(**changes), kind, most=most).write(path).read_text(encoding="utf-8")


def inside(page: str) -> dict[str, Any]:
    """Unpack what the page hands to kepler.gl."""
    packed = re.search(r'id="layers">"([^"]+)"', page)
    assert packed
    unpacked: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(packed[1])))
    return unpacked


SLIDE = """at => {
  const config = structuredClone(window.thoroughfare.get("config"));
  config.config.visState.filters[0].value = [at, at + 3599999];
  window.thoroughfare.change("config", config);
}"""
"""Move the first slider to the hour that begins at some POSIX milliseconds."""


@dataclass
class Look:
    """What a browser saw and did."""

    picture: Any
    config: dict[str, Any]
    requests: list[str]
    complaints: list[str]
    found: dict[str, int] = field(default_factory=dict)
    slid: list[int] = field(default_factory=list)
    """Pixels of each class of the heatmap when the slider has been moved to another hour."""


def pixels(picture: Any, colour: str, opacity: float) -> int:
    """Count pixels of a colour as it appears over the ground."""
    over, under = (np.array([int(each[at : at + 2], 16) for at in (5, 3, 1)], float) for each in (colour, GROUND))
    return int((np.abs(picture - (opacity * over + (1 - opacity) * under)).max(axis=2) < 14).sum())


def watch(page: Page, kind: str) -> Look:
    """Look until every layer shows or patience ends."""
    look = Look(None, {}, [], [])
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        page.wait_for_timeout(1500)
        shot = page.screenshot(clip=MAP_ONLY, timeout=PATIENCE_S * 1000)
        look.picture = cv2.imdecode(np.frombuffer(shot, np.uint8), cv2.IMREAD_COLOR).astype(float)
        look.found = {name: pixels(look.picture, *seen) for name, seen in SEEN[kind].items()}
        look.config = page.evaluate("window.thoroughfare ? window.thoroughfare.get('config').config : {}")
        if min(look.found.values()) > 25 and "editor" in look.config["visState"]:
            break
    return look


@pytest.fixture(scope="module")
def looks(chromium: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Look]:
    """Open every map of the invented night in one browser that is cut off from every host."""
    folder, seen = tmp_path_factory.mktemp("maps"), {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=[*FLAGS])
        for kind in SEEN:
            drawing(folder / f"{kind}.html", kind, products=two_hours() if kind == "heatmap" else night.published())
            seen[kind] = look_at(browser, folder / f"{kind}.html", kind)
        browser.close()
    return seen


def slide(page: Page) -> list[int]:
    """Move the slider to the other hour and count the pixels of each class, once the fullest is gone."""
    page.evaluate(SLIDE, round(EARLIER.timestamp() * 1000))
    until = time.monotonic() + PATIENCE_S
    while True:
        shot = page.screenshot(clip=MAP_ONLY, timeout=PATIENCE_S * 1000)
        picture = cv2.imdecode(np.frombuffer(shot, np.uint8), cv2.IMREAD_COLOR).astype(float)
        found = [pixels(picture, colour, 0.62) for colour in heat.HOURLY]
        if not found[-1] or time.monotonic() > until:
            return found
        page.wait_for_timeout(300)


def look_at(browser: Browser, path: Path, kind: str) -> Look:
    """Open one page and write down what it asks for and complains of."""
    asked: list[str] = []
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 1024, "height": 640}, reduced_motion="reduce", offline=True)
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto(path.as_uri())
    seen = watch(page, kind)
    if kind == "heatmap":
        seen.slid = slide(page)
    seen.requests, seen.complaints = asked, complaints
    context.close()
    return seen


def two_hours() -> dict[str, pa.Table]:
    """Publish the night's heatmap, and an hour before it in which every cell was emptier than any of the night."""
    published = night.published()["heatmap"].select(["cell", "hour_at", "vehicle_minutes"])
    minutes = published["vehicle_minutes"]
    few = pa.array([Decimal("0.1")] * published.num_rows, minutes.type)
    before = published.set_column(
        1, published.schema.field(1), pa.array([EARLIER] * published.num_rows, published["hour_at"].type)
    )
    return {"heatmap": pa.concat_tables([published, before.set_column(2, published.schema.field(2), few)])}


@pytest.mark.parametrize(("kind", "layer"), [(kind, layer) for kind, seen in SEEN.items() for layer in seen])
def test_the_browser_draws_the_layer(looks: dict[str, Look], kind: str, layer: str):
    look = looks[kind]
    assert look.found[layer] > 25, f"{kind}: {layer} shows in {look.found} pixels; complaints: {look.complaints}"


def test_the_slider_shows_one_hour_and_hides_the_others(looks: dict[str, Look]):
    assert looks["heatmap"].found["heatmap"] > 25
    lowest, *others, fullest = looks["heatmap"].slid
    assert lowest > 25
    assert fullest == 0
    assert sum(others) < lowest


def test_kepler_holds_every_layer_in_sight(looks: dict[str, Look]):
    held = {
        kind: {
            layer["id"]: layer["type"] for layer in look.config["visState"]["layers"] if layer["config"]["isVisible"]
        }
        for kind, look in looks.items()
    }
    assert held == {
        "overview": {"cameras": "point", "trips": "trip", "glow": "trip", "arcs": "arc", "heatmap": "hexagonId"},
        "trips": {"cameras": "point", "trips": "trip", "glow": "trip"},
        "heatmap": {"cameras": "point", "heatmap": "hexagonId"},
        "arcs": {"cameras": "point", "od": "arc", "transitions": "line"},
        "health": {"verdicts": "point", "pictures": "point", "pairs": "line"},
    }


@pytest.mark.parametrize("kind", SEEN)
def test_the_page_asks_nothing_of_any_host(looks: dict[str, Look], kind: str):
    assert [url for url in looks[kind].requests if not url.startswith(("file://", "blob:", "data:"))] == []


@pytest.mark.parametrize("kind", SEEN)
def test_the_browser_finds_nothing_to_complain_of(looks: dict[str, Look], kind: str):
    assert looks[kind].complaints == []


def test_the_same_tables_give_the_same_page(tmp_path: Path):
    shuffled = night.trajectories().take(pa.array(range(59, -1, -1)))
    assert drawing(tmp_path / "a.html") == drawing(tmp_path / "b.html", trajectories=shuffled)


def test_a_hostile_camera_name_stays_text(tmp_path: Path):
    page = drawing(tmp_path / "map.html", title=night.HOSTILE)
    assert "<img" not in page
    assert page.count("<script") == page.count("</script>") == 4
    assert "<b>Demo City" not in page
    assert "&lt;b&gt;Demo City" in page


def test_no_address_of_a_host_may_be_asked(tmp_path: Path):
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', drawing(tmp_path / "map.html"))
    assert policy
    assert "default-src 'none'" in policy[1]
    assert "connect-src 'none'" in policy[1]
    assert "http" not in policy[1]


def test_trips_need_a_purpose_or_a_simulated_city(tmp_path: Path):
    page = drawing(tmp_path / "map.html", exempt="")
    assert set(inside(page)["data"]) == {"arcs", "cameras", "heatmap"}
    assert "no purpose was stated" in page


def test_a_stated_purpose_stands_on_the_page(tmp_path: Path):
    page = drawing(tmp_path / "map.html", exempt="", purpose="signal timing of <Ring Road>")
    assert "trips" in inside(page)["data"]
    assert "signal timing of &lt;Ring Road&gt;" in page


def test_arcs_of_fewer_than_k_vehicles_are_left_out(tmp_path: Path):
    assert "arcs" in inside(drawing(tmp_path / "few.html", products={}, k=10))["data"]
    assert "arcs" not in inside(drawing(tmp_path / "none.html", products={}, k=1000))["data"]


def test_few_passings_at_a_camera_are_not_told():
    rows = dots.camera_layer(night.cameras(), night.observability(), night.sightings(), k=41).content["data"]
    assert b"fewer than 41" in base64.b64decode(rows)


def test_an_empty_night_still_gives_a_page(tmp_path: Path):
    empty = {name: rows.slice(0, 0) for name, rows in night.tables().items() if name not in UNDRAWN}
    page = drawing(tmp_path / "map.html", products={}, **empty)
    assert inside(page)["data"] == {}
    assert "no sighting in the lake" in page


def test_too_many_trips_are_sampled_and_the_title_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trips, "MAX_TRIPS", 25)
    page = drawing(tmp_path / "map.html")
    assert len(inside(page)["data"]["trips"]["data"]["features"]) == 20
    assert "<title>demo 2026-03-03 · trips: one of every 3 of 60</title>" in page


def test_too_many_cells_are_coarsened_and_the_title_says_so(tmp_path: Path):
    assert "heatmap coarsened to H3 resolution" in drawing(tmp_path / "map.html", most=9)


def test_too_many_roads_are_cut_to_the_nearest_and_the_title_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pipeline.maps.ground.MAX_ROADS", 20)
    assert "roads: the 20 stretches nearest to the middle of 26</title>" in drawing(tmp_path / "map.html")


def test_a_vehicle_is_at_each_vertex_when_the_trajectory_says_so():
    line = np.array([[-73.99, 40.75], [-73.98, 40.75], [-73.975, 40.75], [-73.97, 40.76]])
    at_us = np.array([0, 39_600_000, 60_000_000, 100_000_000])
    bend, past = [-73.975, 40.75, 0, 60], [[-73.99, 40.75, 0, 0], [-73.97, 40.76, 0, 100]]
    assert trips.timed(line, at_us, at_us[[0, -1]]) == [past[0], bend, past[1]]
    assert trips.timed(line, at_us, at_us[[0, 1, -1]]) == [past[0], [-73.98, 40.75, 0, 40], bend, past[1]]


def test_a_trip_without_a_line_is_left_out():
    point = shapely.LineString([(-73.98, 40.75), (-73.98, 40.75)]).wkb
    stuck = night.trajectories().slice(0, 1)
    stuck = stuck.set_column(stuck.schema.get_field_index("geometry"), stuck.schema.field("geometry"), [[point]])
    assert trips.features(stuck, night.cameras(), "UTC") == []


def test_another_bundle_is_refused(tmp_path: Path):
    (tmp_path / "widget.js").write_text("export default {}")
    with pytest.raises(IntegrityError, match="reinstall keplergl"):
        application(tmp_path / "widget.js")
