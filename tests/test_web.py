"""A feed of public cameras is made of facts, and asks only as its operator allows."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from loopback import JPEG, MODIFIED, Connection, Loopback, Reply, changed, says, slowly, stops

from pipeline import cameras, feeds, snapshots
from pipeline.errors import FeedError, PrivacyError, SettingsError
from pipeline.feeds import Camera, Feed, Key, Listing, Rejected, _asking
from pipeline.feeds._read import read_json
from pipeline.feeds._web import web
from pipeline.fetcher import manners
from pipeline.scans import Scan

LIST, MEDIA = "https://api.example.org/cameras", "https://media.example.org"
SCAN = Scan("made", "made", "Europe/London", "EPSG:27700", cadence_s=60.0)
NOW = datetime(2026, 5, 5, 21, 30, tzinfo=UTC)


def parse(content: bytes) -> Listing:
    rows = read_json(content, "made")
    there = [Camera(row["id"], row["id"], row["lon"], row["lat"], image_url=row["url"]) for row in rows if "url" in row]
    return Listing(there, [Rejected(row["id"], "out of service") for row in rows if "url" not in row])


def row(name: str, lon: float = -0.1, lat: float = 51.5, url: str | None = None) -> dict:
    return {"id": name, "lon": lon, "lat": lat, "url": url or f"{MEDIA}/{name}.jpg"}


def made(**changes: object) -> Feed:
    facts = {
        "operator": "Example Roads", "licence": "OGL", "attribution": "Example", "terms_url": "https://example.org", "commercial": True,
        "may_store_frames": True, "cleared": True, "timestamps": "Last-Modified is when the picture was taken",
        "hosts": ("https://api.example.org", MEDIA), "lists": (LIST,), "parse": parse, "bounds": (-0.6, 51.2, 0.4, 51.8),
        "min_interval_s": 60.0, "times": "last_modified",
    }  # fmt: skip
    return web(**facts | changes)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    manners.forget()


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Loopback, Scan]]:
    """Start a stand-in that answers for the list, and return it with a scan of it."""
    started: list[Loopback] = []

    def start(*rows: dict, pages: dict[str, Reply] | None = None, **changes: object) -> tuple[Loopback, Scan]:
        list_page = says(json.dumps(rows).encode())
        server = Loopback({"/api.example.org/cameras": list_page} | (pages or {})).__enter__()
        started.append(server)
        monkeypatch.setattr(feeds, "load", lambda _: made(**changes))
        return server, replace(SCAN, source=server.url)

    yield start
    for server in started:
        server.__exit__()


def test_the_list_gives_cameras_and_every_other_row_with_its_reason(serve):
    rows = [row("b"), row("a"), {"id": "off"}, row("a"), row("zero", 0.0, 0.0), row("far", 10.0), row("x" * 201),
            row("nul\0"), row("elsewhere", url="https://evil.example/1.jpg"), row("home", url="http://127.0.0.1/1.jpg")]  # fmt: skip
    _, scan = serve(*rows)
    listed, rejected = cameras.register(scan)
    assert listed["camera_id"].to_pylist() == ["made:a", "made:b"]
    reasons = {each.native_id: each.reason for each in rejected}
    assert reasons.pop("x" * 201) == reasons.pop("nul\0") == "its id is empty, too long or not printable"
    assert reasons == {
        "off": "out of service",
        "a": "its id stands twice; the first stands",
        "zero": "lon 0.0, lat 0.0 lies outside its operator's area",
        "far": "lon 10.0, lat 51.5 lies outside its operator's area",
        "elsewhere": "its picture is at a server that is not the operator's",
        "home": "its picture is at a server that is not the operator's",
    }


def test_one_of_two_lists_that_does_not_come_is_told_and_the_other_is_used(serve):
    _, scan = serve(
        row("a"), pages={"/api.example.org/b": says(b"", status="404 Not Found")}, lists=(LIST, LIST[:-7] + "b")
    )
    listed, rejected = cameras.register(scan)
    assert listed.num_rows == 1
    assert [each.native_id for each in rejected] == ["https://api.example.org/b"]
    assert "did not come: HTTP 404" in rejected[0].reason


def test_a_list_that_does_not_come_or_holds_no_camera_is_an_error_with_its_address(serve):
    _, scan = serve(pages={"/api.example.org/cameras": says(b"", status="404 Not Found")})
    with pytest.raises(FeedError, match=rf"feed made: its list {LIST} did not come: HTTP 404"):
        cameras.survey(scan)
    _, scan = serve({"id": "off"})
    with pytest.raises(
        FeedError, match="none of 1 rows of its list is a camera to observe, the first because out of service"
    ):
        cameras.survey(scan)


def test_a_list_is_asked_for_again_after_a_passing_fault(serve, monkeypatch):
    answers = iter([says(b"", status="503 Service Unavailable"), stops(b""), says(json.dumps([row("a")]).encode())])

    async def better_each_time(to: Connection) -> None:
        await next(answers)(to)

    monkeypatch.setattr(_asking, "PAUSES_S", (0.0, 0.0))
    server, scan = serve(pages={"/api.example.org/cameras": better_each_time})
    assert cameras.survey(scan)["camera_id"].to_pylist() == ["made:a"]
    assert len(server.asked) == 3


def test_an_uncleared_feed_is_not_asked_unless_the_permission_held_is_stated(serve):
    server, scan = serve(row("a"), cleared=False)
    with pytest.raises(PrivacyError, match=r"--i-have-permission '\.\.\.', or permission in \[scan\.made\]"):
        cameras.survey(scan)
    assert server.connections == 0
    allowed = cameras.survey(replace(scan, permission="letter of 2026-05-01"))
    assert allowed["cleared"].to_pylist() == [False]


@pytest.mark.parametrize(
    ("key", "sent"),
    [
        (Key("MADE_KEY", header="Authorization", value="apikey {key}"), "'authorization': 'apikey SENTINEL a'"),
        (Key("MADE_KEY", query="key"), "/api.example.org/cameras?key=SENTINEL%20a"),
    ],
    ids=["header", "query"],
)
def test_a_key_comes_from_the_environment_and_goes_with_lists_alone(serve, monkeypatch, caplog, key, sent):
    server, scan = serve(row("a"), key=key)
    with pytest.raises(SettingsError, match="set MADE_KEY"):
        cameras.survey(scan)
    monkeypatch.setenv("MADE_KEY", "SENTINEL a")
    listed = cameras.survey(scan)
    feeds.load("made").picture(scan, Camera.of(listed.to_pylist()[0]), NOW)
    assert sent in str(server.asked[0])
    assert "SENTINEL" not in f"{server.asked[1:]} {listed.to_pylist()} {caplog.text}"


def test_a_packed_list_is_asked_for_only_where_the_feed_says_so(serve):
    for headers, packing in (({"Accept": "application/json"}, "identity"), ({"Accept-Encoding": "gzip"}, "gzip")):
        server, scan = serve(row("a"), headers=headers)
        listed = cameras.survey(scan)
        feeds.load("made").picture(scan, Camera.of(listed.to_pylist()[0]), NOW)
        assert [asked["accept-encoding"] for _, asked in server.asked] == [packing, "identity"]


@pytest.mark.parametrize(
    "source", ["https://example.org", "http://10.0.0.1:80", "folder", "http://127.0.0.1:80@evil.example"]
)
def test_a_feed_that_knows_its_addresses_takes_no_other_than_a_stand_in_on_this_machine(source):
    with pytest.raises(SettingsError, match="is no server on this machine"):
        made().cameras(replace(SCAN, source=source))


def test_slots_are_counted_from_the_start_of_the_night_and_never_closer_than_allowed():
    scan = replace(SCAN, cadence_s=7 * 60.0, hours="22:10-06:00")
    windows = scan.windows(NOW.date())
    slots = [slot for window in windows for slot in made().slots(scan, window, "a")]
    assert slots[0] == windows[0].starts_at
    assert {after - before for before, after in pairwise(slots)} == {timedelta(minutes=7)}
    assert slots[-1] < windows[-1].ends_at <= slots[-1] + timedelta(minutes=7)
    often = made(min_interval_s=600.0).slots(scan, windows[1], "a")
    assert len(often) == 6


def test_what_is_due_together_comes_together_and_each_fault_is_its_own(serve):
    pages = {
        "/media.example.org/gone.jpg": says(b"", status="404 Not Found"),
        "/media.example.org/page.jpg": says(b"<html>"),
    }
    _, scan = serve(pages=pages)
    due = [
        (Camera(name, name, -0.1, 51.5, image_url=f"{MEDIA}/{name}.jpg"), NOW)
        for name in ("one", "gone", "page", "two")
    ]
    due.append((replace(due[0][0], native_id="far", image_url="https://evil.example/1.jpg"), NOW))
    came = made().pictures(scan, due, 5.0, {})
    assert [each.status for each in came] == [
        "ok", "missed: HTTP 404", "missed: not a picture: a page", "ok", "missed: refused: not in the allow-list",
    ]  # fmt: skip
    assert came[0].jpeg == JPEG
    assert came[0].arrived_at > NOW - timedelta(days=1)


def test_last_modified_is_a_time_only_where_the_feed_says_so_and_it_is_not_ahead(serve):
    ahead = (datetime.now(UTC) + timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    _, scan = serve(pages={"/media.example.org/ahead.jpg": says(JPEG, f"Last-Modified: {ahead}")})
    camera = Camera("one", "one", -0.1, 51.5, image_url=f"{MEDIA}/one.jpg")
    taken = made().picture(scan, camera, NOW)
    assert (f"{taken.captured_at:%a, %d %b %Y %H:%M:%S GMT}", taken.captured_at_source) == (MODIFIED, "last_modified")
    manners.forget()
    untold = made(times="none").picture(scan, camera, NOW)
    manners.forget()
    wrong = made().picture(scan, replace(camera, image_url=f"{MEDIA}/ahead.jpg"), NOW)
    for each in (untold, wrong):
        assert (each.status, each.captured_at, each.captured_at_source) == ("ok", None, "none")


def test_a_changing_address_is_asked_for_each_slot(serve):
    server, scan = serve()
    feed = made(image=lambda camera, slot: f"{camera.image_url}?t={slot:%H%M}")
    assert feed.picture(scan, Camera("one", "one", -0.1, 51.5, image_url=f"{MEDIA}/one.jpg"), NOW).status == "ok"
    assert server.asked[0][0] == "/media.example.org/one.jpg?t=2130"


def test_a_scan_says_how_many_requests_are_under_way_at_once(serve):
    server, scan = serve(pages={f"/media.example.org/{n}.jpg": slowly(JPEG, 0.05) for n in range(12)})
    due = [(Camera(f"{n}", f"{n}", -0.1, 51.5, image_url=f"{MEDIA}/{n}.jpg"), NOW) for n in range(12)]
    scan = replace(scan, cadence_s=0.1, stages={"snapshots": {"at_once": 4}})
    came = made(min_interval_s=0.1).pictures(scan, due, 5.0, {})
    assert {each.status for each in came} == {"ok"}
    assert server.connections == 4


def test_a_window_is_polled_and_a_picture_that_has_not_changed_is_no_new_one(serve):
    server, scan = serve(row("a"), row("b", url=f"{MEDIA}/gone.jpg"), min_interval_s=1.0,
                         pages={"/media.example.org/a.jpg": changed,
                                "/media.example.org/gone.jpg": says(b"", status="404 Not Found")})  # fmt: skip
    scan = replace(scan, cadence_s=1.0, hours="00:00-24:00")
    listed = cameras.survey(scan)
    begins = datetime.now(UTC) + timedelta(seconds=0.5)
    window = replace(scan.windows(scan.night_of(begins))[0], starts_at=begins, ends_at=begins + timedelta(seconds=3))
    fetched = snapshots.fetch(listed, scan, window).to_pylist()
    assert [each["status"] for each in fetched] == ["ok"] + ["missed: not modified"] * 2 + ["missed: HTTP 404"] * 3
    assert fetched[0]["jpeg"] == JPEG
    assert all(each["fetched_at"] is None for each in fetched[1:])
    assert len(server.asked) == 7


def test_every_feed_tells_all_its_facts():
    known = {row["name"]: row for row in feeds.facts()}
    assert {"demo", "archive"} <= set(known)
    wanted = {"operator", "licence", "attribution", "terms_url", "commercial", "may_store_frames", "needs_key", "cleared", "timezone",
              "metric_crs", "cadence_s", "min_interval_s", "requests_per_minute", "hosts", "timestamps", "live", "bounds",
              "history_s", "history_step_s", "clip_s", "at_once"}  # fmt: skip
    assert all(set(facts) == wanted | {"name"} for facts in known.values())
    json.dumps(list(known.values()))
