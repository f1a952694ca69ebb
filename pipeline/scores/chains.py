"""Join sightings to identities by links or trajectories, and find links that no vehicle can drive."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline.scores.matching import Floats, Ints
from pipeline.tables import TRANSITIONS

EARTH_RADIUS_M = 6371008.8


@dataclass(frozen=True)
class Links:
    """Links between rows of sightings."""

    query: Ints
    gallery: Ints
    probability: Floats
    n_sightings: int

    @classmethod
    def of(cls, links: pa.Table, sightings: pa.Table) -> "Links":
        """Find the sightings of links; links to sightings that are not there are left out."""
        links = links.sort_by([("query_id", "ascending"), ("gallery_id", "ascending")])
        rows = [pc.index_in(links[name], sightings["sighting_id"]) for name in ("query_id", "gallery_id")]
        there = pc.and_(pc.is_valid(rows[0]), pc.is_valid(rows[1]))
        query, gallery = (row.filter(there).to_numpy().astype(np.int64) for row in rows)
        probability = links["probability"].filter(there).to_numpy().astype(np.float64)
        return cls(query, gallery, probability, sightings.num_rows)

    def above(self, least: float) -> "Links":
        """Return the links from a probability up."""
        keep = self.probability >= least
        return Links(self.query[keep], self.gallery[keep], self.probability[keep], self.n_sightings)

    def identities(self) -> Ints:
        """Number the chains of links, (n_sightings,); a sighting without a link is alone."""
        edges = coo_array((np.ones(len(self.query)), (self.query, self.gallery)), shape=(self.n_sightings,) * 2)
        numbers: Ints = np.asarray(connected_components(edges, directed=False)[1], np.int64)
        return numbers


def trajectory_identities(trajectories: pa.Table, sightings: pa.Table) -> Ints:
    """Number the trajectories, (n_sightings,); a sighting in none is alone, one in several in the first by id."""
    trajectories = trajectories.sort_by("trajectory_id")
    named = trajectories["sighting_ids"].combine_chunks()
    rows = pc.index_in(named.flatten(), sightings["sighting_id"])
    owner = pc.list_parent_indices(named).filter(pc.is_valid(rows)).to_numpy()
    identity: Ints = np.arange(sightings.num_rows) + trajectories.num_rows
    identity[rows.drop_null().to_numpy()[::-1]] = owner[::-1]
    return identity


def co_members(identity: Ints, camera: Ints) -> tuple[Ints, Ints]:
    """Return the pairs of sightings that have one identity and different cameras."""
    order = np.argsort(identity, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(identity[order])) + 1)
    pairs = [pair for group in groups for pair in combinations(group.tolist(), 2) if camera[pair[0]] != camera[pair[1]]]
    one, other = np.array(pairs, np.int64).reshape(-1, 2).T
    return one, other


def impossible(
    links: Links, sightings: pa.Table, transitions: pa.Table | None, cameras: pa.Table | None, max_speed_mps: float
) -> NDArray[np.bool_]:
    """Tell which links are faster than any vehicle.

    A link's floor is that of its transition (with its heading, else the lowest of the pair of cameras), else the straight
    line at `max_speed_mps`; a pair of which neither is known is not judged.
    """
    left, entered = (sightings[name].cast(pa.int64()).to_numpy() / 1e6 for name in ("left_at", "entered_at"))
    camera, heading = (sightings[name].to_pylist() for name in ("camera_id", "heading"))
    floors, speed = _floors(transitions), _Straight.of(cameras, max_speed_mps)
    lowest = []
    for query, gallery in zip(links.query.tolist(), links.gallery.tolist(), strict=True):
        pair = camera[query], camera[gallery]
        lowest.append(floors.get((*pair, heading[query]), floors.get((*pair, ""), speed.floor_s(*pair))))
    fast: NDArray[np.bool_] = entered[links.gallery] - left[links.query] < np.array(lowest, np.float64)
    return fast


def _floors(transitions: pa.Table | None) -> dict[tuple[str, str, str], float]:
    """Return the floor of each transition, and under heading `` the lowest of its pair of cameras."""
    floors: dict[tuple[str, str, str], float] = {}
    for row in (TRANSITIONS.empty() if transitions is None else transitions).to_pylist():
        pair = row["from_camera"], row["to_camera"]
        for key in ((*pair, row["heading"]), (*pair, "")):
            floors[key] = min(row["floor_s"], floors.get(key, np.inf))
    return floors


@dataclass(frozen=True)
class _Straight:
    """Where cameras stand and how fast one may go between them."""

    place: dict[str, tuple[float, float]]
    max_speed_mps: float

    @classmethod
    def of(cls, cameras: pa.Table | None, max_speed_mps: float) -> "_Straight":
        """Read the places of cameras."""
        rows = [] if cameras is None else cameras.select(["camera_id", "lon", "lat"]).to_pylist()
        return cls({row["camera_id"]: (np.radians(row["lon"]), np.radians(row["lat"])) for row in rows}, max_speed_mps)

    def floor_s(self, one: str, other: str) -> float:
        """Return the seconds of the straight line between two cameras; minus infinity where one is not known."""
        if one not in self.place or other not in self.place:
            return -np.inf
        (lon1, lat1), (lon2, lat2) = self.place[one], self.place[other]
        half = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
        return float(2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(half)) / self.max_speed_mps)
