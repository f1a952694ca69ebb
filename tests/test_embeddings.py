"""Embeddings exist for vehicles large enough to be told apart, as little-endian unit vectors."""

from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pytest
from builders import at, rows

from pipeline import encoders
from pipeline.embeddings import Settings, embed
from pipeline.tables import EMBEDDINGS, frame_id


class FakeEncoder:
    """Points along the first axis for every box."""

    version, dimensions = "fake@1", 4

    def encode(self, image: Any, xyxy_px: Any) -> Any:
        del image
        return np.tile(np.array([1, 0, 0, 0], np.float16), (len(xyxy_px), 1))


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "load", lambda _: FakeEncoder())


def detection(number: int, seconds: float, wide_px: float) -> dict[str, Any]:
    frame = frame_id("a", at(seconds))
    box = {"x1_px": 1.0, "y1_px": 1.0, "x2_px": 1.0 + wide_px, "y2_px": 12.0}
    return {
        "detection_id": f"{frame}#{number:03d}",
        "frame_id": frame,
        "camera_id": "a",
        "captured_at": at(seconds),
        "score": 0.9,
    } | box


def snapshot(seconds: float) -> dict[str, Any]:
    jpeg = cv2.imencode(".jpg", np.full((48, 64, 3), 90, np.uint8))[1].tobytes()
    return {"camera_id": "a", "slot_at": at(seconds), "fetched_at": None, "captured_at": None, "jpeg": jpeg}


def embedded(detections: list[dict[str, Any]], snapshots: list[dict[str, Any]]) -> pa.Table:
    return embed(rows("detections", *detections), rows("snapshots", *snapshots), Settings(min_crop_px=24))


def test_a_vehicle_too_small_to_be_told_from_others_is_not_embedded() -> None:
    table = embedded([detection(0, 0, 30), detection(1, 0, 20)], [snapshot(0)])
    assert table["detection_id"].to_pylist() == [detection(0, 0, 30)["detection_id"]]


def test_a_vector_is_little_endian_float16_of_unit_length() -> None:
    vector = np.frombuffer(embedded([detection(0, 0, 30)], [snapshot(0)])["vector"][0].as_py(), "<f2")
    assert vector.tolist() == [1, 0, 0, 0]


def test_the_encoder_is_named_in_every_row() -> None:
    assert embedded([detection(0, 0, 30)], [snapshot(0)])["encoder"].to_pylist() == ["fake@1"]


def test_row_order_does_not_matter() -> None:
    detections, snapshots = [detection(n, s, 30) for n in (0, 1) for s in (0, 2)], [snapshot(0), snapshot(2)]
    assert embedded(detections, snapshots).equals(embedded(detections[::-1], snapshots[::-1]))


def test_a_detection_whose_picture_is_gone_has_no_embedding() -> None:
    assert embedded([detection(0, 0, 30)], [snapshot(2)]).num_rows == 0


def test_nothing_in_gives_nothing_out() -> None:
    assert embedded([], []).equals(EMBEDDINGS.empty())
