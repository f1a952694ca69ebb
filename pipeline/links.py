"""Link sightings across cameras: sightings, detections, embeddings, transitions, observability -> links."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from pipeline import appearance
from pipeline.association import MOST_TRUST, Pairs, Ways, crowds, learn, marginals
from pipeline.query import query
from pipeline.scans import HOUR, Window
from pipeline.tables import LINKS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
US = 1_000_000
ROAD_TRUST = 6.0
"""Pairs' worth of trust in travel times guessed from the road."""


@dataclass(frozen=True)
class Settings:
    """How sure a link must be."""

    min_probability: float = 0.6
    """Pairs less likely than this are left unlinked."""
    min_probability_unseen: float = 0.9
    """The same for a pair of which one sighting has no embedding, so that place and time must decide alone."""
    impostors: int = 256
    """Sightings at the other camera that tell how common a vehicle's looks are there."""
    bucket_s: float = 60.0
    """Seconds of the time buckets the gate is joined by; changes speed, never the answer."""


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
    transitions = transitions.sort_by([(name, "ascending") for name in ("from_camera", "to_camera", "heading")])
    found = _candidates(sightings, transitions, observability, window, settings)
    if not found.num_rows:
        return LINKS.empty()
    view = _view(sightings, detections, embeddings)
    gate = _ways(view, transitions)
    query_, gallery, way = (found[name].to_numpy().astype(np.int64) for name in ("query", "gallery", "way"))
    travel_s = found["travel_us"].to_numpy() / US
    cosine, rarity = _likeness(view, transitions, gate, (query_, gallery, way), settings)
    pairs = Pairs(query_, gallery, way, travel_s, rarity)
    current = view.entered_us[gallery] >= _us(window.hour_at)
    chance = _chances(pairs, gate, current, settings)
    return _rows(sightings, pairs, chance, cosine, current & _one_to_one(pairs, chance, settings))


@dataclass(frozen=True)
class View:
    """n sightings as columns, in the order of their ids."""

    group: Ints
    """(n,) number of the camera and heading."""
    groups: list[tuple[str, str]]
    """Camera and heading of each group."""
    moved: NDArray[np.bool_]
    """(n,) whether it can be linked at all."""
    entered_us: Ints
    """(n,) microseconds since 1970."""
    left_us: Ints
    """(n,) microseconds since 1970."""
    vectors: appearance.Vectors
    """(n, d) portraits, centred on their group; zero rows where there is none."""
    seen: NDArray[np.bool_]
    """(n,) whether there is a portrait."""


def _view(sightings: pa.Table, detections: pa.Table, embeddings: pa.Table) -> View:
    """Read the sightings into columns and give each its portrait."""
    names = list(zip(sightings["camera_id"].to_pylist(), sightings["heading"].to_pylist(), strict=True))
    groups = sorted(set(names))
    number = {name: row for row, name in enumerate(groups)}
    group = np.array([number[name] for name in names], dtype=np.int64)
    moved = np.array([motion != "parked" for motion in sightings["motion"].to_pylist()])
    entered, left = (sightings[name].cast(pa.int64()).to_numpy() for name in ("entered_at", "left_at"))
    vectors = appearance.centred(appearance.portraits(sightings, detections, embeddings), group)
    return View(group, groups, moved, entered, left, vectors, np.any(vectors != 0, axis=1))


def _candidates(
    sightings: pa.Table, transitions: pa.Table, observability: pa.Table, window: Window, settings: Settings
) -> pa.Table:
    """Gate the pairs by place, heading and time; arrivals of the window and of the one before."""
    first_us = _us(window.hour_at - HOUR)
    params = {"bucket_us": int(settings.bucket_s * US), "first_us": first_us, "last_us": _us(window.hour_at + HOUR)}
    return query("links/candidates", params, sightings=sightings, transitions=transitions, observability=observability)


def _ways(view: View, transitions: pa.Table) -> Ways:
    """Read the transitions into columns."""
    starts = list(zip(transitions["from_camera"].to_pylist(), transitions["heading"].to_pylist(), strict=True))
    number = {name: row for row, name in enumerate(sorted(set(starts)))}
    start = np.array([number[name] for name in starts], dtype=np.int64)
    at = {name: row for row, name in enumerate(view.groups)}
    leaving = np.bincount(view.group[view.moved], minlength=len(view.groups))
    departures = np.array([leaving[at[name]] if name in at else 0 for name in starts], dtype=np.float64)
    learned = np.array([source == "learned" for source in transitions["source"].to_pylist()])
    trust = np.where(learned, np.minimum(transitions["support"].to_numpy(), MOST_TRUST), ROAD_TRUST)
    mu, sigma, floor_s, ceiling_s = (
        transitions[name].to_numpy() for name in ("travel_mu", "travel_sigma", "floor_s", "ceiling_s")
    )
    return Ways(mu, sigma, trust, floor_s, ceiling_s, start, departures)


def _likeness(
    view: View, transitions: pa.Table, ways: Ways, found: tuple[Ints, Ints, Ints], settings: Settings
) -> tuple[Floats, Floats]:
    """Return (c,) cosine of each pair and how rare it is among impostors; NaN where a portrait is missing."""
    query_, gallery, way = found
    both = view.seen[query_] & view.seen[gallery]
    cosine, rarity = np.full((2, len(way)), np.nan)
    cosine[both] = appearance.cosines(view.vectors, query_[both], gallery[both])
    ends = transitions.select(["from_camera", "heading", "to_camera", "to_heading"]).to_pylist()
    order = np.argsort(way, kind="stable")
    order = order[both[order]]
    for rows in np.split(order, np.flatnonzero(np.diff(way[order])) + 1):
        if len(rows):
            number = int(way[rows[0]])
            end = ends[number]
            leaving = _cohort(view, end["from_camera"], end["heading"], settings)
            arriving = _cohort(view, end["to_camera"], end["to_heading"], settings)
            gate = (ways.floor_s[number], ways.ceiling_s[number])
            out = _rarity(view, query_[rows], arriving, cosine[rows], gate, 1)
            back = _rarity(view, gallery[rows], leaving, cosine[rows], gate, -1)
            rarity[rows] = (out + back) / 2
    return cosine, rarity


def _cohort(view: View, camera: str, heading: str, settings: Settings) -> Ints:
    """Choose the sightings at one end of a way that tell how common a look is there; `none` is any heading."""
    wanted = [row for row, (place, way) in enumerate(view.groups) if place == camera and heading in {way, "none"}]
    rows = np.flatnonzero(np.isin(view.group, wanted) & view.moved & view.seen)
    return appearance.spread(rows[np.argsort(view.entered_us[rows], kind="stable")], settings.impostors)


def _rarity(view: View, rows: Ints, cohort: Ints, cosine: Floats, gate: tuple[float, float], direction: int) -> Floats:
    """Return how rare each cosine is for the sighting in `rows` among a cohort ahead of it (1) or behind it (-1)."""
    ones, at = np.unique(rows, return_inverse=True)
    if direction > 0:
        gap = view.entered_us[cohort][None, :] - view.left_us[ones][:, None]
    else:
        gap = view.entered_us[ones][:, None] - view.left_us[cohort][None, :]
    possible = (gap >= gate[0] * US) & (gap <= gate[1] * US)
    return appearance.looks(view.vectors[ones], view.vectors[cohort], possible).rarity(at, cosine)


def _chances(pairs: Pairs, ways: Ways, current: NDArray[np.bool_], settings: Settings) -> Floats:
    """Return the chance of each pair; queries that the window before could link are no longer free."""
    crowd = crowds(pairs, ways)
    odds = learn(pairs, ways, crowd).odds(pairs, crowd)
    before = np.zeros(len(odds))
    before[~current] = marginals(pairs[~current], odds[~current])
    taken = np.unique(pairs.query[_one_to_one(pairs, before, settings)])
    free = current & ~np.isin(pairs.query, taken)
    chance = np.zeros(len(odds))
    chance[free] = marginals(pairs[free], odds[free])
    return chance


def _one_to_one(pairs: Pairs, chance: Floats, settings: Settings) -> NDArray[np.bool_]:
    """Choose among the likely pairs those of the greatest total chance, each sighting once a side."""
    least = np.where(np.isfinite(pairs.rarity), settings.min_probability, settings.min_probability_unseen)
    likely = np.flatnonzero(chance >= least)
    chosen = np.zeros(len(chance), dtype=bool)
    _, left = np.unique(pairs.query[likely], return_inverse=True)
    _, right = np.unique(pairs.gallery[likely], return_inverse=True)
    sides = int(left.max(initial=-1)) + 1, int(right.max(initial=-1)) + 1
    graph = csr_array((np.ones(len(likely)), (left, right + sides[0])), shape=(sum(sides),) * 2)
    _, parts = connected_components(graph, directed=False)
    order = np.argsort(parts[left], kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(parts[left][order])) + 1):
        chosen[likely[rows[_assign(left[rows], right[rows], chance[likely[rows]])]]] = True
    return chosen


def _assign(left: Ints, right: Ints, chance: Floats) -> Ints:
    """Return the pairs of one component that make the greatest total chance one to one."""
    if len(left) < 2:
        return np.arange(len(left))
    _, row = np.unique(left, return_inverse=True)
    _, column = np.unique(right, return_inverse=True)
    gain = np.zeros((row.max() + 1, column.max() + 1))
    number = np.full(gain.shape, -1)
    gain[row, column], number[row, column] = chance, np.arange(len(left))
    picked = number[linear_sum_assignment(gain, maximize=True)]
    return np.asarray(picked[picked >= 0])


def _rows(sightings: pa.Table, pairs: Pairs, chance: Floats, cosine: Floats, chosen: NDArray[np.bool_]) -> pa.Table:
    """Write the chosen pairs as links."""
    ids = sightings["sighting_id"]
    columns = {
        "query_id": ids.take(pa.array(pairs.query[chosen])),
        "gallery_id": ids.take(pa.array(pairs.gallery[chosen])),
        "travel_s": pa.array(pairs.travel_s[chosen]),
        "distance": pa.array(1.0 - np.nan_to_num(cosine[chosen]), pa.float32()),
        "probability": pa.array(np.minimum(chance[chosen], 1.0), pa.float32()),
    }
    return LINKS.check(pa.table(columns))


def _us(instant: datetime) -> int:
    """Return microseconds since 1970."""
    return round(instant.timestamp()) * US
