"""Take trajectories apart into the moments at which somebody could have seen the vehicle."""

import pyarrow as pa
import pyarrow.compute as pc


def moments(trajectories: pa.Table, sightings: pa.Table) -> pa.Table:
    """Return where and when each trajectory was seen.

    Args:
        trajectories: `trajectories` of a night.
        sightings: `sightings` of that night.

    Returns:
        vehicle_id (the trajectory's), camera_id, entered_at of each sighting.
    """
    lists = trajectories["sighting_ids"].combine_chunks()
    owner = trajectories["trajectory_id"].take(pc.list_parent_indices(lists))
    at = pc.index_in(lists.flatten(), sightings["sighting_id"].combine_chunks())
    seen = sightings.select(["camera_id", "entered_at"]).take(at.drop_null())
    return seen.append_column("vehicle_id", owner.filter(at.is_valid()))
