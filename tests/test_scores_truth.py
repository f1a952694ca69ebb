"""Read truth files of every form, and refuse what is wrong in them with file and line."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import SchemaError
from pipeline.scores import Counted, Naming, read, read_clocks, read_pairs
from tests.builders import at, frame, rows
from tests.labelled import label, truth

NEW_YORK = Naming("America/New_York", feed="archive", cameras=("archive:733", "archive:c005"))
NOON = datetime(2020, 5, 5, 16, 0, tzinfo=UTC)
FRAMES = rows("frames", *(frame("archive:c005", 2.0 * number) for number in range(3)))
COUNTED = Naming(feed="archive", cameras=("archive:c005", "archive:733"), frames=FRAMES)


def file(folder, name, text):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def test_a_picture_is_named_by_camera_and_local_time():
    assert NEW_YORK.frame_at("frames/733/20200505T120000.jpg", "") == ("archive:733", NOON)


@pytest.mark.parametrize(
    "text", ["2020-05-05 12:00:00", "20200505T120000", "2020-05-05T16:00:00+00:00", "20200505T160000Z"]
)
def test_times_are_local_unless_they_say_otherwise(text):
    assert NEW_YORK.time(text, "") == NOON


@pytest.mark.parametrize("name", ["archive:c005", "c005", "5"])
def test_a_camera_answers_to_its_id_its_native_id_and_its_number(name):
    assert NEW_YORK.camera_id(name, "") == "archive:c005"


def test_an_unknown_camera_is_refused_with_its_line(tmp_path):
    path = file(
        tmp_path,
        "i.csv",
        "identity,camera,time,x1,y1,x2,y2\nv,733,2020-05-05 12:00:00,1,2,3,4\nv,999,2020-05-05 12:00:00,1,2,3,4\n",
    )
    with pytest.raises(SchemaError, match=r"i\.csv:3: unknown camera '999'"):
        read(path, NEW_YORK)


def test_coco_regions_are_ignored_and_people_left_out(tmp_path):
    boxes = [(1, [10, 20, 30, 40], 0), (1, [0, 0, 9, 9], 1), (2, [5, 5, 5, 5], 0)]
    annotations = [
        {"id": i, "image_id": 7, "category_id": k, "bbox": b, "iscrowd": c} for i, (k, b, c) in enumerate(boxes)
    ]
    images = [{"id": 7, "file_name": "733/20200505T120000.jpg"}, {"id": 8, "file_name": "733/20200505T120002.jpg"}]
    kinds = [{"id": 1, "name": "Taxi"}, {"id": 2, "name": "person"}]
    path = file(tmp_path, "b.json", json.dumps({"images": images, "annotations": annotations, "categories": kinds}))
    known = read(path, NEW_YORK)
    assert known.boxes["label"].to_pylist() == ["car", "car"]
    assert sorted(known.boxes["ignore"].to_pylist()) == [False, True]
    assert known.boxes["x2_px"].to_pylist() == [9, 40]
    assert (known.frames.num_rows, known.sparse) == (2, False)


def test_identities_and_tracks_are_sparse(tmp_path):
    line = "733,2020-05-05 12:00:00,1,2,30,40,SB\n"
    for column in ("identity", "track"):
        known = read(file(tmp_path, "t.csv", f"{column},camera,time,x1,y1,x2,y2,direction\nv1,{line}"), NEW_YORK)
        row = known.boxes.to_pylist()[0]
        assert (row["vehicle_id"], row["slot_at"], row["direction"], known.sparse) == ("v1", NOON, "SB", True)


def test_motchallenge_counts_frames_and_takes_the_camera_from_the_folder(tmp_path):
    file(tmp_path, "c005/gt/gt.txt", "1,4,10,20,30,40,1,1,1.0\n3,4,10,20,30,40,0,1,1.0\n")
    known = read(tmp_path, COUNTED)
    assert known.boxes["slot_at"].to_pylist() == [at(0), at(4)]
    assert known.boxes["x2_px"].to_pylist() == [40, 40]
    assert known.boxes["ignore"].to_pylist() == [False, True]
    assert known.frames.num_rows == 3


def test_ai_city_text_names_cameras_by_number(tmp_path):
    known = read(file(tmp_path, "ground_truth.txt", "5 17 2 10 20 30 40 -1 -1\n"), COUNTED)
    row = known.boxes.to_pylist()[0]
    assert (row["camera_id"], row["vehicle_id"], row["slot_at"], row["y2_px"]) == ("archive:c005", "17", at(2), 60)


def test_counted_frames_can_be_timed_instead(tmp_path):
    naming = Naming(starts_at=at(0), frame_s=0.1, camera="5")
    assert read(file(tmp_path, "gt.txt", "11,4,10,20,30,40\n"), naming).boxes["slot_at"].to_pylist() == [at(1)]


def test_a_frame_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SchemaError, match=r"frame 9 of archive:c005, which has 3"):
        read(file(tmp_path, "g.txt", "5 17 9 10 20 30 40\n"), COUNTED)


def test_our_own_tables_come_back_as_they_were(tmp_path):
    known = truth(label("b", "nyc:1", 2), label("a", "nyc:1", 0, label="truck"))
    pq.write_table(known.boxes, tmp_path / "t.parquet")
    path = file(tmp_path, "t.csv", "camera_id,slot_at,vehicle_id,label,x1_px,y1_px,x2_px,y2_px\n"
                "nyc:1,2026-03-03 12:00:02,b,vehicle,0,100,30,130\nnyc:1,2026-03-03T12:00:00Z,a,truck,0,100,30,130\n")  # fmt: skip
    assert read(tmp_path / "t.parquet", Naming()).boxes.equals(known.boxes)
    assert read(path, Naming("America/New_York")).boxes.equals(known.boxes)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("t.csv", "track,camera,x1\n", "columns missing"),
        ("t.csv", "track,camera,time,x1,y1,x2,y2\nt,733,2020-05-05 12:00:00,1,two,3,4\n", r"t\.csv:2: unreadable number"),
        ("t.csv", "track,camera,time,x1,y1,x2,y2\nt,733,noon,1,2,3,4\n", r"t\.csv:2: unreadable time"),
        ("t.csv", "track,camera,time,x1,y1,x2,y2\nt,733,2020-05-05 12:00:00,9,2,3,4\n", "no area"),
        ("t.csv", "name,camera,time,x1,y1,x2,y2\nt,733,2020-05-05 12:00:00,1,2,3,4\n", "neither identity nor track"),
        ("g.txt", "5 1 1 10 20 nan 40\n", r"g\.txt:1: .*finite"),
        ("g.txt", "5 1 1 10\n", r"g\.txt:1: .*needed"),
        ("b.json", "{", "not valid JSON"),
        ("b.json", "[]", "COCO"),
        ("b.json", '{"images": []}', "lists missing"),
        ("b.json", '{"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [], "categories": []}', "names no camera"),
        ("b.json", '{"images": [{"id": 1}], "annotations": [], "categories": []}', "file_name"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_its_fault(tmp_path, name, text, said):
    with pytest.raises(SchemaError, match=said):
        read(file(tmp_path, name, text), COUNTED)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SchemaError, match="no such truth file"):
        read(tmp_path / "none.csv", Naming())


def test_pairs_keep_their_boxes_together(tmp_path):
    head = "camera_a,time_a,ax1,ay1,ax2,ay2,camera_b,time_b,bx1,by1,bx2,by2,same\n"
    line = "733,2020-05-05 12:00:00,1,2,3,4,c005,2020-05-05 12:01:00,5,6,7,8,"
    pairs = read_pairs(file(tmp_path, "p.csv", f"{head}{line}1\n{line}0\n"), NEW_YORK)
    assert pairs.boxes["camera_id"].to_pylist() == ["archive:733", "archive:c005"] * 2
    assert pairs.same.tolist() == [True, False]


def test_a_pass_ends_where_the_vehicle_was_long_away():
    known = truth(*(label("v", "nyc:1", second) for second in (0, 30, 300)), label("w", "nyc:1", 0))
    spans = [(row["vehicle_id"], row["entered_at"], row["left_at"]) for row in known.passes().to_pylist()]
    assert spans == [("v", at(0), at(30)), ("v", at(300), at(300)), ("w", at(0), at(0))]


def test_labelled_frames_take_the_time_of_the_planned_frame_beside_them():
    known = truth(label("v", "nyc:1", 1.8), label("w", "nyc:1", 3.1))
    planned = known.planned(rows("frames", frame("nyc:1", 2), frame("nyc:1", 4), frame("nyc:2", 3)))
    assert planned.boxes["slot_at"].to_pylist() == [at(2)]
    assert planned.frames.num_rows == 1


@given(st.permutations(range(6)))
def test_the_order_of_rows_does_not_matter(order):
    labels = [label(f"v{i % 2}", f"nyc:{i % 3}", i, i) for i in range(6)]
    assert truth(*(labels[i] for i in order)).boxes.equals(truth(*labels).boxes)


@pytest.mark.shared
def test_the_hand_labels_of_real_frames_are_read(shared):
    naming, folder = Naming("America/New_York", feed="archive"), shared / "fdr" / "validation"
    boxes, identities = read(folder / "boxes.json", naming), read(folder / "identities.csv", naming)
    assert (boxes.frames.num_rows, boxes.boxes["ignore"].to_pylist().count(False)) == (16, 52)
    assert (identities.boxes.num_rows, len(identities.boxes["vehicle_id"].unique())) == (47, 22)
    assert read(folder / "tracks.csv", naming).sparse
    assert read_pairs(folder / "pairs.csv", naming).same.sum() == 34


def test_cameras_may_have_names_starts_and_rates_of_their_own(tmp_path):
    told = file(tmp_path, "clocks.csv", "name,camera,starts_s,frame_rate\nc006,733,1.5,8\n7,archive:c005,,\n")
    naming = replace(NEW_YORK, starts_at=at(0), frame_s=0.1, counted=read_clocks(told))
    known = read(file(tmp_path, "g.txt", "c006 1 9 0 0 9 9\n7 1 11 0 0 9 9\n"), naming)
    assert [(row["camera_id"], row["slot_at"]) for row in known.boxes.to_pylist()] == [
        ("archive:733", at(2.5)),
        ("archive:c005", at(1)),
    ]


def test_time_stamps_of_ai_city_are_clocks(tmp_path):
    told = read_clocks(file(tmp_path, "S01.txt", "c001 0\nc002 1.640\n"))
    assert told == {"c001": Counted(), "c002": Counted(starts_s=1.64)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("camera,frame_rate\nc001,1\n", "columns"),
        ("name,speed\nc001,1\n", "unknown .'speed'"),
        ("c001 1 2\n", r"clocks\.txt:1: 3 words"),
        ("c001 soon\n", "unreadable number 'soon'"),
        ("c001 1\nc001 2\n", r"clocks\.txt:2: 'c001' is there twice"),
        ("name,starts_s\n,2\n", "no name"),
        ("c001 nan\n", "no number of seconds"),
    ],
)
def test_wrong_clocks_are_refused_with_their_fault(tmp_path, text, said):
    with pytest.raises(SchemaError, match=said):
        read_clocks(file(tmp_path, "clocks.txt", text))


def test_coco_videos_count_frames_and_name_vehicles(tmp_path):
    content = {
        "videos": [{"id": 1, "name": "c005.mp4"}],
        "images": [{"id": 7, "video_id": 1, "frame_id": 2, "file_name": "x/000003.jpg"}],
        "categories": [{"id": 1, "name": "bus"}],
        "annotations": [
            {"id": n, "image_id": 7, "category_id": 1, "bbox": [0, 0, 9, 9]} | told
            for n, told in enumerate([{"track_id": 4}, {"instance_id": 5}, {"attributes": {"track_id": 6}}, {}])
        ],
    }
    known = read(file(tmp_path, "b.json", json.dumps(content)), COUNTED)
    assert set(known.boxes["vehicle_id"].to_pylist()) == {"4", "5", "6", None}
    assert set(known.boxes["slot_at"].to_pylist()) == {at(4)}


def test_a_planned_frame_is_one_labelled_frame_however_fast_the_truth_counts():
    known = truth(*(label("v", "nyc:1", tenth / 10, tenth) for tenth in range(30)))
    planned = known.planned(rows("frames", frame("nyc:1", 1), frame("nyc:1", 2)))
    assert planned.boxes["x1_px"].to_pylist() == [10, 20]
