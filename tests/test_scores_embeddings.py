"""CMC, mAP and look-alikes, by hand."""

import math

import numpy as np
import pytest

from pipeline.errors import SchemaError
from pipeline.scores import embedding_scores
from pipeline.scores.embeddings import Settings
from tests.labelled import label, truth

ANGLE = {"v1": 0, "v2": 10, "w1": 30, "w2": 12}
"""Degrees of the vector of vehicle v, w at camera 1, 2."""


def turned(*degrees):
    return np.column_stack([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])


def known(**more):
    names = [(name, camera) for camera in (1, 2) for name in "vw"]
    return truth(
        *(
            label(name, f"nyc:{camera}", 60 * camera, 50 * (name == "w"), direction="N", **more)
            for name, camera in names
        )
    )


VECTORS = turned(ANGLE["v1"], ANGLE["w1"], ANGLE["v2"], ANGLE["w2"])
"""In the order of the boxes: by camera, then vehicle."""


def test_the_nearest_of_another_camera_is_the_first_rank():
    scores = embedding_scores(known(), VECTORS)
    # v1 -> v2, w1 -> w2, v2 -> v1 (10 of 20 degrees) are right, w2 -> v1 (12 of 18 degrees) is wrong.
    assert (scores.rank1, scores.map, scores.gated.n) == (0.75, pytest.approx((1 + 1 + 1 + 0.5) / 4), 4)
    assert scores.gated.cmc[:3] == (0.75, 1.0, 1.0)
    assert (scores.rank5, scores.gated.chance1, scores.dimensions, scores.coverage) == (1.0, 0.5, 2, 1.0)


def test_vectors_of_any_length_are_compared_by_angle():
    longer = embedding_scores(known(), VECTORS * [[1], [9], [2], [5]])
    assert longer.gated == embedding_scores(known(), VECTORS).gated


def test_the_gate_leaves_out_other_directions_and_far_times():
    labels = known().boxes.to_pylist()
    turned_back = truth(*(row | {"direction": "N" if row["vehicle_id"] == "v" else "S"} for row in labels))
    scores = embedding_scores(turned_back, VECTORS)
    assert (scores.ungated.rank1, scores.gated.rank1, scores.gated.chance1) == (0.75, 1.0, 1.0)
    assert embedding_scores(known(), VECTORS, settings=Settings(gate_s=59)).gated.n == 0


def test_equal_vectors_tell_nothing():
    assert embedding_scores(known(), turned(0, 0, 0, 0)).rank1 == 0.0


def test_refused_boxes_take_no_part_and_are_told():
    refused = VECTORS.copy()
    refused[3] = np.nan
    scores = embedding_scores(known(), refused)
    assert (scores.coverage, scores.gated.n, scores.rank1) == (0.75, 2, 1.0)


def test_queries_are_told_apart_by_the_shorter_side_of_their_box():
    by_size = embedding_scores(known(), VECTORS).by_size
    assert (by_size["24-32 px"].n, by_size["16-24 px"].n) == (4, 0)
    assert math.isnan(by_size["16-24 px"].rank1)


def test_look_alikes_are_told_by_the_share_of_pairs_in_the_right_order():
    pairs = turned(0, 10, 0, 30, 0, 20, 0, 40)
    same = np.array([True, True, False, False])
    # Same pairs differ by 10 and 30 degrees, others by 20 and 40: 3 of 4 comparisons are right.
    assert embedding_scores(known(), VECTORS, same, pairs).lookalike_auc == pytest.approx(0.75)


def test_a_vector_too_few_is_refused():
    with pytest.raises(SchemaError, match="3 vectors for 4"):
        embedding_scores(known(), VECTORS[:3])


def test_vehicles_at_one_camera_only_are_refused():
    with pytest.raises(SchemaError, match="two cameras"):
        embedding_scores(truth(label("v", "nyc:1", 0)), VECTORS[:1])
