"""Find links that no vehicle can drive."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.scores.chains import Links
from pipeline.scores.matching import Floats, Ints
from pipeline.scores.pairing import code
from pipeline.scores.sighted import rows_in

EARTH_RADIUS_M = 6371008.8
SAME_S = 1e-6
"""Times are told to a microsecond."""


def impossible(
    links: Links, sightings: pa.Table, transitions: pa.Table | None, cameras: pa.Table | None, max_speed_mps: float
) -> NDArray[np.bool_]:
    """Tell which links are faster than any vehicle.

    A link's floor is that of its transition (of its heading and hour, else the lowest of its heading, else of the pair of
    cameras), else the straight line at `max_speed_mps`; a pair of which neither is known is not judged. Seconds are told by
    the clock of the first camera, where a transition says by how much the second's is ahead.
    """
    names = _names(sightings, transitions, cameras)
    left, entered = (sightings[name].cast(pa.int64()).to_numpy() for name in ("left_at", "entered_at"))
    camera, heading = (rows_in(sightings[name], names) for name in ("camera_id", "heading"))
    pair = camera[links.query], camera[links.gallery]
    travel_s = (entered[links.gallery] - left[links.query]) / 1e6
    floor_s, ahead_s = _straight(*pair, names, cameras, max_speed_mps), np.zeros(len(travel_s))
    if transitions is not None and transitions.num_rows:
        wanted = [*pair, heading[links.query], _hour(left[links.query])]
        floor_s, ahead_s = _stated(transitions, names, wanted, floor_s)
    fast: NDArray[np.bool_] = travel_s - ahead_s < floor_s - SAME_S
    return fast


def _names(sightings: pa.Table, transitions: pa.Table | None, cameras: pa.Table | None) -> pa.Array:
    """List every camera and heading there is."""
    columns = [sightings[name] for name in ("camera_id", "heading")]
    if transitions is not None:
        columns += [transitions[name] for name in ("from_camera", "to_camera", "heading")]
    if cameras is not None:
        columns.append(cameras["camera_id"])
    return pc.unique(pa.concat_arrays([pc.unique(column) for column in columns]))


def _hour(at_us: Ints) -> Ints:
    """Return the number of the UTC hour of each time."""
    return np.asarray(at_us, np.int64) // 3_600_000_000


def _stated(transitions: pa.Table, names: pa.Array, wanted: list[Ints], floor_s: Floats) -> tuple[Floats, Floats]:
    """Return floor and clock offset that transitions state, the closest that is known; elsewhere `floor_s` and 0."""
    keys = [rows_in(transitions[name], names) for name in ("from_camera", "to_camera", "heading")]
    if "hour_at" in transitions.column_names and (hour := transitions["hour_at"]).null_count < len(hour):
        # Hours are numbered from the first of either, so that codes stay small; 0 is a way that is open at any hour.
        at = _hour(pc.fill_null(hour, pc.min(hour)).cast(pa.int64()).to_numpy())
        first = min(int(at.min()), int(wanted[3].min(initial=at.min()))) - 1
        keys.append(np.where(hour.is_valid().to_numpy(), at - first, 0))
        wanted = [*wanted[:3], wanted[3] - first]
    stated = transitions["floor_s"].to_numpy().astype(np.float64)
    ahead = np.zeros(len(stated))
    if "clock_s" in transitions.column_names:
        ahead = pc.fill_null(transitions["clock_s"], 0.0).to_numpy().astype(np.float64)
    ahead_s, n = np.zeros(len(floor_s)), len(stated)
    for depth in range(2, len(keys) + 1):
        both = code(*(np.concatenate([key, want]) for key, want in zip(keys[:depth], wanted[:depth], strict=True)))
        order = np.lexsort((stated, both[:n]))
        once, first_of = np.unique(both[:n][order], return_index=True)
        place = np.minimum(np.searchsorted(once, both[n:]), len(once) - 1)
        there = once[place] == both[n:]
        row = order[first_of[place]]
        floor_s, ahead_s = np.where(there, stated[row], floor_s), np.where(there, ahead[row], ahead_s)
    return floor_s, ahead_s


def _straight(one: Ints, other: Ints, names: pa.Array, cameras: pa.Table | None, max_speed_mps: float) -> Floats:
    """Return the seconds of the straight line between cameras; minus infinity where one's place is not known."""
    place = np.full((2, len(names)), np.nan)
    if cameras is not None:
        at = rows_in(cameras["camera_id"], names)
        for axis, name in enumerate(("lon", "lat")):
            place[axis, at] = np.radians(cameras[name].to_numpy(zero_copy_only=False).astype(np.float64))
    (lon1, lat1), (lon2, lat2) = place[:, one], place[:, other]
    half = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    seconds: Floats = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(half)) / max_speed_mps
    return np.where(np.isfinite(seconds), seconds, -np.inf)
