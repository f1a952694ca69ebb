"""Looks at single vehicles, in a folder and in a bucket: none without a purpose and a line, and no line changes unseen."""

import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline import looks, scans, upkeep
from pipeline.errors import PrivacyError, SettingsError, StorageError
from pipeline.lake import Lake

DEMO, FDR = (scans.load(name, scans.bundled()) for name in ("demo", "fdr"))
NOW = datetime(2026, 3, 7, 12, tzinfo=UTC)
Files = dict[str, bytes]


def looked(lake: Lake, times: int) -> None:
    """Look at single vehicles so many times, every fifth time without a purpose."""
    for nth in range(times):
        purpose = "" if nth % 5 == 4 else f"signal timing at exit {nth}"
        try:
            looks.look(lake, FDR, "trajectories", purpose, NOW + timedelta(seconds=nth))
        except PrivacyError:
            assert not purpose


@pytest.mark.parametrize("table", ["links", "trajectories"])
@pytest.mark.parametrize("purpose", ["", "   "])
def test_single_vehicles_are_not_shown_without_a_purpose_and_the_refusal_is_logged(root, table, purpose):
    lake = Lake(root, "fdr")
    with pytest.raises(PrivacyError, match="--purpose"):
        looks.look(lake, FDR, table, purpose, NOW)
    assert [(entry["table"], entry["shown"]) for entry in looks.entries(lake)] == [(table, False)]


def test_every_look_leaves_an_entry_that_names_the_one_before(root):
    lake = Lake(root, "fdr")
    looked(lake, 3)
    there = looks.entries(lake)
    assert [entry["purpose"] for entry in there] == [f"signal timing at exit {nth}" for nth in range(3)]
    assert [entry["number"] for entry in there] == [1, 2, 3] == [*range(1, looks.head(lake).number + 1)]
    assert len({entry["before"] for entry in there}) == 3
    assert list(looks.faults(lake, looks.head(lake))) == []


def test_counts_and_the_demo_city_need_no_purpose(root):
    looks.look(Lake(root, "fdr"), FDR, "flow", "", NOW)
    looks.look(Lake(root, "demo"), DEMO, "trajectories", "", NOW)
    assert Lake(root, "fdr").storage.keys() == Lake(root, "demo").storage.keys() == []


def test_two_who_look_at_once_both_stand_in_the_log(root):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: looked(Lake(root, "fdr"), 4), range(8)))
    lake = Lake(root, "fdr")
    assert len(looks.entries(lake)) == 32 == looks.head(lake).number
    assert list(looks.faults(lake)) == []


def test_what_cannot_be_logged_is_not_shown(tmp_path, monkeypatch: pytest.MonkeyPatch):
    lake = Lake(str(tmp_path), "fdr")

    def full(key: str, _: bytes) -> bool:
        raise StorageError(f"{key}: cannot be written")

    monkeypatch.setattr(lake.storage, "put", full)
    with pytest.raises(StorageError, match="looks/00000001"):
        looks.look(lake, FDR, "links", "signal timing", NOW)


def edited(files: Files, chance: random.Random) -> Files:
    """Change one byte of an entry."""
    name = chance.choice(sorted(files))
    at = chance.randrange(len(files[name]))
    raw = files[name]
    return files | {name: raw[:at] + bytes([raw[at] ^ 1 << chance.randrange(8)]) + raw[at + 1 :]}


def sealed_again(files: Files, chance: random.Random) -> Files:
    """Change an entry's purpose and seal it again."""
    name = chance.choice(sorted(files))
    return files | {name: looks._sealed(json.loads(files[name]) | {"purpose": "nothing to see here"})}


def taken_out(files: Files, chance: random.Random) -> Files:
    """Take one entry out, not the last."""
    gone = chance.choice(sorted(files)[:-1])
    return {name: raw for name, raw in files.items() if name != gone}


def closed_up(files: Files, chance: random.Random) -> Files:
    """Take one entry out and number those behind it anew, each sealed again over the one before."""
    rows = [json.loads(files[name]) for name in sorted(files)]
    del rows[chance.randrange(len(rows))]
    return chained(rows)


def put_in(files: Files, chance: random.Random) -> Files:
    """Put a file into the log."""
    raw = files[chance.choice(sorted(files))]
    return files | {f"{chance.randrange(10**8):08}.json": raw, "x.json": raw} if chance.random() < 0.5 else files | {f"{len(files) + 1:08}.json": raw}  # fmt: skip


def swapped(files: Files, chance: random.Random) -> Files:
    """Swap two entries."""
    one, other = chance.sample(sorted(files), 2)
    return files | {one: files[other], other: files[one]}


def cut(files: Files, chance: random.Random) -> Files:
    """Cut the end off."""
    return dict(sorted(files.items())[: chance.randrange(len(files))])


def forged(files: Files, chance: random.Random) -> Files:
    """Change one entry and forge every entry after it."""
    rows = [json.loads(files[name]) for name in sorted(files)]
    rows[chance.randrange(len(rows))]["purpose"] = "nothing to see here"
    return chained(rows)


def chained(rows: list[dict]) -> Files:
    """Write entries as a chain without a fault."""
    before, files = looks._hash(b"looks of fdr"), {}
    for number, row in enumerate(rows, 1):
        raw = looks._sealed(row | {"number": number, "before": before})
        before, files[f"{number:08}.json"] = looks._hash(raw), raw
    return files


WAYS = (edited, sealed_again, taken_out, closed_up, put_in, swapped, cut, forged)


def test_a_thousand_of_a_thousand_tamperings_are_found_by_who_kept_the_head(tmp_path):
    lake = Lake(str(tmp_path), "fdr")
    looked(lake, 20)
    kept, folder = looks.head(lake), Path(tmp_path, "fdr", "looks")
    written = {path.name: path.read_bytes() for path in folder.iterdir()}
    chance, unseen = random.Random(1), []
    for nth in range(1000):
        way = WAYS[nth % len(WAYS)]
        lay(folder, way(written, chance))
        unseen += [] if list(looks.faults(lake, kept)) else [way.__name__]
    assert unseen == []
    lay(folder, written)
    assert list(looks.faults(lake, kept)) == []


@pytest.mark.parametrize(
    ("way", "seen"), [(edited, True), (taken_out, True), (swapped, True), (cut, False), (forged, False)]
)
def test_without_a_kept_head_only_who_forges_to_the_end_goes_unseen(tmp_path, way: Callable[[Files, random.Random], Files], seen: bool):  # fmt: skip
    lake = Lake(str(tmp_path), "fdr")
    looked(lake, 6)
    folder = Path(tmp_path, "fdr", "looks")
    written = {path.name: path.read_bytes() for path in folder.iterdir()}
    lay(folder, way(written, random.Random(2)))
    assert bool(list(looks.faults(lake))) is seen


def test_verify_tells_of_a_changed_log(tmp_path):
    lake = Lake(str(tmp_path), "fdr")
    looked(lake, 3)
    lake.storage.delete("looks/00000002.json")
    assert any("taken out" in fault.what for fault in upkeep.verify(lake))


@pytest.mark.parametrize("words", ["", "3", "3:abc", "x:" + 64 * "0", "3:" + 64 * "G"])
def test_a_head_that_is_none_is_refused(words):
    with pytest.raises(SettingsError, match="NUMBER:SHA256"):
        looks.Head.of(words)


def lay(folder: Path, files: Files) -> None:
    """Make a folder hold these files only."""
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()
    for name, raw in files.items():
        (folder / name).write_bytes(raw)
