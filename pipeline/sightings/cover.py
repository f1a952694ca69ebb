"""Choose links between detections: the best set with one into and one out of each, and the chains it makes."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching

from pipeline.motion import Floats, Ints

HEARSAY, MOST_HEARSAY = 0.5, 2.0
"""Share of a neighbouring link's score that counts for a link, and the most that may."""


@dataclass(frozen=True)
class Links:
    """Candidate links between two detections, one a row."""

    first: Ints
    second: Ints
    score: Floats
    """Log ratio of one vehicle over chance."""

    def keep(self, chosen: NDArray[Any]) -> "Links":
        """Return the rows `chosen`."""
        return Links(self.first[chosen], self.second[chosen], self.score[chosen])


def best_cover(links: Links, count: int, worth: Floats | None = None) -> Links:
    """Choose links of greatest total worth: at most one out of and one into each detection, none worth 0 or less.

    Args:
        links: Candidates among `count` detections.
        count: Number of detections.
        worth: What choosing each link gains; by default its score.

    Returns:
        The chosen links: an exact minimum-cost path cover of the detections.

    References:
        Zhang, Li and Nevatia (2008), Global data association for multi-object tracking using network flows, CVPR.
    """
    worth = links.score if worth is None else worth
    links, worth = links.keep(worth > 0), worth[worth > 0]
    if not len(worth):
        return links
    none = float(worth.max()) + 1.0
    alone = np.arange(count)
    cost = np.concatenate([none - worth, np.full(count, none)])
    out, into = np.concatenate([links.first, alone]), np.concatenate([links.second, count + alone])
    graph = coo_array((cost, (out, into)), shape=(count, 2 * count)).tocsr()
    chosen = np.asarray(min_weight_full_bipartite_matching(graph)[1])
    return links.keep(chosen[links.first] == links.second)


def paths(links: Links, count: int) -> list[Ints]:
    """Return the chains of detections that links make, each in order of time, by first detection."""
    graph = coo_array((np.ones(len(links.first)), (links.first, links.second)), shape=(count, count))
    number = connected_components(graph, directed=False)[1]
    order = np.lexsort((np.arange(count), number))
    chains = np.split(order, np.flatnonzero(np.diff(number[order])) + 1)
    return sorted(chains, key=lambda chain: int(chain[0])) if count else []


def consecutive(links: Links, count: int) -> tuple[Ints, Ints]:
    """Return all pairs of links of which the second leaves the detection that the first reaches."""
    order = np.argsort(links.first, kind="stable")
    start = np.searchsorted(links.first[order], np.arange(count + 1))
    many = (start[1:] - start[:-1])[links.second]
    before = np.repeat(np.arange(len(links.first)), many)
    return before, order[np.repeat(start[links.second], many) + within(many)]


def in_context(links: Links, before: Ints, after: Ints, agreement: Floats) -> Links:
    """Add to each link what the best links before and after it say.

    Args:
        links: Candidates.
        before: First of pairs of consecutive links.
        after: Second of those pairs.
        agreement: Log ratio of one vehicle over chance that both links of a pair together add to their scores.

    Returns:
        The links with scores after three rounds of max-sum messages along the chains, damped.
    """
    ahead, behind = links.score, links.score
    for _ in range(3):
        more_ahead, more_behind = np.zeros(len(ahead)), np.zeros(len(ahead))
        np.maximum.at(more_ahead, before, np.minimum(HEARSAY * ahead[after], MOST_HEARSAY) + agreement)
        np.maximum.at(more_behind, after, np.minimum(HEARSAY * behind[before], MOST_HEARSAY) + agreement)
        ahead, behind = links.score + more_ahead, links.score + more_behind
    return replace(links, score=ahead + behind - links.score)


def within(count: Ints) -> Ints:
    """Number the members of groups of the given sizes from 0, group after group."""
    return np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
