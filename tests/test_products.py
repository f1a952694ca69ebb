"""Nothing is published that fewer than k vehicles, or too weak a feed, stand behind."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import h3
import pyarrow as pa
import pytest
from builders import at, camera, frame, link, rows, seen, sighting, single, trajectory, transition

from pipeline import geo, query
from pipeline.errors import PrivacyError, SchemaError, SettingsError
from pipeline.products import Settings, candidates, corridors, publish, zones
from pipeline.products.points import along

SETTINGS = Settings(timezone="America/New_York", k=1, split_rate=0.0, round_to=1)
"""Two vehicles are enough, and counts stay as they are."""
PLACES = {"a": (-73.98, 40.75), "b": (-73.98, 40.76)}
CAMERAS = rows("cameras", *(camera(name, *place) for name, place in PLACES.items()))
HONEST = [seen("a", "link"), seen("b", "link"), seen("a", "trajectory", "b", p=0.8)]


def products(
    sightings: list[dict] = (),
    weighed: list[dict] = HONEST,
    links=(),
    trajectories=(),
    settings=SETTINGS,
    ways=(),
    frames=(),
    make=publish,
) -> dict[str, list[dict]]:
    tables = {"sightings": sightings, "observability": weighed, "links": links, "trajectories": trajectories}
    tables |= {"transitions": ways, "frames": frames}
    answer = make(CAMERAS, **{table: rows(table, *each) for table, each in tables.items()}, settings=settings)
    return {name.removeprefix("products/"): made.to_pylist() for name, made in answer.items()}


def published(name: str, *tables: list[dict], **more) -> list[dict]:
    return products(*tables, **more)[name]


def drives(count: int, pause: int = 60) -> tuple[list[dict], list[dict], list[dict]]:
    """Vehicles from a to b in 20 s of travel, one after another: sightings, links, trajectories."""
    sightings = [
        sighting(f"{i}{name}", name, pause * i + start, pause * i + start + 4)
        for i in range(count) for name, start in (("a", 0), ("b", 24))
    ]  # fmt: skip
    chains = [
        trajectory(f"t{i}", [(f"{i}a", "a", pause * i + 2), (f"{i}b", "b", pause * i + 26)]) for i in range(count)
    ]
    return sightings, [link(f"{i}a", f"{i}b", 20) for i in range(count)], chains


def test_flow_counts_followed_vehicles_by_heading_in_five_minutes():
    passing = [
        sighting("1", "a", 10),
        sighting("2", "a", 299),
        sighting("3", "a", 300),
        single("4", "a", 20, heading="N"),
    ]
    parked = [sighting("5", "a", 0, 900, motion="parked"), sighting("6", "a", 30, heading="S")]
    row, lesser, other = published("flow", passing + parked, make=candidates)
    assert (row["camera_id"], row["heading"], row["vehicles"], row["support"]) == ("a", "N", 2, 2)
    assert row["interval_local"].isoformat() == "2026-03-03T07:00:00"
    assert [(each["heading"], each["support"]) for each in (lesser, other)] == [("S", 1), ("N", 1)]


def test_flow_states_how_many_more_must_have_passed_unseen():
    (row,) = published("flow", [sighting("1", "a", 10), sighting("2", "a", 20)], [seen("a", "flow", p=0.4)])
    assert (row["vehicles"], row["vehicles_expected"], row["seen_percent"]) == (2, 4, Decimal("40.0"))


FLOWS = {"counts", "occupancy", "flow", "mix"}
LINKED = {"travel_time", "speed_profile"}


@pytest.mark.parametrize(
    ("alone", "pair", "given"),
    [
        ("none", "none", set()),
        ("count", "count", {"counts", "occupancy"}),
        ("flow", "flow", FLOWS),
        ("link", "flow", FLOWS),
        ("link", "link", FLOWS | LINKED),
        ("link", "trajectory", FLOWS | LINKED | {"od", "zones", "heatmap", "heatmap_coarse"}),
        ("link", None, FLOWS),
        (None, None, set()),
    ],
)
def test_each_verdict_lets_its_products_out_and_no_others(alone: str | None, pair: str | None, given: set[str]):
    weighed = [seen(name, alone, p=0.8) for name in PLACES if alone] + [
        seen("a", pair, "b", p=0.8) for _ in "x" if pair
    ]
    sightings, links, chains = drives(3)
    pictures = [frame(name, 60 * n + s) for name, s in (("a", 0), ("b", 24)) for n in range(3)]
    for row in sightings:
        row["detection_ids"] = [f"{frame(row['camera_id'], (row['entered_at'] - at(0)).seconds)['frame_id']}#000"]
    told = products(sightings, weighed, links, chains, ways=[transition("a", "b")], frames=pictures)
    assert {name for name, rows_ in told.items() if rows_} == given


def test_what_was_weighed_for_another_hour_counts_for_nothing():
    before = [row | {"hour_at": at(-3600)} for row in HONEST]
    assert not any(
        published(name, *drives(3)[:1], before, *drives(3)[1:]) for name in ("counts", "flow", "od", "travel_time")
    )


def test_counts_tell_how_full_the_view_is():
    longer = sighting("2", "a", 20, detection_ids=["x", "y", "z"])
    (row,) = published("counts", [single("1", "a", 10), longer], [seen("a", "count", cadence_s=60.0)])
    assert (row["vehicles"], row["pictures"], row["vehicles_per_picture"]) == (2, 10, Decimal("0.40"))
    assert (row["vehicle_minutes"], row["cell"]) == (Decimal("4.0"), geo.cells(*PLACES["a"], 9)[0])


def test_travel_times_are_percentiles_of_links_that_are_sure():
    sightings, _, _ = drives(5)
    links = [link(f"{i}a", f"{i}b", 20 + i, probability=0.4 if i == 4 else 0.9) for i in range(5)]
    (row,) = published("travel_time", sightings, links=links)
    assert [row[name] for name in ("p15_s", "p50_s", "p85_s")] == [Decimal("20.0"), Decimal("21.0"), Decimal("23.0")]
    assert (row["support"], row["seen_percent"]) == (4, Decimal("80.0"))


WAY = transition("a", "b", floor_s=10.0, travel_mu=3.0, travel_sigma=0.2, support=60, hour_support=40, source="learned")


def test_where_too_few_were_linked_the_flows_tell_travel_times_and_say_so():
    (row,) = published("travel_time", ways=[WAY], weighed=[seen("a", "flow", "b")])
    assert (row["source"], row["support"], row["p50_s"]) == ("flows", 40, Decimal("30.1"))
    assert row["low_s"] < row["p50_s"] < row["p80_s"] < row["p85_s"] < row["p95_s"] < row["high_s"]
    assert row["buffer_percent"] == 26
    assert not published("travel_time", ways=[WAY | {"source": "road"}], weighed=[seen("a", "flow", "b")])
    assert not published("travel_time", ways=[WAY], weighed=[seen("a", "count", "b")])


def test_where_vehicles_were_linked_the_links_tell_travel_times():
    sightings, links, _ = drives(9)
    links = [row | {"travel_s": 20.0 + n} for n, row in enumerate(links)]
    (row,) = published("travel_time", sightings, links=links, ways=[WAY])
    assert (row["source"], row["support"], row["p50_s"]) == ("links", 9, Decimal("24.0"))
    assert row["low_s"] < 20
    assert row["high_s"] > 28


def medians(wrong: float) -> tuple[Decimal, Decimal]:
    """Return the interval of 40 links of 20.0, 20.5 ... seconds, each wrong with one chance, without gaps or spread."""
    sightings, links, _ = drives(40)
    links = [row | {"travel_s": 20.0 + n / 2, "probability": 1 - wrong} for n, row in enumerate(links)]
    weighed = [seen(name, "link", cadence_s=0.0) for name in PLACES] + [seen("a", "link", "b")]
    (row,) = published("travel_time", sightings, weighed, links, settings=replace(SETTINGS, travel_spread=0.0))
    return row["low_s"], row["high_s"]


def test_the_interval_of_a_median_is_by_rank_and_widens_with_wrong_links():
    assert medians(0.0) == (Decimal("26.0"), Decimal("33.5"))
    assert medians(0.25) == (Decimal("23.5"), Decimal("36.0"))


def test_occupancy_is_a_mean_over_usable_pictures():
    pictures = [frame("a", 2 * n, "ok" if n < 4 else "dark") for n in range(5)]
    boxes = [[f"{pictures[n]['frame_id']}#{each:03d}" for n in range(3)] for each in range(2)]
    passing = [sighting(f"{n}", "a", 0, 4, detection_ids=each) for n, each in enumerate(boxes)]
    parked = sighting("p", "a", 0, 8, motion="parked", detection_ids=[f"{pictures[3]['frame_id']}#000"])
    (row,) = published("occupancy", [*passing, parked], [seen("a", "count")], frames=pictures)
    assert (row["pictures"], row["vehicles_per_picture"], row["occupied_percent"]) == (
        4,
        Decimal("1.50"),
        Decimal("75.0"),
    )
    assert row["low_vehicles_per_picture"] <= row["vehicles_per_picture"] < row["high_vehicles_per_picture"]


def test_a_kind_that_is_not_told_may_be_any():
    kinds = [sighting(f"{n}", "a", n, label="bus" if n < 10 else "vehicle") for n in range(40)]
    bus, untold = published("mix", kinds, [seen("a", "flow")])
    assert [(row["label"], row["percent"]) for row in (bus, untold)] == [
        ("bus", Decimal("25.0")), ("vehicle", Decimal("75.0")),
    ]  # fmt: skip
    assert bus["low_percent"] < 25
    assert bus["high_percent"] == 100 > untold["high_percent"] > 75


def test_a_speed_is_the_way_over_the_time_from_middle_to_middle():
    sightings, links, _ = drives(10)
    (row,) = published("speed_profile", sightings, links=links, ways=[transition("a", "b", road_m=240.0)])
    assert (row["corridor"], row["leg"], row["to_m"], row["speed_kmh"]) == ("a > b", 1, 240, Decimal("36.0"))
    assert row["low_speed_kmh"] < 36 < row["high_speed_kmh"]


def legs(*pairs: str) -> pa.Table:
    return pa.table(
        {"from_camera": [one for one, _ in pairs], "to_camera": [two for _, two in pairs], "road_m": [100] * len(pairs)}
    )


def onward(*steps: tuple[str, int]) -> pa.Table:
    cameras_ = {
        name: [way[n] for way, _ in steps] for n, name in enumerate(("first_camera", "middle_camera", "last_camera"))
    }
    return pa.table(cameras_ | {"vehicles": [count for _, count in steps]})


def chains(made: pa.Table) -> set[tuple[str, int, int]]:
    return {(row["corridor"], row["leg"], row["to_m"]) for row in made.to_pylist()}


def test_legs_join_where_most_vehicles_go_on():
    made = corridors.join(legs("ab", "bc", "bd", "cd"), onward(("abc", 20), ("abd", 30), ("bcd", 10)))
    assert chains(made) == {("a > d", 1, 100), ("a > d", 2, 200), ("b > d", 1, 100), ("b > d", 2, 200)}


def test_a_corridor_passes_no_camera_twice():
    made = corridors.join(legs("ab", "ba", "bc", "ca"), onward(("aba", 50), ("abc", 20), ("bca", 20)))
    assert chains(made) == {("a > c", 1, 100), ("a > c", 2, 200), ("b > a", 1, 100), ("c > a", 1, 100)}


def ends(*trips: tuple[str, str, int]) -> pa.Table:
    pairs = [(one, two) for one, two, count in trips for _ in range(count)]
    return rows(
        "trajectories",
        *(trajectory(f"t{n}", [(f"{n}a", one, 0), (f"{n}b", two, 9)]) for n, (one, two) in enumerate(pairs)),
    )


def zoned(*trips: tuple[str, str, int], k: int = 10) -> list[set[str]]:
    """Return the cameras of each zone; c is a few hundred metres from b, a is far away."""
    stand = rows("cameras", camera("a", -73.98, 40.75), camera("b", -73.70, 40.95), camera("c", -73.69, 40.955))
    made = zones.draw(stand, ends(*trips), replace(SETTINGS, k=k)).to_pylist()
    assert {h3.get_resolution(row["zone"]) for row in made} <= set(range(10))
    return sorted(
        ({row["camera_id"] for row in made if row["zone"] == zone} for zone in {row["zone"] for row in made}), key=min
    )


def test_zones_are_as_fine_as_the_trips_bear():
    assert zoned(("a", "b", 20), ("a", "c", 20)) == [{"a"}, {"b"}, {"c"}]
    assert zoned(("a", "b", 20), ("a", "c", 9)) == [{"a"}, {"b", "c"}]
    assert zoned(("a", "b", 9), ("b", "a", 9)) == [{"a", "b", "c"}]


def test_zones_give_up_a_few_trips_to_be_finer():
    assert zoned(("a", "b", 90), ("a", "c", 9)) == [{"a"}, {"b"}, {"c"}]


@pytest.mark.parametrize("name", query.names("products"))
def test_the_columns_of_a_product_are_those_of_its_header(name: str):
    tables = {
        each: rows(each) for each in ("frames", "sightings", "observability", "links", "trajectories", "transitions")
    }
    columns = publish(CAMERAS, **tables, settings=SETTINGS)[name].column_names
    assert list(query.columns(name)) == columns
    assert {f"high_{each[4:]}" for each in columns if each[:4] == "low_"} <= set(columns)


def test_od_counts_first_and_last_zones_by_hour():
    told = products(trajectories=drives(3)[2])
    (row,), zone = told["od"], {each["camera_id"]: each["zone"] for each in told["zones"]}
    assert (row["first_zone"], row["last_zone"], row["vehicles"], row["p50_s"]) == (zone["a"], zone["b"], 3, 24)
    assert row["hour_at"] == at(0)


def test_the_heatmap_is_in_vehicle_minutes():
    heat = published("heatmap", trajectories=drives(3)[2])
    assert sum(row["vehicle_minutes"] for row in heat) == pytest.approx(Decimal(3 * 24) / 60, abs=Decimal("0.3"))
    assert {row["support"] for row in heat} == {3}


def test_points_lie_along_the_trajectory_at_an_even_pace():
    line = geo.to_wkb([[-73.98, 40.75], [-73.98, 40.76]])
    found = along(rows("trajectories", drives(1)[2][0] | {"geometry": line}), SETTINGS)
    wanted = [geo.cells(-73.98, 40.75 + 0.01 * (s + 2.5) / 24, 9)[0] for s in range(0, 24, 5)]
    assert found["cell"].to_pylist() == wanted
    times = found["placed_at"].to_pylist()
    assert times[0] == at(4.5)
    assert {(two - one).total_seconds() for one, two in pairwise(times)} == {5}


def test_a_trip_past_a_camera_that_missed_it_counts_where_both_its_steps_are_supported():
    chains = [drives(3)[2][n] | {"bridged": [True]} for n in range(3)]
    steps = [seen("a", "trajectory", "m"), seen("m", "trajectory", "b")]
    assert [row["vehicles"] for row in published("od", weighed=steps, trajectories=chains)] == [3]
    assert published("od", weighed=steps[:1], trajectories=chains) == []


def test_rows_that_fewer_than_k_vehicles_stand_behind_are_dropped():
    few, enough = ([sighting(f"{i}", "a", i) for i in range(count)] for count in (12, 13))
    usual = Settings(timezone="UTC")
    assert not published("flow", few, settings=usual)
    assert published("flow", enough, settings=usual)[0]["support"] == 15


@pytest.mark.parametrize("count", [12, 13, 17, 18])
def test_what_follows_from_rounded_counts_holds_what_follows_from_the_true_ones(count: int):
    sightings, links, chains = drives(count, 10)
    ways = [transition("a", "b", road_m=240.0)]
    true, told = (
        products(sightings, HONEST, links, chains, replace(SETTINGS, k=10, round_to=each), ways) for each in (1, 5)
    )
    seen_ = {
        "flow": "vehicles",
        "counts": "vehicles_per_picture",
        "mix": "percent",
        "od": "vehicles",
        "heatmap": "vehicle_minutes",
    }
    for name, figure in seen_.items():
        assert len(true[name]) == len(told[name]) > 0, name
        for row, rounded in zip(true[name], told[name], strict=True):
            assert (
                rounded[f"low_{figure}"] <= row[f"low_{figure}"] <= row[f"high_{figure}"] <= rounded[f"high_{figure}"]
            )
            assert rounded[f"low_{figure}"] <= rounded[figure] <= rounded[f"high_{figure}"]


@pytest.mark.parametrize("wrong", [{"k": 0}, {"round_to": 0}, {"split_rate": -0.1}])
def test_rules_that_hide_nobody_are_refused(wrong: dict):
    with pytest.raises(SettingsError, match="1 or more"):
        Settings(timezone="UTC", **wrong)


def test_two_counts_that_round_alike_are_published_alike():
    twelve, eight = (
        published("flow", [sighting(f"{i}", "a", i) for i in range(n)], settings=Settings(timezone="UTC"))
        for n in (13, 17)
    )
    assert twelve == eight
    assert {
        row[name] % 5
        for row in twelve
        for name in ("vehicles", "vehicles_expected", "low_vehicles", "high_vehicles", "support")
    } == {0}


def test_kinds_too_rare_to_be_told_apart_are_counted_together():
    of = [("car", 30), ("truck", 14), ("bus", 2), ("motorcycle", 3)]
    passing = [sighting(f"{label}{n}", "a", n, label=label) for label, count in of for n in range(count)]
    told = published("mix", passing, [seen("a", "flow")], settings=replace(SETTINGS, k=10))
    assert [(row["label"], row["vehicles"]) for row in told] == [("car", 30), ("other", 19)]


def test_no_rows_give_every_product_empty_with_its_columns():
    empty = (
        rows(name)
        for name in ("cameras", "frames", "sightings", "observability", "links", "trajectories", "transitions")
    )
    for name, product in publish(*empty, SETTINGS).items():
        assert product.num_rows == 0
        assert pa.types.is_integer(product.schema.field("support").type), name


def test_the_order_of_rows_does_not_matter():
    sightings, links, chains = drives(4)
    ways = [(sightings, links, chains), (sightings[::-1], links[::-1], chains[::-1])]
    raw = [
        [rows(t, *each, raw=True) for t, each in zip(("sightings", "links", "trajectories"), way, strict=True)]
        for way in ways
    ]
    one, two = (
        publish(CAMERAS, rows("frames"), s, rows("observability", *HONEST), k, t, rows("transitions"), SETTINGS)
        for s, k, t in raw
    )
    assert all(one[name].equals(two[name]) for name in one)


@pytest.mark.parametrize(
    ("select", "error", "says"),
    [
        ("SELECT camera_id FROM sightings", SchemaError, "no integer column `support`"),
        ("SELECT 9.5::DOUBLE AS speed, 1 AS support", SchemaError, "floating point"),
        ("SELECT sighting_id, 12 AS support FROM sightings", PrivacyError, "single vehicles"),
    ],
)
def test_a_product_that_must_not_be_published_is_refused(
    select: str, error: type, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "products").mkdir()
    reads = "sightings" if "FROM" in select else ""
    (tmp_path / "products" / f"{tmp_path.name}.sql").write_text(
        f"-- grain: a row\n-- reads: {reads}\n-- params:\n-- units:\n{select}"
    )
    monkeypatch.setattr(query, "SQL", tmp_path)
    with pytest.raises(error, match=says):
        published(tmp_path.name)
