"""Gate pairs of passes by place, heading and time, and tell how alike they look."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.links import appearance
from pipeline.links.gate import HOUR_US, Gate, Order, gates
from pipeline.links.pairs import KINDS, Census, Pairs, Ways, census, crowds, tallied
from pipeline.links.passes import US, Passes
from pipeline.links.settings import Settings
from pipeline.links.timing import MOST_TRUST
from pipeline.scans import HOUR, Window
from pipeline.tables import TRANSITIONS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
T = TypeVar("T")
Weigh = Callable[[Pairs, Floats], Floats]
NOTHING = np.zeros(0)
CLEAR_PX = (12.0, 20.0)
"""Sizes between the classes of clarity, pixels of the shorter side."""
SAME_S = 30.0
"""Passes of one camera nearer in time than this may be pieces of one vehicle, so they are no impostors, seconds."""
ROAD_TRUST = 6.0
"""Pairs' worth of trust in travel times guessed from the road."""
BLOCK = 1 << 19
"""Pairs compared at once by a thread."""
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
    gated: int
    """Pairs in the gates, held or not."""

    def __getitem__(self, rows: Ints | NDArray[np.bool_]) -> "Evidence":
        """Keep some of the pairs, or put them in order."""
        return replace(self, pairs=self.pairs[rows], cosine=self.cosine[rows], crowd=self.crowd[rows])


def compare(
    view: Passes, transitions: pa.Table, observability: pa.Table, window: Window, settings: Settings
) -> "Comparison":
    """Gate the pairs by place, heading and time, arrivals of the window and of the one before; they are compared when asked for."""
    transitions = transitions.sort_by([(name, "ascending") for name in TRANSITIONS.key])
    found = gates(view, transitions, observability, window)
    return Comparison(view, _ways(view, transitions), Order(view), transitions, tuple(_blocks(found)), settings)


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
    ends = list(zip(transitions["to_camera"].to_pylist(), transitions["to_heading"].to_pylist(), strict=True))
    reached = {name: row for row, name in enumerate(sorted(set(ends)))}
    end = np.array([reached[name] for name in ends], dtype=np.int64)
    departures = _departures(view, starts)
    learned = np.array([source == "learned" for source in transitions["source"].to_pylist()], dtype=bool)
    trust = np.where(learned, np.minimum(transitions["support"].to_numpy(), MOST_TRUST), ROAD_TRUST)
    mu, sigma, floor_s, ceiling_s, clock_s = (
        transitions[name].to_numpy() for name in ("travel_mu", "travel_sigma", "floor_s", "ceiling_s", "clock_s")
    )
    return Ways(mu, sigma, trust, floor_s, ceiling_s, start, departures, clock_s, end)


def _departures(view: Passes, starts: list[tuple[str, str, int]]) -> Floats:
    """Count the passes that leave each camera in each heading in each hour, or in ANY_HOUR."""
    at = {name: row for row, name in enumerate(view.groups)}
    group, hour = view.group[view.moved], view.left_us[view.moved] // HOUR_US * HOUR_US
    kinds, count = np.unique(np.column_stack([group, hour]), axis=0, return_counts=True)
    leaving = {(int(row), int(when)): int(n) for (row, when), n in zip(kinds, count, strict=True)}
    leaving |= {(row, ANY_HOUR): int(n) for row, n in enumerate(np.bincount(group, minlength=len(at)))}
    return np.array([leaving.get((at.get((place, way), -1), when), 0) for place, way, when in starts], np.float64)


@dataclass(frozen=True)
class Comparison:
    """Gates whose pairs can be compared, on all cores, some ways at a time; no bit depends on how many cores there are."""

    view: Passes
    ways: Ways
    order: Order
    transitions: pa.Table
    blocks: tuple[tuple[Gate, ...], ...]
    """Gates compared at once by a thread."""
    settings: Settings

    def census(self) -> Census:
        """Count all pairs; none is held."""
        return census(self._compared(lambda part: tallied(part.pairs, self.ways)), self.ways)

    def held(self, weigh: Weigh | None = None) -> Evidence:
        """Return the pairs; where they are weighed, the likeliest `settings.most_pairs` of them.

        Args:
            weigh: Gives the odds of pairs in some crowd.
        """
        parts: list[Evidence] = []
        odds: list[Floats] = []
        for part, found in self._compared(lambda part: (part, weigh(part.pairs, part.crowd) if weigh else NOTHING)):
            parts.append(part)
            odds.append(found)
            if sum(map(len, odds)) > 2 * self.settings.most_pairs:
                parts, odds = self._likeliest(parts, odds)
        parts, odds = self._likeliest(parts, odds)
        whole = _joined(parts, self.ways)
        parts.clear()
        return whole[np.lexsort((whole.pairs.way, whole.pairs.gallery, whole.pairs.query))]

    def _likeliest(self, parts: list[Evidence], odds: list[Floats]) -> tuple[list[Evidence], list[Floats]]:
        """Keep the pairs that may be held; equals stay or go together, so that it does not matter when this is asked."""
        every = np.concatenate([NOTHING, *odds])
        beyond = len(every) - self.settings.most_pairs
        if beyond <= 0:
            return parts, odds
        bar = np.partition(every, beyond - 1)[beyond - 1]
        over = [each > bar for each in odds]
        kept = [part[rows] for part, rows in zip(parts, over, strict=True)]
        return kept, [each[rows] for each, rows in zip(odds, over, strict=True)]

    def _compared(self, use: Callable[[Evidence], T]) -> Iterator[T]:
        """Compare block after block and give what is made of each, in order; few wait to be taken."""
        with ThreadPoolExecutor(threads := _threads()) as pool:
            waiting: deque[Future[T]] = deque()
            for block in self.blocks:
                waiting.append(pool.submit(self._used, block, use))
                if len(waiting) > threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _used(self, gates: tuple[Gate, ...], use: Callable[[Evidence], T]) -> T:
        """Compare the pairs of some gates and give what is made of them."""
        return use(_joined([self._gate(gate) for gate in gates], self.ways))

    def _gate(self, gate: Gate) -> Evidence:
        """Compare the pairs of one gate."""
        from pipeline.links import kernel  # imports the compiler, which only those who link need

        view, ways, (one, other) = self.view, self.ways, gate.pairs()
        cosine, rarity = kernel.band(view.vectors, gate.query, gate.first, gate.last, gate.arrival, self._looks(gate))
        unknown = ~(view.seen[one] & view.seen[other])
        cosine[unknown] = rarity[unknown] = np.nan
        if gate.later:
            kept = view.passed_twice_us[other] > view.passed_twice_us[one] + 2 * gate.clock_us
            one, other, cosine, rarity = one[kept], other[kept], cosine[kept], rarity[kept]
        way = np.full(len(one), gate.way)
        clarity = np.searchsorted(CLEAR_PX, np.minimum(view.largest_px[one], view.largest_px[other]), side="right")
        travel_s = view.abreast_s[other] - view.abreast_s[one] - ways.clock_s[gate.way]
        crowd = crowds(one, way, (ways.ceiling_s - ways.floor_s)[way])
        kinds = view.kind[one] * KINDS + view.kind[other]
        return Evidence(Pairs(one, other, way, travel_s, rarity, clarity, kinds), cosine, ways, crowd, len(one))

    def _looks(self, gate: Gate) -> tuple[Floats, Floats]:
        """Measure how alike the departures and the impostors ahead are, and the arrivals and those behind."""
        from pipeline.links import kernel

        view, ways, number = self.view, self.ways, gate.way
        start, heading, end, to_heading = self._ends[number]
        leaving, arriving = self._cohort(start, heading), self._cohort(end, to_heading)
        clock_s = ways.clock_s[number]
        gap_s = (
            (-SAME_S, SAME_S) if start == end else (ways.floor_s[number] + clock_s, ways.ceiling_s[number] + clock_s)
        )
        gap_us = gap_s[0] * US, gap_s[1] * US
        out, back = np.full((len(gate.query), 3), np.nan), np.full((len(gate.arrival), 3), np.nan)
        some, met = np.flatnonzero(gate.last > gate.first), gate.met()
        one, other = gate.query[some], gate.arrival[met]
        out[some] = kernel.looks(view.vectors, one, view.left_us[one], arriving, view.entered_us[arriving], gap_us)
        back_us = -gap_us[1], -gap_us[0]
        back[met] = kernel.looks(view.vectors, other, view.entered_us[other], leaving, view.left_us[leaving], back_us)
        return out, back

    @cached_property
    def _ends(self) -> list[tuple[str, str, str, str]]:
        """Return camera and heading at both ends of each way."""
        names = "from_camera", "heading", "to_camera", "to_heading"
        return list(zip(*(self.transitions[name].to_pylist() for name in names), strict=True))

    def _cohort(self, camera: str, heading: str) -> Ints:
        """Choose the passes at one end of a way that tell how common a look is there; `none` is any heading."""
        rows = self.order.at(camera, *(() if heading == "none" else (heading,)))
        return appearance.spread(rows[self.view.seen[rows]], self.settings.impostors)


def _joined(parts: list[Evidence], ways: Ways) -> Evidence:
    """Put the pairs of several parts behind one another."""
    pairs, gated = [part.pairs for part in parts], sum(part.gated for part in parts)
    one, other, way, clarity, kinds = (
        np.concatenate([np.zeros(0, np.int64), *(getattr(each, name) for each in pairs)])
        for name in ("query", "gallery", "way", "clarity", "kinds")
    )
    travel_s, rarity, cosine, crowd = (
        np.concatenate([np.zeros(0), *(getattr(each, name) for each in of)])
        for of, name in ((pairs, "travel_s"), (pairs, "rarity"), (parts, "cosine"), (parts, "crowd"))
    )
    return Evidence(Pairs(one, other, way, travel_s, rarity, clarity, kinds), cosine, ways, crowd, gated)


def _blocks(gates: list[Gate]) -> Iterator[tuple[Gate, ...]]:
    """Part gates so that few blocks hold many pairs."""
    block: list[Gate] = []
    size = 0
    for gate in gates:
        block.append(gate)
        size += gate.size
        if size >= BLOCK:
            yield tuple(block)
            block, size = [], 0
    if block:
        yield tuple(block)


def _threads() -> int:
    """Return how many threads may compare: as asked by THOROUGHFARE_THREADS, else one a core."""
    return int(os.environ.get("THOROUGHFARE_THREADS", "0")) or len(os.sched_getaffinity(0))
