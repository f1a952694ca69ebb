"""Tell how few known moments single a vehicle out of all, and what a least support keeps of a table."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.scores.sighted import codes

Ints = NDArray[np.int64]
US = 1_000_000


def unicity(passes: pa.Table, points: int, bin_s: float, draws: int = 5, seed: int = 1) -> float:
    """Return the share of journeys that some of their own moments single out from all others.

    A moment is a camera and a stretch of time; somebody who knows `points` of a vehicle's moments asks which
    journeys hold them all (de Montjoye et al., Scientific Reports 3:1376, 2013).

    Args:
        passes: camera_id, vehicle_id and entered_at of every pass; vehicles with fewer distinct moments are left out.
        points: Moments known of each vehicle, drawn by chance.
        bin_s: Seconds within which a time is known.
        draws: How often moments are drawn of each vehicle.
        seed: Of the draws.

    Returns:
        0..1, NaN where no vehicle has moments enough.
    """
    vehicle, moment = _moments(passes, bin_s)
    there = np.zeros((vehicle.max(initial=-1) + 1, moment.max(initial=-1) + 1), bool)
    there[vehicle, moment] = True
    rng, alone = np.random.default_rng([seed, 41]), []
    for who in np.flatnonzero(there.sum(axis=1) >= points):
        own = np.flatnonzero(there[who])
        alone += [there[:, rng.choice(own, points, replace=False)].all(axis=1).sum() == 1 for _ in range(draws)]
    return float(np.mean(alone)) if alone else float("nan")


def enough(passes: pa.Table, points: int, bin_s: float) -> int:
    """Count the journeys that `unicity` tells of: those with so many distinct moments."""
    vehicle, moment = _moments(passes, bin_s)
    distinct = np.unique(np.stack([vehicle, moment]), axis=1)[0]
    return int((np.bincount(distinct) >= points).sum()) if len(distinct) else 0


def withheld(rows: pa.Table, by: list[str], k: int) -> tuple[float, int]:
    """Return the share of vehicles that a least support of k withholds from a table by some columns, and the groups left."""
    counts = rows.group_by(by).aggregate([([], "count_all")])["count_all"].to_numpy()
    kept = counts[counts >= k]
    return (1.0 - float(kept.sum() / counts.sum()) if len(counts) else 0.0), len(kept)


def _moments(passes: pa.Table, bin_s: float) -> tuple[Ints, Ints]:
    """Number the vehicle, and the camera and time together, of each pass."""
    when = passes["entered_at"].cast(pa.int64()).to_numpy() // round(bin_s * US)
    both = (
        codes(passes["camera_id"]) * (int(np.ptp(when)) + 1) + (when - when.min(initial=when[0])) if len(when) else when
    )
    return codes(passes["vehicle_id"]), np.unique(both, return_inverse=True)[1]
