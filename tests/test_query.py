"""SQL sees the tables it is given and nothing else."""

import pyarrow as pa
import pytest

from pipeline import query
from pipeline.errors import PipelineError, SchemaError

NUMBERS = pa.table({"a": [1, 2, 3]})


def test_a_file_must_be_given_exactly_the_tables_it_reads():
    name = next(name for name in query.names() if query.header(name)["reads"])
    with pytest.raises(SchemaError, match="pass exactly those"):
        query.query(name)


def test_an_unknown_file_names_those_there():
    with pytest.raises(PipelineError, match="choose from"):
        query.read("links/nothing")


def test_a_select_is_answered_over_given_tables():
    assert query.ask("SELECT sum(a)::INT AS n FROM numbers", {"numbers": NUMBERS}).to_pylist() == [{"n": 6}]


def test_the_tables_of_a_select_are_known_before_it_runs():
    text = "WITH a AS (SELECT * FROM flow) SELECT * FROM a JOIN cameras USING (x) WHERE x IN (SELECT y FROM links)"
    assert query.mentioned(text) == {"a", "flow", "cameras", "links"}


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "COPY (SELECT 1) TO '/tmp/thoroughfare.csv'",
        "ATTACH 'other.db'",
        "SET lock_configuration = false",
        "INSTALL spatial",
        "SELECT 1; SELECT 2",
        "SELECT",
        "DROP TABLE numbers",
        "SELECT * FROM NUMBERS_NOT_GIVEN",
        "PRAGMA database_list",
        "SELECT * FROM glob('/etc/*')",
        "SELECT getenv('HOME')",
    ],
)
def test_hostile_sql_is_refused(text):
    with pytest.raises(PipelineError):
        query.ask(text, {"numbers": NUMBERS})


def test_a_python_variable_is_no_table():
    secret = pa.table({"a": [1]})
    with pytest.raises(PipelineError, match="secret"):
        query.ask("SELECT * FROM secret", {})
    assert secret.num_rows == 1


def test_haversine_of_one_degree_on_the_equator():
    assert query.ask("SELECT haversine_m(0, 0, 1, 0) AS m", {}).to_pylist()[0]["m"] == pytest.approx(111_195, abs=1)
