"""Every SQL file says its grain, what it reads and its parameters, and answers what it is asked."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from builders import NIGHT, at, camera, frame, link, rows, seen, sighting, single, trajectory, transition

from pipeline import desk, query, scans
from pipeline.errors import PrivacyError, SettingsError
from pipeline.lake import Lake, Place
from pipeline.tables import TABLES

FILES = [name for name in query.names() if name != "views"]
PRODUCTS = {name.removeprefix("products/") for name in query.names("products")}
GOLD = {name.removeprefix("gold/") for name in query.names("gold")}
MADE = {
    "points",
    "places",
    "zoned",
    "arrivals",
    "learned",
    "followed",
    "passes",
    "corridors",
    "supports",
    "legs",
    "loose",
    "detours",
}
"""Tables that a stage makes for its own SQL."""
CTE = re.compile(r"(?:WITH|WITH RECURSIVE|,)\s+(\w+) AS \(\s+(?:SELECT|WITH)", re.MULTILINE)
CAMERAS = rows("cameras", camera("a", name="Bridge"), camera("b", name="Ramp"))
HOUR = {"params": {"starts_at": NIGHT, "ends_at": at(3600)}}
NEAR = HOUR["params"] | {"follow_us": 10_000_000}


@pytest.mark.parametrize("name", FILES)
def test_a_file_declares_what_it_uses(name: str):
    text, stated = query.read(name), query.header(name)
    assert stated["grain"], "what is one row?"
    assert re.findall(r"^-- (grain|reads|params|units):", text, re.MULTILINE) == ["grain", "reads", "params", "units"]
    body = re.sub(r"^--.*$", "", text, flags=re.MULTILINE)
    assert set(re.findall(r"\$(\w+)", body)) == set(stated["params"])
    assert set(stated["reads"]) == query.mentioned(text) - (set(CTE.findall(text)) - set(stated["reads"]))
    assert set(stated["reads"]) <= set(TABLES) | PRODUCTS | GOLD | MADE


@pytest.mark.parametrize("name", FILES)
def test_the_last_step_bears_the_name_of_the_file(name: str):
    assert CTE.findall(query.read(name))[-1] == name.rsplit("/", maxsplit=1)[-1]
    assert "ORDER BY" in query.read(name).rsplit("\n)", 1)[-1], "rows come in a stated order"


def ask(name: str, params: dict[str, Any] | None = None, **tables: pa.Table) -> list[dict[str, Any]]:
    return query.query(name, params, **tables).to_pylist()


def test_pictures_lists_the_usable_ones_and_spans_the_planned():
    frames = rows("frames", frame("a", 0), frame("a", 6, "dark"), frame("a", 12, captured_at=at(13)), frame("a", 3600))
    us = [int(at(s).timestamp()) * 1_000_000 for s in (0, 13)]
    found = {"slots_planned": 3, "slots_seen": 2, "span_us": 18_000_000, "close_us": 12_000_000, "seen_us": us}
    assert ask("observability/pictures", NEAR, frames=frames) == [{"camera_id": "a"} | found]


def test_after_the_last_of_some_clips_comes_a_gap_as_long_as_between_two():
    frames = rows("frames", *(frame("a", 900 * clip + s) for clip in range(4) for s in range(3)))
    (row,) = ask("observability/pictures", NEAR, frames=frames)
    assert (row["span_us"], row["close_us"]) == (3600_000_000, 8_000_000)


def test_passes_leaves_out_what_is_parked():
    seen_ = (
        single("1", "a", 0),
        sighting("2", "a", 0, 6),
        sighting("3", "a", 5, 9),
        sighting("4", "a", 0, 99, motion="parked"),
    )
    (row,) = ask("observability/passes", **HOUR, sightings=rows("sightings", *seen_))
    stays_us = [left - entered for entered, left in zip(row["entered_us"], row["left_us"], strict=True)]
    assert stays_us == [0, 6_000_000, 4_000_000]


def test_ways_puts_the_headings_of_a_pair_together():
    pair = [transition("a", "b", heading=heading, support=support) for heading, support in (("S", 0), ("N", 30))]
    later = transition("a", "b", hour_at=at(3600), floor_s=9.0)
    (row,) = ask("observability/ways", {"hour_at": at(0)}, transitions=rows("transitions", *pair, later))
    assert (row["weight"], row["floor_s"]) == ([30, 1], [5.0, 5.0])


def test_legs_keeps_the_best_link_of_both_ends():
    seen_ = rows("sightings", sighting("1", "a", 0, 4), sighting("2", "b", 20, 24), sighting("3", "b", 30, 34))
    links = rows("links", link("1", "2", probability=0.7), link("1", "3", probability=0.8))
    weighed = rows("observability", seen("a", "trajectory", "b"))
    (leg,) = ask(
        "trajectories/legs", links=links, sightings=seen_, observability=weighed, transitions=rows("transitions")
    )
    assert (leg["gallery_id"], leg["from_camera"], leg["to_camera"]) == ("3", "a", "b")
    assert (leg["query_passed_at"], leg["gallery_passed_at"]) == (at(2), at(32))


def flow(camera_id: str, minute: int, heading: str, vehicles: int) -> dict[str, Any]:
    times = {"interval_at": at(60 * minute), "interval_local": at(60 * minute - 5 * 3600).replace(tzinfo=None)}
    return {"camera_id": camera_id, "heading": heading, "vehicles": vehicles, "seen_percent": Decimal("90.0"), **times}


def test_busiest_five_minutes_adds_headings():
    flows = pa.Table.from_pylist([flow("a", 0, "N", 30), flow("a", 5, "N", 20), flow("a", 5, "S", 20)])
    (row,) = ask("cookbook/busiest_five_minutes", cameras=CAMERAS, flow=flows)
    assert (row["name"], row["vehicles"], row["vehicles_per_hour"]) == ("Bridge", 40, 480)
    assert row["interval_local"].isoformat() == "2026-03-03T07:05:00"


def test_peak_hour_is_local_and_leaves_parked_vehicles_out():
    passing = [sighting("1", "a", 10), sighting("2", "a", 3601), sighting("3", "a", 3602)]
    parked = [sighting(f"p{n}", "a", n, motion="parked") for n in range(5)]
    asked = {"params": {"timezone": "America/New_York", "k": 2}, "cameras": CAMERAS}
    (row,) = ask("cookbook/peak_hour_by_camera", **asked, sightings=rows("sightings", *passing, *parked))
    assert (row["name"], row["hour_local"].hour, row["vehicles"]) == ("Bridge", 8, 2)


def test_vehicle_mix_hides_kinds_seen_fewer_than_k_times_but_counts_them():
    kinds = [sighting(f"{n}", "a", n, label="car" if n < 3 else "bus") for n in range(4)]
    (row,) = ask("cookbook/vehicle_mix", {"k": 2}, cameras=CAMERAS, sightings=rows("sightings", *kinds))
    assert (row["label"], row["vehicles"], row["percent"]) == ("car", 3, Decimal("75.0"))


def test_coverage_by_camera_tells_the_worst_hour():
    hours = [seen("a", "link", slots_seen=10), seen("a", "count", p=0.2, slots_seen=5, hour_at=at(3600), reason="fog")]
    (row,) = ask("cookbook/coverage_by_camera", cameras=CAMERAS, observability=rows("observability", *hours))
    assert (row["pictures_planned"], row["pictures_seen"], row["percent"]) == (20, 15, Decimal("75.0"))
    assert (row["worst_seen_percent"], row["worst_verdict"], row["worst_reason"]) == (Decimal("20.0"), "count", "fog")


def test_lost_pictures_tells_when_and_why():
    frames = rows("frames", frame("a", 0), frame("a", 6, "dark"), frame("a", 12, "dark"))
    (row,) = ask("cookbook/lost_pictures", {"timezone": "America/New_York"}, cameras=CAMERAS, frames=frames)
    assert (row["state"], row["frames"], row["reason"]) == ("dark", 2, "because dark")
    assert (row["first_local"].second, row["last_local"].second, row["first_local"].hour) == (6, 12, 7)


VIEWS = {"passings": 1, "coverage": 1, "pairs": 1, "states": 2, "legs": 2}
"""Views, and their rows over the tables below."""


def test_the_views_stand_on_the_tables_their_header_names():
    made = {
        "frames": rows("frames", frame("a", 0), frame("a", 6, "dark")),
        "sightings": rows("sightings", sighting("1", "a", 0, 4), sighting("2", "a", 0, motion="parked")),
        "observability": rows("observability", seen("a", "link"), seen("a", "link", "b", p=0.5)),
        "trajectories": rows("trajectories", trajectory("t", [("1", "a", 0), ("2", "b", 9), ("3", "a", 20)])),
    }
    assert set(query.header("views")["reads"]) == set(made)
    assert {name: query.ask(f"FROM {name}", made).num_rows for name in VIEWS} == VIEWS
    legs = query.ask("SELECT from_camera, to_camera, seconds FROM legs ORDER BY leg", made)
    assert [tuple(leg.values()) for leg in legs.to_pylist()] == [("a", "b", 9), ("b", "a", 11)]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Commit a night of two vehicles and one trajectory."""
    made = Lake(tmp_path, "fdr")
    tables = {"cameras": CAMERAS, "sightings": rows("sightings", single("1", "a", 0), single("2", "a", 1))}
    tables["trajectories"] = rows("trajectories", trajectory("t", [("1", "a", 0), ("2", "b", 9)]))
    for name, table in tables.items():
        place = Place(name, NIGHT.date())
        made.commit(place, [made.write(place, 0, table)], {"scan_date": str(NIGHT.date())})
    return made


def asked(lake: Lake, statement: str) -> list[dict[str, Any]]:
    scan = scans.Scan("fdr", "archive", "America/New_York", "EPSG:32618", k=2)
    return desk.ask(statement, lake, scan, NIGHT.date(), "", NIGHT).to_pylist()


def test_a_cookbook_file_is_asked_by_its_name_with_the_settings_of_the_scan(lake: Lake):
    (row,) = asked(lake, "cookbook/peak_hour_by_camera")
    assert (row["vehicles"], row["hour_local"].hour) == (2, 7)
    assert asked(lake, "SELECT count(*) AS n, $k AS k FROM passings") == [{"n": 2, "k": 2}]


def test_a_question_s_own_parameter_is_given_by_who_asks(lake: Lake):
    scan = scans.Scan("fdr", "archive", "America/New_York", "EPSG:32618", k=2)
    night = desk.Desk(lake, scan, NIGHT.date(), "", NIGHT)
    text = "SELECT count(*) AS n FROM passings WHERE label = $kind"
    assert night.ask(text, {"kind": "car"}).to_pylist() == [{"n": 2}]
    with pytest.raises(SettingsError, match="--param kind=VALUE"):
        night.ask(text)
    with pytest.raises(SettingsError, match="--param colour"):
        night.ask(text, {"kind": "car", "colour": "red"})


def test_a_view_of_trajectories_needs_a_purpose_as_they_do(lake: Lake):
    with pytest.raises(PrivacyError, match="purpose"):
        asked(lake, "SELECT * FROM legs")


def test_the_phase_of_even_slots_does_not_change_their_span():
    frames = rows("frames", *(frame("a", 250 + 300 * slot) for slot in range(12)))
    (row,) = ask("observability/pictures", NEAR, frames=frames)
    assert row["span_us"] == 3600_000_000
