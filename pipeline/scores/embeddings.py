"""Score appearance vectors against labelled identities: CMC, mAP, look-alikes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.scores.truth import Truth


@dataclass(frozen=True)
class Settings:
    """The gate of the gated scores."""

    gate_s: float = 240.0
    """Most seconds between two boxes of the gated gallery; the direction must be equal too."""
    size_px: tuple[float, ...] = (16.0, 24.0, 32.0, 48.0)
    """Edges of the classes of crop size: the shorter side of the query's box."""


@dataclass(frozen=True)
class RankScores:
    """How well a query's vehicle is ranked among the boxes of other cameras. NaN without a query."""

    rank1: float
    rank5: float
    map: float
    """Mean average precision."""
    chance1: float
    """Rank-1 of a blind guess in the same galleries."""
    n: int
    """Queries that have their vehicle in the gallery."""


@dataclass(frozen=True)
class EmbeddingScores:
    """Ungated, then gated scores."""

    rank1: float
    rank5: float
    map: float
    gated_rank1: float
    gated_rank5: float
    gated_map: float
    gated: RankScores
    ungated: RankScores
    by_size: dict[str, RankScores]
    """Gated scores by the shorter side of the query's box, such as `16-24 px`."""
    lookalike_auc: float
    """Chance that a same pair is more alike than a look-alike pair; NaN without pairs."""
    coverage: float
    """Share of labelled boxes that have a vector."""
    dimensions: int


def embedding_scores(
    truth: Truth,
    vectors: NDArray[np.floating],
    same: NDArray[np.bool_] | None = None,
    pair_vectors: NDArray[np.floating] | None = None,
    settings: Settings = Settings(),
) -> EmbeddingScores:
    """Rank every labelled box against those of other cameras by cosine.

    Args:
        truth: Labelled identities.
        vectors: (n, d) one row per row of `truth.boxes`; NaN where the box was not embedded.
        same: (m,) `Pairs.same`.
        pair_vectors: (2m, d) one row per row of `Pairs.boxes`.
        settings: The gate.

    Raises:
        SchemaError: shapes do not match, or no vehicle is labelled at two cameras.

    Source: CMC and mAP as in Zheng et al. 2015 (Market-1501), section 4.
    """
    raise NotImplementedError
