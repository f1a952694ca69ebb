"""Clocks that are far off are found by flows in both directions; sound ones are left alone."""

import numpy as np
import pyarrow as pa
import pytest

from pipeline import links, trajectories
from pipeline.tables import SIGHTINGS
from pipeline.transitions import Settings, learn
from tests.builders import at, camera, rows, sighting
from tests.corridor import WINDOW, corridor, empty, honest

SETTINGS = Settings(metric_crs="EPSG:32618")
STOPS = 6


def passes(ahead: dict[int, float], vehicles: int = 1100, seed: int = 3) -> tuple[pa.Table, pa.Table]:
    """Send vehicles both ways past six cameras 700 m apart for two hours; most turn off or in somewhere."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(vehicles):
        north, first = rng.random() < 0.5, int(rng.integers(0, STOPS - 1))
        stops = [
            stop if north else STOPS - 1 - stop for stop in range(first, min(first + int(rng.integers(2, 5)), STOPS))
        ]
        now, speed = rng.uniform(0, 7000), 14.0 * np.exp(rng.normal(0, 0.1))
        for stop in stops:
            now += 700 / speed * np.exp(rng.normal(0, 0.1))
            told, heading = now + ahead.get(stop, 0.0), "N" if north else "S"
            if rng.random() < 0.85:
                made.append(sighting(f"{number}-{stop}", f"c{stop}", told, told + 3, heading=heading))
    cameras = [camera(f"c{stop}", lat=40.7 + stop * 700 / 111_195, cadence_s=2.0) for stop in range(STOPS)]
    return rows("cameras", *cameras), rows("sightings", *made)


def clocks(ahead: dict[int, float], **more: int) -> dict[tuple[str, str], float]:
    cameras, sightings = passes(ahead, **more)
    ways = learn(cameras, empty("roads"), sightings, SETTINGS).to_pylist()
    return {(way["from_camera"], way["to_camera"]): way["clock_s"] for way in ways}


@pytest.mark.parametrize("ahead_s", [480.0, -300.0])
def test_a_clock_that_is_off_is_found_within_seconds(ahead_s: float):
    found = clocks({2: ahead_s})
    assert found["c1", "c2"] == pytest.approx(ahead_s, abs=8.0)
    assert found["c2", "c3"] == pytest.approx(-ahead_s, abs=8.0)
    assert found["c3", "c4"] == found["c0", "c1"] == 0.0


def test_two_clocks_off_are_told_apart():
    found = clocks({1: 480.0, 4: -480.0})
    assert found["c0", "c1"] == pytest.approx(480.0, abs=20.0)
    assert found["c3", "c4"] == pytest.approx(-480.0, abs=20.0)
    assert found["c2", "c3"] == 0.0


@pytest.mark.parametrize("seed", range(3))
def test_sound_clocks_stay(seed: int):
    assert set(clocks({}, seed=seed).values()) == {0.0}


def test_too_little_traffic_tells_no_clock():
    assert set(clocks({2: 480.0}, vehicles=12).values()) <= {0.0}


def test_travel_times_are_told_with_the_clock_taken_out():
    cameras, sightings = passes({2: 480.0})
    found = [
        way for way in learn(cameras, empty("roads"), sightings, SETTINGS).to_pylist() if way["source"] == "learned"
    ]
    told = {(way["from_camera"], way["to_camera"]): way["floor_s"] + np.exp(way["travel_mu"]) for way in found}
    assert told["c1", "c2"] == pytest.approx(700 / 14 - 3, abs=9)
    assert sightings.schema.equals(SIGHTINGS.schema)
    assert at(0) == min(way["hour_at"] for way in found)


def test_links_and_chains_go_on_past_a_clock_that_is_ahead():
    made = corridor(vehicles=150)
    ways = learn(made.cameras, empty("roads"), made.sightings, SETTINGS).to_pylist()
    ahead_us = np.array([480_000_000 * (name == "c1") for name in made.sightings["camera_id"].to_pylist()])
    told = made.sightings
    for name in ("entered_at", "left_at"):
        moved = pa.array(told[name].cast(pa.int64()).to_numpy() + ahead_us).cast(told.schema.field(name).type)
        told = told.set_column(told.schema.get_field_index(name), name, moved)
    clock_s = {("c0", "c1"): 480.0, ("c1", "c2"): -480.0}
    known = rows(
        "transitions", *(way | {"clock_s": clock_s.get((way["from_camera"], way["to_camera"]), 0.0)} for way in ways)
    )
    found = links.link(
        told, made.detections, made.embeddings, known, honest(), empty("links"), WINDOW, links.Settings()
    )
    right = [made.vehicle[row["query_id"]] == made.vehicle[row["gallery_id"]] for row in found.to_pylist()]
    assert np.mean(right) > 0.95
    assert len(right) > 120
    assert 30 < np.median(found["travel_s"].to_numpy()) < 90
    settings = trajectories.Settings(metric_crs="EPSG:32618")
    tables = {"cameras": made.cameras, "roads": empty("roads"), "sightings": told, "links": found}
    chains = trajectories.chain(**tables, observability=honest(), transitions=known, settings=settings).to_pylist()
    through = [row["passed_at"] for row in chains if row["camera_ids"] == ["c0", "c1", "c2"]]
    assert len(through) > 30
    assert all(30 < (two - one).total_seconds() < 120 for one, two, _ in through)
