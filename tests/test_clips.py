"""Clips are cut into stills and followed frame by frame; what is wrong with a clip is said."""

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import clips
import cv2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from test_sightings import links, shard

from pipeline import cameras, frames, sightings, snapshots
from pipeline.errors import SettingsError
from pipeline.feeds import Camera, archive, demo
from pipeline.scans import Scan, Window
from pipeline.scores import track_scores
from pipeline.scores.truth import Truth
from pipeline.tables import DETECTIONS, frame_id

ZONE = ZoneInfo("America/New_York")
NOON = datetime(2024, 6, 1, 12, tzinfo=ZONE).astimezone(ZoneInfo("UTC"))
A = Camera("a", "a", -73.98, 40.75)


def archived(folder: Path, stages: dict | None = None, **films: bytes) -> Scan:
    """An archive with one camera and its clips, by name without ending."""
    (folder / "cameras.csv").write_text("camera,lat,lon\na,40.75,-73.98\n")
    (folder / "frames" / "a").mkdir(parents=True, exist_ok=True)
    for name, film in films.items():
        (folder / "frames" / "a" / f"{name.removeprefix('_')}.mp4").write_bytes(film)
    made = {"timezone": "America/New_York", "metric_crs": "EPSG:32618", "source": str(folder), "stages": stages or {}}
    return Scan("t", "archive", **made)


def window(at: datetime = NOON) -> Window:
    start = at.replace(minute=0, second=0, microsecond=0)
    return Window(start, start, start + timedelta(hours=1))


def told(scan: Scan) -> list[tuple[float, str]]:
    """What an hour's slots show: seconds after noon and status."""
    slots = archive.slots(scan, window(), "a")
    return [((slot - NOON).total_seconds(), archive.picture(scan, A, slot).status) for slot in slots]


def test_a_clip_is_as_many_observations_as_it_has_stills(tmp_path):
    scan = archived(tmp_path, _20240601T120000=clips.mpeg4(50), _20240601T120500=clips.h264([40, 80, 120]))
    shown = told(scan)
    assert [second for second, _ in shown[:4]] == [0.0, 0.12, 0.2, 0.32]
    assert [second for second, _ in shown if second >= 300] == [300.0, 300.2, 300.4]
    assert {status for _, status in shown} == {"ok"}
    still = archive.picture(scan, A, NOON + timedelta(seconds=0.2))
    assert still.captured_at == NOON + timedelta(seconds=0.2)
    assert cv2.imdecode(np.frombuffer(still.jpeg, np.uint8), 1).mean() == pytest.approx(50, abs=5)
    assert archive.cameras(scan)[0].cadence_s == 0.1


def test_a_clip_that_runs_over_the_hour_is_in_both(tmp_path):
    scan = archived(tmp_path, _20240601T125959=clips.mpeg4(50))
    both = [archive.slots(scan, window(NOON + timedelta(hours=hour)), "a") for hour in (0, 1)]
    assert [len(each) for each in both] == [10, 10]


@pytest.mark.parametrize(
    ("film", "said"),
    [
        (b"", "the clip is empty"),
        (clips.mpeg4(50)[:400], "the clip cannot be decoded"),
        (b"GIF89a" + bytes(400), "the clip cannot be decoded"),
        (clips.h264([40, 80]).replace(b"avc1", b"zzzz").replace(b"avcC", b"zzzC"), "the clip cannot be decoded"),
    ],
)
def test_what_is_no_clip_is_a_missed_picture(tmp_path, caplog, film, said):
    assert told(archived(tmp_path, _20240601T120000=film)) == [(0.0, f"missed: {said}")]
    assert f"{said}; give an mp4" in caplog.text


def test_a_huge_clip_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(archive.clips, "CLIP_BYTES", 1000)
    assert told(archived(tmp_path, _20240601T120000=clips.mpeg4(50))) == [(0.0, "missed: the clip is above 0 MiB")]


def test_of_a_long_clip_its_beginning_is_taken_and_said(tmp_path, caplog):
    scan = archived(tmp_path, {"snapshots": {"step_s": 20.0}}, _20240601T120000=clips.mpeg4(6300, 50.0, (16, 16)))
    assert [second for second, _ in told(scan)] == [0.0, 20.0, 40.0, 60.0, 80.0, 100.0, 120.0]
    assert "cut to its first 120.0 s; split it into clips of 120 s" in caplog.text


@pytest.mark.parametrize("step_s", [0.0, -1.0, 100.0])
def test_a_step_that_makes_no_sense_is_refused(tmp_path, step_s):
    scan = archived(tmp_path, {"snapshots": {"step_s": step_s}}, _20240601T120000=clips.mpeg4(5))
    with pytest.raises(SettingsError, match=r"step_s = .* must be from 0\.02 to 60; mend it"):
        archive.slots(scan, window(), "a")


def test_another_clip_or_step_is_another_archive(tmp_path):
    known = archive.fingerprint(archived(tmp_path, _20240601T120000=clips.mpeg4(50)), window())
    other = archived(tmp_path, {"snapshots": {"step_s": 0.5}})
    assert archive.fingerprint(other, window()) != known
    assert archive.fingerprint(archived(tmp_path, _20240601T120000=clips.mpeg4(40)), window()) != known


def crossing(gap_s: float = 0.1) -> list:
    """Two vehicles that meet and pass, one that waits, over ten seconds, shaken by half a pixel."""
    random, shown = np.random.default_rng(1), []
    for second in np.arange(0, 10, gap_s):
        ways = {1: (20 + 30 * second, 120), 2: (320 - 30 * second, 150), 3: (200, 60)}
        for vehicle, (x, y) in ways.items():
            box = np.array([x - 15, y - 12, x + 15, y + 12]) + random.normal(0, 0.5, 4)
            if not (vehicle == 1 and 4 < second < 4.5):
                shown.append((round(float(second), 3), vehicle, tuple(box)))
    return shown


def test_vehicles_of_a_clip_are_followed_through_a_gap_and_by_each_other():
    (listed, stills, found), vehicles = shard(crossing(), gap_s=0.1)
    rows = sightings.track(listed, stills, found, sightings.Settings())
    assert rows.num_rows == 3
    assert links(rows, vehicles)[0] == 1.0
    kinds = {vehicles[row["detection_ids"][0]]: row["motion"] for row in rows.to_pylist()}
    assert kinds == {1: "moving", 2: "moving", 3: "stopped"}


def test_nothing_is_joined_from_clip_to_clip():
    later = [(second + 300, vehicle, box) for second, vehicle, box in crossing()]
    (listed, stills, found), _ = shard(crossing() + later, gap_s=0.1)
    seconds = pc.divide(pc.subtract(stills["slot_at"].cast("int64"), stills["slot_at"].cast("int64")[0]), 1_000_000)
    there = stills.filter(pc.or_(pc.less(seconds, 10), pc.greater_equal(seconds, 300)))
    rows = sightings.track(listed, there, found, sightings.Settings())
    assert rows.num_rows == 6
    assert max(row["left_at"] - row["entered_at"] for row in rows.to_pylist()) < timedelta(seconds=10)


def test_a_clip_is_followed_the_same_way_whatever_the_order_of_rows_and_what_went_before():
    (listed, stills, found), _ = shard(crossing(), gap_s=0.1)
    first = sightings.track(listed, stills, found, sightings.Settings())
    order = np.random.default_rng(0).permutation(found.num_rows)
    assert first.equals(sightings.track(listed, stills, found.take(order), sightings.Settings()))


def test_a_film_of_the_demo_city_is_followed_by_the_library_better_than_still_by_still(tmp_path):
    city = Scan("demo", "demo", timezone="America/New_York", metric_crs="EPSG:32618", hours="07:52-07:53", cadence_s=0.1,
                cameras=("104",))  # fmt: skip
    camera = next(each for each in demo.FEED.cameras(city) if each.native_id == "104")
    starts, truth = city.starts_at(date(2026, 3, 2)), demo.truth_boxes(city, date(2026, 3, 2))
    film = cv2.VideoWriter(str(tmp_path / "film.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 10.0, (352, 240))
    for tenth in range(200):
        jpeg = demo.FEED.picture(city, camera, starts + timedelta(seconds=tenth / 10)).jpeg
        film.write(cv2.imdecode(np.frombuffer(jpeg, np.uint8), 1))
    film.release()
    scan = archived(tmp_path, **{f"_{starts.astimezone(ZONE):%Y%m%dT%H%M%S}": (tmp_path / "film.mp4").read_bytes()})
    listed = cameras.survey(scan)
    stills = frames.inspect(listed, snapshots.fetch(listed, scan, window(starts)), frames.Settings())
    truth = truth.set_column(0, "camera_id", pa.array(["archive:a"] * truth.num_rows))
    truth = truth.filter(pc.is_in(truth["slot_at"], stills["slot_at"]))
    found = shaken(truth)
    library, own = (
        track_scores(Truth.of(truth), sightings.track(listed, stills, found, each), found, stills)
        for each in (sightings.Settings(), sightings.Settings(clip_cadence_s=0.0))
    )
    assert stills["captured_at_source"].to_pylist() == ["clip"] * 200
    assert library.link_precision > 0.99
    assert library.idf1 > max(own.idf1 + 0.1, 0.85)


def shaken(truth: pa.Table) -> pa.Table:
    """Detections as a detector may find them: a tenth is missed, edges are off by a pixel."""
    random, kept = np.random.default_rng(2), []
    for number, row in enumerate(truth.to_pylist()):
        edges = {name: row[name] + random.normal(0, 1) for name in ("x1_px", "y1_px", "x2_px", "y2_px")}
        name = frame_id(row["camera_id"], row["slot_at"])
        if random.random() > 0.1:
            kept.append(
                {"detection_id": f"{name}#{number:05d}", "frame_id": name, "camera_id": row["camera_id"], "label": "car",
                 "captured_at": row["slot_at"], "score": 0.8, **edges}
            )  # fmt: skip
    return DETECTIONS.check(pa.Table.from_pylist(kept, schema=DETECTIONS.schema))
