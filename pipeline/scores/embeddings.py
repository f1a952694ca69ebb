"""Score appearance vectors against labelled identities: CMC, mAP, look-alikes."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import SchemaError
from pipeline.scores.matching import Floats, xyxy
from pipeline.scores.truth import Truth

CMC_RANKS = 20


@dataclass(frozen=True)
class Settings:
    """The gate of the gated scores."""

    gate_s: float = 150.0
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
    cmc: tuple[float, ...]
    """Share of queries whose vehicle is among the first 1, 2, ... `CMC_RANKS`: the cumulative match characteristic."""
    chance1: float
    """Rank-1 of a blind guess in the same galleries."""
    n: int
    """Queries that have their vehicle in the gallery."""


@dataclass(frozen=True)
class EmbeddingScores:
    """How well vectors tell vehicles apart. `rank1`, `rank5` and `map` are the gated ones: how the line uses them."""

    rank1: float
    rank5: float
    map: float
    gated: RankScores
    """Among boxes of other cameras with the same direction and near in time."""
    ungated: RankScores
    """Among all boxes of other cameras."""
    by_size: dict[str, RankScores]
    """Gated, by the shorter side of the query's box, such as `16-24 px`."""
    lookalike_auc: float
    """Chance that a same pair is more alike than a look-alike pair; NaN without pairs."""
    coverage: float
    """Share of labelled boxes that have a vector; the others take no part."""
    dimensions: int
    """Numbers in a vector."""


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
    if len(vectors) != truth.boxes.num_rows:
        raise SchemaError(
            f"{len(vectors)} vectors for {truth.boxes.num_rows} labelled boxes; pass one row each, NaN where refused"
        )
    unit = _unit(vectors)
    ranks = _ranks(truth.boxes, unit, np.inf), _ranks(truth.boxes, unit, settings.gate_s)
    if not ranks[0]:
        raise SchemaError("truth: no vehicle has embedded boxes at two cameras; label vehicles at two cameras or more")
    ungated, gated = (_summary(each) for each in ranks)
    return EmbeddingScores(
        rank1=gated.rank1,
        rank5=gated.rank5,
        map=gated.map,
        gated=gated,
        ungated=ungated,
        by_size=_by_size(ranks[1], settings.size_px),
        lookalike_auc=_auc(same, pair_vectors),
        coverage=float(np.isfinite(unit).all(axis=1).mean()),
        dimensions=vectors.shape[1],
    )


@dataclass(frozen=True)
class _Rank:
    """Where one query's vehicle came."""

    first: int
    """Place of its best box, from 0."""
    precision: float
    """Average precision over its boxes."""
    chance: float
    """Share of its boxes in the gallery."""
    side_px: float
    """Shorter side of the query's box."""


def _unit(vectors: NDArray[np.floating]) -> Floats:
    """Return vectors of unit length; NaN rows stay, zero rows become NaN."""
    wide = np.asarray(vectors, np.float64)
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    unit: Floats = np.divide(wide, length, out=np.full_like(wide, np.nan), where=length > 0)
    return unit


def _ranks(boxes: pa.Table, unit: Floats, gate_s: float) -> list[_Rank]:
    """Rank the gallery of every embedded box with an identity; equal likeness counts against the right one."""
    camera, vehicle, direction = (
        boxes[name].to_numpy(zero_copy_only=False) for name in ("camera_id", "vehicle_id", "direction")
    )
    at = boxes["slot_at"].cast(pa.int64()).to_numpy() / 1e6
    side, there = (xyxy(boxes)[:, 2:] - xyxy(boxes)[:, :2]).min(axis=1), np.isfinite(unit).all(axis=1)
    ranks = []
    for query in np.flatnonzero(there & (vehicle != None)):  # noqa: E711 - elementwise
        gallery = there & (camera != camera[query])
        if np.isfinite(gate_s):
            gallery &= (direction == direction[query]) & (np.abs(at - at[query]) <= gate_s)
        right = vehicle[gallery] == vehicle[query]
        if right.any():
            order = np.lexsort((right, -(unit[gallery] @ unit[query])))
            places = np.flatnonzero(right[order])
            precision = float(np.mean(np.arange(1, len(places) + 1) / (places + 1)))
            ranks.append(_Rank(int(places[0]), precision, float(right.mean()), float(side[query])))
    return ranks


def _summary(ranks: list[_Rank]) -> RankScores:
    """Average over queries."""
    if not ranks:
        return RankScores(float("nan"), float("nan"), float("nan"), (), float("nan"), 0)
    first = np.array([each.first for each in ranks])
    precision, chance = (float(np.mean([getattr(each, name) for each in ranks])) for name in ("precision", "chance"))
    cmc = tuple(float((first < rank).mean()) for rank in range(1, CMC_RANKS + 1))
    return RankScores(cmc[0], cmc[4], precision, cmc, chance, len(ranks))


def _by_size(ranks: list[_Rank], edges: tuple[float, ...]) -> dict[str, RankScores]:
    """Average by the query's shorter side."""
    bounds = [0.0, *edges, np.inf]
    return {
        f"{low:g}-{high:g} px": _summary([each for each in ranks if low <= each.side_px < high])
        for low, high in pairwise(bounds)
    }


def _auc(same: NDArray[np.bool_] | None, vectors: NDArray[np.floating] | None) -> float:
    """Return the chance that a same pair is more alike than another; pairs not embedded are left out."""
    if same is None or vectors is None:
        return float("nan")
    if len(vectors) != 2 * len(same):
        raise SchemaError(f"{len(vectors)} vectors for {len(same)} pairs; pass two rows each, NaN where refused")
    unit = _unit(vectors)
    alike = (unit[0::2] * unit[1::2]).sum(axis=1)
    yes, no = alike[same & np.isfinite(alike)], alike[~same & np.isfinite(alike)]
    if not len(yes) or not len(no):
        return float("nan")
    return float(((yes[:, None] > no) + 0.5 * (yes[:, None] == no)).mean())
