"""Links across cameras, by hand, and beside motmetrics and TrackEval."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.scores import link_scores
from pipeline.scores.links import Settings
from tests.builders import at, camera, link, rows, trajectory, transition
from tests.judges import motmetrics_of, trackeval_of
from tests.labelled import label, night, truth

PASSES = {"v": [("nyc:1", 0), ("nyc:2", 60), ("nyc:3", 120)], "w": [("nyc:1", 5), ("nyc:2", 65), ("nyc:3", 125)]}
"""Two vehicles past three cameras, 5 s apart."""
LABELS = [label(name, *place) for name, places in PASSES.items() for place in places]
NIGHT = night(**{f"{name}{place[0][-1]}": [(*place, 0)] for name, places in PASSES.items() for place in places})
RIGHT = [link("v1", "v2", 60), link("v2", "v3", 60), link("w1", "w2", 60), link("w2", "w3", 60)]


def scored(links, known=None, **more):
    return link_scores(known or truth(*LABELS), *NIGHT, rows("links", *links), **more)


def test_perfect_links_score_one():
    scores = scored(RIGHT)
    assert (scores.precision, scores.recall, scores.idf1, scores.expansion) == (1, 1, 1, 1)
    assert (scores.n_right, scores.n_pairs, scores.found) == (6, 6, 1.0)


def test_no_link_is_no_error_but_finds_nothing():
    scores = scored([])
    assert math.isnan(scores.precision)
    assert (scores.impossible, scores.curve) == (0, ())
    # Each of six sightings alone: one box right of three for each vehicle.
    assert (scores.recall, scores.expansion, scores.idf1) == pytest.approx((0, 3, 2 * 2 / 12))
    assert scores.idf1 == scores.idf1_unlinked


def test_vehicles_swapped_on_the_way_are_wrong():
    scores = scored([link("v1", "w2", 65), link("w2", "w3", 60)])
    # Chain v1 w2 w3: v1-w2 and v1-w3 wrong, w2-w3 right; of six true pairs one.
    assert (scores.n_right, scores.n_wrong, scores.recall) == (1, 2, pytest.approx(1 / 6))
    assert scores.precision == pytest.approx(1 / 3)


def test_beyond_what_sparse_labels_know_nothing_is_wrong():
    known = truth(*LABELS[:2], sparse=True)
    scores = scored([*RIGHT[:2], link("w2", "w3")], known)
    # v1-v2 right; v1-v3, v2-v3 (v unknown at camera 3) and w2-w3 unknown.
    assert (scores.n_right, scores.n_wrong, scores.n_unknown) == (1, 0, 3)
    assert (scores.precision, scores.recall, scores.n_pairs) == (1, 1, 1)


def test_sparse_labels_know_a_wrong_link_to_an_unlabelled_vehicle():
    scores = scored([link("v1", "w2", 65)], truth(*LABELS[:2], sparse=True))
    assert (scores.n_right, scores.n_wrong, scores.recall) == (0, 1, 0)


def test_a_full_truth_knows_that_a_vehicle_never_came():
    looked_at = [place for places in PASSES.values() for place in places]
    scores = scored(RIGHT[:2], truth(*LABELS[:2], *LABELS[3:], frames=looked_at))
    assert (scores.n_right, scores.n_wrong, scores.n_unknown) == (1, 2, 0)


def test_a_pass_in_two_sightings_counts_once():
    halves = night(a=[("nyc:1", 0, 0)], b=[("nyc:1", 2, 0)], c=[("nyc:2", 60, 0)])
    known = truth(label("v", "nyc:1", 0), label("v", "nyc:1", 2), label("v", "nyc:2", 60))
    scores = link_scores(known, *halves, rows("links", link("b", "c")))
    assert (scores.n_pairs, scores.recall, scores.precision, scores.expansion) == (1, 1, 1, 2)


def test_a_vehicle_that_comes_back_makes_another_pass():
    known = truth(label("v", "nyc:1", 0), label("v", "nyc:2", 60), label("v", "nyc:1", 600))
    assert link_scores(known, *NIGHT, rows("links", link("v1", "v2"))).n_pairs == 2


def test_a_loose_box_does_not_find_a_vehicle():
    known = truth(label("v", "nyc:1", 0, 20), label("v", "nyc:2", 60, 0))
    scores = scored([link("v1", "v2")], replace(known, sparse=True))
    assert (scores.found, scores.recall) == (0.5, 0)


def test_calibration_asks_links_known_right_or_wrong():
    scores = scored([link("v1", "v2", probability=0.75), link("w2", "v3", probability=0.75)])
    assert (scores.ece, scores.calibration.n) == (pytest.approx(0.25), (2,))


def test_the_curve_gives_up_recall_for_precision():
    scores = scored(
        [link("v1", "v2", probability=0.9), link("w1", "w2", probability=0.5), link("w2", "v3", probability=0.25)]
    )
    assert [point.probability for point in scores.curve] == pytest.approx([0.25, 0.5, 0.9])
    assert [point.precision for point in scores.curve] == pytest.approx([2 / 4, 1, 1])
    assert [point.recall for point in scores.curve] == pytest.approx([2 / 6, 2 / 6, 1 / 6])


def test_links_below_the_threshold_do_not_count():
    links = [link("v1", "v2", probability=0.9), link("w2", "v3", probability=0.25)]
    scores = scored(links, settings=Settings(threshold=0.5))
    assert (scores.n_links, scores.n_wrong) == (1, 0)


def test_a_link_under_the_floor_of_its_transition_is_impossible():
    transitions = rows(
        "transitions", transition("nyc:1", "nyc:2", floor_s=61), transition("nyc:2", "nyc:3", floor_s=59)
    )
    scores = scored(RIGHT[:2], transitions=transitions)
    assert (scores.impossible, scores.n_impossible) == (0.5, 1)


def test_a_floor_may_be_the_hours_and_its_clocks_apart():
    way = transition("nyc:1", "nyc:2", floor_s=61, hour_at=at(0).replace(minute=0))
    later = way | {"hour_at": at(7200).replace(minute=0), "floor_s": 50}
    ways = way, way | {"clock_s": -2.0}, way | {"floor_s": -5.0, "clock_s": 8.0}
    fast = [scored(RIGHT[:1], transitions=rows("transitions", each, later)).n_impossible for each in ways]
    assert fast == [1, 0, 0]


def test_without_a_transition_the_straight_line_is_the_floor():
    places = rows("cameras", camera("nyc:1", lat=40.75), camera("nyc:2", lat=40.78), camera("nyc:3", lat=40.79))
    scores = scored(RIGHT[:2], cameras=places)
    # 3.3 km in 60 s is 56 m/s; 1.1 km is 19 m/s.
    assert scores.n_impossible == 1


def test_trajectories_say_who_belongs_together():
    chain = rows("trajectories", trajectory("t", [("v1", "nyc:1", 0), ("v2", "nyc:2", 60), ("v3", "nyc:3", 120)]))
    scores = scored(RIGHT, trajectories=chain)
    assert (scores.n_right, scores.recall, scores.n_links) == (3, 0.5, 4)


def shuffled(table, random):
    """The same rows in another order, each a chunk of its own."""
    places = random.sample(range(table.num_rows), table.num_rows)
    return pa.concat_tables([table.slice(place, 1) for place in places] or [table])


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.sets(st.sampled_from(range(36)), max_size=12))
def test_row_order_and_chunks_do_not_matter(random, chosen):
    names = [f"{name}{number}" for name in "vw" for number in (1, 2, 3)]
    links = [
        link(names[code // 6], names[code % 6], probability=0.5 + code / 100)
        for code in sorted(chosen)
        if code % 6 > code // 6
    ]
    known, tables = truth(*LABELS), (*NIGHT, rows("links", *links))
    turned = [shuffled(table, random) for table in tables]
    assert repr(link_scores(known, *tables)) == repr(link_scores(known, *turned))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_precision_and_recall_are_those_of_the_pairs_counted_one_by_one(seed):
    random = np.random.default_rng(seed)
    names = [(name, number) for name in "vw" for number in (1, 2, 3)]
    groups = random.integers(0, 3, len(names))
    chains = [[names[place] for place in np.flatnonzero(groups == group)] for group in range(3)]
    made = [
        trajectory(f"t{i}", [(f"{n}{c}", f"nyc:{c}", 0) for n, c in chain]) for i, chain in enumerate(chains) if chain
    ]
    pairs = {(a, b) for chain in chains for a in chain for b in chain if a < b and a[1] != b[1]}
    right = {(a, b) for a, b in pairs if a[0] == b[0]}
    scores = scored([], trajectories=rows("trajectories", *made))
    assert (scores.n_right, scores.n_wrong) == (len(right), len(pairs) - len(right))
    assert scores.recall == pytest.approx(len(right) / 6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 100_000))
def test_identities_across_cameras_score_as_motmetrics_and_trackeval_say(seed):
    random = np.random.default_rng(seed)
    labels, sightings, chains = [], {}, {}
    for number in (1, 2, 3):
        for vehicle, chain in enumerate(random.permutation(6)[:4].tolist()):
            seconds = range(100 * number, 100 * number + int(random.integers(1, 5)))
            labels += [label(f"v{vehicle}", f"nyc:{number}", second, 40 * vehicle) for second in seconds]
            shift = random.choice([0, 0, 0, 12])
            places = [(f"nyc:{number}", second, 40 * vehicle + shift) for second in seconds if random.random() < 0.8]
            if places:
                sightings[f"s{vehicle}{number}"] = places
                chains.setdefault(chain, []).append(f"s{vehicle}{number}")
    links = [link(*sorted(pair)) for chain in chains.values() for pair in pairwise(chain)]
    scores = link_scores(truth(*labels), *night(**sightings), rows("links", *links))
    named = {f"t{name}": [place for each in chain for place in sightings[each]] for name, chain in chains.items()}
    assert scores.idf1 == pytest.approx(trackeval_of(labels, named)["idf1"])
    assert scores.idf1 == pytest.approx(motmetrics_of(labels, named)[0])
    assert scores.idf1_unlinked == pytest.approx(trackeval_of(labels, sightings)["idf1"])


def test_a_night_without_sightings_finds_nothing():
    scores = link_scores(truth(*LABELS), rows("sightings"), rows("detections"), rows("links"), rows("trajectories"))
    assert (scores.recall, scores.found, scores.n_links, scores.idf1) == (0, 0, 0, 0)
