"""Link sightings across cameras: sightings, detections, embeddings, transitions, observability -> links."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.links import decoys, passes
from pipeline.links.assignment import one_to_one
from pipeline.links.association import Model, Pairs, learn, marginals
from pipeline.links.evidence import Evidence, gather, microseconds
from pipeline.links.mending import mended
from pipeline.links.passes import US
from pipeline.links.settings import Settings
from pipeline.scans import Window
from pipeline.tables import LINKS

__all__ = ["Settings", "link"]
Floats = NDArray[np.float64]


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

    Place, heading and time gate the pairs (`sql/links/candidates.sql`); then likeness, measured against the sightings that
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
    transitions = transitions.sort_by([(name, "ascending") for name in ("from_camera", "to_camera", "heading")])
    found = gather(whole, transitions, observability, window, settings)
    current = single.entered_us[whole.row[found.pairs.gallery]] >= microseconds(window.hour_at)

    def put_off(model: Model) -> Evidence:
        later = decoys.put_off(transitions, decoys.delays(model))
        return gather(whole, later, observability, window, settings)

    chance = _chances(found, put_off, current, settings)
    chosen = np.flatnonzero(current & one_to_one(found.pairs, chance, settings))
    query_, gallery = whole.row[found.pairs.query[chosen]], whole.row[found.pairs.gallery[chosen]]
    columns = {
        "query_id": sightings["sighting_id"].take(pa.array(query_)),
        "gallery_id": sightings["sighting_id"].take(pa.array(gallery)),
        "travel_s": pa.array((single.entered_us[gallery] - single.left_us[query_]) / US),
        "distance": pa.array(1.0 - np.nan_to_num(found.cosine[chosen]), pa.float32()),
        "probability": pa.array(np.round(np.minimum(chance[chosen], 1.0), 4), pa.float32()),
    }
    return LINKS.check(pa.table(columns))


def _chances(
    found: Evidence, put_off: Callable[[Model], Evidence], current: NDArray[np.bool_], settings: Settings
) -> Floats:
    """Return the chance of each pair; queries that the window before could link are no longer free.

    Args:
        found: Gated pairs.
        put_off: Gives the pairs of the gates put off, for a model.
        current: (c,) whether the gallery entered in the window itself.
        settings: How sure a link must be.
    """
    pairs = found.pairs
    model = learn(pairs, found.ways, found.crowd)
    odds = model.odds(pairs, found.crowd)
    by = _offset(pairs, marginals(pairs, odds), model, put_off(model), settings)
    before = np.zeros(len(odds))
    before[~current] = decoys.moved(marginals(pairs[~current], odds[~current]), by)
    taken = np.unique(pairs.query[one_to_one(pairs, before, settings)])
    free = current & ~np.isin(pairs.query, taken)
    chance = np.zeros(len(odds))
    chance[free] = decoys.moved(marginals(pairs[free], odds[free]), by)
    return chance


def _offset(pairs: Pairs, chance: Floats, model: Model, off: Evidence, settings: Settings) -> float:
    """Return by how much to move chances, from the links found in the gates put off."""
    likely = replace(settings, min_probability=decoys.LIKELY)
    delay_s = decoys.delays(model)[off.pairs.way]
    there = replace(off.pairs, travel_s=off.pairs.travel_s - delay_s)
    false = marginals(there, model.odds(there, off.crowd))
    false = false[one_to_one(there, false, likely)]
    alone = (1.0 - model.explained) * len(pairs) / max(len(there), len(pairs) // 4, 1)
    return decoys.offset(chance[one_to_one(pairs, chance, likely)], false, alone)
