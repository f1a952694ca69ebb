"""Report one night honestly on one page: every table of the line -> one `report.html`."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.scans import Scan


def write(
    path: Path,
    *,
    scan: Scan,
    scan_date: date,
    tables: Mapping[str, pa.Table],
    products: Mapping[str, pa.Table],
    scores: Mapping[str, Mapping[str, Any]] | None = None,
) -> Path:
    """Write one self-contained page: what was seen, what was made of it, what was refused and what is deleted when.

    Args:
        path: File to write; its folder is made.
        scan: The scan that ran.
        scan_date: Local date on which the night began.
        tables: Table name (`cameras`, `frames`, `detections`, `sightings`, `transitions`, `observability`, `links`,
            `trajectories`) to the night's rows; one that is absent counts as expired and is named as such.
        products: Product name (`flow`, `travel_time`, `od`, `heatmap`) to its published rows.
        scores: Against truth, where there is one: heading (`detections`) to measure (`AP50`) to value; a value may
            be a number, a text, or a `(low, high)` interval.

    Returns:
        The path written. The same tables give the same bytes.

    Raises:
        SchemaError: a table is not what `tables.py` says.
    """
    raise NotImplementedError
