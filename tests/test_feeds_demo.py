"""The demo city answers for any date, always alike, and its truth is where its pictures show it."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import cv2
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import FeedError
from pipeline.feeds import Camera, demo, load
from pipeline.feeds.demo import city, labels, render, traffic, vehicles
from pipeline.scans import Scan
from pipeline.tables import LABELS

FEED = load("demo")
SCAN = Scan("demo", "demo", "America/New_York", city.CRS, hours="07:50-08:10", cadence_s=2.0)
NIGHT = date(2026, 5, 5)
START = datetime(2026, 5, 5, 11, 50, tzinfo=UTC)


def shot(camera: str, second: float, night: timedelta = timedelta(0)):
    return FEED.picture(SCAN, Camera(camera, camera, 0.0, 0.0), START + night + timedelta(seconds=second))


def pixels(jpeg: bytes):
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def test_two_windows_plan_six_hundred_slots():
    plans = [FEED.slots(SCAN, window, "101") for window in SCAN.windows(NIGHT)]
    assert [len(plan) for plan in plans] == [300, 300]
    assert plans[0][0] == START
    assert plans[1][-1] == START + timedelta(seconds=1198)


def test_eight_cameras_lie_within_the_city_and_look_along_a_road():
    listed = FEED.cameras(SCAN)
    assert len({camera.native_id for camera in listed}) == 8
    assert all(-73.11 < camera.lon < -73.06 and 41.02 < camera.lat < 41.06 for camera in listed)
    assert all(camera.road and camera.bearing_deg is not None for camera in listed)


def test_an_unknown_camera_is_refused_by_name():
    with pytest.raises(FeedError, match="no camera '999'; choose from"):
        shot("999", 0)


def test_a_picture_is_the_same_in_another_process():
    program = (
        "from hashlib import sha256; from tests.test_feeds_demo import shot; "
        "print(sha256(shot('103', 40).jpeg).hexdigest())"
    )
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == sha256(shot("103", 40).jpeg).hexdigest()


def test_a_picture_is_of_the_size_and_weight_of_a_real_one():
    one = shot("101", 30)
    assert (one.status, one.captured_at_source) == ("ok", "render")
    assert pixels(one.jpeg).shape == (240, 352, 3)
    assert 5_000 < len(one.jpeg) < 25_000


def test_another_date_has_the_same_traffic_under_another_clock():
    today, later = (pixels(shot("105", 30, timedelta(days=days)).jpeg).astype(int) for days in (0, 200))
    assert (today[:17] != later[:17]).any()
    assert np.abs(today[20:] - later[20:]).mean() < 6


def test_a_picture_differs_from_the_next_one_only_where_something_moved():
    one, two = (pixels(shot("108", second).jpeg).astype(int) for second in (10, 12))
    assert 0 < np.abs(one - two).mean() < 8


def test_a_frozen_camera_repeats_its_bytes_and_then_wakes():
    before, first, last, after = (shot("104", second).jpeg for second in (300, 302, 480, 482))
    assert before == first == last != after


def test_a_frozen_camera_is_still_asked_at_every_slot():
    assert shot("104", 400).captured_at == START + timedelta(seconds=400)


def test_a_placeholder_shows_no_vehicle_and_a_dark_camera_shows_nothing():
    assert pixels(shot("107", 700).jpeg).std(axis=(0, 1)).max() < 40
    assert pixels(shot("108", 900).jpeg)[20:].mean() < 12


@pytest.mark.parametrize(("camera", "second"), [("102", 250), ("102", 714), ("105", 1002)])
def test_a_broken_picture_comes_but_is_short(camera, second):
    came = shot(camera, second)
    assert came.status == "ok"
    assert len(came.jpeg) < 0.6 * len(shot(camera, second + 4).jpeg)


def test_a_missed_slot_brings_no_bytes_and_says_so():
    assert shot("101", 150) == demo.picture(SCAN, Camera("101", "101", 0.0, 0.0), START + timedelta(seconds=150))
    assert shot("101", 150).jpeg is None
    assert demo.fault(SCAN, "101", START + timedelta(seconds=150)).kind == "missed"


def test_faults_leave_nine_tenths_of_the_slots():
    hidden = sum(fault.to_s - fault.from_s for fault in demo.FAULTS)
    assert 0.03 < hidden / (1200 * 8) < 0.1


def test_the_truth_holds_a_few_hundred_vehicles_of_every_kind():
    kinds = {traffic.car(number).label for number in range(traffic.count())}
    assert 350 <= traffic.count() <= 500
    assert kinds == set(LABELS) - {"vehicle"}
    assert traffic.TRUTH.stat().st_size < 3_000_000


def test_no_two_vehicles_stand_in_one_place():
    for second in range(0, 1200, 100):
        place = traffic.at(second).place
        apart = np.linalg.norm(place[:, None] - place[None], axis=-1) + 99 * np.eye(len(place))
        assert apart.min() > 1.2


@given(st.floats(0, 1190))
@settings(max_examples=25, deadline=None)
def test_between_two_steps_a_vehicle_moves_no_further_than_its_speed_lets_it(second):
    early, late = traffic.at(second), traffic.at(second + 1)
    _, here, there = np.intersect1d(early.number, late.number, return_indices=True)
    moved = np.linalg.norm(late.place[there] - early.place[here], axis=1)
    assert moved.max() < 28


@pytest.mark.parametrize("camera", list(city.STATIONS))
def test_the_truth_is_where_the_picture_shows_a_vehicle(camera):
    """Drawn without vehicles, the picture changes inside the boxes and hardly elsewhere."""
    seen = labels.standing(camera)
    moments = (render.vehicles(seen, traffic.at(second)) for second in range(0, 300, 6))
    drawn = next(moment for moment in moments if len(render.boxes(seen, moment)[0]))
    boxes, shares, kept = render.boxes(seen, drawn)
    chosen = [drawn[number] for number in kept]
    changed = np.abs(render.scene(seen, chosen).astype(int) - seen.image).sum(2) > 0
    for (left, top, right, bottom), share in zip(2 * boxes, shares, strict=True):
        inside = changed[int(top) : int(bottom) + 1, int(left) : int(right) + 1]
        assert inside.mean() > 0.4 * share
    assert shares.max() <= 1


def test_truth_boxes_are_cut_to_the_picture_and_high_enough():
    boxes = demo.truth_boxes(SCAN, NIGHT, ("107",))
    x1, y1, x2, y2 = (boxes[name].to_numpy() for name in ("x1_px", "y1_px", "x2_px", "y2_px"))
    assert boxes.num_rows > 200
    assert x1.min() >= 0 <= y1.min()
    assert x2.max() <= 352
    assert y2.max() <= 240
    assert (y2 - y1).min() >= 8
    assert set(boxes["fault"].unique().to_pylist()) == {None, "placeholder"}


def test_an_hour_in_which_nothing_is_planned_has_empty_truth():
    empty = demo.truth_boxes(SCAN, NIGHT, ("107",)).slice(0, 0)
    assert demo.true_passes(empty).num_rows == 0


def test_a_pass_ends_where_the_vehicle_is_gone_for_half_a_minute():
    times = [START + timedelta(seconds=second) for second in (0, 2, 40, 42, 44)]
    row = dict.fromkeys(demo.BOXES.names) | {"vehicle_id": "v", "camera_id": "demo:101"}
    seen = pa.Table.from_pylist([row | {"slot_at": at} for at in times], demo.BOXES)
    passes = demo.true_passes(seen).to_pylist()
    assert [(each["entered_at"], each["left_at"], each["pictures"]) for each in passes] == [
        (times[0], times[1], 2),
        (times[2], times[4], 3),
    ]


def test_roads_join_into_one_network_that_runs_both_ways():
    roads = FEED.roads(SCAN)
    ends = set(zip(roads["from_node"].to_pylist(), roads["to_node"].to_pylist(), strict=True))
    assert {("west", "mill"), ("mill", "west"), ("exit", "quay"), ("quay", "entrance"), ("north", "mill")} <= ends
    assert ("quay", "exit") not in ends
    assert 5_000 < sum(roads["length_m"].to_pylist()) < 12_000


def test_the_fingerprint_names_what_pictures_depend_on():
    window = SCAN.windows(NIGHT)[0]
    assert FEED.fingerprint(SCAN, window) == FEED.fingerprint(SCAN, window)
    assert FEED.fingerprint(SCAN, None) != FEED.fingerprint(SCAN, window)


def test_an_example_is_labelled_and_repeatable():
    one, again = (demo.example("102", 77, seed=35, fleet=2) for _ in range(2))
    picture, boxes, ids, kinds = one
    assert (picture == again[0]).all()
    assert picture.shape == (240, 352, 3)
    assert len(boxes) == len(ids) == len(kinds) > 0
    assert set(kinds) <= set(LABELS)
    assert all(name.endswith("/2") for name in ids)


@pytest.mark.parametrize("name", [name for name, model in vehicles.MODELS.items() if not model.rider])
def test_the_sides_of_a_model_look_outward(name):
    shape = vehicles.mesh(name)
    for axis in (0, 1):
        middle, normal = shape.points[..., axis].mean(1), shape.normals[:, axis]
        ends = (np.abs(normal) > 0.9) & (np.abs(middle) > 0.3 * np.ptp(shape.points[..., axis]))
        assert ends.any()
        assert (np.sign(normal[ends]) == np.sign(middle[ends])).all()


def test_a_vehicle_keeps_its_looks_within_a_fleet():
    assert traffic.car(5, 3).bgr.tolist() == traffic.car(5, 3).bgr.tolist()
    assert any(traffic.car(number, 1).paint != traffic.car(number, 2).paint for number in range(20))
