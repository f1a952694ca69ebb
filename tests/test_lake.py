"""The lake: whole or not at all, the same bytes twice, no byte used unverified."""

import multiprocessing
import os
import random
import signal
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import upkeep
from pipeline.errors import IntegrityError, SettingsError, WindowNotFoundError
from pipeline.lake import Lake, Place
from pipeline.tables import TABLES

NIGHT = date(2026, 3, 7)
PLACE = Place("links", NIGHT, 23)
LINEAGE = {"scan_date": str(NIGHT), "inputs": {}}


def links(n: int, seed: int = 0) -> pa.Table:
    rows = [
        {"query_id": f"q{seed}-{i}", "gallery_id": f"g{i}", "travel_s": 1.5 * i, "distance": 0.2, "probability": 0.9}
        for i in range(n)
    ]
    return pa.Table.from_pylist(rows, schema=TABLES["links"].schema)


def committed(root: Path, n: int = 3, seed: int = 0, lineage: dict | None = None) -> Lake:
    lake = Lake(root, "demo")
    lake.commit(PLACE, [lake.write(PLACE, 0, links(n, seed))], lineage or LINEAGE)
    return lake


def faults_of(lake: Lake) -> list[str]:
    return [fault.what for fault in upkeep.verify(lake) if fault.where == "files"]


def tree(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


@settings(max_examples=20, deadline=None)
@given(n=st.integers(0, 40), parts=st.integers(1, 3))
def test_what_is_read_is_what_was_written(tmp_path_factory, n, parts):
    lake = Lake(tmp_path_factory.mktemp("lake"), "demo")
    lake.commit(PLACE, [lake.write(PLACE, part, links(n, part)) for part in range(parts)], LINEAGE)
    assert lake.read([PLACE]).equals(pa.concat_tables([links(n, part) for part in range(parts)]))
    assert lake.read([PLACE], part=parts - 1).equals(links(n, parts - 1))


def test_rows_written_but_not_committed_are_not_there(tmp_path):
    lake = Lake(tmp_path, "demo")
    lake.write(PLACE, 0, links(3))
    with pytest.raises(WindowNotFoundError, match="nothing committed"):
        lake.read([PLACE])


def test_the_same_commit_twice_changes_no_byte(tmp_path):
    before = tree(tmp_path / committed(tmp_path).root)
    committed(tmp_path)
    assert tree(tmp_path) == before


def test_other_inputs_make_a_new_revision_and_keep_the_old(tmp_path):
    committed(tmp_path)
    lake = committed(tmp_path, seed=1, lineage=LINEAGE | {"inputs": {"sightings": "b"}})
    assert lake.last(PLACE).revision == 2
    assert lake.read([PLACE]).equals(links(3, 1))
    assert sum(name.endswith(".parquet") for name in tree(tmp_path)) == 2


def test_the_same_inputs_giving_other_rows_are_refused(tmp_path):
    committed(tmp_path)
    with pytest.raises(IntegrityError, match="gave other rows"):
        committed(tmp_path, seed=1)


def test_every_flipped_bit_is_found_before_a_value_is_used(tmp_path):
    lake = committed(tmp_path, n=50)
    path = next(tmp_path.rglob("*.parquet"))
    content, chance = path.read_bytes(), random.Random(7)
    for _ in range(300):
        at = chance.randrange(len(content))
        path.write_bytes(content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :])
        with pytest.raises(IntegrityError, match="not those committed"):
            lake.read([PLACE])


def test_every_flipped_bit_of_a_record_is_found(tmp_path):
    lake = committed(tmp_path)
    lake.hold(PLACE, 1, "f" * 64, [("links", lake.files(PLACE)[0])])
    for path in sorted(tmp_path.rglob("*.json")):
        content = path.read_bytes()
        for bit in range(0, len(content) * 8, 5):
            path.write_bytes(content[: bit // 8] + bytes([content[bit // 8] ^ 1 << bit % 8]) + content[bit // 8 + 1 :])
            assert any("not a commit record" in fault for fault in faults_of(lake))
            assert lake.held(PLACE, "f" * 64) == {} or "part-" not in path.name
        path.write_bytes(content)
    assert faults_of(lake) == []
    assert list(lake.held(PLACE, "f" * 64)) == [1]


def test_a_missing_and_a_stray_file_are_named(tmp_path):
    lake = committed(tmp_path)
    path = next(tmp_path.rglob("*.parquet"))
    path.rename(path.with_name("0000-stray.parquet"))
    faults = faults_of(lake)
    assert any("committed but missing" in fault for fault in faults)
    assert any("in no commit" in fault for fault in faults)


def test_a_broken_commit_record_says_what_to_do(tmp_path):
    lake = committed(tmp_path)
    next(tmp_path.rglob("commit-r1.json")).write_text("{")
    with pytest.raises(IntegrityError, match="not a commit record"):
        lake.last(PLACE)


def test_dropped_rows_are_gone_and_their_record_stays(tmp_path):
    lake = committed(tmp_path)
    digest = lake.last(PLACE).digest
    assert len(lake.drop(PLACE, "retention")) == 1
    assert not list(tmp_path.rglob("*.parquet"))
    assert lake.dropped(PLACE)
    assert lake.last(PLACE).digest == digest
    assert faults_of(lake) == []
    with pytest.raises(WindowNotFoundError, match="expired"):
        lake.read([PLACE])


def test_dropped_rows_made_again_are_back(tmp_path):
    committed(tmp_path).drop(PLACE, "retention")
    assert committed(tmp_path).read([PLACE]).equals(links(3))


def test_places_are_read_back_from_their_folders(tmp_path):
    lake = committed(tmp_path)
    night = Place("products/flow", NIGHT)
    lake.commit(night, [lake.write(night, 0, links(1))], LINEAGE)
    assert lake.places() == sorted([PLACE, night], key=str)
    assert lake.night("products/flow", NIGHT) == [night]


def test_a_url_is_refused_with_a_sentence():
    with pytest.raises(SettingsError, match="only folders"):
        Lake("s3://bucket/lake", "demo")


def test_a_full_disk_is_a_sentence_and_leaves_nothing(tmp_path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    lake = Lake(tmp_path, "demo")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(IntegrityError, match="No space left"):
        lake.write(PLACE, 0, links(3))
    assert tree(tmp_path) == {}


def test_a_commit_is_whole_or_absent_after_a_kill(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    chance = random.Random(3)
    for attempt in range(6):
        root = tmp_path / str(attempt)
        child = spawn.Process(target=_commit_forever, args=(root,))
        child.start()
        deadline = time.monotonic() + 20
        while not list(root.rglob("commit-r*.json")) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.05))
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        lake = Lake(root, "demo")
        lake.sweep()
        assert not [fault for fault in faults_of(lake) if "in no commit" not in fault]
        assert all(lake.read([place]).num_rows == 20 for place in lake.places())
        assert not list((root / "demo" / ".staging").iterdir())


def _commit_forever(root: Path) -> None:
    lake, at = Lake(root, "demo"), datetime(2026, 3, 7, tzinfo=UTC)
    for n in range(100_000):
        place = Place("links", (at + timedelta(hours=n)).date(), (at + timedelta(hours=n)).hour)
        lake.commit(place, [lake.write(place, 0, links(10)), lake.write(place, 1, links(10, 1))], LINEAGE)
