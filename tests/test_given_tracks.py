"""Take tracks that others made, by hand."""

import pyarrow as pa

from pipeline import sightings
from tests.builders import camera, frame, rows
from tests.labelled import found


def test_a_track_is_a_sighting_whatever_lies_between():
    boxes = [found("nyc:1", second, 20 * second) for second in range(8)] + [found("nyc:1", 3, 200)]
    told = [("a" if row["x1_px"] in (0, 60, 140) else "b") for row in boxes[:-1]]
    tracks = pa.table({"detection_id": [row["detection_id"] for row in boxes[:-1]], "track_id": told})
    seen = sightings.take(
        rows("cameras", camera("1")),
        rows("frames", *(frame("nyc:1", second) for second in range(8))),
        rows("detections", *boxes),
        tracks,
        sightings.Settings(),
    )
    assert sorted(len(ids) for ids in seen["detection_ids"].to_pylist()) == [1, 3, 5]
    assert set(seen["motion"].to_pylist()) <= {"moving", "single"}
