"""Hold chances to the links that the same rules find where no vehicle can have come from."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.links.association import Model

Floats = NDArray[np.float64]

LIKELY = 0.3
"""Links at least this likely are counted."""
TRUST = 20.0
"""Links' worth of trust in the chances as they are."""
FURTHEST = 2.0
"""Chances are moved by at most so much, ln odds."""


def delays(model: Model) -> Floats:
    """Return for each way by how many seconds to put off its gate, so that those who took it are outside."""
    ways = model.ways
    return np.asarray(np.clip(3.0 * np.exp(ways.mu), 5.0, np.maximum(ways.ceiling_s - ways.floor_s, 5.0)))


def put_off(transitions: pa.Table, delay_s: Floats) -> pa.Table:
    """Return transitions whose gates open and close later."""
    for name in ("floor_s", "ceiling_s"):
        later = pa.array(transitions[name].to_numpy() + delay_s)
        transitions = transitions.set_column(transitions.schema.get_field_index(name), name, later)
    return transitions


def offset(links: Floats, decoys: Floats, alone: float) -> float:
    """Return by how much to move ln odds so that as many links are expected to be wrong as the decoys tell.

    A decoy gate holds the same crowd, the same light and the same look-alikes, but nobody who took the way: every link
    found there is wrong. Sightings whose true partner is in the real gate are seldom linked wrongly, so only the share that has
    none counts.

    Args:
        links: (n,) chances of the links found in the real gates, LIKELY or more.
        decoys: (m,) those found in the decoy gates.
        alone: Share of sightings without a partner.

    Returns:
        Shift of ln odds, within FURTHEST; near 0 where few links were found.

    Source: the target-decoy approach of Elias and Gygi (2007), which counts false finds in proteomics.
    """
    wrong = (alone * len(decoys) + TRUST * (1.0 - links).mean()) / (len(links) + TRUST) if len(links) else 0.0
    low, high = -FURTHEST, FURTHEST
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if len(links) and (1.0 - moved(links, middle)).mean() > wrong else (low, middle)
    return round((low + high) / 2, 6) if len(links) else 0.0


def moved(chance: Floats, by: float) -> Floats:
    """Move chances by some ln odds; 0 stays 0 and 1 stays 1."""
    odds = np.exp(by)
    return np.asarray(chance * odds / (1.0 - chance + chance * odds))
