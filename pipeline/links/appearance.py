"""Tell how alike two sightings look, and how rare so much likeness is among sightings that cannot be one vehicle."""

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
BLOCK = 1 << 16
"""Rows centred at once."""
RAREST = 10.0
"""Largest rarity told apart (nats); a few hundred impostors say nothing about less than one in 20,000."""


def portraits(sightings: pa.Table, detections: pa.Table, embeddings: pa.Table) -> tuple[Vectors, Floats, Floats]:
    """Add up each sighting's embeddings, each times the size of its box.

    Returns:
        (n, d) float32 sums in the order of `sightings`, (n,) the sizes added up, and (n,) the largest size, pixels; zero
        where a sighting has no embedding.

    Raises:
        SchemaError: the embeddings' vectors differ in length.
    """
    from pipeline.links import kernel  # imports the compiler, which only those who link need

    count, width = sightings.num_rows, _width(embeddings["vector"])
    lists = sightings["detection_ids"].combine_chunks()
    flat = pc.list_flatten(lists)
    column = pc.index_in(flat, embeddings["detection_id"].combine_chunks())
    known = pc.is_valid(column)
    sizes = _sizes(detections, pc.filter(flat, known))
    row = pc.filter(pc.list_parent_indices(lists), known).to_numpy().astype(np.int64)
    column = pc.filter(column, known).to_numpy().astype(np.int64)
    largest, sums = np.zeros(count), np.zeros((count, width), np.float32)
    np.maximum.at(largest, row, sizes)
    begins = 0
    for chunk in embeddings["vector"].chunks:
        here = np.flatnonzero((column >= begins) & (column < begins + len(chunk)))
        kernel.add_up(_halves(chunk, width), row[here], column[here] - begins, sizes[here], sums)
        begins += len(chunk)
    return sums, np.bincount(row, sizes, count).astype(np.float64), largest


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
    seen = np.einsum("ij,ij->i", vectors, vectors) > 0
    member = csr_array((seen.astype(np.float32), (groups, np.arange(len(groups)))))
    means = (member @ vectors) / (member.sum(axis=1)[:, None] + np.float32(shrink))
    out = np.empty_like(vectors)
    for start in range(0, len(vectors), BLOCK):
        rows = slice(start, start + BLOCK)
        out[rows] = unit(np.where(seen[rows, None], vectors[rows] - means[groups[rows]], np.float32(0)))
    return out


def spread(rows: Ints, most: int) -> Ints:
    """Choose at most `most` of the rows, evenly spread over their order."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).round().astype(np.int64)]


def _width(column: pa.ChunkedArray) -> int:
    """Return how many float16 each vector has; 0 where there is none."""
    lengths = pc.unique(pc.binary_length(column)).to_pylist()
    if len(lengths) > 1:
        raise SchemaError(f"table embeddings: vectors of {sorted(lengths)} bytes; encode all with one encoder")
    return int(lengths[0]) // 2 if lengths else 0


def _halves(chunk: pa.Array, width: int) -> NDArray[np.float16]:
    """Look at binary vectors of one length as (n, width) float16, little endian, where they lie."""
    if not len(chunk) or not width:
        return np.zeros((len(chunk), width), "<f2")
    _, offsets, values = chunk.buffers()
    first = np.frombuffer(offsets, np.int32)[chunk.offset]
    return np.frombuffer(values, np.uint8)[first : first + 2 * width * len(chunk)].view("<f2").reshape(-1, width)


def _sizes(detections: pa.Table, ids: pa.Array) -> Vectors:
    """Return the shorter side in pixels of each detection's box, at least 1; 1 where the detection is not there."""
    width = pc.subtract(detections["x2_px"], detections["x1_px"])
    height = pc.subtract(detections["y2_px"], detections["y1_px"])
    side = pc.fill_null(pc.max_element_wise(pc.min_element_wise(width, height), 1.0), 1.0)
    found = pc.take(side, pc.index_in(ids, detections["detection_id"].combine_chunks()))
    return np.asarray(pc.fill_null(found, 1.0).to_numpy(), dtype=np.float32)
