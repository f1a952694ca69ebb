"""Score tracking within cameras: IDF1, MOTA, HOTA; with sparse labels link precision, recall and purity."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipeline.scores.identity import Identities, clear, hota, identity_f1
from pipeline.scores.matching import Ints, frame_ids
from pipeline.scores.sighted import Sighted, sighted
from pipeline.scores.truth import Truth

UNTOLD = float("nan")
"""What sparse labels cannot tell."""


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
    """Times a passing vehicle's sighting changes, as MOTA counts them."""
    hota: float
    deta: float
    assa: float
    """Higher order tracking accuracy, its detection and association part (Luiten et al. 2021); NaN with sparse labels."""
    link_recall: float
    """Share of a vehicle's neighbouring labelled boxes that lie in one sighting."""
    link_precision: float
    """Share right among sightings that hold a labelled box and a box in the vehicle's next labelled frame."""
    purity: float
    """Share of labelled boxes in a sighting that belong to its most frequent pass."""
    found: float
    """Share of labelled boxes that a detection of a sighting overlaps."""
    n: int
    """Labelled boxes scored."""
    n_passes: int
    """Passes of labelled vehicles by a camera; each is one true track."""
    n_sightings: int
    """Sightings in the labelled frames."""


def track_scores(
    truth: Truth,
    sightings: pa.Table,
    detections: pa.Table,
    frames: pa.Table | None = None,
    iou: float = 0.5,
    least_height_px: float = 12.0,
) -> TrackScores:
    """Score sightings as tracks within each camera.

    Args:
        truth: Labelled boxes with `vehicle_id`; sparse truth fills only the last scores.
        sightings: `sightings` rows.
        detections: `detections` rows that they name.
        frames: `frames` rows; labelled frames outside are left out. None keeps all.
        iou: Least overlap of a box and its vehicle (HOTA runs over 0.05:0.95 instead).
        least_height_px: True boxes lower than this are ignored, unless the truth is sparse.

    Raises:
        SchemaError: no labelled frame is among `frames`, or no box has a vehicle.
    """
    seen = sighted(truth, sightings, detections, frames, least_height_px, iou)
    row, sighting = seen.sighting_of()
    of = Identities(seen.passing, seen.sighting, seen.pairs)
    accuracy, switches = clear(of, iou)
    idf1, idp, idr = (UNTOLD,) * 3 if truth.sparse else identity_f1(of, iou)
    total, detected, associated = (UNTOLD,) * 3 if truth.sparse else hota(of)
    recall, precision = _steps(seen, row, sighting)
    return TrackScores(
        idf1=idf1,
        idp=idp,
        idr=idr,
        mota=UNTOLD if truth.sparse else accuracy,
        switches=switches,
        hota=total,
        deta=detected,
        assa=associated,
        link_recall=recall,
        link_precision=precision,
        purity=_purity(seen.passing, sighting),
        found=float((row >= 0).mean()),
        n=len(row),
        n_passes=int(seen.passing.max()) + 1,
        n_sightings=len(np.unique(seen.sighting)),
    )


def _steps(seen: Sighted, row: Ints, sighting: Ints) -> tuple[float, float]:
    """Return recall and precision of steps from one labelled box of a pass to the next.

    A step is right when both boxes lie in one sighting. A sighting with a box in the next labelled frame that is not the
    vehicle's is wrong; there half the overlap is enough, so that a loose box is not taken for another vehicle.
    """
    step = np.flatnonzero(seen.passing[1:] == seen.passing[:-1])
    if not len(step):
        return float("nan"), float("nan")
    whole = (sighting[step] >= 0) & (sighting[step] == sighting[step + 1])
    loose, _ = seen.sighting_of(seen.iou / 2)
    at = {key: place for place, key in enumerate(zip(seen.sighting.tolist(), seen.found_frame, strict=True))}
    frames, verdicts = frame_ids(seen.true), []
    for here, there in [*zip(step, step + 1, strict=True), *zip(step + 1, step, strict=True)]:
        place = at.get((int(sighting[here]), frames[there])) if row[here] >= 0 else None
        if place is not None:
            verdicts.append(place == loose[there])
    return float(whole.mean()), float(np.mean(verdicts)) if verdicts else float("nan")


def _purity(passing: Ints, sighting: Ints) -> float:
    """Return the share of found labelled boxes that belong to the most frequent pass of their sighting."""
    found = sighting >= 0
    if not found.any():
        return float("nan")
    pairs, n = np.unique(np.column_stack([sighting[found], passing[found]]), axis=0, return_counts=True)
    _, starts = np.unique(pairs[:, 0], return_index=True)
    return float(np.maximum.reduceat(n, starts).sum() / n.sum())
