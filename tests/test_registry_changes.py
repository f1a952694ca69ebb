"""Two days of a registry differ by what was added, is gone, moved, renamed, renumbered, or changed its facts."""

from datetime import date

import pyarrow as pa
import pytest
from builders import camera, rows

from pipeline import cameras
from pipeline.errors import SchemaError, WindowNotFoundError
from pipeline.feeds import Camera
from pipeline.lake import Lake, Place
from pipeline.registry import changes
from pipeline.registry.changes import counts, diff
from pipeline.tables import CAMERAS

METRE = 1 / 111_195.08
MILL, WEIR = Camera("1", "Mill Lane", -0.126, 51.503), Camera("2", "Weir Street", -0.1, 51.51)


def day(*listed: Camera, **facts: object) -> pa.Table:
    ids = cameras.identify("made", list(listed))
    made = [
        camera(each.native_id, each.lon, each.lat)
        | {
            "camera_id": f"made:{each.native_id}",
            "name": each.name,
            "feed": "made",
            "cadence_s": 60.0,
            **facts,
            **known,
        }
        for each, known in zip(listed, ids, strict=True)
    ]
    return rows("cameras", *made)


def told(before: pa.Table, after: pa.Table) -> list[tuple[str, str, str]]:
    return [(each.kind, each.camera_id, each.fact) for each in diff(before, after)]


def test_equal_days_do_not_differ():
    assert diff(day(MILL, WEIR), day(WEIR, MILL)) == []
    assert diff(CAMERAS.empty(), CAMERAS.empty()) == []


def test_a_camera_may_be_added_or_gone():
    assert told(day(MILL), day(MILL, WEIR)) == [("added", "made:2", "")]
    assert told(day(MILL, WEIR), day(MILL)) == [("gone", "made:2", "")]
    assert counts(diff(CAMERAS.empty(), day(MILL, WEIR)))["added"] == 2


def test_why_a_camera_is_gone_is_told_where_the_later_list_says():
    rejected = [
        {"feed": "made", "native_id": "2", "reason": "out of service: offline is true"},
        {"feed": "made", "native_id": "https://example.org/d7.json", "reason": "HTTP 503"},
    ]
    gone = diff(day(MILL, WEIR), CAMERAS.empty(), changes.reasons_of(rejected))
    assert [each.now for each in gone] == ["one of its feed's lists did not come", "out of service: offline is true"]


def test_a_move_is_told_in_metres():
    (moved,) = diff(day(MILL), day(Camera("1", "Mill Lane", -0.126, 51.503 + 40 * METRE)))
    assert (moved.kind, moved.metres, moved.was) == ("moved", 40.0, "51.503000, -0.126000")
    assert diff(day(MILL), day(Camera("1", "Mill Lane", -0.126, 51.503 + 0.9 * METRE))) == []


def test_a_far_move_keeps_the_camera_by_its_native_id_and_name():
    far = Camera("1", "Mill Lane", -0.126, 51.603)
    assert [each[::2] for each in told(day(MILL), day(far))] == [("moved", "place"), ("changed", "stable_id")]


def test_a_new_number_is_the_same_camera():
    (found,) = diff(day(MILL), day(Camera("cctv-77", "Mill Lane", -0.126, 51.503)))
    assert (found.kind, found.camera_id, found.was, found.now) == ("renumbered", "made:cctv-77", "1", "cctv-77")


def test_two_cameras_that_swapped_numbers_are_two_renumbered():
    swapped = day(Camera("2", "Mill Lane", -0.126, 51.503), Camera("1", "Weir Street", -0.1, 51.51))
    assert told(day(MILL, WEIR), swapped) == [
        ("renumbered", "made:1", "native_id"),
        ("renumbered", "made:2", "native_id"),
    ]


def test_a_new_name_is_told_and_so_is_the_new_id_of_ours():
    found = told(day(MILL), day(Camera("1", "Mill Road", -0.126, 51.503)))
    assert found == [("renamed", "made:1", "name"), ("changed", "made:1", "stable_id")]


def test_a_number_given_to_another_camera_is_one_gone_and_one_added():
    other = Camera("1", "Harbour", -0.4, 51.6)
    assert told(day(MILL), day(other)) == [("added", "made:1", ""), ("gone", "made:1", "")]


@pytest.mark.parametrize(
    ("fact", "was", "now"),
    [("bearing_deg", 90.0, 270.0), ("bearing_deg", None, 90.0), ("licence", "CC0", "OGL"), ("cadence_s", 60.0, 300.0),
     ("image_url", "https://a.example/1", "https://a.example/2"), ("cleared", True, False)],
)  # fmt: skip
def test_changed_facts_are_told(fact: str, was: object, now: object):
    (found,) = diff(day(MILL, **{fact: was}), day(MILL, **{fact: now}))
    assert (found.kind, found.fact, found.was, found.now) == ("changed", fact, was, now)


def test_a_running_mean_of_a_cadence_is_no_change():
    assert diff(day(MILL, cadence_s=1199.0), day(MILL, cadence_s=1210.0)) == []


def test_a_twin_that_went_leaves_the_other_the_same_camera():
    twins = [MILL, Camera("9", "Mill Lane", -0.126, 51.503)]
    assert told(day(*twins), day(MILL)) == [("gone", "made:9", ""), ("changed", "made:1", "stable_id")]


def test_a_night_of_a_lake_is_a_day(tmp_path):
    lake = Lake(tmp_path, "town")
    for night, listed in ((date(2026, 5, 7), day(MILL)), (date(2026, 5, 8), day(MILL, WEIR))):
        place = Place("cameras", night)
        lake.commit(place, [lake.write(place, 0, listed)], {"scan_date": str(night)})
    first, last = (changes.of_night(lake, date(2026, 5, number)) for number in (7, 8))
    assert told(first, last) == [("added", "made:2", "")]
    with pytest.raises(
        WindowNotFoundError, match=r"no cameras for 2026-05-09; dates there: \['2026-05-07', '2026-05-08'\]"
    ):
        changes.of_night(lake, date(2026, 5, 9))


def test_a_night_from_before_there_were_ids_of_ours_is_said(tmp_path):
    lake, place = Lake(tmp_path, "town"), Place("cameras", date(2026, 5, 7))
    old = day(MILL).drop_columns(["stable_id", "site_id"])
    lake.commit(place, [lake.write(place, 0, old)], {"scan_date": "2026-05-07"})
    with pytest.raises(SchemaError, match="listed before they had ids of ours; compare later nights"):
        changes.of_night(lake, date(2026, 5, 7))
