"""Draw one night on a kepler.gl map that needs no network: tables -> one `map.html`."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa


def draw(
    path: Path,
    *,
    title: str,
    timezone: str,
    cameras: pa.Table,
    roads: pa.Table,
    sightings: pa.Table,
    observability: pa.Table,
    links: pa.Table,
    trajectories: pa.Table,
    products: Mapping[str, pa.Table],
    k: int = 10,
    purpose: str = "",
    exempt: str = "",
) -> Path:
    """Write one self-contained page with roads, cameras, arcs, an H3 heatmap and, where allowed, animated trips.

    Args:
        path: File to write; its folder is made.
        title: Heading of the page, such as `demo 2026-05-05`.
        timezone: IANA name; the times of the page are local to it.
        cameras: `tables.CAMERAS`; their licence and attribution are shown on the page.
        roads: `tables.ROADS`; drawn in place of a base map. May be empty.
        sightings: `tables.SIGHTINGS` of the night.
        observability: `tables.OBSERVABILITY` of the night; gives each camera its verdict and reason.
        links: `tables.LINKS` of the night; arcs where no product `travel_time` or `od` is given.
        trajectories: `tables.TRAJECTORIES` of the night; the animated trips.
        products: Product name (`heatmap`, `travel_time`, `od`, `flow`) to its published rows.
        k: Arcs that fewer vehicles stand behind are left out.
        purpose: Why individual trajectories are looked at; shown on the page.
        exempt: Why no purpose is needed (`Scan.kept_from`, a simulated city); shown on the page.

    Without `purpose` and `exempt` the trips are left out and the page says so.

    Returns:
        The path written. The same tables give the same bytes.

    Raises:
        IntegrityError: the installed kepler.gl bundle is not the one this page was made for.
    """
    raise NotImplementedError
