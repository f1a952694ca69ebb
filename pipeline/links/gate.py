"""Find who may have come from where: by place, heading and time, in bands of sorted arrivals."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.links.passes import US, Passes
from pipeline.scans import HOUR, Window

Ints = NDArray[np.int64]
HOUR_US = HOUR // timedelta(microseconds=1)
NONE: Ints = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Gate:
    """The gates of one way: m departures, and the arrivals that each of them may be."""

    way: int
    """Number of the way."""
    query: Ints
    """(m,) passes that leave."""
    first: Ints
    """(m,) place in `arrival` at which each gate opens."""
    last: Ints
    """(m,) place before which it closes."""
    arrival: Ints
    """(a,) passes that arrive, in order of time."""
    clock_us: int
    """Microseconds that the clock of the camera reached is ahead."""
    later: bool
    """Whether arrivals must also have passed later than departures: where both views show one place."""

    @property
    def size(self) -> int:
        """Count the pairs."""
        return int((self.last - self.first).sum())

    def pairs(self) -> tuple[Ints, Ints]:
        """Return (c,) passes that leave and (c,) that arrive, gate after gate."""
        count = self.last - self.first
        place = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count - self.first, count)
        return np.repeat(self.query, count), self.arrival[place]

    def met(self) -> Ints:
        """Return the places in `arrival` that are in any gate."""
        opened = np.bincount(self.first, minlength=len(self.arrival) + 1) - np.bincount(
            self.last, minlength=len(self.arrival) + 1
        )
        return np.flatnonzero(np.cumsum(opened)[:-1] > 0)


@dataclass(frozen=True)
class Order:
    """Passes by camera and heading, each group in order of time."""

    view: Passes

    @cached_property
    def _rows(self) -> tuple[Ints, Ints]:
        """Return the rows in order of group and time, and where each group begins."""
        rows = np.flatnonzero(self.view.moved)
        rows = rows[np.lexsort((self.view.entered_us[rows], self.view.group[rows]))]
        return rows, np.searchsorted(self.view.group[rows], np.arange(len(self.view.groups) + 1))

    @cached_property
    def _headings(self) -> dict[str, dict[str, int]]:
        """Return the number of each group, by camera and heading."""
        found: dict[str, dict[str, int]] = {}
        for number, (camera, heading) in enumerate(self.view.groups):
            found.setdefault(camera, {})[heading] = number
        return found

    def at(self, camera: str, *headings: str) -> Ints:
        """Return the passes of a camera in some headings, or in all where none is named, in order of entering."""
        known = self._headings.get(camera, {})
        numbers = sorted(known[each] for each in headings or known if each in known)
        rows, starts = self._rows
        found = np.concatenate([NONE, *(rows[starts[each] : starts[each + 1]] for each in numbers)])
        return found if len(numbers) < 2 else found[np.lexsort((found, self.view.entered_us[found]))]


def gates(view: Passes, transitions: pa.Table, observability: pa.Table, window: Window) -> list[Gate]:
    """Return the gates of all ways into a window and the one before, in the order of `transitions`; empty ones are left out.

    A pair of cameras must support links in the hour of leaving and in that of arrival; one that was not weighed is refused
    like one that was found too weak. A way from a camera to itself joins pieces of one pass. One without an hour is open in
    all. The same answers as `sql/links/candidates.sql`, which a test holds it to: a join by buckets of time takes the
    city's two hours minutes and holds all pairs at once.
    """
    order, honest = Order(view), _honest(observability)
    span = microseconds(window.hour_at - HOUR), microseconds(window.hour_at + HOUR)
    names = "from_camera", "to_camera", "heading", "to_heading"
    ends = zip(*(transitions[name].to_pylist() for name in names), strict=True)
    hours = transitions["hour_at"].cast(pa.int64()).to_pylist()
    reach = zip(*(np.floor(transitions[name].to_numpy() * US) for name in ("floor_s", "ceiling_s")), strict=True)
    clock_us = np.rint(transitions["clock_s"].to_numpy() * US).astype(np.int64).tolist()
    known: dict[tuple[object, ...], Ints] = {}
    found = []
    for way, ((start, end, heading, to_heading), hour_us, (floor_us, ceiling_us)) in enumerate(
        zip(ends, hours, reach, strict=True)
    ):
        hours_us = None if start == end else honest.get((start, end), NONE)
        key = end, to_heading, None if hours_us is None else hours_us.tobytes()
        if key not in known:
            to = order.at(end) if to_heading == "none" else order.at(end, to_heading, "none")
            known[key] = _within(view.entered_us, to, hours_us, span)
        query = _leaving(view, order.at(start, heading), hours_us, hour_us)
        found.append(_gate(view, way, query, known[key], (int(floor_us), int(ceiling_us), clock_us[way])))
    return [gate for gate in found if gate.size]


def microseconds(instant: datetime) -> int:
    """Return microseconds since 1970."""
    return round(instant.timestamp()) * US


def _honest(observability: pa.Table) -> dict[tuple[str, str], Ints]:
    """Return the hours in which each pair of cameras supports links, microseconds since 1970."""
    firm = pc.is_in(observability["verdict"], pa.array(["link", "trajectory"]))
    rows = observability.filter(pc.and_(firm, pc.not_equal(observability["pair_camera_id"], "")))
    hours = rows["hour_at"].cast(pa.int64()).to_pylist()
    found: dict[tuple[str, str], list[int]] = {}
    for camera, other, hour in zip(
        rows["camera_id"].to_pylist(), rows["pair_camera_id"].to_pylist(), hours, strict=True
    ):
        found.setdefault((camera, other), []).append(hour)
    return {pair: np.unique(np.array(hours, np.int64)) for pair, hours in found.items()}


def _leaving(view: Passes, rows: Ints, hours_us: Ints | None, hour_us: int | None) -> Ints:
    """Return those of the rows that leave in a way's hour and in one that supports links, in order of leaving."""
    hour = view.left_us[rows] // HOUR_US * HOUR_US
    kept = np.ones(len(rows), bool) if hours_us is None else np.isin(hour, hours_us)
    rows = rows[kept if hour_us is None else kept & (hour == hour_us)]
    return rows[np.argsort(view.left_us[rows], kind="stable")]


def _within(entered_us: Ints, rows: Ints, hours_us: Ints | None, span: tuple[int, int]) -> Ints:
    """Return those of the rows that arrive within a span and in hours that support links."""
    at_us = entered_us[rows]
    kept = (at_us >= span[0]) & (at_us < span[1])
    return rows[kept if hours_us is None else kept & np.isin(at_us // HOUR_US * HOUR_US, hours_us)]


def _gate(view: Passes, way: int, query: Ints, arrival: Ints, times_us: tuple[int, int, int]) -> Gate:
    """Look up the arrivals of each departure."""
    floor_us, ceiling_us, clock_us = times_us
    entered_us, left_us = view.entered_us[arrival], view.left_us[query] + clock_us
    first = np.searchsorted(entered_us, left_us + floor_us, side="left")
    last = np.searchsorted(entered_us, left_us + ceiling_us, side="right")
    return Gate(way, query, first, np.maximum(first, last), arrival, clock_us, floor_us < 0)
