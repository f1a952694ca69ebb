"""Choose the rows that are published, and round the counts of them."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from scipy.sparse import csc_array

from pipeline.release.intervals import Known, opened
from pipeline.release.rules import Rules, half, least, rounded
from pipeline.release.sums import Bools, Cells, laid_out

DEAR = {"counts": 3, "mix": 2, "travel_time": 2, "heatmap_coarse": 2, "occupancy": 1}
"""What is withheld last for the sake of other rows: hours before five minutes, wholes before parts; others cost 0."""


def gate(candidates: Mapping[str, pa.Table], rules: Rules) -> dict[str, pa.Table]:
    """Publish what may be published: rows by product, their `support` rounded.

    Args:
        candidates: Every row of every product with its true `support`.
        rules: k, its margin, what counts are rounded to.
    """
    cells = laid_out(candidates, rules)
    hidden = withheld(cells, rules)
    made = {}
    for name, rows in candidates.items():
        kept = rows.filter(pa.array(~hidden[cells.of(name.removeprefix("products/"))]))
        counts = rounded(kept["support"].to_numpy().astype(np.int64), rules)
        at = rows.schema.get_field_index("support")
        made[name] = kept.set_column(at, "support", pa.array(counts).cast(rows.schema.field("support").type))
    return made


def withheld(cells: Cells, rules: Rules) -> Bools:
    """Choose the rows to withhold: small ones, and of each block the least that leave no withheld one told narrowly."""
    hidden = cells.support < least(rules)
    blocks = np.ones(int(cells.block.max(initial=-1)) + 1, bool)
    sums = csc_array(cells.sums)
    while True:
        narrow = np.flatnonzero(opened(cells, known(cells, hidden, rules), rules, blocks).narrow)
        if not len(narrow):
            return hidden
        worst = narrow[np.unique(cells.block[narrow], return_index=True)[1]]
        more = [_beside(int(cell), cells, hidden, sums) for cell in worst.tolist()]
        hidden = hidden.copy()
        hidden[more] = True
        hidden = np.bincount(cells.together, hidden, len(hidden))[cells.together] > 0
        blocks = np.zeros(len(blocks), bool)
        blocks[cells.block[worst]] = True


def known(cells: Cells, hidden: Bools, rules: Rules) -> Known:
    """Return what is told of each cell once it is rounded."""
    shown = rounded(cells.support, rules)
    low = np.maximum(shown - half(rules), least(rules))
    return Known(low.astype(float), (shown + half(rules)).astype(float), hidden)


def _beside(cell: int, cells: Cells, hidden: Bools, sums: csc_array) -> int:
    """Return the cheapest published row that stands in a sum with a withheld one, else the cheapest of its block."""
    mine = sums[:, [cell]].indices
    near = np.unique(cells.sums[mine].indices)
    there = near[~hidden[near]]
    if not len(there):
        there = np.flatnonzero((cells.block == cells.block[cell]) & ~hidden)
    return int(min(there.tolist(), key=lambda each: _cost(each, cells)))


def _cost(cell: int, cells: Cells) -> tuple[int, int, int]:
    """Order rows by what is lost with them."""
    return DEAR.get(cells.names[cells.product[cell]], 0), int(cells.support[cell]), cell
