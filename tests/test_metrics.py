"""Run records: every step leaves one, none stops a run, and they add up by night and stage."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline import desk, metrics, scans
from pipeline.lake import Lake
from pipeline.metrics import Run

NIGHT = date(2026, 5, 5)
STEP = Run(
    "demo", NIGHT, "2026-05-05T11Z", "frames", None, datetime(2026, 5, 6, 4, tzinfo=UTC), 2.0, 240, True, 1, 0, 900, ""
)
NEXT = replace(STEP, window="2026-05-05T12Z", started_at=STEP.started_at + timedelta(seconds=2), rows=200)
FAULT = replace(NEXT, started_at=NEXT.started_at + timedelta(seconds=2), rows=0, fault="SpaceError: full")


@pytest.fixture
def lake(root) -> Lake:
    return Lake(root, "demo")


def test_a_record_reads_back_as_it_was_kept(lake):
    for run in (NEXT, FAULT, STEP):
        metrics.keep(lake, run)
    assert metrics.read(lake, NIGHT) == metrics.read(lake) == [STEP, NEXT, FAULT]
    assert metrics.nights(lake) == [NIGHT]


def test_records_are_no_part_of_what_the_lake_proves(lake):
    metrics.keep(lake, STEP)
    assert lake.places() == []


def test_a_record_that_cannot_be_written_is_said_and_stops_nothing(tmp_path, caplog):
    (tmp_path / "demo").write_text("a file where the scan's folder should be")
    metrics.keep(Lake(tmp_path, "demo"), STEP)
    assert "no run record kept of frames" in caplog.text


def test_a_spoilt_record_is_passed_over(lake):
    metrics.keep(lake, STEP)
    lake.storage.put(f"{metrics.RUNS}/{NIGHT}/20260506T040009000000-links-night.json", b"{half a rec")
    assert metrics.read(lake) == [STEP]


def test_no_record_holds_a_password(lake):
    metrics.keep(lake, replace(STEP, fault="FeedError: https://me:secret@cameras.example/list cannot be read"))
    assert metrics.read(lake)[0].fault == "FeedError: https://cameras.example/list cannot be read"


def test_a_stage_adds_up_over_its_windows_and_counts_the_last_of_each():
    again = replace(NEXT, started_at=FAULT.started_at + timedelta(seconds=9), fresh=False, rows=201, seconds=0.5)
    (row,) = metrics.summary([STEP, NEXT, FAULT, again])
    assert (row["steps"], row["fresh"], row["faults"]) == (4, 2, 1)
    assert (row["seconds"], row["rows"], row["peak_rss_mb"]) == (6.0, 441, 900)


def test_prometheus_reads_what_it_is_told():
    families = {
        each.name: each.samples for each in text_string_to_metric_families(metrics.prometheus([STEP, NEXT, FAULT]))
    }
    assert {f"thoroughfare_{name}" for name in metrics.GAUGES} == set(families)
    (seconds,) = families["thoroughfare_stage_seconds"]
    assert (seconds.labels, seconds.value) == ({"scan": "demo", "stage": "frames"}, 6.0)
    (unfinished,) = families["thoroughfare_stage_unfinished"]
    assert unfinished.value == 1
    (ended,) = families["thoroughfare_night_last_step_timestamp_seconds"]
    assert ended.value == STEP.started_at.timestamp() + 6


def test_what_was_finished_since_is_no_alert():
    again = replace(FAULT, fault="", started_at=FAULT.started_at + timedelta(seconds=1))
    assert 'thoroughfare_stage_unfinished{scan="demo",stage="frames"} 0.0' in metrics.prometheus([STEP, FAULT, again])


def test_prometheus_is_told_nothing_of_a_lake_without_records():
    assert not [each for each in text_string_to_metric_families(metrics.prometheus([])) if each.samples]


def test_records_live_their_days_and_not_one_more(lake):
    metrics.keep(lake, STEP)
    assert metrics.expire(lake, STEP.started_at + metrics.LIVES) == 0
    assert metrics.expire(lake, STEP.started_at + metrics.LIVES + timedelta(seconds=1)) == 1
    assert metrics.read(lake) == []


def test_sql_may_ask_the_records(lake):
    metrics.keep(lake, STEP)
    demo = scans.load("demo", scans.bundled())
    rows = desk.ask("SELECT stage, rows, seconds FROM runs", lake, demo, NIGHT, "", STEP.started_at)
    assert rows.to_pylist() == [{"stage": "frames", "rows": 240, "seconds": 2.0}]


def test_the_peak_of_memory_counts_from_when_it_was_last_forgotten():
    metrics.forget_peak()
    before = metrics.peak_rss_mb()
    held = bytearray(b"x") * (80 * 2**20)
    assert metrics.peak_rss_mb() >= before + 70
    del held
    metrics.forget_peak()
    assert metrics.peak_rss_mb() < before + 40
