"""Where views overlap a vehicle comes to the next camera before it has left the last, and is linked all the same."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from pipeline import query, trajectories, transitions
from pipeline.links import Settings, link
from pipeline.tables import TRAJECTORIES
from tests.builders import at, camera, rows, seen, sighting
from tests.corridor import WINDOW, empty

ROADLESS = transitions.Settings(metric_crs="EPSG:32618")
SPOTS_M = (0.0, 25.0, 50.0, 1200.0, 1225.0)
"""Where cameras stand along the road: three together, and two further on."""
VIEW_M = 60.0


def tracks(vehicles: int = 150, seed: int = 5) -> tuple[dict[str, pa.Table], dict[str, int]]:
    """Follow vehicles perfectly past cameras that each see 60 m of a road, and give them looks; and whose is whose."""
    rng = np.random.default_rng(seed)
    seen_, boxes, looks, vehicle = [], [], [], {}
    for number in range(vehicles):
        look, start, speed = rng.normal(size=32), rng.uniform(0, 3200), 14.0 * np.exp(rng.normal(0, 0.12))
        for stop, spot_m in enumerate(SPOTS_M):
            name, enters = f"{stop}-{rng.integers(1 << 40):010x}", start + spot_m / speed
            seen_.append(sighting(name, f"c{stop}", enters, enters + VIEW_M / speed, detection_ids=[name]))
            boxes.append(
                {"detection_id": name, "camera_id": f"c{stop}", "captured_at": at(enters), "x2_px": 31.0, "y2_px": 31.0}
            )
            mixed = look / np.linalg.norm(look) + 0.6 * rng.normal(size=32) / np.sqrt(32)
            looks.append(
                {"detection_id": name, "vector": bytes((mixed / np.linalg.norm(mixed)).astype("<f2").tobytes())}
            )
            vehicle[name] = number
    cameras = [camera(f"c{stop}", lat=40.7 + spot / 111_195, cadence_s=0.5) for stop, spot in enumerate(SPOTS_M)]
    made = {"cameras": cameras, "sightings": seen_, "detections": boxes, "embeddings": looks}
    return {name: rows(name, *each) for name, each in made.items()}, vehicle


@pytest.fixture(scope="module")
def night() -> tuple[dict[str, pa.Table], dict[str, int]]:
    """Return the tables of an hour of tracks up to their trajectories, and whose sighting is whose."""
    made, vehicle = tracks()
    names = made["cameras"]["camera_id"].to_pylist()
    made["transitions"] = transitions.learn(made["cameras"], empty("roads"), made["sightings"], ROADLESS)
    made["observability"] = rows(
        "observability", *(seen(a, "trajectory", b) for a in names for b in ["", *names] if a != b)
    )
    tables = [made[name] for name in ("sightings", "detections", "embeddings", "transitions", "observability")]
    made["links"] = link(*tables, empty("links"), WINDOW, Settings())
    tables = {name: made[name] for name in ("cameras", "sightings", "links", "observability", "transitions")}
    settings = trajectories.Settings(metric_crs="EPSG:32618")
    made["trajectories"] = trajectories.chain(**tables, roads=empty("roads"), settings=settings)
    return made, vehicle


def test_floors_are_below_nought_where_views_overlap_and_nowhere_else(night):
    floors = {(row["from_camera"], row["to_camera"]): row["floor_s"] for row in night[0]["transitions"].to_pylist()}
    assert all(-VIEW_M / 10 < floors[pair] < 0 for pair in [("c0", "c1"), ("c1", "c2"), ("c3", "c4")])
    assert floors["c2", "c3"] > 0


def test_tracks_in_overlapping_views_are_linked(night):
    made, vehicle = night
    pairs = [(row["query_id"], row["gallery_id"]) for row in made["links"].to_pylist()]
    right = np.array([vehicle[one] == vehicle[other] for one, other in pairs])
    assert right.mean() > 0.95
    assert right.sum() > 0.8 * 150 * (len(SPOTS_M) - 1)
    assert min(row["travel_s"] for row in made["links"].to_pylist()) < 0


def test_chains_go_through_overlapping_views_in_order(night):
    found = night[0]["trajectories"].to_pylist()
    assert sum(len(row["camera_ids"]) == len(SPOTS_M) for row in found) > 75
    for row in found:
        assert all(one < other for one, other in pairwise(row["passed_at"]))
    assert night[0]["trajectories"].schema.equals(TRAJECTORIES.schema)


@pytest.mark.parametrize("check", ["links_backwards", "two_places_at_once", "impossible_links"])
def test_the_checks_let_overlapping_views_pass_and_nothing_else(night, check: str):
    made = night[0]
    tables = {name: made[name] for name in query.header(f"checks/{check}")["reads"]}
    assert query.query(f"checks/{check}", **tables).num_rows == 0
    apart = made["transitions"].set_column(
        made["transitions"].schema.get_field_index("floor_s"),
        "floor_s",
        pa.array(np.zeros(made["transitions"].num_rows)),
    )
    assert query.query(f"checks/{check}", **tables | {"transitions": apart}).num_rows > 0
