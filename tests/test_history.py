"""What an operator still has of slots gone by is what polling would have found, and never more."""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from urllib.parse import parse_qs

import pytest
from builders import camera, rows
from city import City
from hypothesis import given
from hypothesis import strategies as st
from loopback import JPEG, Loopback, Reply, says
from mutations import FOLDER
from test_cameras import FEED, SCAN
from test_snapshots import Hands

from pipeline import clusters, feeds, snapshots
from pipeline.feeds import Camera, Gone, Picture, _asking, _past, caltrans_cwwp2, digitraffic_fi, lta_sg
from pipeline.feeds._past import Taken
from pipeline.fetcher import manners
from pipeline.lake import Lake
from pipeline.runner import Night
from pipeline.scans import Scan, Window
from pipeline.stages import stage

HOUR = datetime(2026, 3, 3, 12, tzinfo=UTC)
WINDOW = Window(HOUR, HOUR, HOUR + timedelta(hours=1))
TWO = rows("cameras", camera("a", camera_id="made:a"), camera("b", camera_id="made:b"))
SLOTS = [HOUR + timedelta(minutes=10 * n) for n in range(4)]


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    manners.forget()
    monkeypatch.setattr(_asking, "PAUSES_S", (0.0,))


def at(minute: float) -> datetime:
    return HOUR + timedelta(minutes=minute)


def gone(*slots: datetime, native_id: str = "a", step: timedelta = timedelta(minutes=10)) -> list[Gone]:
    befores = (slots[0] - step, *slots[:-1])
    return [
        Gone(Camera(native_id, native_id, 0.0, 0.0), slot, since) for since, slot in zip(befores, slots, strict=True)
    ]


def quickly(feed: str, source: str, **changes: object) -> Scan:
    stages = {"snapshots": {"past_per_minute": 1e6}}
    return replace(Scan("t", feed, "UTC", "EPSG:3857", source=source, cadence_s=600.0, stages=stages), **changes)


def recalled(name: str, scan: Scan, asked: Sequence[Gone]) -> list[Picture]:
    feed = feeds.load(name)
    assert feed.past
    return feed.past(scan, asked, 30.0)


@given(st.lists(st.integers(0, 3600), max_size=12), st.lists(st.integers(0, 3600), min_size=1, max_size=12))
def test_history_answers_what_polling_would_have_found(taken_s: list[int], slots_s: list[int]):
    taken = sorted({at(second / 60) for second in taken_s})
    slots = sorted({at(second / 60) for second in slots_s})
    found = [_past._newest([Taken(each, "") for each in taken], each) for each in gone(*slots)]
    told = [each.at for each in found if each]
    assert len(set(told)) == len(told)
    for before, after in pairwise(slots):
        polled = [max((each for each in taken if each <= slot), default=None) for slot in (before, after)]
        (given_,) = [each for each, slot in zip(found, slots, strict=True) if slot == after]
        assert (given_.at if given_ else None) == (polled[1] if polled[1] != polled[0] else None)


patience: list[float] = []
"""Seconds for which the past was asked for."""


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[list[dict], list[Gone]]]:
    """Fetch a window of a feed whose operator keeps pictures for 40 min, by a clock; return rows and what was asked of the past."""

    def fetch(hands: Hands, **changes: object) -> tuple[list[dict], list[Gone]]:
        asked: list[Gone] = []
        patience.clear()

        def past(_: Scan, those: Sequence[Gone], patience_s: float) -> list[Picture]:
            asked.extend(those)
            patience.append(patience_s)
            return [Picture("ok", b"old", each.slot - timedelta(seconds=9), "feed") for each in those]

        made = {"slots": lambda *_: SLOTS, "pictures": lambda _s, due, *_: [Picture("ok", b"new")] * len(due), "live": True,
                "past": past, "history_s": 2400.0}  # fmt: skip
        monkeypatch.setattr(feeds, "load", lambda _: feeds.Feed(**vars(FEED) | made | changes))
        monkeypatch.setattr(snapshots, "CLOCK", snapshots.Clock(hands.now, hands.sleep))
        return snapshots.fetch(TWO, SCAN, WINDOW).to_pylist(), asked

    return fetch


def test_slots_gone_by_are_asked_of_the_past_and_those_to_come_at_their_time(kept):
    hands = Hands(at(15))
    fetched, asked = kept(hands)
    assert [row["jpeg"] for row in fetched] == [b"old", b"new", b"new", b"new"] * 2
    assert [(each.camera.native_id, each.slot, each.since) for each in asked] == [
        (name, SLOTS[0], at(-10)) for name in "ab"
    ]
    assert (fetched[0]["captured_at"], fetched[0]["captured_at_source"]) == (
        SLOTS[0] - timedelta(seconds=9),
        "feed",
    )
    assert hands.at == SLOTS[3]
    assert patience == [290.0]


def test_the_past_is_not_asked_for_what_its_operator_has_not_put_by_yet(kept):
    fetched, asked = kept(Hands(at(15)), history_step_s=1800.0)
    assert [row["jpeg"] for row in fetched] == [b"old", b"new", b"new", b"new"] * 2
    assert (len(asked), patience[-1]) == (2, 600.0)


def test_a_past_night_waits_for_no_clock_and_says_what_its_operator_has_forgotten(kept):
    hands = Hands(at(55))
    fetched, asked = kept(hands)
    assert hands.at == at(55)
    assert [row["status"] for row in fetched[:4]] == ["missed: history reaches back only 0.666667 h"] * 2 + ["ok"] * 2
    assert [each.since for each in asked if each.camera.native_id == "a"] == [SLOTS[1], SLOTS[2]]
    assert patience == [snapshots.PAST_PATIENCE_S]


def test_a_picture_that_polling_came_too_late_for_is_asked_of_the_past(kept):
    late = {"pictures": lambda _s, due, *_: [Picture("ok", b"new"), snapshots.TOO_LATE][: len(due)]}
    fetched, asked = kept(Hands(at(0)), **late)
    assert [row["jpeg"] for row in fetched] == [b"new"] * 4 + [b"old"] * 4
    assert {each.camera.native_id for each in asked} == {"b"}
    assert patience == [590.0, 590.0, 590.0, 600.0]


def test_cameras_of_other_slots_are_polled_beside_and_hold_up_no_program_that_stops(monkeypatch):
    together = threading.Barrier(2)

    def pictures(_: Scan, due: Sequence[tuple[Camera, datetime]], *_rest: object) -> list[Picture]:
        together.wait(timeout=10)
        assert threading.current_thread().daemon
        return [Picture("ok", each.native_id.encode()) for each, _ in due]

    now = datetime.now(UTC)
    slots = {"a": [now], "b": [now + timedelta(seconds=0.2)]}
    made = {"slots": lambda _s, _w, name: slots[name], "pictures": pictures, "live": True}
    monkeypatch.setattr(feeds, "load", lambda _: feeds.Feed(**vars(FEED) | made))
    fetched = snapshots.fetch(TWO, SCAN, WINDOW).to_pylist()
    assert [(row["camera_id"], row["jpeg"]) for row in fetched] == [("made:a", b"a"), ("made:b", b"b")]
    monkeypatch.setattr(feeds, "load", lambda _: feeds.Feed(**vars(FEED) | made | {"pictures": lambda *_: 1 // 0}))
    with pytest.raises(ZeroDivisionError):
        snapshots.fetch(TWO, SCAN, WINDOW)


def test_without_a_history_what_is_gone_is_gone(kept):
    fetched, asked = kept(Hands(at(55)), past=None, history_s=None)
    assert [row["status"] for row in fetched] == ["missed: asked too late"] * 8
    assert not asked


def test_what_several_shards_need_is_asked_for_once_and_a_fault_again():
    once, asked = _asking.Once(kept=2), []

    def ask() -> int:
        asked.append(1)
        return len(asked)

    assert [once("a", ask), once("a", ask), once("b", ask), once("c", ask), once("a", ask)] == [1, 1, 2, 3, 4]
    with pytest.raises(ZeroDivisionError):
        once("d", lambda: 1 // 0)
    assert once("d", ask) == 5


def taken(when: datetime, body: bytes = JPEG) -> Reply:
    return says(body, f"Last-Modified: {format_datetime(when, usegmt=True)}")


FI = "/tie.digitraffic.fi/api/weathercam/v1/stations"
PRESETS = [
    Camera(f"C99001{n:02}", "x", 24.1, 60.1, image_url=f"{digitraffic_fi.MEDIA}C99001{n:02}.jpg") for n in (1, 2)
]
MEASURED = datetime(2026, 1, 2, 3, 0, 5, tzinfo=UTC)


def measured(preset: str, when: str) -> Reply:
    return says(
        b'{"stations": [{"id": "C99001", "presets": [{"id": "%s", "measuredTime": "%s"}]}]}'
        % (preset.encode(), when.encode())
    )


@pytest.mark.parametrize(
    ("when", "stored_s", "expected"),
    [
        ("2026-01-02T03:00:05Z", 0, "feed"),
        ("2026-01-02T05:00:05+02:00", 20, "feed"),
        ("2026-01-02T03:00:05", 0, "last_modified"),
        ("2026-01-02T03:00:05Z", 600, "last_modified"),
        ("2026-01-02T03:00:05Z", -600, "last_modified"),
        ("", 0, "last_modified"),
    ],
    ids=["as stored", "another zone", "no zone", "of the picture before", "of the picture after", "none"],
)
def test_finland_measures_its_pictures_in_one_request_a_sweep(when: str, stored_s: int, expected: str):
    stored_at = MEASURED + timedelta(seconds=stored_s)
    pages = {f"/weathercam.digitraffic.fi/{each.native_id}.jpg": taken(stored_at) for each in PRESETS}
    with Loopback(pages | {f"{FI}/data": measured("C9900101", when)}) as server:
        feed, scan = feeds.load("digitraffic_fi"), quickly("digitraffic_fi", server.url)
        assert feed.pictures
        first, second = (feed.pictures(scan, [(each, MEASURED)], 30.0, {})[0] for each in PRESETS)
        asked = [headers for path, headers in server.asked if path == f"{FI}/data"]
    assert (first.captured_at, first.captured_at_source) == (MEASURED if expected == "feed" else stored_at, expected)
    assert (second.captured_at, second.captured_at_source) == (stored_at, "last_modified")
    assert [headers["accept-encoding"] for headers in asked] == ["gzip"]


def test_finland_shows_the_past_of_a_station_by_one_list_and_its_pictures():
    versions = [f"/weathercam.digitraffic.fi/C99001{n:02}.jpg" for n in (1, 2)]
    pages = dict.fromkeys(versions, says(JPEG)) | {
        f"{FI}/C99001/history": says((FOLDER / "fi_history.json").read_bytes()),
        f"{FI}/C99009/history": says(b"", status="404 Not Found"),
        f"{FI}/C99008/history": says(b"{}"),
        f"{FI}/C99007/history": says(b"", status="503 Service Unavailable"),
    }
    slots = [datetime(2026, 1, 2, hour, tzinfo=UTC) for hour in (2, 3)]
    names = ("C9900101", "C9900102", "C9900901", "C9900801", "C9900701")
    asked = [each for name in names for each in gone(*slots, native_id=name, step=timedelta(hours=1))]
    with Loopback(pages) as server:
        came = recalled("digitraffic_fi", quickly("digitraffic_fi", server.url), asked)
        pictures = [path for path, _ in server.asked if "weathercam.d" in path]
        lists = [path for path, _ in server.asked if "history" in path]
    none = "missed: not in the history"
    assert [each.status for each in came] == [
        "ok", none, none, "ok", none, none, *["missed: its list cannot be read"] * 2,
        *["missed: its list did not come: HTTP 503"] * 2,
    ]  # fmt: skip
    assert [each.captured_at for each in came if each.jpeg] == [
        datetime(2026, 1, 2, hour, 50, 5, tzinfo=UTC) for hour in (1, 2)
    ]
    assert {each.captured_at_source for each in came if each.jpeg} == {"feed"}
    assert pictures == [f"{way}?versionId=aLd3r.Mi1l_0{n}" for n, way in enumerate(versions, 1)]
    assert lists.count(f"{FI}/C99001/history") == 1


def test_california_keeps_twelve_pictures_and_only_those_in_question_are_asked_for():
    now = datetime.now(UTC).replace(microsecond=0)
    references = caltrans_cwwp2.references((FOLDER / "caltrans_cwwp2.json").read_bytes())["13-1"]
    pages = {
        "/" + url.removeprefix("https://"): taken(now - timedelta(minutes=15 * n), JPEG + bytes([n]))
        for n, url in enumerate(references.urls, 1)
    }
    pages["/cwwp2.dot.ca.gov/data/d13/cctv/cctvStatusD13.json"] = says((FOLDER / "caltrans_cwwp2.json").read_bytes())
    asked = gone(
        *(now - timedelta(minutes=minute) for minute in (46, 44, 42, 14)), native_id="13-1", step=timedelta(minutes=2)
    )
    with Loopback(pages) as server:
        came = recalled(
            "caltrans_cwwp2", quickly("caltrans_cwwp2", server.url), [*asked, *gone(now, native_id="13-77")]
        )
        numbers = [path.rpartition("-")[2] for path, _ in server.asked if path.endswith(".jpg")]
    none = "missed: not in the history"
    assert [each.status for each in came] == [none, "ok", none, "ok", none]
    assert [each.captured_at for each in came if each.jpeg] == [now - timedelta(minutes=minute) for minute in (45, 15)]
    assert {each.captured_at_source for each in came if each.jpeg} == {"last_modified"}
    assert numbers == [f"{n}.jpg" for n in range(1, 5)]


def batch(*captures: tuple[str, datetime]) -> dict[str, object]:
    return {
        "timestamp": "2026-01-02T03:04:45+08:00",
        "cameras": [
            {
                "timestamp": when.astimezone(lta_sg.ZONE).isoformat(), "camera_id": name,
                "image": f"{lta_sg.MEDIA}{name}-{when:%H%M%S}.jpg", "location": {"latitude": 1.31, "longitude": 103.71},
            }
            for name, when in captures
        ],
    }  # fmt: skip


def test_singapore_is_asked_for_the_list_of_each_slot_and_joins_their_batches():
    first, second = at(0), at(1)
    by_time = {
        "2026-03-03T20:00:00": [batch(("1", at(-0.5)))],
        # the list of the second slot has what the first one's lacks, and one more of what it has
        "2026-03-03T20:01:00": [batch(("2", at(-0.25)), ("1", at(0.5))), batch(("1", at(-0.5)), ("2", at(-0.75)))],
    }

    class Dated(Loopback):
        def reply(self, path: str) -> Reply | None:
            asked = parse_qs(path.partition("?")[2]).get("date_time", [""])[0]
            return says(json.dumps({"items": by_time[asked]}).encode()) if asked else says(JPEG)

    asked = [each for name in ("1", "2") for each in gone(first, second, native_id=name, step=timedelta(minutes=1))]
    with Dated() as server:
        came = recalled("lta_sg", quickly("lta_sg", server.url), asked)
        pictures = [path.rpartition("/")[2] for path, _ in server.asked if path.endswith(".jpg")]
        lists = [path for path, _ in server.asked if "date_time" in path]
    assert [each.captured_at for each in came] == [at(-0.5), at(0.5), at(-0.25), None]
    assert [each.status for each in came] == ["ok"] * 3 + ["missed: not in the history"]
    assert pictures == ["1-115930.jpg", "1-120030.jpg", "2-115945.jpg"]
    assert len(lists) == 2


def test_pictures_of_the_past_are_asked_for_slowly_and_again_where_they_failed_in_passing(monkeypatch):
    answers = iter([says(b"", status="503 Service Unavailable"), says(JPEG)])

    async def better(to):
        await next(answers)(to)

    pages = {
        f"{FI}/C99001/history": says((FOLDER / "fi_history.json").read_bytes()),
        "/weathercam.digitraffic.fi/C9900101.jpg": better,
    }
    rates: list[float | None] = []
    fetch = _asking.fetcher.fetch
    monkeypatch.setattr(
        _asking.fetcher,
        "fetch",
        lambda asked, rules, *rest: rates.append(rules.requests_per_minute) or fetch(asked, rules, *rest),
    )
    with Loopback(pages) as server:
        scan = replace(quickly("digitraffic_fi", server.url), stages={})
        (came,) = recalled(
            "digitraffic_fi",
            scan,
            gone(datetime(2026, 1, 2, 2, tzinfo=UTC), native_id="C9900101", step=timedelta(hours=1)),
        )
    assert came.status == "ok"
    assert set(rates) == {120.0}


def test_a_server_that_wants_to_be_left_alone_is_asked_for_the_past_when_it_has_rested(monkeypatch):
    answers = iter([says(b"no", "Retry-After: 1", status="429 Too Many Requests"), says(JPEG)])

    async def rested(to):
        await next(answers)(to)

    monkeypatch.setattr(_asking, "REST_S", 0.4)
    lists = {f"{FI}/C99001/history": says((FOLDER / "fi_history.json").read_bytes())}
    with Loopback(lists | {"/weathercam.digitraffic.fi/C9900101.jpg": rested}) as server:
        asked = gone(datetime(2026, 1, 2, 2, tzinfo=UTC), native_id="C9900101", step=timedelta(hours=1))
        (came,) = recalled("digitraffic_fi", quickly("digitraffic_fi", server.url), asked)
    assert came.status == "ok"


def test_a_past_night_is_fetched_from_history_and_a_second_run_asks_for_nothing(tmp_path):
    on = date(2026, 3, 3)
    with City({"lta_sg": 3}) as server:
        scan = quickly(
            "lta_sg", server.url, cadence_s=60.0, hours="20:00-20:05", timezone="Asia/Singapore", shard_cameras=2
        )
        with clusters.spread() as alone:
            night = Night(scan, on, Lake(tmp_path, "t"), alone)
            night.ensure(stage("cameras"), None)
            (window,) = night.windows
            first = night.ensure(stage("snapshots"), window)
            asked = [path for path, _ in server.asked]
            again = Night(scan, on, Lake(tmp_path, "t"), alone).ensure(stage("snapshots"), window)
            fetched = night.lake.read([first.place]).to_pylist()
        assert len(server.asked) == len(asked)
    assert (first.fresh, again.fresh, first.rows) == (True, False, 15)
    came = [row for row in fetched if row["status"] == "ok"]
    assert len(came) >= 12
    assert all(timedelta(0) <= row["slot_at"] - row["captured_at"] < timedelta(seconds=60) for row in came)
    assert len({row["jpeg"] for row in came}) == len(came)
    assert sum("date_time=2026-03-03T20:" in path for path in asked) == 5
