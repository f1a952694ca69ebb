"""Name the products that add up to one another, and lay them out as linear sums over all cells of a night."""

from collections.abc import Mapping
from dataclasses import dataclass

import h3
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, vstack
from scipy.sparse.csgraph import connected_components

from pipeline.release.rules import Ints, Rules, rounded

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Sum:
    """Cells of one product that add up to cells of another."""

    parts: str
    whole: str
    by: tuple[str, ...]
    """What both have in common; an `hour_at` that a product lacks is that of its `interval_at`."""
    exact: bool = True
    """Whether the parts are all there is, or part of the whole."""
    each: str = ""
    """A figure that adds up where vehicles do not, since one vehicle is in several parts: so many a vehicle."""


SUMS = (
    Sum("flow", "mix", ("camera_id", "hour_at")),
    Sum("flow", "occupancy", ("camera_id", "interval_at"), exact=False),
    Sum("flow", "counts", ("camera_id", "hour_at")),
    Sum("mix", "counts", ("camera_id", "hour_at"), exact=False),
    Sum("occupancy", "counts", ("camera_id", "hour_at")),
    Sum("speed_profile", "travel_time", ("from_camera", "to_camera", "hour_at")),
    Sum("heatmap", "heatmap_coarse", ("coarse_cell", "hour_at"), each="vehicle_minutes"),
    Sum("heatmap_coarse", "heatmap", ("coarse_cell", "hour_at"), exact=False),
)
"""Every sum that two products of a night have in common. What a sum leaves out is taken to be known to whoever attacks: vehicles
in one picture alone, which `counts` has and `flow` does not, and those in view over two intervals, which are in both rows of `occupancy`
and once in `counts`."""


SHARES = {"mix": ("camera_id", "hour_at")}
"""Products whose rows are shares of a whole, and of which whole: `percent` tells it, so one row withheld would be the rest."""


@dataclass(frozen=True)
class Cells:
    """All rows of a night's products, one after another, and the sums that hold among them."""

    support: Ints
    """(n,) vehicles behind each row."""
    product: Ints
    """(n,) number of its product in `names`."""
    names: list[str]
    starts: Ints
    """(len(names) + 1,) first row of each product."""
    sums: csr_array
    """(sums, n) how often each row is in each sum: parts above 0, wholes below."""
    total: Floats
    """(sums,) what a sum comes to; of one that is not exact, what it comes to at most."""
    exact: Bools
    """(sums,) whether it comes to that exactly."""
    block: Ints
    """(n,) number of the block: rows in no common sum are in different ones."""
    together: Ints
    """(n,) number of the rows that are published together or not at all."""

    def of(self, name: str) -> slice:
        """Return where the rows of a product stand."""
        at = self.names.index(name)
        return slice(int(self.starts[at]), int(self.starts[at + 1]))


def laid_out(products: Mapping[str, pa.Table], rules: Rules) -> Cells:
    """Lay out every row of a night's products, those included that are to be withheld."""
    tables = {name.removeprefix("products/"): rows for name, rows in products.items()}
    names = sorted(tables)
    sizes = [tables[name].num_rows for name in names]
    starts = np.cumsum([0, *sizes]).astype(np.int64)
    support = np.concatenate([np.zeros(0), *(tables[name]["support"].to_numpy() for name in names)]).astype(np.int64)
    first = dict(zip(names, starts.tolist(), strict=False))
    made = [_rows(each, tables, first, rules, len(support)) for each in SUMS if {each.parts, each.whole} <= set(tables)]
    sums = csr_array(vstack([csr_array((0, len(support))), *made]))
    exact = np.repeat(
        [each.exact for each in SUMS if {each.parts, each.whole} <= set(tables)], [each.shape[0] for each in made]
    )
    reached = np.asarray(sums @ support.astype(float))
    total = np.where(exact, reached, np.maximum(reached, 0.0))
    return Cells(
        support, np.repeat(np.arange(len(names)), sizes), names, starts, sums, total, exact.astype(bool), blocks(sums),
        _together(tables, first, len(support)),
    )  # fmt: skip


def _together(tables: Mapping[str, pa.Table], first: dict[str, int], n: int) -> Ints:
    """Number the rows that are published together: each its own number, but for shares of one whole."""
    number = np.arange(n)
    for name, by in SHARES.items():
        if name in tables and tables[name].num_rows:
            which = pc.dictionary_encode(_key(tables[name], by, 0)).indices.to_numpy()
            number[first[name] : first[name] + len(which)] = first[name] + which
    return number


def _rows(each: Sum, tables: Mapping[str, pa.Table], first: dict[str, int], rules: Rules, n: int) -> csr_array:
    """Return one row for each value of `by` that both products have."""
    keys, cells, weights = [], [], []
    finest = _resolution(tables)
    for name, sign in ((each.parts, 1.0), (each.whole, -1.0)):
        rows, there = tables[name], _counted(tables[name])
        keys.append(_key(rows, each.by, finest).filter(pa.array(there)))
        cells.append(first[name] + np.flatnonzero(there))
        weights.append(sign * _weight(rows, each.each, rules)[there])
    common = pc.unique(keys[0].filter(pc.is_in(keys[0], value_set=pc.unique(keys[1]))))
    row = np.concatenate([pc.index_in(one, common).fill_null(-1).to_numpy(zero_copy_only=False) for one in keys])
    held = row >= 0
    shape = (len(common), n)
    return csr_array(coo_array((np.concatenate(weights)[held], (row[held], np.concatenate(cells)[held])), shape))


def _counted(rows: pa.Table) -> Bools:
    """Leave out the rows that stand on something else than what adds up: travel times by flows alone."""
    if "source" not in rows.column_names:
        return np.ones(rows.num_rows, bool)
    return np.asarray(pc.equal(rows["source"], "links").to_numpy(), bool)


def _weight(rows: pa.Table, figure: str, rules: Rules) -> Floats:
    """Return how much of the figure that adds up there is to a vehicle; 1 where vehicles themselves add up.

    Figures are published of the rounded count; so they are to a rounded vehicle what they were to a true one.
    """
    if not figure:
        return np.ones(rows.num_rows)
    return np.asarray(rows[figure].cast(pa.float64()).to_numpy() / rounded(rows["support"].to_numpy(), rules))


def _key(rows: pa.Table, by: tuple[str, ...], resolution: int) -> pa.Array:
    """Write what rows have in common as one text each."""
    return pc.binary_join_element_wise(*(_text(rows, name, resolution) for name in by), "|").combine_chunks()


def _text(rows: pa.Table, name: str, resolution: int) -> pa.ChunkedArray:
    """Write a column, or what follows from one, as text."""
    if name == "coarse_cell":
        known = pc.dictionary_encode(rows["cell"]).combine_chunks()
        parents = [h3.cell_to_parent(each, resolution) for each in known.dictionary.to_pylist()]
        return pa.chunked_array([pa.array(parents, pa.string()).take(known.indices)])
    if name not in rows.column_names:
        return pc.floor_temporal(rows["interval_at"], unit="hour").cast(pa.int64()).cast(pa.string())
    column = rows[name]
    return (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).cast(pa.string())


def _resolution(tables: Mapping[str, pa.Table]) -> int:
    """Return the resolution of the coarse heatmap's cells."""
    coarse = tables.get("heatmap_coarse")
    return h3.get_resolution(coarse["cell"][0].as_py()) if coarse is not None and coarse.num_rows else 0


def blocks(sums: csr_array) -> Ints:
    """Number the blocks of cells that sums join."""
    rows, n = sums.shape
    joined = coo_array(sums)
    graph = coo_array((np.ones(joined.nnz), (joined.row + n, joined.col)), shape=(n + rows, n + rows))
    return np.asarray(connected_components(graph, directed=False)[1][:n], np.int64)
