"""Score a lake, or the models on an archive, against a truth file: what `thoroughfare score` runs."""

import math
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline import cameras, decoder, detections, embeddings, encoders, feeds, frames, scores, snapshots, upkeep
from pipeline.errors import SchemaError, WindowNotFoundError
from pipeline.feeds import Camera
from pipeline.lake import Lake
from pipeline.scans import Scan
from pipeline.scores import Naming, Truth
from pipeline.tables import SNAPSHOTS

LOWEST_SCORE = 0.05
"""Detections from here up enter the average precision."""
XYXY = ("x1_px", "y1_px", "x2_px", "y2_px")


def score_detections(truth_path: Path, scan: Scan) -> dict[str, Any]:
    """Run the scan's detector over the labelled frames of its feed and score what it finds."""
    truth = scores.read(truth_path, naming(scan, cameras.survey(scan)))
    pictures = _pictures(truth.frames, scan)
    inspected = frames.inspect(cameras.survey(scan), pictures, scan.settings("frames", frames.Settings))
    settings = scan.settings("detections", detections.Settings)
    found = detections.detect(inspected, pictures, replace(settings, min_score=LOWEST_SCORE))
    at = scores.detections.Settings(threshold=settings.min_score)
    return plain(scores.detection_scores(truth, found, inspected, at))


def score_embeddings(truth_path: Path, scan: Scan, pairs_path: Path | None = None) -> dict[str, Any]:
    """Run the scan's encoder over the labelled boxes of its feed and score how vehicles are told apart."""
    names = naming(scan, cameras.survey(scan))
    truth = scores.read(truth_path, names)
    vectors = _vectors(truth.boxes, scan)
    if pairs_path is None:
        return plain(scores.embedding_scores(truth, vectors))
    pairs = scores.read_pairs(pairs_path, names)
    return plain(scores.embedding_scores(truth, vectors, pairs.same, _vectors(pairs.boxes, scan)))


@dataclass(frozen=True)
class Counting:
    """How a truth names cameras and counts frames, where it does not do so as the lake does."""

    timezone: str = "UTC"
    """Times without an offset are local to it."""
    frame_rate: float = 0.0
    """Frames a second that it counts; 0: its frame n is the camera's n-th in the lake."""
    first_frame: str = ""
    """Time of its frame 1; empty: the first frame of any camera in the lake."""
    known_as: Path | None = None
    """File of its names and clocks (`clocks.read_clocks`)."""
    some: bool = False
    """Whether only some vehicles are labelled, as AI City labels those that two cameras saw."""


def score_tracks(truth_path: Path, lake: Lake, scan_date: date, counting: Counting = Counting()) -> dict[str, Any]:
    """Score the sightings of a lake as tracks within each camera."""
    night = _Tables(lake, scan_date)
    truth = _truth(truth_path, night, counting)
    return plain(scores.track_scores(truth, night["sightings"], night["detections"], night["frames"]))


def score_links(truth_path: Path, lake: Lake, scan_date: date, counting: Counting = Counting()) -> dict[str, Any]:
    """Score the links and trajectories of a lake across cameras."""
    night = _Tables(lake, scan_date)
    return plain(_links(_truth(truth_path, night, counting), night))


def score_products(truth_path: Path, lake: Lake, scan_date: date, counting: Counting = Counting()) -> dict[str, Any]:
    """Score what users consume of a lake: travel times, trips from camera to camera, flows.

    Raises:
        SchemaError: only some vehicles are labelled, so that nothing can be counted.
    """
    night = _Tables(lake, scan_date)
    truth = _truth(truth_path, night, counting)
    if truth.sparse:
        raise SchemaError(f"{truth_path}: only some of its vehicles are labelled; counts need a truth of every vehicle")
    return _consumed(truth.planned(night["frames"]), night)


def score_demo(truth: Truth, lake: Lake, scan_date: date) -> dict[str, dict[str, Any]]:
    """Score a night whose every vehicle is known: detections, tracks, links, and what users consume."""
    night = _Tables(lake, scan_date)
    return {
        "detections": plain(scores.detection_scores(truth, night["detections"], night["frames"])),
        "tracks": plain(scores.track_scores(truth, night["sightings"], night["detections"], night["frames"])),
        "links": plain(_links(truth, night)),
        "products": _consumed(truth, night),
    }


def naming(scan: Scan, known: pa.Table) -> Naming:
    """Say how a truth file names this scan's cameras and times."""
    return Naming(timezone=scan.timezone, feed=scan.feed, cameras=tuple(sorted(known["camera_id"].to_pylist())))


def _truth(path: Path, night: "_Tables", counting: Counting) -> Truth:
    """Read a truth of a lake's night."""
    cameras, planned = night["cameras"], night["frames"]
    names = Naming(
        timezone=counting.timezone,
        feed=min(pc.unique(cameras["feed"]).to_pylist(), default=""),
        cameras=tuple(sorted(cameras["camera_id"].to_pylist())),
        frames=planned,
        frame_s=1 / counting.frame_rate if counting.frame_rate else 0.0,
        counted=scores.read_clocks(counting.known_as) if counting.known_as else {},
    )
    if counting.frame_rate or any(each.frame_rate for each in names.counted.values()):
        first = counting.first_frame
        starts_at = names.time(first, "--first-frame") if first else pc.min(planned["slot_at"]).as_py()
        names = replace(names, starts_at=starts_at)
    truth = scores.read(path, names)
    return truth.some() if counting.some else truth


def plain(found: Any) -> dict[str, Any]:
    """Turn a dataclass of scores into what JSON holds; a score that cannot be told is None."""
    return {name: _plain(each) for name, each in asdict(found).items()}


def _plain(value: Any) -> Any:
    """Turn one value into what JSON holds."""
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, float | np.floating):
        return None if math.isnan(value) else round(float(value), 6)
    return value.item() if isinstance(value, np.generic) else value


class _Tables:
    """The tables of one night, each read once when it is asked for."""

    def __init__(self, lake: Lake, scan_date: date) -> None:
        self.lake, self.scan_date, self.read = lake, scan_date, dict[str, pa.Table]()

    def __getitem__(self, name: str) -> pa.Table:
        if name not in self.read:
            self.read[name] = upkeep.night(self.lake, self.scan_date, name)
        return self.read[name]


def _consumed(truth: Truth, night: _Tables) -> dict[str, Any]:
    """Score travel times, trips and flows of a truth of every vehicle, and the intervals that were published."""
    passes = truth.passes()
    found = scores.product_scores(passes, night["sightings"], night["links"], night["trajectories"])
    gap_s = _usual_gap_s(truth.frames)
    return plain(found) | {"intervals": scores.intervals(passes, upkeep.products(night.lake, night.scan_date), gap_s)}


def _usual_gap_s(frames: pa.Table) -> float:
    """Return the usual seconds between two labelled frames of a camera: what a pass of boxes lasts longer than they tell."""
    at = frames["slot_at"].cast(pa.int64()).to_numpy()
    same = pc.equal(frames["camera_id"].slice(1), frames["camera_id"].slice(0, max(frames.num_rows - 1, 0)))
    gaps = np.diff(at)[same.to_numpy(zero_copy_only=False)] if frames.num_rows > 1 else at[:0]
    return float(np.median(gaps)) / 1e6 if len(gaps) else 0.0


def _links(truth: Truth, night: _Tables) -> scores.LinkScores:
    """Score links with everything the night knows of them."""
    names = ("sightings", "detections", "links", "trajectories", "transitions", "cameras", "frames")
    return scores.link_scores(truth, *(night[name] for name in names))


def _pictures(wanted: pa.Table, scan: Scan) -> pa.Table:
    """Fetch single frames (camera_id, slot_at) of the scan's feed as `snapshots`."""
    feed = feeds.load(scan.feed)
    rows = [
        snapshots.snapshot(feed, scan, camera_id, Camera(camera_id.partition(":")[2], camera_id, 0.0, 0.0), slot_at)
        for camera_id, slot_at in zip(wanted["camera_id"].to_pylist(), wanted["slot_at"].to_pylist(), strict=True)
    ]
    return SNAPSHOTS.check(pa.Table.from_pylist(rows, schema=SNAPSHOTS.schema))


def _vectors(boxes: pa.Table, scan: Scan) -> NDArray[np.float32]:
    """Encode labelled boxes, row by row of `boxes`; NaN where a box is too small or its frame is not there."""
    settings = scan.settings("embeddings", embeddings.Settings)
    encoder = encoders.load(settings.encoder)
    vectors = np.full((boxes.num_rows, encoder.dimensions), np.nan, dtype=np.float32)
    xyxy = np.stack([boxes[name].to_numpy() for name in XYXY], axis=1).astype(np.float32)
    large = np.maximum(xyxy[:, 2] - xyxy[:, 0], xyxy[:, 3] - xyxy[:, 1]) >= settings.min_crop_px
    frame_of = list(zip(boxes["camera_id"].to_pylist(), boxes["slot_at"].to_pylist(), strict=True))
    images = _images(boxes.select(["camera_id", "slot_at"]), scan)
    for frame in sorted(set(frame_of) & set(images)):
        rows = np.flatnonzero(large & np.array([each == frame for each in frame_of]))
        if rows.size:
            vectors[rows] = encoder.encode(images[frame], xyxy[rows])
    return vectors


def _images(wanted: pa.Table, scan: Scan) -> dict[tuple[str, Any], NDArray[np.uint8]]:
    """Decode single frames by (camera_id, slot_at); those that cannot be decoded are left out."""
    once = wanted.group_by(["camera_id", "slot_at"]).aggregate([])
    came = _pictures(once, scan).filter(pc.field("jpeg").is_valid())
    images = {}
    for row in came.to_pylist():
        if (image := decoder.decode(row["jpeg"])) is not None:
            images[row["camera_id"], row["slot_at"]] = image
    if wanted.num_rows and not images:
        raise WindowNotFoundError(
            f"{scan.source}: none of the labelled frames is there; pass the --source they were labelled in"
        )
    return images
