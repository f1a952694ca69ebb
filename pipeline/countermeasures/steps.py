"""Hold links against the steps that vehicles truly made from one camera to the next."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.countermeasures.watched import Ints
from pipeline.scores.sighted import codes

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Followed:
    """How well vehicles were followed.

    A step is a vehicle's pass of one camera and its next pass of another; all true steps count, those too
    of which a camera saw only one end or none.
    """

    found: Bools
    """(s,) whether a link joins the two passes of each true step."""
    vehicle: Ints
    """(s,) whose step it is."""
    begins_s: Floats
    ends_s: Floats
    """(s,) when each step's first pass began, and its second; seconds since 1970."""
    right: Bools
    """(l,) whether each link joins two passes of one vehicle; of links both of whose ends show a vehicle."""
    probability: Floats
    """What each of those links said of itself."""
    unknown: int
    """Links of which one end at least is a box that shows no vehicle of the truth: neither right nor wrong."""
    verdicts: dict[str, int]
    """How many pairs of cameras support what."""
    alike: Bools
    """(s,) whether the vehicle is one of the fleet."""

    @cached_property
    def recall(self) -> float:
        """Share of the true steps that were followed."""
        return float(self.found.mean()) if len(self.found) else 0.0

    def recall_within(self, period_s: float) -> float:
        """Return the share of true steps that were followed and do not cross a change of ids every so many seconds."""
        kept = self.found & (self.begins_s // period_s == self.ends_s // period_s)
        return float(kept.mean()) if len(kept) else 0.0

    @cached_property
    def precision(self) -> float:
        """Share right of the links that are known right or wrong; NaN without one."""
        return float(self.right.mean()) if len(self.right) else float("nan")

    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval of the share of steps followed, by chance alone (Wilson, 1927)."""
        n, z = max(len(self.found), 1), 1.959964
        middle, spread = (
            self.recall + z**2 / (2 * n),
            z * np.sqrt(self.recall * (1 - self.recall) / n + (z / (2 * n)) ** 2),
        )
        return float((middle - spread) / (1 + z**2 / n)), float((middle + spread) / (1 + z**2 / n))

    def whole(self, steps: int) -> tuple[float, int]:
        """Return the share of journeys of exactly so many steps that were followed from end to end, and how many there are."""
        _, at, n = np.unique(self.vehicle, return_inverse=True, return_counts=True)
        kept = np.bincount(at, self.found, len(n)) == n
        there = n == steps
        return (float(kept[there].mean()) if there.any() else float("nan")), int(there.sum())


def judged(
    passes: pa.Table,
    shown: Ints,
    sightings: pa.Table,
    links: pa.Table,
    observability: pa.Table,
    alike: Bools | None = None,
) -> Followed:
    """Hold links against the steps that vehicles truly made.

    Args:
        passes: `scores` PASSES.
        shown: (len(sightings),) row of `passes` that each sighting shows, -1 for none.
        sightings: `sightings` rows.
        links: `links` between them.
        observability: `observability` rows; their verdicts are counted.
        alike: (len(passes),) whether each is of a vehicle of the fleet.
    """
    vehicle = codes(passes["vehicle_id"])
    at_s = passes["entered_at"].cast(pa.int64()).to_numpy() / 1e6
    order = np.lexsort((at_s, vehicle))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    step = vehicle[order[1:]] == vehicle[order[:-1]]
    ends = [shown[pc.index_in(links[name], sightings["sighting_id"]).to_numpy()] for name in ("query_id", "gallery_id")]
    both = (ends[0] >= 0) & (ends[1] >= 0)
    ends = [end[both] for end in ends]
    right = vehicle[ends[0]] == vehicle[ends[1]]
    one, other = (place[end[right]] for end in ends)
    found = np.zeros(len(step), bool)
    found[one[other == one + 1]] = True
    fleet = np.zeros(len(vehicle), bool) if alike is None else alike
    pairs = observability.filter(pc.not_equal(observability["pair_camera_id"], ""))["verdict"].to_pylist()
    told = {verdict: pairs.count(verdict) for verdict in sorted(set(pairs))}
    mine, after = order[:-1][step], order[1:][step]
    unknown = int((~both).sum())
    said = links["probability"].to_numpy()[both].astype(np.float64)
    return Followed(found[step], vehicle[mine], at_s[mine], at_s[after], right, said, unknown, told, fleet[mine])
