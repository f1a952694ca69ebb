"""Pairs are compared in blocks, counted all, and held as far as there is room."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from pipeline import transitions
from pipeline.links import Settings, evidence, link, passes
from pipeline.links.association import TAKEN, guess
from pipeline.links.evidence import Comparison, Evidence, compare, of_window
from pipeline.links.pairs import census, tallied
from tests.corridor import WINDOW, corridor, empty, honest

MADE = corridor(vehicles=150)
WAYS = transitions.learn(MADE.cameras, empty("roads"), MADE.sightings, transitions.Settings(metric_crs="EPSG:32618"))


def compared(settings: Settings | None = None) -> Comparison:
    view = passes.read(MADE.sightings.sort_by("sighting_id"), MADE.detections, MADE.embeddings)
    return compare(view, of_window(WAYS, WINDOW), honest(), WINDOW, settings or Settings())


def linked() -> pa.Table:
    return link(MADE.sightings, MADE.detections, MADE.embeddings, WAYS, honest(), empty("links"), WINDOW, Settings())


def ends(found: Evidence) -> set[tuple[int, int, int]]:
    return set(zip(*(side.tolist() for side in (found.pairs.query, found.pairs.gallery, found.pairs.way)), strict=True))


def test_no_bit_depends_on_threads_or_blocks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("THOROUGHFARE_THREADS", "1")
    alone = linked()
    monkeypatch.setenv("THOROUGHFARE_THREADS", "4")
    monkeypatch.setattr(evidence, "BLOCK", 100)
    assert alone.num_rows > 50
    assert linked().equals(alone)


def test_where_there_is_no_room_the_likeliest_pairs_are_held():
    gated = compared()
    odds = guess(gated.census(), gated.ways, TAKEN).odds
    every = gated.held(odds)
    weight = odds(every.pairs, every.crowd)
    few = compared(replace(Settings(), most_pairs=200)).held(odds)
    assert ends(few) == ends(every[np.argsort(-weight)[:200]])
    assert few.gated == every.gated == len(every.pairs)


def test_pairs_cut_in_parts_as_they_come_are_the_same(monkeypatch: pytest.MonkeyPatch):
    gated = compared(replace(Settings(), most_pairs=200))
    odds = guess(gated.census(), gated.ways, TAKEN).odds
    at_once = ends(gated.held(odds))
    monkeypatch.setattr(evidence, "BLOCK", 50)
    assert ends(compared(replace(Settings(), most_pairs=200)).held(odds)) == at_once


def test_all_pairs_are_counted_by_block_as_at_once(monkeypatch: pytest.MonkeyPatch):
    found = compared().held()
    whole = census([tallied(found.pairs, found.ways)], found.ways)
    monkeypatch.setattr(evidence, "BLOCK", 50)
    parts = compared().census()
    assert parts.pairs == whole.pairs == len(found.pairs)
    assert np.array_equal(parts.looks, whole.looks)
    assert np.array_equal(parts.labels, whole.labels)
    assert np.array_equal(parts.gaps, whole.gaps)
    assert whole.gaps.sum() > 1000
