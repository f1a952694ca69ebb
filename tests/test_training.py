"""What is trained on is drawn where it is, what is held out stays out, and what is measured is counted by hand."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.detectors import Boxes
from pipeline.training import augment, labelled, paint, pairing, precision, retrieval, targets, vehicles
from pipeline.training.draws import Source, relations, twins
from pipeline.training.precision import Curve, Truth
from pipeline.training.retrieval import Seen

FRAME = (352, 240)


def boxes(*xyxy: tuple[float, ...]) -> np.ndarray:
    return np.array(xyxy, np.float32).reshape(-1, 4)


@given(st.integers(0, 2**32 - 1))
def test_a_picture_and_its_boxes_move_alike(seed: int):
    matrix = augment.place(FRAME, FRAME, 1.7, np.random.default_rng(seed))
    image = np.zeros((240, 352, 3), np.uint8)
    image[100:140, 150:210] = 255
    moved, left = augment.move(boxes((150, 100, 210, 140)), matrix, FRAME)
    shown = augment.warp(image, matrix, FRAME)[..., 0] > 180
    if left[0] == 1:
        rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
        drawn = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        assert moved[0] == pytest.approx(drawn, abs=1.2)


def test_a_box_half_out_of_the_frame_is_half_left():
    moved, left = augment.move(boxes((-10, 0, 10, 20)), np.array([[1.0, 0, 0], [0, 1, 0]]), FRAME)
    assert moved.tolist() == [[0, 0, 10, 20]]
    assert left.tolist() == [0.5]


def test_weather_keeps_the_shape_and_is_the_same_for_one_seed():
    image = np.random.default_rng(1).integers(0, 256, (60, 80, 3), np.uint8)
    first, second = (augment.weather(image, np.random.default_rng(4)) for _ in range(2))
    assert first.shape == image.shape
    assert (first == second).all()


def test_the_hill_peaks_once_at_the_middle_of_the_vehicle():
    target = targets.draw(boxes((40, 80, 80, 104)), boxes(), 1.0, FRAME)
    assert (target[..., 0] == 1).sum() == 1
    assert target[23, 15, 1:5].tolist() == [40, 80, 80, 104]


def test_unknown_areas_teach_nothing_unless_a_vehicle_is_there():
    target = targets.draw(boxes((40, 80, 80, 104)), boxes((0, 0, 352, 240)), 1.0, FRAME)
    assert target[0, 0, 6] == 0
    assert target[23, 15, 6] == 1


def test_pictures_with_missing_labels_teach_near_their_vehicles_only():
    target = targets.draw(boxes((40, 80, 80, 104)), boxes(), 0.05, FRAME)
    assert target[18, 15, 6] == 1
    assert target[50, 80, 6] == pytest.approx(0.05)


def test_what_is_known_to_be_empty_teaches_so_amid_what_is_unknown_but_never_beside_a_vehicle():
    target = targets.draw(
        boxes((40, 80, 80, 104)), boxes((0, 0, 352, 240)), 1.0, FRAME, empty=boxes((30, 70, 120, 120))
    )
    assert target[18, 29, 6] == 1
    assert target[..., 0].max() == target[23, 15, 6] == 1
    assert target[50, 80, 6] == 0


def test_signs_are_painted_alike_for_one_seed_and_leave_most_of_the_picture():
    image = np.full((240, 352, 3), 90, np.uint8)
    first, second = (paint.over(image, np.random.default_rng(seed)) for seed in (4, 4))
    assert (first == second).all()
    assert (image == 90).all()
    changed = [np.mean((paint.over(image, np.random.default_rng(seed)) != 90).any(axis=2)) for seed in range(40)]
    assert 0 < np.mean(changed) < 0.1


def test_what_stands_still_in_every_light_was_painted_in(tmp_path: Path):
    rng, paths = np.random.default_rng(2), []
    for light in range(8):
        image = rng.normal(30 + 25 * light, 8, (120, 160, 3)).clip(0, 255).astype(np.uint8)
        cv2.rectangle(image, (20, 30), (59, 49), (255, 255, 255), -1)
        paths.append(tmp_path / f"{light}.png")
        cv2.imwrite(str(paths[-1]), image)
    (found,) = labelled.painted(paths)
    assert found == pytest.approx([18, 28, 62, 52], abs=2)


def test_pictures_that_judge_a_detector_are_named_as_their_labels_name_them():
    names = precision.names(Path(__file__).parent / "labels" / "singapore_day.json")
    assert len(names) == 20
    assert "1001/20210320T073417.jpg" in names


def test_average_precision_of_a_case_worked_by_hand():
    curve = Curve(np.array([0.9, 0.8, 0.7], np.float32), np.array([True, False, True]), 2)
    assert curve.average_precision() == pytest.approx((51 * 1 + 50 * 2 / 3) / 101)
    assert curve.at(0.75) == (0.5, 0.5)


def test_small_vehicles_and_ignored_regions_neither_count_for_nor_against():
    truth = Truth(Path(), boxes((0, 0, 20, 20), (50, 50, 60, 60)), boxes((100, 100, 200, 200)))
    found = Boxes(
        boxes((0, 0, 20, 20), (50, 50, 60, 60), (110, 110, 130, 130), (30, 0, 50, 10)),
        np.array([0.9, 0.8, 0.7, 0.6], np.float32),
        ("vehicle",) * 4,
    )
    curve = precision.curve([truth], [found])
    assert curve.vehicles == 1
    assert curve.right.tolist() == [True]


def test_a_vehicle_found_twice_is_wrong_once():
    truth = Truth(Path(), boxes((0, 0, 20, 20)), boxes())
    twice = Boxes(boxes((0, 0, 20, 20), (1, 0, 21, 20)), np.array([0.9, 0.8], np.float32), ("vehicle",) * 2)
    assert precision.curve([truth], [twice]).right.tolist() == [True, False]


def seen(identity: str, camera: str, seconds: float) -> Seen:
    return Seen(
        camera, datetime(2026, 3, 3, tzinfo=UTC) + timedelta(seconds=seconds), np.zeros(4, np.float32), identity, "N"
    )


def test_retrieval_of_a_case_worked_by_hand():
    sightings = [seen("v", "a", 0), seen("w", "a", 5), seen("v", "b", 10), seen("w", "b", 900)]
    vectors = np.array([[1, 0], [0.8, 0.6], [0.9, 0.44], [0, 1]], np.float32)
    assert retrieval.ranks(sightings, vectors, gated=True) == (pytest.approx(1.0 * 1 / 2), pytest.approx(0.75))


def test_separation_counts_ties_as_half():
    likeness, same = np.array([0.9, 0.5, 0.5], np.float32), np.array([True, True, False])
    assert retrieval.separation(likeness, same) == 0.75


@pytest.mark.shared
def test_frames_near_the_hand_labels_are_never_trained_on(shared: Path):
    trained = {picture.jpeg for picture in labelled.streets(shared)}
    truths = precision.coco(shared / "fdr/validation/boxes.json", shared / "fdr/frames")
    assert len(truths) == 16
    assert not trained & {truth.path.read_bytes() for truth in truths}


@pytest.mark.shared
def test_labelled_vehicles_are_kept_away_from_training(shared: Path):
    away = vehicles.labelled_times(shared / "fdr/validation")
    assert set(away) == {"253-134-S", "731-679-N", "733-681-N", "735-683-N"}
    assert all(len(times) > 4 for times in away.values())


def test_a_crop_keeps_a_margin_around_its_vehicle():
    image = np.zeros((100, 100, 3), np.uint8)
    cv2.rectangle(image, (40, 40), (59, 59), (255, 255, 255), -1)
    crop = vehicles.crop(image, np.array([40, 40, 60, 60], np.float32))
    left, top, right, bottom = crop.box_px.astype(int)
    assert crop.image.shape[:2] == (28, 28)
    assert crop.image[top:bottom, left:right].min() == 255


def test_a_travel_time_stands_out_where_alike_vehicles_follow_each_other():
    rng = np.random.default_rng(2)
    left = np.sort(rng.uniform(0, 1500, 200))
    alike, travel = rng.normal(0, 0.1, (200, 200)), (left + 18.0)[None] - left[:, None]
    np.fill_diagonal(alike, rng.uniform(0.7, 0.9, 200))
    low, high = pairing.travel_window(alike, travel)
    assert low <= 18 <= high
    assert high - low < 40


def test_no_travel_time_stands_out_among_strangers():
    rng = np.random.default_rng(3)
    travel = rng.uniform(0, 1500, 200)[None] - rng.uniform(0, 1500, 200)[:, None]
    assert pairing.travel_window(rng.normal(0, 0.1, (200, 200)), travel) is None


def test_two_tracks_of_one_camera_are_two_vehicles_only_if_they_share_a_picture():
    def track(*times: float) -> vehicles.Vehicle:
        return vehicles.Vehicle((), "a", frozenset(times))

    known = relations([track(0.0, 2.0), track(2.0, 4.0), track(6.0), track(900.0)], 90.0)
    assert known.tolist() == [[1, 0, -1, 0], [0, 1, -1, 0], [-1, -1, 1, 0], [0, 0, 0, 1]]


def test_a_draw_holds_no_vehicle_twice_and_neighbours_of_one_picture():
    crop = vehicles.Crop(np.full((8, 8, 3), 90, np.uint8), np.array([0, 0, 8, 8], np.float32))
    tracks = [vehicles.Vehicle((crop,), "a", frozenset({float(i // 4)})) for i in range(40)]
    drawn = Source(tracks, 12).draw(4, np.random.default_rng(1))
    assert len({id(each) for each in drawn}) == 12
    assert max(sum(each.times == other.times for other in drawn) for each in drawn) >= 3


def test_a_twin_is_another_vehicle_of_another_colour():
    red, grey = (
        vehicles.Crop(np.full((8, 8, 3), each, np.uint8), np.zeros(4, np.float32)) for each in ((0, 0, 200), 90)
    )
    drawn = [vehicles.Vehicle((crop,), "a", frozenset({0.0})) for crop in (grey, red)]
    doubled, turns = twins(drawn, 1, np.random.default_rng(1))
    assert doubled[2] is drawn[1]
    assert 40 <= (turns[2] - turns[1]) % 360 <= 320
    assert relations(doubled, 90.0)[1, 2] == 0


def test_a_first_detector_settles_what_labels_leave_open():
    class Sure:
        version = "sure@1"

        def detect(self, images: list[np.ndarray]) -> list[Boxes]:
            mirrored = images[0][0, 0, 0] > images[0][0, -1, 0]
            left = 60.0 if mirrored else 20.0
            found = boxes((left, 10, left + 20, 30), (0, 40, 8, 48))
            return [Boxes(found, np.array([0.9, 0.3], np.float32), ("vehicle",) * 2) for _ in images]

    ramp = np.tile(np.arange(100, dtype=np.uint8)[None, :, None], (60, 1, 3))
    jpeg = cv2.imencode(".png", ramp)[1].tobytes()
    (settled,) = labelled.settle([labelled.Labelled(jpeg, "a", boxes(), boxes(), 0.05)], Sure())
    assert settled.boxes_px.tolist() == [[20, 10, 40, 30]]
    assert [0, 40, 8, 48] in settled.unknown_px.tolist()
    assert settled.background == 0.6
