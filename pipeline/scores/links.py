"""Score links across cameras: precision, recall, identity F1, impossible links, calibration."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.scores.calibration import Calibration, reliability
from pipeline.scores.chains import Links, trajectory_identities
from pipeline.scores.floors import impossible
from pipeline.scores.identity import Identities, identity_f1, ratio
from pipeline.scores.known import RIGHT, UNKNOWN, Known, known, told_of
from pipeline.scores.matching import Ints, Overlaps, height, match
from pipeline.scores.sighted import Sighted, codes, sighted
from pipeline.scores.truth import Truth


@dataclass(frozen=True)
class Settings:
    """How sightings are matched with the truth."""

    iou: float = 0.5
    """Least overlap of a labelled box and a sighting's detection."""
    threshold: float = 0.0
    """Links below this probability do not count."""
    least_height_px: float = 12.0
    """True boxes lower than this are not asked for, unless the truth is sparse."""
    pass_gap_s: float = 60.0
    """A vehicle away from a camera for longer comes back as another pass, seconds."""
    max_speed_mps: float = 50.0
    """Faster in a straight line is impossible, where no transition states a floor."""
    curve_points: int = 20
    """Most probabilities at which the curve is drawn."""


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
    """Share of links faster than the floor of their transition; 0 without links."""
    n_impossible: int
    ece: float
    """Expected calibration error of the probabilities of links known right or wrong."""
    ece_low: float
    ece_high: float
    """95 % interval of it, as few links may be known."""
    n_judged: int
    """Links known right or wrong: what `ece` was told from."""
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
    every = seen = sighted(truth, sightings, detections, frames, 0.0, settings.iou, settings.pass_gap_s)
    if not truth.sparse and (height(truth.boxes) < settings.least_height_px).any():
        least_px = settings.least_height_px
        seen = sighted(truth, sightings, detections, frames, least_px, settings.iou, settings.pass_gap_s)
    told = known(every, seen, full=not truth.sparse)
    drawn = Links.of(links, seen.sightings).above(settings.threshold)
    identity = drawn.identities() if trajectories is None else trajectory_identities(trajectories, seen.sightings)
    idf1 = _idf1(seen, identity, sparse=truth.sparse), _idf1(seen, np.arange(len(identity)), sparse=truth.sparse)
    fast = impossible(drawn, seen.sightings, transitions, cameras, settings.max_speed_mps)
    return _scores(told, drawn, identity, idf1, fast, settings)


def link_scores_known(
    passes: pa.Table,
    pass_of: Ints,
    sightings: pa.Table,
    links: pa.Table,
    trajectories: pa.Table | None = None,
    transitions: pa.Table | None = None,
    cameras: pa.Table | None = None,
    settings: Settings = Settings(),
) -> LinkScores:
    """Score predicted identities where it is known which pass every sighting shows: a simulated city, without boxes.

    The same scores as `link_scores` of a full truth, but for `idf1` and `idf1_unlinked`: they count passes where those
    count boxes. Everything is counted in arrays: a night of ten million sightings takes two
    minutes of a core and 2 GB.

    Args:
        passes: camera_id, vehicle_id (of any type) of every true pass, those that nobody saw too; PASSES will do.
        pass_of: (len(sightings),) row in `passes` that each sighting shows; -1 for a sighting of nothing.
        sightings: `sightings` rows; sighting_id, camera_id, heading, entered_at and left_at are read.
        links: `links` rows.
        trajectories: `trajectories` rows; identities are theirs, where given, else the chains of `links`.
        transitions: `transitions` rows for `impossible`.
        cameras: `cameras` rows; straight-line distance judges pairs without a transition.
        settings: `threshold`, `max_speed_mps` and `curve_points` are read.

    Raises:
        SchemaError: not one entry of `pass_of` for every sighting, or one that names no pass.
    """
    told = told_of(passes, pass_of, sightings)
    drawn = Links.of(links, sightings).above(settings.threshold)
    identity = drawn.identities() if trajectories is None else trajectory_identities(trajectories, sightings)
    idf1 = told.idf1(identity), told.idf1(np.arange(len(identity)))
    fast = impossible(drawn, sightings, transitions, cameras, settings.max_speed_mps)
    return _scores(told, drawn, identity, idf1, fast, settings)


def _scores(
    told: Known,
    drawn: Links,
    identity: Ints,
    idf1: tuple[float, float],
    fast: NDArray[np.bool_],
    settings: Settings,
) -> LinkScores:
    """Count what identities and links get right."""
    direct = told.verdict(drawn.query, drawn.gallery)
    chart = reliability(drawn.probability[direct != UNKNOWN], direct[direct != UNKNOWN] == RIGHT)
    right, wrong, unknown = told.tally(identity)
    return LinkScores(
        precision=ratio(right, right + wrong),
        recall=told.recall(identity),
        idf1=idf1[0],
        idf1_unlinked=idf1[1],
        impossible=float(fast.mean()) if len(fast) else 0.0,
        n_impossible=int(fast.sum()),
        ece=chart.ece,
        ece_low=chart.ece_low,
        ece_high=chart.ece_high,
        n_judged=sum(chart.n),
        calibration=chart,
        expansion=told.expansion(identity),
        found=told.found(),
        n_right=right,
        n_wrong=wrong,
        n_unknown=unknown,
        n_pairs=told.n_pairs,
        n_links=len(drawn.query),
        curve=tuple(_curve(drawn, told, settings.curve_points)),
    )


def _curve(links: Links, told: Known, points: int) -> Iterator[CurvePoint]:
    """Score the chains of links from each of some probabilities up."""
    shares = np.linspace(0, 1, points if len(links.query) else 0)
    levels = np.unique(np.quantile(links.probability, shares, method="lower")) if len(shares) else shares
    for level in levels:
        some = links.above(level)
        identity = some.identities()
        right, wrong, _ = told.tally(identity)
        yield CurvePoint(float(level), ratio(right, right + wrong), told.recall(identity), len(some.query))


def _idf1(seen: Sighted, identity: Ints, *, sparse: bool) -> float:
    """Return identity F1 over all cameras; with sparse labels over labelled boxes and the found boxes that match them."""
    pairs, sighting = seen.pairs, seen.sighting
    if sparse:
        pairs = match(pairs, seen.iou)
        sighting = sighting[pairs.found]
        pairs = Overlaps(pairs.frame, pairs.truth, np.arange(len(sighting)), pairs.iou)
    return identity_f1(Identities(codes(seen.true["vehicle_id"]), identity[sighting], pairs), seen.iou)[0]
