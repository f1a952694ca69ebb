"""Answers in the forms people want them: nothing a spreadsheet runs, a feature a row, no more rows than fit."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import h3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from builders import NIGHT, camera, rows
from typer.testing import CliRunner

from pipeline import answers
from pipeline.__main__ import app
from pipeline.errors import SettingsError, StorageError
from pipeline.lake import Lake, Place

CELL = h3.latlng_to_cell(40.7, -74.0, 9)


def answer(**columns: list) -> pa.RecordBatchReader:
    return pa.table(columns).to_reader(max_chunksize=2)


def csv_of(**columns: list) -> str:
    answers.to_csv(answer(**columns), out := io.StringIO())
    return out.getvalue()


def features(**columns: list) -> list[dict]:
    answers.to_geojson(answer(**columns), out := io.StringIO(), {"a": (-74.0, 40.7)})
    return json.loads(out.getvalue())["features"]


def test_csv_is_run_by_no_spreadsheet_in_cells_or_in_headers():
    found = csv_of(**{"=cmd()": ["+1", "plain", "@x"], "n": [-1, 2, 3]})
    assert found.splitlines() == ["'=cmd(),n", "'+1,-1", "plain,2", "'@x,3"]
    assert csv_of(name=["a\x1b[31m"]).splitlines()[1] == r"a\x1b[31m"
    assert csv_of(ids=[["=1", "b"]], raw=[b"\x01"]).splitlines()[1] == '"[""=1"", ""b""]",01'


def test_json_of_no_row_is_an_empty_array_and_of_many_a_row_a_line():
    answers.to_json(answer(a=[]), out := io.StringIO())
    assert json.loads(out.getvalue()) == []
    at = datetime(2026, 5, 5, 12, tzinfo=UTC)
    answers.to_json(answer(at=[at, at, None], share=[Decimal("1.5"), Decimal("2.0"), None]), out := io.StringIO())
    assert json.loads(out.getvalue())[0] == {"at": "2026-05-05T12:00:00+00:00", "share": 1.5}
    assert out.getvalue().count("\n{") == 3


def test_a_row_becomes_a_feature_by_what_says_where_it_is():
    (point,) = features(lon=[-74.0], lat=[40.7], n=[1])
    assert point["geometry"] == {"type": "Point", "coordinates": [-74.0, 40.7]}
    (line,) = features(geometry=[shapely.LineString([(0, 0), (1, 1)]).wkb], n=[1])
    assert (line["geometry"]["type"], line["properties"]) == ("LineString", {"n": 1})
    known, unknown = features(camera_id=["a", "b"])
    assert (known["geometry"]["coordinates"], unknown["geometry"]) == ([-74.0, 40.7], None)


def test_a_cell_is_drawn_around_its_middle():
    cell, none = features(cell=[CELL, None])
    ring = shapely.geometry.shape(cell["geometry"])
    lat, lon = h3.cell_to_latlng(CELL)
    assert ring.contains(shapely.Point(lon, lat))
    assert ring.exterior.is_ccw, "RFC 7946"
    assert none["geometry"] is None


def test_rows_without_a_place_are_no_features():
    with pytest.raises(SettingsError, match="says where"):
        features(n=[1])


def test_of_many_rows_the_first_are_shown_and_the_others_counted():
    shown, left = answers.first(answer(n=list(range(7)), long=["x" * 500] * 7), 3)
    assert ([row["n"] for row in shown], left) == ([0, 1, 2], 4)
    assert shown[0]["long"].endswith("... (500 signs)")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Commit the cameras of a night."""
    lake, place = Lake(tmp_path / "lake", "demo"), Place("cameras", NIGHT.date())
    file = lake.write(place, 0, rows("cameras", camera("a", name="=Bridge"), camera("b", name="Ramp")))
    lake.commit(place, [file], {"scan_date": str(NIGHT.date())})
    return tmp_path / "lake"


def ask(root: Path, *words: str):
    return CliRunner().invoke(app, ["sql", *words, "--lake", str(root)])


def test_each_form_is_written_whole_to_its_file(root: Path, tmp_path: Path):
    parquet, geojson, table = tmp_path / "a.parquet", tmp_path / "a.geojson", tmp_path / "a.csv"
    statement = "SELECT camera_id, name FROM cameras ORDER BY ALL"
    assert ask(root, statement, "--parquet", str(parquet)).exit_code == 0
    assert ask(root, statement, "--geojson", str(geojson)).exit_code == 0
    assert ask(root, statement, "--csv", "--out", str(table)).exit_code == 0
    assert pq.read_table(parquet)["name"].to_pylist() == ["=Bridge", "Ramp"]
    assert [each["properties"]["camera_id"] for each in json.loads(geojson.read_text())["features"]] == ["a", "b"]
    assert table.read_text().splitlines()[1] == "a,'=Bridge"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.geojson", "a.parquet", "lake"]


def test_an_answer_that_fails_leaves_the_file_that_was_there(root: Path, tmp_path: Path):
    target = tmp_path / "a.csv"
    target.write_text("before")
    failing = "SELECT CAST(name AS INTEGER) AS n FROM cameras"
    assert ask(root, failing, "--csv", "--out", str(target)).exit_code == 1
    assert [path.name for path in tmp_path.iterdir() if path.name != "lake"] == ["a.csv"]
    assert target.read_text() == "before"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["FROM cameras", "--csv", "--json"], "one form at a time"),
        (["FROM cameras", "--out", "a.csv"], "goes with --csv or --json"),
        (["FROM cameras", "--date", "2026-03-03", "--from", "2026-03-01"], "use one or the other"),
        (["FROM cameras", "--from", "2026-09-01"], "is after the last night"),
        ([], "nothing is asked"),
    ],
)
def test_what_cannot_be_is_told_with_its_mend(root: Path, words: list[str], told: str):
    ended = ask(root, *words)
    assert isinstance(ended.exception, SettingsError)
    assert told in str(ended.exception)


def test_a_folder_that_is_not_there_is_said_in_a_sentence(root: Path, tmp_path: Path):
    ended = ask(root, "FROM cameras", "--csv", "--out", str(tmp_path / "none" / "a.csv"))
    assert isinstance(ended.exception, StorageError)


def test_the_cookbook_is_listed_with_what_each_question_asks(root: Path):
    assert "cookbook/peak_hour_by_camera" in ask(root, "--list").stdout


def test_left_out_rows_are_counted(root: Path):
    assert "1 more rows, 2 in all" in ask(root, "FROM cameras", "--rows", "1").stdout


def test_ctrl_c_ends_a_long_question_in_a_sentence(root: Path):
    endless = "SELECT sum(hash(a.range + b.range)) AS n FROM range(10000000) AS a, range(10000000) AS b"
    code = "from pipeline.__main__ import main; main()"
    words = [sys.executable, "-c", code, "sql", endless, "--lake", str(root)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as asked:
        made = root / "demo" / "thoroughfare.duckdb"
        until = time.monotonic() + 60
        while not made.is_file() and time.monotonic() < until:
            time.sleep(0.05)
        os.kill(asked.pid, signal.SIGINT)
        _, said = asked.communicate(timeout=60)
    assert (asked.returncode, said.count("\n")) == (130, 1)
    assert "stopped" in said
