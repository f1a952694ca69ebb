"""Draw the zones of `od`: one partition of the cameras for the night, as fine as the trips can bear.

It begins with the largest H3 cells and splits cells into their children, in rounds and the cheapest split first, as long as
`trips_kept` of all trips stay in pairs of zones and hours that enough vehicles stand behind.
"""

from dataclasses import dataclass

import h3
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline import geo, release
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
    cells = np.unique(line, return_inverse=True)[1].reshape(line.shape).astype(np.int64)
    trips = _trips(cameras, trajectories, release.least(settings))
    enough = settings.trips_kept * trips.count.sum()
    zone, depth = _settle(cells, np.zeros(len(line), np.int64))
    while True:
        finer = _split(cells, zone, depth, trips, enough)
        if (finer[1] == depth).all():
            return pa.table([cameras["camera_id"], pa.array(line[np.arange(len(line)), depth].tolist())], schema=ZONED)
        zone, depth = finer


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


def _settle(cells: Ints, depth: Ints) -> tuple[Ints, Ints]:
    """Number the zones, each at the finest resolution that still holds all its cameras.

    Args:
        cells: (n, resolutions) number of the cell that each camera stands in, by resolution.
        depth: (n,) resolution of each camera's zone.
    """
    rows, finest = np.arange(len(cells)), cells.shape[1] - 1
    while True:
        _, first, zone = np.unique(cells[rows, depth], return_index=True, return_inverse=True)
        deeper = cells[rows, np.minimum(depth + 1, finest)]
        together = np.bincount(zone, deeper != deeper[first][zone]) == 0
        alone = together[zone] & (depth < finest)
        if not alone.any():
            return zone.astype(np.int64), depth
        depth = np.where(alone, depth + 1, depth)


def _split(cells: Ints, zone: Ints, depth: Ints, trips: Trips, enough: float) -> tuple[Ints, Ints]:
    """Split every zone that the trips can bear to see split, those that lose the fewest trips first."""
    whole = trips.kept(zone)
    costs = []
    for each in np.unique(zone[depth < cells.shape[1] - 1]).tolist():
        kept = _kept_after(each, cells, (zone, depth), trips, whole)[0]
        if kept >= enough:
            costs.append((-kept, int(cells[np.flatnonzero(zone == each)[0], depth[zone == each][0]])))
    for _, cell in sorted(costs):
        here = int(zone[cells[np.arange(len(cells)), depth] == cell][0])
        kept, finer = _kept_after(here, cells, (zone, depth), trips, whole)
        if kept >= enough:
            whole, (zone, depth) = kept, finer
    return zone, depth


def _kept_after(
    number: int, cells: Ints, state: tuple[Ints, Ints], trips: Trips, whole: int
) -> tuple[int, tuple[Ints, Ints]]:
    """Return how many trips are kept after one zone is split, and the zones then."""
    zone, depth = state
    inside = zone == number
    finer = _settle(cells, np.where(inside, depth + 1, depth))
    near = inside[trips.first] | inside[trips.last]
    return whole - trips.kept(zone, near) + trips.kept(finer[0], near), finer
