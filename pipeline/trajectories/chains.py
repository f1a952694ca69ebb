"""Follow legs from sighting to sighting: pairs of numbers -> chains, however many and however long."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def follow(query: Ints, gallery: Ints, count: int) -> tuple[Ints, Ints]:
    """Put legs in the order of their chains.

    Each leg leads from a sighting to a later one, none leads from, or to, the same sighting as another. Heads are found by
    pointer jumping (Wyllie, 1979): a chain of n legs takes log2 n rounds over all sightings, where following one leg at a
    time takes n joins.

    Args:
        query: (l,) sightings that legs lead from, 0 ... count - 1.
        gallery: (l,) sightings they lead to.
        count: How many sightings there are.

    Returns:
        The numbers of the legs, chain by chain in the order of the chains' first sightings, and (chains + 1,) where each
        chain begins among them.
    """
    head, step = np.arange(count), np.zeros(count, np.int64)
    head[gallery], step[gallery] = query, 1
    while np.any(further := head[head] != head):
        rows = np.flatnonzero(further)
        step[rows] += step[head[rows]]
        head[rows] = head[head[rows]]
    order = np.lexsort((step[query], head[query]))
    begins = np.flatnonzero(np.diff(head[query[order]], prepend=-1))
    return order, np.append(begins, len(order))
