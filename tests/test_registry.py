"""Commands tell feeds, cameras and the rows that are none; a permission that is stated is kept in the lake."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from loopback import Loopback, says
from test_web import made, row
from typer.testing import CliRunner, Result

from pipeline import feeds, scans, upkeep
from pipeline.__main__ import app
from pipeline.errors import PrivacyError, SettingsError
from pipeline.fetcher import manners
from pipeline.lake import Lake

SETTINGS = """
[scan.{name}]
feed = "made"
timezone = "Europe/London"
metric_crs = "EPSG:27700"
{more}
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Write a settings file whose scan asks a stand-in of an uncleared feed."""
    rows = json.dumps([row("a"), row("far", 10.0)]).encode()
    monkeypatch.setattr(feeds, "load", lambda _: made(cleared=False))
    manners.forget()
    with Loopback({"/api.example.org/cameras": says(rows)}) as server:

        def write(name: str = "town", more: str = "") -> str:
            path = tmp_path / "settings.toml"
            path.write_text(SETTINGS.format(name=name, more=f'source = "{server.url}"\n{more}'))
            return str(path)

        yield write


def invoke(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def test_feeds_are_listed_with_all_their_facts():
    known = json.loads(invoke("cameras", "feeds", "--json").stdout)
    assert {"demo", "archive", "tfl_jamcams"} <= {each["name"] for each in known}
    assert all(
        {"licence", "attribution", "terms_url", "min_interval_s", "timezone", "cleared"} <= set(each) for each in known
    )
    assert "tfl_jamcams" in invoke("cameras", "feeds").stdout


def test_cameras_of_an_uncleared_feed_are_listed_with_the_permission_held(settings):
    assert isinstance(invoke("cameras", "town", "--settings", settings()).exception, PrivacyError)
    words = ("town", "--settings", settings(), "--i-have-permission", "letter of 2026-05-01", "--json")
    for listed in (invoke("cameras", *words), invoke("cameras", "list", *words)):
        assert [each["camera_id"] for each in json.loads(listed.stdout)] == ["made:a"]
    (rejected,) = json.loads(invoke("cameras", *words, "--rejected").stdout)
    assert rejected["native_id"] == "far"
    assert "outside its operator's area" in rejected["reason"]


def test_a_permission_may_stand_in_the_settings(settings):
    shown = invoke("cameras", "town", "--settings", settings(more='permission = "letter of 2026-05-01"'))
    assert "1 rows of the list are no cameras to observe" in shown.stdout


def test_a_stated_permission_is_kept_once_a_night(settings, tmp_path):
    lake, now = Lake(tmp_path / "lake", "town"), datetime(2026, 5, 5, 22, tzinfo=UTC)
    scan = scans.load("town", Path(settings()), permission="letter of 2026-05-01")
    for at in (now, now.replace(hour=23)):
        upkeep.permit(lake, scan, date(2026, 5, 5), at)
    upkeep.permit(lake, scans.load("town", Path(settings())), date(2026, 5, 6), now)
    assert upkeep.permissions(lake) == [
        {"at": "2026-05-05T22:00:00+00:00", "feed": "made", "permission": "letter of 2026-05-01"}
    ]


def test_no_scan_is_called_like_a_command(settings):
    with pytest.raises(SettingsError, match=r"rename \[scan\.feeds\]"):
        scans.load("feeds", Path(settings("feeds")))
