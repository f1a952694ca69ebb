"""Every planned slot of every camera becomes one row, whatever came."""

from datetime import UTC, datetime, timedelta

import pytest
from builders import camera, rows
from test_cameras import FEED, SCAN

from pipeline import feeds, snapshots
from pipeline.feeds import Picture
from pipeline.scans import Window
from pipeline.tables import SNAPSHOTS

HOUR = datetime(2026, 3, 3, 12, tzinfo=UTC)
WINDOW = Window(HOUR, HOUR, HOUR + timedelta(hours=1))
TWO = rows("cameras", camera("a", camera_id="made:a"), camera("b", camera_id="made:b"))


def slot(number: int) -> datetime:
    return HOUR + timedelta(seconds=10 * number)


def picture(_scan: object, native_id: str, at: datetime) -> Picture:
    """Nothing comes from camera b's second slot; all else does, 3 s old."""
    if native_id == "b" and at == slot(1):
        return Picture("missed: HTTP 503")
    return Picture("ok", f"{native_id}{at}".encode(), at - timedelta(seconds=3), "feed")


@pytest.fixture(autouse=True)
def _feed(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {"slots": lambda *_: [slot(0), slot(1)], "picture": picture}
    monkeypatch.setattr(feeds, "load", lambda _: feeds.Feed(**vars(FEED) | made))


def test_every_slot_of_every_camera_has_one_row():
    fetched = snapshots.fetch(TWO, SCAN, WINDOW).to_pylist()
    assert [(row["camera_id"], row["slot_at"]) for row in fetched] == [
        (name, slot(n)) for name in ("made:a", "made:b") for n in (0, 1)
    ]


def test_what_did_not_come_is_a_row_with_its_reason():
    row = snapshots.fetch(TWO, SCAN, WINDOW).to_pylist()[3]
    assert (row["status"], row["jpeg"], row["fetched_at"], row["captured_at"]) == ("missed: HTTP 503", None, None, None)


def test_a_recorded_picture_arrives_when_it_was_taken():
    row = snapshots.fetch(TWO, SCAN, WINDOW).to_pylist()[0]
    assert row["fetched_at"] == row["captured_at"] == slot(0) - timedelta(seconds=3)
    assert row["captured_at_source"] == "feed"


def test_fetching_twice_and_in_another_order_gives_the_same_rows():
    assert snapshots.fetch(TWO, SCAN, WINDOW).equals(snapshots.fetch(TWO.take([1, 0]), SCAN, WINDOW))


def test_no_cameras_give_no_rows():
    assert snapshots.fetch(TWO.slice(0, 0), SCAN, WINDOW).equals(SNAPSHOTS.empty())
