"""What the first pass left open is looked at again, with the portraits of whole chains."""

from dataclasses import fields, replace

import numpy as np
import pytest

from pipeline.links import chains, metric
from pipeline.links.association import Model
from pipeline.links.evidence import Evidence
from pipeline.links.learning import Learned
from pipeline.links.metric import Metric
from pipeline.links.pairs import CLARITIES, KINDS, Pairs, Ways
from pipeline.links.passes import Passes
from tests.test_metric import VEHICLES, crossing, every


def evidence(pairs: Pairs) -> Evidence:
    ways = Ways(**{each.name: np.zeros(1, np.int64) for each in fields(Ways)})
    return Evidence(pairs, pairs.rarity, ways, np.ones(len(pairs)), len(pairs))


def taught(told: tuple[Metric, ...], view: Passes) -> Learned:
    nothing = Model(evidence(pairs((0, 1))).ways, np.ones(1), 0.5, np.zeros((CLARITIES, 14)), np.zeros(KINDS * KINDS))
    return Learned(nothing, nothing, told, view)


def pairs(*ends: tuple[int, int]) -> Pairs:
    query, gallery = np.array(ends, dtype=np.int64).T
    nothing = np.zeros(len(query))
    return Pairs(query, gallery, nothing.astype(np.int64), nothing, nothing, np.full(len(query), CLARITIES - 1))


def test_only_open_ends_and_open_starts_are_looked_at_again():
    found = evidence(pairs((0, 1), (0, 2), (3, 1), (3, 2), (1, 4)))
    chosen = np.array([True, False, False, False, False])
    assert chains.still_open(found, np.ones(5, bool), chosen).tolist() == [False, False, False, True, True]
    assert not chains.still_open(found, np.zeros(5, bool), chosen).any()


def test_a_chain_makes_a_better_portrait_than_one_view():
    """Every vehicle passed twice, and was linked; a third view of it is more alike to both than to the last alone."""
    view = crossing()
    alone, same = every(view)
    rng = np.random.default_rng(5)
    again = crossing(seed=1).vectors[:VEHICLES] + rng.normal(size=(VEHICLES, view.vectors.shape[1])) * 0.1
    vectors = np.concatenate([view.vectors, again / np.linalg.norm(again, axis=1, keepdims=True)]).astype(np.float32)
    n = len(vectors)
    longer = replace(
        view, row=np.arange(n), group=np.repeat([0, 1, 0], VEHICLES), largest_px=np.full(n, 30.0), vectors=vectors,
        sizes=np.ones(n), moved=np.ones(n, bool),
    )  # fmt: skip
    told = metric.learn(longer, np.full(n, CLARITIES - 1), alone, np.where(same, 0.9, 0.005))
    other = np.roll(np.arange(VEHICLES), 7)
    ends = [*zip(alone.query[same], alone.gallery[same], strict=True)]
    open_ = [(VEHICLES + i, 2 * VEHICLES + i) for i in range(VEHICLES)]
    strangers = [(VEHICLES + i, 2 * VEHICLES + other[i]) for i in range(VEHICLES)]
    found = evidence(pairs(*ends, *open_, *strangers))
    chosen = np.arange(len(found.pairs)) < VEHICLES
    rarity = chains.weighed(found, taught(told, longer), chosen, ~chosen).pairs.rarity
    single = metric.weighed(found.pairs, told, longer.vectors).rarity
    mine = slice(VEHICLES, 2 * VEHICLES)
    assert rarity[mine].mean() > single[mine].mean() + 0.3
    assert rarity[2 * VEHICLES :].mean() == pytest.approx(1.0, abs=0.25)


def test_without_a_metric_likeness_stays_as_it_was():
    found = evidence(pairs((0, 1), (2, 3)))
    chosen = np.array([True, False])
    assert chains.weighed(found, taught((), crossing()), chosen, ~chosen) is found
