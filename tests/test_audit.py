"""The audit, in a folder and in a bucket: what no commit names is told, then collected after its grace, never before."""

from datetime import UTC, datetime, timedelta

import pytest
from test_lake import LINEAGE, NIGHT, PLACE, links

from pipeline import audit
from pipeline.lake import Lake, Place
from pipeline.records import digest, sealed

DAY = audit.GRACE + timedelta(minutes=1)


@pytest.fixture
def lake(root) -> Lake:
    """Return a lake with one commit of two parts."""
    made = Lake(root, "demo")
    made.commit(PLACE, [made.write(PLACE, part, links(3, part)) for part in range(2)], LINEAGE)
    return made


def told(lake: Lake, after: timedelta = timedelta(0)) -> list[tuple[str, bool]]:
    now = datetime.now(UTC) + after
    return [(fault.what.removeprefix(f"{lake}/"), fault.waits) for fault in audit.faults(lake, now)]


def kinds(lake: Lake, after: timedelta) -> list[str]:
    return [each.kind for each in audit.litter(lake, datetime.now(UTC) + after)]


def test_a_committed_lake_has_no_fault_and_no_litter(lake):
    assert told(lake) == told(lake, DAY) == []
    assert kinds(lake, DAY) == []
    assert lake.read([PLACE]).num_rows == 6


def test_rows_of_no_commit_wait_a_day_and_are_collected(lake):
    name = lake.write(PLACE, 7, links(1)).name
    assert told(lake) == [
        (f"{PLACE.folder}/{name}: in no commit yet; a run is at it, or was cut off: run it again", True)
    ]
    assert kinds(lake, timedelta(hours=23)) == []
    ((what, waits),) = told(lake, DAY)
    assert what.endswith("in no commit for more than 24 h; run `thoroughfare expire`")
    assert not waits
    assert audit.collect(lake, datetime.now(UTC) + DAY)["orphan"] == 1
    assert told(lake, DAY) == []
    assert lake.read([PLACE]).num_rows == 6


def test_rows_in_a_folder_without_any_commit_are_found_too(lake):
    lake.write(Place("tracks", NIGHT), 0, links(1))
    assert audit.collect(lake, datetime.now(UTC) + DAY)["orphan"] == 1


def test_held_parts_keep_their_rows_for_a_day(lake):
    flow = Place("products/flow", NIGHT)
    lake.hold(Place("products", NIGHT), 0, "f" * 64, [("products/flow", lake.write(flow, 0, links(2)))])
    assert kinds(lake, timedelta(hours=23)) == []
    assert [waits for _, waits in told(lake)] == [True]
    counts = audit.collect(lake, datetime.now(UTC) + DAY)
    assert counts == {"orphan": 1, "held": 1, "expired": 0, "superseded": 0, "staged": 0}
    assert told(lake, DAY) == []


def test_a_held_part_that_its_commit_left_behind_goes_at_once(lake):
    lake.hold(PLACE, 0, digest(LINEAGE), [("links", lake.files(PLACE)[0])])
    ((what, waits),) = told(lake)
    assert "held for a commit that is made" in what
    assert waits
    assert kinds(lake, timedelta(0)) == ["held"]


def test_a_missing_revision_is_named(lake):
    lake.commit(PLACE, [lake.write(PLACE, 0, links(1))], LINEAGE | {"code": "newer"})
    lake.storage.delete(f"{PLACE.folder}/commit-r1.json")
    assert any("['commit-r2.json'] hold revisions [2], not 1 to 1 by name" in what for what, _ in told(lake))


def test_a_record_under_another_name_is_named(lake):
    lake.commit(PLACE, [lake.write(PLACE, 0, links(1))], LINEAGE | {"code": "newer"})
    lake.storage.put(f"{PLACE.folder}/commit-r3.json", lake.storage.get(f"{PLACE.folder}/commit-r2.json"))
    lake.storage.delete(f"{PLACE.folder}/commit-r2.json")
    assert any(
        "['commit-r1.json', 'commit-r3.json'] hold revisions [1, 2], not 1 to 2 by name" in what
        for what, _ in told(lake)
    )


def test_a_marker_without_its_commit_is_named(lake):
    lake.storage.put(f"{PLACE.folder}/expired-r2.json", sealed({"because": "retention", "files": []}))
    ((what, waits),) = told(lake)
    assert "marks a revision that is not there" in what
    assert not waits


def test_rows_that_outlived_a_drop_that_was_cut_off_are_collected(lake):
    kept = {key: lake.storage.get(key) for key in lake.storage.keys(PLACE.folder) if key.endswith(".parquet")}
    lake.drop(PLACE, "retention")
    for key, content in kept.items():
        lake.storage.put(key, content)
    assert all("expired but still there" in what for what, _ in told(lake))
    assert kinds(lake, DAY) == ["expired", "expired"]
    assert audit.collect(lake, datetime.now(UTC) + DAY)["expired"] == 2
    assert told(lake, DAY) == []


def test_a_place_with_a_damaged_record_is_left_alone(lake):
    lake.write(PLACE, 7, links(1))
    lake.storage.replace(f"{PLACE.folder}/commit-r1.json", b"{")
    assert kinds(lake, DAY) == []
    assert any("not a commit record" in what for what, _ in told(lake))


def test_a_record_named_by_its_bytes_is_held_against_them(lake):
    lake.storage.put(f"quarantine/date={NIGHT}/hour=23/0123456789abcdef.json", b"{}")
    assert any("not those it is named by" in what for what, _ in told(lake))


def test_a_row_too_few_is_told(lake):
    file = lake.files(PLACE)[0]
    commit = lake.last(PLACE)
    wrong = type(commit)(commit.table, 1, (type(file)(0, file.name, file.sha256, 9, 9),), commit.lineage)
    lake.storage.replace(f"{PLACE.folder}/commit-r1.json", wrong.to_bytes())
    assert any("holds 3 rows, its record says 9" in what for what, _ in told(lake))


def test_a_lake_of_nothing_has_no_fault(root):
    assert list(audit.faults(Lake(root, "demo"))) == []
