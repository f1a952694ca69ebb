"""Score every part of the line against what is known to be true."""

from pipeline.scores.calibration import Calibration, reliability
from pipeline.scores.chains import trajectory_identities
from pipeline.scores.clocks import Counted, read_clocks
from pipeline.scores.detections import DetectionScores, detection_scores
from pipeline.scores.embeddings import EmbeddingScores, embedding_scores
from pipeline.scores.intervals import intervals
from pipeline.scores.links import LinkScores, link_scores, link_scores_known
from pipeline.scores.naming import Naming
from pipeline.scores.products import ProductScores, product_scores
from pipeline.scores.readers import read, read_pairs
from pipeline.scores.tracks import TrackScores, track_scores
from pipeline.scores.truth import BOXES, Pairs, Truth

__all__ = [
    "BOXES",
    "Calibration",
    "Counted",
    "DetectionScores",
    "EmbeddingScores",
    "LinkScores",
    "Naming",
    "Pairs",
    "ProductScores",
    "TrackScores",
    "Truth",
    "detection_scores",
    "embedding_scores",
    "intervals",
    "link_scores",
    "link_scores_known",
    "product_scores",
    "read",
    "read_clocks",
    "read_pairs",
    "reliability",
    "track_scores",
    "trajectory_identities",
]
