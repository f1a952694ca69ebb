"""The line: every stage writes a table, reads only what stands before it, and names its parameters after tables."""

import inspect

import pytest

from pipeline.stages import STAGES, stage
from pipeline.tables import TABLES


def test_every_table_has_one_stage_and_every_stage_one_table():
    assert sorted(line.table for line in STAGES) == sorted([*TABLES, "products"])


@pytest.mark.parametrize("line", STAGES, ids=lambda line: line.table)
def test_a_stages_parameters_are_the_tables_it_reads(line):
    assert list(inspect.signature(line.function()).parameters) == [*line.reads, *line.asks]


def test_data_moves_right_never_back():
    order = [line.table for line in STAGES]
    assert all(
        order.index(name) < order.index(line.table) for line in STAGES for name in set(line.reads) - {line.table}
    )


def test_a_stage_reads_its_own_table_of_windows_before_alone():
    assert [line.table for line in STAGES if line.table in line.reads] == ["links"]
    assert list(stage("links").windows("links", 3)) == [2]
    assert list(stage("links").windows("links", 0)) == []
    assert list(stage("links").windows("sightings", 3)) == [2, 3]


def test_pixels_and_vectors_are_dropped_by_the_last_stage_that_reads_them():
    for line in STAGES:
        for table in line.outlived:
            assert TABLES[table].lives_days == 0
            assert line == [each for each in STAGES if table in each.reads][-1]
    assert {name for line in STAGES for name in line.outlived} == {n for n, t in TABLES.items() if t.lives_days == 0}


def test_a_stage_is_found_by_its_table():
    assert stage("links").verb == "link"
