"""Likeness is measured against those that cannot be the same."""

import numpy as np
import pytest

from pipeline.errors import SchemaError
from pipeline.links.appearance import RAREST, centred, cosines, looks, portraits, spread, unit
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
    assert cosines(found, np.arange(400), np.arange(400)) == pytest.approx(1.0, abs=1e-5)
    assert abs(cosines(found, np.arange(0, 400, 2), np.arange(1, 400, 2)).mean()) < 0.05


def test_impostors_are_as_rare_as_chance_says():
    ones, others = vectors(50), vectors(2000)
    known, fresh = others[:1000], others[1000:]
    cosine = (ones @ fresh.T).astype(np.float64)
    rarity = looks(ones, known, np.zeros((50, 1000), bool)).rarity(np.repeat(np.arange(50), 1000), cosine.ravel())
    for nats in (1.0, 2.5, 4.0):
        assert (rarity > nats).mean() == pytest.approx(np.exp(-nats), rel=0.35)


def test_a_vehicle_with_many_look_alikes_is_less_rare():
    cab, others = vectors(1), vectors(300)
    fleet = np.concatenate([others[:240], unit(cab + 0.1 * vectors(60))])
    alike = np.array([0.9])
    few, many = (looks(cab, crowd, np.zeros((1, 300), bool)).rarity(np.array([0]), alike) for crowd in (others, fleet))
    assert few > 0.9 * RAREST
    assert many < 3


def test_pairs_that_may_be_one_vehicle_are_no_impostors():
    one, others = vectors(1), vectors(100)
    with_it = np.concatenate([others, np.repeat(one, 30, axis=0)])
    possible = np.arange(130)[None, :] >= 100
    left_out, plain = looks(one, with_it, possible), looks(one, others, np.zeros((1, 100), bool))
    assert left_out.edge == pytest.approx(plain.edge)


def test_a_spread_choice_keeps_both_ends():
    assert spread(np.arange(1000), 5).tolist() == [0, 250, 500, 749, 999]
    assert spread(np.arange(3), 5).tolist() == [0, 1, 2]
