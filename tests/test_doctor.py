"""Doctor: every part answers in time, a broken part is a finding with its mend, and nothing it examines is changed."""

import json
import os
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from pipeline import doctor, feeds, plans, scans
from pipeline.doctor import Finding, Subject, machine, surroundings
from pipeline.lake import Lake, Place
from pipeline.tables import TABLES

DEMO = scans.load("demo", scans.bundled())
NIGHTS = replace(DEMO, hours="22:00-06:00")
NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)


def found(check, **subject) -> dict[str, Finding]:
    return {each.part: each for each in check(Subject(**subject))}


def test_every_missing_or_hurting_part_names_its_mend():
    parts = [*machine.software(Subject()), *machine.models(Subject()), *machine.extras(Subject())]
    assert {each.state for each in parts} <= {"ok", "optional"}
    assert all(each.mend for each in parts if each.state != "ok")


def test_a_check_that_does_not_answer_is_a_warning_in_time(monkeypatch):
    def sleeps(_):
        time.sleep(60)
        yield Finding("never", "ok", "")

    monkeypatch.setattr(doctor, "LIMIT_S", 0.2)
    monkeypatch.setattr(doctor, "CHECKS", {"slow": sleeps, "extras": machine.extras})
    begun = time.monotonic()
    slow, *others = doctor.examine(Subject())
    assert (slow.part, slow.state) == ("slow", "warning")
    assert [each.part for each in others] == ["airflow", "chromium"]
    assert time.monotonic() - begun < 10


def test_the_decoders_sandbox_is_told_part_by_part(monkeypatch):
    whole = found(machine.decoding)["decoder"]
    assert whole.state == "ok"
    assert "512 MiB" in whole.note
    monkeypatch.setattr(machine.decoder, "parts", lambda: {"memory": "512 MiB", "user": "", "files": "", "network": ""})
    poor = found(machine.decoding)["decoder"]
    assert (poor.state, poor.note.partition("not held: ")[2]) == ("warning", "user, files, network")
    assert poor.mend


def test_a_check_that_breaks_is_a_finding(monkeypatch):
    monkeypatch.setattr(doctor, "CHECKS", {"odd": lambda _: (1 // n for n in [0])})
    (odd,) = doctor.examine(Subject())
    assert (odd.part, odd.state, odd.note) == (
        "odd",
        "missing",
        "ZeroDivisionError: integer division or modulo by zero",
    )


@pytest.mark.parametrize(
    ("cuda", "seen", "cards", "state", "note"),
    [
        (False, 0, [], "ok", "no NVIDIA GPU here"),
        (False, 0, ["H100"], "warning", "built for processors only"),
        (True, 1, ["H100", "H100"], "warning", "sees 1 of 2"),
        (True, 2, ["H100", "H100"], "ok", "sees all 2"),
    ],
)
def test_tensorflows_gpus_are_held_against_the_drivers(cuda, seen, cards, state, note):
    finding = machine.gpu({"cuda": cuda, "gpus": seen}, cards)
    assert finding.state == state
    assert note in finding.note
    assert bool(finding.mend) == (state == "warning")


def test_the_driver_is_asked_for_its_cards(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA H100 80GB HBM3, 570.86'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert machine._cards() == ["NVIDIA H100 80GB HBM3 (driver 570.86)"]


def test_a_crash_of_tensorflow_is_a_finding_and_not_ours(monkeypatch):
    monkeypatch.setattr(machine, "TENSORFLOW", "import os; os.abort()")
    finding = found(machine.tensorflow)["tensorflow"]
    assert (finding.state, finding.note) == ("missing", "ended with -6: no word")


def test_a_scheduler_that_is_no_address_is_a_fault_in_a_sentence():
    assert "nonsense" in machine.answered(0, "nonsense")["fault"]


@pytest.mark.parametrize(
    ("told", "state", "note"),
    [
        ({"seconds": 1.5, "others": {}}, "ok", "a worker answered in 1.5 s; its versions are ours"),
        ({"seconds": 1.5, "others": {"numpy": "1.0"}}, "warning", "other versions: {'numpy': '1.0'}"),
        ({"fault": "nobody answers at tls://host:8786; start it"}, "missing", "nobody answers"),
    ],
)
def test_what_a_worker_answers_is_a_finding(monkeypatch, told, state, note):
    monkeypatch.setattr(machine, "DASK", f"print({json.dumps(json.dumps(told))})")
    finding = found(machine.dask)["dask"]
    assert finding.state == state
    assert note in finding.note


def test_a_worker_that_never_answers_is_ended(monkeypatch):
    monkeypatch.setattr(machine, "DASK", "import time; time.sleep(60)")
    monkeypatch.setattr(machine, "LIMIT_S", 1.5)
    assert found(machine.dask)["dask"].state == "warning"


@pytest.mark.parametrize(
    ("zone", "change"),
    [("America/New_York", (date(2026, 3, 8), 1.0)), ("Europe/London", (date(2026, 3, 29), 1.0)), ("Asia/Tokyo", None)],
)
def test_the_next_change_of_the_clocks_is_named(zone, change):
    assert surroundings.clock_change(zone, NOW.date()) == change


def test_the_night_of_the_change_is_named_with_its_windows():
    note = found(surroundings.timezone, scan=NIGHTS, now=NOW)["clock change"].note
    assert "2026-03-08 by +1 h" in note
    assert "2026-03-07 has 7 windows" in note


def test_a_feed_that_is_not_cleared_is_not_asked(monkeypatch):
    asked = []
    feed = replace(feeds.load("demo"), cleared=False, cameras=asked.append)
    monkeypatch.setattr(feeds, "load", lambda _: feed)
    finding = found(surroundings.feed, scan=DEMO)["feed demo"]
    assert finding.state == "missing"
    assert "not cleared" in finding.note
    assert asked == []


def test_a_feed_tells_its_cameras_and_its_licence():
    assert "8 cameras" in found(surroundings.feed, scan=DEMO)["feed demo"].note


def test_too_little_room_is_missing(monkeypatch):
    monkeypatch.setattr(plans.room, "free_bytes", lambda _: 10**9)
    monkeypatch.setattr(plans.room, "available_mb", lambda: 100)
    parts = found(surroundings.room, scan=DEMO, now=NOW)
    assert (parts["disk"].state, parts["memory"].state) == ("missing", "warning")


def test_a_lake_is_written_to_and_left_as_it_was(tmp_path):
    assert found(surroundings.lake, lake=Lake(tmp_path, "demo"))["lake"].state == "ok"
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_lake_whose_keys_can_be_created_twice_is_missing(tmp_path):
    lake = Lake(tmp_path, "demo")
    put = lake.storage.put
    lake.storage.put = lambda key, content: Path(tmp_path, "demo", key).unlink(missing_ok=True) or put(key, content)
    finding = found(surroundings.lake, lake=lake)["lake"]
    assert finding.state == "missing"
    assert "twice" in finding.note


def test_a_clock_behind_the_lake_is_missing(tmp_path):
    lake, place = Lake(tmp_path, "demo"), Place("cameras", date(2026, 5, 5))
    lake.commit(place, [lake.write(place, 0, TABLES["cameras"].empty())], {"scan_date": "2026-05-05"})
    ahead = (datetime.now(UTC) + timedelta(hours=1)).timestamp()
    for path in tmp_path.rglob("commit-*.json"):
        os.utime(path, (ahead, ahead))
    states = [each.state for each in surroundings.clock(Subject(lake=lake))]
    assert "missing" in states
