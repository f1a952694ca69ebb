"""Drive vehicles through the invented city, hour by hour: where each passed which camera, and when.

Trips are drawn between junctions (gravity, more at the city's edge), each by the way its kind of driver finds the
shortest. A stretch takes its length over its free speed, times the driver's own pace, the hour's congestion on it, and
chance; then the signal at its end holds the vehicle until green, and the queue before it. So vehicles come in platoons.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pipeline.synthetic.network import CAPACITY, CYCLE_S, DRIVERS, RED, SPEED_MPS, Cameras, cameras, network
from pipeline.synthetic.options import SIZES, Options

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HOUR_S = 3600.0
NIGHT = (1.9, 1.5, 1.1, 0.8, 0.6, 0.5, 0.65, 0.95)
"""Traffic of the hours from 22 to 6 against their mean."""
TRIP_M = 4000.0
"""Scale of the fall of demand with distance, metres."""
GATEWAYS = 0.6
"""Share of trips that begin, and of those that end, at the edge of the city."""
PACE, CHANCE = 0.08, 0.08
"""Standard deviations of ln(speed): of a driver on all stretches, and of one stretch."""
WANDER = 0.12
"""Amplitude of the slow rise and fall of ln(travel time) on a stretch, the same for all on it."""
START_UP_S = 1.9
"""Seconds between two vehicles of a queue that leave at green."""
SETTLING = 6
"""Rounds in which drivers find ways around what is clogged (method of successive averages)."""
SAMPLED = 20_000
"""Trips that tell how busy each stretch is."""


@dataclass(frozen=True)
class Passes:
    """m passes of vehicles by cameras, in true seconds since the night began."""

    vehicle: Ints
    """(m,) number of the vehicle."""
    camera: Ints
    """(m,) number of the camera."""
    toward: Ints
    """(m,) 0 for driving away from the camera, 1 for toward it."""
    entered_s: Floats
    left_s: Floats
    """(m,) when it came into view and went out of it."""
    speed_mps: Floats
    """(m,) while it moves."""
    number: Ints
    """(m,) of the pass, from 0 without a gap; it keeps it in a second window. -1 before it has one."""

    def __len__(self) -> int:
        """Count the passes."""
        return len(self.vehicle)

    def __getitem__(self, rows: NDArray[np.bool_] | Ints) -> "Passes":
        """Keep some of the passes."""
        return Passes(*(getattr(self, each.name)[rows] for each in fields(self)))


def joined(parts: list[Passes]) -> Passes:
    """Put passes together."""
    return Passes(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Passes)))


class Traffic:
    """The vehicles of one night; every hour of departures follows from the seed alone."""

    def __init__(self, options: Options) -> None:
        """Lay out the city and tell how busy it is."""
        self.options, self.roads = options, network(options)
        flow = self._settled()
        self.cameras = cameras(self.roads, flow, options)
        self.of_edge = _by_edge(self.cameras, len(flow))
        watched = flow * (self.of_edge >= 0).sum(axis=1)
        self.per_hour = SIZES[options.size].an_hour * SIZES[options.size].cameras / (watched.sum() / SAMPLED)
        self.busy = flow / SAMPLED * self.per_hour / CAPACITY[self.roads.kind]

    def hours(self, count: int) -> Iterator[Passes]:
        """Yield the passes that fall into each hour of the night, in order of camera, direction and time.

        One that falls into two hours is in both. Vehicles already under way when the night begins left in the hour before.
        """
        under_way, numbered = self._departed(-1), 0
        for hour in range(count):
            passes = joined([under_way, self._departed(hour)])
            begins, ends = hour * HOUR_S, (hour + 1) * HOUR_S
            inside = (passes.left_s >= begins) & (passes.entered_s < ends)
            fresh = inside & (passes.number < 0)
            passes.number[fresh] = numbered + np.arange(fresh.sum())
            numbered += int(fresh.sum())
            here = passes[inside]
            yield here[np.lexsort((here.vehicle, here.entered_s, here.toward, here.camera))]
            under_way = passes[passes.left_s >= ends]

    def first_vehicle(self, hour: int) -> int:
        """Return the number of the first vehicle that departs in an hour."""
        return sum(self._departures(each) for each in range(-1, hour))

    def _departures(self, hour: int) -> int:
        """Return how many depart in an hour."""
        return int(self.per_hour * self._level(hour))

    def _level(self, hour: int) -> float:
        """Return the traffic of an hour against the night's mean."""
        return NIGHT[max(hour, 0) % len(NIGHT)] if self.options.size == "city" else 1.0

    def _settled(self) -> Floats:
        """Return how many of some trips go along each stretch once drivers have found ways around what is clogged."""
        free_s, flow = self.roads.free_s(), np.zeros(len(self.roads.start))
        capacity = CAPACITY[self.roads.kind]
        for times in range(1, SETTLING + 1):
            load = flow / max(float(flow.mean()), 1e-9) * SIZES[self.options.size].an_hour / 2 / capacity
            self.onward = self.roads.onward(free_s * (1.0 + load**2), self.options.seed)
            flow = flow + (self._sampled() - flow) / times
        return self._sampled()

    def _sampled(self) -> Floats:
        """Return how many of some trips go along each stretch."""
        rng = np.random.default_rng([self.options.seed, 3])
        node, goal, kind = self._trips(SAMPLED, rng)
        flow = np.zeros(len(self.roads.start))
        while len(node):
            after = self.onward[kind, goal, node].astype(np.int64)
            flow += np.bincount(self.roads.edge[node, after], minlength=len(flow))
            going = after != goal
            node, goal, kind = after[going], goal[going], kind[going]
        return flow

    def _trips(self, n: int, rng: np.random.Generator) -> tuple[Ints, Ints, Ints]:
        """Draw where trips begin and end, and the kind of each driver."""
        xy, side = self.roads.xy, SIZES[self.options.size].side
        place = np.arange(len(xy))
        rim = (place % side == 0) | (place % side == side - 1) | (place // side == 0) | (place // side == side - 1)
        joined_up = np.bincount(self.roads.start, SPEED_MPS[self.roads.kind] ** 2, len(xy))
        weight = np.where(rim, GATEWAYS / joined_up[rim].sum(), (1 - GATEWAYS) / joined_up[~rim].sum()) * joined_up
        weight /= weight.sum()
        start = rng.choice(len(xy), n, p=weight)
        goal = rng.choice(len(xy), n, p=weight)
        for _ in range(60):
            apart_m = np.hypot(*(xy[goal] - xy[start]).T)
            gravity = 1.0 - np.exp(-apart_m / TRIP_M) if self.options.size == "district" else np.exp(-apart_m / TRIP_M)
            again = (rng.random(n) > gravity) | (goal == start) | (apart_m < 1000.0)
            if not again.any():
                break
            goal[again] = rng.choice(len(xy), int(again.sum()), p=weight)
        astray = goal == start
        goal[astray] = (start[astray] + 1) % len(xy)
        return start, goal, rng.integers(0, DRIVERS, n)

    def _departed(self, hour: int) -> Passes:
        """Drive all who depart in an hour, one stretch after another."""
        options, roads = self.options, self.roads
        rng = np.random.default_rng([options.seed, 4, hour + 1])
        n, first = self._departures(hour), self.first_vehicle(hour)
        node, goal, kind = self._trips(n, rng)
        vehicle = first + np.arange(n)
        at_s = hour * HOUR_S + rng.uniform(0.0, HOUR_S, n)
        pace = np.exp(rng.normal(0.0, PACE, n))
        level, found = self._level(hour), []
        while len(node):
            after = self.onward[kind, goal, node].astype(np.int64)
            edge = roads.edge[node, after].astype(np.int64)
            run_s = roads.length_m[edge] / (SPEED_MPS[roads.kind[edge]] * pace)
            run_s *= self._congestion(edge, at_s, level) * np.exp(rng.normal(0.0, CHANCE, len(edge)))
            there_s = at_s + run_s
            gone_s = there_s + self._held(edge, there_s, level, rng)
            found += self._seen(vehicle, edge, at_s, run_s, gone_s)
            going = after != goal
            node, goal, kind, vehicle = after[going], goal[going], kind[going], vehicle[going]
            at_s, pace = gone_s[going], pace[going]
        return joined(found)

    def _congestion(self, edge: Ints, at_s: Floats, level: float) -> Floats:
        """Return by how much traffic slows a stretch: by its load (Bureau of Public Roads, 1964), and in slow waves."""
        load = 1.0 + 0.15 * np.minimum(self.busy[edge] * level, 1.5) ** 4
        period_s, phase = 1200.0 + 137.0 * (edge % 17), 2.399963 * edge
        return np.asarray(load * np.exp(WANDER * np.sin(2 * np.pi * at_s / period_s + phase)))

    def _held(self, edge: Ints, there_s: Floats, level: float, rng: np.random.Generator) -> Floats:
        """Return seconds a vehicle waits at the signal at the end of its stretch, and in the queue before it."""
        red_s = RED[self.roads.kind[edge]] * CYCLE_S
        vertical = np.abs(np.cos(np.radians(self.roads.bearing_deg[edge]))) > 0.7
        turned = (self.roads.end[edge] * 37.7 + np.where(vertical, 0.5 * CYCLE_S, 0.0)) % CYCLE_S
        phase_s = (there_s - turned) % CYCLE_S
        waits = phase_s < red_s
        ahead = rng.poisson(np.maximum(phase_s, 0.0) / CYCLE_S * 5.0 * np.minimum(self.busy[edge] * level, 2.0))
        return np.asarray(np.where(waits, red_s - phase_s + START_UP_S * (1 + ahead), 0.0))

    def _seen(self, vehicle: Ints, edge: Ints, at_s: Floats, run_s: Floats, gone_s: Floats) -> list[Passes]:
        """Return the passes of some vehicles on one stretch each, by the cameras there."""
        seen, length_m = self.cameras, self.roads.length_m[edge]
        parts = []
        for column in self.of_edge.T:
            watched = np.flatnonzero(column[edge] >= 0)
            camera = column[edge[watched]]
            toward = (seen.edge[camera] != edge[watched]).astype(np.int64)
            metres, speed = length_m[watched], length_m[watched] / run_s[watched]
            from_m = np.where(toward, metres - seen.to_m[camera], seen.from_m[camera])
            to_m = np.where(toward, metres - seen.from_m[camera], seen.to_m[camera])
            left_s = np.where(to_m >= metres - 1.0, gone_s[watched], at_s[watched] + to_m / speed)
            times = at_s[watched] + from_m / speed, left_s
            parts.append(Passes(vehicle[watched], camera, toward, *times, speed, np.full(len(watched), -1)))
        return parts


def _by_edge(seen: Cameras, edges: int) -> Ints:
    """Return (e, most) the cameras that see each stretch, -1 where there are fewer."""
    stretch = np.concatenate([seen.edge, seen.edge ^ 1])
    camera = np.tile(np.arange(len(seen.edge)), 2)
    order = np.argsort(stretch, kind="stable")
    rank = np.arange(len(order)) - np.searchsorted(stretch[order], stretch[order])
    out = np.full((edges, int(rank.max(initial=0)) + 1), -1, np.int64)
    out[stretch[order], rank] = camera[order]
    return out
