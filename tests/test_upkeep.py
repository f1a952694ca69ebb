"""Upkeep, in a folder and in a bucket: tables live their days and no longer, a look at single vehicles needs a purpose and leaves a line."""

from datetime import UTC, date, datetime, timedelta

import pytest

from pipeline import scans, upkeep
from pipeline.errors import IntegrityError, WindowNotFoundError
from pipeline.lake import Lake, Place
from pipeline.tables import TABLES

NIGHT = date(2020, 3, 7)
DEMO, FDR = (scans.load(name, scans.bundled()) for name in ("demo", "fdr"))


def lake_of(root, *tables: str) -> Lake:
    lake = Lake(root, "fdr")
    for table in tables:
        place = Place(table, NIGHT)
        lake.commit(place, [lake.write(place, 0, TABLES[table].empty())], {"scan_date": str(NIGHT)})
    return lake


def files(lake: Lake, table: str) -> list[str]:
    return [key for key in lake.storage.keys(table) if key.endswith(".parquet")]


@pytest.mark.parametrize("table", [name for name, table in TABLES.items() if table.lives_days])
def test_a_table_lives_its_days_and_not_one_more(root, table):
    lake, days = lake_of(root, table), timedelta(days=TABLES[table].lives_days)
    made_at = lake.made_at(Place(table, NIGHT))
    assert upkeep.expire(lake, made_at + days - timedelta(minutes=1)) == []
    assert len(upkeep.overdue(lake, made_at + days + timedelta(minutes=1))) == 1
    assert len(upkeep.expire(lake, made_at + days + timedelta(minutes=1))) == 1
    assert files(lake, table) == []
    assert upkeep.overdue(lake, made_at + days + timedelta(minutes=1)) == []


@pytest.mark.parametrize("table", [name for name, table in TABLES.items() if table.lives_days is None])
def test_what_is_kept_never_expires(root, table):
    lake = lake_of(root, table)
    assert upkeep.expire(lake, datetime(2999, 1, 1, tzinfo=UTC)) == []
    assert len(files(lake, table)) == 1


@pytest.mark.parametrize(("table", "ender"), [("snapshots", "embeddings"), ("embeddings", "links")])
def test_pixels_and_vectors_go_when_their_stage_has_committed(root, table, ender):
    lake = lake_of(root, table)
    now = lake.made_at(Place(table, NIGHT)) + timedelta(minutes=1)
    assert upkeep.expire(lake, now) == []
    lake_of(root, ender)
    assert [place.table for place, _ in upkeep.expire(lake, now)] == [table]


def test_pixels_of_a_run_that_died_go_after_a_day(root):
    lake = lake_of(root, "snapshots")
    now = lake.made_at(Place("snapshots", NIGHT)) + timedelta(hours=25)
    assert [place.table for place, _ in upkeep.expire(lake, now)] == ["snapshots"]


def test_a_killed_expiry_is_finished_by_the_next(root):
    lake = lake_of(root, "links")
    (key,) = files(lake, "links")
    kept = lake.storage.get(key)
    late = lake.made_at(Place("links", NIGHT)) + timedelta(days=9)
    upkeep.expire(lake, late)
    lake.storage.put(key, kept)
    assert [fault.what for fault in upkeep.verify(lake)] == [
        f"{lake}/{key}: expired but still there; run `thoroughfare expire`"
    ]
    upkeep.expire(lake, late)
    assert list(upkeep.verify(lake)) == []


def test_a_damaged_record_stops_the_expiry_of_its_own_place_alone(root):
    lake = lake_of(root, "links", "trajectories")
    late = lake.made_at(Place("links", NIGHT)) + timedelta(days=9)
    lake.storage.replace(f"{Place('links', NIGHT).folder}/commit-r1.json", b"{")
    with pytest.raises(IntegrityError, match=r"links.*not a commit record"):
        upkeep.expire(lake, late)
    assert files(lake, "trajectories") == []


def test_an_expired_night_says_so(root):
    lake = lake_of(root, "cameras", "links")
    upkeep.expire(lake, datetime(2999, 1, 1, tzinfo=UTC))
    with pytest.raises(WindowNotFoundError, match="expired by its retention"):
        upkeep.night(lake, NIGHT, "links")


def test_a_night_that_was_never_run_names_those_there(root):
    with pytest.raises(WindowNotFoundError, match="2020-03-07"):
        upkeep.night(lake_of(root, "cameras"), date(2021, 1, 1), "links")
