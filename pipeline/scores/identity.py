"""Compare true with found identities over boxes: identity F1, CLEAR accuracy, HOTA."""

from dataclasses import dataclass

import numpy as np

from pipeline.scores.bipartite import heaviest
from pipeline.scores.matching import Floats, Ints, Overlaps, assign

ALPHAS = np.arange(1, 20) * 0.05
"""Overlaps that HOTA averages over."""


@dataclass(frozen=True)
class Identities:
    """Who each box is said to be; ids are numbers from 0."""

    truth: Ints
    """(n,) vehicle of each true box."""
    found: Ints
    """(m,) track or identity of each found box."""
    pairs: Overlaps
    """Every pair of a true and a found box that touch."""


def identity_f1(of: Identities, least: float = 0.5) -> tuple[float, float, float]:
    """Return identity F1, precision and recall, 0..1: boxes right under the best one-to-one map of vehicles and tracks.

    Source: Ristani et al. 2016, Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking, section 3.
    """
    near = of.pairs.where(of.pairs.iou >= least)
    width = of.found.max(initial=-1) + 1
    pair, shared = np.unique(of.truth[near.truth] * width + of.found[near.found], return_counts=True)
    right = heaviest(pair // max(width, 1), pair % max(width, 1), shared.astype(np.float64))
    n, m = len(of.truth), len(of.found)
    return ratio(2 * right, n + m), ratio(right, m), ratio(right, n)


def clear(of: Identities, least: float = 0.5) -> tuple[float, int]:
    """Return multi-object tracking accuracy (at most 1, may be negative) and the number of switches of track.

    Source: Bernardin and Stiefelhagen 2008, Evaluating Multiple Object Tracking Performance, section 2.1.
    """
    near = of.pairs.where(of.pairs.iou >= least)
    last: dict[int, int] = {}
    matched = switches = 0
    for part in near.frames():
        vehicle, track = of.truth[near.truth[part]], of.found[near.found[part]]
        kept = _kept(vehicle, track, last)
        left = np.flatnonzero(~np.isin(vehicle, vehicle[kept]) & ~np.isin(track, track[kept])) + part.start
        rest = _take(near, left)
        new = assign(rest, 1e3 + rest.iou)
        for v, t in zip(of.truth[rest.truth[new]].tolist(), of.found[rest.found[new]].tolist(), strict=True):
            switches += v in last and last[v] != t
            last[v] = t
        matched += len(kept) + len(new)
    missed, wrong = len(of.truth) - matched, len(of.found) - matched
    return 1.0 - ratio(missed + wrong + switches, len(of.truth)), switches


def hota(of: Identities) -> tuple[float, float, float]:
    """Return HOTA, its detection and its association part, 0..1, averaged over overlaps of 0.05 to 0.95.

    Source: Luiten et al. 2021, HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking, section 5, as computed
    by TrackEval (`trackeval/metrics/hota.py`).
    """
    n, m = len(of.truth), len(of.found)
    per_truth, per_found = np.bincount(of.truth, minlength=1), np.bincount(of.found, minlength=1)
    width = len(per_found)
    code, which = np.unique(of.truth[of.pairs.truth] * width + of.found[of.pairs.found], return_inverse=True)
    together = per_truth[code // width] + per_found[code % width]
    alike = np.bincount(which, _soft(of.pairs, n, m), minlength=len(code))
    chosen = assign(of.pairs, (alike / (together - alike))[which] * of.pairs.iou)
    parts = []
    for alpha in ALPHAS:
        hits = which[chosen[of.pairs.iou[chosen] >= alpha - np.finfo(float).eps]]
        shared = np.bincount(hits, minlength=len(code))
        detected = ratio(len(hits), n + m - len(hits))
        associated = float((shared * shared / np.maximum(together - shared, 1)).sum() / max(len(hits), 1))
        parts.append((np.sqrt(detected * associated), detected, associated))
    total, detected, associated = np.mean(parts, axis=0).tolist()
    return total, detected, associated


def _soft(pairs: Overlaps, n: int, m: int) -> Floats:
    """Return each pair's overlap over all overlaps of its two boxes."""
    per_truth, per_found = np.bincount(pairs.truth, pairs.iou, n), np.bincount(pairs.found, pairs.iou, m)
    soft: Floats = pairs.iou / (per_truth[pairs.truth] + per_found[pairs.found] - pairs.iou)
    return soft


def _kept(vehicle: Ints, track: Ints, last: dict[int, int]) -> Ints:
    """Return the places of one frame's pairs that carry an earlier match on, each track once."""
    taken: set[int] = set()
    kept = []
    for place in np.argsort(vehicle, kind="stable").tolist():
        v, t = int(vehicle[place]), int(track[place])
        if last.get(v) == t and t not in taken:
            taken.add(t)
            kept.append(place)
    return np.array(kept, np.int64)


def _take(pairs: Overlaps, places: Ints) -> Overlaps:
    """Return the pairs at some places."""
    return Overlaps(pairs.frame[places], pairs.truth[places], pairs.found[places], pairs.iou[places])


def ratio(part: float, whole: float) -> float:
    """Return part / whole, NaN of nothing."""
    return part / whole if whole else float("nan")
