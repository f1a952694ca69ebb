"""Hold what the report of one night is told from: its tables, and what its lake says about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import pyarrow as pa

from pipeline.scans import Scan
from pipeline.tables import TABLES

Facts = dict[str, Any]
Rows = list[Facts]
READ = (
    "cameras",
    "roads",
    "frames",
    "detections",
    "sightings",
    "transitions",
    "observability",
    "links",
    "trajectories",
)
"""Tables the report counts; pixels and vectors are not among them."""


@dataclass(frozen=True)
class Given:
    """What is known of a night. What is left empty is said to be unknown, never taken for nothing."""

    scan: Scan
    scan_date: date
    """Local date on which the night began."""
    tables: Mapping[str, pa.Table]
    """Rows of the night by table; one that is absent has expired, or was never made."""
    products: Mapping[str, pa.Table]
    """Published rows of the night by product."""
    gold: Mapping[str, pa.Table] = field(default_factory=dict)
    """What stands out against other nights (`anomalies`)."""
    before: Mapping[date, Mapping[str, float]] = field(default_factory=dict)
    """Totals of earlier nights, as `changes.totals` gives them."""
    checks: Mapping[str, int | None] = field(default_factory=dict)
    """Check of `sql/checks` to the rows it found that must not be; None where it could not be asked."""
    statements: Mapping[str, str] = field(default_factory=dict)
    """Check to what one row it finds would be."""
    runs: Sequence[Mapping[str, Any]] = ()
    """Run records added up by stage (`metrics.summary`)."""
    lying: Mapping[str, Mapping[str, int | None]] = field(default_factory=dict)
    """Table to the `rows` committed and the `size_bytes` that lie in the lake; None where they have expired."""
    operators: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Feed to its terms: `operator`, `licence`, `terms_url`, `commercial`, `may_store_frames`, `cleared`."""
    permissions: Sequence[Mapping[str, str]] = ()
    """What operators of feeds that are not cleared have allowed."""
    looks: Sequence[Mapping[str, str]] = ()
    """Every look at single vehicles that the lake's log holds: `at`, `table`, `purpose`."""
    withheld: Mapping[str, int | None] = field(default_factory=dict)
    """Product to the rows too few vehicles stand behind; None where it can no longer be told."""
    scores: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Against truth, where there is one: heading to measure to value."""

    def table(self, name: str) -> pa.Table:
        """Return a table of the night, empty where it is gone."""
        return self.tables.get(name, TABLES[name].empty())

    def product(self, name: str) -> Rows:
        """Return the rows of a product, none where it was not made."""
        return self.products[name].to_pylist() if name in self.products else []

    @cached_property
    def names(self) -> dict[str, str]:
        """Camera to what people call it."""
        listed = self.table("cameras")
        return dict(zip(*(listed[name].to_pylist() for name in ("camera_id", "name")), strict=True))

    @property
    def gone(self) -> list[str]:
        """List the tables that are no longer, or were never, in the lake."""
        return [name for name in READ if name not in self.tables]
