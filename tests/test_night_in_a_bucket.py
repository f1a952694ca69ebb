"""A night of the demo city in a bucket: killed, finished, left alone, and equal byte for byte to the night in a folder."""

import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import buckets

from pipeline import compaction, runner, scans, upkeep
from pipeline.lake import Lake

NIGHT = date(2026, 5, 5)
SETTINGS = """[scan.demo]
feed = "demo"
timezone = "America/New_York"
metric_crs = "EPSG:32618"
hours = "08:00-08:01"
cadence_s = 10.0
exempt = "a simulated city"
"""


def contents(lake: Lake) -> dict[str, bytes]:
    """Read every key but run records: they have a clock in them."""
    return {key: lake.storage.get(key) for key in lake.storage.keys() if not key.startswith(".")}  # noqa: SIM118


def test_a_night_in_a_bucket_equals_that_in_a_folder(tmp_path, s3, monkeypatch):
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    settings = tmp_path / "settings.toml"
    settings.write_text(SETTINGS)
    scan = scans.load("demo", settings)
    folder, bucket = Lake(tmp_path / "lake", "demo"), Lake("s3://bucket/night", "demo")
    _start_and_kill(bucket, settings)
    begun = set(bucket.places())
    assert begun

    for lake in (folder, bucket):
        runner.Night(scan, NIGHT, lake, map).run()
    assert contents(bucket) == contents(folder)
    assert begun <= set(bucket.places())
    assert list(upkeep.verify(bucket)) == []

    assert not any(step.fresh for step in runner.Night(scan, NIGHT, bucket, map).run())
    assert len(list(compaction.compact(bucket))) == len(list(compaction.compact(folder))) > 0
    assert not any(step.fresh for step in runner.Night(scan, NIGHT, bucket, map).run())
    assert contents(bucket) == contents(folder)
    assert list(upkeep.verify(bucket)) == []
    every = [bucket.storage.get(key) for key in bucket.storage.keys()]  # noqa: SIM118
    assert not [each for each in every if any(secret.encode() in each for secret in buckets.KEYS.values())]


def _start_and_kill(lake: Lake, settings: Path) -> None:
    """Run the night as a process of its own and kill it while it writes frames."""
    words = [sys.executable, "-m", "pipeline", "run", "demo", "--date", str(NIGHT), "--lake", lake.root]
    told = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([*words, "--settings", str(settings)], **told, cwd=Path(__file__).parents[1]) as child:
        deadline = time.monotonic() + 120
        while not lake.storage.keys("frames") and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
        os.kill(child.pid, signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
