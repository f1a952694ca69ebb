"""A clip is one request and a burst of stills, dated back from when it was stored; vehicles in it can be followed."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path

import clips
import cv2
import numpy as np
import pyarrow as pa
import pytest
from builders import camera, rows
from loopback import MODIFIED, Loopback, Reply, changed, says
from mutations import FOLDER
from test_snapshots import Hands

from pipeline import cameras, detections, feeds, frames, observability, plans, scans, sightings, snapshots
from pipeline.errors import SettingsError
from pipeline.feeds import Camera, tfl_jamcams
from pipeline.fetcher import manners
from pipeline.lake import Lake
from pipeline.scans import Scan, Window
from pipeline.tables import SNAPSHOTS, TRANSITIONS

HOUR = datetime(2026, 5, 5, 21, tzinfo=UTC)
STORED = HOUR - timedelta(seconds=40)
SCAN = Scan(
    "c",
    "tfl_clips",
    "Europe/London",
    "EPSG:27700",
    hours="22:00-06:00",
    cadence_s=300.0,
    cameras=("JamCams_09001.00001",),
    stages={"snapshots": {"step_s": 0.5}},
)
LIST = "/api.tfl.gov.uk/Place/Type/JamCam"
CLIP = "/s3-eu-west-1.amazonaws.com/jamcams.tfl.gov.uk/09001.00001.mp4"


def window(minutes: float, begins: datetime = HOUR) -> Window:
    return Window(HOUR, begins, begins + timedelta(minutes=minutes))


def stored(clip: bytes, when: datetime = STORED) -> Reply:
    return says(clip, f"Last-Modified: {format_datetime(when, usegmt=True)}")


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[pa.Table, pa.Table, list[str]]]]:
    """Fetch ten minutes of one camera whose clip is answered so, by a clock of our own."""
    started: list[Loopback] = []

    def fetch(reply: Reply, **settings: float) -> tuple[pa.Table, pa.Table, list[str]]:
        manners.forget()
        server = Loopback({LIST: says((FOLDER / "tfl_clips.json").read_bytes()), CLIP: reply}).__enter__()
        started.append(server)
        hands = Hands(HOUR - timedelta(minutes=1))
        monkeypatch.setattr(snapshots, "CLOCK", snapshots.Clock(hands.now, hands.sleep))
        scan = replace(
            SCAN, source=server.url, stages={"snapshots": {"step_s": 0.5, "rehearsal_interval_s": 0.001} | settings}
        )
        listed = cameras.survey(scan)
        shown = snapshots.fetch(listed, scan, window(10))
        return listed, shown, [path for path, _ in server.asked if path == CLIP]

    yield fetch
    for server in started:
        server.__exit__()


def test_a_burst_is_planned_a_clip_and_no_slot_lies_beyond_its_window():
    feed = feeds.load("tfl_clips")
    slots = feed.slots(SCAN, window(60), "x")
    assert len(slots) == 12 * 20
    assert slots[:2] == [HOUR, HOUR + timedelta(seconds=0.5)]
    assert slots[20] == HOUR + timedelta(minutes=5)
    assert max(after - before for before, after in pairwise(slots)) == timedelta(seconds=290.5)
    assert feed.slots(SCAN, window(0.05), "x") == slots[:6]
    assert feed.slots(SCAN, window(4, HOUR + timedelta(seconds=2)), "x") == []
    assert feed.asked_at
    assert {feed.asked_at(SCAN, slot) for slot in slots[20:40]} == {HOUR + timedelta(minutes=5, seconds=10)}


def test_a_clip_is_one_request_and_its_stills_are_dated_back_from_when_it_was_stored(fetched):
    _, shown, asked = fetched(stored(clips.mpeg4(frames=250)))
    told = shown.to_pylist()
    assert len(asked) == 2
    assert Counter(shown["status"].to_pylist()) == {"ok": 40}
    assert {row["captured_at_source"] for row in told} == {"clip"}
    captured = [row["captured_at"] for row in told[:20]]
    assert captured[-1] == STORED
    steps = {(after - before).total_seconds() for before, after in pairwise(captured)}
    assert steps <= {0.48, 0.52, 0.5}
    assert all(row["jpeg"].startswith(b"\xff\xd8\xff") for row in told)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (stored(clips.mpeg4(frames=200)), {"ok": 32, "missed: the clip is shorter": 8}),
        (stored(b"\0\0\0\x18ftypmp42" + bytes(5000)), {"missed: the clip cannot be decoded": 40}),
        (changed, {"missed: not a picture: JPEG": 40}),
        (says(b"<html>"), {"missed: not a picture: a page": 40}),
        (says(b"", status="404 Not Found"), {"missed: HTTP 404": 40}),
        (says(clips.mpeg4() + bytes(3 * 2**20)), {"missed: too long": 40}),
    ],
    ids=["short", "rubbish", "a picture", "a page", "gone", "too long"],
)
def test_every_slot_of_a_clip_that_fails_has_its_reason(fetched, reply, expected):
    assert Counter(fetched(reply)[1]["status"].to_pylist()) == expected


def test_a_look_at_a_camera_at_any_time_sees_its_clips_first_still():
    pages = {LIST: says((FOLDER / "tfl_clips.json").read_bytes()), CLIP: stored(clips.mpeg4(frames=250))}
    with Loopback(pages) as server:
        scan = replace(SCAN, source=server.url)
        (seen,) = snapshots.once(cameras.survey(scan), scan, [HOUR + timedelta(seconds=77)]).to_pylist()
    assert (seen["status"], seen["captured_at"]) == ("ok", STORED - timedelta(seconds=9.52))


def test_a_clip_is_no_still():
    still = Camera("x", "x", -0.1, 51.5, image_url=f"{tfl_jamcams.MEDIA}09001.00001.mp4")
    with Loopback({CLIP: stored(clips.mpeg4())}) as server:
        picture = feeds.load("tfl_jamcams").picture(replace(SCAN, source=server.url), still, HOUR)
    assert picture.status == "missed: not a picture: MP4"


def test_a_clip_that_has_not_changed_is_no_new_one(fetched):
    clip = clips.mpeg4(frames=250)

    async def once(to):
        known = to.headers.get("if-modified-since") == MODIFIED
        says_so = says(b"", status="304 Not Modified") if known else says(clip, f"Last-Modified: {MODIFIED}")
        await says_so(to)

    assert Counter(fetched(once)[1]["status"].to_pylist()) == {"ok": 20, "missed: not modified": 20}


def test_a_clip_without_a_time_has_none(fetched):
    told = fetched(says(clips.mpeg4(frames=250)))[1].to_pylist()
    assert {(row["status"], row["captured_at"], row["captured_at_source"]) for row in told} == {("ok", None, "none")}


def test_a_plan_counts_a_clip_as_one_request(tmp_path):
    with Loopback({LIST: says((FOLDER / "tfl_clips.json").read_bytes())}) as server:
        planned = plans.plan(replace(SCAN, source=server.url), HOUR.date(), Lake(tmp_path, "c"))
    assert planned.pictures == 8 * 240
    assert planned.value("requests a minute") == pytest.approx(0.2)


@pytest.mark.parametrize("wrong", [{"step_s": 0.0}, {"step_s": 20.0}, {"clip_s": 600.0}, {"step_s": 0.001}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]):
    scan = replace(SCAN, stages={"snapshots": wrong})
    with pytest.raises(SettingsError, match=r"step_s = .* and clip_s = .* must be"):
        feeds.load("tfl_clips").slots(scan, window(60), "x")


def test_a_burst_of_bursts_is_refused():
    with pytest.raises(SettingsError, match=r"leave \[scan.c.bursts\] out"):
        feeds.load("tfl_clips").slots(replace(SCAN, stages={"bursts": {}}), window(60), "x")


def still_life(cycles: int) -> Counter:
    """Judge clips in which nothing moves at all."""
    rng = np.random.default_rng(1)
    picture = cv2.resize(rng.integers(60, 200, (12, 16, 3), np.uint8), (352, 288), interpolation=cv2.INTER_CUBIC)
    picture = cv2.add(picture, rng.integers(0, 12, picture.shape, np.uint8))
    jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
    slots = [
        HOUR + timedelta(minutes=5 * cycle, seconds=0.5 * number) for cycle in range(cycles) for number in range(20)
    ]
    shown = [
        {"camera_id": "c", "slot_at": slot, "fetched_at": slot, "captured_at": slot - timedelta(minutes=4),
         "captured_at_source": "clip", "status": "ok", "jpeg": jpeg}
        for slot in slots
    ]  # fmt: skip
    listed = rows("cameras", camera("c", camera_id="c", cadence_s=300.0))
    judged = frames.inspect(listed, pa.Table.from_pylist(shown, schema=SNAPSHOTS.schema), frames.Settings())
    return Counter(judged["state"].to_pylist())


def test_what_does_not_move_within_a_clip_is_seen_and_a_clip_that_stands_from_one_to_the_next_is_frozen():
    assert still_life(2) == {"ok": 40}
    assert still_life(3)["frozen"] >= 40


def filmed(ends_at: datetime, per_s: float = 2.5) -> bytes:
    """Film ten seconds of the demo city."""
    demo, city = scans.load("demo", scans.bundled()), feeds.load("demo")
    one = next(each for each in city.cameras(demo) if each.native_id == "101")
    with tempfile.TemporaryDirectory() as folder:
        path, writer = Path(folder) / "clip.mp4", None
        for n in range(int(10 * per_s)):
            raw = city.picture(demo, one, ends_at - timedelta(seconds=10 - n / per_s)).jpeg
            image = cv2.imdecode(np.frombuffer(raw or b"", np.uint8), cv2.IMREAD_COLOR)
            writer = writer or cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), per_s, image.shape[1::-1])
            writer.write(image)
        assert writer
        writer.release()
        return path.read_bytes()


def test_vehicles_in_clips_are_followed_and_counts_are_what_clips_support(fetched):
    noon = datetime(2026, 5, 5, 12, 5, tzinfo=UTC)
    films = iter([filmed(noon), filmed(noon + timedelta(minutes=5))])
    times = iter([STORED, STORED + timedelta(minutes=5)])

    async def next_film(to):
        await stored(next(films), next(times))(to)

    listed, shown, _ = fetched(next_film, step_s=0.4)
    seen = frames.inspect(listed, shown, frames.Settings())
    assert Counter(seen["state"].to_pylist()) == {"ok": 50}
    found = detections.detect(seen, shown, detections.Settings())
    passes = sightings.track(listed, seen, found, sightings.Settings())
    lengths = Counter(len(ids) for ids in passes["detection_ids"].to_pylist())
    assert max(lengths) >= 5
    assert sum(lengths.values()) < found.num_rows / 2
    judged = observability.weigh(
        listed, seen, passes, TRANSITIONS.empty(), window(10), observability.Settings()
    ).to_pylist()
    assert [row["verdict"] for row in judged] == ["count"]
    assert 0.04 < judged[0]["p_seen"] < 0.1
