"""The compiled kernel gives what plain numpy gives, whatever it is cut into."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.links import kernel
from pipeline.links.appearance import RAREST
from pipeline.links.kernel import loops

RNG = np.random.default_rng(4)


def vectors(n: int, d: int = 32, kind: type = np.float32) -> np.ndarray:
    made = RNG.normal(size=(n, d))
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(kind)


def plain(queries: np.ndarray, gallery: np.ndarray, first: np.ndarray, last: np.ndarray, most: int) -> list[list[int]]:
    product = queries.astype(np.float32) @ gallery.astype(np.float32).T
    return [
        (np.argsort(-product[i, a:b], kind="stable")[:most] + a).tolist()
        for i, (a, b) in enumerate(zip(first, last, strict=True))
    ]


@pytest.mark.parametrize("kind", [np.float32, np.float16])
@pytest.mark.parametrize(("queries", "gallery", "most"), [(57, 90, 1), (64, 90, 3), (3, 2, 2), (1, 5, 7)])
def test_the_nearest_inside_the_gate_are_those_of_numpy(queries: int, gallery: int, most: int, kind: type):
    ones, others = vectors(queries, kind=kind), vectors(gallery, kind=kind)
    first = np.sort(RNG.integers(0, gallery, queries))
    last = np.clip(first + RNG.integers(-2, 20, queries), 0, gallery)
    row, product = kernel.nearest(ones, others, first, last, most)
    assert [[each for each in found if each >= 0] for found in row.tolist()] == plain(ones, others, first, last, most)
    there = row >= 0
    query = np.nonzero(there)[0]
    exact = np.einsum("ij,ij->i", ones[query].astype(np.float64), others[row[there]].astype(np.float64))
    assert product[there] == pytest.approx(exact, abs=1e-6)
    assert np.all(np.isneginf(product[~there]))


def test_a_gate_cut_in_parts_gives_the_same_bits():
    ones, others = vectors(203), vectors(400)
    first = np.sort(RNG.integers(0, 380, 203))
    whole = kernel.nearest(ones, others, first, first + 20)[1]
    parts = [kernel.nearest(ones[a:b], others, first[a:b], first[a:b] + 20)[1] for a, b in ((0, 50), (50, 203))]
    assert np.array_equal(whole, np.concatenate(parts))


def test_equals_are_ordered_by_row():
    one = vectors(1)
    row, _ = kernel.nearest(one, np.repeat(one, 6, axis=0), np.array([1]), np.array([6]), 3)
    assert row.tolist() == [[1, 2, 3]]


def test_every_float16_is_widened_exactly():
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    finite = halves[np.isfinite(halves)].reshape(-1, 8)
    assert np.array_equal(kernel.single(finite), finite.astype(np.float32))


def test_a_gate_beyond_the_gallery_is_refused():
    with pytest.raises(ValueError, match="beyond the gallery"):
        kernel.nearest(vectors(1), vectors(3), np.array([1]), np.array([4]))


def test_vectors_of_two_lengths_are_refused():
    with pytest.raises(ValueError, match="differ in length"):
        kernel.nearest(vectors(1, 8), vectors(3, 9), np.array([1]), np.array([2]))


def test_where_nothing_can_be_written_it_is_compiled_for_the_process(monkeypatch: pytest.MonkeyPatch):
    def no_locator(*_: object, **options: object) -> object:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(loops.numba, "njit", no_locator)
    assert loops.compiled(len)("four") == 4


def looked_at(
    ones: np.ndarray, others: np.ndarray, at_us: np.ndarray | None = None, gap_us: tuple = (1.0, 0.0)
) -> np.ndarray:
    """Let all of `others` be the cohort of all of `ones`, seen at some times; no time may be the same vehicle."""
    together, n = np.concatenate([ones, others]), len(ones)
    others_us = np.zeros(len(others), np.int64) if at_us is None else at_us
    rows = np.arange(len(together))
    return kernel.looks(together, rows[:n], np.zeros(n, np.int64), rows[n:], others_us, gap_us)


def rarity(looks: np.ndarray, ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return how rare each one's likeness to each other is, by the looks of the ones alone."""
    together, (n, m) = np.concatenate([ones, others]), (len(ones), len(others))
    rows, plain = np.arange(n + m), np.array([[0.0, 0.5, 0.05]])
    gates = rows[:n], np.zeros(n, np.int64), np.full(n, m), rows[n:]
    both, neither = (
        kernel.band(together, *gates, (out, plain.repeat(m, axis=0)))[1] for out in (looks, plain.repeat(n, axis=0))
    )
    return (2 * both - neither).reshape(n, m)


@pytest.mark.parametrize(("many", "cohort"), [(9, 256), (3, 21), (1, 19), (5, 2), (2, 1)])
def test_looks_are_the_quantiles_of_numpy(many: int, cohort: int):
    ones, others = vectors(many), vectors(cohort)
    cosine = np.round((ones @ others.T).astype(np.float64), 5)
    middle, edge = np.quantile(cosine, [0.5, 0.9], axis=1)
    over = [row[row > at] - at for row, at in zip(cosine, edge, strict=True)]
    excess = [max(each.mean() if len(each) else 0.0, 0.02) for each in over]
    assert looked_at(ones, others) == pytest.approx(np.column_stack([middle, edge, excess]), abs=2e-5)


def test_where_there_is_no_impostor_nothing_is_told():
    assert np.isnan(looked_at(vectors(2), vectors(0))).all()


def test_those_that_may_be_the_same_vehicle_are_no_impostors():
    one, others = vectors(1), vectors(100)
    crowd = np.concatenate([others, np.repeat(one, 30, axis=0)])
    at_us = np.where(np.arange(130) < 100, 0, 50)
    assert np.array_equal(looked_at(one, crowd, at_us, (40.0, 60.0)), looked_at(one, others))


def test_where_few_others_remain_they_count_all_the_same():
    one, crowd = vectors(1), vectors(30)
    at_us = np.where(np.arange(30) < 15, 0, 50)
    assert np.array_equal(looked_at(one, crowd, at_us, (40.0, 60.0)), looked_at(one, crowd))


def test_impostors_are_as_rare_as_chance_says():
    ones, others = vectors(50), vectors(2000)
    found = rarity(looked_at(ones, others[:1000]), ones, others[1000:])
    for nats in (1.0, 2.5, 4.0):
        assert (found > nats).mean() == pytest.approx(np.exp(-nats), rel=0.35)


def test_a_vehicle_with_many_look_alikes_is_less_rare():
    cab, others = vectors(1), vectors(300)
    fleet = np.concatenate([others[:240], mixed(cab, vectors(60))])
    twin = mixed(cab, vectors(1))
    few, many = (rarity(looked_at(cab, crowd), cab, twin)[0, 0] for crowd in (others, fleet))
    assert few > 0.8 * RAREST
    assert many < 4


def mixed(look: np.ndarray, noise: np.ndarray) -> np.ndarray:
    made = look + 0.3 * noise
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def test_looks_do_not_depend_on_who_else_is_measured():
    ones, others = vectors(11), vectors(200)
    whole = looked_at(ones, others)
    assert np.array_equal(whole, np.concatenate([looked_at(ones[:3], others), looked_at(ones[3:], others)]))


def test_the_benchmark_s_ways_give_the_same_answers_in_small():
    small = ["--sightings", "3000", "--cameras", "6", "--candidates", "20", "--floats", "16", "--workers"]
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.links", "--json", *small],
        cwd=Path(__file__).parent.parent,
        check=True,
        capture_output=True,
        text=True,
    )
    found = json.loads(ran.stdout)
    assert found["same_answers"] == dict.fromkeys(
        ("numpy", "faiss", "duckdb", "duckdb_parquet", "kernel_parquet"), True
    )
    assert found["sightings_per_core_s"] > 0
