"""Say who is polled when: sweeps of every camera and, on corridors, bursts close enough to follow a vehicle.

`[scan.<name>.bursts]` names corridors: cameras one after another along a road, polled together for a while, again and
again. A scan without the section is swept alone.
"""

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any

from pipeline.errors import SettingsError
from pipeline.scans import Scan, Window

SECTION = "bursts"


@dataclass(frozen=True)
class Corridor:
    """Cameras one after another along a road."""

    cameras: tuple[str, ...]
    """Native ids, in the order of the road."""
    at_s: float = 0.0
    """Seconds from the night's start to its first burst."""


@dataclass(frozen=True)
class Bursts:
    """What `[scan.<name>.bursts]` says: who is polled closely, how closely, how long, how often."""

    cadence_s: float = 2.0
    """Seconds between two observations of a camera while its burst lasts."""
    length_s: float = 600.0
    """Seconds that a burst lasts."""
    every_s: float = 3600.0
    """Seconds from the start of one burst of a corridor to the start of its next."""
    corridors: tuple[Corridor, ...] = ()
    """In TOML: `[{cameras = ["101", "103"], at_s = 0}, ...]`; a camera stands in one at most."""

    @cached_property
    def of(self) -> dict[str, Corridor]:
        """Find the corridor of each camera."""
        return {native_id: corridor for corridor in self.corridors for native_id in corridor.cameras}

    @property
    def pictures(self) -> int:
        """Count the observations of one camera in one burst."""
        return int(_span(self.length_s) / _span(self.cadence_s))


SWEEPS = Bursts()
"""No corridor: sweeps alone."""


def read(scan: Scan) -> Bursts:
    """Read a scan's bursts; SettingsError names section and field of what cannot be."""
    stated = scan.stages.get(SECTION)
    return SWEEPS if stated is None else _read(scan.name, json.dumps(stated, default=str))


def slots(scan: Scan, window: Window, native_id: str, least_s: float = 0.0) -> list[datetime]:
    """Plan the observations of a camera in a window: its sweeps and its bursts, counted from the night's start in UTC.

    While a burst lasts, its observations stand and those of the sweep are left out, also where one would come sooner than
    the burst's cadence before its first or after its last.

    Args:
        scan: Its `cadence_s` is the sweep's.
        window: Hour of one of its nights.
        native_id: Camera.
        least_s: Least seconds between two observations that the feed's terms allow; a faster sweep is slowed to it.

    Returns:
        Times, UTC, ascending; no two are closer than `least_s`.

    Raises:
        SettingsError: the bursts are faster than the feed allows, or make no sense.
    """
    bursts = checked(scan, least_s)
    sweep = list(_sweep(scan.timezone, scan.hours, sweep_s(scan, least_s), window))
    if native_id not in bursts.of:
        return sweep
    first = _first(scan.timezone, scan.hours, window.starts_at)
    close, length = _span(bursts.cadence_s), bursts.pictures * _span(bursts.cadence_s)
    begins = first + timedelta(seconds=bursts.of[native_id].at_s)
    starts = _every(begins, _span(bursts.every_s), window.starts_at - length - close, window.ends_at + close)
    burst = [
        start + number * close
        for start in starts
        for number in range(bursts.pictures)
        if window.starts_at <= start + number * close < window.ends_at
    ]
    kept = [slot for slot in sweep if not any(start - close < slot < start + length for start in starts)]
    return sorted(kept + burst)


def sweep_s(scan: Scan, least_s: float) -> float:
    """Return the seconds between two observations of a camera outside its bursts."""
    return max(scan.cadence_s, least_s)


def closest_s(scan: Scan, native_id: str, least_s: float = 0.0) -> float:
    """Return the least seconds between two observations of a camera."""
    bursts = read(scan)
    return bursts.cadence_s if native_id in bursts.of else sweep_s(scan, least_s)


def thinned(there: Sequence[datetime], planned: Sequence[datetime]) -> list[datetime]:
    """Choose of recorded observations the first at or after each planned one, and before the next planned one."""
    places = [bisect_left(there, at) for at in planned]
    ends = [*places[1:], len(there)]
    return [there[place] for place, end in zip(places, ends, strict=True) if place < end]


def checked(scan: Scan, least_s: float) -> Bursts:
    """Read a scan's bursts for a feed; SettingsError where its terms allow none so fast."""
    bursts = read(scan)
    if bursts.corridors and bursts.cadence_s < least_s:
        raise SettingsError(
            f"settings [scan.{scan.name}.{SECTION}]: cadence_s = {bursts.cadence_s:g}, and feed {scan.feed} may be asked "
            f"for a camera every {least_s:g} s at most; take the section out, or raise cadence_s"
        )
    return bursts


@lru_cache(maxsize=64)
def _read(name: str, stated: str) -> Bursts:
    """Check and build what a section says; asked for once."""
    where, section = f"settings [scan.{name}.{SECTION}]", json.loads(stated)
    known = [each.name for each in fields(Bursts)]
    if unknown := sorted(set(section) - set(known)):
        raise SettingsError(f"{where}: unknown keys {unknown}; choose from {known}")
    chosen = {key: _seconds(where, key, value) for key, value in section.items() if key != "corridors"}
    corridors = section.get("corridors", [])
    if not isinstance(corridors, list):
        raise SettingsError(
            f"{where}: corridors = {corridors!r} is no list; write [{{cameras = [...], at_s = 0}}, ...]"
        )
    bursts = Bursts(**chosen, corridors=tuple(_corridor(where, number, each) for number, each in enumerate(corridors)))
    _hold(where, bursts)
    return bursts


def _seconds(where: str, key: str, value: Any, least: float = 0.1) -> float:
    """Read a number of seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < float("inf"):
        raise SettingsError(f"{where}: {key} = {value!r} is no number of seconds from {least:g} on; mend it")
    return float(value)


def _corridor(where: str, number: int, stated: Any) -> Corridor:
    """Read one corridor."""
    here = f"{where}: corridors[{number}]"
    if not isinstance(stated, dict) or set(stated) - {"cameras", "at_s"} or "cameras" not in stated:
        raise SettingsError(f'{here} = {stated!r} is no corridor; write {{cameras = ["101", "103"], at_s = 0}}')
    cameras = stated["cameras"]
    if not isinstance(cameras, list) or not cameras or not all(isinstance(each, str) for each in cameras):
        raise SettingsError(f"{here}: cameras = {cameras!r} is no list of native ids; write them as texts")
    return Corridor(tuple(cameras), _seconds(here, "at_s", stated.get("at_s", 0.0), 0.0))


def _hold(where: str, bursts: Bursts) -> None:
    """Hold the seconds of a section against each other."""
    if bursts.length_s < bursts.cadence_s:
        raise SettingsError(
            f"{where}: length_s = {bursts.length_s:g} is shorter than cadence_s = {bursts.cadence_s:g}; raise it"
        )
    if bursts.every_s < bursts.length_s:
        raise SettingsError(
            f"{where}: every_s = {bursts.every_s:g} is shorter than length_s = {bursts.length_s:g}; raise it"
        )
    for number, corridor in enumerate(bursts.corridors):
        if corridor.at_s >= bursts.every_s:
            raise SettingsError(
                f"{where}: corridors[{number}]: at_s = {corridor.at_s:g} is not below every_s = {bursts.every_s:g}; lower it"
            )
    counted = Counter(native_id for corridor in bursts.corridors for native_id in corridor.cameras)
    if twice := sorted(native_id for native_id, count in counted.items() if count > 1):
        raise SettingsError(f"{where}: corridors: camera {twice[0]!r} stands in two, or twice; leave it in one place")


@lru_cache(maxsize=1024)
def _sweep(timezone: str, hours: str, step_s: float, window: Window) -> tuple[datetime, ...]:
    """Plan a window's sweeps: the same for every camera."""
    first = _first(timezone, hours, window.starts_at)
    return tuple(_every(first, _span(step_s), window.starts_at, window.ends_at))


@lru_cache(maxsize=1024)
def _first(timezone: str, hours: str, moment: datetime) -> datetime:
    """Return the start of the night that a moment lies in: the same for every camera."""
    scan = Scan("", "", timezone, "", hours)
    return scan.starts_at(scan.night_of(moment))


def _every(first: datetime, step: timedelta, start: datetime, end: datetime) -> list[datetime]:
    """List first, first + step, ... from `start` on and before `end`."""
    number = max(-((first - start) // step), 0) if start > first else 0
    number += first + number * step < start
    found = []
    while (at := first + number * step) < end:
        found.append(at)
        number += 1
    return found


def _span(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)
