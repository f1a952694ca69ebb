"""Plans: a night's windows, what it needs and what for, what its cadence can honestly support, and who refuses it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from builders import frame, rows

from pipeline import feeds, metrics, plans, scans
from pipeline.errors import PrivacyError, SpaceError
from pipeline.lake import Lake, Place
from pipeline.metrics import Run
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
