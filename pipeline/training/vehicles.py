"""Read pictures of known vehicles: tracks of real streets, two-view pairs."""

import csv
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.spatial import cKDTree

MARGIN = 0.2
"""Share of a box kept around it, so that training can shift its edges."""
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
KEPT_AWAY_S = 3.5
"""No picture of a camera this near to a labelled sighting is trained on, seconds."""


@dataclass(frozen=True)
class Crop:
    """A vehicle with a little around it."""

    image: NDArray[np.uint8]
    """(h, w, 3) BGR, cut at the frame."""
    box_px: NDArray[np.float32]
    """(4,) the vehicle in it, xyxy."""


@dataclass(frozen=True)
class Vehicle:
    """Crops that surely show one vehicle."""

    crops: tuple[Crop, ...]
    camera: str
    """Camera; empty where views of several cameras are one vehicle."""
    times: frozenset[float]
    """Seconds at which it was seen, where known; two vehicles of one camera that share one are two vehicles."""
    road: str = ""
    """Carriageway, where known."""
    split: int = 0
    """Where above 0, crops before it are of one camera and the others of another."""


def tracked(source: Path, *, smallest_px: float = 16.0) -> list[Vehicle]:
    """Read `fdr`: automatic tracklets, and boxes without one as vehicles of one crop.

    Pictures within KEPT_AWAY_S of any labelled sighting or pair of that camera are left out, so are tracklets that
    have one there. Boxes whose longer side is below `smallest_px` are left out.
    """
    folder = source / "fdr"
    away = labelled_times(folder / "validation")
    tracks: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in pq.read_table(folder / "tracks_auto.parquet").to_pylist():
        tracks[row["track_id"]].append(row)
    used = {(row["path"], row["detection_id"]) for rows in tracks.values() for row in rows}
    for i, row in enumerate(pq.read_table(folder / "boxes.parquet").to_pylist()):
        single = not row["ignore"] and row["score"] >= 0.5 and (row["path"], row["detection_id"]) not in used
        if single:
            tracks[f"single/{i}"].append(row)
    roads = _roads([row for rows in tracks.values() for row in rows])
    usable = [rows for rows in tracks.values() if not any(_near(row, away) for row in rows)]
    large = [[row | {"road": roads(row)} for row in rows if _long(row) >= smallest_px] for rows in usable]
    return _cropped(folder, large)


def labelled_times(folder: Path) -> dict[str, list[datetime]]:
    """List the times of every labelled sighting, track and pair by camera."""
    times: dict[str, list[datetime]] = defaultdict(list)
    for name, pairs in (("identities", [("camera", "time")]), ("tracks", [("camera", "time")]),
                        ("pairs", [("camera_a", "time_a"), ("camera_b", "time_b")])):  # fmt: skip
        for row in csv.DictReader((folder / f"{name}.csv").read_text(encoding="utf-8").splitlines()):
            for camera, time in pairs:
                times[row[camera]].append(datetime.fromisoformat(row[time]))
    return times


def two_views(source: Path) -> list[Vehicle]:
    """Read `reid`: vehicles seen from behind by two cameras."""
    folder, views = source / "reid", defaultdict(list)
    for row in csv.DictReader((folder / "index.csv").read_text(encoding="utf-8").splitlines()):
        image = np.asarray(cv2.imread(str(folder / row["path"]), cv2.IMREAD_COLOR), np.uint8)
        views[row["identity"]].append(Crop(image, np.array([0, 0, image.shape[1], image.shape[0]], np.float32)))
    return [Vehicle(tuple(crops), "", frozenset()) for _, crops in sorted(views.items())]


def rendered(folder: Path, *, smallest_px: float = 20.0) -> list[Vehicle]:
    """Read what `training.renders` wrote: vehicles of one fleet, over all cameras; boxes cut by the frame are kept."""
    rows = pq.read_table(folder / "boxes.parquet").to_pylist()
    tracks: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if _long(row) >= smallest_px:
            tracks[row["vehicle"]].append(row)
    return [replace(vehicle, camera="", times=frozenset()) for vehicle in _cropped(folder, list(tracks.values()))]


def crop(image: NDArray[np.uint8], box: NDArray[np.float32]) -> Crop:
    """Cut a box and MARGIN around it out of a frame."""
    grow = np.tile((box[2:] - box[:2]) * MARGIN, 2) * [-1, -1, 1, 1]
    high, wide = image.shape[:2]
    left, top, right, bottom = np.clip(np.round(box + grow), 0, [wide, high, wide, high]).astype(int)
    return Crop(image[top:bottom, left:right].copy(), (box - [left, top, left, top]).astype(np.float32))


def _cropped(folder: Path, tracks: list[list[dict[str, Any]]]) -> list[Vehicle]:
    """Cut every box out of its picture, each picture read once."""
    by_path: dict[str, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    for number, rows in enumerate(tracks):
        for row in rows:
            by_path[row["path"]].append((number, row))
    crops: dict[int, list[Crop]] = defaultdict(list)
    for path, found in sorted(by_path.items()):
        image = np.asarray(cv2.imread(str(folder / path), cv2.IMREAD_COLOR), np.uint8)
        for track, row in found:
            crops[track].append(crop(image, np.array([row[key] for key in ("x1", "y1", "x2", "y2")], np.float32)))
    return [
        Vehicle(
            crops=tuple(crops[track]),
            camera=rows[0]["camera"],
            times=frozenset(row.get("time_utc", NEVER).timestamp() for row in rows),
            road=rows[0].get("road", ""),
        )
        for track, rows in enumerate(tracks)
        if rows
    ]


def _roads(rows: list[dict[str, Any]], nearest: int = 15) -> Callable[[dict[str, Any]], str]:
    """Learn from the tracks where each camera shows which carriageway; unsure places have none."""
    feet: dict[str, list[tuple[float, float]]] = defaultdict(list)
    names: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row.get("road"):
            feet[row["camera"]].append(_foot(row))
            names[row["camera"]].append(row["road"])
    trees = {camera: cKDTree(np.array(points)) for camera, points in feet.items()}

    def road(row: dict[str, Any]) -> str:
        beside = trees[row["camera"]].query(_foot(row), nearest)[1]
        name, votes = Counter(names[row["camera"]][i] for i in beside).most_common(1)[0]
        return name if votes >= 0.9 * nearest else ""

    return road


def _foot(row: dict[str, Any]) -> tuple[float, float]:
    """Where it stands in the picture: middle of the lower edge."""
    return (row["x1"] + row["x2"]) / 2, row["y2"]


def _near(row: dict[str, Any], away: dict[str, list[datetime]]) -> bool:
    return any(abs((row["time_local"] - time).total_seconds()) <= KEPT_AWAY_S for time in away[row["camera"]])


def _long(row: dict[str, Any]) -> float:
    return float(max(row["x2"] - row["x1"], row["y2"] - row["y1"]))
