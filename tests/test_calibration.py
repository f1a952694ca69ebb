"""Four points of the ground calibrate a camera, speeds follow with an error that holds, and wrong points are refused."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.errors import SettingsError
from pipeline.sightings import Settings, calibration, speeds
from pipeline.sightings.seen import Followed, Seen

LON, LAT, PER_DEG = -73.98, 40.75, np.pi / 180 * 6371008.8
HORIZON, FOCAL, MAST_M = 60.0, 400.0, 9.0
CORNERS_M = [(-6.0, 60.0), (6.0, 60.0), (6.0, 22.0), (-6.0, 22.0)]


def px(east_m: float, north_m: float) -> tuple[float, float]:
    """Where a camera on a mast that looks north sees a point of the ground."""
    return 176 + FOCAL * east_m / north_m, HORIZON + FOCAL * MAST_M / north_m


def point(east_m: float, north_m: float) -> list[float]:
    return [*px(east_m, north_m), LON + east_m / (PER_DEG * np.cos(np.radians(LAT))), LAT + north_m / PER_DEG]


POINTS = [point(*corner) for corner in CORNERS_M]
CAMERA = {"camera_id": "t:1", "native_id": "1", "lon": LON, "lat": LAT}


def test_a_camera_is_calibrated_by_four_points():
    known = calibration.read("1", POINTS)
    (one, other) = known.metres(np.array([px(-2.0, 25.0), px(3.0, 50.0)]))[0]
    assert other - one == pytest.approx([5.0, 25.0], abs=0.01)
    assert np.isnan(known.metres(np.array([[176.0, HORIZON - 5]]))).all()


def test_more_points_than_four_share_their_error():
    more = [*POINTS, point(0.0, 40.0)]
    more[-1][0] += 1.0
    assert np.abs(calibration.read("1", more).metres(np.array([px(0.0, 40.0)]))[0]).max() < 15


def moved(points: list[list[float]], **columns: list[float]) -> list[list[float]]:
    """The points with columns exchanged for others."""
    table = np.array(points)
    for name, values in columns.items():
        table[:, ["x", "y", "lon", "lat"].index(name)] = values
    return table.tolist()


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (POINTS[:3], "no list of 4 to 16 points"),
        ([[1, 2, 3], *POINTS[1:]], "no list of"),
        (["a", "b", "c", "d"], "no list of"),
        ([*POINTS[:3], [float("nan"), 1.0, LON, LAT]], "no list of"),
        ([[each[0], each[1], 190.0, each[3]] for each in POINTS], "on no map"),
        ([point(east, 30.0 + east) for east in (-6, -2, 2, 6)], "on a line"),
        ([POINTS[0], POINTS[0], *POINTS[2:]], "on a line"),
        (moved(POINTS, x=[352 - each[0] for each in POINTS]), "left and right swapped"),
        ([[*POINTS[0][:2], *POINTS[1][2:]], [*POINTS[1][:2], *POINTS[0][2:]], *POINTS[2:]], "another order"),
        ([[300.0, 20.0, *POINTS[0][2:]], *POINTS[1:]], "above the horizon"),
        (moved(POINTS, x=[352 - p[0] for p in POINTS], y=[240 - p[1] for p in POINTS]), "upside down"),
        ([[p[0], p[1], LON + (p[2] - LON) * 500, LAT + (p[3] - LAT) * 500] for p in POINTS], "m apart"),
        ([[p[0], p[1], LON + (p[2] - LON) / 50, LAT + (p[3] - LAT) / 50] for p in POINTS], "m apart"),
        ([*POINTS, point(0.0, 40.0)[:2] + point(0.0, 56.0)[2:]], "disagree by"),
    ],
)
def test_points_that_cannot_be_right_are_refused_with_what_to_do(points, said):
    with pytest.raises(SettingsError, match=rf"(?s)calibration of camera '1': .*({said}).*; "):
        Settings(calibration={"1": points})


def test_points_far_from_their_camera_are_refused():
    away = CAMERA | {"lon": LAT, "lat": LON}
    with pytest.raises(SettingsError, match="km from it; write longitude before latitude"):
        speeds.measure(passing(15.0), away, Settings(calibration={"1": POINTS}))


def passing(speed_mps: float, noise_px: float = 0.0, seed: int = 1, step_s: float = 1.0) -> Followed:
    """One vehicle that drives away from 22 m to 70 m."""
    seconds = np.arange(0.0, 48.0 / speed_mps, step_s)
    feet = np.array([px(2.0, 22.0 + speed_mps * second) for second in seconds])
    size = FOCAL * 1.8 / (22.0 + speed_mps * seconds)[:, None] * [0.5, 1.0]
    boxes = np.column_stack([feet - size * [1, 1], feet + size * [1, 0]])
    boxes += np.random.default_rng(seed).normal(0, noise_px, boxes.shape) if noise_px else 0.0
    count = len(seconds)
    ground = calibrated_ground()
    seen = Seen(boxes, np.arange(count), seconds, ground, [str(n) for n in range(count)], np.ones(count), ["car"] * count,
                (seconds * 1e6).astype(np.int64))  # fmt: skip
    return Followed(seen, [np.arange(count)], np.ones(count), np.full(count, -1))


def calibrated_ground():
    from pipeline.motion import Ground

    return Ground(HORIZON, 0.2, 352.0, 240.0, 176.0)


KNOWN = Settings(calibration={"1": POINTS})


@pytest.mark.parametrize("speed_mps", [8.0, 15.0, 24.0])
def test_a_speed_is_that_over_the_ground(speed_mps):
    (told,) = speeds.measure(passing(speed_mps, step_s=0.5), CAMERA, KNOWN).values()
    assert told["speed_mps"] == pytest.approx(speed_mps, rel=0.01)


def test_the_stated_error_covers_what_errors_of_boxes_do():
    told = [speeds.measure(passing(12.0, 1.5, seed), CAMERA, KNOWN)[0] for seed in range(60)]
    off = [abs(each["speed_mps"] - 12.0) / each["speed_error_mps"] for each in told]
    assert 0.6 < np.mean(np.array(off) < 1) <= 1
    assert np.mean(np.array(off) < 2) > 0.9


def test_a_camera_without_calibration_has_no_speeds():
    assert speeds.measure(passing(12.0), CAMERA, Settings()) == {}


def test_a_picture_of_another_size_than_was_calibrated_gives_no_speeds(caplog):
    seen = passing(12.0)
    small = replace(seen.seen, ground=replace(seen.seen.ground, width_px=176.0, height_px=120.0))
    assert speeds.measure(replace(seen, seen=small), CAMERA, KNOWN) == {}
    assert "calibrated in a larger picture than 176 x 120" in caplog.text
