"""Average precision and its companions, by hand and beside faster-coco-eval."""

import contextlib
import io

import numpy as np
import pytest
from faster_coco_eval import COCO, COCOeval_faster

from pipeline.errors import SchemaError
from pipeline.scores import Naming, detection_scores, readers
from pipeline.scores.detections import Settings
from tests.builders import rows
from tests.labelled import found, label, truth

TWO = truth(label("a", "nyc:1", 0, 0), label("b", "nyc:1", 0, 100))


def test_average_precision_is_the_area_under_the_best_precision():
    three = rows("detections", found("nyc:1", 0, 0, 0.9), found("nyc:1", 0, 200, 0.8), found("nyc:1", 0, 100, 0.7))
    assert detection_scores(TWO, three).ap50 == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_a_second_box_on_one_vehicle_is_wrong():
    double = rows("detections", found("nyc:1", 0, 0, 0.9), found("nyc:1", 0, 1, 0.8))
    scores = detection_scores(TWO, double)
    assert (scores.precision, scores.recall) == (0.5, 0.5)


def test_what_lies_in_a_region_to_ignore_is_neither_right_nor_wrong():
    region = truth(label("a", "nyc:1", 0, 0), label(None, "nyc:1", 0, 100, 80, ignore=True))
    scores = detection_scores(
        region, rows("detections", found("nyc:1", 0, 0), found("nyc:1", 0, 110), found("nyc:1", 0, 140))
    )
    assert (scores.n, scores.precision, scores.ap50) == (1, 1.0, 1.0)


def test_low_vehicles_and_low_boxes_do_not_count():
    low = truth(label("a", "nyc:1", 0, 0), label("b", "nyc:1", 0, 100, size=11.5))
    scores = detection_scores(low, rows("detections", found("nyc:1", 0, 0), found("nyc:1", 0, 200, size=10.5)))
    assert (scores.n, scores.precision, scores.recall) == (1, 1.0, 1.0)


def test_a_low_box_that_finds_a_vehicle_counts():
    low = truth(label("a", "nyc:1", 0, 0, size=12.5))
    scores = detection_scores(
        low, rows("detections", found("nyc:1", 0, 0, size=10.5), found("nyc:1", 0, 200, size=10.5))
    )
    assert (scores.n, scores.precision, scores.recall, scores.ap50) == (1, 1.0, 1.0, 1.0)


def test_a_frame_without_a_vehicle_can_hold_a_false_alarm():
    looked_at = truth(label("a", "nyc:1", 0, 0), frames=[("nyc:1", 0), ("nyc:1", 2)])
    scores = detection_scores(looked_at, rows("detections", found("nyc:1", 0, 0), found("nyc:1", 2, 0)))
    assert (scores.n_frames, scores.precision) == (2, 0.5)


def test_boxes_in_frames_that_nobody_labelled_do_not_matter():
    scores = detection_scores(TWO, rows("detections", found("nyc:1", 0, 0), found("nyc:1", 2, 0), found("nyc:2", 0, 0)))
    assert (scores.precision, scores.recall) == (1.0, 0.5)


def test_only_tall_vehicles_enter_the_24_px_scores():
    mixed = truth(label("a", "nyc:1", 0, 0, 24), label("b", "nyc:1", 0, 100, 23), label("c", "nyc:1", 0, 200, 40))
    boxes = rows("detections", found("nyc:1", 0, 0, size=24), found("nyc:1", 0, 300), found("nyc:1", 0, 400, 0.1))
    scores = detection_scores(mixed, boxes)
    assert (scores.recall_24px, scores.precision_24px) == (0.5, 0.5)
    assert scores.recall == pytest.approx(1 / 3)


def test_a_kind_is_found_whatever_it_was_called():
    trucks = truth(label("a", "nyc:1", 0, 0, label="truck"), label("b", "nyc:1", 0, 100, label="truck"))
    boxes = rows("detections", found("nyc:1", 0, 0, label="car"), found("nyc:1", 0, 100, label="truck"))
    scores = detection_scores(trucks, boxes).by_class["truck"]
    assert (scores.n, scores.recall, scores.named) == (2, 1.0, 0.5)
    assert scores.ap50 == pytest.approx(51 / 101)


def test_summed_scores_count_vehicles():
    later = truth(*(label(None, "nyc:1", second, x) for second, x in ((0, 0), (0, 100), (300, 0), (600, 0))))
    boxes = [found("nyc:1", 0, 0, 0.5), found("nyc:1", 0, 100, 0.5), found("nyc:1", 300, 0, 0.75)]
    scores = detection_scores(later, rows("detections", *boxes))
    assert scores.count_error == pytest.approx(1.75 / 4 - 1)
    assert scores.count_error_5min == 0.5  # of 50 %, 25 % and 100 %


def test_sparse_labels_cannot_tell_a_false_alarm():
    with pytest.raises(SchemaError, match="only some"):
        detection_scores(truth(label("a", "nyc:1", 0), sparse=True), rows("detections"))


def test_frames_that_were_never_observed_are_refused_with_the_reason():
    frames = rows(
        "frames", {"frame_id": "f", "camera_id": "nyc:1", "slot_at": TWO.frames["slot_at"][0].as_py().replace(hour=3)}
    )
    with pytest.raises(SchemaError, match="timezone"):
        detection_scores(TWO, rows("detections"), frames)


def test_no_detection_scores_nothing():
    scores = detection_scores(TWO, rows("detections"))
    assert (scores.ap50, scores.recall) == (0.0, 0.0)
    assert np.isnan(scores.precision)


@pytest.mark.parametrize("seed", range(4))
def test_average_precision_agrees_with_faster_coco_eval(seed):
    content, boxes, results = _random_city(np.random.default_rng(seed))
    scores = detection_scores(readers.read_coco(content, Naming()), boxes, settings=Settings(detection_height_px=0))
    with contextlib.redirect_stdout(io.StringIO()):
        known = COCO(content)
        judge = COCOeval_faster(known, known.loadRes(results), "bbox")
        judge.evaluate(), judge.accumulate(), judge.summarize()
    assert scores.ap == pytest.approx(judge.stats[0], abs=1e-3)
    assert scores.ap50 == pytest.approx(judge.stats[1], abs=1e-3)
    assert 0.1 < scores.ap50 < 0.95


def _random_city(random):
    """20 frames with vehicles and regions to ignore, and shaken boxes on and beside them."""
    images, annotations, boxes, results = [], [], [], []
    for image in range(1, 21):
        images.append({"id": image, "file_name": f"nyc:1/20260303T1200{image:02d}.jpg", "width": 352, "height": 240})
        for x, y, w, h, crowd in zip(*random.uniform(14, 90, (4, 6)), random.random(6) < 0.3, strict=True):
            number = len(annotations) + 1
            annotations.append(
                {
                    "id": number,
                    "image_id": image,
                    "category_id": 1,
                    "bbox": [x, y, w, h],
                    "area": w * h,
                    "iscrowd": int(crowd),
                }
            )
            for _ in range(random.integers(0, 3)):
                dx, dy, dw, dh = random.normal(0, 0.12, 4)
                one = found("nyc:1", image, 0, random.random()) | {"detection_id": f"{len(boxes):05d}"}
                left, top, right, bottom = np.float32(
                    [x + dx * w, y + dy * h, x + dx * w + w * np.exp(dw), y + dy * h + h * np.exp(dh)]
                ).tolist()
                boxes.append(one | {"x1_px": left, "y1_px": top, "x2_px": right, "y2_px": bottom})
                box = [left, top, right - left, bottom - top]
                results.append(
                    {"image_id": image, "category_id": 1, "bbox": box, "score": float(np.float32(one["score"]))}
                )
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "car"}]}
    return content, rows("detections", *boxes), results
