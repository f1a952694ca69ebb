"""A feed's cameras become a table, unless its terms or the scan's names forbid it."""

from dataclasses import replace

import pytest
from builders import rows

from pipeline import cameras, feeds
from pipeline.errors import PrivacyError, SettingsError
from pipeline.feeds import Camera, Feed
from pipeline.scans import Scan
from pipeline.tables import CAMERAS, ROADS

SCAN = Scan("t", "made", "UTC", "EPSG:32618", cadence_s=30.0, licence="CC0", attribution="Pictures: us")
LISTED = [Camera("b", "Bridge", -73.98, 40.75, 90.0, "FDR", 2.0), Camera("a", "Arch", -73.97, 40.76)]
FEED = Feed(
    operator="us", licence="", attribution="", terms_url="https://example.org/terms", commercial=False,
    may_store_frames=True, cleared=True, min_interval_s=0.0, timestamps="none", cameras=lambda _: LISTED,
    slots=lambda *_: [], picture=lambda *_: feeds.Picture("missed"), roads=lambda _: ROADS.empty(),
    fingerprint=lambda *_: "",
)  # fmt: skip


@pytest.fixture(autouse=True)
def feed(monkeypatch: pytest.MonkeyPatch):
    """Make `feeds.load` answer with a feed of the test."""

    def use(**changes: object) -> None:
        monkeypatch.setattr(feeds, "load", lambda _: replace(FEED, **changes))

    use()
    return use


def test_ids_carry_the_name_of_their_feed():
    assert cameras.survey(SCAN)["camera_id"].to_pylist() == ["made:a", "made:b"]


def test_what_the_feed_does_not_know_the_scan_says():
    arch, bridge = cameras.survey(SCAN).to_pylist()
    assert (arch["cadence_s"], bridge["cadence_s"]) == (30.0, 2.0)
    assert (arch["licence"], arch["attribution"]) == ("CC0", "Pictures: us")
    assert (arch["bearing_deg"], bridge["bearing_deg"]) == (None, 90.0)


def test_the_licence_of_the_feed_stands_before_that_of_the_scan(feed):
    feed(licence="OGL v3")
    assert set(cameras.survey(SCAN)["licence"].to_pylist()) == {"OGL v3"}


def test_only_the_cameras_a_scan_names_are_kept():
    assert cameras.survey(replace(SCAN, cameras=("b",)))["native_id"].to_pylist() == ["b"]


def test_an_unknown_camera_is_refused_and_those_there_are_named():
    with pytest.raises(SettingsError, match=r"no cameras \['z'\]; choose from \['a', 'b'\]"):
        cameras.survey(replace(SCAN, cameras=("b", "z")))


def test_a_feed_that_is_not_cleared_is_refused(feed):
    feed(cleared=False)
    with pytest.raises(PrivacyError, match="not cleared"):
        cameras.survey(SCAN)


def test_a_feed_without_cameras_gives_an_empty_table(feed):
    feed(cameras=lambda _: [])
    assert cameras.survey(SCAN).equals(CAMERAS.empty())


def test_the_order_of_the_feed_does_not_matter(feed):
    before = cameras.survey(SCAN)
    feed(cameras=lambda _: LISTED[::-1])
    assert cameras.survey(SCAN).equals(before)
    assert before.schema.equals(rows("cameras").schema)
