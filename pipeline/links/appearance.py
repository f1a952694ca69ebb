"""Tell how alike two sightings look, and how rare so much likeness is among sightings that cannot be one vehicle."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_array

from pipeline.errors import SchemaError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Vectors = NDArray[np.float32]

TAIL = 0.1
"""Share of a sighting's impostors that count as its look-alikes."""
LEAST_EXCESS = 0.02
"""Smallest mean excess of cosine over the look-alikes' threshold; below it noise would pass for rarity."""
RAREST = 10.0
"""Largest rarity told apart (nats); a few hundred impostors say nothing about less than one in 20,000."""


@dataclass(frozen=True)
class Looks:
    """What the impostors of each of n sightings look like to it: three numbers of their cosines."""

    middle: Floats
    """(n,) median."""
    edge: Floats
    """(n,) cosine that the TAIL share exceeds."""
    excess: Floats
    """(n,) mean excess of those over the edge."""

    def rarity(self, rows: Ints, cosine: Floats) -> Floats:
        """Return -ln of the chance that an impostor of sighting `rows[i]` is as alike as `cosine[i]`, 0..RAREST.

        Linear in the cosine between median and edge, exponential tail beyond (peaks over threshold: Pickands, 1975,
        with shape 0). This is the adaptive score normalisation of speaker verification (Matejka et al., 2017) with a
        tail in place of a variance: a yellow cab has many look-alikes, so being alike says less.
        """
        middle, edge, excess = self.middle[rows], self.edge[rows], self.excess[rows]
        below = np.log(2.0) + (cosine - middle) / np.maximum(edge - middle, 1e-3) * np.log(0.5 / TAIL)
        beyond = -np.log(TAIL) + (cosine - edge) / excess
        return np.asarray(np.clip(np.where(cosine < edge, below, beyond), 0.0, RAREST))


def portraits(sightings: pa.Table, detections: pa.Table, embeddings: pa.Table) -> tuple[Vectors, Floats, Floats]:
    """Add up each sighting's embeddings, each times the size of its box.

    Returns:
        (n, d) float32 sums in the order of `sightings`, (n,) the sizes added up, and (n,) the largest size, pixels; zero
        where a sighting has no embedding.

    Raises:
        SchemaError: the embeddings' vectors differ in length.
    """
    embeddings = embeddings.sort_by("detection_id")
    vectors = _vectors(embeddings["vector"])
    lists = sightings["detection_ids"].combine_chunks()
    rows, flat = pc.list_parent_indices(lists), pc.list_flatten(lists)
    column = pc.index_in(flat, embeddings["detection_id"].combine_chunks())
    known = pc.is_valid(column)
    sizes = _sizes(detections, pc.filter(flat, known))
    at = (pc.filter(rows, known).to_numpy(), pc.filter(column, known).to_numpy())
    weights = csr_array((sizes, at), shape=(sightings.num_rows, embeddings.num_rows))
    largest = np.zeros(sightings.num_rows)
    np.maximum.at(largest, at[0], sizes)
    return weights @ vectors, np.bincount(at[0], sizes, sightings.num_rows).astype(np.float64), largest


def unit(vectors: Vectors) -> Vectors:
    """Scale rows to unit length; zero rows stay zero."""
    length = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
    return np.asarray(np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-6))


def centred(vectors: Vectors, groups: Ints, shrink: float = 20.0) -> Vectors:
    """Take from each row the mean of its group (one camera and heading: its light, its angle), and make it unit again.

    Args:
        vectors: (n, d) float32, unit or zero rows.
        groups: (n,) number of the group of each row, from 0.
        shrink: Rows' worth of "no offset" added to every mean, so that a small group keeps its vehicles' own looks.

    Returns:
        (n, d) float32, unit or zero rows.
    """
    if not len(vectors):
        return vectors
    seen = np.any(vectors != 0, axis=1)
    member = csr_array((seen.astype(np.float32), (groups, np.arange(len(groups)))))
    means = (member @ vectors) / (member.sum(axis=1)[:, None] + np.float32(shrink))
    return unit(np.where(seen[:, None], vectors - means[groups], np.float32(0)))


def cosines(vectors: Vectors, left: Ints, right: Ints, block: int = 65536) -> Floats:
    """Return the cosine of each pair of rows, (c,) float64, a block of pairs at a time."""
    out = np.empty(len(left))
    for start in range(0, len(left), block):
        pair = slice(start, start + block)
        out[pair] = np.einsum("ij,ij->i", vectors[left[pair]], vectors[right[pair]])
    return out


def looks(sightings: Vectors, impostors: Vectors, possible: NDArray[np.bool_]) -> Looks:
    """Measure how alike each sighting and its impostors are.

    Args:
        sightings: (n, d) unit rows.
        impostors: (m, d) unit rows of the other camera; where there is none nothing can be told, and all is NaN.
        possible: (n, m) pairs that could be one vehicle after all; left out where enough others remain.

    Returns:
        Median, edge and mean excess for each of the n sightings.
    """
    if not len(impostors):
        unknown = np.full(len(sightings), np.nan)
        return Looks(unknown, unknown, unknown)
    # Rounded, as the last bits of a matrix product depend on how many threads share it.
    cosine = np.round((sightings @ impostors.T).astype(np.float64), 5)
    enough = (~possible).sum(axis=1) >= 2.0 / TAIL
    cosine[possible & enough[:, None]] = np.nan
    middle, edge = np.nanquantile(cosine, [0.5, 1.0 - TAIL], axis=1)
    over = cosine > edge[:, None]
    excess = np.where(over, cosine - edge[:, None], 0.0).sum(axis=1) / np.maximum(over.sum(axis=1), 1)
    return Looks(middle, edge, np.maximum(excess, LEAST_EXCESS))


def spread(rows: Ints, most: int) -> Ints:
    """Choose at most `most` of the rows, evenly spread over their order."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).round().astype(np.int64)]


def _vectors(column: pa.ChunkedArray) -> Vectors:
    """Read (n, d) float32 from binary float16, little endian."""
    lengths = pc.unique(pc.binary_length(column)).to_pylist()
    if len(lengths) > 1:
        raise SchemaError(f"table embeddings: vectors of {sorted(lengths)} bytes; encode all with one encoder")
    packed = b"".join(column.to_pylist())
    return np.frombuffer(packed, dtype="<f2").reshape(len(column), -1 if lengths else 0).astype(np.float32)


def _sizes(detections: pa.Table, ids: pa.Array) -> Vectors:
    """Return the shorter side in pixels of each detection's box, at least 1; 1 where the detection is not there."""
    width = pc.subtract(detections["x2_px"], detections["x1_px"])
    height = pc.subtract(detections["y2_px"], detections["y1_px"])
    side = pc.fill_null(pc.max_element_wise(pc.min_element_wise(width, height), 1.0), 1.0)
    found = pc.take(side, pc.index_in(ids, detections["detection_id"].combine_chunks()))
    return np.asarray(pc.fill_null(found, 1.0).to_numpy(), dtype=np.float32)
