"""Lay out an invented city: a grid of arterials, its junctions with signals, and cameras along them.

It lies in the South Atlantic, where nobody lives. Its x axis is east and its y axis north, metres; the grid's middle is
`CENTRE`, on the central meridian of UTM zone 27 south, so that grid north is north.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from pipeline import geo
from pipeline.synthetic.options import SIZES, Options
from pipeline.tables import CAMERAS, ROADS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

METRIC_CRS = "EPSG:32727"
CENTRE = (500_000.0, 6_680_000.0)
"""Easting and northing of the middle of the city, metres."""
BLOCK_M, UNEVEN_M = 500.0, 60.0
"""Metres between two junctions, and by how much each stands off its place."""
PRIMARY_EVERY, EXPRESS_EVERY = 3, 12
"""Every so manieth line of the grid is a primary road; every so manieth from west to east an expressway."""
SPEED_MPS = np.array([11.0, 14.0, 22.0])
"""Free speed between signals on secondary roads, primary roads and expressways, metres a second."""
DROPPED = 0.08
"""Share of the secondary stretches that were never built."""
CYCLE_S, RED = 90.0, np.array([0.55, 0.4, 0.0])
"""Seconds of a signal's cycle, and the share of it that is red to each class of road; expressways have no signals."""
AT_STOP_LINE = 0.3
"""Share of the cameras whose view ends at a stop line, where queues stand."""
VIEW_M = (40.0, 120.0)
"""Shortest and longest stretch of road a camera sees, metres."""
FOCAL_PX, WIDTH_PX, HEIGHT_PX = (340.0, 510.0), 352, 240
"""Focal lengths, such that boxes are as large as on real stills, and size of the pictures, pixels."""
MAST_M = (5.5, 8.5)
"""How high cameras hang, metres; the foot of the picture sees the road from focal length x height / the rows below the horizon."""
HORIZON = 0.2
"""Share of the picture above the horizon."""
PLACED_M = 20.0
"""Standard deviation of the error of a camera's stated position, each way, metres."""
CAPACITY = np.array([500.0, 1000.0, 3000.0])
"""Vehicles an hour that a stretch of each class carries in one direction before it clogs."""
DRIVERS = 4
"""Kinds of drivers: each has ways of its own that it finds the shortest."""


@dataclass(frozen=True)
class Network:
    """Junctions, directed stretches between them, and the shortest ways."""

    xy: Floats
    """(n, 2) junctions, metres from the middle."""
    start: Ints
    end: Ints
    """(e,) junctions of each directed stretch; stretch e ^ 1 is the same road the other way."""
    kind: Ints
    """(e,) class of road: a row of SPEED_MPS."""

    @cached_property
    def length_m(self) -> Floats:
        """(e,) metres."""
        return np.asarray(np.hypot(*(self.xy[self.end] - self.xy[self.start]).T))

    @cached_property
    def bearing_deg(self) -> Floats:
        """(e,) degrees clockwise from north."""
        east, north = (self.xy[self.end] - self.xy[self.start]).T
        return np.asarray(np.degrees(np.arctan2(east, north)) % 360.0)

    @cached_property
    def edge(self) -> NDArray[np.int32]:
        """(n, n) the stretch from junction to junction, -1 where there is none."""
        found = np.full((len(self.xy), len(self.xy)), -1, np.int32)
        found[self.start, self.end] = np.arange(len(self.start))
        return found

    def free_s(self) -> Floats:
        """Return (e,) usual seconds along each stretch and past the signal at its end."""
        red = RED[self.kind]
        return np.asarray(self.length_m / SPEED_MPS[self.kind] + CYCLE_S * red**2 / 2)

    def onward(self, usual_s: Floats, seed: int) -> NDArray[np.int16]:
        """Return (DRIVERS, n, n): for a kind of driver, a destination and a junction, the next junction.

        Args:
            usual_s: (e,) usual seconds of each stretch; each kind of driver has tastes of its own on top.
            seed: Of those tastes.
        """
        rng = np.random.default_rng([seed, 11])
        out = np.empty((DRIVERS, len(self.xy), len(self.xy)), np.int16)
        for kind in range(DRIVERS):
            cost = usual_s * np.exp(rng.normal(0.0, 0.15, len(self.start)))
            backwards = csr_array((cost, (self.end, self.start)), shape=(len(self.xy),) * 2)
            out[kind] = dijkstra(backwards, return_predecessors=True)[1]
        return out

    def roads(self) -> pa.Table:
        """Return `tables.ROADS`."""
        lonlat = _lonlat(self.xy)
        lines = shapely.linestrings(np.stack([lonlat[self.start], lonlat[self.end]], axis=1))
        names = np.array([f"j{number:04d}" for number in range(len(self.xy))])
        columns = [names[self.start], names[self.end], self.length_m.round(2), shapely.to_wkb(lines, byte_order=1)]
        return ROADS.check(pa.table(columns, names=ROADS.schema.names))


@dataclass(frozen=True)
class Cameras:
    """c cameras, each beside one road, seeing both of its directions."""

    edge: Ints
    """(c,) stretch it looks along, in the direction in which vehicles drive away from it."""
    from_m: Floats
    to_m: Floats
    """(c,) where its view begins and ends along that stretch, metres."""
    near_m: Floats
    """(c,) metres from the camera to where its view begins."""
    focal_px: Floats
    """(c,) focal length, pixels."""
    mast_m: Floats
    """(c,) height, metres."""
    xy: Floats
    """(c, 2) where it says it stands, metres."""
    skew_s: Floats
    """(c,) seconds by which its clock is ahead."""
    bearing_deg: Floats
    """(c,) where it looks."""

    @cached_property
    def ids(self) -> NDArray[np.str_]:
        """(c,) names."""
        return np.array([f"synthetic:{number:04d}" for number in range(len(self.edge))])

    def headings(self) -> NDArray[np.str_]:
        """Return (c, 2) compass points of those who drive away from each camera and toward it."""
        return np.array([[geo.compass(deg), geo.compass(deg + 180.0)] for deg in self.bearing_deg.tolist()])

    def table(self, cadence_s: float) -> pa.Table:
        """Return `tables.CAMERAS`."""
        lonlat, n = _lonlat(self.xy), len(self.edge)
        same = {
            "feed": "synthetic", "cadence_s": cadence_s, "licence": "invented", "attribution": "an invented city",
            "cleared": True, "bearing_source": "the road it stands on",
        }  # fmt: skip
        columns: dict[str, Any] = {
            "camera_id": self.ids, "stable_id": self.ids, "site_id": self.ids,
            "native_id": np.char.partition(self.ids, ":")[:, 2], "name": np.char.add("Camera ", self.ids),
            "lon": lonlat[:, 0].round(6), "lat": lonlat[:, 1].round(6), "bearing_deg": self.bearing_deg.round(1),
        }  # fmt: skip
        columns |= {name: np.full(n, value) for name, value in same.items()}
        columns |= {name: pa.nulls(n, pa.string()) for name in ("road", "image_url", "stream_url")}
        return CAMERAS.check(pa.table(columns))


def network(options: Options) -> Network:
    """Lay out the junctions and stretches of a city of `SIZES[options.size].side` x `SIZES[options.size].side` junctions."""
    side, rng = SIZES[options.size].side, np.random.default_rng([options.seed, 1])
    column, row = np.meshgrid(np.arange(side), np.arange(side))
    xy = (np.column_stack([column.ravel(), row.ravel()]) - (side - 1) / 2) * BLOCK_M
    xy += rng.uniform(-UNEVEN_M, UNEVEN_M, xy.shape)
    number = np.arange(side * side).reshape(side, side)
    east = np.column_stack([number[:, :-1].ravel(), number[:, 1:].ravel()])
    north = np.column_stack([number[:-1].ravel(), number[1:].ravel()])
    line = np.concatenate([east[:, 0] // side, north[:, 0] % side])
    express = (np.arange(len(line)) < len(east)) & (line % EXPRESS_EVERY == EXPRESS_EVERY // 2)
    kind = np.where(express, 2, np.where(line % PRIMARY_EVERY == 0, 1, 0))
    built = (kind > 0) | (rng.random(len(line)) >= DROPPED)
    ends, kind = np.concatenate([east, north])[built], kind[built]
    both = np.stack([ends, ends[:, ::-1]], axis=1).reshape(-1, 2)
    return Network(np.asarray(xy, np.float64), both[:, 0], both[:, 1], np.repeat(kind, 2))


def cameras(roads: Network, flow: Floats, options: Options) -> Cameras:
    """Put cameras along the roads, the more so the busier they are: by chance in proportion to the root of the flow.

    Args:
        roads: The network.
        flow: (e,) vehicles expected on each stretch.
        options: How many; whether views overlap; whose clocks are wrong.
    """
    rng = np.random.default_rng([options.seed, 2])
    n, each = SIZES[options.size].cameras, options.together
    sites = -(-n // each)
    both = flow.reshape(-1, 2).sum(axis=1)
    drawn = 0.5 * np.log(np.maximum(both, 1e-9)) + rng.gumbel(size=len(both))
    roadside = np.sort(np.argsort(-drawn, kind="stable")[:sites])
    edge = np.repeat(2 * roadside + rng.integers(0, 2, len(roadside)), each)[:n]
    view_m, focal_px, mast_m = (rng.uniform(*each, n) for each in (VIEW_M, FOCAL_PX, MAST_M))
    near_m = focal_px * mast_m / ((1.0 - HORIZON) * HEIGHT_PX)
    length_m = roads.length_m[edge]
    from_m = rng.uniform(0.15, 0.85, n) * (length_m - view_m)
    if each > 1:
        first = np.arange(n) - np.arange(n) % each
        from_m = (from_m[first] * 0.4) + (np.arange(n) % each) * 0.45 * VIEW_M[0]
    elif len(length_m):
        stops = (rng.random(n) < AT_STOP_LINE) & (RED[roads.kind[edge]] > 0)
        from_m = np.where(stops, length_m - view_m, from_m)
    ahead = (roads.xy[roads.end[edge]] - roads.xy[roads.start[edge]]) / length_m[:, None]
    xy = roads.xy[roads.start[edge]] + ahead * (from_m - near_m)[:, None] + rng.normal(0.0, PLACED_M, (n, 2))
    skew_s = np.where(rng.random(n) < options.skewed, np.where(rng.random(n) < 0.5, -1.0, 1.0) * options.skew_s, 0.0)
    return Cameras(edge, from_m, from_m + view_m, near_m, focal_px, mast_m, xy, skew_s, roads.bearing_deg[edge])


def _lonlat(xy: Floats) -> Floats:
    """Turn metres from the middle into degrees WGS 84."""
    return geo.from_metric(xy + np.array(CENTRE), METRIC_CRS)
