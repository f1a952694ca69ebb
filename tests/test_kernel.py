"""The compiled kernel gives what plain numpy gives, whatever it is cut into."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.links import kernel

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

    monkeypatch.setattr(kernel.numba, "njit", no_locator)
    assert kernel.compiled(len)("four") == 4


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
