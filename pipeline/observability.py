"""Weigh what each camera, and each pair, can honestly support: frames, sightings, transitions -> observability."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.query import query
from pipeline.scans import Window
from pipeline.tables import OBSERVABILITY, VERDICTS

US = 1_000_000


@dataclass(frozen=True)
class Settings:
    """Thresholds between the verdicts."""

    dwell_s: float = 8.0
    """Seconds a passing vehicle is taken to stay in view where none could be timed."""
    follow_s: float = 15.0
    """Pictures further apart than this show a moving vehicle once: it can be counted, not followed; seconds."""
    passes: int = 10
    """Passing vehicles needed before their time in view is believed."""
    flow_p_seen: float = 0.3
    """Least chance to see a passing vehicle for flows."""
    flow_pictures: float = 1.5
    """Least pictures of a passing vehicle for its direction, where too few vehicles passed to tell."""
    flow_share: float = 0.2
    """Least share of passing vehicles seen in two pictures or more for flows."""
    link_p_seen: float = 0.5
    """Least chance to see a passing vehicle for a camera to take part in links."""
    link_p_pair: float = 0.25
    """Least chance to see a vehicle at both cameras for links."""
    trajectory_p_pair: float = 0.6
    """Least chance to see a vehicle at both cameras for trajectories."""


@dataclass(frozen=True)
class View:
    """What one camera saw in one window."""

    slots_planned: int = 0
    slots_seen: int = 0
    cadence_s: float | None = None
    """Usual seconds between usable pictures, outages left out."""
    dwell_s: float | None = None
    """Median seconds a passing vehicle stays in view, or the settings' where not `timed`."""
    p_seen: float = 0.0
    timed: bool = False
    """Whether `dwell_s` was measured."""
    share: float = 0.0
    """Share of passing vehicles seen in two pictures or more."""


def weigh(
    cameras: pa.Table,
    frames: pa.Table,
    sightings: pa.Table,
    transitions: pa.Table,
    window: Window,
    settings: Settings,
) -> pa.Table:
    """Say for each camera and each directed pair what an hour of its pictures can honestly support.

    A vehicle that stays `dwell` in view is missed when it comes and goes between two pictures, so a gap of `gap` seconds
    shows min(gap, dwell) seconds' worth of arrivals: p_seen = sum of min(gap, dwell) / sum of gaps, which is
    min(1, dwell / cadence) x coverage for an even cadence and also right for outages. p_pair is the product of both
    cameras' p_seen. These are chances to be *in a picture*; what the detector then misses comes on top.

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
    rows = [_row(camera, "", window, view, *_judge(view, settings)) for camera, view in views.items()]
    known = set(zip(transitions["from_camera"].to_pylist(), transitions["to_camera"].to_pylist(), strict=True))
    for first, second in sorted(pair for pair in known if set(pair) <= set(views)):
        weaker = min(views[first], views[second], key=lambda view: view.p_seen)
        p_pair = views[first].p_seen * views[second].p_seen
        verdict, reason = _judge_pair(views[first], views[second], p_pair, settings)
        rows.append(_row(first, second, window, weaker, verdict, reason, p_pair))
    return OBSERVABILITY.check(pa.Table.from_pylist(rows, schema=OBSERVABILITY.schema))


def _views(
    cameras: pa.Table, frames: pa.Table, sightings: pa.Table, window: Window, settings: Settings
) -> dict[str, View]:
    """Gather what each camera saw, by camera id."""
    times = {"starts_at": window.starts_at, "ends_at": window.ends_at}
    pictures = {row["camera_id"]: row for row in query("observability/pictures", times, frames=frames).to_pylist()}
    passes = {row["camera_id"]: row for row in query("observability/passes", times, sightings=sightings).to_pylist()}
    length_us = round((window.ends_at - window.starts_at).total_seconds() * US)
    return {
        camera: _view(pictures.get(camera), passes.get(camera), length_us, settings)
        for camera in sorted(cameras["camera_id"].to_pylist())
    }


def _view(pictures: dict[str, Any] | None, passes: dict[str, Any] | None, length_us: int, settings: Settings) -> View:
    """Weigh one camera's pictures and passes."""
    if pictures is None or not pictures["slots_seen"]:
        return View(slots_planned=pictures["slots_planned"] if pictures else 0)
    seen_us = np.array(pictures["seen_us"], dtype=np.int64)
    gaps_us = np.diff(seen_us)
    rest_us = max((pictures["span_us"] or length_us) - int(gaps_us.sum()), 1)
    cadence_s = _cadence_s(gaps_us) if len(gaps_us) else None
    dwell_s, timed = _dwell(passes, cadence_s, settings)
    caught_us = np.minimum(np.append(gaps_us, rest_us), round(dwell_s * US)).sum()
    share = passes["followed"] / passes["passed"] if passes else 0.0
    p_seen = float(caught_us / (gaps_us.sum() + rest_us))
    return View(pictures["slots_planned"], len(seen_us), cadence_s, dwell_s, p_seen, timed, share)


def _cadence_s(gaps_us: NDArray[np.int64]) -> float:
    """Return the usual gap: the mean of those up to half above the median, as times in whole seconds blur a median."""
    usual = gaps_us[gaps_us <= 1.5 * np.median(gaps_us)]
    return float(usual.sum() / len(usual) / US)


def _dwell(passes: dict[str, Any] | None, cadence_s: float | None, settings: Settings) -> tuple[float, bool]:
    """Return the median seconds in view, and whether they were measured.

    A vehicle in n pictures stays about n x cadence. Where most are in one picture only, a stay between one and two
    cadences puts the share stay / cadence - 1 of them in two pictures, which tells the stay.
    """
    if cadence_s is None or cadence_s > settings.follow_s or not passes or passes["passed"] < settings.passes:
        return settings.dwell_s, False
    if passes["stay_us"]:
        return cadence_s + passes["stay_us"] / US, True
    if passes["followed"]:
        return cadence_s * (1 + passes["followed"] / passes["passed"]), True
    return min(settings.dwell_s, cadence_s), False


def _judge(view: View, settings: Settings) -> tuple[str, str]:
    """Return what one camera supports, and why not more."""
    if not view.slots_seen:
        return "none", f"no usable picture of {view.slots_planned} planned"
    if without := _no_direction(view, settings):
        return "count", f"{without}, counts only"
    if view.p_seen < settings.link_p_seen:
        return "flow", f"{_told(view)}: too few to link"
    return "link", f"{_told(view)}; one camera alone makes no trajectory"


def _no_direction(view: View, settings: Settings) -> str:
    """Say why a camera cannot tell where its vehicles head; empty where it can."""
    if view.cadence_s is None or view.cadence_s > settings.follow_s:
        return f"{_told(view)}: too seldom to follow one"
    if view.p_seen < settings.flow_p_seen:
        return f"{_told(view)}: too few for flows"
    if view.timed and view.share < settings.flow_share:
        return f"{_percent(view.share)} of passing vehicles are in two pictures or more: no direction"
    if not view.timed and (view.dwell_s or 0) < settings.flow_pictures * view.cadence_s:
        return f"{_told(view)}, most of them in one picture: no direction"
    return ""


def _judge_pair(first: View, second: View, p_pair: float, settings: Settings) -> tuple[str, str]:
    """Return what two cameras support together, and why not more."""
    verdict, reason = min(
        (_judge(view, settings) for view in (first, second)), key=lambda each: VERDICTS.index(each[0])
    )
    if VERDICTS.index(verdict) < VERDICTS.index("flow"):
        return verdict, f"at one of the two, {reason}"
    told = f"{_percent(p_pair)} of vehicles on this way are in a picture of both cameras"
    if p_pair < settings.link_p_pair:
        return "flow", f"{told}: too few to link"
    if p_pair < settings.trajectory_p_pair:
        return "link", f"{told}: travel times, but chains would break"
    return "trajectory", told


def _told(view: View) -> str:
    """Say in words what share a camera sees."""
    often = f"one still in {view.cadence_s:.3g} s" if view.cadence_s else "a single still"
    assumed = "" if view.timed else f" (taken to stay {view.dwell_s:.3g} s in view)"
    outage = view.slots_planned - view.slots_seen
    lost = f", with {outage} of {view.slots_planned} missing or unusable," if outage else ""
    return f"{often}{lost} sees {_percent(view.p_seen)} of passing vehicles{assumed}"


def _row(
    camera: str, pair: str, window: Window, view: View, verdict: str, reason: str, p_pair: float | None = None
) -> dict[str, Any]:
    """Fill one row of the table."""
    return {
        "camera_id": camera,
        "pair_camera_id": pair,
        "hour_at": window.hour_at,
        "slots_planned": view.slots_planned,
        "slots_seen": view.slots_seen,
        "cadence_s": view.cadence_s,
        "dwell_s": view.dwell_s,
        "p_seen": view.p_seen,
        "p_pair": p_pair,
        "verdict": verdict,
        "reason": reason,
    }


def _percent(share: float) -> str:
    """Write a share without rounding a little to nothing, or nearly all to all."""
    if 0.0 < share < 0.01:
        return "under 1%"
    return "over 99%" if 0.99 < share < 1.0 else f"{share:.0%}"
