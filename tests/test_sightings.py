"""One vehicle, one camera, one pass: sightings from boxes seconds apart."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipeline import motion, sightings, tables
from pipeline.sightings import cover

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NIGHT = timedelta(days=1)
WIDTH, HEIGHT, HORIZON, FOCAL, MAST_M = 352, 240, 60.0, 400.0, 9.0


def box(side_m: float, ahead_m: float, size_m: tuple[float, float] = (1.9, 1.6)) -> tuple[float, ...] | None:
    """Return the box of a vehicle on a flat road under a camera on a mast, or None out of view."""
    foot = HORIZON + FOCAL * MAST_M / ahead_m
    middle, wide, high = WIDTH / 2 + FOCAL * side_m / ahead_m, FOCAL * size_m[0] / ahead_m, FOCAL * size_m[1] / ahead_m
    edges = (middle - wide / 2, foot - high, middle + wide / 2, foot)
    inside = edges[0] >= 0 and edges[2] <= WIDTH and foot <= HEIGHT and high >= 8
    return edges if inside else None


def road(minutes: float, gap_s: float = 2.0, seed: int = 1, miss: float = 0.0) -> list[tuple[float, int, tuple]]:
    """Simulate (second, vehicle, box) of a two-way road: away on the right at 16 m/s, toward on the left at 20 m/s."""
    random, shown = np.random.default_rng(seed), []
    for way, speed_mps, side_m in ((1, 16.0, 5.0), (-1, 20.0, -5.0)):
        starts = np.cumsum(random.exponential(6.0, int(minutes * 12)) + 1.5)
        for number, starts_s in enumerate(starts):
            speed, lane = way * speed_mps * random.normal(1, 0.05), side_m + 3.0 * random.integers(0, 2)
            for second in np.arange(np.ceil(starts_s / gap_s) * gap_s, starts_s + 12, gap_s):
                edges = box(lane, (20.0 if way > 0 else 140.0) + speed * (second - starts_s))
                if edges and second < 60 * minutes and random.random() >= miss:
                    jittered = tuple(np.array(edges) + random.normal(0, 0.5, 4))
                    shown.append((float(second), number * 2 + (way > 0), jittered))
    return shown


def camera(bearing_deg: float | None = None, camera_id: str = "t:1") -> pa.Table:
    """Make the row of a camera."""
    row = dict.fromkeys(("camera_id", "stable_id", "site_id"), camera_id)
    row |= {"feed": "t", "native_id": "1", "name": "", "lon": 0.0, "lat": 0.0, "road": None}
    row |= {
        "bearing_deg": bearing_deg,
        "cadence_s": 2.0,
        "licence": "",
        "attribution": "",
        "cleared": True,
        "image_url": None,
    }
    return pa.Table.from_pylist([row], schema=tables.CAMERAS.schema)


def shard(
    shown: list, gap_s: float = 2.0, bearing_deg: float | None = None, camera_id: str = "t:1", start: datetime = START
) -> tuple:
    """Make the tables of one camera that saw simulated boxes, and the vehicle of each detection."""
    seconds = np.arange(0, max((each[0] for each in shown), default=0) + gap_s, gap_s)
    frames, detections, vehicles = [], [], {}
    for second in seconds:
        at = start + timedelta(seconds=float(second))
        row = {"frame_id": tables.frame_id(camera_id, at), "camera_id": camera_id, "slot_at": at, "captured_at": at}
        row |= {"captured_at_source": "render", "width_px": WIDTH, "height_px": HEIGHT, "sha256": "", "state": "ok"}
        frames.append(row | {"reason": None})
        for number, (_, vehicle, edges) in enumerate(each for each in shown if each[0] == second):
            found = {"detection_id": f"{row['frame_id']}#{number:03d}", "frame_id": row["frame_id"], "label": "car"}
            found |= {"camera_id": camera_id, "captured_at": at, "score": 0.9}
            detections.append(found | dict(zip(("x1_px", "y1_px", "x2_px", "y2_px"), edges, strict=True)))
            vehicles[found["detection_id"]] = vehicle
    rows = (frames, tables.FRAMES.schema), (detections, tables.DETECTIONS.schema)
    made = [camera(bearing_deg, camera_id), *(pa.Table.from_pylist(each, schema=schema) for each, schema in rows)]
    return made, vehicles


def tracked(shown: list, **where) -> tuple[pa.Table, dict[str, int]]:
    """Track simulated boxes; return the sightings and the vehicle of each detection."""
    made, vehicles = shard(shown, **where)
    return sightings.track(*made, sightings.Settings()), vehicles


def links(rows: pa.Table, vehicles: dict[str, int]) -> tuple[float, float]:
    """Return the share of links that join one vehicle, and the share of vehicles' true links that were made."""
    made = [pair for ids in rows["detection_ids"].to_pylist() for pair in pairwise(ids)]
    right = sum(vehicles[one] == vehicles[other] for one, other in made)
    possible = len(vehicles) - len(set(vehicles.values()))
    return right / max(len(made), 1), right / possible


def test_ids_are_new_every_night():
    first, second = (tracked(road(2), start=START + n * NIGHT)[0] for n in (0, 1))
    passes = [sorted(rows["entered_at"].to_pylist()) for rows in (first, second)]
    assert [when + NIGHT for when in passes[0]] == passes[1] != []
    for name in ("sighting_id", "detection_ids"):
        ids = [set(np.hstack(rows[name].to_pylist())) for rows in (first, second)]
        assert ids[0].isdisjoint(ids[1])


def test_vehicles_are_followed_though_they_move_lengths_between_frames():
    precision, recall = links(*tracked(road(20)))
    assert precision > 0.93
    assert recall > 0.85


def test_a_vehicle_missed_in_a_frame_is_found_again():
    precision, recall = links(*tracked(road(20, miss=0.15)))
    assert precision > 0.85
    assert recall > 0.7


def test_headings_follow_the_bearing_of_the_camera():
    rows, vehicles = tracked(road(10), bearing_deg=90)
    rows = rows.filter(pc.not_equal(rows["heading"], "none"))
    expected = ["E" if vehicles[ids[0]] % 2 else "W" for ids in rows["detection_ids"].to_pylist()]
    right = np.mean(np.array(expected) == rows["heading"].to_pylist())
    assert right > 0.97


def test_without_a_bearing_headings_are_seen_from_the_camera():
    assert set(tracked(road(5))[0]["heading"].to_pylist()) <= {"away", "toward", "none"}


def test_quality_is_the_share_of_sightings_that_are_one_vehicle():
    rows, vehicles = tracked(road(40, miss=0.1, seed=3))
    several = [row for row in rows.to_pylist() if row["motion"] == "moving"]
    pure = np.mean([len({vehicles[each] for each in row["detection_ids"]}) == 1 for row in several])
    assert abs(pure - np.mean([row["quality"] for row in several])) < 0.1


def test_every_detection_is_in_one_sighting():
    rows, vehicles = tracked(road(5))
    ids = [each for members in rows["detection_ids"].to_pylist() for each in members]
    assert sorted(ids) == sorted(vehicles)


def test_row_order_does_not_matter():
    (cameras, frames, detections), _ = shard(road(5))
    order = np.random.default_rng(0).permutation(detections.num_rows)
    turned = sightings.track(cameras, frames.slice(1), detections.take(order), sightings.Settings())
    assert turned.equals(sightings.track(cameras, frames.slice(1), detections, sightings.Settings()))


def test_a_slow_cadence_gives_single_sightings():
    rows, vehicles = tracked(road(60, gap_s=60.0), gap_s=60.0)
    assert rows.num_rows == len(vehicles)
    assert set(rows["motion"].to_pylist()) == {"lone"}


def test_a_parked_vehicle_is_one_sighting_amid_traffic():
    parked = [(float(second), -1, box(-9.0, 40.0)) for second in range(0, 600, 2)]
    rows, vehicles = tracked(road(10) + parked)
    standing = [
        ids
        for ids, kind in zip(rows["detection_ids"].to_pylist(), rows["motion"].to_pylist(), strict=True)
        if kind == "parked"
    ]
    assert [[vehicles[each] for each in ids] for ids in standing] == [[-1] * 300]


def test_a_vehicle_at_a_signal_is_stopped():
    waiting = [(float(second), -1, box(1.5, 40.0)) for second in range(100, 130, 2)]
    rows, vehicles = tracked(road(5) + waiting)
    kinds = {
        kind
        for ids, kind in zip(rows["detection_ids"].to_pylist(), rows["motion"].to_pylist(), strict=True)
        if vehicles[ids[0]] == -1
    }
    assert kinds == {"stopped"}


def test_two_frames_of_one_slow_vehicle_are_linked_without_any_history():
    rows, _ = tracked([(0.0, 1, box(2.0, 30.0)), (2.0, 1, box(2.0, 34.0))])
    assert rows.num_rows == 1


def test_cameras_do_not_disturb_each_other():
    (one, _), (other, _) = shard(road(5), camera_id="t:1"), shard(road(5, seed=2), camera_id="t:2")
    both = sightings.track(*map(pa.concat_tables, zip(one, other, strict=True)), sightings.Settings())
    alone = [sightings.track(*each, sightings.Settings()) for each in (one, other)]
    assert both.equals(pa.concat_tables(alone).sort_by("sighting_id"))


def test_no_detections_give_no_sightings():
    assert tracked([])[0].equals(tables.SIGHTINGS.empty())


def test_whole_seconds_regain_their_cadence():
    true = 1.7011 * np.arange(400) + 0.3
    steady = motion.steady_seconds(np.floor(true))
    assert np.ptp(steady - true) < 0.35


def test_times_with_fractions_are_kept():
    true = 1.7011 * np.arange(400)
    assert np.array_equal(motion.steady_seconds(true), true)


def test_the_horizon_is_found_from_the_size_of_boxes():
    boxes = np.array([each[2] for each in road(5)])
    assert abs(motion.fit_ground(boxes, WIDTH, HEIGHT).horizon_px - HORIZON) < 6


def test_the_best_cover_beats_the_greedy_one():
    links = cover.Links(np.array([0, 0, 1]), np.array([2, 3, 2]), np.array([5.0, 4.0, 3.0]))
    chosen = cover.best_cover(links, 4)
    assert list(zip(chosen.first, chosen.second, strict=True)) == [(0, 3), (1, 2)]


def test_links_worth_nothing_are_not_made():
    links = cover.Links(np.array([0]), np.array([1]), np.array([-0.5]))
    assert len(cover.best_cover(links, 2).first) == 0


def real(shared: Path) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Make the tables of real cameras from the boxes of a teacher."""
    shown = pq.read_table(shared / "fdr" / "boxes.parquet", filters=[("score", ">=", 0.5), ("ignore", "=", False)])
    still = pq.read_table(shared / "fdr" / "frames.parquet", columns=["camera", "time_utc", "path"])
    blank = {"captured_at_source": "name", "width_px": WIDTH, "height_px": HEIGHT, "sha256": "", "state": "ok"}
    frames = [
        blank | {"frame_id": row["path"], "camera_id": row["camera"], "reason": None}
        | {"slot_at": row["time_utc"], "captured_at": row["time_utc"]}
        for row in still.to_pylist()
    ]  # fmt: skip
    boxes = {f"{name}_px": shown[name] for name in ("x1", "y1", "x2", "y2")}
    names = [f"{path}#{number}" for number, path in enumerate(shown["path"].to_pylist())]
    found = {"detection_id": names, "frame_id": shown["path"], "camera_id": shown["camera"], "label": shown["label"]}
    found |= {"captured_at": shown["time_utc"], "score": shown["score"]}
    detections = tables.DETECTIONS.check(pa.table(found | boxes))
    cameras = pa.concat_tables(camera(camera_id=each) for each in sorted(set(still["camera"].to_pylist())))
    return cameras, pa.Table.from_pylist(frames, schema=tables.FRAMES.schema), detections


@pytest.mark.shared
def test_tracklets_of_real_cameras_are_followed(shared):
    made = real(shared)
    rows, boxes = sightings.track(*made, sightings.Settings()), made[2]
    passing = {each.rsplit("#", 1)[0]: [] for ids in rows["detection_ids"].to_pylist() for each in ids}
    place = dict(
        zip(boxes["detection_id"].to_pylist(), zip(*(boxes[n].to_pylist() for n in EDGES), strict=True), strict=True)
    )
    for number, ids in enumerate(rows["detection_ids"].to_pylist()):
        for each in ids:
            passing[each.rsplit("#", 1)[0]].append((number, place[each]))
    known = pq.read_table(shared / "fdr" / "tracks_auto.parquet").sort_by(
        [("track_id", "ascending"), ("n", "ascending")]
    )
    kept: dict[str, list[bool]] = {}
    for one, other in pairwise(known.to_pylist()):
        if one["track_id"] == other["track_id"]:
            kept.setdefault(one["camera"], []).append(_at(passing, one) == _at(passing, other))
    assert (
        min(np.mean(each) for each in kept.values()) > 0.78
    )  # about a tenth of the tracklets' boxes score too low to be here


EDGES = ("x1_px", "y1_px", "x2_px", "y2_px")


def _at(passing: dict, row: dict) -> int:
    """Return the sighting whose box lies nearest a known box."""
    edges = np.array([row[name] for name in ("x1", "y1", "x2", "y2")])
    return min(passing.get(row["path"], [(-1, edges)]), key=lambda each: np.abs(np.array(each[1]) - edges).sum())[0]


def test_between_bursts_nothing_is_followed_nor_taken_for_a_pass():
    (cameras, frames, detections), _ = shard(road(12))
    seconds = pc.divide(pc.subtract(frames["slot_at"].cast("int64"), int(START.timestamp() * 1e6)), 1_000_000)
    burst = pc.less(seconds, 360)
    swept = pc.equal(pc.multiply(pc.divide(seconds, 60), 60), seconds)
    known = sightings.Settings()
    there = frames.filter(pc.or_(burst, swept))
    polled = detections.filter(pc.is_in(detections["frame_id"], there["frame_id"]))
    rows = sightings.track(cameras, there, polled, known).to_pylist()
    lone = [row for row in rows if row["motion"] == "lone"]
    assert {row["entered_at"] for row in lone} == {
        START + timedelta(seconds=each) for each in range(420, 720, 60)
    } & set(polled["captured_at"].to_pylist())
    assert all(row["left_at"] < START + timedelta(seconds=361) for row in rows if row["motion"] != "lone")


def test_a_sighting_carries_what_its_camera_looked_at_when_it_was_first_seen():
    (cameras, frames, detections), _ = shard(road(2))
    shown = [f"{n:032}".encode() for n in range(frames.num_rows)]
    frames = frames.set_column(frames.schema.names.index("view"), "view", pa.array(shown, pa.binary()))
    at = dict(zip(frames["frame_id"].to_pylist(), shown, strict=True))
    rows = sightings.track(cameras, frames, detections, sightings.Settings()).to_pylist()
    assert rows
    assert all(row["view"] == at[row["detection_ids"][0].partition("#")[0]] for row in rows)


def test_frames_of_another_view_teach_a_camera_nothing():
    (cameras, frames, detections), _ = shard(road(6))
    turned = pc.greater_equal(frames["slot_at"], pa.scalar(START + timedelta(minutes=4), frames["slot_at"].type))
    states = pc.if_else(turned, "moved", "ok")
    seen = detections.filter(pc.less(detections["captured_at"], START + timedelta(minutes=4)))
    both = frames.set_column(frames.schema.names.index("state"), frames.schema.field("state"), states)
    made = [
        sightings.track(cameras, each, seen, sightings.Settings()) for each in (both, frames.filter(pc.invert(turned)))
    ]
    assert made[0].num_rows > 50
    assert made[0].equals(made[1])


def test_a_sighting_says_whether_the_picture_cuts_its_vehicle():
    whole = [(2.0 * n, 1, box(2.0, 30.0 + 4 * n)) for n in range(4)]
    cut = [(2.0 * n, 2, (0.0, 150.0 - 20 * n, 30.0 + 10 * n, 170.0 - 20 * n)) for n in range(2)]
    rows, vehicles = tracked(whole + cut)
    told = {vehicles[each["detection_ids"][0]]: each["cut"] for each in rows.to_pylist()}
    assert told == {1: False, 2: True}


def test_a_ramp_beside_the_road_is_another_carriageway_and_lanes_are_none():
    ramp = [(second, vehicle + 10_000, edges) for second, vehicle, edges in passing(side_m=16.0)]
    rows, vehicles = tracked(road(20) + ramp)
    told: dict[bool, list[int]] = {True: [], False: []}
    for row in rows.to_pylist():
        if row["heading"] == "away":
            told[vehicles[row["detection_ids"][0]] >= 10_000].append(row["carriageway"])
    assert np.mean(np.array(told[True]) == 2) > 0.95
    assert np.mean(np.array(told[False]) == 1) > 0.95
    assert {row["carriageway"] for row in tracked(road(20))[0].to_pylist()} <= {1, None}


def passing(side_m: float, every_s: float = 11.0, minutes: float = 20) -> list[tuple[float, int, tuple]]:
    """Simulate vehicles that drive away one after another, so far to the right of the camera."""
    random, shown = np.random.default_rng(5), []
    for number, start in enumerate(np.arange(1.0, 60 * minutes, every_s)):
        for second in np.arange(np.ceil(start / 2) * 2, start + 12, 2.0):
            edges = box(side_m, 30.0 + 11.0 * (second - start))
            if edges and second < 60 * minutes:
                shown.append((float(second), number, tuple(np.array(edges) + random.normal(0, 0.5, 4))))
    return shown
