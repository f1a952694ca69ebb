"""An hour of much traffic tells its own travel times, one of little the night's."""

import numpy as np
import pytest

from pipeline.transitions import Settings, learn
from tests.builders import at, camera, rows, sighting
from tests.corridor import empty

SETTINGS = Settings(metric_crs="EPSG:32618")
CAMERAS = rows("cameras", *(camera(f"c{stop}", lat=40.7 + stop * 900 / 111_195, cadence_s=2.0) for stop in range(2)))


def told(vehicles: list[int], speeds: list[float], seed: int = 4) -> list[dict]:
    """Drive so many vehicles an hour the 900 m north at such speeds, and tell the hours of the way."""
    rng, seen = np.random.default_rng(seed), []
    for hour, (count, speed) in enumerate(zip(vehicles, speeds, strict=True)):
        for number, start in enumerate(3600 * hour + rng.uniform(0, 3400, count)):
            after = start + 3 + 900 / speed * np.exp(rng.normal(0, 0.12))
            seen += [
                sighting(f"{hour}-{number}-{place}", f"c{place}", now, now + 3)
                for place, now in enumerate((start, after))
            ]
    return learn(CAMERAS, empty("roads"), rows("sightings", *seen), SETTINGS).to_pylist()


def median_s(way: dict) -> float:
    return float(way["floor_s"] + np.exp(way["travel_mu"]))


def test_a_jam_is_told_in_its_hour():
    free, jam, again = told([700, 700, 700], [15.0, 9.0, 15.0])
    assert [way["hour_at"] for way in (free, jam, again)] == [at(0), at(3600), at(7200)]
    assert median_s(free) == pytest.approx(60, rel=0.1)
    assert median_s(jam) == pytest.approx(100, rel=0.1)
    assert min(way["hour_support"] for way in (free, jam, again)) > 300


def test_an_hour_of_few_vehicles_leans_on_the_night():
    busy, quiet = told([900, 4], [15.0, 8.0])
    assert median_s(quiet) == pytest.approx(median_s(busy), rel=0.15)
    assert quiet["hour_support"] < 10 < busy["hour_support"] <= busy["support"]


def test_the_fit_tells_a_narrow_crowd_from_a_way_that_was_not_learned():
    (learned,) = told([900], [15.0])
    (guess,) = told([9], [15.0])
    assert (guess["source"], guess["fit"], guess["hour_support"]) == ("road", 0.0, 0)
    assert learned["fit"] > 0.5
