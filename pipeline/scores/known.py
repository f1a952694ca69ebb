"""Judge sightings, pairs of them and whole identities by what the truth knows of their vehicles."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.errors import SchemaError
from pipeline.scores.bipartite import heaviest
from pipeline.scores.identity import ratio
from pipeline.scores.matching import Ints
from pipeline.scores.pairing import code, distinct, members, pairs_across
from pipeline.scores.sighted import Sighted, rows_in

RIGHT, WRONG, UNKNOWN = 1, 0, -1
"""Verdicts on a pair of sightings."""

NO_VEHICLE, NOT_LABELLED = -1, -2
"""A sighting where a full truth has nothing; a sighting of which the truth cannot tell."""


@dataclass(frozen=True)
class Known:
    """What the truth says of each sighting, in numbers: no string, no list, nothing row by row."""

    camera: Ints
    """(n,) number of each sighting's camera."""
    vehicle: Ints
    """(n,) number of its vehicle, NO_VEHICLE or NOT_LABELLED."""
    pass_vehicle: Ints
    """(m,) vehicle of each true pass."""
    pass_camera: Ints
    """(m,) camera of each true pass."""
    shown: Ints
    """(k,) sightings that show a true pass."""
    shown_pass: Ints
    """(k,) the pass that each of them shows; a sighting may show two, a pass may be shown by two."""
    places: tuple[Ints, Ints] | None = None
    """Vehicle and camera where the truth knows the vehicle; None: every vehicle is known everywhere."""

    def verdict(self, one: Ints, other: Ints) -> Ints:
        """Return RIGHT, WRONG or UNKNOWN for pairs of sightings at different cameras."""
        a, b = self.vehicle[one], self.vehicle[other]
        if self.places is None:
            told = (a != NOT_LABELLED) & (b != NOT_LABELLED)
        else:
            told = self._knows(a, self.camera[other]) | self._knows(b, self.camera[one])
        return np.where((a == b) & (a >= 0), RIGHT, np.where(told, WRONG, UNKNOWN))

    def tally(self, identity: Ints) -> tuple[int, int, int]:
        """Count the pairs of sightings of one identity at different cameras that are right, wrong and unknown."""
        if self.places is not None:
            one, other = members(identity)
            across = self.camera[one] != self.camera[other]
            verdict = self.verdict(one[across], other[across])
            right, wrong, unknown = (int((verdict == each).sum()) for each in (RIGHT, WRONG, UNKNOWN))
            return right, wrong, unknown
        named, told = self.vehicle >= 0, self.vehicle != NOT_LABELLED
        right = pairs_across(code(identity[named], self.vehicle[named]), self.camera[named])
        judged = pairs_across(identity[told], self.camera[told])
        return right, judged - right, pairs_across(identity, self.camera) - judged

    @cached_property
    def n_pairs(self) -> int:
        """How many pairs of passes of one vehicle at different cameras there are."""
        return pairs_across(self.pass_vehicle, self.pass_camera)

    def recall(self, identity: Ints) -> float:
        """Return the share of the truth's pairs of passes of which two sightings have one identity."""
        passing, name = self._appearances(identity)
        vehicle, camera = self.pass_vehicle[passing], self.pass_camera[passing]
        hits = pairs_across(code(vehicle, name), camera)
        # Two passes that are both shown by sightings of the same two identities were counted twice.
        torn = (np.bincount(passing, minlength=1) > 1)[passing]
        one, other = (passing[torn][rows] for rows in members(code(vehicle[torn], name[torn])))
        across = self.pass_camera[one] != self.pass_camera[other]
        pairs = code(np.minimum(one, other)[across], np.maximum(one, other)[across])
        return ratio(hits - (len(pairs) - len(np.unique(pairs))), self.n_pairs)

    def expansion(self, identity: Ints) -> float:
        """Return how many identities a vehicle that was found has, mean."""
        passing, name = self._appearances(identity)
        vehicle = self.pass_vehicle[passing]
        return ratio(len(distinct(vehicle, name)), len(np.unique(vehicle)))

    def idf1(self, identity: Ints) -> float:
        """Return identity F1 over passes: every true pass, and every identity that shows one, counts once.

        A sighting of nothing counts as found too. With every pass one box this is the F1 over boxes.

        Source: Ristani et al. 2016, Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking, section 3.
        """
        passing, name = self._appearances(identity)
        pair, n = np.unique(code(self.pass_vehicle[passing], name), return_counts=True)
        first = distinct(self.pass_vehicle[passing], name)
        right = heaviest(self.pass_vehicle[passing][first], name[first], n.astype(np.float64)) if len(pair) else 0.0
        return ratio(2 * right, len(self.pass_vehicle) + len(passing) + int((self.vehicle == NO_VEHICLE).sum()))

    def found(self) -> float:
        """Return the share of true passes that a sighting shows."""
        return ratio(len(np.unique(self.shown_pass)), len(self.pass_vehicle))

    def _appearances(self, identity: Ints) -> tuple[Ints, Ints]:
        """Return every true pass with every identity that shows it, once."""
        name = identity[self.shown]
        first = distinct(self.shown_pass, name)
        return self.shown_pass[first], name[first]

    def _knows(self, vehicle: Ints, camera: Ints) -> NDArray[np.bool_]:
        """Tell whether the truth knows each vehicle at each camera."""
        known_vehicle, known_camera = self.places or (vehicle[:0], camera[:0])
        width = int(self.camera.max(initial=0)) + int(known_camera.max(initial=0)) + 1
        return np.isin(vehicle * width + camera, known_vehicle * width + known_camera) & (vehicle >= 0)


def known(every: Sighted, counted: Sighted, *, full: bool) -> Known:
    """Tell whom each sighting shows, by majority of its boxes.

    Args:
        every: Matched with all true boxes: whom a sighting shows.
        counted: Matched with the true boxes that can be asked for: the passes.
        full: The truth knows every vehicle.
    """
    names = pa.array(sorted(set(every.true["vehicle_id"].to_pylist())))
    cameras = sorted(set(every.sightings["camera_id"].to_pylist()) | set(every.true["camera_id"].to_pylist()))
    numbered = pa.array(cameras, pa.string())
    true_vehicle, true_camera = rows_in(every.true["vehicle_id"], names), rows_in(every.true["camera_id"], numbered)
    _, first = np.unique(counted.passing, return_index=True)
    passes = counted.true.take(pa.array(first))
    _, sighting = counted.sighting_of()
    return Known(
        camera=rows_in(every.sightings["camera_id"], numbered),
        vehicle=_majority(every, true_vehicle, full=full),
        pass_vehicle=rows_in(passes["vehicle_id"], names),
        pass_camera=rows_in(passes["camera_id"], numbered),
        shown=sighting[sighting >= 0],
        shown_pass=counted.passing[sighting >= 0],
        places=None if full else (true_vehicle, true_camera),
    )


def told_of(passes: pa.Table, pass_of: Ints, sightings: pa.Table) -> Known:
    """Take it as told which pass each sighting shows: a row of `passes` for each of `sightings`, -1 for nothing.

    Raises:
        SchemaError: not one entry for every sighting, or one that names no pass.
    """
    if len(pass_of) != sightings.num_rows or np.max(pass_of, initial=-1) >= passes.num_rows:
        raise SchemaError(
            f"pass_of: {len(pass_of)} entries up to {np.max(pass_of, initial=-1)} for {sightings.num_rows} sightings of "
            f"{passes.num_rows} passes; give each sighting the row of its pass, -1 for none"
        )
    cameras = pc.unique(pa.concat_arrays([pc.unique(rows["camera_id"]) for rows in (passes, sightings)]))
    vehicle = rows_in(passes["vehicle_id"], pc.unique(passes["vehicle_id"]))
    shown = np.flatnonzero(pass_of >= 0)
    return Known(
        camera=rows_in(sightings["camera_id"], cameras),
        vehicle=np.append(vehicle, NO_VEHICLE)[np.where(pass_of >= 0, pass_of, -1)],
        pass_vehicle=vehicle,
        pass_camera=rows_in(passes["camera_id"], cameras),
        shown=shown,
        shown_pass=np.asarray(pass_of, np.int64)[shown],
    )


def _majority(seen: Sighted, true_vehicle: Ints, *, full: bool) -> Ints:
    """Return each sighting's vehicle: that of most of its boxes, the first by name of equals."""
    vehicle = np.full(seen.sightings.num_rows, NOT_LABELLED)
    if full:
        vehicle[seen.sighting] = NO_VEHICLE
    _, sighting = seen.sighting_of()
    shown = sighting >= 0
    pairs, n = np.unique(np.column_stack([sighting[shown], true_vehicle[shown]]), axis=0, return_counts=True)
    order = np.lexsort((-pairs[:, 1], n))  # the last written wins: most boxes, then the first name
    vehicle[pairs[order, 0]] = pairs[order, 1]
    return vehicle
