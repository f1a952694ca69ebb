"""Watching a run: each step leaves a record and a line, and a fault says where it was met."""

import json
from datetime import date

import pytest

from pipeline import console, metrics, scans
from pipeline.commands.watch import Watch
from pipeline.errors import FeedError
from pipeline.lake import Lake, Place
from pipeline.runner import Night, Step
from pipeline.stages import stage
from pipeline.tables import TABLES

DAY = date(2026, 5, 5)
SCAN = scans.load("demo", scans.bundled(), hours="07:59-08:01")
FIRST = SCAN.windows(DAY)[0]


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path, "demo")


@pytest.fixture
def json_log():
    console.log_as("json")
    yield
    console.log_as("plain")


def watched(lake: Lake) -> Watch:
    """Watch one step of two rows, at its second revision."""
    place = Place.of("frames", FIRST.hour_at)
    for made_from in ("old", "new"):
        lake.commit(place, [lake.write(place, 0, TABLES["frames"].empty())], {"scan_date": str(DAY), "of": made_from})
    with Watch(lake, DAY, 2) as watch:
        watch.begin(stage("frames"), FIRST)
        watch.step(Step("frames", place, 2, fresh=True))
    return watch


def test_a_step_leaves_a_record(lake):
    watched(lake)
    (run,) = metrics.read(lake, DAY)
    assert (run.scan, run.window, run.stage, run.rows, run.fresh) == ("demo", "2026-05-05T11Z", "frames", 2, True)
    assert (run.revision, run.workers, run.fault) == (2, 2, "")
    assert 0 <= run.seconds < 5
    assert run.peak_rss_mb > 20


@pytest.mark.usefixtures("json_log")
def test_a_step_is_one_line_of_the_json_log_and_nothing_else(lake, capsys):
    watched(lake)
    told = json.loads(capsys.readouterr().err)
    assert told["event"] == "step"
    assert {"scan", "scan_date", "window", "stage", "rows", "seconds", "fresh", "revision", "workers"} <= set(told)


def test_a_step_is_a_line_for_a_person(lake, capsys):
    watched(lake)
    night, line = capsys.readouterr().err.splitlines()
    assert night == "demo 2026-05-05"
    assert line.split()[:4] == ["frames", "11Z", "2", "rows"]


def test_a_fault_names_stage_and_window_and_is_kept(lake):
    with pytest.raises(FeedError) as raised:
        _fail(Watch(lake, DAY, 0, quiet=True))
    assert console.sentence(raised.value) == "in snapshots of 2026-05-05T11Z: no answer; ask again"
    (run,) = metrics.read(lake, DAY)
    assert (run.stage, run.window, run.fault) == ("snapshots", "2026-05-05T11Z", "FeedError: no answer; ask again")


def test_a_fault_before_the_first_stage_is_not_blamed_on_one(lake):
    with pytest.raises(FeedError) as raised, Watch(lake, DAY, 0, quiet=True):
        raise FeedError("no answer; ask again")
    assert console.sentence(raised.value) == "no answer; ask again"
    assert metrics.read(lake) == []


def test_a_night_is_watched_from_its_first_stage(lake):
    with Watch(lake, DAY, 0, quiet=True) as watch:
        night = Night(SCAN, DAY, lake, map, report=watch.step, begin=watch.begin)
        for table in ("cameras", "roads", "cameras"):
            night.ensure(stage(table), None)
    assert [(run.stage, run.fresh) for run in metrics.read(lake)] == [
        ("cameras", True),
        ("roads", True),
        ("cameras", False),
    ]


def _fail(watch: Watch) -> None:
    """Begin a stage and fail in it."""
    with watch:
        watch.begin(stage("snapshots"), FIRST)
        raise FeedError("no answer; ask again")
