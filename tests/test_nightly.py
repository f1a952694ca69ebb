"""Gather the report of a night from a lake: whole, half made, never begun, and with rows that have expired."""

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import night
import pyarrow.compute as pc
import pytest

from pipeline import nightly, products
from pipeline.desk import Desk
from pipeline.errors import WindowNotFoundError
from pipeline.lake import Lake, Place
from pipeline.report import Given
from pipeline.scans import Scan
from pipeline.stages import STAGES

ON = date(2026, 3, 3)
SCAN = Scan("demo", "demo", "America/New_York", "EPSG:32618", hours="07:30-07:45", cadence_s=15.0, k=3)
LINEAGE = {"scan_date": str(ON), "settings": {"k": "3", "max_speed_mps": "50", "position_m": "100"}}
BY_NIGHT = {line.table for line in STAGES if line.unit in ("scan", "night")}


def place(table: str) -> Place:
    """Say where a table of the invented night lies."""
    return Place(table, ON) if table in BY_NIGHT or "/" in table else Place.of(table, night.HOUR)


published = cache(night.published)


def kept(path: Path, *, finished: bool = True) -> Desk:
    """Commit the invented night to a lake, with or without its products."""
    lake = Lake(path / "lake", "demo")
    products = {f"products/{name}": rows for name, rows in published().items()} if finished else {}
    for name, rows in (night.tables() | products).items():
        lake.commit(place(name), [lake.write(place(name), 0, rows)], LINEAGE)
    return Desk(lake, SCAN, ON, "", datetime(2026, 3, 4, tzinfo=UTC))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, Given]:
    """Return the desk of a finished night, and what its report is told from."""
    desk = kept(tmp_path_factory.mktemp("nightly"))
    return desk, nightly.gather(desk)


def test_rows_withheld_are_those_too_few_vehicles_stand_behind(whole: tuple[Desk, Given]):
    desk, given = whole
    withheld = given.withheld
    every = night.published(make=products.candidates)
    few = {name: pc.sum(pc.less(every[name]["support"], 4)).as_py() or 0 for name in ("flow", "heatmap", "counts")}
    assert {name: withheld[name] for name in few} == few
    assert withheld["flow"]
    other = nightly._withheld(replace(desk, scan=replace(SCAN, k=41)), given.tables, given.products)
    assert other["flow"] is None


def test_the_lake_tells_checks_sizes_terms_and_looks(whole: tuple[Desk, Given]):
    given = whole[1]
    assert given.checks["slots_with_two_frames"] == 0
    assert given.statements["slots_with_two_frames"].startswith("one planned observation")
    assert given.lying["frames"]["rows"] == 360
    assert given.lying["snapshots"] == {"rows": None, "size_bytes": None}
    assert given.operators["demo"]["cleared"] is True
    assert (given.looks, given.runs, given.before) == ([], [], {})


def test_what_has_expired_is_left_out_and_its_withheld_rows_are_not_told(tmp_path: Path):
    desk = kept(tmp_path)
    desk.lake.drop(place("links"), "retention")
    given = nightly.gather(desk)
    assert given.gone == ["links"]
    assert given.checks["two_links_for_one_sighting"] is None
    assert set(given.withheld.values()) == {None}


def test_a_night_half_made_is_reported_and_one_never_begun_is_not(tmp_path: Path):
    desk = kept(tmp_path, finished=False)
    page = nightly.write(desk, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "No product was made." in page
    with pytest.raises(WindowNotFoundError, match="no cameras for 2026-03-04"):
        nightly.facts(replace(desk, scan_date=date(2026, 3, 4)))
