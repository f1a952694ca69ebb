"""Gather what the report of a night is told from: its tables, its products, other nights, records, logs -> the page."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline import feeds, looks, metrics, query, release, report, upkeep
from pipeline.desk import Desk
from pipeline.errors import FeedNotFoundError, WindowNotFoundError
from pipeline.lake import Lake, Place
from pipeline.products import Settings, candidates
from pipeline.report.chapters import changes, outcomes
from pipeline.stages import STAGES, stage

Scores = Mapping[str, Mapping[str, Any]]


def write(desk: Desk, path: Path, scores: Scores | None = None) -> Path:
    """Write the report of a desk's night, and its facts as JSON beside it; what has expired is named as such.

    Args:
        desk: Lake, scan and night. No purpose is needed: the report shows no single vehicle.
        path: Page to write.
        scores: Against truth, where there is one: subject to measure to value.
    """
    return report.write(path, gather(desk, scores))


def facts(desk: Desk, scores: Scores | None = None) -> report.Facts:
    """Reckon the facts of a desk's night, as `report.json` holds them."""
    return report.reckon(gather(desk, scores))


def gather(desk: Desk, scores: Scores | None = None) -> report.Given:
    """Read all that the report of a night is told from; raise WindowNotFoundError where the night was never begun."""
    lake, night = desk.lake, desk.scan_date
    upkeep.night(lake, night, "cameras")
    tables, products = read(lake, night), _products(lake, night)
    feed_names = sorted(set(tables["cameras"]["feed"].to_pylist()) if "cameras" in tables else {desk.scan.feed})
    found = upkeep.checks(lake, night)
    return report.Given(
        scan=desk.scan,
        scan_date=night,
        tables=tables,
        products=products,
        gold=_gold(desk),
        before=_before(lake, night),
        checks={_bare(name): None if rows is None else len(rows) for name, rows in found.items()},
        statements={_bare(name): ", ".join(query.header(name)["grain"]) for name in found},
        runs=metrics.summary(metrics.read(lake, night)),
        lying=_lying(lake, night),
        operators={name: terms for name in feed_names if (terms := _terms(name))},
        permissions=upkeep.permissions(lake),
        looks=looks.entries(lake),
        withheld=_withheld(desk, tables, products),
        scores=scores or {},
    )


def read(lake: Lake, night: date) -> dict[str, pa.Table]:
    """Read the tables that a report counts; one that has expired, or was never made, is left out."""
    found = {}
    for name in report.READ:
        try:
            found[name] = upkeep.night(lake, night, name)
        except WindowNotFoundError:
            continue
    return found


def _products(lake: Lake, night: date) -> dict[str, pa.Table]:
    """Read the products of a night; none where it was never finished."""
    try:
        return upkeep.products(lake, night)
    except WindowNotFoundError:
        return {}


def _gold(desk: Desk) -> dict[str, pa.Table]:
    """Work out what stands out against other nights; nothing where one of them was never finished."""
    try:
        return desk.gold()
    except WindowNotFoundError:
        return {}


def _before(lake: Lake, night: date) -> dict[date, dict[str, float]]:
    """Add up the nights that this one is held against; one that was never weighed tells nothing."""
    found = {}
    for each in changes.nights(upkeep.nights(lake), night):
        try:
            tables = {"observability": upkeep.night(lake, each, "observability"), **_products(lake, each)}
        except WindowNotFoundError:
            continue
        found[each] = changes.totals(tables)
    return found


def _lying(lake: Lake, night: date) -> dict[str, dict[str, int | None]]:
    """Tell for each stage the rows committed, None where they are dropped, and the bytes of all revisions that lie there."""
    found: dict[str, dict[str, int | None]] = {}
    for line in STAGES:
        names = query.names("products") if line.table == "products" else [line.table]
        places = [place for name in names for place in lake.night(name, night)]
        there = [place for place in places if not lake.dropped(place)]
        rows = sum(commit.rows for place in there if (commit := lake.last(place)))
        size = sum(_size(lake, place) for place in places)
        found[line.table] = {"rows": rows if there else None, "size_bytes": size if places else None}
    return found


def _size(lake: Lake, place: Place) -> int:
    """Return the bytes of a place's files, each counted once."""
    commits = (commit for commit in lake.commits(place) if not lake.dropped(place, commit))
    return sum({file.name: file.size_bytes for commit in commits for file in commit.files}.values())


def _terms(name: str) -> dict[str, Any]:
    """Return a feed's terms; nothing where no such feed is here any more."""
    try:
        feed = feeds.load(name)
    except FeedNotFoundError:
        return {}
    return {each: getattr(feed, each) for each in outcomes.TERMS}


def _withheld(desk: Desk, tables: Mapping[str, pa.Table], products: Mapping[str, pa.Table]) -> dict[str, int | None]:
    """Count the rows of each product that too few vehicles stand behind, by making the products once more.

    None where a table they are made from has expired, or where today's program would publish other rows.
    """
    line = stage("products")
    if any(name not in tables for name in line.reads):
        return dict.fromkeys(products)
    settings = desk.scan.settings("products", Settings)
    made = candidates(**{name: tables[name] for name in line.reads}, settings=settings)
    shown = release.gate(made, settings)
    found: dict[str, int | None] = {}
    for name, rows in products.items():
        every = made.get(f"products/{name}")
        same = every is not None and shown[f"products/{name}"].num_rows == rows.num_rows
        found[name] = every.num_rows - rows.num_rows if every is not None and same else None
    return found


def _bare(check: str) -> str:
    """Name a check without its folder."""
    return check.removeprefix("checks/")
