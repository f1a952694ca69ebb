"""The lake, in a folder and in a bucket: whole or not at all, the same bytes twice, no byte used unverified."""

import multiprocessing
import os
import random
import signal
import time
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import flips
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import upkeep
from pipeline.errors import IntegrityError, StorageError, WindowNotFoundError
from pipeline.lake import Lake, Place
from pipeline.records import digest
from pipeline.storage import Folder
from pipeline.tables import TABLES

NIGHT = date(2026, 3, 7)
PLACE = Place("links", NIGHT, 23)
LINEAGE = {"scan_date": str(NIGHT), "inputs": {}}


def links(n: int, seed: int = 0) -> pa.Table:
    rows = [
        {
            "query_id": f"q{seed}-{i}",
            "gallery_id": f"g{seed}-{i}",
            "travel_s": 1.5 * i,
            "distance": 0.2,
            "probability": 0.9,
            "runner_up": 0.1,
            "prior_nats": -2.0,
            "travel_nats": 1.0,
            "kind_nats": 0.0,
        }
        for i in range(n)
    ]
    return pa.Table.from_pylist(rows, schema=TABLES["links"].schema)


def committed(root: str, n: int = 3, seed: int = 0, lineage: dict | None = None) -> Lake:
    lake = Lake(root, "demo")
    lake.commit(PLACE, [lake.write(PLACE, 0, links(n, seed))], lineage or LINEAGE)
    return lake


def faults_of(lake: Lake) -> list[str]:
    return [fault.what for fault in upkeep.verify(lake) if fault.where == "files"]


def contents(lake: Lake) -> dict[str, bytes]:
    return {key: lake.storage.get(key) for key in lake.storage.keys()}  # noqa: SIM118


def parquet(lake: Lake) -> list[str]:
    return [key for key in lake.storage.keys() if key.endswith(".parquet")]  # noqa: SIM118


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(n=st.integers(0, 40), parts=st.integers(1, 3))
def test_what_is_read_is_what_was_written(root, n, parts):
    lake = Lake(f"{root}/{uuid4()}", "demo")
    lake.commit(PLACE, [lake.write(PLACE, part, links(n, part)) for part in range(parts)], LINEAGE)
    assert lake.read([PLACE]).equals(pa.concat_tables([links(n, part) for part in range(parts)]))
    assert lake.read([PLACE], part=parts - 1).equals(links(n, parts - 1))


def test_rows_written_but_not_committed_are_not_there(root):
    lake = Lake(root, "demo")
    lake.write(PLACE, 0, links(3))
    with pytest.raises(WindowNotFoundError, match="nothing committed"):
        lake.read([PLACE])


def test_the_same_commit_twice_changes_no_byte(root):
    before = contents(committed(root))
    assert contents(committed(root)) == before


def test_other_inputs_make_a_new_revision_and_keep_the_old(root):
    committed(root)
    lake = committed(root, seed=1, lineage=LINEAGE | {"inputs": {"sightings": "b"}})
    assert lake.last(PLACE).revision == 2
    assert lake.read([PLACE]).equals(links(3, 1))
    assert len(parquet(lake)) == 2


def test_the_same_inputs_giving_other_rows_are_refused(root):
    committed(root)
    with pytest.raises(IntegrityError, match="gave other rows"):
        committed(root, seed=1)


def test_a_commit_whose_answer_was_lost_is_known_for_its_own(root, monkeypatch):
    lake = Lake(root, "demo")
    really = lake.storage.put
    # the server has created the key, its answer is lost, the try that follows finds it there
    monkeypatch.setattr(lake.storage, "put", lambda key, content: really(key, content) and really(key, content))
    assert lake.commit(PLACE, [lake.write(PLACE, 0, links(3))], LINEAGE).revision == 1
    assert lake.read([PLACE]).equals(links(3))


def test_another_commit_of_the_same_revision_is_refused(root, monkeypatch):
    lake = committed(root)
    monkeypatch.setattr(lake, "last", lambda _: None)
    with pytest.raises(IntegrityError, match="another run committed other rows meanwhile"):
        lake.commit(PLACE, [lake.write(PLACE, 0, links(1))], LINEAGE)


def test_a_file_deleted_before_its_commit_is_named_and_made_again(root):
    lake = Lake(root, "demo")
    file = lake.write(PLACE, 0, links(3))
    lake.hold(PLACE, 0, digest(LINEAGE), [("links", file)])
    lake.storage.delete(f"{PLACE.folder}/{file.name}")
    with pytest.raises(IntegrityError, match="deleted before its commit"):
        lake.commit(PLACE, [file], LINEAGE)
    assert lake.held(PLACE, digest(LINEAGE)) == {}


def test_a_damaged_file_that_a_run_left_is_written_whole_by_the_next(root):
    lake = Lake(root, "demo")
    file = lake.write(PLACE, 0, links(3))
    lake.storage.replace(f"{PLACE.folder}/{file.name}", b"torn")
    assert committed(root).read([PLACE]).equals(links(3))


@pytest.mark.parametrize("storage", ["folder", "bucket"])
def test_every_flipped_bit_is_found_before_a_value_is_used(storage, tmp_path, request, monkeypatch):
    for name, value in request.getfixturevalue("s3").items():
        monkeypatch.setenv(name, value)
    lake = committed(str(tmp_path) if storage == "folder" else "s3://bucket/flips", n=50)
    committed(lake.root, n=9, seed=1, lineage=LINEAGE | {"inputs": {"sightings": "b"}})
    lake.hold(PLACE, 1, "f" * 64, [("links", lake.files(PLACE)[0])])
    lake.drop(PLACE, "retention", revision=1)
    monkeypatch.setattr(os, "fsync", lambda _: None)
    assert list(flips.unseen(lake, 1_900 if storage == "folder" else 100)) == []
    assert not any("bytes" in fault or "record" in fault for fault in faults_of(lake))


def test_released_parts_are_held_no_more(root):
    lake = committed(root)
    lake.hold(PLACE, 1, "f" * 64, [("links", lake.files(PLACE)[0])])
    lake.release(PLACE)
    assert lake.held(PLACE, "f" * 64) == {}
    assert not [key for key in lake.storage.keys(PLACE.folder) if "part-" in key]


def test_a_record_holds_what_it_commits_and_no_more(root):
    note = committed(root).record(f"{PLACE.folder}/commit-r1.json")
    assert set(note) == {"table", "revision", "files", "lineage"}


def test_a_held_part_whose_record_is_damaged_is_not_held(root):
    lake = committed(root)
    lake.hold(PLACE, 1, "f" * 64, [("links", lake.files(PLACE)[0])])
    assert list(lake.held(PLACE, "f" * 64)) == [1]
    flips.flip(lake, f"{PLACE.folder}/part-0001-{'f' * 16}.json", 77)
    assert lake.held(PLACE, "f" * 64) == {}


def test_a_missing_and_a_stray_file_are_named(root):
    lake = committed(root)
    (key,) = parquet(lake)
    lake.storage.put(f"{PLACE.folder}/0000-stray.parquet", lake.storage.get(key))
    lake.storage.delete(key)
    faults = faults_of(lake)
    assert any("committed but missing" in fault for fault in faults)
    assert any("in no commit" in fault for fault in faults)


def test_a_broken_commit_record_says_what_to_do(root):
    lake = committed(root)
    lake.storage.replace(f"{PLACE.folder}/commit-r1.json", b"{")
    with pytest.raises(IntegrityError, match="not a commit record"):
        lake.last(PLACE)


def test_dropped_rows_are_gone_and_their_record_stays(root):
    lake = committed(root)
    before = lake.last(PLACE).digest
    assert len(lake.drop(PLACE, "retention")) == 1
    assert not parquet(lake)
    assert lake.dropped(PLACE)
    assert not lake.stands(PLACE)
    assert lake.last(PLACE).digest == before
    assert faults_of(lake) == []
    with pytest.raises(WindowNotFoundError, match="expired"):
        lake.read([PLACE])


def test_a_reader_overtaken_by_a_drop_is_told_so(root):
    lake = committed(root)
    (file,) = lake.files(PLACE)
    lake.drop(PLACE, "retention")
    with pytest.raises(WindowNotFoundError, match="expired"):
        lake.rows(PLACE, file)


def test_rows_made_again_while_another_run_drops_them_stay_dropped(root, monkeypatch):
    lake = committed(root)
    (file,) = lake.files(PLACE)
    lake.drop(PLACE, "retention")
    lake.write(PLACE, 0, links(3))
    delete = lake.storage.delete

    def overtaken(key):
        return delete(key) and (not key.endswith(".json") or delete(f"{PLACE.folder}/{file.name}"))

    monkeypatch.setattr(lake.storage, "delete", overtaken)
    with pytest.raises(IntegrityError, match="deleted before its commit"):
        lake.commit(PLACE, [file], LINEAGE)
    assert lake.dropped(PLACE)
    assert faults_of(lake) == []


def test_a_marker_taken_off_while_files_go_is_put_back(root, monkeypatch):
    lake = committed(root)
    delete = lake.storage.delete

    def overtaken(key):
        return delete(key) and delete(f"{PLACE.folder}/expired-r1.json")

    monkeypatch.setattr(lake.storage, "delete", overtaken)
    lake.drop(PLACE, "retention")
    assert lake.dropped(PLACE)
    assert faults_of(lake) == []


def test_dropped_rows_made_again_are_back(root):
    committed(root).drop(PLACE, "retention")
    assert committed(root).read([PLACE]).equals(links(3))


def test_rows_that_another_revision_shares_stay_when_one_is_dropped(root):
    committed(root)
    lake = committed(root, lineage=LINEAGE | {"code": "newer"})
    assert lake.drop(PLACE, "retention", revision=1) == []
    assert lake.read([PLACE]).equals(links(3))


def test_places_are_read_back_from_their_folders(root):
    lake = committed(root)
    night = Place("products/flow", NIGHT)
    lake.commit(night, [lake.write(night, 0, links(1))], LINEAGE)
    lake.storage.put("links/date=2026-03-07/copy/commit-r1.json", b"{}")
    lake.storage.put("looks/2026-03-07T12:00:00.000000+00:00-links.json", b"{}")
    assert lake.places() == sorted([PLACE, night], key=str)
    assert lake.night("products/flow", NIGHT) == [night]


def test_a_commit_is_whole_or_absent_after_a_kill(root):
    spawn = multiprocessing.get_context("spawn")
    chance = random.Random(3)
    for attempt in range(2):
        lake = Lake(f"{root}/{attempt}", "demo")
        child = spawn.Process(target=_commit_forever, args=(lake.root,))
        child.start()
        deadline = time.monotonic() + 20
        while not lake.places() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(chance.uniform(0, 0.05))
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        lake.sweep()
        assert lake.places()
        assert not [fault for fault in faults_of(lake) if "in no commit" not in fault]
        assert all(lake.read([place]).num_rows == 20 for place in lake.places())
        assert lake.sweep() == 0


def _commit_forever(root: str) -> None:
    lake, at = Lake(root, "demo"), datetime(2026, 3, 7, tzinfo=UTC)
    for n in range(100_000):
        place = Place("links", (at + timedelta(hours=n)).date(), (at + timedelta(hours=n)).hour)
        lake.commit(place, [lake.write(place, 0, links(10)), lake.write(place, 1, links(10, 1))], LINEAGE)


@pytest.mark.parametrize("why", [28, 30, 5, 27], ids=["full", "read-only", "broken", "too-large"])
def test_a_commit_survives_the_fault_of_any_call_to_the_disk(tmp_path, monkeypatch, why):
    nth = 0
    while True:
        lake, calls = Lake(tmp_path / str(nth), "demo"), Faulty(monkeypatch, nth, why)
        try:
            lake.commit(PLACE, [lake.write(PLACE, 0, links(3)), lake.write(PLACE, 1, links(3, 1))], LINEAGE)
            said = ""
        except StorageError as error:
            said = str(error)
        finally:
            calls.heal()
        if calls.count <= nth:
            break
        assert f"cannot be written ({os.strerror(why)})" in said
        assert all(lake.read([place]).num_rows == 6 for place in lake.places())
        assert not [fault for fault in faults_of(lake) if "in no commit" not in fault]
        lake.commit(PLACE, [lake.write(PLACE, 0, links(3)), lake.write(PLACE, 1, links(3, 1))], LINEAGE)
        assert faults_of(lake) == []
        assert not list((tmp_path / str(nth) / "demo" / ".staging").iterdir())
        nth += 1
    assert nth > 10


class Faulty:
    """A disk whose n-th call fails, and all after it."""

    def __init__(self, patch: pytest.MonkeyPatch, nth: int, why: int) -> None:
        self.patch, self.nth, self.why, self.count = patch.context(), nth, why, 0
        within = self.patch.__enter__()
        for name in ("fsync", "link", "mkdir"):
            within.setattr(os, name, self.counted(getattr(os, name)))
        within.setattr(Folder, "_staged", self.counted(Folder._staged))

    def counted(self, call):
        def counting(*words, **more):
            self.count += 1
            if self.count > self.nth:
                raise OSError(self.why, os.strerror(self.why))
            return call(*words, **more)

        return counting

    def heal(self) -> None:
        self.patch.__exit__(None, None, None)
