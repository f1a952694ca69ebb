"""Weigh what each camera, and each pair, can honestly support: frames, sightings, transitions -> observability."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline import stays
from pipeline.observability.verdicts import Settings, View, judge, judge_pair
from pipeline.query import query
from pipeline.scans import Window
from pipeline.stays import Floats, Pictures, Stays
from pipeline.tables import OBSERVABILITY

__all__ = ["Settings", "View", "weigh"]
Ints = NDArray[np.int64]
US = 1_000_000


def weigh(
    cameras: pa.Table,
    frames: pa.Table,
    sightings: pa.Table,
    transitions: pa.Table,
    window: Window,
    settings: Settings,
) -> pa.Table:
    """Say for each camera and each directed pair what an hour of its pictures can honestly support.

    A vehicle that stays D in view is missed when it comes and goes between two pictures, so a gap shows E[min(gap, D)]
    seconds' worth of arrivals: p_seen = sum of E[min(gap, D)] / sum of gaps, for outages, bursts and clips alike. How D is
    distributed is learned from the vehicles themselves (`stays`). p_pair also knows how the pictures of both cameras lie
    to each other. These are chances to be *in a picture*; what the detector then misses comes on top
    (docs/observability.md).

    Args:
        cameras: `cameras`; each gets a row, also without a picture.
        frames: `frames` of the window.
        sightings: `sightings` of the window, for the time in view.
        transitions: `transitions`; each distinct pair of cameras gets a row.
        window: The hour.
        settings: Thresholds.

    Returns:
        `observability`. A pair's row shows slots, cadence, dwell and p_seen of its weaker camera. A camera alone gets
        at most `link`; only a pair gets `trajectory`.
    """
    views = _views(cameras, frames, sightings, window, settings)
    rows = [_row(camera, "", window, view, *judge(view, settings)) for camera, view in views.items()]
    ways = query("observability/ways", {"hour_at": window.hour_at}, transitions=transitions).to_pylist()
    for way in (way for way in ways if way["from_camera"] in views and way["to_camera"] in views):
        first, second = views[way["from_camera"]], views[way["to_camera"]]
        travel_s = _travel_s(way)
        p_pair = p_close = _p_pair(first, second, travel_s, window)
        # how long a way takes tells what two bursts show together; where that is not told, by chance alone
        if len(travel_s) and min(first.close, second.close) < 1.0:
            one, other = (view.closely(settings.follow_s) for view in (first, second))
            p_close = _p_pair(one, other, travel_s, window)
        verdict, reason = judge_pair(first, second, p_close, settings)
        weaker = min(first, second, key=lambda view: view.p_seen)
        rows.append(_row(way["from_camera"], way["to_camera"], window, weaker, verdict, reason, p_pair))
    return OBSERVABILITY.check(pa.Table.from_pylist(rows, schema=OBSERVABILITY.schema))


def _views(
    cameras: pa.Table, frames: pa.Table, sightings: pa.Table, window: Window, settings: Settings
) -> dict[str, View]:
    """Gather what each camera saw, by camera id; those whose vehicles tell no stay borrow it from those that do."""
    times = {"starts_at": window.starts_at, "ends_at": window.ends_at}
    near = times | {"follow_us": round(settings.follow_s * US)}
    pictures = {row["camera_id"]: row for row in query("observability/pictures", near, frames=frames).to_pylist()}
    passes = {row["camera_id"]: row for row in query("observability/passes", times, sightings=sightings).to_pylist()}
    views = {
        camera: _view(pictures.get(camera), passes.get(camera), window, settings)
        for camera in sorted(cameras["camera_id"].to_pylist())
    }
    lending = [view.stays for view in views.values() if view.stays and view.told(settings)]
    lent = stays.pooled(lending) if len(lending) >= settings.lenders else stays.exactly(settings.dwell_s)
    lenders = len(lending) if len(lending) >= settings.lenders else 0
    return {
        camera: view if view.told(settings) else _lent(view, lent, lenders, settings) for camera, view in views.items()
    }


def _view(pictures: dict[str, Any] | None, passes: dict[str, Any] | None, window: Window, settings: Settings) -> View:
    """Take one camera's pictures and the vehicles followed in them."""
    if pictures is None or not pictures["slots_seen"]:
        return View(slots_planned=pictures["slots_planned"] if pictures else 0)
    hour_us = round(window.hour_at.timestamp()) * US
    length_us = round((window.ends_at - window.starts_at).total_seconds() * US)
    seen_us = np.array(pictures["seen_us"], dtype=np.int64)
    gaps_us = np.diff(seen_us)
    span_us = max(pictures["span_us"] or length_us, int(gaps_us.sum()) + 1)
    taken = Pictures((seen_us - hour_us) / US, span_us / US)
    view = View(pictures["slots_planned"], len(seen_us), _cadence_s(gaps_us) if len(gaps_us) else None, taken)
    if 0.0 < (close := (pictures["close_us"] or 0) / span_us) < settings.in_bursts:
        view = replace(view, close=close)
    if passes is None or not len(gaps_us):
        return view
    followed = _followed(seen_us, passes, settings)
    return _timed(replace(view, followed=followed), settings) if len(followed) >= settings.passes else view


def _followed(seen_us: Ints, passes: dict[str, Any], settings: Settings) -> Floats:
    """Return seconds seen, before and after, (n, 3), of vehicles that came where pictures are near enough to follow one."""
    entered_us, left_us = (np.array(passes[name], dtype=np.int64) for name in ("entered_us", "left_us"))
    first, last = np.searchsorted(seen_us, entered_us), np.searchsorted(seen_us, left_us)
    edges_s = np.concatenate([[-np.inf], seen_us / US, [np.inf]])
    before_s = entered_us / US - edges_s[np.minimum(first, len(seen_us))]
    after_s = edges_s[np.minimum(last + 2, len(edges_s) - 1)] - left_us / US
    after_s[after_s >= settings.follow_s] = np.inf
    found = np.column_stack([(left_us - entered_us) / US, before_s, after_s])
    return np.asarray(found[(before_s > 0) & (before_s < settings.follow_s)])


def _timed(view: View, settings: Settings, usual_s: float = stays.USUAL_S) -> View:
    """Learn stays from a camera's own vehicles."""
    if view.followed is None or view.pictures is None:
        return view
    seen_s, before_s, after_s = view.followed.T
    every_s = view.pictures.gaps_s
    gaps_s = every_s[:-1]  # the last leads around to the first picture, not to one that was compared
    near_s = gaps_s[gaps_s < settings.follow_s]
    return _settled(view, stays.fit(seen_s, before_s, after_s, near_s, usual_s, every_s))


def _lent(view: View, lent: Stays, lenders: int, settings: Settings) -> View:
    """Borrow stays where a camera's own vehicles do not tell them, or begin from there."""
    if view.pictures is None or (view.followed is not None and not lenders):
        return view
    if view.followed is not None:
        return _timed(view, settings, lent.median_s)
    found = replace(_settled(view, lent), lenders=lenders)
    return found if lenders else replace(found, dwell_s=settings.dwell_s)


def _settled(view: View, taken: Stays) -> View:
    """Settle how long vehicles stay, and so what share of them some picture shows."""
    if view.pictures is None:
        return view
    p_seen, *doubt = (view.pictures.shown(each) for each in (taken, *taken.doubt))
    return replace(view, stays=taken, dwell_s=taken.median_s, p_seen=p_seen, doubt=(min(doubt), max(doubt)))


def _p_pair(first: View, second: View, travel_s: Floats, window: Window) -> float:
    """Return the share of vehicles on a way that are in a picture of both cameras; a product where travel times are not told."""
    ends = [(view.pictures, view.stays) for view in (first, second) if view.pictures and view.stays]
    if len(ends) < 2 or not len(travel_s):
        return first.p_seen * second.p_seen
    begins_s, ends_s = ((at - window.hour_at).total_seconds() for at in (window.starts_at, window.ends_at))
    return stays.shown_twice(ends[0], ends[1], travel_s, np.arange(begins_s + 0.5, max(ends_s, begins_s + 1.0)))


def _travel_s(way: dict[str, Any]) -> Floats:
    """Return travel times that stand for those of a way; none where they are not told."""
    told = [way[name] for name in ("floor_s", "travel_mu", "travel_sigma", "weight")]
    if any(value is None for values in told for value in values):
        return np.zeros(0)
    return stays.travel_s(*(np.array(values, dtype=np.float64) for values in told))


def _cadence_s(gaps_us: Ints) -> float:
    """Return the usual gap: the mean of those up to half above the median, as times in whole seconds blur a median."""
    usual = gaps_us[gaps_us <= 1.5 * np.median(gaps_us)]
    return float(usual.sum() / len(usual) / US)


def _row(
    camera: str, pair: str, window: Window, view: View, verdict: str, reason: str, p_pair: float | None = None
) -> dict[str, Any]:
    """Fill one row of the table; in bursts the usual seconds between pictures tell nothing of the hour, their mean does."""
    mean_s = view.pictures.span_s / view.slots_seen if view.pictures and view.close < 1.0 else None
    return {
        "camera_id": camera,
        "pair_camera_id": pair,
        "hour_at": window.hour_at,
        "slots_planned": view.slots_planned,
        "slots_seen": view.slots_seen,
        "cadence_s": mean_s or view.cadence_s,
        "dwell_s": view.dwell_s,
        "p_seen": view.p_seen,
        "p_pair": p_pair,
        "verdict": verdict,
        "reason": reason,
    }
