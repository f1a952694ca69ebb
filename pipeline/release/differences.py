"""Take two revisions of a night from one another, as whoever kept the first can: what does that tell of few vehicles?"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.optimize import linprog
from scipy.sparse import csr_array

from pipeline.release.audits import keys
from pipeline.release.intervals import CLOSE, Known, opened
from pipeline.release.rules import Ints, Rules, half
from pipeline.release.sums import Cells, blocks

NOWHERE = ""
"""Zone of a camera that a revision names none of."""


@dataclass(frozen=True)
class Differences:
    """What two revisions of a night tell together that neither tells alone."""

    rows: dict[str, int]
    """By product: rows in both whose counts differ by some vehicles, and by fewer than k."""
    zones: int | None
    """Trips between parts of overlapping zones that are told more narrowly than k; None where the trips themselves differ."""

    @property
    def told(self) -> int:
        """Return how much is told of few vehicles."""
        return sum(self.rows.values()) + (self.zones or 0)


def differences(before: Mapping[str, pa.Table], after: Mapping[str, pa.Table], rules: Rules) -> Differences:
    """Compare what two revisions of one night published.

    Args:
        before: Rows by product of the one.
        after: Rows by product of the other.
        rules: k, what counts are rounded to.
    """
    one, other = ({name.removeprefix("products/"): rows for name, rows in each.items()} for each in (before, after))
    rows = {name: _changed(one[name], other[name], rules) for name in sorted(set(one) & set(other))}
    there = all({"od", "zones"} <= set(each) for each in (one, other))
    return Differences(rows, _between_zones(one, other, rules) if there else 0)


def _changed(before: pa.Table, after: pa.Table, rules: Rules) -> int:
    """Count the rows in both whose counts differ by some vehicles, and by fewer than k."""
    at = pc.index_in(keys(after), keys(before)).to_numpy(zero_copy_only=False)
    both = ~np.isnan(at.astype(float))
    was = before["support"].to_numpy()[at[both].astype(int)]
    change = np.abs(after["support"].to_numpy()[both] - was)
    return int(((change > 0) & (change < rules.k)).sum())


def _between_zones(before: Mapping[str, pa.Table], after: Mapping[str, pa.Table], rules: Rules) -> int | None:
    """Count the trips between parts of zones that both partitions together tell more narrowly than k.

    A part is the cameras that are in one zone of the one revision and one of the other; trips between two parts in an hour are
    what is solved for.
    """
    of = [dict(zip(each["zones"]["camera_id"].to_pylist(), each["zones"]["zone"].to_pylist(), strict=True)) for each in (before, after)]  # fmt: skip
    parts = sorted({(of[0].get(each, NOWHERE), of[1].get(each, NOWHERE)) for each in of[0] | of[1]})
    if not parts or all(one == other for one, other in parts):
        return 0
    told = [row | {"side": side} for side, each in enumerate((before, after)) for row in each["od"].to_pylist()]
    cells, truth = _laid_out(told, parts)
    hidden = np.arange(len(cells.support)) >= len(told)
    off = np.where(hidden, 0, half(rules))
    known = Known(np.maximum(cells.support - off, 0.0), (cells.support + off).astype(float), hidden, 4.0 * truth)
    possible = _possible(cells, known)
    if possible is None:
        return None
    found = opened(Cells(**vars(cells) | {"support": possible}), known, rules)
    return int((found.narrow & (found.high > CLOSE) & (found.low < rules.k)).sum())


def _laid_out(told: list[dict[str, object]], parts: list[tuple[str, str]]) -> tuple[Cells, int]:
    """Lay out published rows of `od` and the trips between parts of zones that they are sums of."""
    hours = sorted({row["hour_at"] for row in told}, key=str)
    n, size = len(told), len(parts)
    within = [{zone: [at for at, part in enumerate(parts) if part[side] == zone] for zone in {part[side] for part in parts}} for side in (0, 1)]  # fmt: skip
    entries = []
    for row, each in enumerate(told):
        zones, at = within[int(str(each["side"]))], hours.index(each["hour_at"])
        entries.append((row, row, -1.0))
        entries += [
            (row, n + (at * size + first) * size + last, 1.0)
            for first in zones.get(str(each["first_zone"]), []) for last in zones.get(str(each["last_zone"]), [])
        ]  # fmt: skip
    count = n + len(hours) * size * size
    laid = np.array(entries, float).reshape(-1, 3)
    sums = csr_array((laid[:, 2], laid[:, :2].T.astype(int)), shape=(n, count))
    support = np.zeros(count, np.int64)
    support[:n] = [int(str(each["support"])) for each in told]
    number = np.zeros(count, np.int64)
    starts = np.array([0, count])
    cells = Cells(support, number, ["od"], starts, sums, np.zeros(n), np.ones(n, bool), blocks(sums), np.arange(count))
    return cells, int(support.max(initial=1))


def _possible(cells: Cells, known: Known) -> Ints | None:
    """Return some night that would have been published so; None where there is none."""
    high = np.where(known.hidden, known.cap or 0.0, known.high)
    bounds = np.stack([np.where(known.hidden, 0.0, known.low), high], axis=1)
    answer = linprog(np.zeros(len(high)), None, None, cells.sums, cells.total, bounds, method="highs")
    return None if answer.x is None else np.asarray(answer.x)
