"""Scores where every pass of every vehicle is known: beside those over boxes, and beside pairs counted one by one."""

import math
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from pipeline.errors import SchemaError
from pipeline.scores import link_scores, link_scores_known
from pipeline.scores.bipartite import heaviest
from pipeline.scores.pairing import members, pairs_across
from tests.builders import link, rows
from tests.labelled import label, night, truth

CAMERAS = ("nyc:1", "nyc:2", "nyc:3")


def street(random, n_vehicles=4):
    """Vehicles past three cameras, 100 s apart: passes, what was seen of them and of nothing, some links."""
    passes = [(f"v{v}", camera) for v in range(n_vehicles) for camera in CAMERAS if random.random() < 0.8]
    passes = passes or [("v0", CAMERAS[0])]
    shown = [number for number in range(len(passes)) if random.random() < 0.8]
    ghosts = [CAMERAS[int(random.integers(3))] for _ in range(int(random.integers(3)))]
    ids = [f"s{number}" for number in shown] + [f"x{number}" for number in range(len(ghosts))]
    ends = [sorted(random.choice(ids, 2, replace=False)) for _ in range(int(random.integers(8)) if len(ids) > 1 else 0)]
    links = [
        link(*pair, probability=float(random.integers(1, 9)) / 8) for pair in sorted({tuple(pair) for pair in ends})
    ]
    return passes, shown, ghosts, rows("links", *links)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000))
def test_told_passes_score_as_boxes_do(seed):
    passes, shown, ghosts, links = street(np.random.default_rng(seed))
    looked_at = [(camera, second * 100.0) for camera in CAMERAS for second in range(len(passes) + 3)]
    known = truth(*(label(v, c, 100 * n) for n, (v, c) in enumerate(passes)), frames=looked_at)
    seen = {f"s{n}": [(passes[n][1], 100 * n, 0)] for n in shown}
    nothing = {f"x{n}": [(camera, 100 * (len(passes) + n), 0)] for n, camera in enumerate(ghosts)}
    sightings, detections = night(**seen, **nothing)
    told = pa.table({"vehicle_id": [v for v, _ in passes], "camera_id": [c for _, c in passes]})
    pass_of = [int(name[1:]) if name[0] == "s" else -1 for name in sightings["sighting_id"].to_pylist()]
    boxes = link_scores(known, sightings, detections, links)
    assert repr(link_scores_known(told, np.array(pass_of, int), sightings, links)) == repr(boxes)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000))
def test_recall_and_expansion_hold_when_passes_are_torn(seed):
    random = np.random.default_rng(seed)
    vehicle, camera = random.integers(0, 3, 7), random.integers(0, 3, 7)
    pass_of = random.integers(-1, 7, 10)
    ids = [f"s{number}" for number in range(10)]
    sightings, _ = night(**{ids[i]: [(f"nyc:{camera[pass_of[i]]}", i, i)] for i in range(10)})
    ends = {tuple(sorted(random.choice(ids, 2, replace=False))) for _ in range(5)}
    links = rows("links", *(link(*pair) for pair in sorted(ends)))
    told = pa.table({"vehicle_id": vehicle, "camera_id": [f"nyc:{number}" for number in camera]})
    scores = link_scores_known(told, pass_of, sightings, links)
    identity = np.arange(10)
    for row in links.to_pylist():
        one, other = (identity[ids.index(row[name])] for name in ("query_id", "gallery_id"))
        identity[identity == other] = one
    shows = [set(identity[pass_of == number]) for number in range(7)]
    pairs = [(a, b) for a, b in combinations(range(7), 2) if vehicle[a] == vehicle[b] and camera[a] != camera[b]]
    hits = [bool(shows[a] & shows[b]) for a, b in pairs]
    named = [set().union(*(shows[p] for p in range(7) if vehicle[p] == v)) for v in range(3)]
    assert (scores.n_pairs, scores.recall) == pytest.approx(
        (len(pairs), np.mean(hits) if hits else math.nan), nan_ok=True
    )
    assert scores.expansion == pytest.approx(np.mean([len(each) for each in named if each] or math.nan), nan_ok=True)


def test_a_pass_torn_in_two_of_one_identity_is_no_mistake():
    sightings, _ = night(a=[("nyc:1", 0, 0)], b=[("nyc:1", 9, 0)], c=[("nyc:2", 60, 0)])
    told = pa.table({"vehicle_id": [7, 7], "camera_id": ["nyc:1", "nyc:2"]})
    chain = rows("links", link("a", "b"), link("b", "c"))
    scores = link_scores_known(told, np.array([0, 0, 1]), sightings, chain)
    assert (scores.precision, scores.recall, scores.idf1, scores.expansion) == (1, 1, 1, 1)
    # Torn and not joined: of two passes and three found, one vehicle's better half.
    assert scores.idf1_unlinked == pytest.approx(2 * 1 / 5)


def test_a_sighting_of_no_pass_is_refused():
    sightings, _ = night(a=[("nyc:1", 0, 0)])
    told = pa.table({"vehicle_id": ["v"], "camera_id": ["nyc:1"]})
    for wrong in ([1], [0, 0]):
        with pytest.raises(SchemaError, match="the row of its pass"):
            link_scores_known(told, np.array(wrong), sightings, rows("links"))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 100_000), st.sampled_from([0, 4_000_000]))
def test_the_heaviest_choice_is_that_of_the_full_matrix(seed, dense):
    random = np.random.default_rng(seed)
    n, m = random.integers(1, 9, 2)
    cell = random.choice(n * m, random.integers(0, n * m + 1), replace=False)
    full = np.zeros((n, m))
    full[cell // m, cell % m] = weight = random.integers(1, 6, len(cell)).astype(float)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.scores.bipartite.DENSE", dense)
        assert heaviest(cell // m, cell % m, weight) == full[linear_sum_assignment(full, maximize=True)].sum()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=12))
def test_pairs_are_counted_as_they_are_listed(cells):
    group, camera = np.array(cells, int).reshape(-1, 2).T
    listed = set(zip(*(each.tolist() for each in members(group)), strict=True))
    assert listed == {(a, b) for a, b in combinations(range(len(cells)), 2) if group[a] == group[b]}
    assert pairs_across(group, camera) == sum(camera[a] != camera[b] for a, b in listed)
