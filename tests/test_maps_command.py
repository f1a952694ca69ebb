"""Ask the command line for maps of a night that was followed, and of one that was only counted."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline import looks
from pipeline.__main__ import app
from pipeline.errors import PrivacyError, SettingsError


def asked(lake: Path, *options: str, settings: Path | None = None) -> str:
    """Run `thoroughfare map` over a lake and return what it says."""
    given = ["map", "--lake", str(lake), "--settings", str(settings or lake / "settings.toml"), *options]
    return CliRunner().invoke(app, given, catch_exceptions=False).output


@pytest.fixture(scope="module")
def open_city(demo_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings of the same city as if its vehicles were somebody's."""
    settings = tmp_path_factory.mktemp("open_city") / "settings.toml"
    lines = (demo_lake / "settings.toml").read_text(encoding="utf-8").splitlines()
    settings.write_text("\n".join(line for line in lines if not line.startswith("exempt")), encoding="utf-8")
    return settings


def test_every_map_is_written_after_its_size_was_said(demo_lake: Path, tmp_path: Path):
    said = asked(demo_lake, "--kind", "every", "--out", str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "arcs.html",
        "health.html",
        "heatmap.html",
        "overview.html",
        "trips.html",
    ]
    assert said.index("trips: cameras 8, trips") < said.index("trips.html")


def test_of_peoples_vehicles_no_trip_is_drawn_without_a_purpose(demo_lake: Path, open_city: Path, tmp_path: Path):
    said = asked(demo_lake, "--kind", "every", "--out", str(tmp_path), settings=open_city)
    assert "trips: left out" in said
    assert not (tmp_path / "trips.html").exists()
    with pytest.raises(PrivacyError, match="--purpose"):
        asked(demo_lake, "--kind", "trips", "--out", str(tmp_path / "trips.html"), settings=open_city)


def test_a_look_at_trips_is_logged_and_one_at_aggregates_is_not(demo_lake: Path, open_city: Path, tmp_path: Path):
    from pipeline.lake import Lake

    before = len(looks.entries(Lake(str(demo_lake), "demo")))
    for kind in ("trips", "heatmap", "arcs", "health"):
        asked(
            demo_lake,
            "--kind",
            kind,
            "--purpose",
            "timing of signals",
            "--out",
            str(tmp_path / f"{kind}.html"),
            settings=open_city,
        )
    assert [each["purpose"] for each in looks.entries(Lake(str(demo_lake), "demo"))[before:] if each["shown"]] == [
        "timing of signals"
    ]


def test_a_night_of_counts_gets_every_map(counts_lake: Path, tmp_path: Path):
    said = asked(counts_lake, "--kind", "every", "--out", str(tmp_path))
    assert len(list(tmp_path.iterdir())) == 5
    assert "heatmap by hour" in said
    assert "No vehicle was followed from camera to camera" in (tmp_path / "heatmap.html").read_text(encoding="utf-8")
    assert "No origins and destinations" in (tmp_path / "arcs.html").read_text(encoding="utf-8")


def test_what_does_not_go_together_is_said_in_a_sentence(demo_lake: Path, tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="is a file"):
        asked(demo_lake, "--kind", "every", "--out", str(tmp_path / "file"))
    with pytest.raises(SettingsError, match="not `every`"):
        asked(demo_lake, "--kind", "every", "--config", "mine.json")
