"""Tables: the right columns, one row a key, nothing missing."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from pipeline.errors import SchemaError
from pipeline.tables import LINKS, TABLES, frame_id
from tests.builders import link, rows


def links(*pairs: tuple[str, str]) -> pa.Table:
    return rows("links", *(link(*ends) for ends in pairs), raw=True)


def test_rows_are_sorted_by_their_key():
    assert LINKS.check(links(("b", "x"), ("a", "y")))["query_id"].to_pylist() == ["a", "b"]


def test_two_rows_of_one_key_are_refused():
    with pytest.raises(SchemaError, match="share the key"):
        LINKS.check(links(("a", "x"), ("a", "x")))


def test_a_missing_and_an_unknown_column_are_named():
    with pytest.raises(SchemaError, match=r"missing \['distance'\], unknown \['far'\]"):
        LINKS.check(links(("a", "x")).rename_columns({"distance": "far"}))


def test_a_null_in_a_required_column_is_refused():
    nulls = links(("a", "x")).set_column(2, "travel_s", pa.array([None], pa.float64()))
    with pytest.raises(SchemaError, match="travel_s is null"):
        LINKS.check(nulls)


def test_a_column_of_another_type_is_refused():
    words = links(("a", "x")).set_column(2, "travel_s", pa.array(["soon"]))
    with pytest.raises(SchemaError, match="table links"):
        LINKS.check(words)


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_every_column_says_what_it_means(table):
    assert all(field.metadata[b"doc"] for field in table.schema)
    assert set(table.key) <= set(table.schema.names)
    assert table.check(table.empty()).num_rows == 0


def test_a_frame_is_named_by_camera_and_slot_to_the_millisecond():
    assert frame_id("nyc:733", datetime(2026, 3, 7, 5, 6, 7, 890_123, tzinfo=UTC)) == "nyc:733@20260307T050607.890Z"
