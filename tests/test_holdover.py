"""A night whose list cannot be read goes on with the cameras of an earlier one, and says so."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from loopback import Loopback, says
from test_web import SCAN, made, row

from pipeline import clusters, feeds
from pipeline.errors import FeedError
from pipeline.fetcher import manners
from pipeline.lake import Lake
from pipeline.runner import Night, Step
from pipeline.stages import stage

LIST = "/api.example.org/cameras"
MONDAY = date(2026, 5, 4)
DRIFTED = says(b'[{"id": "a", "lon": NaN}]')


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setattr(feeds, "load", lambda _: made())
    manners.forget()
    with Loopback({LIST: says(json.dumps([row("a"), row("b")]).encode())}) as started:
        yield started


def listed(server: Loopback, root: Path, on: date, **changes: object) -> Step:
    """Bring the cameras of a night up to date."""
    scan = replace(SCAN, source=server.url, **changes)
    with clusters.spread() as alone:
        return Night(scan, on, Lake(root, scan.name), alone).ensure(stage("cameras"), None)


def test_the_cameras_of_the_night_before_stand_in_and_a_second_run_leaves_them(server, tmp_path, caplog):
    first = listed(server, tmp_path, MONDAY)
    server.pages[LIST] = DRIFTED
    second = listed(server, tmp_path, MONDAY + timedelta(days=1))
    lake = Lake(tmp_path, "made")
    assert lake.read([second.place]).equals(lake.read([first.place]))
    assert lake.last(second.place).lineage["holdover"] == "2026-05-04"
    assert "NaN is no number" in caplog.text
    assert "the cameras of 2026-05-04 stand in for those of 2026-05-05" in caplog.text
    server.pages[LIST] = says(json.dumps([row("c")]).encode())
    assert not listed(server, tmp_path, MONDAY + timedelta(days=1)).fresh
    assert lake.read([listed(server, tmp_path, MONDAY + timedelta(days=2)).place])["native_id"].to_pylist() == ["c"]


def test_nothing_stands_in_that_is_old_or_was_listed_under_other_settings(server, tmp_path):
    with_no_night_before = {"on": MONDAY - timedelta(days=1)}
    listed(server, tmp_path, MONDAY)
    server.pages[LIST] = DRIFTED
    for asked in (
        with_no_night_before,
        {"on": MONDAY + timedelta(days=8)},
        {"on": MONDAY + timedelta(days=1), "cameras": ("a",)},
    ):
        with pytest.raises(FeedError, match="NaN is no number"):
            listed(server, tmp_path, **asked)


def test_what_stood_in_once_stands_in_no_longer_than_the_list_it_came_from(server, tmp_path):
    listed(server, tmp_path, MONDAY)
    server.pages[LIST] = DRIFTED
    assert listed(server, tmp_path, MONDAY + timedelta(days=6)).rows == 2
    with pytest.raises(FeedError):
        listed(server, tmp_path, MONDAY + timedelta(days=8))
