"""Every public feed has a page whose facts are those of the code, and whose example is a scan."""

import re
from pathlib import Path

import pytest
from feed_pages import FOLDER, NAMES, index, written

from pipeline import feeds, scans


@pytest.mark.parametrize("name", [*NAMES, "README"])
def test_a_pages_facts_are_those_of_the_code(name: str):
    page = FOLDER / f"{name}.md"
    assert written(page) == page.read_text(encoding="utf-8"), "run: python tests/feed_pages.py"


def test_every_public_feed_has_a_page_and_every_page_a_feed():
    public = {each["name"] for each in feeds.facts() if feeds.load(each["name"]).live}
    assert {page.stem for page in FOLDER.glob("*.md")} == public | {"README"} == {*NAMES, "README"}
    assert index().count("\n") == len(NAMES) + 2


@pytest.mark.parametrize("name", NAMES)
def test_a_pages_example_is_a_scan_of_its_feed(name: str, tmp_path: Path):
    feed = feeds.load(name)
    (example,) = re.findall(r"```toml\n(.*?)```", (FOLDER / f"{name}.md").read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "settings.toml").write_text(example)
    scan = scans.load("mine", tmp_path / "settings.toml")
    assert scan.feed == name
    assert scan.timezone == (feed.timezone or scan.timezone)
    assert scan.metric_crs == (feed.metric_crs or scan.metric_crs)
    assert scan.cadence_s >= feed.min_interval_s


def test_the_projects_public_scan_is_one_of_a_cleared_feed():
    assert feeds.load(scans.load("london").feed).cleared
