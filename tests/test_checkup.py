"""A look at a feed tells what a night would meet, asks as a night would, and keeps nothing."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from city import City
from test_web import made
from typer.testing import CliRunner, Result

from pipeline import checkup, feeds
from pipeline.__main__ import app
from pipeline.checkup import Checkup
from pipeline.errors import FeedError, PrivacyError, SettingsError
from pipeline.fetcher import manners
from pipeline.fetcher.rules import CONTACT
from pipeline.scans import Scan

DAY = date(2026, 5, 5)
SETTINGS = """
[scan.t]
feed = "{feed}"
timezone = "Europe/London"
metric_crs = "EPSG:27700"
cadence_s = 300.0
snapshots = {{at_once = 8}}
"""


@pytest.fixture(autouse=True)
def _fresh() -> None:
    manners.forget()


@pytest.fixture
def asked(tmp_path: Path) -> Callable[..., Result]:
    """Look at a feed by the command."""

    def invoke(feed: str, *words: str) -> Result:
        (tmp_path / "settings.toml").write_text(SETTINGS.format(feed=feed))
        return CliRunner().invoke(app, ["cameras", "check", "t", "--settings", f"{tmp_path}/settings.toml", *words])

    return invoke


def look(city: City, feed: str = "tfl_jamcams", sample: int = 0, **changes: object) -> Checkup:
    return checkup.check(Scan("t", feed, "UTC", "EPSG:3857", source=city.url, cadence_s=300.0, **changes), DAY, sample)


def test_a_person_is_told_states_times_sizes_terms_and_what_to_do(asked):
    with City({"tfl_jamcams": 12}, faulty=0.5, faults=("404", "card", "stale")) as city:
        shown = asked("tfl_jamcams", "--source", city.url).stdout
    for line in (
        "12 of 12 cameras asked for",
        "state:      6 ok, 2 placeholder, 2 stale, 2 missed",
        "taken when: 10 last_modified",
        "which fits into a step of 300 s",
        "terms:      cleared for this use; licence OGL-UK-2.0",
        "missed (HTTP 404), 2: listed, and not there: leave them out",
        "placeholder, 2: the operator shows a card instead of the camera: it is off",
        "nothing of their pictures is kept",
    ):
        assert line in shown


def test_a_program_is_told_age_heading_and_source_of_every_camera(asked):
    with City({"caltrans_cwwp2": 4}) as city:
        found = json.loads(asked("caltrans_cwwp2", "--source", city.url, "--json").stdout)
    assert {each["captured_at_source"] for each in found["cameras"]} == {"last_modified"}
    assert all(0 <= each["age_s"] <= each["cadence_s"] + 1 for each in found["cameras"])
    assert [each["bearing_deg"] for each in found["cameras"]] == [None, 0.0, 0.0, None]
    assert "jpeg" not in json.dumps(found)


def test_a_sample_is_spread_over_the_list_and_no_other_picture_is_asked_for():
    with City({"tfl_jamcams": 61}) as city:
        found = look(city, sample=3)
        asked = [path for path, _ in city.asked if path.endswith(".jpg")]
    assert [each.camera_id[-5:] for each in found.cameras] == ["00000", "00030", "00060"]
    assert (found.listed, len(asked)) == (61, 3)


def test_a_camera_is_named_by_either_of_its_ids_and_an_unknown_one_is_refused(asked):
    with City({"lta_sg": 5}) as city:
        words = ("--source", city.url, "--camera", "9001", "--camera", "lta_sg:9003", "--json")
        found = json.loads(asked("lta_sg", *words).stdout)
        unknown = asked("lta_sg", "--source", city.url, "--camera", "7")
    assert [each["camera_id"] for each in found["cameras"]] == ["lta_sg:9001", "lta_sg:9003"]
    assert isinstance(unknown.exception, SettingsError)
    assert "no cameras ['7']" in str(unknown.exception)


def test_a_feed_that_is_down_uncleared_or_asked_without_contact_or_key_is_an_error(asked, monkeypatch):
    monkeypatch.delenv(CONTACT, raising=False)
    with City({"lta_sg": 3}) as city:
        down = asked("tfl_jamcams", "--source", city.url)
        keyless = asked("ibi511", "--source", city.url, "--i-have-permission", "letter of 2026-05-01")
        connections = city.connections
        uncleared = asked("nyc_dot", "--source", city.url)
        assert city.connections == connections
    nameless = asked("tfl_jamcams")
    kinds = [type(each.exception) for each in (down, keyless, uncleared, nameless)]
    assert kinds == [FeedError, SettingsError, PrivacyError, SettingsError]
    assert "did not come: HTTP 404" in str(down.exception)
    assert "key is not set" in str(keyless.exception)
    assert CONTACT in str(nameless.exception)


def test_a_feed_of_which_no_picture_comes_ends_with_exit_code_4(asked):
    with City({"tfl_jamcams": 3}, faulty=1.0, faults=("404",)) as city:
        ended = asked("tfl_jamcams", "--source", city.url)
    assert ended.exit_code == FeedError.exit_code
    assert "state:      3 missed" in ended.stdout


def test_a_feed_that_is_not_live_shows_the_first_pictures_of_a_night():
    words = ("--sample", "2", "--date", f"{DAY}", "--json")
    found = json.loads(CliRunner().invoke(app, ["cameras", "check", "demo", *words]).stdout)
    assert found["states"] == {"ok": 2}
    assert found["step_s"] == 2.0


def test_a_sweep_takes_what_a_cap_demands_or_what_was_measured_and_one_too_long_is_told():
    assert checkup._sweep(made(requests_per_minute=600.0), 890, 20, 1.0) == (
        pytest.approx(97.9), "the terms allow 600 requests a minute",
    )  # fmt: skip
    assert checkup._sweep(made(), 890, 20, 2.0) == (pytest.approx(89.0), "as long a camera as these 20 took")
    with City({"tfl_jamcams": 3}) as city:
        found = replace(look(city), sweep_s=900.0, step_s=300.0)
    assert "raise cadence_s to 900 or more" in "\n".join(checkup._advice(found))
    assert "does not fit into a step of 300 s" in "\n".join(checkup.summary(found))


def test_a_rehearsals_pace_is_never_an_operators():
    hurried = Scan(
        "t", "tfl_jamcams", "UTC", "EPSG:3857", cadence_s=1.0, stages={"snapshots": {"rehearsal_interval_s": 1.0}}
    )
    with pytest.raises(SettingsError, match="is for a stand-in on this machine"):
        feeds.load("tfl_jamcams").slots(hurried, hurried.windows(DAY)[0], "JamCams_09001.00000")
