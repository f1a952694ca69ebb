"""The keeping commands, on a folder and on a bucket: each says in a line what it found, and its exit code what to think of it."""

import json

import pytest
from test_lake import LINEAGE, NIGHT, PLACE, links
from typer.testing import CliRunner

from pipeline import audit
from pipeline.__main__ import app
from pipeline.commands import options
from pipeline.lake import Lake, Place
from pipeline.tables import TABLES


@pytest.fixture
def lake(root) -> Lake:
    """Return a lake with a night of cameras and links."""
    made = Lake(root, "demo")
    cameras = Place("cameras", NIGHT)
    made.commit(cameras, [made.write(cameras, 0, TABLES["cameras"].empty())], LINEAGE)
    made.commit(PLACE, [made.write(PLACE, part, links(3, part)) for part in range(3)], LINEAGE)
    return made


def ask(lake: Lake, *words: str) -> tuple[int, str]:
    ended = CliRunner().invoke(app, [*words, "--lake", lake.root], catch_exceptions=False)
    return ended.exit_code, ended.output


def test_verify_says_nothing_is_wrong(lake):
    code, told = ask(lake, "verify")
    assert code == 0
    assert f"{lake.root}/demo: nights ['2026-03-07']: nothing wrong" in told


def test_verify_tells_what_waits_and_exits_with_0(lake):
    lake.write(PLACE, 9, links(1))
    code, told = ask(lake, "verify")
    assert code == 0
    assert "in no commit yet" in told
    assert "nothing wrong; left by a run at work or cut off: 1" in told


def test_verify_tells_what_is_wrong_and_exits_with_7(lake):
    lake.storage.delete(f"{PLACE.folder}/{lake.files(PLACE)[0].name}")
    code, told = ask(lake, "verify")
    assert code == 7
    assert "committed but missing" in told
    assert json.loads(ask(lake, "verify", "--json")[1])["faults"][0]["where"] == "files"


def test_expire_tells_what_went_and_proves_that_nothing_is_left(lake, monkeypatch):
    lake.write(PLACE, 9, links(1))
    ask(lake, "compact")
    late = options.now() + audit.GRACE * 2
    monkeypatch.setattr("pipeline.commands.curate.now", lambda: late)
    code, told = ask(lake, "expire", "--prove")
    assert code == 0
    assert "0 files expired; collected 1 orphan, 3 superseded; 0 left" in told
    monkeypatch.setattr("pipeline.commands.curate.now", lambda: late + audit.GRACE * 9)
    assert json.loads(ask(lake, "expire", "--prove", "--json")[1])["expired"].keys() == {PLACE.folder}
    assert ask(lake, "verify")[0] == 0


def test_a_file_that_should_be_gone_and_is_not_fails_the_proof(lake, monkeypatch):
    monkeypatch.setattr("pipeline.commands.curate.now", lambda: options.now() + audit.GRACE * 9)
    monkeypatch.setattr("pipeline.upkeep.expire", lambda *_: [])
    code, told = ask(lake, "expire", "--prove", "--json")
    assert code == 7
    assert json.loads(told)["left"] == [PLACE.folder]


def test_compact_tells_how_many_files_became_how_many(lake):
    assert "1 places compacted, 3 files into 1" in ask(lake, "compact", "--before", "2026-03-08")[1]
    assert "0 places compacted" in ask(lake, "compact")[1]
    assert json.loads(ask(lake, "compact", "--json")[1]) == []


def test_revisions_and_trace_show_a_file_and_all_it_follows_from(lake):
    ask(lake, "compact")
    told = ask(lake, "revisions", "--table", "links")[1]
    assert "compacted from revision 1" in told
    (record,) = [each["record"] for each in json.loads(ask(lake, "revisions", "--json")[1]) if each["revision"] == 2]
    assert record["lineage"] == LINEAGE
    (file,) = lake.files(PLACE)
    assert file.sha256 in ask(lake, "revisions", "--files", "--date", str(NIGHT))[1]
    assert f"{PLACE.folder}  2" in ask(lake, "trace", file.name)[1]
    assert json.loads(ask(lake, "trace", file.name, "--json")[1])[0]["place"] == PLACE.folder
