"""Link tracks made elsewhere: text and looks in, a lake and text with identities out."""

import json
from datetime import UTC, datetime

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from pipeline import scans, scoring, tracklets, upkeep
from pipeline.__main__ import app
from pipeline.errors import PrivacyError, SchemaError
from pipeline.lake import Lake
from pipeline.scores import Naming, read
from pipeline.tracklets import Scene
from pipeline.tracklets.given import tables
from tests import crossings
from tests.builders import at

NOW = datetime(2026, 5, 5, tzinfo=UTC)
TWO = "1 7 1 10 20 30 40 -1 -1\n1 7 2 12 20 30 40 -1 -1\n2 8 3 10 20 30 40 -1 -1\n"


@pytest.fixture(scope="module")
def crossing(tmp_path_factory):
    """A scene without places, linked."""
    folder = tmp_path_factory.mktemp("crossing")
    crossings.write(folder, seconds=150, vehicles=60)
    scene = Scene(folder / "tracks.txt", crossings.FRAME_RATE, embeddings=folder / "looks.npz")
    lake = Lake(folder / "lake", "tracks")
    return folder, scene, lake, tracklets.link(scene, lake)


def scene_of(folder, text=TWO, **more):
    (folder / "tracks.txt").write_text(text)
    return Scene(folder / "tracks.txt", 10.0, **more)


def test_linking_perfect_tracks_of_overlapping_views_clearly_beats_not_linking(crossing):
    folder, scene, lake, _ = crossing
    scores = scoring.score_links(folder / "gt.txt", lake, scene.starts_at.date())
    assert scores["idf1"] > scores["idf1_unlinked"] + 0.25
    assert scores["precision"] > 0.9
    assert scores["found"] == 1.0
    tracks = scoring.score_tracks(folder / "gt.txt", lake, scene.starts_at.date())
    assert (tracks["idf1"], tracks["hota"], tracks["mota"]) == (1.0, 1.0, 1.0)


def test_the_lake_proves_true_and_opens_with_the_settings_beside_it(crossing, tmp_path):
    _, scene, lake, _ = crossing
    assert not list(upkeep.verify(lake))
    (tmp_path / "settings.toml").write_text(tracklets.settings(scene))
    assert scans.load("tracks", tmp_path / "settings.toml") == tracklets.scan_of(scene)


def test_boxes_are_cut_at_the_edge_of_the_picture(tmp_path):
    found = tables(scene_of(tmp_path, "1 7 1 -10 20 30 40\n1 7 2 -50 20 30 40\n"))["detections"]
    assert found.select(["x1_px", "x2_px"]).to_pylist() == [{"x1_px": 0, "x2_px": 20}]


def test_without_looks_nothing_is_guessed(tmp_path):
    crossings.write(tmp_path, seconds=60, vehicles=30)
    scene, lake = Scene(tmp_path / "tracks.txt", crossings.FRAME_RATE), Lake(tmp_path / "lake", "tracks")
    tracklets.link(scene, lake)
    scores = scoring.score_links(tmp_path / "gt.txt", lake, scene.starts_at.date())
    assert scores["n_wrong"] <= 0.1 * scores["n_right"]


def test_the_same_tracks_once_more_change_nothing(crossing):
    _, scene, lake, made = crossing
    steps = []
    assert tracklets.link(scene, lake, steps.append) == made
    assert not any(step.fresh for step in steps)


def test_tracks_come_back_with_identities_for_a_stated_purpose_alone(crossing):
    folder, scene, lake, made = crossing
    with pytest.raises(PrivacyError, match="--purpose"):
        tracklets.write(lake, scene, folder / "linked.txt", "", NOW)
    n = tracklets.write(lake, scene, folder / "linked.txt", "a test", NOW)
    given, told = (
        read(folder / name, Naming(starts_at=at(0), frame_s=1 / crossings.FRAME_RATE)).boxes
        for name in ("tracks.txt", "linked.txt")
    )
    places = ["camera_id", "slot_at", "x1_px", "y1_px"]
    assert (
        given.select(places)
        .sort_by([(p, "ascending") for p in places])
        .equals(told.select(places).sort_by([(p, "ascending") for p in places]))
    )
    assert n == len(set(told["vehicle_id"].to_pylist())) <= made["sightings"] - made["trajectories"]


def test_every_frame_up_to_the_last_was_looked_at(tmp_path):
    found = tables(scene_of(tmp_path))
    assert found["frames"].num_rows == 2 * 3
    assert sorted(len(ids) for ids in found["sightings"]["detection_ids"].to_pylist()) == [1, 2]


def test_cameras_have_the_places_and_clocks_they_are_given(tmp_path):
    (tmp_path / "cameras.csv").write_text("camera,lat,lon\nc001,45.0,9.0\nc002,45.0,9.01\n")
    (tmp_path / "clocks.csv").write_text("name,starts_s\nc002,60\n")
    found = tables(scene_of(tmp_path, places=tmp_path / "cameras.csv", known_as=tmp_path / "clocks.csv"))
    assert found["cameras"]["lon"].to_pylist() == [9.0, 9.01]
    entered = dict(zip(*(found["sightings"][name].to_pylist() for name in ("camera_id", "entered_at")), strict=True))
    assert (entered["tracks:c002"] - entered["tracks:c001"]).total_seconds() == pytest.approx(60.2)


def test_our_encoder_looks_at_pictures_where_no_looks_are_given(tmp_path):
    for camera, frame in (("1", 1), ("1", 2), ("2", 3)):
        (tmp_path / "stills" / camera).mkdir(parents=True, exist_ok=True)
        picture = np.random.default_rng(frame).integers(0, 255, (96, 96, 3), np.uint8)
        cv2.imwrite(str(tmp_path / "stills" / camera / f"{frame:06d}.jpg"), picture)
    found = tables(scene_of(tmp_path, stills=tmp_path / "stills"))
    assert found["embeddings"]["detection_id"].equals(found["detections"]["detection_id"])


LOOKS = {"camera": ["1"], "frame": [1], "id": [7], "vector": [[1.0, 0.0]]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"vector": [[1.0, np.nan]]}, "not finite"),
        ({"id": [7, 7]}, "do not belong together"),
        ({"frame": [9]}, "no look of any box"),
        ({"camera": ["12"]}, "unknown camera '12'"),
        ({"frame": ["one"]}, "not looks of tracks"),
    ],
)
def test_wrong_looks_are_refused_with_their_fault(tmp_path, change, said):
    np.savez(tmp_path / "looks.npz", **{name: np.array(value) for name, value in (LOOKS | change).items()})
    with pytest.raises(SchemaError, match=said):
        tables(scene_of(tmp_path, embeddings=tmp_path / "looks.npz"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no box of a track"),
        ("1 7 0 10 20 30 40\n", "count from 1"),
        ("1 7 1 10 20 30 40\n1 7 1 11 20 30 40\n", "track 7 of tracks:1 has 2 boxes"),
        ("1 7 1 10 20 0 40\n", "no area"),
        ("1 7 1 10\n", r"tracks\.txt:1"),
    ],
)
def test_wrong_tracks_are_refused_with_their_fault(tmp_path, text, said):
    with pytest.raises(SchemaError, match=said):
        tables(scene_of(tmp_path, text))


def test_a_file_that_is_no_npz_is_refused(tmp_path):
    (tmp_path / "text.npz").write_text("1 2 3")
    np.savez(tmp_path / "less.npz", camera=np.array(["1"]))
    for name, said in (("text.npz", "can be read"), ("less.npz", "frame")):
        with pytest.raises(SchemaError, match=said):
            tables(scene_of(tmp_path, embeddings=tmp_path / name))


def test_files_that_are_not_there_are_named(tmp_path):
    with pytest.raises(SchemaError, match="no such file of tracks"):
        tables(Scene(tmp_path / "none.txt", 10.0))
    for more in ({"embeddings": tmp_path / "no.npz"}, {"places": tmp_path / "no.csv"}, {"stills": tmp_path / "no"}):
        with pytest.raises(SchemaError, match="no"):
            tables(scene_of(tmp_path, **more))


def asked(*words):
    done = CliRunner().invoke(app, [str(word) for word in words])
    return done.exit_code, done.output, done.exception


def test_every_form_of_a_truth_scores_the_same_from_the_command_line(tmp_path):
    folder = tmp_path
    crossings.write(folder, seconds=40, vehicles=12)
    scene = Scene(folder / "tracks.txt", crossings.FRAME_RATE, embeddings=folder / "looks.npz")
    tracklets.link(scene, Lake(folder / "lake", "tracks"))
    known = read(folder / "gt.txt", Naming(feed="tracks", starts_at=scene.starts_at, frame_s=1 / crossings.FRAME_RATE))
    pq.write_table(known.boxes, tmp_path / "own.parquet")
    (tmp_path / "coco.json").write_text(json.dumps(_coco(folder / "gt.txt")))
    for camera in "1234":
        lines = [line.split() for line in (folder / "gt.txt").read_text().splitlines() if line.startswith(camera)]
        (tmp_path / "mot" / camera / "gt").mkdir(parents=True)
        text = "\n".join(",".join([frame, vehicle, *box[:4], "1,-1,-1,-1"]) for _, vehicle, frame, *box in lines)
        (tmp_path / "mot" / camera / "gt" / "gt.txt").write_text(text)
    names = ("links", "tracks", "products")
    told = {}
    for truth in (folder / "gt.txt", tmp_path / "own.parquet", tmp_path / "coco.json", tmp_path / "mot"):
        told[truth.name] = [
            json.loads(asked("score", name, "--truth", truth, "--lake", folder / "lake", "--json")[1]) for name in names
        ]
    assert all(each == told["gt.txt"] for each in told.values())
    links, _, products = told["gt.txt"]
    assert {"precision", "recall", "idf1", "impossible", "ece"} <= links.keys()
    assert products["n_flows"] > 0


def _coco(path):
    """The same truth as COCO with a video for each camera."""
    rows = [line.split() for line in path.read_text().splitlines()]
    images = {key: number for number, key in enumerate(sorted({(row[0], int(row[2])) for row in rows}))}
    return {
        "videos": [{"id": int(camera), "name": camera} for camera in "1234"],
        "images": [{"id": n, "video_id": int(c), "frame_id": f - 1, "file_name": f"{n}.jpg"} for (c, f), n in images.items()],
        "categories": [{"id": 1, "name": "vehicle"}],
        "annotations": [
            {"id": n, "image_id": images[c, int(f)], "category_id": 1, "track_id": v, "bbox": [float(x) for x in box[:4]]}
            for n, (c, v, f, *box) in enumerate(rows)
        ],
    }  # fmt: skip


def test_some_labelled_vehicles_count_nothing(crossing):
    folder, *_ = crossing
    code, _, error = asked("score", "products", "--truth", folder / "gt.txt", "--lake", folder / "lake", "--some")
    assert code == 1
    assert "every vehicle" in str(error)


def test_a_table_of_each_score_is_shown(crossing):
    folder, *_ = crossing
    _, shown, _ = asked("score", "links", "--truth", folder / "gt.txt", "--lake", folder / "lake", "--some")
    assert all(f"\n{name}" in shown for name in ("precision", "calibration", "curve"))


def test_the_command_links_and_writes(tmp_path):
    crossings.write(tmp_path, seconds=40, vehicles=12)
    words = ["link-tracks", tmp_path / "tracks.txt", "--frame-rate", crossings.FRAME_RATE, "--lake", tmp_path / "lake"]
    _, shown, _ = asked(
        *words, "--embeddings", tmp_path / "looks.npz", "--write", tmp_path / "o.txt", "--purpose", "a test", "--json"
    )
    made = json.loads(shown)
    assert made["identities"] == len({line.split()[1] for line in (tmp_path / "o.txt").read_text().splitlines()})
    assert "--purpose" in str(asked(*words, "--write", tmp_path / "o.txt")[2])
    assert "pass one" in str(asked(*words, "--embeddings", tmp_path / "looks.npz", "--stills", tmp_path)[2])
