"""Scans: nights in UTC hours, settings that say what is wrong with them."""

from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pipeline import scans
from pipeline.errors import SettingsError
from pipeline.links import Settings as LinkSettings
from pipeline.scans import Scan

NEW_YORK = {"feed": "demo", "timezone": "America/New_York", "metric_crs": "EPSG:32618"}


def scan(**changes) -> Scan:
    return Scan(**{"name": "night", "hours": "22:00-06:00", **NEW_YORK, **changes})


def settings_file(folder: Path, text: str) -> Path:
    path = folder / "settings.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("on", "hours"), [(date(2026, 3, 6), 8), (date(2026, 3, 7), 7), (date(2026, 10, 31), 9), (date(2026, 12, 31), 8)]
)
def test_a_night_has_as_many_windows_as_hours_on_the_clock(on, hours):
    windows = scan().windows(on)
    assert len(windows) == hours
    assert all(b.hour_at - a.hour_at == timedelta(hours=1) for a, b in pairwise(windows))


def test_a_window_is_cut_to_the_night():
    first, last = scan(hours="07:50-08:10").windows(date(2026, 5, 5))
    assert (first.starts_at.minute, first.ends_at.minute, last.starts_at.minute, last.ends_at.minute) == (50, 0, 0, 10)


def test_a_whole_day_has_24_windows_and_the_next_day_begins_where_it_ends():
    today, tomorrow = (scan(hours="00:00-24:00").windows(date(2026, 5, day)) for day in (5, 6))
    assert len(today) == 24
    assert today[-1].ends_at == tomorrow[0].starts_at


def test_the_projects_own_settings_load():
    assert scans.names() == ["demo", "fdr", "london"]
    assert scans.load("fdr", source="frames").source == "frames"


def test_a_stage_takes_its_section_then_the_scans_keys_then_its_defaults():
    chosen = scan(stages={"links": {"min_probability": 0.8}}).settings("links", LinkSettings)
    assert chosen.min_probability == 0.8


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[scan.x]\nfeed = ", "not valid TOML"),
        ('[scan.x]\nfeed = "demo"', "keys missing"),
        ('[scan.y]\nfeed = "demo"', r"no \[scan.x\]; choose from \['y'\]"),
        ('[scan.x]\nfeed = "demo"\ntimezone = "Mars/North"\nmetric_crs = "EPSG:32618"', "unknown timezone"),
        ('[scan.x]\nfeed = "demo"\ntimezone = "UTC"\nmetric_crs = "EPSG:32618"\nhours = "22-6"', "not HH:MM-HH:MM"),
        ('[scan.x]\nfeed = "demo"\ntimezone = "UTC"\nmetric_crs = "EPSG:32618"\ncadense_s = 2', "unknown keys"),
        ('[scan.x]\nfeed = "demo"\ntimezone = "UTC"\nmetric_crs = "EPSG:32618"\nk = 0', "below 1"),
    ],
)
def test_settings_say_what_is_wrong_and_where(tmp_path, text, sentence):
    with pytest.raises(SettingsError, match=sentence):
        scans.load("x", settings_file(tmp_path, text))


def test_an_unknown_stage_setting_is_named():
    with pytest.raises(SettingsError, match="unknown keys"):
        scan(stages={"links": {"minimum": 1}}).settings("links", LinkSettings)


def test_an_instant_belongs_to_the_night_that_last_began():
    night = scan()
    zone = ZoneInfo(night.timezone)
    assert night.night_of(datetime(2026, 3, 7, 22, 0, tzinfo=zone)) == date(2026, 3, 7)
    assert night.night_of(datetime(2026, 3, 8, 6, 0, tzinfo=zone)) == date(2026, 3, 7)
    assert night.night_of(datetime(2026, 3, 8, 21, 59, tzinfo=zone)) == date(2026, 3, 7)
