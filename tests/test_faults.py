"""All bad inputs of tests/faults end in the stated class, each by the product's own doors, and nothing beside them is lost."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.faults import pages
from tests.faults.__main__ import INPUTS
from tests.faults.rows import GROUPS, Input, Row, Seen, markdown

HERE = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Run them all, as `make faults` does."""
    file = tmp_path_factory.mktemp("faults") / "seen.json"
    words = [sys.executable, "-m", "tests.faults", "--json", str(file)]
    done = subprocess.run(words, cwd=HERE, capture_output=True, text=True, check=False)
    assert file.exists(), done.stderr[-2000:]
    assert len(done.stdout.splitlines()) >= len(INPUTS) + 1
    return json.loads(file.read_text()) | {"code": done.returncode, "last": done.stdout.splitlines()[-1]}


def test_there_are_111_bad_inputs_each_with_a_name_of_its_own():
    assert Counter(each.group for each in INPUTS) == GROUPS
    assert sum(GROUPS.values()) == len({(each.group, each.name) for each in INPUTS}) == 111
    assert all(each.what and each.expected and each.why for each in INPUTS)


@pytest.mark.parametrize("each", INPUTS, ids=lambda each: f"{each.group}/{each.name}")
def test_every_bad_input_ends_in_its_class(told: dict, each: Input):
    (row,) = [row for row in told["rows"] if (row["group"], row["name"]) == (each.group, each.name)]
    assert row["seen"].startswith(each.expected)
    assert (row["wrong"], row["ok"]) == ("", True)


def test_nothing_stops_the_scan_and_nothing_beside_them_is_lost(told: dict):
    assert told["besides"] == []
    assert told["code"] == 0
    assert told["last"].startswith("111 of 111 ")


def test_a_class_other_than_the_stated_one_is_told():
    wanted = Input("images", "gif", "a GIF", "missed: not a picture", "so")
    assert Row(wanted, Seen("missed: not a picture: GIF")).ok
    for seen in (Seen("ok"), Seen("missed: not a picture: GIF", "it ran")):
        assert not Row(wanted, seen).ok
        assert Row(wanted, seen).line().startswith("NOT  images/gif: a GIF: ")
        assert "NOT AS STATED" in markdown([Row(wanted, seen)])


def test_the_page_names_every_bad_input_as_it_is():
    page = (HERE / "docs" / "bad_input.md").read_text(encoding="utf-8")
    named = [
        tuple(cell.strip() for cell in line.split("|")[1:3]) for line in page.splitlines() if line.startswith("| ")
    ]
    assert [each for each in named if each[0] in GROUPS] == [(each.group, f"`{each.name}`") for each in INPUTS]
    assert "NOT AS STATED" not in page


def test_a_page_that_runs_a_name_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pages, "CHROMIUM", tmp_path / "absent")
    page = tmp_path / "page.html"
    page.write_text('<img src="x" onerror="window.owned=1"><script>const name = "<script>window.owned=1"</script>')
    assert pages.judged(page) == ["<img src=x>", "<img onerror>", "a name stands unescaped in a script", "no policy"]


def test_a_browser_tells_what_ran(chromium: Path, tmp_path: Path):
    page = tmp_path / "page.html"
    page.write_text('<meta http-equiv="Content-Security-Policy" content="img-src *"><p>&lt;script&gt;</p>')
    assert (chromium.exists(), pages.judged(page)) == (True, [])
    page.write_text(page.read_text() + "<script>window.owned = 1</script>")
    assert pages.judged(page) == ["a script of a name ran: 1"]
