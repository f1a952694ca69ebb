"""A kept table outlives the version that wrote it."""

import pyarrow as pa
import pytest
from builders import camera, rows

from pipeline import versions
from pipeline.errors import SchemaError
from pipeline.tables import CAMERAS

ROWS = rows("cameras", camera("a"))


def test_what_todays_version_wrote_is_left_as_it_is():
    assert versions.today(CAMERAS, ROWS, "a file") is ROWS


def test_columns_that_are_newer_hold_nulls_and_those_that_are_gone_are_left_out():
    older = ROWS.drop_columns(["cleared", "road"]).append_column("weather", pa.array(["rain"]))
    read = versions.today(CAMERAS, older, "a file")
    assert read.schema.names == CAMERAS.schema.names
    assert read.to_pylist() == [ROWS.to_pylist()[0] | {"cleared": None, "road": None}]
    assert pa.concat_tables([read, ROWS], promote_options="default").num_rows == 2


def test_a_column_of_another_type_is_told_with_what_to_do():
    other = ROWS.set_column(ROWS.schema.get_field_index("lon"), "lon", pa.array(["east"]))
    with pytest.raises(
        SchemaError, match="a file: lon is string, not double: another version wrote it; run the scan again"
    ):
        versions.today(CAMERAS, other, "a file")
