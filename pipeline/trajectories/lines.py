"""Draw many lines at once: timed vertices, one line after another -> lengths, WKB geometry, times."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.tables import TIME

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
US = 1_000_000
EQUATOR_M, E2 = 6_378_137.0, 0.0066943799901413
"""Radius at the equator and squared eccentricity of WGS 84."""
BLOCK = 1 << 16
"""Steps measured at once: what stays in a core's cache."""
LINESTRING = np.frombuffer(b"\x01\x02\x00\x00\x00", np.uint8)
"""How a little-endian WKB LineString begins; its number of points follows, uint32."""
DRAWN = pa.schema(
    [("length_m", pa.float64()), ("mean_speed_mps", pa.float64()), ("geometry", pa.binary()), ("vertices_at", pa.list_(TIME))]
)  # fmt: skip


@dataclass(frozen=True)
class Lines:
    """Timed vertices of many lines, one line after another; each line has two or more."""

    lon: Floats
    """(v,) degrees WGS 84."""
    lat: Floats
    """(v,) degrees WGS 84."""
    at_us: Ints
    """(v,) microseconds since 1970, never falling along a line."""
    first: Ints
    """(n + 1,) where each line begins, and the end of the last."""

    def __len__(self) -> int:
        """Count the lines."""
        return len(self.first) - 1


def read(points: pa.Table, owner: str = "trajectory_id") -> tuple[pa.Array, Lines]:
    """Put points of any order together by their owner and in order of time; owners of one point are left out.

    Args:
        points: Columns `owner` (string), `at` (timestamp), `lon`, `lat`.
        owner: Name of the column that says whose point it is.

    Returns:
        The owners of the lines in their order, and the lines.
    """
    names, code = _numbered(points[owner])
    at_us = points["at"].cast(TIME).cast(pa.int64()).to_numpy()
    rows = np.lexsort((at_us, code))
    size = np.bincount(code, minlength=len(names))
    if size.min(initial=2) < 2:
        rows = rows[np.repeat(size > 1, size)]
    del code
    lon, lat = (points[name].to_numpy()[rows] for name in ("lon", "lat"))
    lines = Lines(lon, lat, at_us[rows], np.append(0, np.cumsum(size[size > 1])))
    return names.filter(pa.array(size > 1)), lines


def _numbered(owners: pa.ChunkedArray) -> tuple[pa.Array, Ints]:
    """List the owners in order, and say whose each point is by number."""
    coded = owners.unify_dictionaries() if pa.types.is_dictionary(owners.type) else owners.dictionary_encode()
    coded = coded.combine_chunks()
    order = pc.sort_indices(coded.dictionary)
    rank = np.empty(len(order), np.int32)
    rank[order.to_numpy()] = np.arange(len(order))
    return coded.dictionary.take(order), rank[coded.indices.to_numpy()]


def draw(lines: Lines, *, geometry: bool = True) -> pa.Table:
    """Return a row of `DRAWN` for each line: its length in metres, mean speed, geometry and times.

    Args:
        lines: Timed vertices.
        geometry: Whether geometry and times are wanted; without them both columns are left out.
    """
    length_m = lengths_m(lines)
    seconds = (lines.at_us[lines.first[1:] - 1] - lines.at_us[lines.first[:-1]]) / US
    columns: dict[str, pa.Array] = {
        "length_m": length_m,
        "mean_speed_mps": np.divide(length_m, seconds, out=np.zeros_like(length_m), where=seconds > 0),
    }
    if geometry:
        columns |= {"geometry": to_wkb(lines), "vertices_at": times(lines)}
    return pa.table(columns, schema=pa.schema([DRAWN.field(name) for name in columns]))


def lengths_m(lines: Lines) -> Floats:
    """Return the metres along each line, (n,)."""
    if not len(lines):
        return np.zeros(0)
    steps = steps_m(lines.lon, lines.lat)
    steps[lines.first[1:-1] - 1] = 0.0
    return np.asarray(np.add.reduceat(steps, lines.first[:-1]))


def steps_m(lon: Floats, lat: Floats) -> Floats:
    """Return the metres from each point to the next, (v - 1,), on the ellipsoid WGS 84.

    Each step is measured in the plane that touches the ellipsoid at its middle (Snyder, 1987, chapter 3): right to a few
    millimetres a kilometre, where a sphere is up to 0.3 % wrong.
    """
    metres = np.empty(max(len(lon) - 1, 0))
    for low in range(0, len(metres), BLOCK):
        x, y = np.radians(lon[low : low + BLOCK + 1]), np.radians(lat[low : low + BLOCK + 1])
        sine = np.sin((y[1:] + y[:-1]) / 2)
        bent = 1.0 - E2 * sine * sine
        north, east = np.diff(y) * (1.0 - E2) / bent, np.diff(x) * np.sqrt(1.0 - sine * sine)
        metres[low : low + BLOCK] = EQUATOR_M / np.sqrt(bent) * np.hypot(north, east)
    return metres


def times(lines: Lines) -> pa.ListArray:
    """Return the times of the vertices, a list for each line."""
    return pa.ListArray.from_arrays(pa.array(lines.first, pa.int32()), pa.array(lines.at_us).cast(TIME))


def to_wkb(lines: Lines) -> pa.Array:
    """Write each line as a little-endian WKB LineString; all in one buffer, which no call a line could keep up with."""
    count = np.diff(lines.first)
    head = len(LINESTRING) + 4
    begins = 16 * lines.first[:-1] + head * np.arange(len(lines))
    ends = 16 * lines.first[-1] + head * len(lines)
    buffer, body = np.empty(ends, np.uint8), np.ones(ends, np.bool_)
    heads = begins[:, None] + np.arange(head)
    body[heads] = False
    buffer[heads[:, :5]] = LINESTRING
    buffer[heads[:, 5:]] = count.astype("<u4")[:, None].view(np.uint8)
    buffer[body] = np.column_stack([lines.lon, lines.lat]).astype("<f8", copy=False).view(np.uint8).ravel()
    offsets = pa.array(np.append(begins, ends), pa.int32())
    return pa.Array.from_buffers(pa.binary(), len(lines), [None, offsets.buffers()[1], pa.py_buffer(buffer)])


def spread(first: Ints, count: Ints) -> Ints:
    """Return the rows `first[i] ... first[i] + count[i] - 1` of every i, one after another."""
    ends = np.cumsum(count)
    return np.repeat(first - (ends - count), count) + np.arange(ends[-1] if len(ends) else 0)
