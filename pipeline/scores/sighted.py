"""Lay the boxes of sightings beside the true ones: which vehicle each sighting shows, which boxes count."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.errors import SchemaError
from pipeline.scores.matching import Ints, Overlaps, frame_ids, height, iou, match, overlaps, rows_by, xyxy
from pipeline.scores.truth import Truth

LEAST_FOUND_PX = 11.0
"""A found box lower than this that meets no vehicle is not held against a tracker."""

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Sighted:
    """True boxes and boxes of sightings in the same frames."""

    true: pa.Table
    """Boxes with an identity, not to be ignored, by vehicle, camera and time."""
    passing: Ints
    """(len(true),) number of the pass of each."""
    found: pa.Table
    """Detections of sightings that count, in the labelled frames."""
    found_frame: list[str]
    """(len(found),) frame id of each."""
    sighting: Ints
    """(len(found),) row in `sightings` of each."""
    sightings: pa.Table
    """Sightings by id."""
    pairs: Overlaps
    """Every pair of a `true` and a `found` box that touch."""
    iou: float
    """Least overlap of a match."""

    def sighting_of(self, least: float | None = None) -> tuple[Ints, Ints]:
        """Return for every true box the row in `found` that shows it and its sighting; -1 without."""
        matched = match(self.pairs, self.iou if least is None else least)
        row = np.full(self.true.num_rows, -1)
        row[matched.truth] = matched.found
        return row, np.where(row >= 0, np.append(self.sighting, -1)[row], -1)


def sighted(
    truth: Truth, sightings: pa.Table, detections: pa.Table, frames: pa.Table | None,
    least_px: float, least_iou: float, gap_s: float = 60.0,
) -> Sighted:  # fmt: skip
    """Match the boxes of sightings with those of the truth.

    Args:
        truth: Labelled boxes.
        sightings: `sightings` rows.
        detections: `detections` rows; those that no sighting names are left out.
        frames: `frames` rows; labelled frames outside are left out.
        least_px: True boxes lower than this are ignored.
        least_iou: Least overlap of a match.
        gap_s: Seconds away that make another pass.

    Raises:
        SchemaError: no labelled frame was planned, or no box has an identity.
    """
    truth = truth.planned(frames)
    true, passing = truth.pass_numbers(gap_s, 0.0 if truth.sparse else least_px)
    if not true.num_rows:
        raise SchemaError("truth: no box with a vehicle_id to score; give identities, not only boxes")
    sightings = sightings.sort_by("sighting_id")
    found, sighting = _boxes(sightings, detections, set(frame_ids(truth.frames)))
    frame = found["frame_id"].to_pylist()
    keep = np.ones(len(frame), bool) if truth.sparse else ~_ignored(truth, found, frame, least_px, least_iou)
    found, frame, sighting = (
        found.filter(pa.array(keep)),
        [name for name, kept in zip(frame, keep, strict=True) if kept],
        sighting[keep],
    )
    pairs = overlaps(true, frame_ids(true), found, frame)
    return Sighted(true, passing, found, frame, sighting, sightings, pairs, least_iou)


def codes(values: pa.ChunkedArray) -> Ints:
    """Number the distinct values of a column in the order they come."""
    return np.asarray(pc.dictionary_encode(values).combine_chunks().indices.to_numpy(zero_copy_only=False), np.int64)


def rows_in(values: pa.ChunkedArray, names: pa.Array) -> Ints:
    """Return where in `names` each value stands; it must be there."""
    return np.asarray(pc.index_in(values, names).to_numpy(), np.int64)


def _boxes(sightings: pa.Table, detections: pa.Table, frames: set[str]) -> tuple[pa.Table, Ints]:
    """Return the detections that sightings name in some frames, and the row of each one's sighting."""
    named = sightings["detection_ids"].combine_chunks()
    place = pc.index_in(named.flatten(), detections["detection_id"]).to_numpy(zero_copy_only=False)
    owner = pc.list_parent_indices(named).to_numpy()
    there = np.isfinite(place.astype(np.float64))
    found, owner = detections.take(pa.array(place[there].astype(np.int64))), owner[there]
    inside = pc.is_in(found["frame_id"], pa.array(sorted(frames), pa.string())).to_numpy(zero_copy_only=False)
    return found.filter(pa.array(inside, pa.bool_())), owner[inside.astype(bool)]


def _ignored(truth: Truth, found: pa.Table, frame: list[str], least_px: float, least_iou: float) -> Bools:
    """Tell which found boxes meet something to be ignored, or are too low to be wrong."""
    region = truth.boxes["ignore"].to_numpy(zero_copy_only=False).astype(bool)
    unnamed = pc.is_null(truth.boxes["vehicle_id"]).to_numpy(zero_copy_only=False).astype(bool)
    ignored = region | unnamed | (height(truth.boxes) < least_px)
    low = height(found) < LEAST_FOUND_PX
    if not ignored.any() and not low.any():
        return np.zeros(len(frame), bool)
    pairs = overlaps(truth.boxes, frame_ids(truth.boxes), found, frame)
    matched = match(pairs.where(~region[pairs.truth]), least_iou)
    dropped, free = np.zeros(len(frame), bool), np.ones(len(frame), bool)
    dropped[matched.found[ignored[matched.truth]]] = True
    free[matched.found] = False
    dropped |= free & low
    regions = truth.boxes.filter(pa.array(region))
    boxes, areas, rows = xyxy(found), xyxy(regions), rows_by(frame)
    for name, places in rows_by(frame_ids(regions)).items():
        if name in rows:
            inner = iou(boxes[rows[name]], areas[places], over_a=True).max(axis=1) >= least_iou
            dropped[rows[name]] |= inner & free[rows[name]]
    return dropped
