"""The labels made by eye are whole, lie in pictures that exist, and count what their card says."""

import csv
import json
import re
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from faster_coco_eval import COCO

from pipeline.training.labelled import HELD_OUT, HELD_OUT_S

LABELS = Path(__file__).parent / "labels"
FILES = ("fdr.json", "singapore_day.json", "singapore_night.json")
CARD = (LABELS / "README.md").read_text(encoding="utf-8")


def read(name: str) -> dict:
    return json.loads((LABELS / name).read_text(encoding="utf-8"))


def vehicles(content: dict) -> list[dict]:
    return [each for each in content["annotations"] if not each["iscrowd"]]


def card_rows(first: str) -> list[list[str]]:
    """The rows of the card's tables whose first cell matches."""
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in CARD.splitlines() if "|" in line]
    return [row for row in rows if re.fullmatch(first, row[0])]


def taken_at(file_name: str) -> datetime:
    return datetime.strptime(Path(file_name).stem, "%Y%m%dT%H%M%S")  # noqa: DTZ007


@pytest.mark.parametrize("name", FILES)
def test_the_files_are_coco(name: str):
    content = read(name)
    coco = COCO(str(LABELS / name))
    assert [each["name"] for each in content["categories"]] == ["car", "truck", "bus", "motorcycle"]
    assert len(coco.getAnnIds(imgIds=coco.getImgIds(), catIds=coco.getCatIds())) == len(content["annotations"])
    assert len({each["file_name"] for each in content["images"]}) == len(content["images"])


@pytest.mark.parametrize("name", FILES)
def test_every_box_lies_inside_its_picture(name: str):
    content = read(name)
    size = {each["id"]: (each["width"], each["height"]) for each in content["images"]}
    for each in content["annotations"]:
        (x, y, width, height), (right, bottom) = each["bbox"], size[each["image_id"]]
        assert 0 <= x < x + width <= right, each
        assert 0 <= y < y + height <= bottom, each


@pytest.mark.parametrize("name", FILES)
def test_the_card_counts_what_the_file_holds(name: str):
    content = read(name)
    kinds = {each["id"]: each["name"] for each in content["categories"]}
    found = vehicles(content)
    kind = Counter(kinds[each["category_id"]] for each in found)
    heights = [each["bbox"][3] for each in found]
    sizes = [sum(low <= px < high for px in heights) for low, high in ((0, 12), (12, 24), (24, 999))]
    unsure = sum(each["confidence"] == "unsure" for each in found)
    counted = [len(content["images"]), len(found), *(kind[label] for label in kinds.values()), *sizes, unsure]
    assert [int(cell) for cell in card_rows(name)[0][1:]] == [*counted, len(content["annotations"]) - len(found)]


def test_the_card_counts_each_camera():
    light: dict[str, Counter[str]] = {}
    for content in map(read, FILES):
        camera = {each["id"]: each["file_name"].split("/")[0] for each in content["images"]}
        for each in content["images"]:
            light.setdefault(camera[each["id"]], Counter())[each["light"]] += 1
        for each in vehicles(content):
            light[camera[each["image_id"]]].update(vehicles=1, counted=int(each["bbox"][3] >= 12))
    columns = ("day", "dusk", "night", "vehicles", "counted")
    told = {row[0]: [int(cell) for cell in row[1:]] for row in card_rows(r"\d{4}|\d{3}-\d{3}-[NS]")}
    assert told == {name: [found[column] for column in columns] for name, found in light.items()}


def test_what_is_painted_into_pictures_lies_inside_them():
    painted = json.loads((LABELS / "overlays.json").read_text(encoding="utf-8"))["cameras"]
    pictures = [each for name in FILES[1:] for each in read(name)["images"]]
    assert painted.keys() == {each["file_name"].split("/")[0] for each in pictures}
    for each in pictures:
        for x, y, width, height in painted[each["file_name"].split("/")[0]]:
            assert 0 <= x < x + width <= each["width"], each
            assert 0 <= y < y + height <= each["height"], each


def test_no_frame_of_new_york_was_trained_on():
    times = [taken_at(each["file_name"]) for each in read("fdr.json")["images"]]
    assert all(min(abs((at - middle).total_seconds()) for middle in HELD_OUT) <= HELD_OUT_S for at in times)


@pytest.mark.shared
def test_every_picture_exists_and_none_was_labelled_before(shared: Path):
    names = {each["file_name"] for each in read("fdr.json")["images"]}
    before = json.loads((shared / "fdr/validation/boxes.json").read_text(encoding="utf-8"))
    assert all((shared / "fdr/frames" / name).is_file() for name in names)
    assert not names & {each["file_name"] for each in before["images"]}
    with (shared / "singapore/index.csv").open(encoding="utf-8") as file:
        there = {(row["camera"], row["time_local"][:19]): (row["width"], row["height"]) for row in csv.DictReader(file)}
    for each in read("singapore_day.json")["images"] + read("singapore_night.json")["images"]:
        key = (each["file_name"].split("/")[0], taken_at(each["file_name"]).isoformat())
        assert there[key] == (str(each["width"]), str(each["height"]))


IDENTITIES = ("identities_first.csv", "identities_second.csv")


@pytest.mark.parametrize("name", IDENTITIES)
def test_every_vehicle_followed_between_cameras_is_seen_at_two_and_lies_inside_the_picture(name: str):
    cameras: dict[str, set[str]] = {}
    sure: dict[str, str] = {}
    boxes = identities(name)
    for row in boxes:
        cameras.setdefault(row["identity"], set()).add(row["camera"])
        assert sure.setdefault(row["identity"], row["certainty"]) == row["certainty"]
        assert 0 <= float(row["x1"]) < float(row["x2"]) <= 352, row
        assert 0 <= float(row["y1"]) < float(row["y2"]) <= 240, row
    assert all(len(places) > 1 for places in cameras.values())
    counted = [len(cameras), *(list(sure.values()).count(each) for each in ("sure", "likely")), len(boxes)]
    assert [int(cell) for cell in card_rows(name)[0][1:5]] == counted


def test_the_half_to_tune_on_ends_before_the_other_begins():
    first, second = ([row["time"] for row in identities(name)] for name in IDENTITIES)
    assert max(first) < min(second)
    assert not {row["identity"] for row in identities(IDENTITIES[0])} & {
        row["identity"] for row in identities(IDENTITIES[1])
    }


def identities(name: str) -> list[dict[str, str]]:
    with (LABELS / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))
