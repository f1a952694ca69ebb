"""Bridge cameras that missed a vehicle: ends and starts of chains two transitions apart -> legs."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.query import query
from pipeline.trajectories.lines import Floats, Ints

CROWDED = 1.0
"""Strangers that come in the time that fits, above which place and time tell nobody apart."""
ROUNDS = 10
"""Rounds in which chances are found from how often a camera misses vehicles, and that from the chances."""
FEW = 1.0
"""Bridges that the share of ends to be bridged is held near what is expected by."""
UNTOLD = "vehicle"
"""The label of a vehicle whose kind is not told; it speaks neither for nor against."""


def bridged(
    legs: pa.Table, sightings: pa.Table, transitions: pa.Table, observability: pa.Table, min_probability: float
) -> pa.Table:
    """Return legs that join the end of a chain to the start of a later one beyond a camera that missed the vehicle.

    A bridge is worth what it explains: an end and a start that belong together cost the chance that the camera in
    between misses a vehicle which turns that way, and takes that long; apart, that the vehicle was lost and that a stranger
    came just then. What is left is an odds for each pair, and with its rivals at both sides the chance of each. At most
    one pair of an end, and of a start, can be more likely than not, so those are one to one at the least cost.

    Args:
        legs: Legs that links make.
        sightings: `sightings` of the night.
        transitions: `transitions` of the night; travel times of each step are added up.
        observability: `observability` of the night; both steps must support trajectories.
        min_probability: Bridges less likely than this are left open; 0.5 or more.

    Returns:
        The columns of `legs`, with `probability`.
    """
    there = {"sightings": sightings, "legs": legs}
    ways = {"transitions": transitions, "observability": observability}
    detours = query("trajectories/detours", {"crowded": CROWDED}, loose=query("trajectories/loose", **there), **ways)
    gaps = query("trajectories/gaps", **there, detours=detours)
    if not gaps.num_rows:
        return legs.slice(0, 0)
    chance = chances(gaps, float(pc.sum(pc.multiply(detours["ends"], detours["expected"])).as_py()))
    chosen = gaps.append_column("probability", pa.array(chance, pa.float32())).filter(
        pa.array(chance >= min_probability)
    )
    return chosen.append_column("distance", pa.nulls(chosen.num_rows, pa.float32())).select(legs.column_names)


def chances(gaps: pa.Table, exposed: float) -> Floats:
    """Return the chance that each gap is one vehicle's.

    Args:
        gaps: Rows of `sql/trajectories/gaps.sql`.
        exposed: Ends that are expected to go on unseen if cameras missed as many vehicles as observability says.
    """
    late_s, mu, sigma, expected, rate = (
        gaps[name].to_numpy() for name in ("late_s", "mu", "sigma", "expected", "rate")
    )
    z = (np.log(np.maximum(late_s, 1e-3)) - mu) / sigma
    density = np.exp(-0.5 * z**2) / (np.maximum(late_s, 1e-3) * sigma * np.sqrt(2 * np.pi))
    ratio = expected * density / rate * _kind(gaps)
    sides = [
        pc.dictionary_encode(gaps[name].combine_chunks()).indices.to_numpy() for name in ("query_id", "gallery_id")
    ]
    often = 1.0
    for _ in range(ROUNDS):
        chance = _marginal(often * ratio, *sides)
        often = (chance.sum() + FEW) / (exposed + FEW)
    return np.asarray(np.round(chance, 4))


def _marginal(odds: Floats, query_: Ints, gallery: Ints) -> Floats:
    """Return the chance of each pair beside its rivals of both sides."""
    left, right = np.bincount(query_, odds)[query_], np.bincount(gallery, odds)[gallery]
    return np.asarray(odds / (1.0 + left + right - odds))


def _kind(gaps: pa.Table, agree: float = 0.9) -> Floats:
    """Return how much the labels of both sides speak for one vehicle: by how rare they are, if they agree."""
    one, other = (np.array(gaps[name].to_pylist()) for name in ("query_label", "gallery_label"))
    number = np.unique(other, return_inverse=True)[1]
    share = np.bincount(number)[number] / len(other)
    told = (one != UNTOLD) & (other != UNTOLD)
    ratio = np.where(one == other, agree / share, (1 - agree) / np.maximum(1 - share, 1e-3))
    return np.asarray(np.where(told, np.minimum(ratio, 10.0), 1.0))
