"""Answer what a person asks of a lake: SQL, the map, the report."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline import looks, query, scans, trims, upkeep
from pipeline.asking import SHOWN, answering, of_nights
from pipeline.errors import SettingsError, WindowNotFoundError
from pipeline.lake import Lake
from pipeline.scans import Scan
from pipeline.tables import TABLES

if TYPE_CHECKING:
    from pipeline.links.explanation import Explanation
    from pipeline.maps import Night


@dataclass(frozen=True)
class Desk:
    """One night of one lake, and who asks."""

    lake: Lake
    """Lake it asks."""
    scan: Scan
    """Scan of the lake: its time zone, its `k`, whether its vehicles are invented."""
    scan_date: date
    """Night it asks."""
    purpose: str
    """Why single vehicles are looked at; empty where they are not."""
    now: datetime
    """When it was opened, UTC; what the log of looks says."""

    def ask(self, statement: str, given: Mapping[str, str] | None = None) -> pa.Table:
        """Run one SELECT, or a named file of `sql/`, over the night's committed tables; `given` are its own parameters."""
        with answering(statement, self, given=given) as question:
            return question.put().read_all()

    def products(self) -> dict[str, pa.Table]:
        """Read every product of the night by its name."""
        return upkeep.products(self.lake, self.scan_date)

    def gold(self) -> dict[str, pa.Table]:
        """Work out every table of `sql/gold` over the published products of all nights up to this one."""
        products = {
            place.table.removeprefix("products/")
            for place in self.lake.places("products")
            if place.date <= self.scan_date
        }
        wanted = {table for name in query.names("gold") for table in query.header(name)["reads"]}
        tables = {
            name: of_nights(self.lake, self.scan_date, f"products/{name}", date.min) for name in wanted & products
        }
        params = {"timezone": self.scan.timezone, "k": self.scan.k}
        made = {}
        for name in query.names("gold"):
            stated = query.header(name)
            if set(stated["reads"]) <= set(tables):
                given = {key: params[key] for key in stated["params"]}
                made[name.removeprefix("gold/")] = query.query(name, given, **{t: tables[t] for t in stated["reads"]})
        return made

    def table(self, name: str) -> pa.Table:
        """Read one table of the night; single vehicles with a purpose only, and each look is logged.

        Raises:
            PrivacyError: it shows single vehicles and no purpose is stated.
            WindowNotFoundError: it was never made, or has expired.
            SettingsError: people may not ask it, or there is none of that name.
        """
        if name not in SHOWN:
            raise SettingsError(f"no table {name!r} to read; choose from {list(SHOWN)}, or a product of `products()`")
        looks.look(self.lake, self.scan, name, self.purpose, self.now)
        return upkeep.night(self.lake, self.scan_date, name)


def open_desk(root: str | Path, scan: str = "", on: str = "", purpose: str = "", settings: Path | None = None) -> Desk:
    """Open a lake for questions: its only scan and its last night, where none are named.

    Raises:
        SettingsError: the lake holds no scan, or several and none is named; or `on` is no date.
    """
    name = scan or upkeep.only_scan(str(root))
    lake = Lake(str(root), name)
    return Desk(
        lake,
        scans.load(name, settings),
        scans.date_of(on, "on") if on else upkeep.last_night(lake),
        purpose,
        datetime.now(UTC),
    )


def ask(statement: str, lake: Lake, scan: Scan, scan_date: date, purpose: str, now: datetime) -> pa.Table:
    """Run one SELECT, or a named file of `sql/`, over the night's committed tables and the views of `sql/views.sql`.

    `$timezone` and `$k` stand for the scan's; `runs` are the run records of all nights.

    Raises:
        PrivacyError: it reads single vehicles and no purpose is stated.
        PipelineError: the SQL fails; the message is DuckDB's.
    """
    return Desk(lake, scan, scan_date, purpose, now).ask(statement)


def draw(lake: Lake, scan: Scan, scan_date: date, path: Path, purpose: str, now: datetime) -> Path:
    """Draw a night at a glance on one offline page; trips where a purpose is stated or the scan is exempt."""
    from pipeline import maps

    return maps.compose(map_night(lake, scan, scan_date, purpose, now)).write(path)


def map_night(lake: Lake, scan: Scan, scan_date: date, purpose: str, now: datetime, kind: str = "overview") -> "Night":
    """Read what a map of a night is drawn from; what has expired is empty, trips of real vehicles lack their ends.

    Raises:
        PrivacyError: the map is of single trips, no purpose is stated and the scan is not exempt.
        WindowNotFoundError: the night was never made.
    """
    from pipeline import maps

    if kind == "trips" or (kind == "overview" and purpose):
        looks.look(lake, scan, "trajectories", purpose, now)
    names = ("cameras", "roads", "sightings", "observability", "links", "trajectories", "frames", "transitions")
    tables = {name: _night(lake, scan_date, name) for name in names}
    if not scan.exempt:
        tables["trajectories"] = trims.trimmed(tables["trajectories"])
    seen: dict[str, Any] = {
        "purpose": purpose.strip(),
        "exempt": scan.exempt,
        "k": scan.k,
        "products": upkeep.products(lake, scan_date),
    }
    return maps.Night(title=f"{scan.name} {scan_date}", timezone=scan.timezone, **seen, **tables)


def why(
    sighting_ids: list[str], lake: Lake, scan: Scan, scan_date: date, purpose: str, now: datetime
) -> "list[Explanation]":
    """Explain the links of some sightings of a night, or why they have none.

    Raises:
        PrivacyError: no purpose is stated and the scan is not exempt.
        WindowNotFoundError: links were never made or have expired.
        SettingsError: there is no such sighting.
    """
    from pipeline import embeddings, links
    from pipeline.links.explanation import explain

    looks.look(lake, scan, "links", purpose, now)
    names = ("sightings", "transitions", "observability", "links")
    tables = {name: upkeep.night(lake, scan_date, name) for name in names}
    tables["detections"] = _night(lake, scan_date, "detections")
    settings = scan.settings("links", links.Settings)
    least_px = scan.settings("embeddings", embeddings.Settings).min_crop_px
    return [explain(each, **tables, settings=settings, min_crop_px=least_px) for each in sighting_ids]


def _night(lake: Lake, scan_date: date, name: str) -> pa.Table:
    """Read a table of a night, empty where it has expired."""
    try:
        return upkeep.night(lake, scan_date, name)
    except WindowNotFoundError:
        if not lake.night(name, scan_date):
            raise
        return TABLES[name].empty()
