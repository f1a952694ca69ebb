"""Hold what was published against what there was: what is too small, what can be had back, and what it costs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.release.intervals import Known, opened
from pipeline.release.rules import Ints, Rules, half, least
from pipeline.release.sums import Bools, Cells, Floats, laid_out

LARGE = 50
"""Cells of so many vehicles or more must stay useful."""


@dataclass(frozen=True)
class Audit:
    """What an attacker, and a reader, has of a night's products."""

    least: int
    """Followed vehicles that a published row needs: k with its margin."""
    k_violations: int
    """Published rows that fewer stand behind, or of which nobody knows who does."""
    recoverable_cells: int
    """Withheld rows that the published ones tell more narrowly than k."""
    cells: int
    """Rows that there are."""
    withheld: dict[str, dict[str, int]]
    """By product: `rows`, those `small` that were withheld, and those withheld for their sake (`beside`)."""
    mape: float | None
    """Mean relative error of the counts published of cells of 50 vehicles or more; None where there are none."""
    mape_withheld: float | None
    """The same, with every such cell that was withheld counted as wholly lost."""
    large_cells: int
    """Cells of 50 vehicles or more."""
    trips_kept: float | None
    """Share of trips that `od` publishes; None where there were none."""

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


def audit(candidates: Mapping[str, pa.Table], published: Mapping[str, pa.Table], rules: Rules) -> Audit:
    """Audit a release as one who knows every published row, every sum and the rule.

    Args:
        candidates: Every row of every product with its true `support` (`products.candidates`).
        published: What was published of them, under the same names.
        rules: k, its margin, what counts are rounded to (`products.Settings`).
    """
    cells = laid_out(candidates, rules)
    shown, strange = _shown(candidates, published, cells)
    hidden = shown < 0
    small = cells.support < least(rules)
    recoverable = opened(cells, _told(cells, shown, rules), rules).narrow
    too_small = ~hidden & (small | (shown < rules.k))
    large = cells.support >= LARGE
    error = np.where(hidden, 1.0, np.abs(shown - cells.support) / np.maximum(cells.support, 1))
    return Audit(
        least(rules), int(too_small.sum()) + strange, int(recoverable.sum()), len(hidden),
        {name: _count(hidden[cells.of(name)], small[cells.of(name)]) for name in cells.names},
        _mean(error[large & ~hidden]), _mean(error[large]), int(large.sum()), _kept(cells, hidden),
    )  # fmt: skip


def _shown(candidates: Mapping[str, pa.Table], published: Mapping[str, pa.Table], cells: Cells) -> tuple[Ints, int]:
    """Return the support published of each cell, -1 where it is withheld; and how many published rows are no cell."""
    shown, strange = np.full(len(cells.support), -1, np.int64), 0
    for name, rows in published.items():
        bare = name.removeprefix("products/")
        every = next((table for each, table in candidates.items() if each.removeprefix("products/") == bare), None)
        if every is None:
            strange += rows.num_rows
            continue
        at = pc.index_in(keys(rows), keys(every)).fill_null(-1).to_numpy(zero_copy_only=False)
        found = at >= 0
        shown[cells.of(bare).start + at[found]] = rows["support"].to_numpy()[found]
        strange += int((~found).sum())
    return shown, strange


def keys(rows: pa.Table) -> pa.Array:
    """Write what each row is of as one text: its texts and times, which no figure is."""
    names = [each.name for each in rows.schema if pa.types.is_string(each.type) or pa.types.is_timestamp(each.type)]
    times = [rows[name].cast(pa.int64()) if pa.types.is_timestamp(rows[name].type) else rows[name] for name in names]
    texts = [each.cast(pa.string()) for each in times] or [pa.array([""] * rows.num_rows)]
    joined = pc.binary_join_element_wise(*texts, "|", null_handling="replace")
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined


def _told(cells: Cells, shown: Ints, rules: Rules) -> Known:
    """Return what the published rows tell: a multiple of what counts are rounded to may be off, another count is true."""
    off = np.where((shown % rules.round_to == 0) | (shown == rules.k), half(rules), 0)
    low = np.minimum(np.maximum(shown - off, np.where(off > 0, least(rules), 0)), cells.support)
    return Known(low.astype(float), np.maximum(shown + off, cells.support).astype(float), shown < 0)


def _count(hidden: Bools, small: Bools) -> dict[str, int]:
    """Count the rows of a product and those withheld of it."""
    return {"rows": len(hidden), "small": int((hidden & small).sum()), "beside": int((hidden & ~small).sum())}


def _mean(errors: Floats) -> float | None:
    """Return the mean, where there is anything."""
    return float(errors.mean()) if len(errors) else None


def _kept(cells: Cells, hidden: Bools) -> float | None:
    """Return the share of trips whose row of `od` is published."""
    if "od" not in cells.names or not (trips := cells.support[cells.of("od")].sum()):
        return None
    return float(cells.support[cells.of("od")][~hidden[cells.of("od")]].sum() / trips)
