"""Gate pairs of passes by place, heading and time, and tell how alike they look."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.links import appearance
from pipeline.links.association import MOST_TRUST, Pairs, Ways, crowds
from pipeline.links.passes import US, Passes
from pipeline.links.settings import Settings
from pipeline.query import query
from pipeline.scans import HOUR, Window

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CLEAR_PX = (12.0, 20.0)
"""Sizes between the classes of clarity, pixels of the shorter side."""
SAME_S = 30.0
"""Passes of one camera nearer in time than this may be pieces of one vehicle, so they are no impostors, seconds."""
ROAD_TRUST = 6.0
"""Pairs' worth of trust in travel times guessed from the road."""


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


def gather(
    view: Passes, transitions: pa.Table, observability: pa.Table, window: Window, settings: Settings
) -> Evidence:
    """Gate the pairs by place, heading and time, arrivals of the window and of the one before; and tell how alike they look."""
    transitions = transitions.sort_by([(name, "ascending") for name in ("from_camera", "to_camera", "heading")])
    times = {"first_us": microseconds(window.hour_at - HOUR), "last_us": microseconds(window.hour_at + HOUR)}
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


def microseconds(instant: datetime) -> int:
    """Return microseconds since 1970."""
    return round(instant.timestamp()) * US
