"""What a person reads and what a machine reads: lines, JSON lines, the next command."""

import json
import logging
import sys

import pytest

from pipeline import console
from pipeline.errors import FeedError


@pytest.fixture(autouse=True)
def plain():
    yield
    console.log_as("plain")


def test_a_line_of_the_json_log_holds_the_facts_of_its_record(capsys):
    console.log_as("json")
    logging.getLogger("thoroughfare").info("step", extra={"facts": {"stage": "links", "rows": 3}})
    told = json.loads(capsys.readouterr().err)
    assert (told["event"], told["level"], told["stage"], told["rows"]) == ("step", "info", "links", 3)


def test_the_plain_log_says_warnings_and_no_steps(capsys):
    console.log_as("plain")
    logging.getLogger("thoroughfare").info("step")
    logging.getLogger("thoroughfare").warning("camera 7 has no position")
    assert capsys.readouterr().err == "camera 7 has no position\n"


def test_no_line_of_the_log_holds_a_password(capsys):
    for kind in ("plain", "json"):
        console.log_as(kind)
        logging.getLogger("thoroughfare").warning("%s answers late", "https://me:secret@cameras.example")
        told = capsys.readouterr().err
        assert "secret" not in told
        assert "https://cameras.example" in told


def test_an_error_says_where_it_was_met():
    error = FeedError("the list is empty; ask again")
    error.add_note("in cameras")
    assert console.sentence(error) == "in cameras: the list is empty; ask again"


def test_a_fault_of_the_program_names_its_kind_and_how_to_see_where():
    assert console.sentence(ZeroDivisionError("division by zero")) == (
        "ZeroDivisionError: division by zero; `thoroughfare --debug ...` shows where in the program"
    )


def test_the_next_command_is_named_to_people_and_not_to_pipes(capsys, monkeypatch):
    console.advise("thoroughfare run demo")
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    console.advise("thoroughfare run demo")
    assert "Next: thoroughfare run demo" in capsys.readouterr().out


def test_a_piped_table_is_one_line_a_row(capsys):
    console.show([{"name": "x" * 300, "share": 0.125, "none": None}], ["name", "share", "none"])
    assert capsys.readouterr().out.splitlines()[1].split() == ["x" * 300, "0.125"]


def test_scores_are_followed_by_the_next_command_and_json_by_nothing(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    console.show_scores({"recall": 0.5, "by_size": {}}, "thoroughfare report", as_json=False)
    shown = capsys.readouterr().out
    assert "recall  0.5" in shown
    assert "by_size" not in shown
    assert shown.endswith("Next: thoroughfare report\n")
    console.show_scores({"recall": 0.5}, "thoroughfare report", as_json=True)
    assert json.loads(capsys.readouterr().out) == {"recall": 0.5}


def test_what_a_terminal_would_obey_is_written_as_its_escape(capsys):
    console.show([{"name": "Bridge\x1b[2J\u202eegdirB\u2028a\u00a0b\n"}], ["name"])
    assert capsys.readouterr().out.split("\n")[1].strip() == "Bridge\\x1b[2J\\u202eegdirB\\u2028a\u00a0b\\n"
