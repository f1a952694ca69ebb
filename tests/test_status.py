"""Status: what is done, held, dropped, stale or absent, asked without changing anything."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from pipeline import console, metrics, scans, status
from pipeline.lake import Lake, Place
from pipeline.metrics import Run
from pipeline.runner import Night
from pipeline.stages import STAGES, stage
from tests.builders import rows, seen

DAY = date(2026, 5, 5)
SCAN = scans.load("demo", scans.bundled(), hours="07:59-08:01", cadence_s=30.0)
FIRST, SECOND = "2026-05-05T11Z", "2026-05-05T12Z"
RUN = Run("demo", DAY, FIRST, "frames", None, datetime(2026, 5, 6, tzinfo=UTC), 2.5, 16, True, 1, 0, 900, "")


@pytest.fixture
def lake(root) -> Lake:
    """A night that has come to the frames of its first window and half the snapshots of its second."""
    made = Lake(root, "demo")
    night = Night(SCAN, DAY, made, map)
    for table in ("cameras", "roads"):
        night.ensure(stage(table), None)
    for table in ("snapshots", "frames"):
        night.ensure(stage(table), night.windows[0])
    for part in (0, 2):
        night.hold(stage("snapshots"), night.windows[1], part)
    return made


def states(seen: status.Glance, table: str) -> dict[str, str]:
    return {column: cell.state for column, cell in seen.cells[table].items()}


def test_a_glance_tells_what_is_done_held_and_absent(lake):
    seen = status.glance(lake, SCAN, DAY)
    assert seen.state == "failed"
    assert states(seen, "cameras") == {"night": "done"}
    assert states(seen, "snapshots") == {FIRST: "done", SECOND: "2/4"}
    assert states(seen, "frames") == {FIRST: "done", SECOND: "absent"}
    assert states(seen, "products") == {"night": "absent"}
    assert seen.cells["frames"][FIRST].rows == sum(seen.frames.values()) == 16


def contents(lake: Lake) -> dict[str, bytes]:
    return {key: lake.storage.get(key) for key in lake.storage.keys()}  # noqa: SIM118


def test_a_glance_changes_nothing(lake):
    before = contents(lake)
    status.glance(lake, SCAN, DAY)
    status.nights(lake)
    assert contents(lake) == before


def test_what_a_changed_setting_would_make_again_is_stale(lake):
    changed = replace(SCAN, stages={"frames": {"flat_share": 0.6}})
    assert states(status.glance(lake, changed, DAY), "frames")[FIRST] == "stale"
    assert states(status.glance(lake, changed, DAY), "snapshots")[FIRST] == "done"


def test_what_has_expired_is_dropped_and_takes_no_room(lake):
    place = Place("frames", DAY, 11)
    lake.drop(place, "retention")
    seen = status.glance(lake, SCAN, DAY)
    assert states(seen, "frames")[FIRST] == "dropped"
    assert seen.cells["frames"][FIRST].size_bytes == 0
    assert seen.frames == {}


def test_room_is_that_of_the_files(lake):
    files = [content for key, content in contents(lake).items() if key.endswith(".parquet") and "hour=12" not in key]
    assert status.glance(lake, SCAN, DAY).size_bytes == sum(map(len, files))


def test_run_records_tell_durations_and_the_last_fault(lake):
    fault = replace(RUN, window=SECOND, stage="snapshots", fault="FeedError: no answer")
    for run in (RUN, fault):
        metrics.keep(lake, run)
    seen = status.glance(lake, SCAN, DAY)
    assert seen.cells["frames"][FIRST].seconds == 2.5
    assert seen.last_fault == fault
    assert not seen.finished_since
    metrics.keep(lake, replace(fault, fault="", started_at=datetime(2026, 5, 7, tzinfo=UTC)))
    assert status.glance(lake, SCAN, DAY).finished_since


def test_a_night_that_never_began_says_so(lake):
    seen = status.glance(lake, SCAN, date(2026, 5, 6))
    assert seen.state == "none"
    assert seen.notes == ["no cameras yet: the night was never begun"]
    assert {cell.state for cells in seen.cells.values() for cell in cells.values()} == {"absent"}


def test_a_feed_that_cannot_be_asked_leaves_what_is_committed(lake):
    away = replace(SCAN, feed="archive", source="absent")
    seen = status.glance(lake, away, DAY)
    assert states(seen, "frames") == {FIRST: "done"}
    assert "cannot be told" in seen.notes[0]


def test_every_night_is_one_line(lake):
    Night(SCAN, date(2026, 5, 6), lake, map).ensure(stage("cameras"), None)
    first, second = status.nights(lake)
    assert (first["scan_date"], first["state"], first["frames"], first["windows"]) == (DAY, "failed", 16, "0/1")
    assert (second["scan_date"], second["frames"]) == (date(2026, 5, 6), 0)


def test_a_person_sees_every_stage_and_every_window(lake, capsys):
    console.show_glance(status.glance(lake, SCAN, DAY))
    shown = capsys.readouterr().out
    assert all(line.table in shown for line in STAGES)
    assert "11Z" in shown
    assert "2/4" in shown
    assert "pictures: 16 ok" in shown


def test_a_glance_says_how_many_cameras_are_refused_what_and_why(lake, capsys):
    weighed = rows(
        "observability",
        seen("demo:101", "count", p=0.03, reason="one still in 30 s sees 27% of passing vehicles: too seldom to follow one, counts only"),
        seen("demo:102", "count", p=0.05, reason="one still in 30 s sees 31% of passing vehicles: too seldom to follow one, counts only"),
        seen("demo:101", "link", "demo:102", reason="40% of vehicles on this way: travel times, but chains would break"),
    )  # fmt: skip
    place = Place("observability", DAY, 11)
    lake.commit(place, [lake.write(place, 0, weighed)], {"scan_date": str(DAY), "inputs": {}})
    told = status.glance(lake, SCAN, DAY)
    assert [(row["verdict"], row["count"], row["cause"]) for row in told.supports] == [
        ("count", 2, "too seldom to follow one"),
        ("link", 1, "travel times, but chains would break"),
    ]
    console.show_glance(told)
    said = capsys.readouterr().out
    assert "count: 2 cameras; no flows, travel times or trips: too seldom to follow one\n" in said
    assert "link: 1 pair; no trips: travel times, but chains would break\n" in said
