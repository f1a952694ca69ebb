"""Place vehicles every few seconds along their trajectories, and cameras, in H3 cells."""

import h3
import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from pipeline import geo
from pipeline.products.settings import Settings
from pipeline.tables import TIME

POINTS = pa.schema(
    [("trajectory_id", pa.string()), ("cell", pa.string()), ("coarse_cell", pa.string()), ("placed_at", TIME)]
)
PLACES = pa.schema([("camera_id", pa.string()), ("cell", pa.string())])
Micros = NDArray[np.int64]


def along(trajectories: pa.Table, settings: Settings) -> pa.Table:
    """Place each vehicle every `step_s` seconds along its trajectory, between its first and last passing.

    A vehicle is taken to drive evenly between two vertices; each point stands for `step_s` seconds.

    Returns:
        trajectory_id, H3 cell, the coarse cell it lies in and time, in the order of trajectories and time.
    """
    chains = trajectories.select(["trajectory_id", "geometry", "vertices_at"]).combine_chunks()
    if not chains.num_rows:
        return POINTS.empty_table()
    places, line = shapely.get_coordinates(shapely.from_wkb(chains["geometry"].to_numpy()), return_index=True)
    vertex_us = chains["vertices_at"].combine_chunks().flatten().cast(pa.int64()).to_numpy()
    starts = np.searchsorted(line, np.arange(chains.num_rows + 1))
    step_us = settings.step_s * 1_000_000
    begins, ends = vertex_us[starts[:-1]] + step_us // 2, vertex_us[starts[1:] - 1]
    count = np.maximum(-(-(ends - begins) // step_us), 0)
    row = np.repeat(np.arange(chains.num_rows), count)
    at_us = begins[row] + step_us * (np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count))
    lonlat = _between(places, vertex_us, line, row, at_us)
    cells = geo.cells(lonlat[:, 0], lonlat[:, 1], settings.h3_resolution)
    ids = chains["trajectory_id"].take(pa.array(row)).combine_chunks()
    coarse = parents(cells, min(settings.h3_coarse, settings.h3_resolution))
    columns = [ids, pa.array(cells.tolist(), pa.string()), pa.array(coarse.tolist(), pa.string())]
    return pa.table([*columns, pa.array(at_us).cast(TIME)], schema=POINTS)


def parents(cells: NDArray[np.str_], resolution: int) -> NDArray[np.str_]:
    """Return the cell at a coarser resolution that each cell lies in."""
    known, which = np.unique(cells, return_inverse=True)
    return np.array([h3.cell_to_parent(each, resolution) for each in known.tolist()], dtype="U15")[which]


def _between(places: geo.Floats, vertex_us: Micros, line: Micros, row: Micros, at_us: Micros) -> geo.Floats:
    """Return where the vehicles of some lines are at some times, (n, 2) degrees, from their timed vertices."""
    zero_us, day_us = int(vertex_us.min()), int(vertex_us.max() - vertex_us.min()) + 1
    known_us = vertex_us - zero_us + line * day_us
    after = np.searchsorted(known_us, at_us - zero_us + row * day_us, side="right").clip(1, len(line) - 1)
    passed = at_us - vertex_us[after - 1]
    share = passed / np.maximum(vertex_us[after] - vertex_us[after - 1], 1)
    return np.asarray(places[after - 1] + share[:, None] * (places[after] - places[after - 1]))


def stands(cameras: pa.Table, settings: Settings) -> pa.Table:
    """Name the cell each camera stands in."""
    cells = geo.cells(cameras["lon"].to_numpy(), cameras["lat"].to_numpy(), settings.h3_resolution)
    return pa.table([cameras["camera_id"], pa.array(cells.tolist(), pa.string())], schema=PLACES)
