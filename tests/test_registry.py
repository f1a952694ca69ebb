"""Commands tell feeds, cameras and the rows that are none; a permission that is stated is kept in the lake."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from loopback import Loopback, says
from mutations import FOLDER
from test_web import made, row
from typer.testing import CliRunner, Result

from pipeline import feeds, scans, upkeep
from pipeline.__main__ import app
from pipeline.errors import PrivacyError, SettingsError
from pipeline.fetcher import manners
from pipeline.lake import Lake
from pipeline.registry import files

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


LIST, WEIR = "/api.tfl.gov.uk/Place/Type/JamCam", "Weir Street"
TOWNS = {
    "london": ("tfl_jamcams", LIST),
    "finland": ("digitraffic_fi", "/tie.digitraffic.fi/api/weathercam/v1/stations"),
    "york": ("nyc_dot", "/webcams.nyctmc.org/api/cameras"),
    "bc": ("drivebc", "/www.drivebc.ca/api/webcams/"),
}


@pytest.fixture
def towns(tmp_path: Path):
    """Serve the fixtures of four feeds; yields their pages, to change, and the settings that ask for them."""
    manners.forget()
    pages = {path: (FOLDER / f"{feed}.json").read_bytes() for feed, path in TOWNS.values()}
    with Loopback({path: says(page) for path, page in pages.items()}) as server:
        about = 'timezone = "UTC"\nmetric_crs = "EPSG:3857"\ncadence_s = 600.0\n'
        sections = [
            f'[scan.{name}]\nfeed = "{feed}"\nsource = "{server.url}"\n{about}' for name, (feed, _) in TOWNS.items()
        ]
        path = tmp_path / "settings.toml"
        path.write_text("".join(sections))
        yield server, pages, ("--settings", str(path))


def test_cleared_feeds_are_exported_with_their_licences(towns, tmp_path):
    _, _, settings = towns
    out = str(tmp_path / "out")
    shown = invoke("cameras", "export", "london", "finland", "--out", out, *settings)
    assert "may be published with its attribution" in shown.stdout
    told = json.loads(invoke("cameras", "export", "london", "--out", out + "2", *settings, "--json").stdout)
    assert told["feeds"][0]["attribution"].startswith("Powered by TfL Open Data")
    names = {"cameras.csv", "cameras.schema.json", "cameras.parquet", "feeds.csv", "rejected.csv", "duplicates.csv"}
    assert {each.name for each in Path(out).iterdir()} == names
    stations = {row["site_id"] for row in files.read(Path(out)).to_pylist() if row["feed"] == "digitraffic_fi"}
    assert stations == {"digitraffic_fi:C99001", "digitraffic_fi:C99002"}


def test_an_uncleared_feed_is_not_exported_without_a_permission_of_its_own(towns, tmp_path):
    _, _, settings = towns
    out = str(tmp_path / "out")
    assert isinstance(invoke("cameras", "export", "london", "york", "--out", out, *settings).exception, PrivacyError)
    both = ("cameras", "export", "york", "bc", "--out", out, *settings, "--i-have-permission", "letter")
    assert "cannot speak for 2 operators" in str(invoke(*both).exception)
    assert not Path(out).exists()
    one = invoke("cameras", "export", "london", "york", "--out", out, *settings, "--i-have-permission", "letter of May")
    assert "publish only what this permission allows: letter of May" in one.stdout


def test_every_row_that_is_no_camera_is_exported_with_its_reason(towns, tmp_path):
    server, pages, settings = towns
    first, *others = json.loads(pages[LIST])
    wrong: dict[str, dict] = {
        "0": {"lat": 0.0, "lon": 0.0}, "box": {"lat": 48.8, "lon": 2.3}, "swapped": {"lat": -0.1, "lon": 51.5}, "text": {"lat": "51.5"},
    }  # fmt: skip
    sound = [first | {"id": f"JamCams_1.{n}"} for n in range(40)]
    page = [*others, *sound, *(first | {"id": name} | change for name, change in wrong.items())]
    server.pages[LIST] = says(json.dumps(page).encode())
    invoke("cameras", "export", "london", "--out", str(tmp_path / "out"), *settings)
    reasons = {row["native_id"]: row["reason"] for row in files.rejected(tmp_path / "out")}
    assert {name: reasons[name] for name in wrong} == {
        "0": "latitude 0.0, longitude 0.0 is no place",
        "box": "latitude 48.8, longitude 2.3 lies outside its operator's area",
        "swapped": "latitude -0.1, longitude 51.5 lies outside its operator's area; they look swapped",
        "text": "[46]: field lat is '51.5', not a number",
    }


def later(pages: dict[str, bytes]) -> bytes:
    """Return London's list of another day: one camera renumbered, one gone, one added and one moved."""
    one, two, three, *rest = json.loads(pages[LIST])
    one["id"] = "JamCams_77.1"
    two["commonName"] = WEIR
    three["lat"] += 0.001
    return json.dumps([one, two, three, *rest]).encode()


def test_two_registries_are_compared(towns, tmp_path):
    server, pages, settings = towns
    days = [str(tmp_path / day) for day in ("2026-05-07", "2026-05-08")]
    invoke("cameras", "export", "london", "--out", days[0], *settings)
    server.pages[LIST] = says(later(pages))
    invoke("cameras", "export", "london", "--out", days[1], *settings)
    told = json.loads(invoke("cameras", "diff", "--from", days[0], "--to", days[1], "--json").stdout)
    assert {kind: n for kind, n in told["counts"].items() if n} == {
        "moved": 1,
        "renamed": 1,
        "renumbered": 1,
        "changed": 1,
    }
    shown = invoke("cameras", "diff", "--from", days[0], "--to", days[1]).stdout
    assert "renumbered" in shown
    assert "111 m" in shown


def test_two_nights_of_a_lake_are_compared(towns, tmp_path):
    server, pages, settings = towns
    lake = ("--lake", str(tmp_path / "lake"))
    assert invoke("stage", "london", "cameras", "--date", "2026-05-07", *lake, *settings).exit_code == 0
    server.pages[LIST] = says(later(pages))
    assert invoke("stage", "london", "cameras", "--date", "2026-05-08", *lake, *settings).exit_code == 0
    told = json.loads(
        invoke("cameras", "diff", "london", "--from", "2026-05-07", "--to", "2026-05-08", *lake, "--json").stdout
    )
    assert told["counts"]["renumbered"] == 1
    missing = invoke("cameras", "diff", "london", "--from", "2026-05-06", "--to", "2026-05-08", *lake).exception
    assert "dates there: ['2026-05-07', '2026-05-08']" in str(missing)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--from", "2026-05-07"), "say which days"), (("--from", "yesterday", "--to", "2026-05-08"), "--from 'yesterday' is not a date"),
        (("--from", "2026-05-07", "--to", "out/nowhere"), "--to out/nowhere: no such folder, and no date"),
        (("--from", ".", "--to", "2026-05-08"), "no registry there"), (("london", "--from", ".", "--to", "."), "compared without a scan"),
    ],
)  # fmt: skip
def test_days_that_cannot_be_compared_are_said(words: tuple[str, ...], what: str):
    assert what in str(invoke("cameras", "diff", *words).exception)


def test_a_fact_that_changed_everywhere_is_one_line(towns, tmp_path):
    server, pages, settings = towns
    first = json.loads(pages[LIST])[0]
    for day, stem in (("one", "a"), ("two", "b")):
        rows = [first | {"id": f"JamCams_1.{n}", "commonName": f"Road {n}"} for n in range(12)]
        page = json.dumps(rows).replace(".jpg", f"{stem}.jpg").encode()
        server.pages[LIST] = says(page)
        invoke("cameras", "export", "london", "--out", str(tmp_path / day), *settings)
    shown = invoke("cameras", "diff", "--from", str(tmp_path / "one"), "--to", str(tmp_path / "two")).stdout
    line = " ".join(shown.splitlines()[2].split())
    assert line == "changed tfl_jamcams 12 cameras image_url: --json lists them"
    assert len(shown.splitlines()) == 3


def test_a_feed_that_only_one_day_has_is_one_line(towns, tmp_path):
    _, _, settings = towns
    for day, names in (("one", ("london", "finland")), ("two", ("london",))):
        invoke("cameras", "export", *names, "--out", str(tmp_path / day), *settings)
    shown = invoke("cameras", "diff", "--from", str(tmp_path / "one"), "--to", str(tmp_path / "two")).stdout
    assert len(shown.splitlines()) == 3
    assert "the whole feed" in shown
