"""Likeness is weighed by how one vehicle's portraits differ between cameras, and by nothing that vouches for itself."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.links import metric, passes
from pipeline.links.metric import Metric
from pipeline.links.pairs import CLARITIES, Pairs
from pipeline.links.passes import Passes
from tests.corridor import corridor

VEHICLES, SIZE, WAYS = 600, 16, 8


def crossing(seed: int = 1, own: float = 1.0) -> Passes:
    """Let each vehicle pass two cameras; half of the directions of its portrait are the light's, not its own."""
    rng = np.random.default_rng(seed)
    spread = np.repeat([own, 0.15], SIZE // 2), np.repeat([0.15, 1.0], SIZE // 2)
    look = rng.normal(size=(VEHICLES, SIZE)) * spread[0]
    vectors = np.concatenate([look + rng.normal(size=look.shape) * spread[1] for _ in range(2)])
    made = corridor(vehicles=1, seen=1.0, stops=2)
    view = passes.read(made.sightings, made.detections, made.embeddings)
    n = 2 * VEHICLES
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    held = {"vectors": vectors.astype(np.float32), "sizes": np.ones(n), "moved": np.ones(n, bool)}
    return replace(view, row=np.arange(n), group=np.repeat([0, 1], VEHICLES), largest_px=np.full(n, 30.0), **held)


def every(view: Passes) -> tuple[Pairs, np.ndarray]:
    """Pair each with its own and with 19 others; returns the pairs and which are one vehicle."""
    one = np.repeat(np.arange(VEHICLES), 20)
    step = np.tile(np.arange(20), VEHICLES)
    other = (one + step * 29) % VEHICLES + VEHICLES
    nothing = np.zeros(len(one))
    cosine = np.einsum("ij,ij->i", view.vectors[one], view.vectors[other]).astype(np.float64)
    kept = Pairs(one, other, one % WAYS, nothing, cosine, np.full(len(one), CLARITIES - 1))
    return kept, step == 0


def ahead(rarity: np.ndarray, same: np.ndarray) -> float:
    """Share of pairs of one vehicle that are more alike than 99 in 100 others."""
    return float((rarity[same] > np.quantile(rarity[~same], 0.99)).mean())


@pytest.fixture(scope="module")
def taught() -> tuple[Passes, Pairs, np.ndarray, tuple[Metric, ...]]:
    view = crossing()
    pairs, same = every(view)
    clarity = np.full(len(view), CLARITIES - 1)
    return view, pairs, same, metric.learn(view, clarity, pairs, np.where(same, 0.9, 0.005))


def test_what_the_light_changes_counts_for_less(taught):
    view, pairs, same, told = taught
    found = metric.weighed(pairs, told, view.vectors).rarity
    assert ahead(found, same) > ahead(pairs.rarity, same) + 0.2


def test_rarity_is_the_share_of_strangers_as_alike(taught):
    view, pairs, same, told = taught
    found = metric.weighed(pairs, told, view.vectors).rarity[~same]
    for share in (0.5, 0.1, 0.02):
        assert (found >= -np.log(share)).mean() == pytest.approx(share, rel=0.15)


def test_no_pair_vouches_for_itself(taught):
    """Strangers taken for one vehicle teach the other fold only: there they look no more alike than others."""
    view, pairs, same, _ = taught
    chosen = (np.random.default_rng(3).uniform(size=len(same)) < 0.05) & ~same
    clarity = np.full(len(view), CLARITIES - 1)
    told = metric.learn(view, clarity, pairs, np.where(chosen, 0.9, 0.005))
    found = metric.weighed(pairs, told, view.vectors).rarity
    assert found[chosen].mean() == pytest.approx(found[~same & ~chosen].mean(), abs=0.15)


def test_too_few_likely_pairs_teach_nothing(taught):
    view, pairs, same, _ = taught
    clarity = np.full(len(view), CLARITIES - 1)
    assert metric.learn(view, clarity, pairs, np.where(same, 0.06, 0.005)) == ()
    assert metric.weighed(pairs, (), view.vectors).rarity == pytest.approx(pairs.rarity)


def test_pairs_of_one_way_teach_nothing(taught):
    view, pairs, same, _ = taught
    clarity = np.full(len(view), CLARITIES - 1)
    alone = replace(pairs, way=np.zeros_like(pairs.way))
    assert metric.learn(view, clarity, alone, np.where(same, 0.9, 0.005)) == ()


def test_who_has_no_portrait_stays_without(taught):
    view, pairs, _, told = taught
    unseen = replace(pairs, rarity=np.full(len(pairs), np.nan))
    assert np.isnan(metric.weighed(unseen, told, view.vectors).rarity).all()
