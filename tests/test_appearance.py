"""Likeness is measured against those that cannot be the same."""

import numpy as np
import pytest

from pipeline.errors import SchemaError
from pipeline.links.appearance import centred, portraits, spread, unit
from tests.builders import detection, rows, sighting

RNG = np.random.default_rng(5)


def vectors(n: int, d: int = 32) -> np.ndarray:
    return unit(RNG.normal(size=(n, d)).astype(np.float32))


def packed(*numbers: float) -> bytes:
    return np.array(numbers, "<f2").tobytes()


def test_larger_boxes_count_for_more():
    seen = rows("sightings", sighting("s", "a", 0, detection_ids=["far", "near"]))
    boxes = rows("detections", detection("far", (0, 0, 10, 10)), detection("near", (0, 0, 30, 40)))
    looks_ = rows(
        "embeddings", {"detection_id": "far", "vector": packed(1, 0)}, {"detection_id": "near", "vector": packed(0, 1)}
    )
    sums, sizes, largest = portraits(seen, boxes, looks_)
    assert (sums.tolist(), sizes.tolist(), largest.tolist()) == ([[10.0, 30.0]], [40.0], [30.0])


def test_a_sighting_without_embeddings_has_no_portrait():
    seen = rows("sightings", sighting("s", "a", 0, detection_ids=["far"]))
    sums, sizes, _ = portraits(
        seen, rows("detections"), rows("embeddings", {"detection_id": "other", "vector": packed(1, 0)})
    )
    assert (sums.tolist(), sizes.tolist()) == ([[0.0, 0.0]], [0.0])


def test_vectors_of_two_encoders_are_refused():
    mixed = rows(
        "embeddings", {"detection_id": "1", "vector": packed(1, 0)}, {"detection_id": "2", "vector": packed(1, 0, 0)}
    )
    with pytest.raises(SchemaError, match="encode all with one encoder"):
        portraits(rows("sightings"), rows("detections"), mixed)


def test_a_camera_s_tint_is_taken_away():
    plain, groups = vectors(400), np.arange(400) % 2
    tinted = unit(plain + np.where(groups[:, None] == 0, np.float32(0.3), np.float32(-0.3)))
    found = centred(tinted, groups)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert abs((found[::2] * found[1::2]).sum(axis=1).mean()) < 0.05


def test_a_spread_choice_keeps_both_ends():
    assert spread(np.arange(1000), 5).tolist() == [0, 250, 500, 749, 999]
    assert spread(np.arange(3), 5).tolist() == [0, 1, 2]
