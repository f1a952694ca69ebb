"""Score links across cameras: precision, recall, identity F1, impossible links, calibration."""

from dataclasses import dataclass

import pyarrow as pa

from pipeline.scores.calibration import Calibration
from pipeline.scores.truth import Truth


@dataclass(frozen=True)
class Settings:
    """How sightings are matched with the truth."""

    iou: float = 0.5
    """Least overlap of a labelled box and a sighting's detection."""
    threshold: float = 0.0
    """Links below this probability do not count."""
    pass_gap_s: float = 60.0
    """A vehicle away from a camera for longer comes back as another pass, seconds."""
    max_speed_mps: float = 50.0
    """Faster in a straight line is impossible, where no transition states a floor."""


@dataclass(frozen=True)
class CurvePoint:
    """Precision and recall with links from one probability up."""

    probability: float
    precision: float
    recall: float
    n_links: int


@dataclass(frozen=True)
class LinkScores:
    """Scores of co-membership across cameras. NaN where there is nothing to score."""

    precision: float
    """Right among the right and wrong predicted pairs."""
    recall: float
    """Share of the truth's cross-camera pairs of passes that are predicted."""
    idf1: float
    """Cross-camera identity F1 over labelled boxes."""
    idf1_unlinked: float
    """The same with no link at all: what linking must beat."""
    impossible: float
    """Share of links faster than the floor of their transition."""
    n_impossible: int
    ece: float
    """Expected calibration error of the probabilities of links known right or wrong."""
    calibration: Calibration
    expansion: float
    """Identities per true vehicle that was found, mean."""
    found: float
    """Share of the truth's passes that a sighting overlaps."""
    n_right: int
    n_wrong: int
    n_unknown: int
    """Predicted pairs right, wrong, and beyond what the truth knows."""
    n_pairs: int
    """The truth's cross-camera pairs of passes."""
    n_links: int
    curve: tuple[CurvePoint, ...]
    """By rising probability."""


def link_scores(
    truth: Truth,
    sightings: pa.Table,
    detections: pa.Table,
    links: pa.Table,
    trajectories: pa.Table | None = None,
    transitions: pa.Table | None = None,
    cameras: pa.Table | None = None,
    frames: pa.Table | None = None,
    settings: Settings = Settings(),
) -> LinkScores:
    """Score predicted identities against the truth.

    A true sighting is found by box overlap at its camera and time. A predicted co-membership with a camera where the truth
    knows the vehicle is right or wrong; elsewhere it is unknown and does not count. A full truth knows every vehicle.

    Args:
        truth: Labelled boxes with `vehicle_id`.
        sightings: `sightings` rows.
        detections: `detections` rows that they name.
        links: `links` rows.
        trajectories: `trajectories` rows; identities are theirs, where given, else the chains of `links`.
        transitions: `transitions` rows for `impossible`.
        cameras: `cameras` rows; straight-line distance judges pairs without a transition.
        frames: `frames` rows; labelled frames outside are left out. None keeps all.
        settings: Matching.

    Raises:
        SchemaError: no labelled frame is among `frames`, or no box has a vehicle.
    """
    raise NotImplementedError
