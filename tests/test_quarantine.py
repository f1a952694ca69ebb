"""The quarantine: pictures that kill are found by halving, named in a ledger, and left out from then on."""

import random
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest

from pipeline import frames, quarantine
from pipeline.errors import IntegrityError
from pipeline.lake import Lake, Place
from pipeline.quarantine import Entry, Span
from pipeline.tables import CAMERAS, SNAPSHOTS

HOUR = datetime(2026, 5, 5, 12, tzinfo=UTC)
WINDOW = Place("frames", HOUR.date(), 12)
ENTRY = Entry("demo:a", HOUR, "0" * 64, "quarantined: killed its worker in detections")


def keys(count: int) -> list[quarantine.Key]:
    return sorted((f"demo:{n % 3}", HOUR + timedelta(seconds=n)) for n in range(count))


def snapshots(*pictures: bytes | None) -> pa.Table:
    rows = [
        {
            "camera_id": "demo:a", "slot_at": HOUR + timedelta(seconds=n), "fetched_at": None, "captured_at": None,
            "captured_at_source": "none", "status": "ok", "jpeg": jpeg,
        }
        for n, jpeg in enumerate(pictures)
    ]  # fmt: skip
    return SNAPSHOTS.check(pa.Table.from_pylist(rows, schema=SNAPSHOTS.schema))


@pytest.mark.parametrize("seed", range(20))
def test_every_picture_that_kills_alone_is_found_and_no_other(seed):
    chance = random.Random(seed)
    suspects = keys(chance.randint(1, 60))
    poison = set(chance.sample(suspects, chance.randint(0, min(3, len(suspects)))))

    def kills(spans: list[Span]) -> list[bool]:
        return [any(span.first <= key <= span.last for key in poison) for span in spans]

    assert set(quarantine.culprits(suspects, kills)) == poison


def test_pictures_that_kill_only_together_are_not_blamed():
    assert quarantine.culprits(keys(16), lambda spans: [span.pictures > 8 for span in spans]) == []


def test_one_poison_of_a_thousand_costs_twenty_one_probes():
    probed: list[Span] = []

    def kills(spans: list[Span]) -> list[bool]:
        probed.extend(spans)
        return [span.first <= poison <= span.last for span in spans]

    suspects = keys(1024)
    poison = suspects[700]
    assert quarantine.culprits(suspects, kills) == [poison]
    assert len(probed) == 21


def test_the_ledger_reads_back_what_was_written(tmp_path):
    lake = Lake(tmp_path, "demo")
    quarantine.add(lake, WINDOW, ENTRY)
    quarantine.add(lake, WINDOW, ENTRY)
    assert quarantine.read(lake, WINDOW) == (ENTRY,)
    assert quarantine.read(lake, Place("frames", date(2026, 5, 6), 12)) == ()


def test_a_flipped_bit_in_the_ledger_is_found(tmp_path):
    quarantine.add(Lake(tmp_path, "demo"), WINDOW, ENTRY)
    (path,) = (tmp_path / "demo" / quarantine.FOLDER).rglob("*.json")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match="not those written"):
        quarantine.read(Lake(tmp_path, "demo"), WINDOW)


def test_an_entry_holds_the_hash_and_never_the_picture():
    entry = quarantine.entry(snapshots(b"\xff\xd8\xffsecret"), ("demo:a", HOUR), "killed its worker in frames")
    assert b"secret" not in entry.to_bytes()
    assert len(entry.sha256) == 64


def test_a_quarantined_picture_is_a_broken_frame_that_says_why():
    cameras = CAMERAS.empty()
    rows = quarantine.blanked(snapshots(b"1", b"2"), [ENTRY])
    spared, other = frames.inspect(cameras, rows, frames.Settings()).to_pylist()
    assert (spared["state"], spared["reason"]) == ("broken", ENTRY.reason)
    assert other["reason"] != ENTRY.reason


def test_a_probe_sees_the_pictures_of_its_span_alone():
    rows = snapshots(b"0", b"1", None, b"3", b"4")
    at = quarantine.keys(rows)
    shown = quarantine.blanked(rows, [], Span(at[1], at[3], 2))
    assert shown["jpeg"].to_pylist() == [None, b"1", None, b"3", None]
    assert SNAPSHOTS.check(shown).num_rows == 5
