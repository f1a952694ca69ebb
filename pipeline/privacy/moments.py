"""Take trajectories apart into the moments at which somebody could have seen the vehicle, and make those coarser."""

import numpy as np
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


def inner(moments: pa.Table) -> pa.Table:
    """Leave out the first and the last moment of each vehicle."""
    ordered = moments.sort_by([("vehicle_id", "ascending"), ("entered_at", "ascending")])
    vehicle = ordered["vehicle_id"].combine_chunks()
    if not len(vehicle):
        return ordered
    changes = pc.not_equal(vehicle[1:], vehicle[:-1]).to_numpy(zero_copy_only=False)
    return ordered.filter(pa.array(~np.append(True, changes) & ~np.append(changes, True)))


def coarser(moments: pa.Table, cameras: pa.Table, most: int) -> pa.Table:
    """Name cells of neighbouring cameras instead of cameras.

    Args:
        moments: vehicle_id, camera_id, entered_at.
        cameras: `cameras` of the night.
        most: Cameras of a cell at most; the cameras are cut in half, across the way that they are spread further, until no cell has more.
    """
    lonlat = np.column_stack([cameras["lon"].to_numpy(), cameras["lat"].to_numpy()])
    lonlat = lonlat * [np.cos(np.radians(lonlat[:, 1].mean())), 1.0] if len(lonlat) else lonlat
    cell, cells = np.zeros(len(lonlat), np.int64), [np.arange(len(lonlat))]
    for number, here in enumerate(cells):
        if len(here) > most:
            along = lonlat[here, int(np.ptp(lonlat[here], axis=0).argmax())]
            ordered = here[np.argsort(along, kind="stable")]
            cells += [ordered[: len(here) // 2], ordered[len(here) // 2 :]]
        else:
            cell[here] = number
    at = pc.index_in(moments["camera_id"], cameras["camera_id"].combine_chunks())
    named = pa.array(cell.astype(str)).take(at.combine_chunks())
    return moments.set_column(moments.schema.get_field_index("camera_id"), "camera_id", named)
