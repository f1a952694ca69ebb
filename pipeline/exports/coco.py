"""COCO: every usable picture of the night and the boxes found in it; no picture is written."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.exports import Format, Night, Piece
from pipeline.exports._boxes import XYXY, names
from pipeline.exports._text import objects
from pipeline.tables import LABELS

ROWS = 10_000
"""Rows that are turned to JSON at once."""


def pieces(night: Night) -> Iterator[Piece]:
    """Write `images`, `annotations` (with their score) and `categories`."""
    frames = night.table("frames").filter(pc.field("state") == "ok").sort_by("frame_id")
    boxes = night.table("detections").sort_by("detection_id")
    number = pc.index_in(boxes["frame_id"], frames["frame_id"].combine_chunks())
    boxes = boxes.append_column("image", pc.add(number, 1)).filter(pc.is_valid(number))
    about = night.about
    told = {
        "info": {
            "description": about["title"], "contributor": about["attribution"], "version": about["made_with"],
            "year": night.scan_date.year, "date_created": str(night.scan_date),
        },
        "licenses": [{"id": 1, "name": about["licence"], "url": ""}],
        "categories": [{"id": n, "name": label, "supercategory": "vehicle"} for n, label in enumerate(LABELS, 1)],
        "images": _images(frames, names(night.cameras)),
        "annotations": _annotations(boxes),
    }  # fmt: skip
    yield Piece("detections.json", boxes.num_rows, objects(told))


def _images(frames: pa.Table, named: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Yield pictures in the order of their numbers, called `<camera>/<time>.jpg`."""
    columns = ["camera_id", "slot_at", "width_px", "height_px"]
    number = 0
    for batch in frames.select(columns).to_batches(ROWS):
        for row in batch.to_pylist():
            number += 1
            yield {
                "id": number,
                "file_name": f"{named[row['camera_id']]}/{row['slot_at']:%Y%m%dT%H%M%S}.{row['slot_at'].microsecond // 1000:03d}Z.jpg",
                "width": row["width_px"],
                "height": row["height_px"],
                "date_captured": f"{row['slot_at']:%Y-%m-%d %H:%M:%S}",
                "license": 1,
            }


def _annotations(boxes: pa.Table) -> Iterator[dict[str, Any]]:
    """Yield boxes in the order of their numbers."""
    number = 0
    for batch in boxes.select(["image", "label", "score", *XYXY]).to_batches(ROWS):
        for row in batch.to_pylist():
            number += 1
            x1, y1, x2, y2 = (row[name] for name in XYXY)
            width, height = round(x2 - x1, 2), round(y2 - y1, 2)
            yield {
                "id": number,
                "image_id": row["image"],
                "category_id": LABELS.index(row["label"]) + 1,
                "bbox": [round(x1, 2), round(y1, 2), width, height],
                "area": round(width * height, 2),
                "iscrowd": 0,
                "score": round(row["score"], 4),
            }


FORMAT = Format(
    "COCO object detection (2014 data format), with `score` in each annotation",
    "pycocotools, faster-coco-eval, FiftyOne, CVAT, `thoroughfare score detections`",
    pieces,
    file="json",
)
