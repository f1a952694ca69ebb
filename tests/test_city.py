"""A thousand cameras of three feeds are planned, looked at and run against a city on this machine, faults and all."""

import json
import subprocess
import sys
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest
from city import HANGS, KINDS, LTA, SHAPES, STATES, City
from loopback import FAULTS
from typer.testing import CliRunner, Result

from pipeline import clusters
from pipeline.__main__ import app
from pipeline.fetcher import manners
from pipeline.lake import Lake, Place
from pipeline.runner import Night
from pipeline.scans import Scan, Window
from pipeline.stages import stage

ZONES = {"tfl_jamcams": "Europe/London", "caltrans_cwwp2": "America/Los_Angeles", "lta_sg": "Asia/Singapore"}
CAMERAS = len(KINDS) + 4
"""Each kind of fault once, and four sound cameras."""
REHEARSAL = {"at_once": 16, "deadline_s": 1.0, "rehearsal_interval_s": 1.0}
SETTINGS = """
[scan.city]
feed = "{feed}"
timezone = "{zone}"
metric_crs = "EPSG:3857"
hours = "00:00-24:00"
cadence_s = 300.0
snapshots = {{at_once = 16, deadline_s = 1.0}}
"""


@pytest.fixture(params=SHAPES)
def feed(request: pytest.FixtureRequest) -> str:
    manners.forget()
    return request.param


@pytest.fixture
def given(feed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Give a command about the scan in a folder that holds its settings alone."""
    (tmp_path / "settings.toml").write_text(SETTINGS.format(feed=feed, zone=ZONES[feed]))
    monkeypatch.chdir(tmp_path)

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(app, words)

    return invoke


def test_a_night_of_the_city_is_planned_with_one_question_for_its_list(feed, given):
    with City({feed: 120}) as city:
        asked = given("plan", "city", "--date", "2026-05-05", "--source", city.url, "--json")
        pictures = [path for path, _ in city.asked if path.endswith(".jpg")]
    planned = json.loads(asked.stdout)
    assert (planned["cameras"], planned["pictures"]) == (120, 120 * 24 * 12)
    assert planned["terms"]["cleared"]
    assert pictures == []


def test_a_look_at_the_city_tells_every_camera_by_its_state_and_keeps_nothing(feed, given, tmp_path):
    with City({feed: CAMERAS}, faulty=len(KINDS) / CAMERAS, widest_px=640) as city:
        asked = given("cameras", "check", "city", "--sample", "0", "--source", city.url, "--json")
        wrong = {f"{feed}:{native}": fault for native, fault in city.faults(feed).items()}
    found = json.loads(asked.stdout)
    shown = {each["camera_id"]: (wrong[each["camera_id"]], each["state"]) for each in found["cameras"]}
    assert len(shown) == found["listed"] == CAMERAS
    assert {name: each for name, each in shown.items() if each[1] != _first(each[0])} == {}
    assert sum(found["states"].values()) == CAMERAS
    assert [path.name for path in tmp_path.iterdir()] == ["settings.toml"]


def test_a_window_of_the_city_is_run_and_every_slot_ends_in_its_state(feed, tmp_path):
    scan = Scan(
        "city", feed, "UTC", "EPSG:3857", hours="00:00-24:00", cadence_s=3.0, shard_cameras=30, stages={"snapshots": REHEARSAL}
    )  # fmt: skip
    with (
        City({feed: CAMERAS}, faulty=len(KINDS) / CAMERAS, cadence_s=2.0, widest_px=640) as city,
        clusters.spread() as alone,
    ):
        begins = datetime.now(UTC) + timedelta(seconds=1.5)
        night = Night(replace(scan, source=city.url), scan.night_of(begins), Lake(tmp_path, "city"), alone)
        hour = begins.replace(minute=0, second=0, microsecond=0)
        night.windows = [Window(hour, begins, begins + timedelta(seconds=6))]
        night.ensure(stage("cameras"), None)
        for table in ("snapshots", "frames"):
            night.ensure(stage(table), night.windows[0])
        wrong = {f"{feed}:{native}": fault for native, fault in city.faults(feed).items()}
        frames = night.lake.read([Place.of("frames", hour)]).to_pylist()
    states = defaultdict(list)
    for frame in sorted(frames, key=lambda frame: frame["slot_at"]):
        states[frame["camera_id"]].append(frame["state"])
    assert set(states) == set(wrong)
    assert {len(shown) for shown in states.values()} == {2}
    expected = {name: [_first(fault), STATES.get(fault, "ok")] for name, fault in wrong.items()}
    assert {name: (wrong[name], each) for name, each in states.items() if each != expected[name]} == {}


def test_the_city_is_started_by_a_person():
    words = [sys.executable, str(Path(__file__).with_name("city.py")), "--feed", "lta_sg=30", "--faulty", "0.1"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        url = server.stdout.readline().strip()
        listed = json.load(urlopen(url + LTA))
        server.terminate()
    assert sum(len(batch["cameras"]) for batch in listed["items"]) == 30


def test_the_city_knows_the_end_of_every_fault_of_the_loopback_server():
    assert set(FAULTS) < set(STATES)
    assert set(HANGS) < set(KINDS)


def _first(fault: str) -> str:
    """Return the state of the first picture: one alone does not tell that a camera is frozen."""
    return "ok" if fault == "frozen" else STATES.get(fault, "ok")
