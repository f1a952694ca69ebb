"""Commands that explain: plan, status, metrics and doctor, to people and to programs."""

import csv
import io
import json

import pytest
from typer.testing import CliRunner

from pipeline import doctor
from pipeline.__main__ import app
from pipeline.doctor import Finding

DAY = "2026-05-05"


@pytest.fixture
def ask(tmp_path):
    """Give one command in this process, on a lake that has come as far as the demo's cameras."""

    def given(*words: str):
        return CliRunner().invoke(app, [*words, "--lake", str(tmp_path)])

    given("stage", "demo", "cameras", "--date", DAY)
    return given


def test_a_plan_tells_a_person_windows_needs_terms_and_honest_use(ask):
    shown = ask("plan", "demo", "--date", DAY).stdout
    assert "2026-05-05T11Z  07:50-08:00 EDT  2400" in shown
    assert "terms: cleared; licence CC0-1.0 (simulated)" in shown
    assert "two in a row support `trajectory`" in shown


def test_a_plan_tells_a_program_the_same(ask):
    told = json.loads(ask("plan", "demo", "--date", DAY, "--json").stdout)
    assert (told["cameras"], told["pictures"], len(told["windows"])) == (8, 4800, 2)
    assert {each["what"] for each in told["estimates"]} >= {"fetched", "disk at most", "disk kept", "compute", "memory"}


def test_the_only_night_of_a_lake_is_shown_at_a_glance(ask):
    shown = ask("status").stdout
    assert "demo 2026-05-05: failed" in shown
    assert json.loads(ask("status", "--json").stdout)["cells"]["cameras"]["night"]["state"] == "done"


def test_several_nights_are_a_line_each(ask):
    ask("stage", "demo", "cameras", "--date", "2026-05-06")
    assert [line.split()[0] for line in ask("status").stdout.splitlines()] == ["scan_date", DAY, "2026-05-06"]
    assert "demo 2026-05-06: failed" in ask("status", "--date", "2026-05-06").stdout


def test_metrics_are_told_in_four_ways(ask):
    assert ask("metrics").stdout.splitlines()[1].split()[:3] == [DAY, "cameras", "1"]
    (row,) = csv.DictReader(io.StringIO(ask("metrics", "--csv").stdout))
    (told,) = json.loads(ask("metrics", "--json").stdout)
    assert (row["stage"], row["rows"]) == (told["stage"], str(told["rows"])) == ("cameras", "8")
    assert 'thoroughfare_stage_rows{scan="demo",stage="cameras"} 8.0' in ask("metrics", "--prometheus").stdout


@pytest.mark.parametrize(("state", "code"), [("ok", 0), ("optional", 0), ("warning", 0), ("missing", 1)])
def test_doctor_fails_only_where_a_night_could_not_run(ask, monkeypatch, state, code):
    monkeypatch.setattr(doctor, "CHECKS", {"part": lambda _: iter([Finding("part", state, "a note", "a mend")])})
    ended = ask("doctor")
    assert ended.exit_code == code
    assert ended.stdout.splitlines()[1].split() == ["part", state, "a", "note:", "a", "mend"]


def test_a_plan_is_chosen_within_a_budget_told_and_written(ask, tmp_path):
    path = tmp_path / "polled.toml"
    words = ["plan", "demo", "--date", DAY, "--requests", "2000", "--write", str(path)]
    shown = ask(*words).stdout
    assert "sweep: every camera every 5 s, for more would not fit into 2,000 requests" in shown
    assert "no bursts: the sweep leaves 80 requests" in shown
    assert "cadence_s = 5.0" in path.read_text()
    assert "there is such a file" in str(ask(*words).exception)
    assert json.loads(ask("plan", "demo", "--date", DAY, "--settings", str(path), "--json").stdout)["pictures"] == 1920


def test_a_budget_that_cannot_be_kept_is_refused_with_the_least_that_can(ask):
    refused = ask("plan", "demo", "--date", DAY, "--requests", "15")
    assert refused.exit_code != 0
    assert "needs 16 requests a night, and 15 are allowed" in str(refused.exception)
