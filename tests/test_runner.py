"""The runner: a second run does nothing, workers change nothing, a killed run is finished by the next."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import stand_ins

from pipeline import audit, clusters, feeds, jobs, lineage, proof, quarantine, runner, scans, upkeep
from pipeline.clusters import Lost, LostWorkersError
from pipeline.errors import FeedError, IntegrityError, WindowNotFoundError
from pipeline.lake import Lake, Place
from pipeline.stages import stage
from pipeline.tables import FRAME_STATES, TABLES

NIGHT = date(2026, 5, 5)
MINUTES = scans.load("demo", scans.bundled(), hours="07:59-08:01")
"""Two minutes of the demo city, over the turn of an hour: two windows."""
SLOW = scans.load("demo", scans.bundled(), hours="07:59-08:00", cadence_s=20.0)
"""One minute, a picture every 20 seconds: one window, four shards of six pictures."""
SEEN = ("cameras", "roads", "snapshots", "frames", "detections", "embeddings")
"""The stages that read pictures, and what they stand on."""


def run(root: Path, scan: scans.Scan = MINUTES, workers: int = 0) -> list[runner.Step]:
    with clusters.spread(workers) as spread:
        return runner.Night(scan, NIGHT, Lake(root, scan.name), spread).run()


def faults_of(lake: Lake) -> list[str]:
    return [fault.what for fault in upkeep.verify(lake) if fault.where == "files"]


def tree(root: Path) -> dict[str, bytes]:
    """Read every file but the database and those of dot-folders: run records have a clock in them."""
    found = {p.relative_to(root): p for p in sorted(root.rglob("*")) if p.is_file() and p.suffix != ".duckdb"}
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


def assert_nothing_outlived(lake):
    assert all(lake.dropped(place) for name in ("snapshots", "embeddings") for place in lake.places(name))
    assert not any(b"\xff\xd8\xff" in content for content in tree(Path(lake.root)).values())


def test_the_lake_proves_true(lake):
    assert list(upkeep.verify(lake)) == []


def test_every_planned_slot_has_one_state(lake):
    frames = upkeep.night(lake, NIGHT, "frames")
    cameras = upkeep.night(lake, NIGHT, "cameras")
    assert frames.num_rows == cameras.num_rows * 60
    assert set(frames["state"].to_pylist()) <= set(FRAME_STATES)


def test_links_are_made_of_what_both_windows_saw_and_support(lake):
    inputs = lake.last(Place("links", NIGHT, 12)).lineage["inputs"]
    for table in ("sightings", "observability"):
        assert {folder.rpartition("hour=")[2] for folder in inputs if folder.startswith(table)} == {"11", "12"}


def test_no_pixel_and_no_vector_outlives_its_use(lake):
    assert_nothing_outlived(lake)


def test_a_second_run_does_nothing_and_changes_no_byte(lake):
    before = tree(Path(lake.root))
    assert not any(step.fresh for step in run(lake.root))
    assert tree(Path(lake.root)) == before


def test_workers_give_the_same_bytes_as_none(lake, tmp_path):
    run(tmp_path, workers=2)
    assert tree(tmp_path) == tree(Path(lake.root))


def test_a_changed_setting_reruns_its_stage_and_what_follows(lake, tmp_path):
    shutil.copytree(lake.root, tmp_path, dirs_exist_ok=True)
    stricter = replace(MINUTES, stages={"links": {"min_probability": 0.95}})
    fresh = {step.table for step in run(tmp_path, stricter) if step.fresh}
    assert "links" in fresh
    assert fresh <= {"links", "trajectories", "products"}
    assert_nothing_outlived(Lake(tmp_path, "demo"))
    assert Lake(tmp_path, "demo").last(lake.places("links")[0]).revision == 2
    assert list(upkeep.verify(Lake(tmp_path, "demo"))) == []


def test_a_night_without_pictures_says_so(tmp_path):
    (tmp_path / "frames" / "a").mkdir(parents=True)
    (tmp_path / "frames" / "a" / "20200101T120000.jpg").write_bytes(b"a picture of another night")
    (tmp_path / "cameras.csv").write_text("camera,name,lat,lon\na,Mill St,40.7,-74.0\n")
    archive = scans.load("fdr", scans.bundled(), source=str(tmp_path))
    with pytest.raises(FeedError, match="plans no picture on 2026-05-05"):
        run(tmp_path / "lake", archive)


@pytest.fixture
def stood_in():
    """Put stand-ins in the place of the models."""
    with stand_ins.standing():
        yield


def night(root: Path, spread: clusters.Spread = map) -> runner.Night:
    return runner.Night(SLOW, NIGHT, Lake(root, "demo"), spread)


def bring(made: runner.Night, *tables: str) -> list[runner.Step]:
    lines = [stage(table) for table in tables or SEEN]
    return [made.ensure(line, made.windows[0] if line.unit == "shard" else None) for line in lines]


class Workers:
    """Workers that a poison picture kills, or that die so many times of nothing; they note what they did."""

    def __init__(self, poison: quarantine.Key | None = None, table: str = "detections", deaths: int = 0) -> None:
        self.poison, self.table, self.deaths, self.done = poison, table, deaths, Counter()

    def __call__(self, call, asked):
        return [self._one(call, job) for job in asked]

    def _one(self, call, job):
        self.done[job.table] += call is jobs.work
        if job.table != self.table:
            return call(job)
        self.deaths -= 1
        return Lost(2) if self.deaths >= 0 or self._reads_poison(job) else call(job)

    def _reads_poison(self, job):
        if self.poison is None or self.poison[0] not in job.cameras:
            return False
        spared = {(each.camera_id, each.slot_at) for each in job.quarantined}
        return self.poison not in spared and (job.only is None or job.only.first <= self.poison <= job.only.last)


def usable(made: runner.Night) -> quarantine.Key:
    """Name a picture that detections read."""
    rows = upkeep.night(made.lake, NIGHT, "frames").to_pylist()
    return next((row["camera_id"], row["slot_at"]) for row in rows[7:] if row["state"] == "ok")


@pytest.mark.usefixtures("stood_in")
class TestPoison:
    @pytest.mark.parametrize("table", ["frames", "detections", "embeddings"])
    def test_a_picture_that_kills_is_a_broken_frame_and_the_night_goes_on(self, tmp_path, table):
        clean = night(tmp_path / "clean")
        bring(clean)
        poison = usable(clean)
        made = night(tmp_path / "lake", Workers(poison, table))
        bring(made)
        frames = upkeep.night(made.lake, NIGHT, "frames").to_pylist()
        found = {(row["camera_id"], row["slot_at"]): (row["state"], row["reason"]) for row in frames}
        assert found[poison] == ("broken", f"quarantined: killed its worker in {table}")
        assert len(found) == len(frames) == 24
        frame = next(row["frame_id"] for row in frames if (row["camera_id"], row["slot_at"]) == poison)
        assert frame not in upkeep.night(made.lake, NIGHT, "detections")["frame_id"].to_pylist()
        assert list(upkeep.verify(made.lake)) == []

    def test_a_rerun_with_the_ledger_gives_the_same_bytes_and_kills_nobody(self, tmp_path):
        clean = night(tmp_path / "clean")
        bring(clean)
        first = night(tmp_path / "lake", Workers(poison := usable(clean)))
        bring(first)
        before = tree(tmp_path / "lake")
        assert not any(step.fresh for step in bring(night(tmp_path / "lake", Workers(poison))))
        assert tree(tmp_path / "lake") == before
        (ledger,) = first.lake.storage.keys(quarantine.FOLDER)
        anew = night(tmp_path / "anew", Workers(poison))
        anew.lake.storage.put(ledger, first.lake.storage.get(ledger))
        bring(anew)
        for table in ("frames", "detections", "embeddings"):
            assert [anew.lake.last(place).digest for place in anew.lake.night(table, NIGHT)] == [
                first.lake.last(place).digest for place in first.lake.night(table, NIGHT)
            ]

    def test_a_shard_on_its_own_is_spared_too(self, tmp_path):
        made = night(tmp_path)
        bring(made, *SEEN[:4])
        poison = usable(made)
        part = next(part for part, cameras in enumerate(made.shards) if poison[0] in cameras)
        held = night(tmp_path, Workers(poison))
        assert held.hold(stage("detections"), held.windows[0], part) > 0
        assert [entry.camera_id for entry in quarantine.read(held.lake, held._place(stage("frames"), held.windows[0]))]

    def test_workers_that_die_of_something_else_blame_no_picture(self, tmp_path):
        made = night(tmp_path, Workers(deaths=1))
        bring(made)
        assert made.lake.storage.keys(quarantine.FOLDER) == []

    def test_workers_that_go_on_dying_are_a_sentence(self, tmp_path):
        with pytest.raises(LostWorkersError, match="links of 2026-05-05T11Z, shard 0: its workers died"):
            night(tmp_path, Workers(table="links", deaths=99)).run()


@pytest.mark.usefixtures("stood_in")
class TestGoingOn:
    def test_a_killed_run_redoes_the_shard_it_was_in(self, tmp_path):
        died = night(tmp_path, lambda call, asked: [call(job) for job in asked[:2]] + 1 / 0)
        bring(night(tmp_path), *SEEN[:3])
        with pytest.raises(ZeroDivisionError):
            bring(died, "frames")
        workers = Workers()
        bring(night(tmp_path, workers), "frames")
        assert workers.done["frames"] == 2

    @pytest.mark.parametrize("last", SEEN[2:])
    def test_what_a_run_that_died_leaves_of_pixels_and_vectors_is_found_and_a_day_later_gone(self, tmp_path, last):
        made, now = night(tmp_path), datetime.now(UTC)
        bring(made, *SEEN[: SEEN.index(last)])
        made.hold(stage(last), made.windows[0], 0)
        there = proof.search(made.lake, now)
        assert (there.count("picture") > 0, there.count("vector") > 0) == (True, last == "embeddings")
        assert there.wrong == ()
        upkeep.expire(made.lake, now + timedelta(hours=25))
        audit.collect(made.lake, now + timedelta(hours=25))
        assert proof.search(made.lake, now).finds == ()

    def test_a_finished_night_holds_no_pixel_and_no_vector(self, tmp_path):
        night(tmp_path).run()
        assert proof.search(Lake(tmp_path, "demo"), datetime.now(UTC)).finds == ()

    def test_held_shards_are_committed_and_not_done_again(self, tmp_path):
        made = night(tmp_path)
        bring(made, *SEEN[:3])
        rows = [made.hold(stage("frames"), made.windows[0], part) for part in range(len(made.shards))]
        workers = Workers()
        (step,) = bring(night(tmp_path, workers), "frames")
        assert (step.fresh, step.rows, workers.done["frames"]) == (True, sum(rows), 0)
        assert made.hold(stage("frames"), made.windows[0], 0) == rows[0]
        assert not [key for key in made.lake.storage.keys("frames") if "part-" in key]

    def test_what_a_worker_wrote_elsewhere_is_not_committed(self, tmp_path):
        def elsewhere(call, asked):
            return [call(replace(job, root=str(tmp_path / "elsewhere"))) for job in asked]

        with pytest.raises(IntegrityError, match="was written elsewhere; give every worker the same lake"):
            bring(night(tmp_path / "lake", elsewhere), "cameras")

    def test_a_run_whose_pictures_another_dropped_takes_what_that_one_made(self, tmp_path):
        def overtaken(call, asked):
            if asked and asked[0].table == "detections":
                bring(night(tmp_path))
            return [call(job) for job in asked]

        bring(night(tmp_path / "alone"))
        bring(night(tmp_path, overtaken))
        alone = tree(tmp_path / "alone")
        assert {name: content for name, content in tree(tmp_path).items() if not name.startswith("alone/")} == alone

    def test_two_runs_at_once_both_end_well(self, tmp_path):
        code = "import sys, stand_ins; from test_runner import *; stand_ins.install(); night(Path(sys.argv[1])).run()"
        words = [sys.executable, "-c", code, str(tmp_path / "raced")]
        here = os.environ | {"PYTHONPATH": f"{Path(__file__).parent}:{Path(__file__).parents[1]}"}
        both = [subprocess.Popen(words, env=here) for _ in range(2)]
        night(tmp_path / "alone").run()
        assert [each.wait() for each in both] == [0, 0]
        assert tree(tmp_path / "raced") == tree(tmp_path / "alone")


@pytest.mark.usefixtures("stood_in")
class TestLiveFeed:
    @pytest.fixture
    def past(self, tmp_path, monkeypatch):
        """Make a night, then say that its feed was live and that all code has changed since."""
        bring(night(tmp_path))
        live = replace(feeds.load("demo"), live=True, picture=lambda *_: pytest.fail("asked for again"))
        monkeypatch.setattr(feeds, "load", lambda _: live)
        monkeypatch.setattr(lineage, "code", lambda table: f"newer {table}")
        return night(tmp_path)

    def test_dropped_pictures_are_not_asked_for_again(self, past):
        before = tree(Path(past.lake.root))
        assert [step.table for step in bring(past, *SEEN[2:]) if step.fresh] == []
        assert past.hold(stage("frames"), past.windows[0], 0) == 6
        assert tree(Path(past.lake.root)) == before

    def test_what_was_never_made_of_dropped_pictures_cannot_be_made(self, past):
        (place,) = past.lake.night("detections", NIGHT)
        past.lake.storage.delete(f"{place.folder}/commit-r1.json")
        with pytest.raises(WindowNotFoundError, match="a live feed never shows them again"):
            bring(past, "detections")


def test_a_killed_run_is_finished_by_the_next(lake, tmp_path):
    _kill_and_finish(tmp_path, lake, kills=1, seed=5)


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
