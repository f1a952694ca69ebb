"""Detections come from usable frames only, sure and large enough, named by falling score."""

import subprocess
import sys
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pytest
from builders import at, frame, rows

from pipeline import detectors
from pipeline.detections import Settings, detect
from pipeline.detectors import Boxes
from pipeline.errors import FeedNotFoundError
from pipeline.tables import DETECTIONS, frame_id

FOUND = Boxes(
    np.array([[0, 0, 30, 9], [1, 2, 40, 30], [5, 5, 45, 35], [9, 9, 20, 30]], np.float32),
    np.array([0.9, 0.5, 0.8, 0.1], np.float32),
    ("vehicle",) * 4,
)
"""Too low, less sure, surer, not sure."""


class FakeDetector:
    """Finds the same boxes in every picture and remembers what it was shown."""

    version = "fake@1"

    def __init__(self) -> None:
        self.shown: list[tuple[int, ...]] = []

    def detect(self, images: list[Any]) -> list[Boxes]:
        self.shown += [image.shape for image in images]
        return [FOUND for _ in images]


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeDetector:
    detector = FakeDetector()
    monkeypatch.setattr(detectors, "load", lambda _: detector)
    return detector


def jpeg(*shape: int) -> bytes:
    return cv2.imencode(".jpg", np.full(shape, 90, np.uint8))[1].tobytes()


def snapshot(camera_id: str, seconds: float, content: bytes | None = None) -> dict[str, Any]:
    return {
        "camera_id": camera_id,
        "slot_at": at(seconds),
        "fetched_at": None,
        "captured_at": None,
        "jpeg": content or jpeg(48, 64, 3),
    }


def found(frames: list[dict[str, Any]], snapshots: list[dict[str, Any]], **settings: Any) -> pa.Table:
    return detect(rows("frames", *frames), rows("snapshots", *snapshots), Settings(**settings))


def test_ids_count_by_falling_score_and_weak_or_low_boxes_are_dropped() -> None:
    table = found([frame("a", 0)], [snapshot("a", 0)])
    assert table["detection_id"].to_pylist() == [f"{frame_id('a', at(0))}#000", f"{frame_id('a', at(0))}#001"]
    assert table["score"].to_pylist() == pytest.approx([0.8, 0.5])


def test_only_usable_frames_are_looked_at(fake: FakeDetector) -> None:
    frames = [frame("a", 0), frame("a", 2, "dark"), frame("a", 4, "frozen")]
    table = found(frames, [snapshot("a", 0), snapshot("a", 2), snapshot("a", 4)])
    assert set(table["frame_id"].to_pylist()) == {frame_id("a", at(0))}
    assert len(fake.shown) == 1


def test_a_detection_was_captured_when_the_feed_says_or_else_at_its_slot() -> None:
    table = found([frame("a", 0, captured_at=at(0.7)), frame("a", 2)], [snapshot("a", 0), snapshot("a", 2)])
    assert table["captured_at"].to_pylist() == [at(0.7)] * 2 + [at(2)] * 2


def test_grey_pictures_reach_the_detector_in_colour(fake: FakeDetector) -> None:
    found([frame("a", 0)], [snapshot("a", 0, jpeg(48, 64))])
    assert fake.shown == [(48, 64, 3)]


def test_neither_row_order_nor_batch_matters() -> None:
    frames, snapshots = (
        [frame(c, s) for c in "ab" for s in (0, 2, 4)],
        [snapshot(c, s) for c in "ab" for s in (0, 2, 4)],
    )
    assert found(frames, snapshots).equals(found(frames[::-1], snapshots[::-1], batch=2))


def test_a_frame_whose_bytes_are_gone_or_no_picture_has_no_detections() -> None:
    frames = [frame("a", 0), frame("a", 2)]
    assert found(frames, [snapshot("a", 0, b"no picture")]).num_rows == 0


def test_nothing_in_gives_nothing_out() -> None:
    assert found([], []).equals(DETECTIONS.empty())


def test_an_unknown_detector_is_named_with_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with pytest.raises(FeedNotFoundError, match="ttfnet"):
        found([frame("a", 0)], [snapshot("a", 0)], detector="nothing")


def test_importing_the_stage_does_not_load_tensorflow() -> None:
    code = "import pipeline.detections, pipeline.embeddings, sys; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
