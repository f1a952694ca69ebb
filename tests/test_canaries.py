"""Plates and faces drawn into pictures: the reader reads them there, and wherever a file would hold one."""

import base64
from datetime import date
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import scans
from pipeline.feeds import demo as city
from pipeline.privacy import canaries as drawn
from pipeline.privacy import verdicts
from pipeline.privacy.canaries import Canary, Reader

NIGHT = date(2026, 5, 5)


@pytest.fixture(scope="module")
def demo() -> scans.Scan:
    return scans.load("demo", scans.bundled())


@pytest.fixture(scope="module")
def canaries(demo: scans.Scan) -> list[Canary]:
    return drawn.plan(demo, NIGHT, plates=12, faces=12)


@pytest.fixture(scope="module")
def picture(demo: scans.Scan, canaries: list[Canary]) -> tuple[int, bytes]:
    """A picture of the demo city that shows a plate, and the plate's number."""
    number = next(n for n, each in enumerate(canaries) if each.kind == "plate")
    camera = next(each for each in city.FEED.cameras(demo) if f"demo:{each.native_id}" == canaries[number].camera_id)
    with drawn.planted(canaries):
        return number, city.FEED.picture(demo, camera, canaries[number].slot_at).jpeg or b""


def test_the_reader_reads_every_canary_in_the_pictures_themselves(demo: scans.Scan, canaries: list[Canary]):
    assert drawn.control(canaries, demo)["in_pictures"] == {"plate": 1.0, "face": 1.0}


def test_no_two_plates_say_the_same(canaries: list[Canary]):
    texts = [each.text for each in canaries if each.kind == "plate"]
    assert len(set(texts)) == len(texts) == 12


def test_the_feed_is_as_it_was_afterwards(canaries: list[Canary]):
    before = city.FEED
    with drawn.planted(canaries):
        assert city.FEED is not before
    assert city.FEED is before


def test_a_picture_without_canaries_reads_as_none(demo: scans.Scan, canaries: list[Canary]):
    reader, camera = Reader(canaries), city.FEED.cameras(demo)[0]
    shown = city.FEED.picture(demo, camera, demo.starts_at(NIGHT)).jpeg or b""
    assert (
        reader.anywhere(np.asarray(cv2.imdecode(np.frombuffer(shown, np.uint8), cv2.IMREAD_COLOR), np.uint8)) == set()
    )


@pytest.mark.parametrize("form", ["jpg", "png", "inside", "base64", "parquet"])
def test_a_plate_is_read_in_whatever_file_holds_its_picture(
    form: str, picture: tuple[int, bytes], canaries: list[Canary], tmp_path: Path
):
    jpeg, path = picture[1], tmp_path / f"left.{form}"
    if form == "png":
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
    elif form == "parquet":
        pq.write_table(pa.table({"note": [jpeg]}), path, compression="zstd")
    else:
        written = {
            "jpg": jpeg,
            "inside": b"x" * 99 + jpeg + b"y",
            "base64": b"<img src='" + base64.b64encode(jpeg) + b"'>",
        }
        path.write_bytes(written[form])
    found = drawn.read_files(tmp_path, Reader(canaries))
    assert found.pictures >= 1
    assert found.plates_read >= 1


def test_what_a_plate_says_is_found_as_text_too(canaries: list[Canary], tmp_path: Path):
    text = next(each.text for each in canaries if each.text)
    (tmp_path / "log.txt").write_text(f"saw {text}")
    pq.write_table(pa.table({"note": [text]}), tmp_path / "rows.parquet", compression="zstd")
    found = drawn.read_files(tmp_path, Reader(canaries))
    assert (found.files, found.pictures, found.plates_read, found.faces_found) == (2, 0, 1, 0)


def test_an_empty_folder_holds_nothing(canaries: list[Canary], tmp_path: Path):
    assert drawn.read_files(tmp_path, Reader(canaries)) == drawn.Found(0, 0, 0, 0)


def test_one_plate_or_face_that_can_be_read_holds_a_night_back():
    nothing = dict.fromkeys(("k_violations", "least", "recoverable_cells", "columns_of_single_vehicles"), 0)
    sound = nothing | {"finds": [], "overdue": [], "looks_changed": [], "plates_read": 0, "faces_found": None}
    assert verdicts.why_not(sound) == []
    assert verdicts.why_not(sound | {"plates_read": 1, "faces_found": 2}) == [
        "1 plates can be read in what is left",
        "2 faces can be found in what is left",
    ]
