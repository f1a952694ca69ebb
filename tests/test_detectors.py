"""Detectors answer in pixels of the frame, once a vehicle, from weights that are what they claim."""

import json
import shutil
from datetime import date
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import detectors, networks, scans
from pipeline.detectors import ttfnet
from pipeline.errors import FeedNotFoundError, IntegrityError
from pipeline.feeds import demo as city
from pipeline.tables import LABELS

WEIGHTS = Path(ttfnet.__file__)


def answer(row: int, column: int, logit: float = 3.0, away_px: float = 16.0) -> np.ndarray:
    """Return an empty heatmap with one vehicle."""
    grid = np.full((60, 88, 5), -9.0, np.float32)
    grid[row, column, 0], grid[row, column, 1:] = logit, np.log(away_px / 8.0)
    return grid


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for ending in (".npz", ".json"):
        shutil.copy(WEIGHTS.with_suffix(ending), tmp_path / f"ttfnet{ending}")
    return tmp_path / "ttfnet.npz"


def test_a_peak_becomes_a_box_around_the_middle_of_its_cell():
    boxes = ttfnet.decode(answer(10, 20), (240, 352))
    assert boxes.xyxy_px.tolist() == [[66, 26, 98, 58]]
    assert boxes.score == pytest.approx(0.9526, abs=1e-4)


@pytest.mark.parametrize("name", detectors.names())
def test_every_detector_on_the_shelf_finds_vehicles_and_has_no_word_for_people(name: str):
    demo = scans.load("demo", scans.bundled())
    pictures = [
        city.FEED.picture(demo, each, demo.starts_at(date(2026, 5, 5))).jpeg for each in city.FEED.cameras(demo)
    ]
    images = [cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) for jpeg in pictures if jpeg]
    found = {label for boxes in detectors.load(name).detect(images) for label in boxes.label}
    assert found
    assert found <= set(LABELS)
    assert "person" not in LABELS


def test_boxes_come_back_in_pixels_of_a_larger_frame():
    boxes = ttfnet.decode(answer(30, 44), (720, 1280))
    middle = boxes.xyxy_px[0].reshape(2, 2).mean(axis=0)
    assert middle == pytest.approx([178 * 1280 / 704, (122 - 42) * 1280 / 704], abs=2)


def test_one_vehicle_is_told_once():
    grid = answer(10, 20, away_px=24)
    grid[10, 22] = grid[10, 20] - [0.5, 0, 0, 0, 0]
    assert len(ttfnet.decode(grid, (240, 352)).score) == 1


def test_two_vehicles_side_by_side_are_two():
    grid = answer(10, 20)
    grid[10, 29] = grid[10, 20]
    assert len(ttfnet.decode(grid, (240, 352)).score) == 2


@given(st.integers(1, 1200), st.integers(1, 1200))
def test_any_picture_fits_whole_and_in_shape(height: int, width: int):
    scale, left, top = ttfnet.placing(height, width)
    wide, high = ttfnet.frame(height, width)
    assert 0 <= left <= wide - round(width * scale)
    assert 0 <= top <= high - round(height * scale)
    assert ttfnet.fit(np.zeros((height, width, 3), np.uint8)).shape == (high, wide, 3)


@pytest.mark.parametrize(
    ("size", "shrunk"), [((240, 352), 1.0), ((288, 352), 0.83), ((360, 640), 1.1), ((720, 1280), 0.55)]
)
def test_a_picture_is_shrunk_by_no_more_than_needed(size: tuple[int, int], shrunk: float):
    assert ttfnet.placing(*size)[0] == pytest.approx(shrunk, abs=0.01)


def test_pictures_of_several_sizes_are_answered_in_their_order():
    rng = np.random.default_rng(1)
    images = [rng.integers(0, 255, (*size, 3)).astype(np.uint8) for size in ((240, 352), (360, 640), (240, 352))]
    detector = ttfnet.load()
    together = detector.detect(images)
    for image, boxes in zip(images, together, strict=True):
        (alone,) = detector.detect([image])
        assert (boxes.xyxy_px.tolist(), boxes.score.tolist()) == (alone.xyxy_px.tolist(), alone.score.tolist())


@given(st.integers(0, 2**32 - 1))
def test_boxes_stay_inside_the_frame_and_fall_in_score(seed: int):
    grid = np.random.default_rng(seed).normal(-3, 3, (60, 88, 5)).astype(np.float32)
    boxes = ttfnet.decode(grid, (100, 200))
    assert (boxes.xyxy_px >= 0).all()
    assert (boxes.xyxy_px <= [200, 100, 200, 100]).all()
    assert (np.diff(boxes.score) <= 0).all()


def test_the_version_names_the_weights_without_running_them():
    card = json.loads(WEIGHTS.with_suffix(".json").read_text())
    assert detectors.load("ttfnet").version == f"ttfnet@{card['sha256'][:12]}"


def test_the_weights_are_small():
    assert networks.parameters(ttfnet.load().network.weights) < 1_000_000
    assert WEIGHTS.with_suffix(".npz").stat().st_size < networks.LARGEST_BYTES


def test_a_changed_byte_in_the_weights_is_refused(copied: Path):
    content = bytearray(copied.read_bytes())
    content[len(content) // 2] ^= 1
    copied.write_bytes(content)
    with pytest.raises(IntegrityError, match="sha256"):
        networks.load(copied, ttfnet.layout)


def test_another_networks_weights_are_refused(copied: Path):
    weights = {"stem/kernel": np.zeros((3, 3, 3, 16), np.float32)}
    networks.write(copied, weights)
    with pytest.raises(IntegrityError, match="another network"):
        networks.load(copied, ttfnet.layout)


def test_pickled_weights_are_refused(copied: Path):
    np.savez(copied, **{"stem/kernel": np.array([{"a": 1}], object)})
    copied.with_suffix(".json").write_text(json.dumps({"sha256": sha256(copied.read_bytes()).hexdigest()}))
    with pytest.raises(IntegrityError, match="not plain arrays"):
        networks.load(copied, ttfnet.layout)


def test_an_oversized_file_is_not_even_read(copied: Path):
    copied.write_bytes(bytes(networks.LARGEST_BYTES + 1))
    with pytest.raises(IntegrityError, match="at most"):
        networks.load(copied, ttfnet.layout)


def test_missing_weights_say_what_to_do(copied: Path):
    copied.unlink()
    with pytest.raises(IntegrityError, match="install"):
        networks.load(copied, ttfnet.layout)


def test_an_unknown_detector_is_named_with_those_there_are():
    with pytest.raises(FeedNotFoundError, match="ttfnet"):
        detectors.load("nothing")
