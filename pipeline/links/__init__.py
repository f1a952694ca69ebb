"""Link sightings across cameras: sightings, detections, embeddings, transitions, observability -> links."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from pipeline import motion
from pipeline.links import appearance, decoys, passes
from pipeline.links.association import MOST_TRUST, Model, Pairs, Ways, crowds, guess, learn, marginals
from pipeline.links.passes import US, Passes
from pipeline.query import query
from pipeline.scans import HOUR, Window
from pipeline.tables import LINKS, OBSERVABILITY, TRANSITIONS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CLEAR_PX = (12.0, 20.0)
"""Sizes between the classes of clarity, pixels of the shorter side."""
TOGETHER_S = 10.0
"""Seconds that stand for "at once" between pieces of one pass, so that travel times stay positive."""
SAME_S = 30.0
"""Passes of one camera nearer in time than this may be pieces of one vehicle, so they are no impostors, seconds."""
ROAD_TRUST = 6.0
"""Pairs' worth of trust in travel times guessed from the road."""


@dataclass(frozen=True)
class Settings:
    """How sure a link must be."""

    min_probability: float = 0.65
    """Pairs less likely than this are left unlinked."""
    min_probability_unseen: float = 0.9
    """The same for a pair of which one sighting has no embedding, so that place and time must decide alone."""
    broken: float = 0.4
    """Share of sightings that go on in another sighting of the same camera."""
    min_mended: float = 0.6
    """Pieces of one camera's sightings less likely than this to be one vehicle are kept apart."""
    mended_pictures: float = 3.0
    """Pictures after which a vehicle that was lost is not taken up again."""
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
    single = passes.read(sightings, detections, embeddings)
    whole = _mended(single, sightings, window, settings)
    transitions = transitions.sort_by([(name, "ascending") for name in ("from_camera", "to_camera", "heading")])
    found = _evidence(whole, transitions, observability, window, settings)
    current = single.entered_us[whole.row[found.pairs.gallery]] >= _us(window.hour_at)

    def put_off(model: Model) -> Evidence:
        later = decoys.put_off(transitions, decoys.delays(model))
        return _evidence(whole, later, observability, window, settings)

    chance = _chances(found, put_off, current, settings)
    chosen = np.flatnonzero(current & _one_to_one(found.pairs, chance, settings))
    query_, gallery = whole.row[found.pairs.query[chosen]], whole.row[found.pairs.gallery[chosen]]
    columns = {
        "query_id": sightings["sighting_id"].take(pa.array(query_)),
        "gallery_id": sightings["sighting_id"].take(pa.array(gallery)),
        "travel_s": pa.array((single.entered_us[gallery] - single.left_us[query_]) / US),
        "distance": pa.array(1.0 - np.nan_to_num(found.cosine[chosen]), pa.float32()),
        "probability": pa.array(np.round(np.minimum(chance[chosen], 1.0), 4), pa.float32()),
    }
    return LINKS.check(pa.table(columns))


@dataclass(frozen=True)
class Evidence:
    """Gated pairs of passes, and what is known of them."""

    pairs: Pairs
    """c candidates."""
    cosine: Floats
    """(c,) cosine of their portraits, NaN where one has none."""
    ways: Ways
    """The ways they may have taken."""
    crowd: Floats
    """(c,) arrivals a second inside the gate."""


def _mended(single: Passes, sightings: pa.Table, window: Window, settings: Settings) -> Passes:
    """Put together sightings that are pieces of one pass.

    Between two stills a vehicle moves several lengths, so tracks break; and two pieces of one vehicle would be each
    other's rivals at every other camera. A piece follows a piece as one camera follows another, only sooner, so the same
    evidence decides: a way from each camera and heading to itself, a picture or a few long, while it does not turn.
    """
    cadence_s, views = passes.cadence_s(sightings), sightings["view"]
    own = [(camera, heading) for camera, heading in single.groups if heading != "none" and camera in cadence_s]
    rows = [_own_way(camera, heading, cadence_s[camera], settings) for camera, heading in own]
    ways = pa.Table.from_pylist(rows, schema=TRANSITIONS.schema)
    found = _together(_evidence(single, ways, OBSERVABILITY.empty(), window, settings))
    model = guess(found.pairs, found.ways, settings.broken)
    chance = marginals(found.pairs, model.odds(found.pairs, found.crowd))
    chosen = _one_to_one(found.pairs, chance, replace(settings, min_probability=settings.min_mended))
    one, other = found.pairs.query[chosen], found.pairs.gallery[chosen]
    stays = ~motion.are_other_views(views.take(one).to_pylist(), views.take(other).to_pylist())
    return passes.joined(single, one[stays], other[stays])


def _together(found: Evidence) -> Evidence:
    """Count the time between two pieces of one pass from TOGETHER_S before, as both were abreast at once if they are one."""
    floor_s = np.zeros(len(found.ways.mu))
    ways = replace(found.ways, floor_s=floor_s, ceiling_s=floor_s + 2 * TOGETHER_S)
    pairs = replace(found.pairs, travel_s=np.clip(found.pairs.travel_s + TOGETHER_S, 0.0, 2 * TOGETHER_S))
    return replace(found, pairs=pairs, ways=ways)


def _own_way(camera: str, heading: str, cadence_s: float, settings: Settings) -> dict[str, Any]:
    """Return the way from a camera and heading to itself, as a row of transitions."""
    ends = {"from_camera": camera, "to_camera": camera, "heading": heading, "to_heading": heading}
    gate = {"floor_s": 0.1 * cadence_s, "ceiling_s": settings.mended_pictures * cadence_s + 1.0}
    usual = {"travel_mu": float(np.log(TOGETHER_S)), "travel_sigma": 0.15, "road_m": 0.0, "support": 0}
    return ends | gate | usual | {"source": "road"}


def _evidence(
    view: Passes, transitions: pa.Table, observability: pa.Table, window: Window, settings: Settings
) -> Evidence:
    """Gate the pairs by place, heading and time, arrivals of the window and of the one before; and tell how alike they look."""
    transitions = transitions.sort_by([(name, "ascending") for name in ("from_camera", "to_camera", "heading")])
    times = {"first_us": _us(window.hour_at - HOUR), "last_us": _us(window.hour_at + HOUR)}
    params = times | {"bucket_us": int(settings.bucket_s * US)}
    tables = {"sightings": view.table(), "transitions": transitions, "observability": observability}
    rows = query("links/candidates", params, **tables)
    one, other, way = (rows[name].to_numpy().astype(np.int64) for name in ("query", "gallery", "way"))
    ways = _ways(view, transitions)
    cosine, rarity = _likeness(view, transitions, ways, (one, other, way), settings)
    travel_s = view.abreast_s[other] - view.abreast_s[one]
    crowd = crowds(one, way, (ways.ceiling_s - ways.floor_s)[way])
    clarity = np.searchsorted(CLEAR_PX, np.minimum(view.largest_px[one], view.largest_px[other]), side="right")
    return Evidence(Pairs(one, other, way, travel_s, rarity, clarity), cosine, ways, crowd)


def _ways(view: Passes, transitions: pa.Table) -> Ways:
    """Read the transitions into columns."""
    starts = list(zip(transitions["from_camera"].to_pylist(), transitions["heading"].to_pylist(), strict=True))
    number = {name: row for row, name in enumerate(sorted(set(starts)))}
    start = np.array([number[name] for name in starts], dtype=np.int64)
    at = {name: row for row, name in enumerate(view.groups)}
    leaving = np.bincount(view.group[view.moved], minlength=len(view.groups))
    departures = np.array([leaving[at[name]] if name in at else 0 for name in starts], dtype=np.float64)
    learned = np.array([source == "learned" for source in transitions["source"].to_pylist()], dtype=bool)
    trust = np.where(learned, np.minimum(transitions["support"].to_numpy(), MOST_TRUST), ROAD_TRUST)
    mu, sigma, floor_s, ceiling_s = (
        transitions[name].to_numpy() for name in ("travel_mu", "travel_sigma", "floor_s", "ceiling_s")
    )
    return Ways(mu, sigma, trust, floor_s, ceiling_s, start, departures)


def _likeness(
    view: Passes, transitions: pa.Table, ways: Ways, found: tuple[Ints, Ints, Ints], settings: Settings
) -> tuple[Floats, Floats]:
    """Return (c,) cosine of each pair and how rare it is among impostors; NaN where a portrait is missing."""
    one, other, way = found
    both = view.seen[one] & view.seen[other]
    cosine, rarity = np.full((2, len(way)), np.nan)
    cosine[both] = appearance.cosines(view.vectors, one[both], other[both])
    ends = transitions.select(["from_camera", "heading", "to_camera", "to_heading"]).to_pylist()
    order = np.argsort(way, kind="stable")
    order = order[both[order]]
    for rows in np.split(order, np.flatnonzero(np.diff(way[order])) + 1):
        if len(rows):
            number = int(way[rows[0]])
            end = ends[number]
            leaving = _cohort(view, end["from_camera"], end["heading"], settings)
            arriving = _cohort(view, end["to_camera"], end["to_heading"], settings)
            here = end["from_camera"] == end["to_camera"]
            gate = (-SAME_S, SAME_S) if here else (ways.floor_s[number], ways.ceiling_s[number])
            out = _rarity(view, one[rows], arriving, cosine[rows], gate, 1)
            back = _rarity(view, other[rows], leaving, cosine[rows], gate, -1)
            rarity[rows] = (out + back) / 2
    return cosine, rarity


def _cohort(view: Passes, camera: str, heading: str, settings: Settings) -> Ints:
    """Choose the passes at one end of a way that tell how common a look is there; `none` is any heading."""
    wanted = [row for row, (place, way) in enumerate(view.groups) if place == camera and heading in {way, "none"}]
    rows = np.flatnonzero(np.isin(view.group, wanted) & view.moved & view.seen)
    return appearance.spread(rows[np.argsort(view.entered_us[rows], kind="stable")], settings.impostors)


def _rarity(
    view: Passes, rows: Ints, cohort: Ints, cosine: Floats, gate: tuple[float, float], direction: int
) -> Floats:
    """Return how rare each cosine is for the pass in `rows` among a cohort ahead of it (1) or behind it (-1)."""
    ones, at = np.unique(rows, return_inverse=True)
    if direction > 0:
        gap_us = view.entered_us[cohort][None, :] - view.left_us[ones][:, None]
    else:
        gap_us = view.entered_us[ones][:, None] - view.left_us[cohort][None, :]
    possible = (gap_us >= gate[0] * US) & (gap_us <= gate[1] * US)
    return appearance.looks(view.vectors[ones], view.vectors[cohort], possible).rarity(at, cosine)


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
    taken = np.unique(pairs.query[_one_to_one(pairs, before, settings)])
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
    false = false[_one_to_one(there, false, likely)]
    alone = (1.0 - model.explained) * len(pairs) / max(len(there), len(pairs) // 4, 1)
    return decoys.offset(chance[_one_to_one(pairs, chance, likely)], false, alone)


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


def _us(instant: datetime) -> int:
    """Return microseconds since 1970."""
    return round(instant.timestamp()) * US
