"""Compaction, in a folder and in a bucket: the same rows in fewer files, and no stage runs again for it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from test_lake import LINEAGE, NIGHT, PLACE, contents, faults_of, links, parquet

from pipeline import audit, compaction, upkeep
from pipeline.compaction import compact
from pipeline.errors import IntegrityError, WindowNotFoundError
from pipeline.lake import Lake, Place

DAY = audit.GRACE + timedelta(minutes=1)
ROWS = (3, 0, 5, 2)


def written(lake: Lake) -> list:
    return [lake.write(PLACE, part, links(n, part)) for part, n in enumerate(ROWS)]


@pytest.fixture
def lake(root) -> Lake:
    """Return a lake with one commit of four parts, one of them empty."""
    made = Lake(root, "demo")
    made.commit(PLACE, written(made), LINEAGE)
    return made


def test_rows_and_their_order_stay_and_the_files_are_one(lake):
    before = lake.read([PLACE])
    ((merge,),) = [list(compact(lake))]
    assert (merge.place, merge.revision, merge.files, merge.merged_files) == (PLACE, 2, 4, 1)
    assert len(lake.files(PLACE)) == 1
    assert lake.read([PLACE]).equals(before)
    assert faults_of(lake) == []


def test_a_part_can_still_be_read_alone(lake):
    list(compact(lake))
    for part, n in enumerate(ROWS):
        assert lake.read([PLACE], part).equals(links(n, part))
    assert lake.read([PLACE], part=9).num_rows == 0


def test_later_stages_and_the_same_commit_see_no_difference(lake):
    before = lake.last(PLACE)
    list(compact(lake))
    after = lake.last(PLACE)
    assert (after.digest, after.lineage, after.rows) == (before.digest, before.lineage, before.rows)
    assert lake.commit(PLACE, written(lake), LINEAGE) == after
    with pytest.raises(IntegrityError, match="gave other rows"):
        lake.commit(PLACE, [lake.write(PLACE, 0, links(9))], LINEAGE)


def test_a_second_time_does_nothing(lake):
    list(compact(lake))
    before = contents(lake)
    assert list(compact(lake)) == []
    assert contents(lake) == before


def test_two_lakes_compact_to_the_same_bytes(lake):
    other = Lake(f"{lake.root}-other", "demo")
    other.commit(PLACE, written(other), LINEAGE)
    list(compact(lake)), list(compact(other))
    assert contents(other) == contents(lake)


def test_what_it_was_made_from_goes_a_day_later(lake):
    list(compact(lake))
    assert audit.collect(lake, datetime.now(UTC))["superseded"] == 0
    assert len(parquet(lake)) == 5
    assert audit.collect(lake, datetime.now(UTC) + DAY)["superseded"] == 4
    assert len(parquet(lake)) == 1
    assert lake.read([PLACE]).num_rows == sum(ROWS)
    assert faults_of(lake) == []


def test_what_a_damaged_file_was_made_from_stays_and_can_be_gone_back_to(lake):
    before = lake.read([PLACE])
    list(compact(lake))
    (merged,) = lake.files(PLACE)
    lake.storage.replace(f"{PLACE.folder}/{merged.name}", b"rot")
    assert audit.collect(lake, datetime.now(UTC) + DAY)["superseded"] == 0
    lake.storage.delete(f"{PLACE.folder}/commit-r2.json")
    assert lake.read([PLACE]).equals(before)


def test_a_merged_file_of_one_full_part_is_not_deleted_with_it(root):
    lake = Lake(root, "demo")
    lake.commit(PLACE, [lake.write(PLACE, 0, links(3)), lake.write(PLACE, 1, links(0))], LINEAGE)
    list(compact(lake))
    audit.collect(lake, datetime.now(UTC) + DAY)
    assert lake.read([PLACE]).equals(links(3))


def test_compacted_rows_live_no_day_longer(lake, monkeypatch):
    made_at = lake.made_at(PLACE)
    really = lake.storage.made_at
    later = {f"{PLACE.folder}/commit-r2.json": made_at + timedelta(days=2)}
    monkeypatch.setattr(lake.storage, "made_at", lambda key: later.get(key) or really(key))
    list(compact(lake))
    assert lake.made_at(PLACE) == made_at
    upkeep.expire(lake, made_at + timedelta(days=3, minutes=1))
    assert parquet(lake) == []
    with pytest.raises(WindowNotFoundError, match="expired"):
        lake.read([PLACE])


def test_compacted_rows_that_expired_come_back_as_their_stage_wrote_them(lake):
    list(compact(lake))
    lake.drop(PLACE, "retention")
    assert lake.commit(PLACE, written(lake), LINEAGE).revision == 3
    assert lake.read([PLACE]).num_rows == sum(ROWS)
    assert faults_of(lake) == []


def test_full_files_are_left_alone_and_others_fill_up_to_the_limit(lake, monkeypatch):
    sizes = [file.size_bytes for file in lake.files(PLACE)]
    monkeypatch.setattr(compaction, "FULL_BYTES", max(sizes) - 1)
    assert list(compact(lake)) == []
    monkeypatch.setattr(compaction, "FULL_BYTES", sizes[0] + sizes[1])
    before = lake.read([PLACE])
    assert [merge.merged_files for merge in compact(lake)] == [3]
    assert lake.read([PLACE]).equals(before)
    assert [lake.read([PLACE], part).num_rows for part in range(4)] == list(ROWS)


def test_later_nights_expired_places_and_passing_tables_are_left_alone(lake):
    assert list(compact(lake, before=NIGHT)) == []
    vectors = Place("embeddings", NIGHT, 23)
    lake.commit(vectors, [lake.write(vectors, part, links(1, part)) for part in range(2)], LINEAGE)
    lake.drop(PLACE, "retention")
    assert list(compact(lake, before=date(2026, 3, 8))) == []


def test_a_damaged_part_stops_its_compaction(lake):
    lake.storage.replace(f"{PLACE.folder}/{lake.files(PLACE)[2].name}", b"rot")
    with pytest.raises(IntegrityError, match="not those committed"):
        list(compact(lake))
    assert lake.last(PLACE).revision == 1


def test_a_commit_that_came_first_wins(lake, monkeypatch):
    newer = LINEAGE | {"code": "newer"}
    really = Lake.merge

    def late(self, place, last, files):
        Lake(lake.root, "demo").commit(PLACE, [lake.write(PLACE, 0, links(1))], newer)
        return really(self, place, last, files)

    monkeypatch.setattr(Lake, "merge", late)
    assert list(compact(lake)) == []
    assert lake.last(PLACE).lineage == newer
    assert lake.read([PLACE]).num_rows == 1


def test_a_merge_that_changed_a_row_is_refused(lake, monkeypatch):
    really = Lake.rows
    monkeypatch.setattr(Lake, "rows", lambda self, place, file: really(self, place, file).slice("merged" in file.name))
    with pytest.raises(IntegrityError, match="merging changed a row"):
        list(compact(lake))
    assert lake.last(PLACE).revision == 1
