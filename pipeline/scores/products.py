"""Score what users consume against true passes: travel times, the origin-destination matrix, flows."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.scores.identity import ratio
from pipeline.scores.matching import Floats, Ints
from pipeline.scores.pairing import code
from pipeline.scores.sighted import rows_in

LEAST_TRIPS = 5
"""A pair of cameras with fewer trips, true or found, has no median to compare."""

Pairs = tuple[Ints, Ints]


@dataclass(frozen=True)
class ProductScores:
    """Errors as shares; NaN where there is nothing to compare."""

    travel_time_error: float
    """Mean over pairs of cameras of |median seconds - true| / true."""
    n_pairs: int
    """Pairs of cameras compared."""
    od_error: float
    """Sum of |trips - true| over the matrix / sum of true trips."""
    n_trips: int
    """True trips over two cameras or more."""
    flow_mape: float
    """Mean over camera and 5 minutes of |count - true| / true, where the truth is above 0."""
    flow_bias: float
    """(All counts - true) / true."""
    n_flows: int
    """Camera and 5-minute cells compared."""


def product_scores(
    passes: pa.Table, sightings: pa.Table, links: pa.Table, trajectories: pa.Table, bin_s: int = 300
) -> ProductScores:
    """Compare what can be counted from the lake with the true passes; in arrays, for a city's night too.

    Args:
        passes: truth.PASSES, every vehicle (`Truth.passes` of a full truth); `vehicle_id` may be of any type.
        sightings: `sightings` rows; flows count them where they enter, unless parked.
        links: `links` rows; travel times are their `travel_s`.
        trajectories: `trajectories` rows; trips are from their first to their last camera.
        bin_s: Seconds in a flow's cell.
    """
    chains = trajectories["camera_ids"].combine_chunks()
    named = [passes["camera_id"], sightings["camera_id"], chains.flatten()]
    names = pc.unique(pa.concat_arrays([pc.unique(each) for each in named]))
    true = _Passes.of(passes, names)
    camera, entered = rows_in(sightings["camera_id"], names), _microseconds(sightings["entered_at"])
    errors = _travel_time_errors(true.hops(), _hops(links, sightings, camera))
    true_trips, trips = true.trips(), _ends(rows_in(chains.flatten(), names), _edges(chains))
    moving, bin_us = _moving(sightings), bin_s * 1_000_000
    true_trip, trip = _counts(true_trips, trips)
    true_flow, flow = _counts((true.camera, true.entered // bin_us), (camera[moving], entered[moving] // bin_us))
    asked = true_flow > 0
    return ProductScores(
        travel_time_error=float(errors.mean()) if len(errors) else float("nan"),
        n_pairs=len(errors),
        od_error=ratio(int(np.abs(trip - true_trip).sum()), int(true_trip.sum())),
        n_trips=int(true_trip.sum()),
        flow_mape=ratio(float(np.abs(flow[asked] / true_flow[asked] - 1).sum()), int(asked.sum())),
        flow_bias=ratio(int(flow.sum() - true_flow.sum()), int(true_flow.sum())),
        n_flows=int(asked.sum()),
    )


@dataclass(frozen=True)
class _Passes:
    """True passes by vehicle and time, in numbers."""

    vehicle: Ints
    camera: Ints
    entered: Ints
    left: Ints
    """Microseconds."""

    @classmethod
    def of(cls, passes: pa.Table, names: pa.Array) -> "_Passes":
        """Number and sort true passes."""
        vehicle = rows_in(passes["vehicle_id"], pc.unique(passes["vehicle_id"]))
        camera = rows_in(passes["camera_id"], names)
        entered, left = (_microseconds(passes[name]) for name in ("entered_at", "left_at"))
        order = np.lexsort((camera, left, entered, vehicle))
        return cls(vehicle[order], camera[order], entered[order], left[order])

    def hops(self) -> tuple[Ints, Ints, Floats]:
        """Return two cameras and the seconds from leaving one to entering the other, for each vehicle's next camera."""
        one = np.flatnonzero((self.vehicle[1:] == self.vehicle[:-1]) & (self.camera[1:] != self.camera[:-1]))
        return self.camera[one], self.camera[one + 1], (self.entered[one + 1] - self.left[one]) / 1e6

    def trips(self) -> Pairs:
        """Return the first and the last camera of every vehicle seen at two cameras or more."""
        edges = np.flatnonzero(np.diff(self.vehicle)) + 1
        return _ends(self.camera, np.concatenate([[0], edges, [len(self.camera)]]))


def _edges(lists: pa.ListArray) -> Ints:
    """Return where each list begins in the values of all, and where the last ends."""
    return np.concatenate([[0], np.cumsum(pc.list_value_length(lists).to_numpy(zero_copy_only=False), dtype=np.int64)])


def _microseconds(times: pa.ChunkedArray) -> Ints:
    """Return times as numbers."""
    return np.asarray(times.cast(pa.int64()).to_numpy(), np.int64)


def _hops(links: pa.Table, sightings: pa.Table, camera: Ints) -> tuple[Ints, Ints, Floats]:
    """Return two cameras and the seconds of every link between sightings that are there."""
    ids = sightings["sighting_id"].combine_chunks()
    query, gallery = (pc.index_in(links[name], ids) for name in ("query_id", "gallery_id"))
    there = pc.and_(pc.is_valid(query), pc.is_valid(gallery))
    one, other = (camera[each.filter(there).to_numpy()] for each in (query, gallery))
    return one, other, links["travel_s"].filter(there).to_numpy().astype(np.float64)


def _travel_time_errors(true: tuple[Ints, Ints, Floats], found: tuple[Ints, Ints, Floats]) -> Floats:
    """Return |median - true| / true of each pair of cameras with enough trips for a median and a true one above 0.

    Where views overlap a true median is not above 0: there is no share of it to tell.
    """
    both = code(*(np.concatenate(columns) for columns in zip(true[:2], found[:2], strict=True)))
    (pair, middle, n), (again, other, m) = (
        _medians(both[: len(true[2])], true[2]),
        _medians(both[len(true[2]) :], found[2]),
    )
    _, i, j = np.intersect1d(pair, again, return_indices=True)
    enough = (np.minimum(n[i], m[j]) >= LEAST_TRIPS) & (middle[i] > 0)
    errors: Floats = np.abs(other[j][enough] / middle[i][enough] - 1)
    return errors


def _medians(group: Ints, value: Floats) -> tuple[Ints, Floats, Ints]:
    """Return every group, the median of its values and their number."""
    value = value[np.lexsort((value, group))]
    names, start, n = np.unique(np.sort(group), return_index=True, return_counts=True)
    return names, (value[start + (n - 1) // 2] + value[start + n // 2]) / 2, n


def _ends(camera: Ints, edges: Ints) -> Pairs:
    """Return the first and the last camera of each run of rows between two edges that holds two cameras or more."""
    start, stop = edges[:-1], edges[1:]
    owner = np.repeat(np.arange(len(start)), stop - start)
    abroad = np.bincount(owner, camera != camera[start[owner]], len(start)) > 0
    return camera[start[abroad]], camera[stop[abroad] - 1]


def _counts(true: Pairs, found: Pairs) -> Pairs:
    """Return how often each distinct pair of numbers, true or found, is true, and how often it is found."""
    columns = [np.concatenate(each) for each in zip(true, found, strict=True)]
    both = np.unique(
        code(*(each - each.min(initial=each[0] if len(each) else 0) for each in columns)), return_inverse=True
    )[1]
    kinds, n = int(both.max(initial=-1)) + 1, len(true[0])
    return np.bincount(both[:n], minlength=kinds), np.bincount(both[n:], minlength=kinds)


def _moving(sightings: pa.Table) -> NDArray[np.bool_]:
    """Tell which sightings the product `flow` counts: followed over two pictures or more, and not parked."""
    still = pc.is_in(sightings["motion"], pa.array(["parked", "single", "lone"]))
    moving: NDArray[np.bool_] = ~still.to_numpy(zero_copy_only=False).astype(bool)
    return moving
