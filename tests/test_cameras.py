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


def ids(*listed: Camera, feed: str = "made") -> dict[str, dict[str, str]]:
    found = cameras.identify(feed, list(listed))
    return {each.native_id: known for each, known in zip(listed, found, strict=True)}


def test_a_stable_id_outlives_a_new_native_id_a_new_survey_and_another_spelling():
    was = ids(Camera("1", "Mill Lane @ Weir St", -0.1261, 51.5031))["1"]["stable_id"]
    now = ids(Camera("cctv-77", "MILL LANE @ WEIR ST.", -0.1259, 51.5032))["cctv-77"]["stable_id"]
    assert was == now
    assert was.startswith("made-")
    assert len(was) == len("made-") + cameras.ID_LETTERS


@pytest.mark.parametrize(
    "other",
    [Camera("2", "Mill Road", -0.126, 51.503), Camera("2", "Mill Lane", -0.226, 51.503), Camera("2", "Mill Lane", -0.126, 51.503, view="02")],
)  # fmt: skip
def test_another_name_place_or_view_is_another_stable_id(other: Camera):
    known = ids(Camera("1", "Mill Lane", -0.126, 51.503), other)
    assert known["1"]["stable_id"] != known["2"]["stable_id"]


def test_another_feed_is_another_stable_id():
    one = Camera("1", "Mill Lane", -0.126, 51.503)
    assert ids(one)["1"]["stable_id"] != ids(one, feed="other")["1"]["stable_id"]


def test_cameras_of_one_name_and_place_are_told_apart_whatever_their_order():
    twins = [Camera("1", "Mill Lane", -0.126, 51.503), Camera("2", "mill lane", -0.1261, 51.503)]
    known = ids(*twins)
    assert known["1"]["stable_id"] != known["2"]["stable_id"]
    assert ids(*twins[::-1]) == known


def test_a_name_of_signs_alone_is_a_name():
    assert cameras.plain("@@") == "@@"
    assert cameras.plain("  Hlíð_Norður / 2 ") == "hlið norður 2"


def test_what_the_feed_calls_one_site_is_one_and_nothing_else_joins_it():
    known = ids(
        Camera("1", "N", 24.1, 60.1, site="K1"), Camera("2", "S", 24.2, 60.1, site="K1"), Camera("3", "T", 24.1, 60.1)
    )
    assert (known["1"]["site_id"], known["2"]["site_id"]) == ("made:K1", "made:K1")
    assert known["3"]["site_id"] == known["3"]["stable_id"]


def test_without_a_word_of_the_feed_a_site_is_a_few_metres_wide():
    metre = 1 / 111_195
    known = ids(
        Camera("1", "N", 24.1, 60.1), Camera("2", "S", 24.1, 60.1 + 4.9 * metre), Camera("3", "W", 24.1, 60.1 - 5.2 * metre)
    )  # fmt: skip
    assert known["1"]["site_id"] == known["2"]["site_id"] == min(known[each]["stable_id"] for each in ("1", "2"))
    assert known["3"]["site_id"] == known["3"]["stable_id"]


def test_where_a_bearing_is_from_stands_beside_it(feed):
    feed(cameras=lambda _: [replace(LISTED[0], bearing_source="view: East"), LISTED[1]])
    assert cameras.survey(SCAN)["bearing_source"].to_pylist() == [None, "view: East"]


def test_a_choice_of_cameras_changes_no_id(feed):
    twins = [Camera("a", "Arch", -73.98, 40.75), Camera("b", "Arch", -73.98, 40.75)]
    feed(cameras=lambda _: twins)
    whole = {row["native_id"]: row for row in cameras.survey(SCAN).to_pylist()}
    assert cameras.survey(replace(SCAN, cameras=("b",))).to_pylist() == [whole["b"]]
