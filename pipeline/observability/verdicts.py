"""Judge what a camera, or a pair, can honestly support from what share of its vehicles some picture shows."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.stays import Pictures, Stays
from pipeline.tables import VERDICTS

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Settings:
    """Thresholds between the verdicts."""

    dwell_s: float = 8.0
    """Seconds a passing vehicle is taken to stay in view where none could be timed."""
    follow_s: float = 10.0
    """Pictures as far apart as this show a moving vehicle once: it can be counted, not followed (as `sightings`); seconds."""
    passes: int = 10
    """Passing vehicles needed before their time in view is believed."""
    lenders: int = 3
    """Cameras whose vehicles tell their stays, needed before the others borrow from them."""
    doubt: float = 1.25
    """A camera's own vehicles tell what share of them is seen where the most believable is not above so many times the least."""
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
    in_bursts: float = 0.9
    """Where pictures are planned close enough to follow for less than this share of the hour, a camera is watched in bursts."""


@dataclass(frozen=True)
class View:
    """What one camera saw in one window."""

    slots_planned: int = 0
    slots_seen: int = 0
    cadence_s: float | None = None
    """Usual seconds between usable pictures, outages left out."""
    pictures: Pictures | None = None
    followed: Floats | None = None
    """Seconds seen, before and after, (n, 3), of the vehicles that tell stays; None where they are too few."""
    stays: Stays | None = None
    dwell_s: float | None = None
    """Median seconds a passing vehicle stays in view."""
    p_seen: float = 0.0
    doubt: tuple[float, float] = (0.0, 0.0)
    """Least and most that `p_seen` may be."""
    lenders: int = 0
    """Cameras from which stays were borrowed; 0 for none."""
    close: float = 1.0
    """Share of the time in which pictures were planned near enough to follow a vehicle; 1 also where none ever were."""

    @property
    def share(self) -> float | None:
        """Share of followed vehicles that were in two pictures or more."""
        return None if self.followed is None else float(np.mean(self.followed[:, 0] > 0))

    def closely(self, follow_s: float) -> "View":
        """Return what it saw while its pictures were planned near enough to follow a vehicle; itself where always."""
        if self.close == 1.0 or self.pictures is None or self.stays is None:
            return self
        near = np.diff(self.pictures.seen_s) < follow_s
        kept = self.pictures.seen_s[np.append(near, [False]) | np.append([False], near)]
        if not len(kept):
            return replace(self, slots_seen=0)
        pictures = replace(self.pictures, seen_s=kept)
        return replace(self, pictures=pictures, p_seen=min(pictures.shown(self.stays) / self.close, 1.0), close=1.0)

    def told(self, settings: Settings) -> bool:
        """Tell whether its own vehicles tell what share of them is seen: many enough in two pictures, and little doubt."""
        many = self.share is not None and self.share >= settings.flow_share
        return many and self.doubt[1] <= settings.doubt * self.doubt[0]


def judge(view: View, settings: Settings) -> tuple[str, str]:
    """Return what one camera supports, and why not more."""
    if not view.slots_seen:
        return "none", f"no usable picture of {view.slots_planned} planned"
    if view.close < 1.0:
        return (
            "count",
            f"watched closely for {_percent(view.close)} of the time only: counts, and travel times to neighbours",
        )
    if without := _no_direction(view, settings):
        return "count", f"{without}, counts only"
    if view.p_seen < settings.link_p_seen:
        return "flow", f"{_told(view, settings)}: too few to link"
    return "link", f"{_told(view, settings)}; one camera alone makes no trajectory"


def _no_direction(view: View, settings: Settings) -> str:
    """Say why a camera cannot tell where its vehicles head; empty where it can."""
    if view.cadence_s is None or view.cadence_s >= settings.follow_s:
        return f"{_told(view, settings)}: too seldom to follow one"
    if view.p_seen < settings.flow_p_seen:
        return f"{_told(view, settings)}: too few for flows"
    if view.share is not None and view.share < settings.flow_share:
        seen_on = f"{_percent(view.share)} of passing vehicles are in two pictures or more"
        return f"{seen_on}{_doubted(view, settings)}: no direction"
    if view.share is None and (view.dwell_s or 0) < settings.flow_pictures * view.cadence_s:
        return f"{_told(view, settings)}, most of them in one picture: no direction"
    return ""


def judge_pair(first: View, second: View, p_pair: float, settings: Settings) -> tuple[str, str]:
    """Return what two cameras support together, and why not more.

    Where they are watched in bursts, `p_pair` is of the vehicles that bursts show at both, and the verdict is for these.
    """
    verdict, reason = min(
        (judge(view.closely(settings.follow_s), settings) for view in (first, second)),
        key=lambda each: VERDICTS.index(each[0]),
    )
    if VERDICTS.index(verdict) < VERDICTS.index("flow"):
        return verdict, f"at one of the two, {reason}"
    close = min(first.close, second.close)
    p_pair = min(p_pair / close, 1.0)
    while_close = f" while both are watched closely, {_percent(close)} of the time," if close < 1.0 else ""
    told = f"{_percent(p_pair)} of vehicles on this way{while_close} are in a picture of both cameras"
    if p_pair < settings.link_p_pair:
        return "flow", f"{told}: too few to link"
    if p_pair < settings.trajectory_p_pair:
        return "link", f"{told}: travel times, but chains would break"
    return "trajectory", told


def _told(view: View, settings: Settings) -> str:
    """Say in words what share a camera sees."""
    often = f"one still in {view.cadence_s:.3g} s" if view.cadence_s else "a single still"
    outage = view.slots_planned - view.slots_seen
    lost = f", with {outage} of {view.slots_planned} missing or unusable," if outage else ""
    return f"{often}{lost} sees {_percent(view.p_seen)} of passing vehicles{_doubted(view, settings)}"


def _doubted(view: View, settings: Settings) -> str:
    """Say what the share seen rests on where its own vehicles do not tell it, and how far off it may be."""
    if view.told(settings):
        return ""
    range_ = " to ".join(_percent(p) for p in view.doubt)
    if view.followed is not None:
        return f" ({range_}: they do not stay long enough to tell)"
    if view.lenders:
        return f" ({range_}, if they stay as long as at {view.lenders} other cameras)"
    return f" (taken to stay {view.dwell_s:.3g} s in view; {range_} if half as long, or three times)"


def _percent(share: float) -> str:
    """Write a share without rounding a little to nothing, or nearly all to all."""
    if 0.0 < share < 0.01:
        return "under 1%"
    return "over 99%" if 0.99 < share < 1.0 else f"{share:.0%}"
