"""Hold who came and who went at every camera and heading, and count by how long the ones follow the others."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from pipeline.query import query

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Group = tuple[str, str]
"""A camera and a heading."""
USUAL = 0.9
"""Share of the vehicles that stay in view no longer than is usual."""
LINES = 128
"""Frequencies among whose power a line is told."""
OUTSTANDING = 3.0
"""Power of a line, in medians of those around it, above which it is cut down."""
HELD = 512
"""Spectra held at once; 0.1 MB each for a night of eight hours."""


@dataclass(frozen=True)
class Passing:
    """Vehicles of one camera and heading."""

    came: Ints
    """(n,) seconds of the night at which they came, in order."""
    went: Ints
    """(n,) and at which they went, in order."""
    stay_s: float
    """What USUAL of them stay at most."""


class Flows:
    """Vehicles that came and that went in each second of the night, by camera and heading."""

    def __init__(self, sightings: pa.Table) -> None:
        """Count the vehicles of a night; those that parked are left out."""
        rows = query("transitions/passings", {"usual": USUAL}, sightings=sightings)
        came, went = (_lists(rows[name]) for name in ("came", "went"))
        self.first_s = min((int(each[0]) for each in came), default=0)
        span_s = max((int(each[-1]) for each in went), default=0) - self.first_s + 1
        names = zip(rows["camera_id"].to_pylist(), rows["heading"].to_pylist(), strict=True)
        told = zip(came, went, rows["stay_s"].to_pylist(), strict=True)
        self.of = {
            name: Passing(came_s - self.first_s, went_s - self.first_s, stay_s)
            for name, (came_s, went_s, stay_s) in zip(names, told, strict=True)
        }
        self.ring_s = int(next_fast_len(span_s, real=True))
        """Seconds of the night, taken as a ring so that every gap has as many chances."""
        self._spectrum = lru_cache(maxsize=HELD)(self._transformed)
        self._even = lru_cache(maxsize=HELD)(self._evened)

    def count(self, groups: tuple[Group, ...]) -> int:
        """Count the vehicles of some cameras and headings."""
        return sum(len(self.of[group].came) for group in groups)

    def came(self, groups: tuple[Group, ...]) -> Ints:
        """Return the seconds at which vehicles came, in order."""
        return np.sort(np.concatenate([self.of[group].came for group in groups]))

    def went(self, groups: tuple[Group, ...]) -> Ints:
        """Return the seconds at which vehicles went, in order."""
        return np.sort(np.concatenate([self.of[group].went for group in groups]))

    def ring(self, went: tuple[Group, ...], came: tuple[Group, ...]) -> Floats:
        """Count the pairs of one that went and one that came by the seconds between, around the ring, (ring_s,)."""
        product = np.conj(self._spectrum(went, went=True)) * self._spectrum(came, went=False)
        return np.asarray(np.round(np.maximum(irfft(product, self.ring_s), 0.0), 2), np.float64)

    def by_hour(
        self, went: tuple[Group, ...], came: tuple[Group, ...], hours: Ints, first: int, length: int
    ) -> tuple[Floats, Ints]:
        """Count pairs by the hour of leaving and the seconds between, (h, length) from `first` on; and (h,) who left."""
        left, there = self._even(went, went=True), self._even(came, went=False)
        edges = np.clip(np.append(hours[1:], self.ring_s), 0, self.ring_s)
        starts = np.concatenate([[0], edges[:-1]])
        found = [
            _after(left[start:end], there[np.arange(start + first, end + first + length) % self.ring_s], length)
            for start, end in zip(starts, edges, strict=True)
        ]
        hour = np.searchsorted(edges[:-1], self.went(went), side="right")
        return np.array(found), np.bincount(hour, minlength=len(hours))

    def _evened(self, groups: tuple[Group, ...], *, went: bool) -> NDArray[np.float32]:
        """Return the counts by second without what comes round."""
        return np.asarray(irfft(self._spectrum(groups, went=went), self.ring_s), np.float32)

    def _transformed(self, groups: tuple[Group, ...], *, went: bool) -> NDArray[np.complex64]:
        """Return the spectrum of the counts by second."""
        seconds = self.went(groups) if went else self.came(groups)
        counts = np.bincount(seconds, minlength=self.ring_s).astype(np.float32)
        return _even(np.asarray(rfft(counts), np.complex64))


def _even(spectrum: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Cut down the lines that stand out of a spectrum: what comes round on the second, like signals, follows from everything."""
    power = np.abs(spectrum) ** 2
    blocks = max(len(power) // LINES, 1)
    usual = np.array([np.median(each) for each in np.array_split(power, blocks)])
    most = OUTSTANDING * np.repeat(usual, [len(each) for each in np.array_split(power, blocks)])
    shrunk = np.sqrt(np.minimum(most / np.maximum(power, 1e-9), 1.0))
    shrunk[0] = 1.0
    return np.asarray(spectrum * shrunk, np.complex64)


def _after(left: NDArray[np.float32], there: NDArray[np.float32], length: int) -> Floats:
    """Count the pairs of one of `left` and one of `there` by how much further on the latter is, (length,)."""
    if not len(left):
        return np.zeros(length)
    size = next_fast_len(len(there), real=True)
    return np.asarray(irfft(np.conj(rfft(left, size)) * rfft(there, size), size)[:length], np.float64)


def _lists(column: pa.ChunkedArray) -> list[Ints]:
    """Return the lists of a column as arrays."""
    lists = column.combine_chunks()
    values, edges = lists.flatten().to_numpy(), lists.offsets.to_numpy() - lists.offsets[0].as_py()
    return [values[start:end] for start, end in pairwise(edges)]
