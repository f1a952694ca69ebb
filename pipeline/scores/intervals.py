"""Score the intervals of products: how often the truth lies between `low_` and `high_`, row by row of what was published."""

from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.errors import SchemaError
from pipeline.query import header, names, query

LEAST = 5
"""True vehicles below which a median is not asked for."""


def intervals(passes: pa.Table, products: dict[str, pa.Table], gap_s: float = 0.0) -> dict[str, dict[str, Any]]:
    """Hold every product that `sql/scores` knows the truth of against true passes.

    Args:
        passes: PASSES of every vehicle; `vehicle_id` may be of any type, `heading` may be missing.
        products: Published rows by product.
        gap_s: Seconds by which a pass lasts longer than from `entered_at` to `left_at`: a frame's, where passes are made of boxes.

    Returns:
        By product: `rows` compared, `held` the share whose truth lies within low and high, `below` and `above` the shares whose
        truth lies outside on either side, `error` sum of |found - true| / sum of true, `width` median of ln(high / low).

    Raises:
        SchemaError: a product has not the columns that its score reads: it is of an earlier version.
    """
    return {name: told(rows) for name, rows in compared(passes, products, gap_s).items()}


def compared(passes: pa.Table, products: dict[str, pa.Table], gap_s: float = 0.0) -> dict[str, pa.Table]:
    """Return the published rows of each product that true passes can judge: their key, found, low, high and truth."""
    if "heading" not in passes.column_names:
        passes = passes.append_column("heading", pa.nulls(passes.num_rows, pa.string()))
    params = {"gap_s": gap_s, "least": LEAST}
    found = {}
    for name in names("scores"):
        reads = header(name)["reads"]
        if set(reads) - {"passes"} <= set(products):
            tables = {each: passes if each == "passes" else products[each] for each in reads}
            _hold_complete(name, tables)
            asked = {each: params[each] for each in header(name)["params"]}
            found[name.removeprefix("scores/")] = query(name, asked, **tables)
    return found


def _hold_complete(name: str, tables: dict[str, pa.Table]) -> None:
    """Refuse products that have no intervals."""
    product = name.removeprefix("scores/")
    if not any(column.startswith("low_") for column in tables[product].column_names):
        raise SchemaError(f"product {product} has no interval; make it anew with `thoroughfare stage products`")


def told(rows: pa.Table) -> dict[str, Any]:
    """Sum up the rows of one product: found, low, high and truth."""
    if not rows.num_rows:
        return {"rows": 0, "held": None, "below": None, "above": None, "error": None, "width": None}
    found, low, high, truth = (rows[name].cast(pa.float64()).to_numpy() for name in ("found", "low", "high", "truth"))
    below, above = float((truth < low).mean()), float((truth > high).mean())
    width = np.log(np.maximum(high, 0.5) / np.maximum(low, 0.5))
    return {
        "rows": rows.num_rows,
        "held": round(1.0 - below - above, 4),
        "below": round(below, 4),
        "above": round(above, 4),
        "error": round(float(np.abs(found - truth).sum() / truth.sum()), 4) if truth.sum() > 0 else None,
        "width": round(float(np.median(width)), 4),
    }
