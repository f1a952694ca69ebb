"""Tracking within cameras, by hand, and beside motmetrics and TrackEval."""

import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import SchemaError
from pipeline.scores import track_scores
from tests.builders import rows
from tests.judges import motmetrics_of, trackeval_of
from tests.labelled import found, label, night, truth

FOUR = [label("a", "nyc:1", second, second * 10) for second in range(4)]


def places(camera, seconds, shift=0.0):
    return [(camera, second, second * 10 + shift) for second in seconds]


def test_a_perfect_night_scores_one():
    scores = track_scores(truth(*FOUR), *night(s=places("nyc:1", range(4))))
    assert (scores.idf1, scores.mota, scores.hota, scores.purity, scores.link_recall) == pytest.approx((1,) * 5)
    assert scores.switches == 0


def test_a_track_broken_in_the_middle_is_half_right():
    scores = track_scores(truth(*FOUR), *night(s=places("nyc:1", (0, 1)), t=places("nyc:1", (2, 3))))
    assert (scores.idf1, scores.mota, scores.switches) == (0.5, 0.75, 1)
    # Each true positive: 2 boxes in common, 2 more of its vehicle elsewhere: 2 / 4.
    assert (scores.deta, scores.assa, scores.hota) == pytest.approx((1.0, 0.5, math.sqrt(0.5)))
    assert (scores.link_recall, scores.link_precision, scores.purity) == pytest.approx((2 / 3, 1.0, 1.0))


def test_a_track_over_two_vehicles_is_impure():
    both = truth(*FOUR[:2], *(label("b", "nyc:1", second, second * 10) for second in (2, 3)))
    scores = track_scores(both, *night(s=places("nyc:1", range(4))))
    # Found boxes 4, right for one vehicle 2; association 2 common of 4.
    assert (scores.idf1, scores.assa, scores.purity, scores.switches) == pytest.approx((0.5, 0.5, 0.5, 0))


def test_loose_boxes_count_for_hota_as_far_as_they_overlap():
    scores = track_scores(truth(*FOUR), *night(s=places("nyc:1", range(4), shift=6)))
    # 24 of 36 px in common, IoU 2/3: right at the 13 overlaps from 0.05 to 0.65 of 19.
    assert (scores.deta, scores.hota) == pytest.approx((13 / 19, 13 / 19))
    assert scores.idf1 == 1.0


def test_each_camera_has_tracks_of_its_own():
    two = truth(*FOUR, *(label("a", "nyc:2", second, second * 10) for second in range(4)))
    scores = track_scores(two, *night(s=places("nyc:1", range(4)), t=places("nyc:2", range(4))))
    assert (scores.idf1, scores.n_passes) == (1.0, 2)


def test_a_missed_and_an_invented_vehicle_cost_accuracy():
    scores = track_scores(truth(*FOUR), *night(s=places("nyc:1", (0, 1, 2)), t=places("nyc:1", (3,), shift=200)))
    assert scores.mota == pytest.approx(1 - 2 / 4)
    assert (scores.idp, scores.idr) == pytest.approx((3 / 4, 3 / 4))


def test_tracks_of_what_is_to_be_ignored_cost_nothing():
    far = [label("f", "nyc:1", second, 200, size=11) for second in range(4)]
    sightings, detections = night(s=places("nyc:1", range(4)))
    small = [found("nyc:1", second, 200, size=11) for second in range(4)]
    more = {"sighting_id": "far", "camera_id": "nyc:1", "detection_ids": [each["detection_id"] for each in small]}
    scores = track_scores(
        truth(*FOUR, *far),
        rows("sightings", *sightings.to_pylist(), more),
        rows("detections", *detections.to_pylist(), *small),
    )
    assert (scores.idf1, scores.mota, scores.n) == (1.0, 1.0, 4)


def test_sparse_labels_tell_links_but_not_accuracy():
    other = places("nyc:1", range(4), shift=200)
    scores = track_scores(truth(*FOUR, sparse=True), *night(s=places("nyc:1", range(4)), t=other))
    assert (scores.link_recall, scores.link_precision, scores.found) == (1.0, 1.0, 1.0)
    assert math.isnan(scores.mota)


def test_a_sighting_that_goes_on_with_another_vehicle_is_a_wrong_link():
    gone = [("nyc:1", 0, 0), ("nyc:1", 1, 200)]
    scores = track_scores(truth(*FOUR[:2], sparse=True), *night(s=gone, t=[("nyc:1", 1, 10)]))
    assert (scores.link_recall, scores.link_precision) == (0.0, 0.0)


def test_a_truth_without_identities_is_refused():
    with pytest.raises(SchemaError, match="vehicle_id"):
        track_scores(truth(label(None, "nyc:1", 0)), *night(s=places("nyc:1", range(4))))


def test_no_sighting_scores_nothing():
    scores = track_scores(truth(*FOUR), rows("sightings"), rows("detections"))
    assert (scores.idf1, scores.mota, scores.found) == (0.0, 0.0, 0.0)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 100_000))
def test_tracks_score_as_motmetrics_and_trackeval_say(seed):
    labels, tracks = _random_street(np.random.default_rng(seed))
    scores = asdict(track_scores(truth(*labels), *night(**tracks)))
    judged = trackeval_of(labels, tracks)
    assert {name: scores[name] for name in judged} == pytest.approx(judged)
    names = ("idf1", "idp", "idr", "mota", "switches")
    assert [scores[name] for name in names] == pytest.approx(motmetrics_of(labels, tracks))


def _random_street(random):
    """Vehicles that pass each other for 20 seconds, and tracks that swap, lose and invent them."""
    labels, tracks = [], {}
    at_x, speed, names = random.uniform(0, 300, 5), random.normal(0, 6, 5), np.arange(5)
    for second in range(20):
        at_x = at_x + speed
        if random.random() < 0.3:
            names = random.permutation(names)
        labels += [label(f"v{n}", "nyc:1", second, at_x[n]) for n in range(5) if n == 0 or random.random() < 0.9]
        for number in np.flatnonzero(random.random(5) < 0.8):
            place = ("nyc:1", second, at_x[number] + random.normal(0, 5))
            tracks.setdefault(f"t{names[number]}", []).append(place)
    return labels, tracks
