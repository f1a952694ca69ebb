"""Plans: a night's windows, what it needs and what for, what its cadence can honestly support, and who refuses it."""

import json
import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from builders import at, frame, rows
from loopback import Loopback, says

from pipeline import feeds, metrics, plans, scans
from pipeline.errors import PrivacyError, SettingsError, SpaceError
from pipeline.lake import Lake, Place
from pipeline.metrics import Run
from pipeline.plans import products, telling
from pipeline.query import names
from pipeline.stages import STAGES
from pipeline.tables import TABLES

DAY = date(2026, 5, 5)
NIGHTS = scans.load("demo", scans.bundled(), hours="22:00-06:00", cadence_s=60.0)
MINUTES = scans.load("demo", scans.bundled(), hours="07:59-08:01")


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path, "demo")


def planned(scan: scans.Scan, lake: Lake, on: date = DAY, workers: int = 0) -> plans.Plan:
    return plans.plan(scan, on, lake, workers)


def estimate(plan: plans.Plan, what: str) -> plans.Estimate:
    return next(each for each in plan.estimates if each.what == what)


def committed(lake: Lake) -> None:
    """Commit a night of two windows: a picture each, and the smallest tables of everything else."""
    for line in STAGES:
        tables = names("products") if line.table == "products" else [line.table]
        hours = [None] if line.unit in ("scan", "night") else [11, 12]
        for place in (Place(table, DAY, hour) for table in tables for hour in hours):
            content = rows("frames", frame("demo:a", 0)) if line.table == "frames" else TABLES["roads"].empty()
            lake.commit(place, [lake.write(place, 0, content)], {"scan_date": str(DAY)})


@pytest.mark.parametrize(
    ("on", "count", "last"),
    [
        (date(2026, 3, 7), 7, "05:00-06:00 EDT"),
        (date(2026, 3, 3), 8, "05:00-06:00 EST"),
        (date(2026, 10, 31), 9, "05:00-06:00 EST"),
    ],
)
def test_a_night_has_seven_windows_or_nine_when_the_clocks_change(lake, on, count, last):
    plan = planned(NIGHTS, lake, on)
    assert len(plan.windows) == count
    assert plan.pictures == count * 60 * 8
    assert next(reversed(plan.windows.values()))["local"] == last


def test_every_estimate_says_what_it_rests_on(lake):
    assert all(each.basis for each in planned(MINUTES, lake).estimates)


def test_a_lake_without_a_night_is_planned_by_the_defaults(lake):
    plan = planned(MINUTES, lake)
    assert plan.pictures == 2 * 30 * 8
    assert estimate(plan, "fetched").value == pytest.approx(480 * plans.room.BYTES_A_PICTURE["snapshots"] / 1e6)
    assert estimate(plan, "compute").basis == plans.room.SPEED_SOURCE


def test_a_finished_night_tells_the_sizes_of_the_next(lake):
    committed(lake)
    by_table, basis = plans.room.sizes(lake, MINUTES)
    assert basis == "measured: night 2026-05-05 of this lake"
    places = [Place("frames", DAY, hour) for hour in (11, 12)]
    assert by_table["frames"] == sum(file.size_bytes for place in places for file in lake.files(place)) / 2


def test_run_records_tell_the_speed_of_the_next_night_with_as_many_workers(lake):
    at = datetime(2026, 5, 6, 4, tzinfo=UTC)
    for line in STAGES:
        metrics.keep(lake, Run("demo", DAY, "", line.table, None, at, 1.5, 100, True, 1, 2, 700, ""))
    assert plans.room.speed(lake, 2) == (
        pytest.approx(len(STAGES) * 1.5 / 100),
        "measured: night 2026-05-05 of this lake, 2 workers",
    )
    assert plans.room.speed(lake, 0) == (plans.room.SECONDS_A_PICTURE, plans.room.SPEED_SOURCE)
    assert plans.room.memory(lake, 2)[0] == 700
    assert plans.room.memory(lake, 0) == (plans.room.MEMORY_MB, plans.room.MEMORY_SOURCE)


def test_pictures_take_room_one_window_at_a_time():
    by_table = {"snapshots": 100.0, "frames": 1.0}
    assert plans.room.need_bytes(by_table, [10, 30, 20]) == 60 * 1.0 + 30 * 100.0
    assert plans.room.need_bytes(by_table, []) == 0


@pytest.mark.parametrize(("cadence_s", "alone", "pair"), [(2.0, "link", "trajectory"), (60.0, "count", "count")])
def test_the_cadence_says_what_a_night_can_support(lake, cadence_s, alone, pair):
    (support,) = planned(replace(NIGHTS, cadence_s=cadence_s, hours="07:00-08:00"), lake).supports
    assert (support.cameras, support.cadence_s, support.alone, support.pair) == (8, cadence_s, alone, pair)


def test_a_feed_that_is_not_cleared_is_refused_and_not_even_asked_for_its_list(lake, monkeypatch):
    asked = []
    feed = replace(feeds.load("demo"), cleared=False, cameras=asked.append)
    monkeypatch.setattr(feeds, "load", lambda _: feed)
    with pytest.raises(PrivacyError, match="not cleared"):
        planned(MINUTES, lake)
    assert asked == []


def test_half_the_room_of_twice_the_estimate_is_refused(lake, monkeypatch):
    wanted = plans.room.SPARE * plans.room.need_bytes(plans.room.BYTES_A_PICTURE, [240, 240])
    monkeypatch.setattr(plans.room, "free_bytes", lambda _: wanted - 1)
    with pytest.raises(SpaceError, match=r"480 pictures still to do.*--no-preflight"):
        plans.room.refuse_without_room(lake, MINUTES, [240, 240])
    monkeypatch.setattr(plans.room, "free_bytes", lambda _: wanted)
    assert plans.room.refuse_without_room(lake, MINUTES, [240, 240]).startswith("room: ")


def test_a_finished_night_needs_no_room(lake, monkeypatch):
    monkeypatch.setattr(plans.room, "free_bytes", lambda _: 0)
    assert plans.room.refuse_without_room(lake, MINUTES, []) == "room: 0 MB wanted, 0 MB free"


def test_one_stage_needs_only_its_tables_room(lake, monkeypatch):
    monkeypatch.setattr(
        plans.room, "free_bytes", lambda _: 240 * plans.room.SPARE * plans.room.BYTES_A_PICTURE["frames"]
    )
    plans.room.refuse_without_room(lake, MINUTES, [240], ("frames",))
    with pytest.raises(SpaceError):
        plans.room.refuse_without_room(lake, MINUTES, [240], ("snapshots",))


def test_room_in_a_bucket_is_not_checked_and_that_is_said(lake):
    lake.storage = SimpleNamespace(url="s3://bucket/demo")
    assert "not checked" in plans.room.refuse_without_room(lake, MINUTES, [10**9])


NEW_YORK = "/webcams.nyctmc.org/api/cameras"
LONDON = "/api.tfl.gov.uk/Place/Type/JamCam"


def avenue(count: int) -> bytes:
    """List cameras of an avenue 500 m apart, in New York's shape."""
    rows_ = [
        {"id": f"a{n:03}", "name": f"Avenue @ {n} St", "latitude": 40.6 + n * 0.0045, "longitude": -73.98, "area": "Manhattan",
         "isOnline": "true", "imageUrl": f"https://webcams.nyctmc.org/api/cameras/a{n:03}/image"}
        for n in range(count)
    ]  # fmt: skip
    return json.dumps(rows_).encode()


def served(feed: str, source: str, cadence_s: float, **stages: dict) -> scans.Scan:
    return scans.Scan(
        "t",
        feed,
        "America/New_York",
        "EPSG:32618",
        cadence_s=cadence_s,
        source=source,
        permission="a test",
        stages=stages,
    )


def test_a_served_feed_of_two_seconds_is_polled_in_bursts_within_its_pace_and_budget(lake):
    with Loopback({NEW_YORK: says(avenue(40))}) as server:
        scan = served("nyc_dot", server.url, 300.0, plan={"requests": 20_000}, snapshots={"at_once": 6})
        plan, again = planned(scan, lake), planned(scan, lake)
        asked = [path for path, _ in server.asked]
    assert asked == [NEW_YORK] * 2
    assert plan == again
    assert 20_000 * 0.7 < plan.pictures <= 20_000
    assert {each.at_s for each in plan.polling.taken} <= {0.0, 600.0, 1200.0, 1800.0, 2400.0, 3000.0}
    pairs = [each for each in plan.products if "pairs_an_hour" in each.figures]
    assert len(pairs) == sum(len(each.cameras) - 1 for each in plan.polling.taken)
    assert (plan.terms["cleared"], plan.terms["permission"]) == (False, "a test")


def test_a_feed_that_forbids_close_polling_is_swept_alone_and_it_is_said_why(lake):
    body = (Path(__file__).parent / "feeds" / "tfl_jamcams.json").read_bytes()
    with Loopback({LONDON: says(body)}) as server:
        plan = planned(served("tfl_jamcams", server.url, 300.0, plan={}), lake)
    assert plan.bursts == {}
    assert "every 240 s at most" in plan.polling.why[1]
    assert {each.product for each in plan.products if not each.supported} == {"flow", "travel_time", "od", "heatmap"}


def test_what_is_written_is_polled_so_and_nothing_is_overwritten_unasked(lake, tmp_path):
    scan = replace(scans.load("demo", scans.bundled()), cadence_s=60.0, stages={"links": {"min_probability": 0.7}})
    plan = plans.plan(scan, DAY, lake, budget=plans.Budget(requests=1700, length_s=240.0, every_s=600.0))
    path = tmp_path / "polled.toml"
    telling.write(scan, plan, path)
    again = scans.load("demo", path)
    assert again == replace(scan, cadence_s=plan.polling.sweep_s, stages=again.stages)
    assert again.stages == {"links": {"min_probability": 0.7}, "bursts": plan.bursts}
    assert planned(again, lake).windows == plan.windows
    with pytest.raises(SettingsError, match="--force"):
        telling.write(scan, plan, path)
    telling.write(scan, plan, path, force=True)
    with pytest.raises(SettingsError, match="a folder that may be written to"):
        telling.write(scan, plan, tmp_path / "nowhere" / "polled.toml")
    assert [each.name for each in tmp_path.iterdir()] == ["polled.toml"]


def test_bursts_that_settings_state_are_planned_as_they_are(lake):
    section = {"length_s": 120.0, "every_s": 600.0, "corridors": [{"cameras": ["101", "102", "nobody"], "at_s": 60.0}]}
    plan = planned(replace(NIGHTS, hours="07:50-08:10", stages={"bursts": section, "plan": {}}), lake)
    assert not plan.chosen
    assert plan.pictures == 6 * 20 + 2 * (18 + 2 * 60 - 2)
    assert "left out: ['nobody']" in plan.polling.why[-1]
    (pair,) = [each for each in plan.products if "pairs_an_hour" in each.figures]
    assert pair.of == "101 - 102"


def test_the_traffic_of_the_last_night_is_planned_with():
    flow = [{"camera_id": "demo:a", "interval_at": at(300 * n), "vehicles_expected": 20 + n} for n in range(3)]
    assert products._by_flow(flow) == {"demo:a": 21 * 12}
    counts = [{"camera_id": name, "hour_at": at(0), "vehicles": 30} for name in ("demo:a", "demo:b")]
    told = {"pair_camera_id": "", "hour_at": at(0), "slots_planned": 60, "cadence_s": 30.0, "p_seen": 0.2}
    assert products._by_count(counts, [told | {"camera_id": "demo:a"}]) == pytest.approx({"demo:a": 300.0})


@pytest.mark.parametrize(
    ("p_seen", "vehicles", "error"), [(1.0, 25, 0.0), (0.5, 25, 0.2), (0.1, 25, 0.6), (0.0, 25, math.inf)]
)
def test_what_pictures_miss_is_what_a_count_varies_by(p_seen, vehicles, error):
    assert products.count_error(p_seen, vehicles) == pytest.approx(error)


def test_the_error_of_a_median_falls_with_the_root_of_the_pairs():
    random = np.random.default_rng(0)
    for pairs in (25, 100):
        medians = np.median(random.lognormal(3.0, 0.3, (4000, pairs)), axis=1)
        assert products.median_error(pairs, 0.3) == pytest.approx(medians.std() / np.exp(3.0), rel=0.1)


def test_clips_promise_nothing_of_two_cameras_between_which_no_travel_time_is_known():
    window = NIGHTS.windows(DAY)[1]
    clips = [
        window.starts_at + timedelta(seconds=300 * clip + 0.5 * still) for clip in range(12) for still in range(20)
    ]
    both = products.judged(NIGHTS, window, clips)
    assert (both.verdict, both.pair_verdict) == ("count", "flow")
    assert both.why_pair.endswith("too few to link")
