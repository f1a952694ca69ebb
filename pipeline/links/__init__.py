"""Link sightings across cameras: sightings, detections, embeddings, transitions, observability, links of the window before -> links."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.links import chains, decoys, passes
from pipeline.links.assignment import one_to_one, runner_up
from pipeline.links.association import TAKEN, guess, marginals
from pipeline.links.evidence import Comparison, Evidence, compare, of_window
from pipeline.links.gate import microseconds
from pipeline.links.learning import Learned, learned
from pipeline.links.mending import mended
from pipeline.links.pairs import Census, Pairs
from pipeline.links.passes import US
from pipeline.links.settings import Settings
from pipeline.links.timing import timed
from pipeline.scans import Window
from pipeline.tables import LINKS

__all__ = ["Settings", "link"]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def link(
    sightings: pa.Table,
    detections: pa.Table,
    embeddings: pa.Table,
    transitions: pa.Table,
    observability: pa.Table,
    links: pa.Table,
    window: Window,
    settings: Settings,
) -> pa.Table:
    """Link each sighting to at most one later sighting at another camera, or abstain.

    Place, heading and time gate the pairs; then likeness, measured against the sightings that
    cannot be the same vehicle, travel time, the crowd in the gate and the rivals of both sides give one probability.

    Args:
        sightings: `tables.SIGHTINGS` of the window and the one before.
        detections: `tables.DETECTIONS` of both; sizes of the boxes.
        embeddings: `tables.EMBEDDINGS` of both.
        transitions: `tables.TRANSITIONS` of the night.
        observability: `tables.OBSERVABILITY` of both; pairs whose verdict is below `link` in an hour get none in it.
        links: `tables.LINKS` of the window before: what they led on from is not linked again.
        window: Links whose second sighting entered within its hour are returned.
        settings: How sure a link must be.

    Returns:
        `tables.LINKS`; one link per query and per gallery.
    """
    sightings = sightings.sort_by("sighting_id")
    single = passes.read(sightings, detections, embeddings)
    whole = mended(single, sightings, window, settings)
    transitions = of_window(transitions, window)
    counted, gated = _gathered(compare(whole, transitions, observability, window, settings))
    found, told = learned(gated, counted, whole)
    current = single.entered_us[whole.row[found.pairs.gallery]] >= microseconds(window.hour_at)

    def put_off(delay_s: Floats) -> Comparison:
        return compare(whole, decoys.put_off(transitions, delay_s), observability, window, settings)

    taken = pc.is_in(sightings["sighting_id"], value_set=links["query_id"].combine_chunks()).to_numpy()
    free = current & ~taken[whole.row[found.pairs.query]]
    chance, by = _chances(found, told, put_off, free, settings)
    first = current & one_to_one(found.pairs, chance, settings)
    found, chance, second = _again(found, told, (chance, by), first, settings)
    chosen = np.flatnonzero(first | second)
    query_, gallery = whole.row[found.pairs.query[chosen]], whole.row[found.pairs.gallery[chosen]]
    clock_s = found.ways.clock_s[found.pairs.way[chosen]]
    terms = told.model.terms(found.pairs[chosen], found.crowd[chosen])
    unseen = np.isnan(found.cosine[chosen])
    columns = {
        "query_id": sightings["sighting_id"].take(pa.array(query_)),
        "gallery_id": sightings["sighting_id"].take(pa.array(gallery)),
        "travel_s": pa.array((single.entered_us[gallery] - single.left_us[query_]) / US - clock_s),
        "distance": pa.array(1.0 - np.nan_to_num(found.cosine[chosen]), pa.float32()),
        "probability": _rounded(np.minimum(chance[chosen], 1.0)),
        "runner_up": _rounded(np.minimum(runner_up(found.pairs, chance)[chosen], 1.0)),
        "prior_nats": _rounded(terms.prior),
        "travel_nats": _rounded(terms.travel),
        "appearance_nats": _rounded(terms.appearance, unseen),
        "kind_nats": _rounded(terms.kind),
    }
    return LINKS.check(pa.table(columns))


def _gathered(gated: Comparison) -> tuple[Census, Evidence]:
    """Count all gated pairs, and hold those that may matter."""
    counted = gated.census()
    ways = timed(counted, gated.ways)
    found = gated.held(guess(counted, ways, TAKEN).odds)
    return counted, replace(found, ways=ways)


def _rounded(values: Floats, unknown: NDArray[np.bool_] | None = None) -> pa.Array:
    """Round to what is meant: the last bits of a sum say nothing."""
    return pa.array(np.round(values, 4) + 0.0, pa.float32(), mask=unknown)


def _chances(
    found: Evidence,
    told: Learned,
    put_off: Callable[[Floats], Comparison],
    free: NDArray[np.bool_],
    settings: Settings,
) -> tuple[Floats, float]:
    """Return the chance of each pair, 0 where it is not free, and by how much ln odds were moved.

    Args:
        found: Gated pairs that may matter.
        told: What they have taught.
        put_off: Gives the gates put off by so many seconds, each way its own.
        free: (c,) whether the gallery entered in the window itself and the query is in no link of the window before.
        settings: How sure a link must be.
    """
    pairs, model = found.pairs, told.model
    odds = model.odds(pairs, found.crowd)
    false = _false(put_off(decoys.delays(model)), told, found.gated, settings)
    by = _offset(found, marginals(pairs, odds), false, settings)
    chance = np.zeros(len(odds))
    chance[free] = decoys.moved(marginals(pairs[free], odds[free]), by)
    return chance, by


def _again(
    found: Evidence, told: Learned, reached: tuple[Floats, float], first: NDArray[np.bool_], settings: Settings
) -> tuple[Evidence, Floats, NDArray[np.bool_]]:
    """Weigh again what the first pass left open; returns the pairs, their chances and which are links of the second pass."""
    chance, by = reached[0].copy(), reached[1]
    rows, second = chains.still_open(found, chance > 0, first), np.zeros(len(chance), bool)
    found = chains.weighed(found, told, first, rows)
    some = found.pairs[rows]
    chance[rows] = decoys.moved(marginals(some, told.model.odds(some, found.crowd[rows])), by)
    second[rows] = one_to_one(some, chance[rows], settings)
    return found, chance, second


def _false(off: Comparison, told: Learned, gated: int, settings: Settings) -> tuple[Floats, float]:
    """Return the chances of the links found in gates put off, where all are false, and what such a link counts."""
    delay_s = decoys.delays(told.model)

    def on_time(pairs: Pairs) -> Pairs:
        return replace(pairs, travel_s=pairs.travel_s - delay_s[pairs.way])

    found = off.held(lambda pairs, crowd: told.rough.odds(on_time(pairs), crowd))
    there = told.weighed(on_time(found.pairs))
    chance = marginals(there, told.model.odds(there, found.crowd))
    likely = replace(settings, min_probability=decoys.LIKELY)
    chosen = one_to_one(there, chance, likely)
    # only where the way ends may an arrival have come from elsewhere; most cameras of a network explain few of theirs
    alone = 1.0 - told.model.explained[there.way[chosen]]
    return chance[chosen], float(alone.mean() if len(alone) else 1.0) * gated / max(found.gated, gated // 4, 1)


def _offset(found: Evidence, chance: Floats, false: tuple[Floats, float], settings: Settings) -> float:
    """Return by how much to move chances, from the links found in the gates put off."""
    likely = replace(settings, min_probability=decoys.LIKELY)
    return decoys.offset(chance[one_to_one(found.pairs, chance, likely)], *false)
