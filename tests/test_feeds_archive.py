"""A folder of stills becomes cameras, slots and pictures; what is wrong in it is said."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import FeedError
from pipeline.feeds import Camera, archive, load
from pipeline.feeds.archive import recordings
from pipeline.scans import Scan, Window

NOON = datetime(2024, 6, 1, 16, 0, tzinfo=UTC)
"""Twelve o'clock in New York."""
A = Camera("a", "a", -73.98, 40.75)
GOOD = "a,40.75,-73.98"
Folder = Callable[..., Scan]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Make an archive of `cameras.csv` lines and frames by camera, and return its scan."""

    def make(
        *lines: str, head: str = "camera,lat,lon", frames: dict[str, list[str]] | None = None, **changes: str
    ) -> Scan:
        (tmp_path / "cameras.csv").write_text("\n".join([head, *lines]) + "\n")
        for camera, names in ({"a": ["20240601T120000.jpg"]} if frames is None else frames).items():
            (tmp_path / "frames" / camera).mkdir(parents=True)
            for name in names:
                (tmp_path / "frames" / camera / name).write_bytes(b"picture " + name.encode())
        return Scan(
            "t",
            "archive",
            **{"timezone": "America/New_York", "metric_crs": "EPSG:32618", "source": str(tmp_path)} | changes,
        )

    return make


def hour(at: datetime = NOON) -> Window:
    start = at.replace(minute=0, second=0)
    return Window(start, start, start + timedelta(hours=1))


def named(*seconds: int, start: datetime = datetime(2024, 6, 1, 12)) -> list[str]:  # noqa: DTZ001
    """File names some seconds after a local time."""
    return [f"{start + timedelta(seconds=each):%Y%m%dT%H%M%S}.jpg" for each in seconds]


def offsets(scan: Scan, camera: str = "a", at: datetime = NOON) -> list[float]:
    return [(slot - at).total_seconds() for slot in archive.slots(scan, hour(at), camera)]


def test_a_row_becomes_a_camera(folder: Folder):
    scan = folder("a,40.75,-73.98,north,FDR,2.5", head="camera,lat,lon,facing,road,cadence_s")
    (camera,) = load("archive").cameras(scan)
    assert (camera.native_id, camera.lat, camera.lon, camera.bearing_deg) == ("a", 40.75, -73.98, 0.0)
    assert (camera.name, camera.road, camera.cadence_s) == ("a", "FDR", 2.5)


@pytest.mark.parametrize(
    "head", ["id,latitude,longitude", "CAMERA_ID , Lat, Lon,more", "\ufeffcamera,lat,lon", "lat_x,camera,lat,lon"]
)
def test_columns_may_be_called_otherwise(folder: Folder, head: str):
    line = f"z,{GOOD}" if head.startswith("lat_x") else GOOD
    assert [camera.native_id for camera in archive.cameras(folder(line, head=head))] == ["a"]


@pytest.mark.parametrize(
    ("text", "degrees"), [("SW", 225), ("north-east", 45), ("270", 270), ("-90", 270), ("up", None), ("", None)]
)
def test_facing_is_a_compass_point_or_degrees(folder: Folder, text: str, degrees: float | None):
    (camera,) = archive.cameras(folder(f"{GOOD},{text}", head="camera,lat,lon,facing"))
    assert camera.bearing_deg == degrees
    assert camera.bearing_source == ("" if degrees is None else f"facing: {text}")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("b,x,-73.98", "no numbers"), ("b,,", "no numbers"), ("b,nan,-73.98", "no place"), ("b,inf,-73.98", "no place"),
        ("b,0,0", "no place"), ("b,-73.98,40.75", "swapped"), ("b,95,-73.98", "outside"), ("b,1.3,103.8", "outside"),
        ("a,40.76,-73.97", "twice"), ("../etc,40.75,-73.98", "leads out"), ("..,40.75,-73.98", "dot"),
        ("/abs,40.75,-73.98", "leads out"), ("b\\c,40.75,-73.98", "leads out"), (f"{'b' * 300},40.75,-73.98", "longer"),
        ("b\0c,40.75,-73.98", "leads out"), (",40.75,-73.98", "empty"), ("b", "no numbers"),
    ],
)  # fmt: skip
def test_a_bad_row_is_left_out_and_said(folder: Folder, caplog: pytest.LogCaptureFixture, line: str, why: str):
    listed = archive.register(folder(GOOD, line))
    assert [camera.native_id for camera in listed.cameras] == ["a"]
    assert "line 3: left out" in caplog.text
    assert why in caplog.text
    assert [(each.reason.startswith("line 3: "), why in each.reason) for each in listed.rejected] == [(True, True)]


@pytest.mark.parametrize(
    ("lines", "head", "why"),
    [
        ((), "camera,lat,lon", "no row describes a camera"),
        ((GOOD,), "camera,lat", "lon or longitude is missing"),
        ((GOOD,), "", "is missing"),
        (("a,0,0",), "camera,lat,lon", "no row describes a camera"),
        (('"a,40.75',), "camera,lat,lon", "not a readable CSV"),
    ],
)
def test_a_list_without_cameras_is_refused(folder: Folder, lines: tuple[str, ...], head: str, why: str):
    with pytest.raises(FeedError, match=why):
        archive.cameras(folder(*lines, head=head))


def test_a_list_that_is_no_utf8_is_refused(folder: Folder):
    scan = folder(GOOD)
    (Path(scan.source) / "cameras.csv").write_bytes("camera,lat,lon\na,40.7,-73.9".encode("utf-16"))
    with pytest.raises(FeedError, match="UTF-8"):
        archive.cameras(scan)


def test_missing_folders_are_refused_by_name(folder: Folder, tmp_path: Path):
    with pytest.raises(FeedError, match="pass --source"):
        archive.cameras(folder(GOOD, source=""))
    with pytest.raises(FeedError, match="elsewhere: no such folder"):
        archive.cameras(Scan("t", "archive", "UTC", "EPSG:32618", source=str(tmp_path / "elsewhere")))
    (tmp_path / "bare").mkdir()
    with pytest.raises(FeedError, match="write one row per camera"):
        archive.cameras(Scan("t", "archive", "UTC", "EPSG:32618", source=str(tmp_path / "bare")))


def test_an_archive_without_frames_is_refused(folder: Folder):
    with pytest.raises(FeedError, match="no such folder"):
        archive.cameras(folder(GOOD, frames={}))


def test_an_archive_whose_frames_have_other_names_is_refused(folder: Folder):
    with pytest.raises(FeedError, match="no frame of any camera"):
        archive.cameras(folder(GOOD, frames={"a": ["one.jpg"]}))


def test_a_folder_of_frames_without_a_row_is_said(folder: Folder, caplog: pytest.LogCaptureFixture):
    archive.cameras(folder(GOOD, frames={"a": named(0), "stranger": named(0)}))
    assert "without a row in cameras.csv: ['stranger']" in caplog.text


def test_slots_are_the_times_of_frames_in_utc(folder: Folder):
    scan = folder(GOOD, frames={"a": named(0, 2, 3, 5, 7)})
    assert offsets(scan) == [0, 2, 3, 5, 7]
    assert archive.slots(scan, hour(NOON + timedelta(hours=1)), "a") == []
    assert archive.slots(scan, hour(), "nobody") == []


def test_a_gap_has_the_slots_that_are_missing_in_it(folder: Folder):
    scan = folder(GOOD, frames={"a": named(0, 10, 20, 50, 60)})
    assert offsets(scan) == [0, 10, 20, 30, 40, 50, 60]
    assert archive.picture(scan, A, NOON + timedelta(seconds=30)).status == "missed: no file"


def test_an_hour_that_no_camera_recorded_has_no_slots(folder: Folder):
    later = named(0, 10, start=datetime(2024, 6, 1, 14))  # noqa: DTZ001
    scan = folder(GOOD, "b,40.76,-73.97", frames={"a": named(3590, 3600 * 3), "b": later})
    assert archive.slots(scan, hour(NOON + timedelta(hours=1)), "a") == []
    assert archive.hours(scan) == {NOON, NOON + timedelta(hours=2), NOON + timedelta(hours=3)}


def test_a_picture_has_its_bytes_and_the_time_of_its_name(folder: Folder):
    picture = archive.picture(folder(GOOD), A, NOON)
    assert picture.jpeg == b"picture 20240601T120000.jpg"
    assert (picture.status, picture.captured_at, picture.captured_at_source) == ("ok", NOON, "name")


def test_a_file_that_goes_away_is_a_missed_picture(folder: Folder):
    scan = folder(GOOD, frames={"a": named(0, 2)})
    assert offsets(scan) == [0, 2]
    (Path(scan.source) / "frames" / "a" / "20240601T120002.jpg").unlink()
    assert archive.picture(scan, A, NOON + timedelta(seconds=2)).status == "missed: no file"


def test_a_new_frame_is_seen_by_the_same_process(folder: Folder):
    scan = folder(GOOD, frames={"a": named(0, 10)})
    assert offsets(scan) == [0, 10]
    (Path(scan.source) / "frames" / "a" / "20240601T120020.jpg").write_bytes(b"x")
    assert offsets(scan) == [0, 10, 20]


def test_names_that_are_no_times_are_said(folder: Folder, caplog: pytest.LogCaptureFixture):
    odd = ["20240601.jpg", "20241301T120000.jpg", "20240601T120000.png", "20240601T120000.JPEG"]
    scan = folder(GOOD, frames={"a": [*named(0, 2), *odd]})
    assert offsets(scan) == [0, 2]
    assert "4 files left out" in caplog.text


def test_an_hour_left_out_by_the_clocks_is_not_used(folder: Folder, caplog: pytest.LogCaptureFixture):
    spring = datetime(2024, 3, 10, 1, 59, 50)  # noqa: DTZ001
    scan = folder(GOOD, frames={"a": named(0, 20, 3610, start=spring)})
    assert offsets(scan, at=datetime(2024, 3, 10, 6, tzinfo=UTC)) == [3590]
    assert offsets(scan, at=datetime(2024, 3, 10, 7, tzinfo=UTC)) == [0]
    assert "the clocks left out" in caplog.text


@pytest.mark.parametrize(("around", "utc_hour", "which"), [(-300, 5, "first"), (3900, 6, "second"), (0, 5, "first")])
def test_an_hour_that_runs_twice_is_taken_as_the_pass_that_joins_on(
    folder: Folder, caplog: pytest.LogCaptureFixture, around: int, utc_hour: int, which: str
):
    autumn = datetime(2024, 11, 3, 1)  # noqa: DTZ001
    scan = folder(GOOD, frames={"a": named(*sorted({10, around, 3500}), start=autumn)})
    assert 3500 in offsets(scan, at=datetime(2024, 11, 3, utc_hour, tzinfo=UTC))
    assert f"{which} pass" in caplog.text or f"the {which}, for" in caplog.text


def test_the_cadence_is_read_off_the_frames(folder: Folder):
    (camera,) = archive.cameras(folder(GOOD, frames={"a": named(*(int(1.7 * n) for n in range(300)), 4000)}))
    assert camera.cadence_s == pytest.approx(1.7, abs=0.01)


def test_the_fingerprint_changes_with_the_bytes_and_not_without(folder: Folder):
    scan = folder(GOOD, frames={"a": named(0, 10)})
    before, listed = archive.fingerprint(scan, hour()), archive.fingerprint(scan, None)
    assert archive.fingerprint(scan, hour()) == before
    (Path(scan.source) / "frames" / "a" / "20240601T120010.jpg").write_bytes(b"another")
    assert archive.fingerprint(scan, hour()) != before
    (Path(scan.source) / "cameras.csv").write_text("camera,lat,lon\na,40.7501,-73.98\n")
    assert archive.fingerprint(scan, None) != listed


@settings(deadline=None)
@given(st.lists(st.integers(0, 3599), min_size=1, max_size=60, unique=True))
def test_every_frame_has_its_slot_and_slots_never_repeat(seconds: list[int]):
    times = [NOON + timedelta(seconds=each) for each in sorted(seconds)]
    planned = list(recordings._planned(times, recordings._cadence_s(times) or 0.0))
    assert set(times) <= set(planned)
    assert planned == sorted(set(planned))
    assert (planned[0], planned[-1]) == (times[0], times[-1])


@pytest.mark.shared
def test_the_real_archive_has_its_frames_in_one_hour(shared: Path):
    scan = Scan("t", "archive", "America/New_York", "EPSG:32618", hours="00:00-24:00", source=str(shared / "fdr"))
    natives = [camera.native_id for camera in archive.cameras(scan)]
    held = [len(archive.slots(scan, window, native)) for window in scan.windows(date(2020, 5, 5)) for native in natives]
    assert len(natives) == 4
    assert sum(each > 0 for each in held) == 4
    assert 4103 <= sum(held) <= 4110
