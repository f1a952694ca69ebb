"""A secret goes through every door of the program and is found behind none of them."""

import json
import logging
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import nbformat
import pytest
from loopback import Loopback, says

from pipeline import __main__ as program
from pipeline import console, feeds
from pipeline.clusters import certificates
from pipeline.errors import FeedError
from pipeline.feeds import _asking
from pipeline.fetcher import manners

ROOT = Path(__file__).parents[1]
SENTINEL = "SENTINEL/4f9c e+key"
"""With characters that an address and JSON write otherwise."""
HELD = ("THOROUGHFARE_511NY_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN")
LIST = "/511ny.org/api/getcameras"
SETTINGS = """[scan.albany]
feed = "ny511"
timezone = "America/New_York"
metric_crs = "EPSG:32618"
hours = "23:00-23:10"
cadence_s = 300
permission = "letter of 2026-05-01"
source = "{source}"

[scan.demo]
feed = "demo"
timezone = "America/New_York"
metric_crs = "EPSG:32618"
exempt = "a simulated city"
"""


def found(text: str | bytes) -> bool:
    """Tell whether a secret stands in a text, however it is written."""
    plain = text if isinstance(text, bytes) else text.encode()
    return any(each.encode() in plain for each in (SENTINEL, quote(SENTINEL), quote(SENTINEL, safe=""), SENTINEL[:12]))


@pytest.fixture(autouse=True)
def _held(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("THOROUGHFARE_CONTACT", "ops@example.org")
    for name in HELD:
        monkeypatch.setenv(name, SENTINEL)
    manners.forget()
    yield
    console.log_as("plain")


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, capfd) -> Callable[..., str]:
    def call(*words: str) -> str:
        manners.forget()
        monkeypatch.setattr(_asking, "PAUSES_S", (0.0, 0.0))
        monkeypatch.setattr(sys, "argv", ["thoroughfare", *words])
        with pytest.raises(SystemExit):
            program.main()
        return "".join(capfd.readouterr())

    return call


ECHO = f'{{"Message": "Invalid key {SENTINEL}"}}'.encode()
ANSWERS = {
    "the list": says((ROOT / "tests/feeds/ny511.json").read_bytes()),
    "refused, the key said back": says(ECHO, status="403 Forbidden"),
    "no list, the key said back": says(ECHO),
    "no JSON, the key said back": says(b"Invalid key " + SENTINEL.encode()),
    "a page, the key said back": says(b"<!DOCTYPE html>" + ECHO, "Content-Type: text/html"),
}


ASKING = [
    ["--log", "json", "stage", "albany", "cameras", "--date", "2026-05-05", "--lake", "lake"],
    ["cameras", "list", "albany"],
    ["cameras", "export", "albany", "--out", "registry"],
    ["metrics", "--lake", "lake", "--json"],
    ["status", "albany", "--lake", "lake"],
]


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_feeds_key_is_in_nothing_that_is_said_or_written(answer: str, said, tmp_path: Path):
    with Loopback({LIST: ANSWERS[answer]}) as server:
        (tmp_path / "settings.toml").write_text(SETTINGS.format(source=server.url))
        told = [said(*words) for words in (ASKING if answer == "the list" else ASKING[:2])]
        assert any(found(path) for path, _ in server.asked), "the key was never sent, so nothing was tried"
    assert all(told)
    assert not [each for each in told if found(each)]
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and found(path.read_bytes())]


def test_an_error_with_a_secret_in_it_is_shown_without(capsys):
    error = FeedError(f"https://me:pass@example.org/?key={quote(SENTINEL)} says: invalid key {SENTINEL}")
    for kind in ("plain", "json"):
        console.log_as(kind)
        console.complain(console.sentence(error), 4)
        logging.getLogger("thoroughfare").error("%s", error, extra={"facts": {"said": SENTINEL}})
    try:
        raise error
    except FeedError:
        assert found(traceback.format_exc())
        console.trace(*sys.exc_info())
    told = capsys.readouterr().err
    assert told.count("***") >= 8
    assert "Traceback" in told
    assert not found(told)
    assert "pass@" not in told


def test_a_short_value_is_no_secret_and_takes_no_words_away(monkeypatch):
    monkeypatch.setenv("SOME_KEY", "list")
    assert console.without_credentials("the list is empty") == "the list is empty"


PAGES = {
    "report": ["report", "--lake", "LAKE", "--out", "report.html"],
    "map": ["map", "--lake", "LAKE", "--out", "map.html"],
    "geoparquet": ["export", "geoparquet", "--lake", "LAKE", "--out", "geo"],
    "stac": ["export", "stac", "--lake", "LAKE", "--out", "stac"],
    "datapackage": ["export", "datapackage", "--lake", "LAKE", "--out", "package"],
    "question": ["sql", "FROM about", "--lake", "LAKE"],
    "settings": ["sql", "SELECT * FROM duckdb_settings()", "--lake", "LAKE"],
    "environment": ["sql", "SELECT getenv('AWS_SECRET_ACCESS_KEY')", "--lake", "LAKE"],
    "records": ["sql", "FROM runs", "--lake", "LAKE"],
}


def test_no_page_file_or_answer_made_of_a_night_holds_a_secret(said, demo_lake: Path, tmp_path: Path):
    (tmp_path / "settings.toml").write_text(SETTINGS.format(source="http://127.0.0.1:1"))
    told = {
        name: said(*(str(demo_lake) if word == "LAKE" else word for word in words)) for name, words in PAGES.items()
    }
    assert all(told.values())
    assert [name for name, words in told.items() if found(words)] == []
    made = [path for folder in (tmp_path, demo_lake) for path in folder.rglob("*") if path.is_file()]
    assert {"report.html", "report.json", "thoroughfare.duckdb"} <= {path.name for path in made}
    assert [path for path in made if found(path.read_bytes())] == []


def test_a_clusters_private_keys_are_for_their_owner_alone_and_in_no_settings(said, tmp_path: Path):
    told = said("certificates", "tls")
    keys = {path: path.read_text().splitlines()[1] for path in (tmp_path / "tls").rglob("key.pem")}
    assert len(set(keys.values())) == len(certificates.ROLES)
    others = [path.read_text() for path in (tmp_path / "tls").rglob("*") if path.is_file() and path.name != "key.pem"]
    assert not [key for key in keys.values() if any(key in each for each in (*others, told))]
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "tls").rglob("*") if path.is_file()} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "tls").iterdir()} == {0o700}


KEPT = re.compile(
    r"""(?ix) BEGIN\ [A-Z ]*PRIVATE\ KEY | AKIA(?!CANARY)[A-Z0-9]{12,} | gh[pousr]_[A-Za-z0-9]{20,} | xox[abp]-\w{10,}
    | (?<![\w-])(passw(or)?d|secret|token|api_?key|fernet(_key)?)["']?\s*[:=]\s*["'](?!\$|\{|%|/run/|<)[^"'\s]{8,}["']"""
)
"""A secret as people leave it in a file: a key of some kind, or a literal after a telling name."""


def committed() -> Iterator[Path]:
    """Yield what is no test, no lock file and no picture."""
    for folder in ("pipeline", "dags", "docker", "notebooks", "docs", "sql", "benchmarks", ".ci"):
        yield from (
            path
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "secrets/" not in str(path.relative_to(ROOT))
        )
    yield from (ROOT / name for name in ("settings.toml", "Makefile", "pyproject.toml", "README.md", "CONTRIBUTING.md"))


def test_no_file_of_the_project_holds_a_secret():
    texts = {
        path: path.read_bytes().decode("utf-8", "ignore")
        for path in committed()
        if path.suffix not in (".npz", ".nbc", ".pyc", ".nbi")
    }
    assert len(texts) > 300
    assert {path: KEPT.search(text)[0] for path, text in texts.items() if KEPT.search(text)} == {}


@pytest.mark.parametrize(
    "line",
    [
        "password = 'hunter2hunter2'",
        'API_KEY: "0123456789abcdef"',
        "-----BEGIN EC PRIVATE KEY-----",
        "token='abcdefghijk'",
    ],
)
def test_a_secret_left_in_a_file_would_be_found(line: str):
    assert KEPT.search(line)


def test_keys_of_feeds_come_from_the_environment_and_no_setting_takes_one():
    wanted = [each["name"] for each in feeds.facts() if each["needs_key"]]
    assert len(wanted) >= 3
    settings = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1].strip() for line in settings.splitlines() if line.startswith("| `")]
    assert not [row for row in rows if row.islower() and re.search(r"passw|secret|token|api_key|_key`", row)]


def test_notebooks_are_committed_without_outputs_that_could_hold_one():
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert not [cell for cell in nbformat.read(path, 4).cells if cell.get("outputs")], json.dumps(path.name)
