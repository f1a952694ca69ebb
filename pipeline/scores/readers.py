"""Read truth files: COCO, identity and track lists, MOTChallenge and AI City text, our own tables."""

import csv
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import SchemaError
from pipeline.scores.naming import Naming
from pipeline.scores.truth import BOXES, FRAMES, XYXY, Pairs, Truth
from pipeline.tables import LABELS

Row = dict[str, Any]

KINDS = {
    "van": "car", "minivan": "car", "taxi": "car", "suv": "car", "sedan": "car", "hatchback": "car",
    "lorry": "truck", "pickup": "truck", "trailer": "truck", "coach": "bus", "minibus": "bus",
    "motorbike": "motorcycle", "scooter": "motorcycle", "moped": "motorcycle",
}  # fmt: skip
"""Other truths' kinds in our words; a kind in neither list is a `vehicle`."""

NOT_VEHICLES = frozenset(
    {"person", "pedestrian", "people", "face", "bicycle", "cyclist", "rider", "dog", "license_plate"}
)
"""Kinds that are left out of the truth, as detectors leave them out."""

SPARSE = ("camera", "time", "x1", "y1", "x2", "y2")


def read(path: Path, naming: Naming) -> Truth:
    """Read a truth file of any known form, told by its ending and first line.

    `.json` is COCO. `.parquet`, and CSV with the header of our columns (`camera_id`, `slot_at`, `vehicle_id`, `x1_px`, ...), are our
    tables. CSV with `identity` or `track`, `camera`, `time`, `x1` .. `y2` are sparse labels. CSV without a header is
    MOTChallenge (`frame,id,x,y,w,h,...`), text parted by blanks AI City (`camera id frame x y w h ...`). A folder is read
    as MOTChallenge sequences, one camera each (`<camera>/gt/gt.txt`), with ids that hold across them. In all but COCO and
    the sparse forms every vehicle counts as labelled, from the first to the last box.

    Raises:
        SchemaError: wrong columns, an unreadable number or time, or an unknown camera; names file and line.
    """
    if path.is_dir():
        return _read_folder(path, naming)
    if not path.is_file():
        raise SchemaError(f"{path}: no such truth file; name a COCO, CSV, Parquet, MOTChallenge or AI City file")
    if path.suffix == ".json":
        return read_coco(_json(path), naming, str(path))
    if path.suffix == ".parquet":
        return _whole(pq.read_table(path), naming)
    return _read_text(path, naming)


def read_coco(content: dict[str, Any], naming: Naming, where: str = "COCO") -> Truth:
    """Read a COCO dict; `iscrowd` boxes are regions to ignore, `track_id` or `instance_id` say which vehicle it is.

    Pictures are named `<camera>/<time>.jpg`, or belong to a video, one camera's, and have a `frame_id` counted from 0.
    """
    if missing := [key for key in ("images", "annotations", "categories") if not isinstance(content.get(key), list)]:
        raise SchemaError(f"{where}: lists missing: {missing}; give a COCO file of boxes")
    try:
        kinds = {each["id"]: _kind(each["name"]) for each in content["categories"]}
        videos = {each["id"]: str(each["name"]) for each in content.get("videos", [])}
        frames = {
            each["id"]: _shown(each, videos, naming, f"{where}: image {each['id']}") for each in content["images"]
        }
        rows = []
        for each in content["annotations"]:
            if label := kinds[each["category_id"]]:
                camera_id, slot_at = frames[each["image_id"]]
                x, y, width, height = _numbers(each["bbox"], f"{where}: annotation {each['id']}")
                told = each.get("attributes") or {}
                vehicle = each.get("track_id", each.get("instance_id", told.get("track_id")))
                crowd = bool(each.get("iscrowd", 0) or each.get("ignore", 0))
                rows.append(_row(camera_id, slot_at, vehicle, (x, y, x + width, y + height), label=label, ignore=crowd))
    except (KeyError, TypeError, AttributeError) as error:
        raise SchemaError(f"{where}: {error!r} is missing or of the wrong kind; give a COCO file of boxes") from error
    keys = [{"camera_id": camera_id, "slot_at": slot_at} for camera_id, slot_at in frames.values()]
    return Truth.of(_table(rows), pa.Table.from_pylist(keys, FRAMES))


def _shown(image: dict[str, Any], videos: dict[Any, str], naming: Naming, where: str) -> tuple[str, datetime]:
    """Return (camera_id, slot_at UTC) of a COCO picture: of its video's frame where it has one, else by its name."""
    if image.get("video_id") in videos and "frame_id" in image:
        camera_id = naming.camera_id(PurePosixPath(videos[image["video_id"]]).stem, where)
        return camera_id, naming.slot(camera_id, int(image["frame_id"]) + 1, where)
    return naming.frame_at(image["file_name"], where)


def read_pairs(path: Path, naming: Naming) -> Pairs:
    """Read a CSV of pairs: `camera_a,time_a,ax1,ay1,ax2,ay2,camera_b,time_b,bx1,by1,bx2,by2,same`."""
    needed = [f"{name}_{side}" for side in "ab" for name in ("camera", "time")]
    needed += [f"{side}{name}" for side in "ab" for name in ("x1", "y1", "x2", "y2")]
    rows, same = [], []
    for where, line in _records(path, [*needed, "same"]):
        for side in "ab":
            camera_id = naming.camera_id(line[f"camera_{side}"], where)
            box = _numbers([line[f"{side}{name}"] for name in ("x1", "y1", "x2", "y2")], where)
            rows.append(_row(camera_id, naming.time(line[f"time_{side}"], where), None, box))
        same.append(line["same"].strip().lower() in ("1", "true", "yes"))
    return Pairs(_table(rows), np.array(same, bool))


def _read_text(path: Path, naming: Naming) -> Truth:
    """Read a text file by what its first line looks like."""
    first = next((line for _, line in _lines(path)), "")
    if "," in first and any(letter.isalpha() for letter in first) and "camera_id" not in first:
        return Truth.of(_table(_sparse_rows(path, naming)), sparse=True)
    rows = _city_rows if "," not in first else _own_rows if "camera_id" in first else _mot_rows
    return _whole(_table(rows(path, naming)), naming)


def _read_folder(path: Path, naming: Naming) -> Truth:
    """Read every `gt.txt` below a folder as one camera's MOTChallenge sequence."""
    files = sorted(path.rglob("gt.txt"))
    if not files:
        raise SchemaError(f"{path}: no <camera>/gt/gt.txt in this folder; name a truth file or such a folder")
    return _whole(_table([row for file in files for row in _mot_rows(file, naming)]), naming)


def _whole(boxes: pa.Table, naming: Naming) -> Truth:
    """Make a full truth: between its first and last box every planned frame of its cameras was looked at."""
    truth = Truth.of(boxes)
    if naming.frames is None or not truth.boxes.num_rows:
        return truth
    named, times = pc.unique(truth.boxes["camera_id"]), pc.min_max(truth.boxes["slot_at"])
    at, of_them = naming.frames["slot_at"], pc.is_in(naming.frames["camera_id"], named)
    inside = pc.and_(pc.greater_equal(at, times["min"]), pc.less_equal(at, times["max"]))
    planned = naming.frames.filter(pc.and_(inside, of_them)).select(FRAMES.names).cast(FRAMES)
    return Truth.of(truth.boxes, pa.concat_tables([truth.frames, planned]))


def _mot_rows(path: Path, naming: Naming) -> Iterator[Row]:
    """Read `frame,id,x,y,w,h,considered,...` of one camera."""
    name = naming.camera or next((part for part in reversed(path.resolve().parts[:-1]) if part != "gt"), "")
    camera_id = naming.camera_id(name, str(path))
    for where, line in _lines(path):
        frame, vehicle, x, y, width, height, *rest = _numbers(line.split(","), where, least=6)
        slot_at = naming.slot(camera_id, round(frame), where)
        box = (x, y, x + width, y + height)
        yield _row(camera_id, slot_at, round(vehicle), box, ignore=bool(rest) and rest[0] == 0)


def _city_rows(path: Path, naming: Naming) -> Iterator[Row]:
    """Read `camera id frame x y w h ...` of many cameras."""
    for where, line in _lines(path):
        name, *rest = line.split()
        vehicle, frame, x, y, width, height, *_ = _numbers(rest, where, least=6)
        camera_id = naming.camera_id(name, where)
        slot_at = naming.slot(camera_id, round(frame), where)
        yield _row(camera_id, slot_at, round(vehicle), (x, y, x + width, y + height))


def _own_rows(path: Path, naming: Naming) -> Iterator[Row]:
    """Read our own columns from CSV; times without an offset are UTC."""
    needed = ["camera_id", "slot_at", "vehicle_id", *XYXY]
    for where, line in _records(path, needed):
        box = _numbers([line[name] for name in needed[3:]], where)
        slot_at = Naming("UTC").time(line["slot_at"], where)
        label, direction = line.get("label") or "vehicle", line.get("direction") or None
        ignore = (line.get("ignore") or "").lower() in ("1", "true")
        camera_id = naming.camera_id(line["camera_id"], where)
        yield _row(camera_id, slot_at, line["vehicle_id"] or None, box, label=label, direction=direction, ignore=ignore)


def _sparse_rows(path: Path, naming: Naming) -> Iterator[Row]:
    """Read `identity` or `track`, `camera`, `time`, `x1` .. `y2`, `direction` of some vehicles."""
    for where, line in _records(path, list(SPARSE)):
        vehicle = line.get("identity") or line.get("track")
        if not vehicle:
            raise SchemaError(f"{where}: neither identity nor track; give one of these columns")
        slot_at = naming.time(line["time"], where)
        box = _numbers([line[name] for name in SPARSE[2:]], where)
        direction = line.get("direction") or None
        yield _row(naming.camera_id(line["camera"], where), slot_at, vehicle, box, direction=direction)


def _records(path: Path, needed: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield (file and line, values by column) of a CSV that has the columns needed."""
    with _open(path) as lines:
        records = csv.DictReader(lines)
        names = [name.strip() for name in records.fieldnames or []]
        if missing := [name for name in needed if name not in names]:
            raise SchemaError(
                f"{path}: columns missing {missing}, found {names}; see `thoroughfare score --help` for the forms"
            )
        records.fieldnames = names
        for line in records:
            yield (
                f"{path}:{records.line_num}",
                {name: value or "" for name, value in line.items() if isinstance(name, str)},
            )


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (file and line, text) of every line that says something."""
    with _open(path) as lines:
        for number, line in enumerate(lines, 1):
            if line.strip() and not line.startswith("#"):
                yield f"{path}:{number}", line.strip()


@contextmanager
def _open(path: Path) -> Iterator[TextIO]:
    """Open a text file, byte order mark or not."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            yield lines
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError(f"{path}: not a readable text file: {error}; give UTF-8 text") from error


def _json(path: Path) -> dict[str, Any]:
    """Read a JSON object."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise SchemaError(f"{path}: not valid JSON: {error}; give a COCO file") from error
    if not isinstance(content, dict):
        raise SchemaError(f"{path}: a {type(content).__name__} where a COCO object is needed; give a COCO file")
    return content


def _numbers(texts: Sequence[Any], where: str, least: int = 4) -> list[float]:
    """Return at least so many finite numbers."""
    try:
        numbers = [float(text) for text in texts]
    except (TypeError, ValueError) as error:
        raise SchemaError(f"{where}: unreadable number: {error}; mend the line") from error
    if len(numbers) < least or not all(math.isfinite(number) for number in numbers):
        raise SchemaError(
            f"{where}: {len(numbers)} numbers {list(texts)} where {least} finite ones are needed; mend the line"
        )
    return numbers


def _kind(name: str) -> str:
    """Return a kind of vehicle in our words; empty for what is none."""
    word = name.strip().lower().replace(" ", "_")
    return "" if word in NOT_VEHICLES else word if word in LABELS else KINDS.get(word, "vehicle")


def _row(
    camera_id: str, slot_at: datetime, vehicle: object, box: Sequence[float], *,
    label: str = "vehicle", direction: str | None = None, ignore: bool = False,
) -> Row:  # fmt: skip
    """Make one row of BOXES."""
    vehicle_id = None if vehicle is None else str(vehicle)
    values = (camera_id, slot_at, vehicle_id, label, *box, direction, ignore)
    return dict(zip(BOXES.names, values, strict=True))


def _table(rows: Iterable[Row]) -> pa.Table:
    """Make a table of BOXES rows."""
    return pa.Table.from_pylist(list(rows), BOXES)
