"""Every planned slot of every camera becomes one row, whatever came."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from builders import camera, rows
from test_cameras import FEED, SCAN

from pipeline import feeds, snapshots
from pipeline.feeds import Camera, Picture
from pipeline.scans import Window
from pipeline.tables import SNAPSHOTS

HOUR = datetime(2026, 3, 3, 12, tzinfo=UTC)
WINDOW = Window(HOUR, HOUR, HOUR + timedelta(hours=1))
TWO = rows("cameras", camera("a", camera_id="made:a"), camera("b", camera_id="made:b"))


def slot(number: int) -> datetime:
    return HOUR + timedelta(seconds=10 * number)


def picture(_scan: object, camera: Camera, at: datetime) -> Picture:
    """Nothing comes from camera b's second slot; all else does, 3 s old."""
    if camera.native_id == "b" and at == slot(1):
        return Picture("missed: HTTP 503")
    return Picture("ok", f"{camera.native_id}{at}".encode(), at - timedelta(seconds=3), "feed")


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


class Hands:
    """A clock whose hands move by sleeping, and by `tick_s` at every look."""

    def __init__(self, at: datetime, tick_s: float = 0.0) -> None:
        self.at, self.tick = at, timedelta(seconds=tick_s)

    def now(self) -> datetime:
        self.at += self.tick
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def polled(monkeypatch: pytest.MonkeyPatch) -> Callable[[Hands], list[dict]]:
    made = {"slots": lambda *_: [slot(n) for n in range(4)], "picture": picture, "live": True}
    monkeypatch.setattr(feeds, "load", lambda _: feeds.Feed(**vars(FEED) | made))

    def fetch(hands: Hands) -> list[dict]:
        monkeypatch.setattr(snapshots, "CLOCK", snapshots.Clock(hands.now, hands.sleep))
        return snapshots.fetch(TWO, SCAN, WINDOW).to_pylist()

    return fetch


def test_a_live_feed_is_asked_when_each_slot_has_come(polled):
    hands = Hands(HOUR - timedelta(seconds=20))
    fetched = polled(hands)
    assert [row["fetched_at"] for row in fetched if row["camera_id"] == "made:a"] == [slot(n) for n in range(4)]
    assert hands.at == slot(3)


def test_live_pictures_of_the_past_are_missed_and_never_asked_for(polled):
    late = Hands(slot(3) + timedelta(seconds=SCAN.cadence_s + 1))
    fetched = polled(late)
    assert [row["status"] for row in fetched] == ["missed: asked too late"] * 8
    assert {row["jpeg"] for row in fetched} == {None}


def test_a_slow_feed_gives_gaps_not_pictures_under_the_wrong_slot(polled):
    fetched = polled(Hands(HOUR, tick_s=4.0))
    came = [row for row in fetched if row["jpeg"] is not None]
    assert 0 < len(came) < 8
    assert all(row["fetched_at"] - row["slot_at"] < timedelta(seconds=20) for row in came)


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0])
def test_a_clock_that_jumps_changes_no_slot_and_is_told_with_what_came_after(monkeypatch, jump_s):
    wall, even = Hands(HOUR - timedelta(seconds=5)), Hands(HOUR)

    def even_s() -> float:
        return (even.at - HOUR).total_seconds()

    steady = snapshots.Steady(wall.now, even_s)

    def sleep(seconds: float) -> None:
        even.sleep(seconds)
        wall.sleep(seconds + (jump_s if steady.now() == slot(2) else 0.0))

    made = {"slots": lambda *_: [slot(n) for n in range(4)], "picture": picture, "live": True}
    monkeypatch.setattr(feeds, "load", lambda _: feeds.Feed(**vars(FEED) | made))
    monkeypatch.setattr(snapshots, "CLOCK", snapshots.Clock(steady.now, sleep, steady.step_s))
    fetched = [row for row in snapshots.fetch(TWO, SCAN, WINDOW).to_pylist() if row["camera_id"] == "made:a"]
    assert [row["fetched_at"] for row in fetched] == [slot(n) for n in range(4)]
    assert [row["status"] for row in fetched] == ["ok"] * 2 + [f"ok: clock suspect, set by {jump_s:+.0f} s"] * 2
