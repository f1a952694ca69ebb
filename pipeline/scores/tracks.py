"""Score tracking within cameras: IDF1, MOTA, HOTA; with sparse labels link precision, recall and purity."""

from dataclasses import dataclass

import pyarrow as pa

from pipeline.scores.truth import Truth


@dataclass(frozen=True)
class TrackScores:
    """Scores over all cameras together. NaN where the truth cannot tell."""

    idf1: float
    idp: float
    idr: float
    """Identity F1, precision, recall (Ristani et al. 2016); NaN with sparse labels."""
    mota: float
    """Multi-object tracking accuracy (Bernardin and Stiefelhagen 2008); NaN with sparse labels."""
    switches: int
    """Times a vehicle's track changes."""
    hota: float
    deta: float
    assa: float
    """Higher order tracking accuracy, its detection and association part (Luiten et al. 2021); NaN with sparse labels."""
    link_recall: float
    """Share of a vehicle's neighbouring labelled boxes that lie in one sighting."""
    link_precision: float
    """Share right among sightings that hold a labelled box and a box in the vehicle's next labelled frame."""
    purity: float
    """Share of labelled boxes in a sighting that belong to its most frequent vehicle."""
    found: float
    """Share of labelled boxes that a detection of a sighting overlaps."""
    n: int
    """Labelled boxes scored."""
    n_vehicles: int
    """Labelled vehicles (per camera)."""
    n_sightings: int
    """Sightings in the labelled frames."""


def track_scores(
    truth: Truth, sightings: pa.Table, detections: pa.Table, frames: pa.Table | None = None, iou: float = 0.5
) -> TrackScores:
    """Score sightings as tracks within each camera.

    Args:
        truth: Labelled boxes with `vehicle_id`; sparse truth fills only the last scores.
        sightings: `sightings` rows.
        detections: `detections` rows that they name.
        frames: `frames` rows; labelled frames outside are left out. None keeps all.
        iou: Least overlap of a box and its vehicle (HOTA runs over 0.05:0.95 instead).

    Raises:
        SchemaError: no labelled frame is among `frames`, or no box has a vehicle.
    """
    raise NotImplementedError
