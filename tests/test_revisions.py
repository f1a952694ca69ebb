"""Revisions: every commit is told with what changed, and a file with all that it follows from."""

from datetime import date

import pyarrow as pa
import pytest
from test_lake import LINEAGE, NIGHT, PLACE, links

from pipeline import revisions
from pipeline.compaction import compact
from pipeline.errors import WindowNotFoundError
from pipeline.lake import Lake, Place

SIGHTINGS = Place("sightings", NIGHT, 23)


@pytest.fixture
def lake(root) -> Lake:
    """Return a lake where links follow from sightings, at two settings."""
    made = Lake(root, "demo")
    source = made.commit(SIGHTINGS, [made.write(SIGHTINGS, 0, links(2))], LINEAGE | {"code": "c" * 64})
    for probability in ("0.9", "0.95"):
        lineage = {
            "scan_date": str(NIGHT),
            "inputs": {SIGHTINGS.folder: source.digest},
            "settings": {"min_probability": probability},
            "libraries": {"numpy": "2.4"},
        }
        made.commit(PLACE, [made.write(PLACE, part, links(3, part)) for part in range(2)], lineage)
    return made


def test_every_revision_is_told_with_what_changed(lake):
    list(compact(lake))
    lake.drop(PLACE, "retention", revision=1)
    told = [(each.commit.revision, each.state, each.change) for each in revisions.history(lake, "links", NIGHT)]
    assert told == [
        (1, "expired", "first"),
        (2, "old", "settings.min_probability 0.9 -> 0.95"),
        (3, "current", "compacted from revision 2"),
    ]
    assert revisions.history(lake, "links", date(2020, 1, 1)) == []


def test_a_row_of_the_history_names_size_and_time(lake):
    row = revisions.history(lake, "sightings")[0].row()
    assert (row["table"], row["place"], row["files"], row["rows"]) == ("sightings", f"date={NIGHT}/hour=23", 1, 2)
    assert row["bytes"] > 0
    assert row["made_at"].endswith("+00:00")


def test_changes_name_keys_settings_inputs_and_libraries():
    before = {"code": "a" * 64, "libraries": {"numpy": "1"}, "inputs": {"x": "1", "y": "2"}}
    after = {"code": "b" * 64, "libraries": {"numpy": "2"}, "inputs": {"x": "1", "z": "3"}, "plugs": ["m"]}
    assert revisions.changes(before, after) == [
        "code aaaaaaaaaaaa... -> bbbbbbbbbbbb...",
        "inputs.y 2 -> none",
        "inputs.z none -> 3",
        "libraries.numpy 1 -> 2",
        "plugs none -> ['m']",
    ]


def test_a_file_is_traced_to_all_it_follows_from_also_when_compacted(lake):
    list(compact(lake))
    (file,) = lake.files(PLACE)
    found = revisions.trace(lake, f"{lake}/{PLACE.folder}/{file.name}")
    assert [(place, commit.revision) for place, commit in found] == [(PLACE, 3), (SIGHTINGS, 1)]
    assert revisions.facts(found[0][1])["settings"] == "min_probability=0.95"
    assert revisions.facts(found[1][1])["code"] == "cccccccccccc..."


def test_a_file_of_no_commit_says_so(lake):
    with pytest.raises(WindowNotFoundError, match="no commit names"):
        revisions.trace(lake, "stray.parquet")


def test_what_was_published_before_can_be_held_against_what_is_now(lake):
    flow = Place("products/flow", NIGHT)
    assert revisions.published_before(lake, NIGHT) == {}
    for count in (20, 25, 40):
        rows = pa.table({"camera_id": ["a"], "support": [count]})
        lake.commit(flow, [lake.write(flow, 0, rows)], LINEAGE | {"code": str(count)})
    assert revisions.published_before(lake, NIGHT)["products/flow"]["support"].to_pylist() == [25]
    assert revisions.published_before(lake, date(2020, 1, 1)) == {}
