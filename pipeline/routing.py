"""Find ways along a road graph: the shortest between two places, and others that differ from it.

Positions are degrees WGS 84, longitude first; lengths metres; bearings degrees clockwise from north.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra, yen

from pipeline.geo import Floats, from_wkb, haversine_m, to_metric, turn_deg


@dataclass(frozen=True)
class Route:
    """A way from one point to another."""

    length_m: float
    """Metres along the road."""
    coordinates: Floats
    """(n, 2) lon, lat from start to end."""
    edges: NDArray[np.int64]
    """(n - 1,) stretch of the graph that each step runs on; -1 for none."""


def straight(lon1: float, lat1: float, lon2: float, lat2: float) -> Route:
    """Return the straight way, for places without a road graph."""
    return Route(float(haversine_m(lon1, lat1, lon2, lat2)), np.array([[lon1, lat1], [lon2, lat2]]), np.array([-1]))


@dataclass(frozen=True)
class Snap:
    """A point brought onto a directed stretch of road."""

    edge: int
    """Row of the graph's edges."""
    share: float
    """0..1 along the edge."""
    cost_m: float
    """Metres off the road, weighted, with the turn against the wanted heading added."""


class RoadGraph:
    """Directed road stretches with shortest routes between any two points near them.

    A camera's position may be wrong by 80 m, enough to sit nearer to the opposite carriageway. So a point is not snapped
    to its nearest stretch alone: all stretches within `tolerance_m` stand as candidates, stretches running against the
    wanted heading are dropped where others are left, and the pair of candidates with the least sum of way and snapping
    cost is taken (the hidden-Markov map matching of Newson and Krumm, 2009, section 3, cut down to two observations).
    """

    OFF_ROAD_WEIGHT = 3.0
    """Metres of way that one metre off the road is worth."""
    TURN_WEIGHT_M = 2.0
    """Metres of way that one degree off the wanted heading is worth."""
    AGAINST_DEG = 75.0
    """A stretch turned more than this off the wanted heading runs against it, or crosses it."""
    WIDER = 2.0
    """Where no stretch within the tolerance runs along the heading, look this many times as far for one that does."""
    CANDIDATES = 12
    """Stretches tried at each end, best first."""
    TRIED = 16
    """Shortest paths looked at for ways that differ."""
    SHARED = 0.8
    """A way that has more of its length than this in common with a shorter one is no other way."""

    def __init__(self, roads: pa.Table, metric_crs: str, tolerance_m: float = 120.0) -> None:
        """Index the `roads` table (any order of rows gives the same graph)."""
        roads = roads.sort_by([("from_node", "ascending"), ("to_node", "ascending")])
        starts, ends = (np.array(roads[name].to_pylist(), dtype=str) for name in ("from_node", "to_node"))
        nodes, numbers = np.unique(np.concatenate([starts, ends]), return_inverse=True)
        self.tolerance_m, self.metric_crs = tolerance_m, metric_crs
        self.start, self.end = numbers[: len(starts)], numbers[len(starts) :]
        self.length_m: Floats = np.maximum(roads["length_m"].to_numpy(), 0.01)
        self.line = [from_wkb(wkb) for wkb in roads["geometry"].to_pylist()]
        metric = [shapely.LineString(to_metric(line[:, 0], line[:, 1], metric_crs)) for line in self.line]
        self._metric = np.array(metric, dtype=object)
        self._tree = shapely.STRtree(self._metric)
        self._matrix = csr_array((self.length_m, (self.start, self.end)), shape=(len(nodes), len(nodes)))
        self._edge = {
            (a, b): row for row, (a, b) in enumerate(zip(self.start.tolist(), self.end.tolist(), strict=True))
        }
        self._reach = lru_cache(maxsize=64)(self._explore)
        self._snapped = lru_cache(maxsize=100_000)(self._snap_all)

    def __len__(self) -> int:
        """Count the directed stretches."""
        return len(self.line)

    def snap(self, lon: float, lat: float, heading: float | None = None) -> list[Snap]:
        """List the stretches a point may lie on, best first; empty where none is within the tolerance.

        Args:
            lon: Degrees WGS 84.
            lat: Degrees WGS 84.
            heading: Bearing of travel, degrees; stretches against it are dropped, and where that leaves none the other
                carriageway is looked for at twice the tolerance.
        """
        return list(self._snapped(lon, lat, heading))

    def route(
        self,
        lon1: float,
        lat1: float,
        lon2: float,
        lat2: float,
        heading1: float | None = None,
        heading2: float | None = None,
    ) -> Route | None:
        """Return the shortest way from point 1 to point 2 in the permitted direction, or None where there is none.

        Args:
            lon1: Degrees WGS 84 of the start.
            lat1: Degrees WGS 84 of the start.
            lon2: Degrees WGS 84 of the end.
            lat2: Degrees WGS 84 of the end.
            heading1: Bearing of travel at the start, degrees; None where unknown.
            heading2: Bearing of travel at the end, degrees; None where unknown.

        Returns:
            Length along the road and its line from the one snapped point to the other; None where a point has no road
            within the tolerance or the second cannot be reached from the first.
        """
        ends = self._ends(self.snap(lon1, lat1, heading1), self.snap(lon2, lat2, heading2))
        return self._route(*ends, self._nodes(*ends)) if ends else None

    def routes(
        self,
        lon1: float,
        lat1: float,
        lon2: float,
        lat2: float,
        heading1: float | None = None,
        heading2: float | None = None,
        k: int = 3,
        longest: float = 1.5,
    ) -> list[Route]:
        """Return up to k ways from point 1 to point 2, the shortest first, each clearly another than those before.

        Among the shortest paths without a loop (Yen, 1971) those that share most of their length with a shorter one, as
        around a traffic island, are left out.

        Args:
            lon1: Degrees WGS 84 of the start; the others as in `route`.
            lat1: Degrees WGS 84 of the start.
            lon2: Degrees WGS 84 of the end.
            lat2: Degrees WGS 84 of the end.
            heading1: Bearing of travel at the start, degrees; None where unknown.
            heading2: Bearing of travel at the end, degrees; None where unknown.
            k: How many at most.
            longest: Ways longer than this many times the shortest are not looked for.
        """
        ends = self._ends(self.snap(lon1, lat1, heading1), self.snap(lon2, lat2, heading2))
        if not ends:
            return []
        chosen: list[list[int]] = []
        for nodes in [self._nodes(*ends), *(self._others(*ends, longest) if k > 1 else [])]:
            if len(chosen) < k and not any(self._alike(nodes, other) for other in chosen):
                chosen.append(nodes)
        return [self._route(*ends, nodes) for nodes in chosen]

    def _snap_all(self, lon: float, lat: float, heading: float | None) -> tuple[Snap, ...]:
        """List the stretches a point may lie on, best first."""
        near = self._near(lon, lat, heading, self.tolerance_m)
        along = [snap for snap, turn in near if turn <= self.AGAINST_DEG]
        if heading is not None and not along:
            wider = self._near(lon, lat, heading, self.WIDER * self.tolerance_m)
            along = [snap for snap, turn in wider if turn <= self.AGAINST_DEG / 2]
        chosen = along or [snap for snap, _ in near]
        return tuple(sorted(chosen, key=lambda snap: (snap.cost_m, snap.edge))[: self.CANDIDATES])

    def _ends(self, firsts: list[Snap], lasts: list[Snap]) -> tuple[Snap, Snap] | None:
        """Choose the pair of snapped points with the least sum of way and snapping cost; None where none is joined."""
        ways = [(self._way_m(a, b), a, b) for a in firsts for b in lasts]
        reached = [(way + a.cost_m + b.cost_m, a.edge, b.edge, a, b) for way, a, b in ways if np.isfinite(way)]
        return min(reached, key=lambda each: each[:3])[3:] if reached else None

    def _near(self, lon: float, lat: float, heading: float | None, reach_m: float) -> list[tuple[Snap, float]]:
        """Bring a point onto every stretch within reach; each with its turn off the heading, degrees."""
        if not len(self):
            return []
        point = shapely.Point(to_metric(lon, lat, self.metric_crs)[0])
        rows = np.sort(self._tree.query(point, predicate="dwithin", distance=reach_m)).tolist()
        return [self._snap(row, point, heading) for row in rows]

    def _snap(self, row: int, point: shapely.Point, heading: float | None) -> tuple[Snap, float]:
        """Bring a point onto one stretch; also tell how far that runs off the heading, degrees."""
        line = self._metric[row]
        share = float(line.project(point, normalized=True))
        turn = 0.0 if heading is None else turn_deg(heading, self._bearing(row, share))
        return Snap(row, share, self.OFF_ROAD_WEIGHT * float(line.distance(point)) + self.TURN_WEIGHT_M * turn), turn

    def _bearing(self, row: int, share: float) -> float:
        """Return the bearing of a stretch around `share`, degrees; grid north stands for north."""
        line = self._metric[row]
        reach = min(0.5, 10.0 / max(line.length, 1e-6))
        one, two = (line.interpolate(np.clip(share + step, 0, 1), normalized=True) for step in (-reach, reach))
        return float(np.degrees(np.arctan2(two.x - one.x, two.y - one.y)) % 360.0)

    def _way_m(self, first: Snap, last: Snap) -> float:
        """Return metres from one snapped point to another; inf where unreachable."""
        if first.edge == last.edge and first.share <= last.share:
            return float((last.share - first.share) * self.length_m[first.edge])
        rest = (1 - first.share) * self.length_m[first.edge] + last.share * self.length_m[last.edge]
        return float(rest + self._reach(int(self.end[first.edge]))[0][self.start[last.edge]])

    def _explore(self, node: int) -> tuple[Floats, NDArray[np.int32]]:
        """Return metres from a node to every node, and the node before each on the way."""
        metres, before = dijkstra(self._matrix, indices=node, return_predecessors=True)
        return metres, before

    def _nodes(self, first: Snap, last: Snap) -> list[int]:
        """List the junctions of the shortest way between two snapped points; none within one stretch."""
        if first.edge == last.edge and first.share <= last.share:
            return []
        source, node = int(self.end[first.edge]), int(self.start[last.edge])
        before, nodes = self._reach(source)[1], [node]
        while node != source:
            node = int(before[node])
            nodes.append(node)
        return nodes[::-1]

    def _others(self, first: Snap, last: Snap, longest: float) -> list[list[int]]:
        """List the junctions of the next shortest ways, by length, among junctions that lie on no longer way."""
        source, sink = int(self.end[first.edge]), int(self.start[last.edge])
        if source == sink or (first.edge == last.edge and first.share <= last.share):
            return []
        core_m, whole_m = self._reach(source)[0][sink], self._way_m(first, last)
        most_m = core_m + (longest - 1.0) * whole_m
        near = np.flatnonzero(self._reach(source)[0] <= most_m)
        back_m = dijkstra(self._matrix[near][:, near].T, indices=int(np.searchsorted(near, sink)))
        near = near[self._reach(source)[0][near] + back_m <= most_m]
        ends = [int(np.searchsorted(near, node)) for node in (source, sink)]
        inner = self._matrix[near][:, near]
        # yen takes no other indices than these
        inner.indices, inner.indptr = inner.indices.astype(np.int32), inner.indptr.astype(np.int32)
        _, befores = yen(inner, *ends, self.TRIED, return_predecessors=True)
        return [near[_path(before, *ends)].tolist() for before in befores]

    def _alike(self, nodes: list[int], shorter: list[int]) -> bool:
        """Tell whether a way has most of its length in common with a shorter one."""
        stretches = list(pairwise(nodes))
        metres = {each: float(self.length_m[self._edge[each]]) for each in stretches}
        shared = set(stretches) & set(pairwise(shorter))
        return sum(metres[each] for each in stretches if each in shared) >= self.SHARED * sum(metres.values())

    def _route(self, first: Snap, last: Snap, nodes: list[int]) -> Route:
        """Join the stretches between two snapped points."""
        if not nodes:
            parts = [(first.edge, first.share, last.share)]
        else:
            inner = [(self._edge[each], 0.0, 1.0) for each in pairwise(nodes)]
            parts = [(first.edge, first.share, 1.0), *inner, (last.edge, 0.0, last.share)]
        lines = [self._cut(*part) for part in parts]
        joined = np.concatenate(lines)
        edges = np.repeat([edge for edge, _, _ in parts], [len(line) for line in lines])
        fresh = np.flatnonzero(np.append(True, np.any(np.diff(joined, axis=0) != 0, axis=1)))
        length_m = sum((end - start) * float(self.length_m[edge]) for edge, start, end in parts)
        return Route(float(length_m), joined[fresh], edges[fresh[1:]])

    def _cut(self, row: int, start: float, end: float) -> Floats:
        """Cut a stretch between two shares of its length."""
        line = self.line[row]
        if (start, end) == (0.0, 1.0):
            return line
        at = np.append(0.0, np.cumsum(np.hypot(*np.diff(shapely.get_coordinates(self._metric[row]), axis=0).T)))
        at = at / at[-1] if at[-1] else np.linspace(0, 1, len(at))
        inner = at[(at > start) & (at < end)]
        wanted = np.concatenate([[start], inner, [end]])
        return np.column_stack([np.interp(wanted, at, line[:, axis]) for axis in (0, 1)])


def _path(before: NDArray[np.int32], source: int, sink: int) -> list[int]:
    """Follow predecessors from the end of a path to its start."""
    nodes = [sink]
    while nodes[-1] != source:
        nodes.append(int(before[nodes[-1]]))
    return nodes[::-1]
