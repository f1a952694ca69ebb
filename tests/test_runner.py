"""The runner: a second run does nothing, workers change nothing, a killed run is finished by the next."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from pipeline import clusters, runner, scans, upkeep
from pipeline.errors import FeedError
from pipeline.lake import Lake
from pipeline.tables import FRAME_STATES, TABLES

NIGHT = date(2026, 5, 5)
MINUTES = scans.load("demo", scans.bundled(), hours="07:59-08:01")
"""Two minutes of the demo city, over the turn of an hour: two windows."""


def run(root: Path, scan: scans.Scan = MINUTES, workers: int = 0) -> list[runner.Step]:
    with clusters.spread(workers) as spread:
        return runner.Night(scan, NIGHT, Lake(root, scan.name), spread).run()


def faults_of(lake: Lake) -> list[str]:
    return [fault.what for fault in upkeep.verify(lake) if fault.where == "files"]


def tree(root: Path) -> dict[str, bytes]:
    """Read every file but those of dot-folders: run records have a clock in them."""
    found = {p.relative_to(root): p for p in sorted(root.rglob("*")) if p.is_file()}
    return {str(name): p.read_bytes() for name, p in found.items() if not any(part[0] == "." for part in name.parts)}


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> Lake:
    root = tmp_path_factory.mktemp("lake")
    run(root)
    return Lake(root, "demo")


def test_every_stage_commits_every_window(lake):
    made = {place.table for place in lake.places()}
    assert set(TABLES) <= made
    assert len(lake.night("detections", NIGHT)) == 2
    assert {"products/flow", "products/od", "products/travel_time", "products/heatmap"} <= made


def test_the_lake_proves_true(lake):
    assert list(upkeep.verify(lake)) == []


def test_every_planned_slot_has_one_state(lake):
    frames = upkeep.night(lake, NIGHT, "frames")
    cameras = upkeep.night(lake, NIGHT, "cameras")
    assert frames.num_rows == cameras.num_rows * 60
    assert set(frames["state"].to_pylist()) <= set(FRAME_STATES)


def test_no_pixel_and_no_vector_outlives_its_use(lake):
    assert all(lake.dropped(place) for name in ("snapshots", "embeddings") for place in lake.places(name))
    assert not any(b"\xff\xd8\xff" in content for content in tree(Path(lake.root)).values())


def test_a_second_run_does_nothing_and_changes_no_byte(lake):
    before = tree(Path(lake.root))
    assert not any(step.fresh for step in run(lake.root))
    assert tree(Path(lake.root)) == before


def test_two_workers_give_the_same_bytes_as_one_and_as_none(lake, tmp_path):
    for workers in (1, 2):
        run(tmp_path / str(workers), workers=workers)
        assert tree(tmp_path / str(workers)) == tree(Path(lake.root))


def test_a_changed_setting_reruns_its_stage_and_what_follows(lake, tmp_path):
    run(tmp_path)
    stricter = replace(MINUTES, stages={"links": {"min_probability": 0.95}})
    fresh = {step.table for step in run(tmp_path, stricter) if step.fresh}
    assert "links" in fresh
    assert fresh <= {"links", "trajectories", "products"}
    assert Lake(tmp_path, "demo").last(lake.places("links")[0]).revision == 2
    assert list(upkeep.verify(Lake(tmp_path, "demo"))) == []


def test_a_night_without_pictures_says_so(tmp_path):
    (tmp_path / "frames" / "a").mkdir(parents=True)
    (tmp_path / "frames" / "a" / "20200101T120000.jpg").write_bytes(b"a picture of another night")
    (tmp_path / "cameras.csv").write_text("camera,name,lat,lon\na,Mill St,40.7,-74.0\n")
    archive = scans.load("fdr", scans.bundled(), source=str(tmp_path))
    with pytest.raises(FeedError, match="plans no picture on 2026-05-05"):
        run(tmp_path / "lake", archive)


def test_a_job_names_its_rows_and_carries_none(tmp_path):
    night = runner.Night(MINUTES, NIGHT, Lake(tmp_path, "demo"), map)
    line = next(each for each in runner.STAGES if each.table == "cameras")
    assert len(json.dumps(str(night._job(line, None, 0, {})))) < 2_000


def test_a_killed_run_is_finished_by_the_next(lake, tmp_path):
    _kill_and_finish(tmp_path, lake, kills=2, seed=5)


@pytest.mark.drill
def test_a_run_killed_at_any_moment_is_finished_by_the_next(lake, tmp_path):
    for seed in range(20):
        _kill_and_finish(tmp_path / str(seed), lake, kills=3, seed=seed)


def _kill_and_finish(root: Path, lake: Lake, kills: int, seed: int) -> None:
    settings = root / "settings.toml"
    root.mkdir(exist_ok=True)
    text = scans.bundled().read_text().replace('hours = "07:50-08:10"', f'hours = "{MINUTES.hours}"')
    settings.write_text(text)
    words = [
        sys.executable,
        "-m",
        "pipeline",
        "run",
        "demo",
        "--date",
        str(NIGHT),
        "--lake",
        str(root / "lake"),
        "--settings",
        str(settings),
    ]
    chance = random.Random(seed)
    for _ in range(kills):
        child = subprocess.Popen(
            words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[1]
        )
        time.sleep(chance.uniform(2, 20))
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        faults = [fault for fault in faults_of(Lake(root / "lake", "demo")) if "in no commit" not in fault]
        assert all("expired but still there" in fault for fault in faults)
    subprocess.run(words, check=True, capture_output=True, cwd=Path(__file__).parents[1])
    assert tree(root / "lake") == tree(Path(lake.root))
