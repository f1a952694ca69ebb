"""Read labelled pictures: real streets with automatic labels, and the boxes to leave out of a loss."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

HELD_OUT = tuple(datetime(2020, 5, 5, 13, *clock) for clock in ((9, 55), (16, 55), (23, 48), (30, 45)))  # noqa: DTZ001
"""Middles of the blocks of `fdr` that no training sees, local time: where the hand labels are."""
HELD_OUT_S = 20.0
"""Half the length of such a block, seconds."""


@dataclass(frozen=True)
class Labelled:
    """One picture with what is known about it."""

    jpeg: bytes
    camera: str
    """Camera or scene, so that splits can go by camera."""
    boxes_px: NDArray[np.float32]
    """(n, 4) vehicles, xyxy pixels."""
    unknown_px: NDArray[np.float32]
    """(m, 4) areas that teach nothing unless a vehicle's box covers them."""
    background: float
    """Weight of what lies outside all boxes: 1 known to be empty, near 0 unknown."""

    def image(self) -> NDArray[np.uint8]:
        """Decode to (h, w, 3) BGR."""
        decoded = cv2.imdecode(np.frombuffer(self.jpeg, np.uint8), cv2.IMREAD_COLOR)
        return np.asarray(decoded, np.uint8)


def streets(source: Path, *, held_out: bool = False, leave_out: str = "", min_score: float = 0.25) -> list[Labelled]:
    """Read `fdr`: New York streets by day.

    Args:
        source: Folder that holds `fdr`.
        held_out: Return the held-out time blocks instead of the training ones.
        leave_out: Camera that is neither trained on nor returned.
        min_score: Boxes of a lower score are unknown, 0..1.

    Returns:
        Pictures by path. Boxes marked `ignore` and the `ignore_boxes` are unknown; all else is background.
    """
    folder = source / "fdr"
    frames = pq.read_table(folder / "frames.parquet", columns=["camera", "time_local", "path"]).to_pylist()
    rows = pq.read_table(folder / "boxes.parquet").to_pylist()
    certain = _by_frame([row for row in rows if not row["ignore"] and row["score"] >= min_score])
    doubtful = _by_frame([row for row in rows if row["ignore"] or row["score"] < min_score])
    doubtful_too = _by_frame(pq.read_table(folder / "ignore_boxes.parquet").to_pylist())
    chosen = []
    for frame in sorted(frames, key=lambda frame: frame["path"]):
        if frame["camera"] == leave_out or _is_held_out(frame["time_local"]) is not held_out:
            continue
        key = (frame["camera"], frame["time_local"])
        unknown = doubtful.get(key, []) + doubtful_too.get(key, [])
        jpeg = (folder / frame["path"]).read_bytes()
        chosen.append(Labelled(jpeg, frame["camera"], _array(certain.get(key, [])), _array(unknown), 1.0))
    return chosen


def expressways(source: Path, *, min_score: float = 0.4, background: float = 0.05) -> list[Labelled]:
    """Read `singapore`: many cameras, day and night, with pseudo-labels that miss half of the vehicles.

    Boxes of `min_score` and more that do not recur are vehicles, the others unknown; so is all the rest, nearly:
    it weighs `background`.
    """
    folder = source / "singapore"
    rows = pq.read_table(folder / "boxes.parquet").to_pylist()
    names = sorted({row["path"] for row in rows})
    chosen = []
    for name in names:
        here = [row for row in rows if row["path"] == name]
        certain = [row for row in here if row["score"] >= min_score and not row["scenery"]]
        unknown = [row for row in here if row not in certain]
        jpeg = (folder / name).read_bytes()
        chosen.append(Labelled(jpeg, here[0]["camera"], _array(map(_box, certain)), _array(map(_box, unknown)), background))
    return chosen


def _is_held_out(time: datetime) -> bool:
    return any(abs((time - middle).total_seconds()) <= HELD_OUT_S for middle in HELD_OUT)


def _by_frame(rows: list[dict]) -> dict[tuple[str, datetime], list[list[float]]]:
    """Group boxes by camera and time."""
    grouped: dict[tuple[str, datetime], list[list[float]]] = {}
    for row in rows:
        grouped.setdefault((row["camera"], row["time_local"]), []).append(_box(row))
    return grouped


def _box(row: dict) -> list[float]:
    return [row["x1"], row["y1"], row["x2"], row["y2"]]


def _array(boxes: object) -> NDArray[np.float32]:
    return np.asarray(list(boxes), np.float32).reshape(-1, 4)
