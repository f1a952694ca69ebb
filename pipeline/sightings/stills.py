"""Follow vehicles that move lengths between two stills: by the camera's own flow, as a minimum-cost path cover.

A car moves several lengths between two stills, so what links them is the camera's own flow: where pairs of boxes of
neighbouring frames exceed pairs of frames far apart, a vehicle moves so (`flow.learn_flow`). Links of one vehicle also
agree in velocity with the links before and after; the best set of links, at most one into and one out of each detection,
is a minimum-cost path cover.

Source: Zhang, Li and Nevatia 2008, Global data association for multi-object tracking using network flows, CVPR.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline import motion
from pipeline.motion import Floats, Ints
from pipeline.sightings import cover
from pipeline.sightings.flow import learn_flow, straighten
from pipeline.sightings.seen import Followed, Seen
from pipeline.sightings.settings import Settings

LEAST_SCORE = -2.5
"""Pairs with a lower log ratio are not carried along as candidates."""
MISSED_OVERLAP = 0.2
"""What boxes of a standing vehicle must overlap more for each frame missed between them."""
STANDING_SCORE = 10.0
"""Log ratio of the links within a standing vehicle."""
ACROSS_MPS = 0.5
"""Spread of a vehicle's velocity across its road from frame to frame, rough metres a second."""
AGREEMENT, MOST_STRAIN = 1.2, 6.0
"""What two links of equal velocity add to each other's log ratio, and the most that unequal velocities take away."""
SURENESS = 0.25
"""Power from a link's share of the odds to the share that are right: demo city, 7 % of boxes missing, edges off 1 px."""


def follow(seen: Seen, settings: Settings) -> Followed:
    """Join the detections of stills some seconds apart; where they are too far apart, each stands alone."""
    seen, still, links = _linked(seen, settings)
    sureness = np.ones(len(seen.ids))
    sureness[links.second] = links.score
    return Followed(seen, cover.paths(links, len(seen.ids)), sureness, still)


def _linked(seen: Seen, settings: Settings) -> tuple[Seen, Ints, cover.Links]:
    """Choose the links of one camera; return also the number of the standing vehicle of each detection, or -1."""
    none = np.full(len(seen.ids), -1)
    nothing = cover.Links(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    if not seen.cadence_s < settings.slowest_cadence_s:
        return seen, none, nothing
    still = standing(seen, settings)
    seen = replace(seen, ground=straighten(seen, still))
    links = _candidates(seen, still, settings)
    if not len(links.first):
        return seen, still, nothing
    before, after = cover.consecutive(links, len(seen.ids))
    links = cover.in_context(links, before, after, _agreement(seen, links, before, after, settings))
    return seen, still, _matched(links, len(seen.ids), settings)


def standing(seen: Seen, settings: Settings) -> Ints:
    """Number the standing vehicles: chains of boxes that keep their place from frame to frame."""
    first, second, share = [], [], []
    for lag in range(1, settings.missed_frames + 2):
        one, two = seen.pairs(lag)
        alike = motion.overlap(seen.boxes[one], seen.boxes[two])
        # in dense traffic the next vehicle but one is soon where this one was
        near = alike >= settings.still_overlap + MISSED_OVERLAP * (lag - 1)
        first.append(one[near])
        second.append(two[near])
        share.append(alike[near] - 0.3 * (lag - 1))
    links = cover.Links(np.concatenate(first), np.concatenate(second), np.concatenate(share))
    number = np.full(len(seen.ids), -1)
    if not len(links.first):
        return number
    for which, path in enumerate(cover.paths(cover.best_cover(links, len(seen.ids)), len(seen.ids))):
        stays = seen.seconds[seen.frame[path[-1]]] - seen.seconds[seen.frame[path[0]]]
        kept = float(np.sum(motion.overlap(seen.boxes[path[:-1]], seen.boxes[path[1:]]) - 0.4))
        if len(path) >= 4 and stays >= settings.still_s and kept >= settings.still_evidence:
            number[path] = which
    return number


def _candidates(seen: Seen, still: Ints, settings: Settings) -> cover.Links:
    """Score all box pairs a few frames apart by flow and size; drop what no vehicle would do."""
    flow = learn_flow(seen, still, settings.edge_px / 2)
    usual_s = float(np.mean(np.minimum(np.diff(seen.seconds), 3 * seen.cadence_s)))
    comes, leaves = (_first_of(still, order) for order in (1, -1))
    parts = []
    for lag in range(1, settings.missed_frames + 2):
        first, second = seen.pairs(lag)
        gap_s = seen.gap_s(first, second)
        score = flow.weigh(first, second, gap_s)
        score += (lag - 1) * np.log(settings.miss_odds) - 2 * np.log(np.maximum(gap_s / usual_s, 1.0))
        same = (still[first] >= 0) & (still[first] == still[second])
        score = np.where(same, STANDING_SCORE - 4 * (lag - 1), np.where(leaves[first] & comes[second], score, -np.inf))
        likely = (score > LEAST_SCORE) & (gap_s < settings.slowest_cadence_s)
        parts.append(cover.Links(first, second, score).keep(likely))
    return cover.Links(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("first", "second", "score")))


def _first_of(still: Ints, order: int) -> NDArray[np.bool_]:
    """Tell which boxes are moving or the first (order 1) or last (order -1) of a standing vehicle."""
    ends = still < 0
    rows = np.arange(len(still))[::order]
    ends[rows[np.unique(still[rows], return_index=True)[1]]] = True
    return ends


def _agreement(seen: Seen, links: cover.Links, before: Ints, after: Ints, settings: Settings) -> Floats:
    """Return how well the velocities of links that share a detection agree, as a log ratio."""
    place, blur = seen.ground.metres(seen.boxes), seen.ground.blur_m(seen.boxes, settings.edge_px)
    gap_s = seen.gap_s(links.first, links.second)[:, None]
    velocity = (place[links.second] - place[links.first]) / gap_s
    spread = np.hypot([ACROSS_MPS, settings.speed_spread_mps], 2 * blur[links.second[before]] / gap_s[before])
    strain = (velocity[after] - velocity[before]) / spread
    return np.asarray(AGREEMENT - np.minimum(0.5 * (strain**2).sum(axis=1), MOST_STRAIN))


def _matched(links: cover.Links, count: int, settings: Settings) -> cover.Links:
    """Choose the best cover by links that are likely enough; their score becomes a probability."""
    odds = np.exp(np.clip(links.score, -20.0, 20.0))
    rivals = (
        1.0 + np.bincount(links.first, odds, count)[links.first] + np.bincount(links.second, odds, count)[links.second]
    )
    sureness = (odds / (rivals - odds)) ** SURENESS
    least = settings.min_probability ** (1 / SURENESS)
    numbered = replace(links, score=np.arange(len(odds), dtype=float))
    chosen = cover.best_cover(numbered, count, links.score - np.log(least / (1 - least)))
    chosen = replace(chosen, score=sureness[chosen.score.astype(int)])
    return chosen.keep(chosen.score >= settings.min_probability)
