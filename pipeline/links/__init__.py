"""Link sightings across cameras: sightings, detections, embeddings, transitions, observability -> links."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.links import decoys, passes
from pipeline.links.assignment import one_to_one, runner_up
from pipeline.links.association import KINDS, Model, Pairs, learn, marginals
from pipeline.links.evidence import Evidence, gather, of_window
from pipeline.links.gate import microseconds
from pipeline.links.mending import mended
from pipeline.links.passes import US
from pipeline.links.settings import Settings
from pipeline.scans import Window
from pipeline.tables import LABELS, LINKS

__all__ = ["Settings", "link"]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def link(
    sightings: pa.Table,
    detections: pa.Table,
    embeddings: pa.Table,
    transitions: pa.Table,
    observability: pa.Table,
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
        window: Links whose second sighting entered within its hour are returned.
        settings: How sure a link must be.

    Returns:
        `tables.LINKS`; one link per query and per gallery.
    """
    sightings = sightings.sort_by("sighting_id")
    single = passes.read(sightings, detections, embeddings)
    whole = mended(single, sightings, window, settings)
    transitions = of_window(transitions, window)
    kind = _kinds(sightings)[whole.row]

    def gathered(ways: pa.Table) -> Evidence:
        found = gather(whole, ways, observability, window, settings)
        kinds = kind[found.pairs.query] * KINDS + kind[found.pairs.gallery]
        return replace(found, pairs=replace(found.pairs, kinds=kinds))

    found = gathered(transitions)
    current = single.entered_us[whole.row[found.pairs.gallery]] >= microseconds(window.hour_at)
    model, chance = _chances(found, lambda delay_s: gathered(decoys.put_off(transitions, delay_s)), current, settings)
    chosen = np.flatnonzero(current & one_to_one(found.pairs, chance, settings))
    query_, gallery = whole.row[found.pairs.query[chosen]], whole.row[found.pairs.gallery[chosen]]
    clock_s = found.ways.clock_s[found.pairs.way[chosen]]
    terms = model.terms(found.pairs, found.crowd)
    unseen = np.isnan(found.cosine[chosen])
    columns = {
        "query_id": sightings["sighting_id"].take(pa.array(query_)),
        "gallery_id": sightings["sighting_id"].take(pa.array(gallery)),
        "travel_s": pa.array((single.entered_us[gallery] - single.left_us[query_]) / US - clock_s),
        "distance": pa.array(1.0 - np.nan_to_num(found.cosine[chosen]), pa.float32()),
        "probability": _rounded(np.minimum(chance[chosen], 1.0)),
        "runner_up": _rounded(np.minimum(runner_up(found.pairs, chance)[chosen], 1.0)),
        "prior_nats": _rounded(terms.prior[chosen]),
        "travel_nats": _rounded(terms.travel[chosen]),
        "appearance_nats": _rounded(terms.appearance[chosen], unseen),
        "kind_nats": _rounded(terms.kind[chosen]),
    }
    return LINKS.check(pa.table(columns))


def _kinds(sightings: pa.Table) -> Ints:
    """Return (n,) the number of each sighting's label in LABELS."""
    return np.asarray(pc.index_in(sightings["label"], pa.array(LABELS)).to_numpy(), dtype=np.int64)


def _rounded(values: Floats, unknown: NDArray[np.bool_] | None = None) -> pa.Array:
    """Round to what is meant: the last bits of a sum say nothing."""
    return pa.array(np.round(values, 4) + 0.0, pa.float32(), mask=unknown)


def _chances(
    found: Evidence, put_off: Callable[[Floats], Evidence], current: NDArray[np.bool_], settings: Settings
) -> tuple[Model, Floats]:
    """Return the model and the chance of each pair; queries that the window before could link are no longer free.

    Args:
        found: Gated pairs.
        put_off: Gives the pairs of the gates put off by so many seconds, each way its own.
        current: (c,) whether the gallery entered in the window itself.
        settings: How sure a link must be.
    """
    pairs = found.pairs
    model = learn(pairs, found.ways, found.crowd)
    odds = model.odds(pairs, found.crowd)
    by = _offset(pairs, marginals(pairs, odds), model, put_off(decoys.delays(model)), settings)
    before = np.zeros(len(odds))
    before[~current] = decoys.moved(marginals(pairs[~current], odds[~current]), by)
    taken = np.unique(pairs.query[one_to_one(pairs, before, settings)])
    free = current & ~np.isin(pairs.query, taken)
    chance = np.zeros(len(odds))
    chance[free] = decoys.moved(marginals(pairs[free], odds[free]), by)
    return model, chance


def _offset(pairs: Pairs, chance: Floats, model: Model, off: Evidence, settings: Settings) -> float:
    """Return by how much to move chances, from the links found in the gates put off."""
    likely = replace(settings, min_probability=decoys.LIKELY)
    delay_s = decoys.delays(model)[off.pairs.way]
    there = replace(off.pairs, travel_s=off.pairs.travel_s - delay_s)
    false = marginals(there, model.odds(there, off.crowd))
    false = false[one_to_one(there, false, likely)]
    alone = (1.0 - model.explained) * len(pairs) / max(len(there), len(pairs) // 4, 1)
    return decoys.offset(chance[one_to_one(pairs, chance, likely)], false, alone)
