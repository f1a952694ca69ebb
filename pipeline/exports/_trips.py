"""Lay trajectories out as timed lines, coarser where they are of real vehicles."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from pipeline import geo, trims
from pipeline.exports import BIN_MS, COARSE, SINGLES, Night

DECIMALS = 6
"""Of a degree: 0.1 m."""
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Trip:
    """One vehicle's timed line."""

    number: int
    """From 1; it means nothing beyond this file."""
    lonlat: geo.Floats
    """(n, 2) degrees WGS 84, two vertices or more."""
    at_ms: Ints
    """(n,) milliseconds since 1970, rising."""
    length_m: float
    speed_kmh: float
    probability: float


def trips(night: Night) -> list[Trip]:
    """Return the trips of a night in the order they begin; those of one place or one moment are left out."""
    rows = night.table("trajectories")
    lines = [_rising(*each) for each in _lines(rows, coarse=not night.scan.exempt)]
    chances = rows["probability"].to_pylist()
    whole = [(line, p) for line, p in zip(lines, chances, strict=True) if len(line[1]) > 1]
    whole.sort(key=lambda each: (each[0][1][0], each[0][0].tobytes()))
    return [_trip(number, *line, p) for number, (line, p) in enumerate(whole, 1)]


def notes(night: Night, shown: int) -> dict[str, str]:
    """Say what was done to the trips of a file."""
    if night.scan.exempt:
        return {"privacy": f"Single trips: {night.scan.exempt}"}
    return {"privacy": f"{SINGLES} {COARSE} {shown} trips are left."}


def _lines(rows: pa.Table, *, coarse: bool) -> Iterator[tuple[geo.Floats, geo.Floats]]:
    """Yield the vertices and times, milliseconds, of each trajectory."""
    times = rows["vertices_at"].cast(pa.list_(pa.int64())).to_pylist()
    for wkb, at_us in zip(rows["geometry"].to_pylist(), times, strict=True):
        lonlat, at_ms = geo.from_wkb(wkb), np.array(at_us, np.float64) / 1000
        yield _coarse(lonlat, at_ms) if coarse else (lonlat, at_ms)


def _coarse(lonlat: geo.Floats, at_ms: geo.Floats) -> tuple[geo.Floats, geo.Floats]:
    """Cut a line at both ends and move it back to its quarter of an hour; nothing where it is too short."""
    line, at = trims.cut(lonlat, at_ms)
    return line, at - at[:1] % BIN_MS if len(at) else at


def _rising(lonlat: geo.Floats, at_ms: geo.Floats) -> tuple[geo.Floats, Ints]:
    """Round a line, and keep of the vertices of one millisecond the first; nothing where it never leaves its place."""
    places, times = np.round(lonlat, DECIMALS), np.rint(at_ms).astype(np.int64)
    if not len(times) or not np.any(places != places[0]):
        return places[:0], times[:0]
    kept = np.concatenate([[True], times[1:] > np.maximum.accumulate(times)[:-1]])
    return places[kept], times[kept]


def _trip(number: int, lonlat: geo.Floats, at_ms: Ints, probability: float) -> Trip:
    """Measure a line."""
    metres = float(geo.steps_m(lonlat).sum())
    speed_kmh = metres / float(at_ms[-1] - at_ms[0]) * 3600
    return Trip(number, lonlat, at_ms, round(metres, 1), round(speed_kmh, 1), round(probability, 3))


def shapes(found: list[Trip]) -> NDArray[np.object_]:
    """Return the lines of some trips."""
    return np.array([shapely.linestrings(trip.lonlat) for trip in found], dtype=object)
