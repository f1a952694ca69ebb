"""Make columns of the invented tables: ids that tell nothing, and vectors as the lake holds them."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Ints = NDArray[np.int64]
BLOCK = 200_000
"""Vectors drawn at a time."""


def blocks(rows: Ints) -> Iterator[Ints]:
    """Cut rows into blocks."""
    for start in range(0, len(rows), BLOCK):
        yield rows[start : start + BLOCK]


def packed(vectors: NDArray[np.float16]) -> pa.Array:
    """Pack (n, d) float16 into binary values without copying each."""
    width = vectors.shape[1] * 2
    content = pa.py_buffer(np.ascontiguousarray(vectors, "<f2").tobytes())
    offsets = pa.py_buffer((np.arange(len(vectors) + 1) * width).astype(np.int32).tobytes())
    return pa.Array.from_buffers(pa.binary(), len(vectors), [None, offsets, content])


def ids_of(seed: int, hour: int, n: int) -> pa.Array:
    """Return n names that tell nothing: numbers of this hour, scrambled one to one (splitmix64; Steele et al., 2014)."""
    x = (np.arange(n, dtype=np.uint64) + np.uint64(hour << 40)) ^ np.uint64(seed * 0x9E3779B97F4A7C15 % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    x = x ^ (x >> np.uint64(31))
    digits = np.frombuffer(b"0123456789abcdef", np.uint8)
    nibbles = digits[(x[:, None] >> (np.arange(15, -1, -1, dtype=np.uint64) * np.uint64(4))) & np.uint64(15)]
    offsets = pa.py_buffer((np.arange(n + 1) * 16).astype(np.int32).tobytes())
    return pa.Array.from_buffers(pa.string(), n, [None, offsets, pa.py_buffer(nibbles.astype(np.uint8).tobytes())])
