"""Gate pairs of passes by place, heading and time, and tell how alike they look."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.links import appearance
from pipeline.links.association import MOST_TRUST, Pairs, Ways, crowds
from pipeline.links.passes import US, Passes
from pipeline.links.settings import Settings
from pipeline.query import query
from pipeline.scans import HOUR, Window
from pipeline.tables import TRANSITIONS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CLEAR_PX = (12.0, 20.0)
"""Sizes between the classes of clarity, pixels of the shorter side."""
SAME_S = 30.0
"""Passes of one camera nearer in time than this may be pieces of one vehicle, so they are no impostors, seconds."""
ROAD_TRUST = 6.0
"""Pairs' worth of trust in travel times guessed from the road."""
HOUR_US = HOUR // timedelta(microseconds=1)
ANY_HOUR = -1
"""Stands for a way that is the same in every hour."""
SAME = ("to_heading", "travel_mu", "travel_sigma", "floor_s", "ceiling_s", "clock_s", "source")
"""What two hours of a way have in common where they need not be told apart."""


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
    transitions = transitions.sort_by([(name, "ascending") for name in TRANSITIONS.key])
    times = {"first_us": microseconds(window.hour_at - HOUR), "last_us": microseconds(window.hour_at + HOUR)}
    params = times | {"bucket_us": int(settings.bucket_s * US)}
    tables = {"sightings": view.table(), "transitions": transitions, "observability": observability}
    rows = query("links/candidates", params, **tables)
    one, other, way = (rows[name].to_numpy().astype(np.int64) for name in ("query", "gallery", "way"))
    ways = _ways(view, transitions)
    cosine, rarity = _likeness(view, transitions, ways, (one, other, way), settings)
    travel_s = view.abreast_s[other] - view.abreast_s[one] - ways.clock_s[way]
    crowd = crowds(one, way, (ways.ceiling_s - ways.floor_s)[way])
    clarity = np.searchsorted(CLEAR_PX, np.minimum(view.largest_px[one], view.largest_px[other]), side="right")
    return Evidence(Pairs(one, other, way, travel_s, rarity, clarity), cosine, ways, crowd)


def of_window(transitions: pa.Table, window: Window) -> pa.Table:
    """Return the transitions for those that leave in a window or in the one before, in the order of their key.

    Where all ways from a camera in a heading are the same in both hours they stand once, without an hour, so that what the
    hours tell of them is learned together.
    """
    both = pa.array([window.hour_at - HOUR, window.hour_at], transitions.schema.field("hour_at").type)
    rows = transitions.filter(pc.is_in(transitions["hour_at"], both)).sort_by(
        [(n, "ascending") for n in TRANSITIONS.key]
    )
    told: dict[tuple[str, str], dict[int, list[tuple[object, ...]]]] = {}
    columns = [rows[name].to_pylist() for name in ("from_camera", "heading", "to_camera", *SAME)]
    hours = rows["hour_at"].cast(pa.int64()).to_pylist()
    for hour, camera, heading, *rest in zip(hours, *columns, strict=True):
        told.setdefault((camera, heading), {}).setdefault(hour, []).append(tuple(rest))
    once = {start: max(by) for start, by in told.items() if all(each == by[max(by)] for each in by.values())}
    starts = list(zip(columns[0], columns[1], strict=True))
    kept = [once.get(start, hour) == hour for start, hour in zip(starts, hours, strict=True)]
    hour_us = [None if start in once else hour for start, hour in zip(starts, hours, strict=True)]
    place = rows.schema.get_field_index("hour_at")
    told_once = rows.set_column(place, "hour_at", pa.array(hour_us, pa.int64()).cast(rows.schema.field(place).type))
    return told_once.filter(pa.array(kept, pa.bool_())).sort_by([(n, "ascending") for n in TRANSITIONS.key])


def _ways(view: Passes, transitions: pa.Table) -> Ways:
    """Read the transitions into columns; what leaves a camera in one heading in one hour shares its ways."""
    hour = transitions["hour_at"].cast(pa.int64()).fill_null(ANY_HOUR).to_pylist()
    starts = list(zip(transitions["from_camera"].to_pylist(), transitions["heading"].to_pylist(), hour, strict=True))
    number = {name: row for row, name in enumerate(sorted(set(starts)))}
    start = np.array([number[name] for name in starts], dtype=np.int64)
    departures = _departures(view, starts)
    learned = np.array([source == "learned" for source in transitions["source"].to_pylist()], dtype=bool)
    trust = np.where(learned, np.minimum(transitions["support"].to_numpy(), MOST_TRUST), ROAD_TRUST)
    mu, sigma, floor_s, ceiling_s, clock_s = (
        transitions[name].to_numpy() for name in ("travel_mu", "travel_sigma", "floor_s", "ceiling_s", "clock_s")
    )
    return Ways(mu, sigma, trust, floor_s, ceiling_s, start, departures, clock_s)


def _departures(view: Passes, starts: list[tuple[str, str, int]]) -> Floats:
    """Count the passes that leave each camera in each heading in each hour, or in ANY_HOUR."""
    at = {name: row for row, name in enumerate(view.groups)}
    group, hour = view.group[view.moved], view.left_us[view.moved] // HOUR_US * HOUR_US
    kinds, count = np.unique(np.column_stack([group, hour]), axis=0, return_counts=True)
    leaving = {(int(row), int(when)): int(n) for (row, when), n in zip(kinds, count, strict=True)}
    leaving |= {(row, ANY_HOUR): int(n) for row, n in enumerate(np.bincount(group, minlength=len(at)))}
    return np.array([leaving.get((at.get((place, way), -1), when), 0) for place, way, when in starts], np.float64)


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
            clock_s = ways.clock_s[number]
            gate = (-SAME_S, SAME_S) if here else (ways.floor_s[number] + clock_s, ways.ceiling_s[number] + clock_s)
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
