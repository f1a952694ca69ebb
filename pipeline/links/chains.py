"""Look a second time at what the first pass left open: with the portraits of whole chains, and without rivals that are taken."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from pipeline.links import appearance, metric
from pipeline.links.evidence import CLEAR_PX, Evidence
from pipeline.links.learning import Learned
from pipeline.links.passes import Passes

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def still_open(found: Evidence, free: Bools, chosen: Bools) -> Bools:
    """Tell which pairs join a sighting that no link leads on from with one that no link leads to."""
    pairs = found.pairs
    onward, back = pairs.query[chosen], pairs.gallery[chosen]
    return np.asarray(free & ~np.isin(pairs.query, onward) & ~np.isin(pairs.gallery, back))


def weighed(found: Evidence, told: Learned, chosen: Bools, rows: Bools) -> Evidence:
    """Return the pairs with the likeness of some told by the portraits of the chains that the chosen links make.

    Several views of one vehicle make a better portrait than one. Without a metric likeness stays as it was.

    Args:
        found: Gated pairs as the first pass weighed them.
        told: What they have taught.
        chosen: (c,) links of the first pass.
        rows: (c,) pairs to be weighed again.
    """
    if not told.metrics:
        return found
    view = _portrayed(told.view, found, chosen)
    clarity = np.searchsorted(CLEAR_PX, view.largest_px, side="right")
    metrics = metric.held_to(told.metrics, view, clarity)
    rarity = found.pairs.rarity.copy()
    rarity[rows] = metric.weighed(found.pairs[rows], metrics, view.vectors).rarity
    return replace(found, pairs=replace(found.pairs, rarity=rarity))


def _portrayed(view: Passes, found: Evidence, chosen: Bools) -> Passes:
    """Give every pass the portrait of its chain."""
    n, ends = len(view), (found.pairs.query[chosen], found.pairs.gallery[chosen])
    count, chain = connected_components(csr_array((np.ones(len(ends[0])), ends), shape=(n, n)), directed=False)
    member = csr_array((np.ones(n, np.float32), (chain, np.arange(n))), shape=(count, n))
    vectors = appearance.unit(member @ view.vectors)[chain]
    return replace(view, vectors=np.where(view.seen[:, None], vectors, np.float32(0)))
