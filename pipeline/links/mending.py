"""Put together sightings that are pieces of one vehicle's pass of one camera."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline import motion
from pipeline.links import passes
from pipeline.links.assignment import one_to_one
from pipeline.links.association import guess, marginals
from pipeline.links.evidence import Evidence, compare
from pipeline.links.pairs import census, tallied
from pipeline.links.passes import Passes
from pipeline.links.settings import Settings
from pipeline.scans import Window
from pipeline.tables import OBSERVABILITY, TRANSITIONS

TOGETHER_S = 10.0
"""Seconds that stand for "at once" between pieces of one pass, so that travel times stay positive."""


def mended(single: Passes, sightings: pa.Table, window: Window, settings: Settings) -> Passes:
    """Put together sightings that are pieces of one pass.

    Between two stills a vehicle moves several lengths, so tracks break; and two pieces of one vehicle would be each
    other's rivals at every other camera. A piece follows a piece as one camera follows another, only sooner, so the same
    evidence decides: a way from each camera and heading to itself, a picture or a few long, while it does not turn.
    """
    cadence_s, views = passes.cadence_s(sightings), sightings["view"]
    own = [(camera, heading) for camera, heading in single.groups if heading != "none" and camera in cadence_s]
    rows = [_own_way(camera, heading, cadence_s[camera], settings) for camera, heading in own]
    ways = pa.Table.from_pylist(rows, schema=TRANSITIONS.schema)
    found = _together(compare(single, ways, OBSERVABILITY.empty(), window, settings).held())
    model = guess(census([tallied(found.pairs, found.ways)], found.ways), found.ways, settings.broken)
    chance = marginals(found.pairs, model.odds(found.pairs, found.crowd))
    chosen = one_to_one(found.pairs, chance, replace(settings, min_probability=settings.min_mended))
    one, other = found.pairs.query[chosen], found.pairs.gallery[chosen]
    stays = ~motion.are_other_views(views.take(one).to_pylist(), views.take(other).to_pylist())
    return passes.joined(single, one[stays], other[stays])


def _together(found: Evidence) -> Evidence:
    """Count the time between two pieces of one pass from TOGETHER_S before, as both were abreast at once if they are one."""
    floor_s = np.zeros(len(found.ways.mu))
    ways = replace(found.ways, floor_s=floor_s, ceiling_s=floor_s + 2 * TOGETHER_S)
    pairs = replace(found.pairs, travel_s=np.clip(found.pairs.travel_s + TOGETHER_S, 0.0, 2 * TOGETHER_S), kinds=None)
    return replace(found, pairs=pairs, ways=ways)


def _own_way(camera: str, heading: str, cadence_s: float, settings: Settings) -> dict[str, Any]:
    """Return the way from a camera and heading to itself, as a row of transitions."""
    ends = {"from_camera": camera, "to_camera": camera, "heading": heading, "to_heading": heading}
    gate = {"floor_s": 0.1 * cadence_s, "ceiling_s": settings.mended_pictures * cadence_s + 1.0}
    usual = {
        "travel_mu": float(np.log(TOGETHER_S)),
        "travel_sigma": 0.15,
        "road_m": 0.0,
        "clock_s": 0.0,
        "hour_at": None,
    }
    return ends | gate | usual | {"support": 0, "hour_support": 0, "fit": 0.0, "source": "road"}
