"""Draw the four ready maps: of the invented night, of nights that lack something, and of a large city."""

import base64
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import builders
import h3
import night
import pyarrow as pa
import pytest
import shapely
from test_maps import inside, invented

from pipeline.errors import SettingsError
from pipeline.maps import KINDS, Night, compose, heat, layers
from pipeline.maps.page import Page
from pipeline.tables import TABLES

CENTRE = h3.latlng_to_cell(40.75, -73.98, 9)
EVENING = datetime(2026, 3, 4, 2, tzinfo=UTC)


def rows(kind: str, name: str, given: Night) -> list[dict[str, Any]]:
    """Return the rows of a data set as the page holds them."""
    with pa.ipc.open_stream(base64.b64decode(inside(compose(given, kind).text)["data"][name]["data"])) as stream:
        read: list[dict[str, Any]] = stream.read_all().to_pylist()
    return read


def cells(count: int, hours: int, minutes: str = "2.5") -> pa.Table:
    """Publish so many neighbouring cells in each of some hours."""
    names = sorted(h3.grid_disk(CENTRE, 2 + int((count / 3) ** 0.5)))[:count]
    at = [EVENING + timedelta(hours=hour) for hour in range(hours) for _ in names]
    return pa.table(
        {
            "cell": names * hours,
            "hour_at": at,
            "vehicle_minutes": pa.array([Decimal(minutes)] * len(at), pa.decimal128(12, 1)),
        }
    )


def city(cameras: int, trips: int) -> dict[str, pa.Table]:
    """Invent the cameras and trips of a large city."""
    start, places = builders.NIGHT, [(-74 + 0.006 * (n % 32), 40.7 + 0.004 * (n // 32)) for n in range(cameras)]
    line = shapely.LineString(places[:4]).wkb
    when = [start + timedelta(seconds=40 * n) for n in range(4)]
    ids = [f"c{n}" for n in range(4)]
    trip = {"camera_ids": ids, "sighting_ids": ids, "passed_at": when, "started_at": when[0], "finished_at": when[-1],
            "length_m": 1500.0, "mean_speed_mps": 12.0, "geometry": line, "vertices_at": when, "bridged": [False] * 3}  # fmt: skip
    table = pa.Table.from_pylist([{"trajectory_id": "t", "probability": 0.9, **trip}], TABLES["trajectories"].schema)
    many = table.take(pa.array([0] * trips))
    many = many.set_column(0, many.schema.field(0), pa.array([f"t{n:05d}" for n in range(trips)]))
    return {
        "cameras": builders.rows("cameras", *(builders.camera(f"c{n}", *place) for n, place in enumerate(places))),
        "trajectories": many,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_map_names_the_cameras_their_licence_and_who_they_are_owed_to(kind: str):
    text = compose(invented(), kind).text
    assert "Pictures: &lt;b&gt;Demo City" in text
    assert "CC0-1.0" in text
    assert "Harbour Bridge" in {
        row["Camera"] for row in rows(kind, "health" if kind == "health" else "cameras", invented())
    }


def test_a_map_that_does_not_exist_lists_those_there():
    with pytest.raises(SettingsError, match="choose from overview, trips, heatmap, arcs, health"):
        compose(invented(), "radar")


@pytest.mark.parametrize("kind", KINDS)
def test_only_trips_and_the_overview_show_single_vehicles(kind: str):
    assert ("trips" in inside(compose(invented(), kind).text)["data"]) == (kind in ("overview", "trips"))
    assert "trips" not in inside(compose(invented(exempt=""), kind).text)["data"]


def test_the_heatmap_opens_on_its_fullest_hour_under_a_slider():
    table = pa.concat_tables([cells(3, 1, "2.0"), cells(3, 2, "5.0").slice(3)])
    slider = inside(compose(invented(products={"heatmap": table}), "heatmap").text)["config"]["config"]["visState"][
        "filters"
    ]
    opens = round((EVENING + timedelta(hours=1)).timestamp() * 1000)
    assert [each["value"] for each in slider] == [[opens, opens + 3_599_999]]
    assert slider[0]["timezone"] == "America/New_York"


def test_hours_are_told_in_local_time():
    told = {row["Local time"] for row in rows("heatmap", "heatmap", invented(products={"heatmap": cells(3, 2)}))}
    assert told == {"Tue 03 Mar, from 21:00 to 22:00", "Tue 03 Mar, from 22:00 to 23:00"}


def test_a_night_of_one_hour_has_no_slider():
    given = invented(products={"heatmap": cells(3, 1)})
    assert inside(compose(given, "heatmap").text)["config"]["config"]["visState"]["filters"] == []


def test_a_feed_of_counts_alone_shows_how_full_its_pictures_were():
    counts = night.published()["counts"]
    page = compose(invented(products={"counts": counts}), "heatmap")
    assert "No vehicle was followed from camera to camera" in page.text
    assert {"Vehicles in a picture", "Local time"} <= set(
        rows("heatmap", "heatmap", invented(products={"counts": counts}))[0]
    )
    arcs = compose(invented(products={"counts": counts}), "arcs").text
    assert "No origins and destinations" in arcs
    assert "No travel times" in arcs


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_night_gives_every_map_and_says_what_lacks(kind: str):
    empty: dict[str, Any] = {name: each.slice(0, 0) for name, each in night.tables().items() if name != "detections"}
    page = compose(invented(products={}, **empty), kind)
    assert inside(page.text)["data"] == {}
    assert page.size.startswith("nothing but roads")


def test_cameras_that_were_never_weighed_are_still_on_the_map_of_health():
    bare = invented(frames=TABLES["frames"].empty(), observability=TABLES["observability"].empty())
    assert {row["Supports at most"] for row in rows("health", "health", bare)} == {"none"}
    assert "the night has no observability" in compose(bare, "health").text


def test_health_counts_the_pictures_of_each_camera_by_state():
    told = {row["id"]: row for row in rows("health", "health", invented())}
    assert told["demo:0"]["Usable pictures (%)"] == 100
    assert told["demo:0"]["States of its pictures"] == "ok 60"
    assert told["demo:3"]["Usable pictures (%)"] < 60
    assert "frozen" in told["demo:3"]["States of its pictures"]


def test_trips_between_zones_become_arcs_with_their_bounds():
    zones = pa.table(
        {
            "zone": ["a", "b", "b"],
            "camera_id": ["demo:0", "demo:1", "demo:2"],
            "lon": [-73.98, -73.97, -73.96],
            "lat": [40.75, 40.76, 40.77],
        }
    )
    od = pa.table({"first_zone": ["a", "a", "b"], "last_zone": ["b", "b", "b"], "hour_at": [EVENING, EVENING + timedelta(hours=1), EVENING],
                   "vehicles": [10, 30, 12], "low_vehicles": [8, 25, 9], "high_vehicles": [15, 50, 20], "p50_s": [60, 90, 30], "support": [10, 30, 12]})  # fmt: skip
    given = invented(products={"zones": zones, "od": od})
    [arc] = rows("arcs", "od", given)
    assert (arc["Vehicles"], arc["Likely (95 %)"], arc["Busiest hour"]) == (
        40,
        "33 to 65",
        "Tue 03 Mar, from 22:00 to 23:00",
    )
    assert arc["To"].endswith("and 1 near it")
    assert "12 more began and ended in one zone" in compose(given, "arcs").text


def test_a_large_city_is_cut_to_what_a_browser_bears_and_its_titles_say_so():
    big = invented(products={"heatmap": cells(37_500, 8)}, **city(1000, 15_001))
    heatmap = compose(big, "heatmap")
    assert "heatmap coarsened to H3 resolution 8: " in heatmap.heading
    assert "for 300,000" in heatmap.heading
    assert dict(heatmap.rows)["Heatmap by hour"] <= layers.MAX_ROWS
    trips = compose(big, "trips")
    assert trips.heading.endswith("trips: one of every 2 of 15,001")
    assert dict(trips.rows)["Trips"] == 7_501
    assert not trips.heavy


def test_the_coarser_product_is_drawn_where_there_is_one():
    fine = cells(300, 2)
    coarse = fine.slice(0, 40).set_column(
        0, "cell", [[h3.cell_to_parent(cell, 8) for cell in fine["cell"].to_pylist()[:40]]]
    )
    [layer], _ = heat.hourly_layers({"heatmap": fine, "heatmap_coarse": coarse}, "UTC", most=500)
    assert layer.notes[0].endswith("rows for 600")
    assert "resolution 8" in layer.notes[0]


def test_the_size_is_said_before_the_page_is_written():
    page = compose(invented(), "trips")
    assert page.size == f"cameras 6, trips 60: {page.megabytes:.1f} MB"


def test_a_page_that_no_browser_opens_is_not_written(tmp_path: Path):
    with pytest.raises(SettingsError, match="pass a smaller --max-rows"):
        Page("x", "x" * 101_000_000, ()).write(tmp_path / "map.html")
    assert not list(tmp_path.iterdir())


def test_a_page_that_cannot_be_written_says_where(tmp_path: Path):
    with pytest.raises(SettingsError, match="pass another --out"):
        compose(invented()).write(tmp_path)


@pytest.mark.parametrize(
    ("values", "meanings"),
    [([], ["0"]), ([7.0, 7.0], ["7"]), ([10.0, 20.0, 30.0, 40.0, 50.0, 60.0], ["10", "18", "27", "35", "43", "52+"])],
)
def test_a_legend_has_no_class_without_a_value(values: list[float], meanings: list[str]):
    chosen, swatches = layers.classes(values, heat.HEAT)
    assert [meaning for _, meaning in swatches] == meanings
    assert len(chosen["colors"]) == len(swatches)
