"""Follow each vehicle through one camera's frames: cameras, frames, detections -> sightings."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2s
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import KDTree

from pipeline import motion, tables
from pipeline.geo import compass
from pipeline.motion import Floats, Ints
from pipeline.sightings import cover
from pipeline.sightings.flow import Scene, learn_flow, straighten

SIDES = ("away", "right", "toward", "left")
LEAST_SCORE = -2.5
"""Pairs with a lower log ratio are not carried along as candidates."""
STANDING_SCORE = 10.0
"""Log ratio of the links within a standing vehicle."""
ACROSS_MPS = 0.5
"""Spread of a vehicle's velocity across its road from frame to frame, rough metres a second."""
AGREEMENT, MOST_STRAIN = 1.2, 6.0
"""What two links of equal velocity add to each other's log ratio, and the most that unequal velocities take away."""
SURENESS = 0.4
"""Power from a link's share of the odds to the share that are right: demo city, 7 % of boxes missing, edges off 1 px."""


@dataclass(frozen=True)
class Settings:
    """How far a camera's frames may be trusted to show the same vehicle again."""

    slowest_cadence_s: float = 10.0
    """At this many seconds between frames, or more, every detection is a sighting of its own."""
    missed_frames: int = 1
    """Frames in a row in which a vehicle may go undetected within one sighting."""
    min_probability: float = 0.6
    """A link between two frames that is less sure than this is not made."""
    min_frames: int = 1
    """Sightings with fewer detections are left out."""
    still_overlap: float = 0.55
    """Boxes of a standing vehicle overlap at least so much from frame to frame."""
    still_evidence: float = 1.5
    """Overlap beyond 0.4 that the boxes of a standing vehicle gather from frame to frame, in all."""
    still_s: float = 5.0
    """A vehicle that keeps its place so many seconds is standing."""
    parked_s: float = 180.0
    """A vehicle that keeps its place so many seconds is parked."""
    edge_px: float = 1.5
    """Usual error of a box's edge, pixels."""
    miss_odds: float = 0.1
    """Odds that a vehicle in view goes undetected in one frame."""
    speed_spread_mps: float = 2.0
    """Spread of a vehicle's velocity from frame to frame, rough metres a second."""


def track(cameras: pa.Table, frames: pa.Table, detections: pa.Table, settings: Settings) -> pa.Table:
    """Join the detections of each camera into sightings: one vehicle passing once.

    A car moves several lengths between two stills, so what links them is the camera's own flow: where pairs of boxes
    of neighbouring frames exceed pairs of frames far apart, a vehicle moves so (`flow.learn_flow`). Links of one
    vehicle also agree in velocity with the links before and after; the best set of links, at most one into and one
    out of each detection, is a minimum-cost path cover.

    Args:
        cameras: `tables.CAMERAS`; `bearing_deg` turns `away` and its like into compass points.
        frames: `tables.FRAMES`; usable ones without a vehicle tell how long it was not seen, the others tell nothing.
        detections: `tables.DETECTIONS`, in any order.
        settings: Trust in links.

    Returns:
        `tables.SIGHTINGS`; each detection is in at most one row, and in exactly one while `min_frames` is 1.

    Source: Zhang, Li and Nevatia 2008, Global data association for multi-object tracking using network flows, CVPR.
    """
    bearings = dict(zip(cameras["camera_id"].to_pylist(), cameras["bearing_deg"].to_pylist(), strict=True))
    rows: list[dict[str, Any]] = []
    for camera_id in sorted(set(detections["camera_id"].to_pylist())):
        rows += _rows(_seen(frames, detections, camera_id), camera_id, bearings.get(camera_id), settings)
    views = dict(zip(frames["frame_id"].to_pylist(), frames["view"].to_pylist(), strict=True))
    rows = [row | {"view": views.get(row["detection_ids"][0].rpartition("#")[0])} for row in rows]
    return tables.SIGHTINGS.check(pa.Table.from_pylist(rows, schema=tables.SIGHTINGS.schema))


@dataclass(frozen=True)
class Seen(Scene):
    """All a camera saw in one window, in order of time."""

    ids: list[str]
    scores: Floats
    labels: list[str]
    times: Ints
    """Microseconds, of each detection."""


def _seen(frames: pa.Table, detections: pa.Table, camera_id: str) -> Seen:
    """Gather one camera's frames and detections in order of time."""
    mine = detections.filter(pc.equal(detections["camera_id"], camera_id))
    mine = mine.sort_by([("captured_at", "ascending"), ("detection_id", "ascending")])
    usable = frames.filter(pc.and_(pc.equal(frames["camera_id"], camera_id), pc.equal(frames["state"], "ok")))
    shown = pc.coalesce(usable["captured_at"], usable["slot_at"]).cast(pa.int64()).to_numpy()
    times = mine["captured_at"].cast(pa.int64()).to_numpy()
    moments, frame = np.unique(np.concatenate([times, shown]), return_inverse=True)
    names = ("x1_px", "y1_px", "x2_px", "y2_px")
    boxes = np.column_stack([mine[name].to_numpy().astype(float) for name in names])
    width = float(max(usable["width_px"].to_pylist(), default=0) or boxes[:, 2].max())
    height = float(max(usable["height_px"].to_pylist(), default=0) or boxes[:, 3].max())
    return Seen(
        boxes, frame[: len(times)], motion.steady_seconds((moments - moments[0]) / 1e6),
        motion.fit_ground(boxes, width, height), mine["detection_id"].to_pylist(),
        mine["score"].to_numpy().astype(float), mine["label"].to_pylist(), times,
    )  # fmt: skip


def _rows(seen: Seen, camera_id: str, bearing_deg: float | None, settings: Settings) -> Iterator[dict[str, Any]]:
    """Yield the sightings of one camera."""
    seen, still, links = _linked(seen, settings)
    paths = cover.paths(links, len(seen.ids))
    ways, shares = _ways(seen, paths)
    sureness = np.ones(len(seen.ids))
    sureness[links.second] = links.score
    for number, path in enumerate(paths):
        if len(path) < settings.min_frames:
            continue
        quality = float(np.prod(sureness[path[1:]])) if len(path) > 1 else 0.5 * float(seen.scores[path[0]])
        yield {
            "sighting_id": blake2s(f"{camera_id} {seen.ids[path[0]]}".encode(), digest_size=8).hexdigest(),
            "camera_id": camera_id,
            "label": _vote(seen, path),
            "entered_at": int(seen.times[path[0]]),
            "left_at": int(seen.times[path[-1]]),
            "heading": _heading(ways[number], bearing_deg),
            "motion": _motion(seen, path, still, settings),
            "detection_ids": [seen.ids[each] for each in path],
            "quality": round(quality * shares[number], 4),
        }


def _linked(seen: Seen, settings: Settings) -> tuple[Seen, Ints, cover.Links]:
    """Choose the links of one camera; return also the number of the standing vehicle of each detection, or -1."""
    none = np.full(len(seen.ids), -1)
    nothing = cover.Links(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    if not seen.cadence_s < settings.slowest_cadence_s:
        return seen, none, nothing
    still = _still(seen, settings)
    seen = replace(seen, ground=straighten(seen, still))
    links = _candidates(seen, still, settings)
    if not len(links.first):
        return seen, still, nothing
    before, after = cover.consecutive(links, len(seen.ids))
    links = cover.in_context(links, before, after, _agreement(seen, links, before, after, settings))
    return seen, still, _matched(links, len(seen.ids), settings)


def _still(seen: Seen, settings: Settings) -> Ints:
    """Number the standing vehicles: chains of boxes that keep their place from frame to frame."""
    first, second, share = [], [], []
    for lag in range(1, settings.missed_frames + 2):
        one, two = seen.pairs(lag)
        alike = motion.overlap(seen.boxes[one], seen.boxes[two])
        first.append(one[alike >= settings.still_overlap])
        second.append(two[alike >= settings.still_overlap])
        share.append(alike[alike >= settings.still_overlap] - 0.3 * (lag - 1))
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


def _ways(seen: Seen, paths: list[Ints]) -> tuple[Floats, Floats]:
    """Return each path's direction, radians right of straight ahead or nan, and how sure that is, 0..1."""
    place = seen.ground.metres(seen.boxes)
    moved = np.array([place[path[-1]] - place[path[0]] for path in paths])
    blur = seen.ground.blur_m(seen.boxes, 3.0)
    clear = np.array([np.hypot(*(blur[path[0]] + blur[path[-1]])) for path in paths])
    sure = (np.hypot(*moved.T) > clear + 2.0) & np.array([len(path) > 1 for path in paths])
    ways, shares = np.full(len(paths), np.nan), np.ones(len(paths))
    if not sure.any():
        return ways, shares
    ways[sure] = _peaks(np.arctan2(moved[sure, 0], moved[sure, 1]))
    return _borrowed(seen, paths, ways, shares)


def _peaks(angles: Floats) -> Floats:
    """Move each angle to the nearest peak of their distribution: the way of its flow."""
    turn, bins = 2 * np.pi, 72
    place = np.round(angles / turn * bins).astype(int) % bins
    height = gaussian_filter1d(np.bincount(place, minlength=bins).astype(float), 2.0, mode="wrap")
    for _ in range(bins):
        nearby = np.stack([height[place - 1], height[place] + 1e-12, height[(place + 1) % bins]])
        place = (place + np.argmax(nearby, axis=0) - 1) % bins
    return np.asarray(place * turn / bins)


def _borrowed(seen: Seen, paths: list[Ints], ways: Floats, shares: Floats) -> tuple[Floats, Floats]:
    """Give paths without a way of their own that of the vehicles that pass their place, if most have one and it is one."""
    way_of = np.full(len(seen.ids), np.nan)
    for path, way in zip(paths, ways, strict=True):
        way_of[path] = way
    foot = np.column_stack([(seen.boxes[:, 0] + seen.boxes[:, 2]) / 2, seen.boxes[:, 3]])
    reach = seen.ground.size_px(seen.boxes[:, 3])
    tree = KDTree(foot)
    for number in np.flatnonzero(np.isnan(ways)):
        middle = paths[number][len(paths[number]) // 2]
        near = way_of[tree.query_ball_point(foot[middle], reach[middle])]
        values, counts = np.unique(near[~np.isnan(near)], return_counts=True)
        if counts.sum() >= max(5, 0.4 * len(near)) and counts.max() >= 0.9 * counts.sum():
            ways[number], shares[number] = values[counts.argmax()], 0.9
    return ways, shares


def _heading(way: float, bearing_deg: float | None) -> str:
    """Name a direction: a compass point where the camera's bearing is known."""
    if np.isnan(way):
        return "none"
    quarter = int(np.round(way / (np.pi / 2))) % 4
    if bearing_deg is None or np.isnan(bearing_deg):
        return SIDES[quarter]
    return compass(bearing_deg + 90 * quarter)


def _motion(seen: Seen, path: Ints, still: Ints, settings: Settings) -> str:
    """Tell whether a vehicle passed, stood for a while, was parked, or was seen once, maybe where none can be followed."""
    if len(path) == 1:
        apart = np.diff(seen.seconds, prepend=-np.inf, append=np.inf)[seen.frame[path[0]] :][:2]
        return "single" if apart.min() < settings.slowest_cadence_s else "lone"
    standing = still[path]
    if not np.any(standing >= 0):
        return "moving"
    stays = max(np.ptp(seen.seconds[seen.frame[path[standing == each]]]) for each in np.unique(standing[standing >= 0]))
    return "parked" if stays >= settings.parked_s else "stopped"


def _vote(seen: Seen, path: Ints) -> str:
    """Return the label of the greatest total score, the first by name among equals."""
    total: dict[str, float] = {}
    for each in path:
        total[seen.labels[each]] = total.get(seen.labels[each], 0.0) + float(seen.scores[each])
    return max(sorted(total), key=lambda label: total[label])
