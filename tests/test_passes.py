"""Pieces of one pass are put together, and each is timed by the place it passed."""

import numpy as np
import pytest

from pipeline.links import abreast, passes
from tests.builders import NIGHT, at, detection, rows, sighting
from tests.corridor import corridor


def followed(vehicles: int = 30, first: int = 0, last: int = 5) -> tuple[list[dict], list[dict]]:
    """Vehicles that pass a camera 20 s apart, in view for six seconds; each is seen from its `first` to its `last` second."""
    seen, boxes = [], []
    for number in range(vehicles):
        names = [f"{number:02d}-{second}" for second in range(first, last)]
        seen.append(sighting(f"{number:02d}", "a", 20 * number + first, 20 * number + last - 1, detection_ids=names))
        for second, name in enumerate(names, first):
            foot = 40 + 1200 / (30 - 4 * second)
            box = (170 - foot / 4, foot - foot / 5, 170 + foot / 4, foot)
            boxes.append(detection(name, box, camera_id="a", captured_at=at(20 * number + second)))
    return seen, boxes


def abreast_s(seen: list[dict], boxes: list[dict]) -> np.ndarray:
    one = np.zeros(len(seen), np.int64)
    return abreast.seconds(rows("sightings", *seen), rows("detections", *boxes), one, one) - NIGHT.timestamp()


def test_a_vehicle_seen_late_is_timed_by_the_same_place():
    (seen, boxes), (late, near) = followed(), followed(last=6, first=3)
    mixed = abreast_s(
        seen[:20] + late[20:],
        [box for box in boxes if box["detection_id"] < "20"] + [box for box in near if box["detection_id"] >= "20"],
    )
    assert np.diff(mixed) == pytest.approx(20.0, abs=0.7)


def test_a_few_vehicles_are_timed_by_their_middle():
    assert abreast_s(*followed(vehicles=3)) == pytest.approx([2.0, 22.0, 42.0])


def test_sightings_without_boxes_are_timed_by_their_middle():
    assert abreast_s(followed()[0], [])[:2] == pytest.approx([2.0, 22.0])


def test_joined_pieces_span_both_and_stand_for_the_larger():
    made = corridor(vehicles=40, stops=1, seen=1.0)
    single = passes.read(made.sightings, made.detections, made.embeddings)
    whole = passes.joined(single, np.array([3]), np.array([7]))
    assert len(whole) == len(single) - 1
    (one,) = np.flatnonzero(whole.sizes > single.sizes[0] * 1.5)
    assert whole.entered_us[one] == single.entered_us[[3, 7]].min()
    assert whole.left_us[one] == single.left_us[[3, 7]].max()
    assert whole.row[one] in {3, 7}


def test_joining_nothing_changes_nothing():
    made = corridor(vehicles=40, stops=1)
    single = passes.read(made.sightings, made.detections, made.embeddings)
    whole = passes.joined(single, np.zeros(0, np.int64), np.zeros(0, np.int64))
    assert np.array_equal(whole.row, single.row)
    assert whole.vectors == pytest.approx(single.vectors, abs=1e-6)
