"""Commands that make nights: one stage, nights on end, and what a full disk refuses."""

import json
import signal
from contextlib import contextmanager
from datetime import date

import pytest
from typer.testing import CliRunner

from pipeline import clusters, metrics, plans
from pipeline.__main__ import app
from pipeline.commands import operate
from pipeline.errors import FeedError, PrivacyError, SettingsError, SpaceError
from pipeline.lake import Lake
from pipeline.tables import SNAPSHOTS

DAY = "2026-05-05"
SETTINGS = """
[scan.demo]
feed = "demo"
timezone = "America/New_York"
metric_crs = "EPSG:32618"
hours = "07:59-08:01"
cadence_s = 30.0
"""


@pytest.fixture
def ask(tmp_path):
    """Give one command of the demo's two minutes, in this process."""
    settings = tmp_path / "settings.toml"
    settings.write_text(SETTINGS)

    def given(*words: str):
        return CliRunner().invoke(app, [*words, "--lake", str(tmp_path), "--settings", str(settings)])

    return given


def test_a_stage_answers_in_one_line_of_json(ask, tmp_path):
    answer = json.loads(ask("stage", "demo", "cameras", "--date", DAY).stdout)
    assert (answer["table"], answer["rows"], answer["fresh"], answer["parts"]) == ("cameras", 8, True, [0, 1, 2, 3])
    held = json.loads(ask("stage", "demo", "snapshots", "--date", DAY, "--window", "1", "--part", "2").stdout)
    assert held == {"table": "snapshots", "window": "2026-05-05T12Z", "part": 2, "rows": 4}
    assert [(run.stage, run.part) for run in metrics.read(Lake(tmp_path, "demo"))] == [
        ("cameras", None),
        ("snapshots", 2),
    ]


def test_a_window_the_night_does_not_have_is_nothing_to_do(ask):
    ask("stage", "demo", "cameras", "--date", DAY)
    assert ask("stage", "demo", "snapshots", "--date", DAY, "--window", "2").exit_code == operate.NO_SUCH_WINDOW


def test_a_stage_of_windows_asks_which_one(ask):
    ask("stage", "demo", "cameras", "--date", DAY)
    ended = ask("stage", "demo", "frames", "--date", DAY)
    assert isinstance(ended.exception, SettingsError)
    assert "--window 0 to 1" in str(ended.exception)


def test_a_night_without_room_is_not_begun(ask, tmp_path, monkeypatch):
    monkeypatch.setattr(plans.room, "free_bytes", lambda _: 0)
    ended = ask("run", "demo", "--date", DAY)
    assert isinstance(ended.exception, SpaceError)
    assert ended.exception.__notes__ == ["in snapshots of 2026-05-05T11Z"]
    assert {place.table for place in Lake(tmp_path, "demo").places()} == {"cameras", "roads"}
    assert metrics.read(Lake(tmp_path, "demo"))[-1].fault.startswith("SpaceError: ")


def test_a_stage_without_room_is_not_begun_unless_told_to(ask, monkeypatch):
    monkeypatch.setattr(plans.room, "free_bytes", lambda _: 0)
    ask("stage", "demo", "cameras", "--date", DAY)
    words = ("stage", "demo", "snapshots", "--date", DAY, "--window", "0")
    assert isinstance(ask(*words).exception, SpaceError)
    assert json.loads(ask(*words, "--no-preflight").stdout)["rows"] == 16


def test_little_memory_is_a_warning(ask, monkeypatch):
    monkeypatch.setattr(plans.room, "available_mb", lambda: 1)
    monkeypatch.setattr(plans.room, "memory", lambda *_: (900, "measured"))
    monkeypatch.setattr("pipeline.snapshots.fetch", lambda **_: SNAPSHOTS.empty())
    told = ask("run", "demo", "--date", DAY).stderr
    assert "1 MiB of memory available, a run needs 900 (measured): use fewer --workers" in told


def test_a_night_that_fails_does_not_stop_the_others(ask, monkeypatch):
    faults = {date(2026, 5, 6): FeedError("no answer; ask again"), date(2026, 5, 7): PrivacyError("not cleared; ask")}
    done = []

    def night(_scan, on, *_, **__):
        done.append(on)
        if on in faults:
            raise faults[on]

    monkeypatch.setattr(operate, "run_night", night)
    ended = ask("backfill", "demo", "--from", DAY, "--to", "2026-05-08")
    assert [on.day for on in done] == [5, 6, 7, 8]
    assert ended.exit_code == FeedError.exit_code
    assert "2026-05-06: no answer; ask again" in ended.stderr
    rows = [line.split() for line in ended.stdout.splitlines()[1:5]]
    assert [row[1] for row in rows] == ["completed", "failed", "failed", "completed"]


def test_a_backfill_speaks_json_and_runs_backwards(ask, monkeypatch):
    monkeypatch.setattr(operate, "run_night", lambda *_, **__: None)
    ended = ask("backfill", "demo", "--from", DAY, "--to", "2026-05-07", "--run-backwards", "--json")
    assert [row["scan_date"] for row in json.loads(ended.stdout)] == ["2026-05-07", "2026-05-06", DAY]


def test_a_backfill_leaves_what_it_was_not_asked_to_do_again(ask, monkeypatch):
    ask("stage", "demo", "cameras", "--date", DAY)
    done = []
    monkeypatch.setattr(operate, "run_night", lambda _scan, on, *_, **__: done.append(on.day))
    ask("backfill", "demo", "--from", DAY, "--to", "2026-05-06", "--reprocess", "none")
    ask("backfill", "demo", "--from", DAY, "--to", "2026-05-06", "--reprocess", "failed")
    assert done == [6, 5, 6]


def test_days_in_the_wrong_order_are_a_sentence(ask):
    ended = ask("backfill", "demo", "--from", "2026-05-08", "--to", DAY)
    assert isinstance(ended.exception, SettingsError)
    assert "swap them" in str(ended.exception)


def test_workers_start_deaf_to_ctrl_c_and_the_run_does_not_stay_so(monkeypatch):
    heard = []

    @contextmanager
    def spread(*_):
        heard.append(signal.getsignal(signal.SIGINT))
        yield map

    monkeypatch.setattr(clusters, "spread", spread)
    before = signal.getsignal(signal.SIGINT)
    with operate._started(2, ""):
        assert signal.getsignal(signal.SIGINT) is before
    assert heard == [signal.SIG_IGN]
