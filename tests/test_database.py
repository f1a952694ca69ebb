"""The database beside a lake: what it holds and says, and what a question over it cannot reach."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import h3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import NIGHT, at, camera, frame, link, rows, single, trajectory

from pipeline import asking, database, desk, looks, query
from pipeline.errors import IntegrityError, PipelineError, PrivacyError, StorageError, WindowNotFoundError
from pipeline.lake import Lake, Place
from pipeline.scans import Scan
from pipeline.tables import TABLES

DAY = NIGHT.date()
NEXT = DAY + timedelta(days=1)
SCAN = Scan("fdr", "archive", "America/New_York", "EPSG:32618", k=2)
FLOW = pa.table({"camera_id": ["a"], "vehicles": [12], "support": [12]})


def put(lake: Lake, table: str, found: pa.Table, night=DAY) -> Path:
    place = Place(table, night)
    file = lake.write(place, 0, found)
    lake.commit(place, [file], {"scan_date": str(night), "rows": file.sha256})
    return Path(lake.root) / lake.scan / place.folder / file.name


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Commit two nights: cameras, frames, sightings, a product, one link and one trajectory."""
    made = Lake(tmp_path, "fdr")
    for night in (DAY, NEXT):
        put(made, "cameras", rows("cameras", camera("a", name="=Bridge")), night)
        put(made, "sightings", rows("sightings", *(single(f"{night}{n}", "a", n) for n in range(3))), night)
        put(made, "products/flow", FLOW, night)
    put(made, "frames", rows("frames", frame("a", 0), frame("a", 6, "dark")))
    put(made, "links", rows("links", link("1", "2")))
    put(made, "trajectories", rows("trajectories", trajectory("t", [("1", "a", 0), ("2", "b", 9)])))
    put(made, "snapshots", TABLES["snapshots"].empty())
    return made


def ask(lake: Lake, statement: str, first=None, night=DAY, purpose: str = "") -> list[dict]:
    with asking.answering(statement, desk.Desk(lake, SCAN, night, purpose, NIGHT), first) as question:
        return question.put().read_all().to_pylist()


@pytest.fixture
def opened(lake: Lake, monkeypatch):
    """Open the database as a person would, in the folder it lies in."""
    path = database.refresh(lake, SCAN)
    assert path
    monkeypatch.chdir(path.parent)
    with duckdb.connect(path, read_only=True) as connection:
        yield connection


def test_views_stand_on_relative_paths_and_bear_the_night(opened):
    assert opened.execute("SELECT scan_date, count(*) FROM sightings GROUP BY ALL ORDER BY ALL").fetchall() == [
        (DAY, 3), (NEXT, 3),
    ]  # fmt: skip
    assert opened.execute("SELECT count(DISTINCT scan_date) FROM passings").fetchone() == (2,)
    assert opened.execute("SELECT sum(vehicles)::INT FROM flow WHERE scan_date = $1", [DAY]).fetchone() == (12,)


def test_no_single_vehicle_no_pixel_and_no_vector_is_in_the_file(opened):
    there = {name for (name,) in opened.execute("SELECT name FROM (SHOW ALL TABLES)").fetchall()}
    assert {"cameras", "frames", "sightings", "flow", "files", "sanity", "about"} <= there
    assert not there & {*looks.SINGLED_OUT, *database.HIDDEN, "legs"}
    assert not opened.execute("FROM files WHERE table_name IN ('links', 'trajectories', 'snapshots')").fetchall()


def test_every_table_and_column_of_the_line_says_what_it_is(opened):
    silent = "FROM duckdb_columns() SELECT table_name, column_name WHERE comment IS NULL AND NOT internal"
    assert {table for table, _ in opened.execute(silent).fetchall()} <= {"flow"}, "a product of this test's own"
    silent = "SELECT table_name FROM duckdb_tables() WHERE comment IS NULL UNION SELECT view_name FROM duckdb_views() "
    assert not opened.execute(f"{silent} WHERE comment IS NULL AND NOT internal").fetchall()


def test_a_moved_database_says_what_to_do(lake: Lake, tmp_path: Path, monkeypatch):
    path = database.refresh(lake, SCAN)
    assert path
    monkeypatch.chdir(tmp_path.parent)
    away = shutil.copy(path, tmp_path / "away.duckdb")
    with duckdb.connect(away, read_only=True) as connection:
        connection.execute(f"SET file_search_path = '{tmp_path / 'nowhere'}'")
        files, missing, _, message = connection.execute("FROM sanity").fetchall()[0]
        assert (files, missing) == (7, 7)
        assert "file_search_path" in message


def test_macros_know_haversine_the_clocks_and_parents_of_cells(opened):
    cell = h3.latlng_to_cell(40.7, -74.0, 9)
    found = opened.execute("SELECT h3_parent($1, 7), h3_parent($1, 12), local_time($2)", [cell, NIGHT]).fetchone()
    assert found == (h3.cell_to_parent(cell, 7), None, (NIGHT - timedelta(hours=5)).replace(tzinfo=None))


def test_h3_parent_is_that_of_the_h3_library_at_every_resolution():
    cells = [h3.latlng_to_cell(lat, 7.3 * lat, fine) for lat in range(-88, 89, 4) for fine in range(16)]
    asked = "SELECT cell, n::INT AS n, h3_parent(cell, n) AS parent FROM cells, range(16) AS t (n) WHERE n <= h3_resolution(cell)"
    found = query.ask(asked, {"cells": pa.table({"cell": cells})}).to_pylist()
    assert len(found) == len(cells) // 16 * sum(range(1, 17))
    assert all(row["parent"] == h3.cell_to_parent(row["cell"], row["n"]) for row in found)


def test_one_night_is_asked_as_it_was_and_several_bear_their_date(lake: Lake):
    assert ask(lake, "SELECT count(*) AS n FROM sightings") == [{"n": 3}]
    assert "scan_date" not in ask(lake, "FROM frames")[0]
    assert ask(lake, "SELECT count(DISTINCT scan_date) AS n FROM passings", DAY, NEXT) == [{"n": 2}]
    assert ask(lake, "SELECT count(*) AS n FROM flow", DAY, NEXT) == [{"n": 2}]


def test_a_database_out_of_date_is_made_again_before_it_answers(lake: Lake):
    assert ask(lake, "SELECT count(*) AS n FROM flow") == [{"n": 1}]
    put(lake, "products/flow", pa.concat_tables([FLOW, FLOW]))
    assert ask(lake, "SELECT count(*) AS n FROM flow") == [{"n": 2}]


def test_a_lake_that_may_not_be_written_is_answered_all_the_same(lake: Lake, monkeypatch, caplog):
    def refuse(*_: object) -> None:
        raise StorageError("the disk is read-only")

    monkeypatch.setattr(lake.storage, "replace", refuse)
    assert ask(lake, "SELECT count(*) AS n FROM frames") == [{"n": 2}]
    assert "for this question only" in caplog.text
    database.keep(lake, SCAN)
    assert "makes it before it answers" in caplog.text


def test_a_damaged_database_is_made_again(lake: Lake):
    path = database.refresh(lake, SCAN)
    assert path
    path.write_bytes(b"not a database")
    assert ask(lake, "SELECT count(*) AS n FROM cameras") == [{"n": 1}]


def test_a_file_of_an_earlier_version_has_nulls_where_columns_are_newer(lake: Lake):
    put(lake, "frames", rows("frames", frame("a", 0)).drop_columns(["view"]), NEXT)
    assert ask(lake, "SELECT view, state FROM frames", night=NEXT) == [{"view": None, "state": "ok"}]
    assert len(ask(lake, "SELECT view, scan_date FROM frames", DAY, NEXT)) == 3


@pytest.mark.parametrize("harm", ["changed", "shorter", "gone"])
def test_a_file_that_is_not_as_committed_is_noticed(lake: Lake, harm: str):
    path = put(lake, "frames", rows("frames", frame("a", 9)), NEXT)
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.unlink() if harm == "gone" else path.write_bytes(content[: -1 if harm == "shorter" else None])
    with pytest.raises(IntegrityError, match=r"not those committed|missing"):
        ask(lake, "FROM frames", night=NEXT)


def test_above_the_bound_a_size_is_held_and_no_hash(lake: Lake, monkeypatch):
    path = put(lake, "frames", rows("frames", frame("a", 9)), NEXT)
    monkeypatch.setattr(database, "PROVEN_BYTES", 10)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(IntegrityError, match="not those committed"):
        ask(lake, "FROM frames", night=NEXT)


def test_what_has_expired_is_said_to_have(lake: Lake):
    lake.drop(Place("sightings", DAY), "retention")
    with pytest.raises(WindowNotFoundError, match="expired"):
        ask(lake, "FROM sightings")
    assert ask(lake, "SELECT count(*) AS n FROM sightings", DAY, NEXT) == [{"n": 3}]


def test_single_vehicles_need_a_purpose_and_each_look_is_logged(lake: Lake):
    with pytest.raises(PrivacyError, match="purpose"):
        ask(lake, "SELECT count(*) FROM links")
    assert ask(lake, "SELECT count(*) AS n FROM legs", purpose="a test") == [{"n": 1}]
    assert [(entry["table"], entry["shown"]) for entry in looks.entries(lake)] == [
        ("links", False),
        ("trajectories", True),
    ]


QUESTIONS = [
    "FROM read_parquet('{links}')",
    "FROM '{links}'",
    "FROM read_parquet('{folder}/trajectories/*/*.parquet')",
    "FROM read_parquet('{folder}/links/**')",
    "FROM read_parquet('{frames}/../../../links/date={day}/{links_name}')",
    "FROM read_blob('{links}')",
    "FROM read_text('{folder}/snapshots/date={day}/commit-r1.json')",
    "FROM parquet_metadata('{links}')",
    "FROM read_csv('/etc/passwd')",
    "FROM read_json('{folder}/links/date={day}/commit-r1.json')",
    "FROM glob('{folder}/**')",
    "FROM sniff_csv('/etc/passwd')",
    "FROM read_text('/proc/self/environ')",
    "FROM read_parquet('https://example.org/a.parquet')",
    "FROM read_parquet('s3://bucket/a.parquet')",
    "FROM query('FROM links')",
    "FROM query_table('trajectories')",
    "FROM query('SELECT * FROM read_text(''/etc/passwd'')')",
    "FROM json_execute_serialized_sql(json_serialize_sql('FROM links'))",
    "FROM read_duckdb('{other}')",
    "FROM thoroughfare.main.sightings",
    "FROM duckdb_secrets()",
    "FROM duckdb_extensions() WHERE extension_name = 'spatial' AND installed",
    "SELECT getenv('HOME')",
    "FROM enable_logging('FileSystem')",
    "FROM load_aws_credentials()",
    "FROM snapshots",
    "FROM embeddings",
    "FROM parquet_schema('{links}')",
    "FROM parquet_kv_metadata('{links}')",
    "FROM parquet_bloom_probe('{links}', 'query_id', '1')",
    "FROM read_ndjson_objects('{folder}/links/date={day}/commit-r1.json')",
    "FROM which_secret('s3://bucket/a', 's3')",
    "FROM read_text('http://169.254.169.254/latest/meta-data/')",
    "FROM arrow_scan()",
    "FROM pandas_scan()",
    "FROM python_map_function((SELECT 1))",
    "FROM duckdb_temporary_files()",
    "FROM duckdb_logs",
    "FROM duckdb_views() WHERE sql LIKE '%links/date%'",
]


STATEMENTS = [
    "ATTACH '{other}'",
    "COPY (SELECT 1) TO '{other}.csv'",
    "COPY cameras FROM '/etc/passwd'",
    "EXPORT DATABASE '{folder}/out'",
    "INSTALL spatial",
    "LOAD spatial",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "RESET lock_configuration",
    "SET allowed_paths = ['/']",
    "PRAGMA database_list",
    "PRAGMA enable_profiling",
    "CALL enable_logging('FileSystem')",
    "CREATE TABLE mine AS SELECT 1",
    "CREATE TEMP TABLE mine AS SELECT 1",
    "CREATE SECRET s (TYPE s3)",
    "DROP TABLE cameras",
    "DELETE FROM cameras",
    "UPDATE cameras SET name = 'x'",
    "VACUUM",
    "CHECKPOINT",
    "USE temp",
    "EXPLAIN ANALYZE SELECT 1",
    "SELECT 1; SELECT 2",
    "SELECT 1; COPY (SELECT 1) TO '{other}.csv'",
    "PREPARE p AS SELECT 1",
    "BEGIN",
]


def test_a_question_reaches_no_file_but_those_of_the_tables_it_names(lake: Lake, tmp_path: Path):
    folder = tmp_path / "fdr"
    (links,) = (folder / "links").rglob("*.parquet")
    other = tmp_path / "other.duckdb"
    duckdb.connect(other).execute("CREATE TABLE secret AS SELECT 1 AS a").close()
    reached = []
    with asking.answering("FROM frames", desk.Desk(lake, SCAN, DAY, "", NIGHT)) as question:
        assert question.session
        (frames,) = question.session.opened
        words = {
            "folder": folder,
            "links": links,
            "links_name": links.name,
            "frames": frames,
            "other": other,
            "day": DAY,
        }
        assert replace(question, text="FROM read_parquet('{frames}')".format(**words)).put()
        before = set(tmp_path.rglob("*"))
        for text in QUESTIONS:
            try:
                if replace(question, text=text.format(**words)).put().read_all().num_rows:
                    reached.append(text)
            except PipelineError:
                continue
    assert not reached
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("text", STATEMENTS)
def test_what_is_not_one_select_is_refused(text: str):
    with pytest.raises(PipelineError, match=r"(?i)select|syntax|parser"):
        query.mentioned(text.format(other="other", folder="folder"))


def test_a_question_too_large_for_its_bounds_ends_in_a_sentence(lake: Lake):
    large = "SELECT list(repeat('x', 1000) || range) FROM range(200000)"
    bounds = asking.Bounds(memory_mb=30, threads=1, spill_mb=1)
    with (
        asking.answering(large, desk.Desk(lake, SCAN, DAY, "", NIGHT), None, bounds) as question,
        pytest.raises(PipelineError, match=r"(?i)memory|max_temp_directory_size"),
    ):
        question.put().read_all()


def test_gold_is_of_all_nights_up_to_the_one_asked(lake: Lake):
    for week in range(5):
        night = DAY + timedelta(days=7 * week)
        day = {"interval_at": [at(604_800 * week)], "interval_local": [at(604_800 * week).replace(tzinfo=None)]}
        put(lake, "cameras", rows("cameras", camera("a", name=f"night {week}")), night)
        put(
            lake,
            "products/flow",
            pa.table(
                {"camera_id": ["a"], "heading": ["N"]} | day | {"vehicles": [500 if week == 4 else 20], "support": [20]}
            ),
            night,
        )
    last = DAY + timedelta(days=28)
    (hour,) = ask(lake, "FROM anomalies", night=last)
    assert (hour["vehicles"], hour["nights"]) == (500, 3), "the clocks went forward after the first"
    assert desk.Desk(lake, SCAN, last, "", NIGHT).gold()["anomalies"].to_pylist() == [hour]
    assert ask(lake, "FROM anomalies", night=last - timedelta(days=7)) == []
    begun = last + timedelta(days=1)
    put(lake, "cameras", rows("cameras", camera("a")), begun)
    assert desk.Desk(lake, SCAN, begun, "", NIGHT).gold()["anomalies"].to_pylist() == [hour], "a night without products"


def test_the_answer_of_a_wide_lake_opens_only_the_files_of_what_is_asked(lake: Lake):
    with asking.answering("FROM cameras", desk.Desk(lake, SCAN, DAY, "", NIGHT)) as question:
        assert question.session
        assert question.session.opened == [], "cameras are kept in the database"
    with asking.answering("FROM frames", desk.Desk(lake, SCAN, DAY, "", NIGHT)) as question:
        assert question.session
        assert [pq.read_metadata(path).num_rows for path in question.session.opened] == [2]
