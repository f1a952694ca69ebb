"""A job travels by names: small both ways, done once, its answer held."""

import pickle
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from pipeline import jobs, quarantine, runner, scans
from pipeline.lake import Lake
from pipeline.stages import stage

NIGHT = date(2026, 5, 5)
SLOW = scans.load("demo", scans.bundled(), hours="07:59-08:00", cadence_s=20.0)
"""One minute of the demo city, a picture every 20 seconds."""
MOST_BYTES = 10_000


@pytest.fixture(scope="module")
def night(tmp_path_factory) -> runner.Night:
    made = runner.Night(SLOW, NIGHT, Lake(tmp_path_factory.mktemp("lake"), "demo"), map)
    for table in ("cameras", "roads"):
        made.ensure(stage(table), None)
    made.ensure(stage("snapshots"), made.windows[0])
    return made


def job(night: runner.Night, table: str, made_from: str = "", **changes) -> jobs.Job:
    return replace(night._job(stage(table), night.windows[0], 0, {"made": made_from}), **changes)


def test_a_job_of_any_stage_is_small(night):
    for line in runner.STAGES:
        window = night.windows[0] if line.unit in ("shard", "window") else None
        assert len(pickle.dumps(night._job(line, window, 0, {}))) < MOST_BYTES


def test_a_job_stays_small_when_many_pictures_are_quarantined(night):
    at = datetime(2026, 5, 5, 12, tzinfo=UTC)
    ledger = tuple(
        quarantine.Entry("demo:a", at + timedelta(seconds=n), "0" * 64, "quarantined: killed its worker in detections")
        for n in range(20)
    )
    assert len(pickle.dumps(job(night, "frames", quarantined=ledger))) < MOST_BYTES


def test_an_answer_names_files_and_carries_no_rows(night):
    answer = jobs.work(job(night, "snapshots", "answer"))
    assert len(pickle.dumps(answer)) < 1_000
    assert answer[0][1].rows == 6


def test_what_is_held_is_not_done_again(night, monkeypatch):
    first = jobs.work(job(night, "frames", "twice"))
    monkeypatch.setattr(jobs, "_run", lambda *_: pytest.fail("done again"))
    assert jobs.work(job(night, "frames", "twice")) == first


def test_a_probe_leaves_nothing_behind(night):
    before = sorted(Path(night.lake.root).rglob("*"))
    span = quarantine.Span(("", datetime.min.replace(tzinfo=UTC)), ("~", datetime.max.replace(tzinfo=UTC)), 6)
    jobs.probe(job(night, "frames", only=span))
    assert sorted(Path(night.lake.root).rglob("*")) == before


def test_a_job_tells_which_models_it_runs(night):
    assert {line.table: jobs.models(job(night, line.table)) for line in runner.STAGES if line.unit == "shard"} == {
        "snapshots": {}, "frames": {}, "detections": {"detector": "ttfnet"}, "embeddings": {"encoder": "resnet"}, "sightings": {},
    }  # fmt: skip
