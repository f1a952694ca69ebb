"""Join sightings to identities by links or trajectories."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline.scores.matching import Floats, Ints


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
        ids = sightings["sighting_id"].combine_chunks()
        rows = [pc.index_in(links[name], ids) for name in ("query_id", "gallery_id")]
        there = pc.and_(pc.is_valid(rows[0]), pc.is_valid(rows[1]))
        query, gallery = (row.filter(there).to_numpy().astype(np.int64) for row in rows)
        order = np.lexsort((gallery, query))
        probability = links["probability"].filter(there).to_numpy().astype(np.float64)
        return cls(query[order], gallery[order], probability[order], sightings.num_rows)

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
    rows = pc.index_in(named.flatten(), sightings["sighting_id"].combine_chunks())
    owner = pc.list_parent_indices(named).filter(pc.is_valid(rows)).to_numpy()
    identity: Ints = np.arange(sightings.num_rows) + trajectories.num_rows
    identity[rows.drop_null().to_numpy()[::-1]] = owner[::-1]
    return identity
