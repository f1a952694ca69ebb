"""Draw the zones of `od`: one partition of the cameras for the night, as fine as the trips can bear.

It begins with the largest H3 cells and splits cells into their children, the cheapest split first, as long as
`trips_kept` of all trips stay in pairs of zones and hours that k vehicles or more stand behind.
"""

from dataclasses import dataclass

import h3
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline import geo
from pipeline.products.settings import Settings

ZONED = pa.schema([("camera_id", pa.string()), ("zone", pa.string())])
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Trips:
    """Trips by first camera, last camera and hour."""

    first: Ints
    last: Ints
    hour: Ints
    count: Ints
    k: int

    def kept(self, zone: Ints, near: NDArray[np.bool_] | slice = slice(None)) -> int:
        """Count the trips in pairs of zones and hours that k or more stand behind, of all or of some trips."""
        zones, hours = int(zone.max(initial=0)) + 1, int(self.hour.max(initial=0)) + 1
        pair = (zone[self.first[near]] * zones + zone[self.last[near]]) * hours + self.hour[near]
        _, which = np.unique(pair, return_inverse=True)
        total = np.bincount(which, self.count[near]).astype(np.int64)
        return int(total[total >= self.k].sum())


def draw(cameras: pa.Table, trajectories: pa.Table, settings: Settings) -> pa.Table:
    """Return the zone of each camera: camera_id, H3 cell.

    Args:
        cameras: `cameras`.
        trajectories: `trajectories` of the night that may be published.
        settings: k, the share of trips to keep, the finest resolution.
    """
    if not cameras.num_rows:
        return ZONED.empty_table()
    finest = geo.cells(cameras["lon"].to_numpy(), cameras["lat"].to_numpy(), settings.zone_resolution)
    line = np.array([[h3.cell_to_parent(cell, r) for r in range(settings.zone_resolution + 1)] for cell in finest])
    trips = _trips(cameras, trajectories, settings.k)
    enough = settings.trips_kept * trips.count.sum()
    zone, depth = _settle(line, np.zeros(len(line), np.int64))
    while split := _cheapest(line, zone, depth, trips, enough):
        zone, depth = split
    return pa.table([cameras["camera_id"], pa.array(line[np.arange(len(line)), depth].tolist())], schema=ZONED)


def _trips(cameras: pa.Table, trajectories: pa.Table, k: int) -> Trips:
    """Count trajectories by first camera, last camera and hour of departure."""
    chains = trajectories["camera_ids"].combine_chunks()
    if not len(chains):
        none = np.zeros(0, np.int64)
        return Trips(none, none, none, none, k)
    names = cameras["camera_id"].combine_chunks()
    ends = [pc.index_in(pc.list_element(chains, 0), names), pc.index_in(_last(chains), names)]
    hours = pc.floor_temporal(trajectories["started_at"], unit="hour").combine_chunks().cast(pa.int64()).to_numpy()
    rows = np.stack([*(np.asarray(each, np.int64) for each in ends), np.unique(hours, return_inverse=True)[1]])
    kinds, count = np.unique(rows, axis=1, return_counts=True)
    return Trips(kinds[0], kinds[1], kinds[2], count.astype(np.int64), k)


def _last(lists: pa.ListArray) -> pa.Array:
    """Return the last value of each list."""
    return lists.flatten().take(pa.array(np.cumsum(pc.list_value_length(lists).to_numpy()) - 1))


def _settle(line: NDArray[np.str_], depth: Ints) -> tuple[Ints, Ints]:
    """Number the zones, each at the finest resolution that still holds all its cameras."""
    rows = np.arange(len(line))
    while True:
        zone = np.unique(line[rows, depth], return_inverse=True)[1]
        deeper = np.minimum(depth + 1, line.shape[1] - 1)
        parts = np.unique(np.stack([zone, np.unique(line[rows, deeper], return_inverse=True)[1]]), axis=1)[0]
        alone = (np.bincount(parts, minlength=len(rows))[zone] == 1) & (deeper > depth)
        if not alone.any():
            return zone.astype(np.int64), depth
        depth = np.where(alone, deeper, depth)


def _cheapest(line: NDArray[np.str_], zone: Ints, depth: Ints, trips: Trips, enough: float) -> tuple[Ints, Ints] | None:
    """Return the zones after the split that costs the fewest trips; None where every split costs too many."""
    whole = trips.kept(zone)
    best: tuple[int, tuple[Ints, Ints]] | None = None
    for each in range(int(zone.max()) + 1):
        inside = zone == each
        if depth[inside][0] == line.shape[1] - 1:
            continue
        split = _settle(line, np.where(inside, depth + 1, depth))
        near = inside[trips.first] | inside[trips.last]
        kept = whole - trips.kept(zone, near) + trips.kept(split[0], near)
        if kept >= enough and (best is None or kept > best[0]):
            best = kept, split
    return best[1] if best else None
