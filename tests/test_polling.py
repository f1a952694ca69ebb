"""A live night is polled by all its shards side by side, and no window waits for another's vehicles."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from loopback import Loopback
from test_web import MEDIA, SCAN, made

from pipeline import cameras, clusters, feeds, plans, snapshots
from pipeline.feeds import Camera
from pipeline.fetcher import manners
from pipeline.lake import Lake
from pipeline.runner import Night
from pipeline.scans import Window
from pipeline.stages import STAGES, stage, turns


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    there = [Camera(f"{n}", f"{n}", -0.1, 51.5, image_url=f"{MEDIA}/{n}.jpg") for n in range(6)]
    feed = replace(made(min_interval_s=1.0), listing=None, cameras=lambda _: there)
    monkeypatch.setattr(feeds, "load", lambda _: feed)
    manners.forget()
    with Loopback() as started:
        yield started


def test_shards_of_a_live_window_are_polled_side_by_side(server, tmp_path):
    scan = replace(SCAN, cadence_s=1.0, source=server.url, hours="00:00-24:00")
    with clusters.spread() as alone:
        begins = datetime.now(UTC) + timedelta(seconds=2.0)
        night = Night(scan, scan.night_of(begins), Lake(tmp_path, "made"), alone)
        night.windows = [
            Window(begins.replace(minute=0, second=0, microsecond=0), begins, begins + timedelta(seconds=2))
        ]
        night.ensure(stage("cameras"), None)
        step = night.ensure(stage("snapshots"), night.windows[0])
        fetched = night.lake.read([step.place]).to_pylist()
    assert len(night.shards) == 3
    assert [row["status"] for row in fetched] == ["ok"] * 12
    assert all(timedelta(0) <= row["fetched_at"] - row["slot_at"] < timedelta(seconds=1) for row in fetched)
    assert server.connections == 1


def test_a_live_window_is_polled_in_sweeps_and_bursts(server):
    burst = {"cadence_s": 1.0, "length_s": 2.0, "every_s": 4.0, "corridors": [{"cameras": ["1", "2"], "at_s": 0.0}]}
    scan = replace(SCAN, cadence_s=4.0, source=server.url, hours="00:00-24:00", stages={"bursts": burst})
    soon = datetime.now(UTC) + timedelta(seconds=1.0)
    first, step = scan.starts_at(scan.night_of(soon)), timedelta(seconds=4)
    begins = first - (first - soon) // step * step
    window = Window(begins.replace(minute=0, second=0, microsecond=0), begins, begins + timedelta(seconds=4))
    fetched = snapshots.fetch(cameras.survey(scan), scan, window).to_pylist()
    seconds = {name: [] for name in "012345"}
    for row in fetched:
        seconds[row["camera_id"][-1]].append((row["slot_at"] - begins).total_seconds())
    assert seconds == {name: [0.0, 1.0] if name in "12" else [0.0] for name in "012345"}
    assert {row["status"] for row in fetched} == {"ok"}
    assert all(timedelta(0) <= row["fetched_at"] - row["slot_at"] < timedelta(seconds=1) for row in fetched)


def test_a_live_night_is_fetched_before_anything_else_is_done():
    windows = SCAN.windows(datetime(2026, 5, 5, tzinfo=UTC).date())[:2]
    by_shard = [line.table for line in STAGES if line.unit == "shard"]
    assert [line.table for line, _ in turns(windows, live=False)] == by_shard * 2
    live = turns(windows, live=True)
    assert [(line.table, window) for line, window in live[:2]] == [("snapshots", window) for window in windows]
    assert [line.table for line, _ in live[2:]] == by_shard[1:] * 2


def test_jobs_done_together_answer_in_order_and_a_fault_waits_for_the_others():
    all_there = threading.Barrier(3)

    def meet(job: int) -> int:
        all_there.wait(timeout=10)
        return job // (job - 1)

    assert list(clusters.together(meet, [2, 3, 4])) == [2, 1, 1]
    with pytest.raises(ZeroDivisionError):
        list(clusters.together(meet, [2, 1, 3]))


def test_a_live_night_needs_room_for_all_its_pictures():
    by_table = {"snapshots": 100.0, "frames": 1.0}
    assert plans.room.need_bytes(by_table, [10, 20]) == 100.0 * 20 + 30
    assert plans.room.need_bytes(by_table, [10, 20], live=True) == 100.0 * 30 + 30
