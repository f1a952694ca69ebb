"""Upkeep: tables live their days and no longer, a look at single vehicles needs a purpose and leaves a line."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from pipeline import scans, upkeep
from pipeline.errors import PrivacyError, WindowNotFoundError
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


def files(lake: Lake, table: str) -> int:
    return len(list(Path(str(lake), table).rglob("*.parquet")))


@pytest.mark.parametrize("table", [name for name, table in TABLES.items() if table.lives_days])
def test_a_table_lives_its_days_and_not_one_more(tmp_path, table):
    lake, days = lake_of(tmp_path, table), timedelta(days=TABLES[table].lives_days)
    made_at = lake.made_at(Place(table, NIGHT))
    assert upkeep.expire(lake, made_at + days - timedelta(minutes=1)) == []
    assert len(upkeep.overdue(lake, made_at + days + timedelta(minutes=1))) == 1
    assert len(upkeep.expire(lake, made_at + days + timedelta(minutes=1))) == 1
    assert files(lake, table) == 0
    assert upkeep.overdue(lake, made_at + days + timedelta(minutes=1)) == []


@pytest.mark.parametrize("table", [name for name, table in TABLES.items() if table.lives_days is None])
def test_what_is_kept_never_expires(tmp_path, table):
    lake = lake_of(tmp_path, table)
    assert upkeep.expire(lake, datetime(2999, 1, 1, tzinfo=UTC)) == []
    assert files(lake, table) == 1


@pytest.mark.parametrize(("table", "ender"), [("snapshots", "embeddings"), ("embeddings", "links")])
def test_pixels_and_vectors_go_when_their_stage_has_committed(tmp_path, table, ender):
    lake = lake_of(tmp_path, table)
    now = lake.made_at(Place(table, NIGHT)) + timedelta(minutes=1)
    assert upkeep.expire(lake, now) == []
    lake_of(tmp_path, ender)
    assert [place.table for place, _ in upkeep.expire(lake, now)] == [table]


def test_pixels_of_a_run_that_died_go_after_a_day(tmp_path):
    lake = lake_of(tmp_path, "snapshots")
    now = lake.made_at(Place("snapshots", NIGHT)) + timedelta(hours=25)
    assert [place.table for place, _ in upkeep.expire(lake, now)] == ["snapshots"]


def test_a_killed_expiry_is_finished_by_the_next(tmp_path):
    lake = lake_of(tmp_path, "links")
    content = next(Path(str(lake)).rglob("*.parquet"))
    kept = content.read_bytes()
    late = lake.made_at(Place("links", NIGHT)) + timedelta(days=9)
    upkeep.expire(lake, late)
    content.write_bytes(kept)
    assert [fault.what for fault in upkeep.verify(lake)] == [
        f"{content}: expired but still there; run `thoroughfare expire`"
    ]
    upkeep.expire(lake, late)
    assert list(upkeep.verify(lake)) == []


def test_an_expired_night_says_so(tmp_path):
    lake = lake_of(tmp_path, "cameras", "links")
    upkeep.expire(lake, datetime(2999, 1, 1, tzinfo=UTC))
    with pytest.raises(WindowNotFoundError, match="expired by its retention"):
        upkeep.night(lake, NIGHT, "links")


def test_a_night_that_was_never_run_names_those_there(tmp_path):
    with pytest.raises(WindowNotFoundError, match="2020-03-07"):
        upkeep.night(lake_of(tmp_path, "cameras"), date(2021, 1, 1), "links")


@pytest.mark.parametrize("table", ["links", "trajectories"])
@pytest.mark.parametrize("purpose", ["", "   "])
def test_single_vehicles_are_not_shown_without_a_purpose(tmp_path, table, purpose):
    with pytest.raises(PrivacyError, match="--purpose"):
        upkeep.look(Lake(tmp_path, "fdr"), FDR, table, purpose, datetime.now(UTC))
    assert not (tmp_path / "fdr" / upkeep.LOOKS).exists()


def test_every_look_leaves_a_line(tmp_path):
    now = datetime(2026, 3, 7, 12, tzinfo=UTC)
    for purpose in ("signal timing at exit 4", "audit"):
        upkeep.look(Lake(tmp_path, "fdr"), FDR, "trajectories", purpose, now)
        now += timedelta(seconds=1)
    looks = upkeep.looks(Lake(tmp_path, "fdr"))
    assert [look["purpose"] for look in looks] == ["signal timing at exit 4", "audit"]


def test_counts_and_the_demo_city_need_no_purpose(tmp_path):
    upkeep.look(Lake(tmp_path, "fdr"), FDR, "flow", "", datetime.now(UTC))
    upkeep.look(Lake(tmp_path, "demo"), DEMO, "trajectories", "", datetime.now(UTC))
    assert not list(tmp_path.rglob(upkeep.LOOKS))
