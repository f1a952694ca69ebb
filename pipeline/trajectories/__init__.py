"""Chain links into trajectories along the road: cameras, roads, sightings, links, observability, transitions -> trajectories."""

import hashlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.query import query
from pipeline.tables import TIME, TRAJECTORIES
from pipeline.trajectories import laying, lines, ways
from pipeline.trajectories.bridges import bridged
from pipeline.trajectories.chains import follow
from pipeline.trajectories.lines import Ints

BATCH = 100_000
"""Chains whose lines are drawn at once."""


@dataclass(frozen=True)
class Settings:
    """How links are chained."""

    metric_crs: str
    """Projected CRS with metres, for lengths along the road."""
    max_speed_mps: float = 45.0
    """A leg faster than this along its way is refused."""
    position_m: float = 170.0
    """Metres by which a leg may be shorter than its way: cameras stand, and look, beside where they are said to."""
    min_bridge: float = 0.5
    """Chance from which chains are joined beyond a camera that missed the vehicle; 0.5 is more likely than not, and least."""
    ways: int = 3
    """Ways looked for between two cameras; the one whose usual time fits best is taken."""
    longest: float = 1.5
    """Ways longer than this many times the shortest are not looked for."""


def chain(
    cameras: pa.Table,
    roads: pa.Table,
    sightings: pa.Table,
    links: pa.Table,
    observability: pa.Table,
    transitions: pa.Table,
    settings: Settings,
) -> pa.Table:
    """Follow each vehicle from link to link through the night, past cameras that missed it, and lay its way along the road.

    A sighting goes on by its most probable link only, and only where it is also the most probable of the sighting at
    the other end; links backwards in time or faster than `max_speed_mps` are refused, and so are those between cameras
    that do not support trajectories in that hour. So a sighting is in at most one trajectory, and no vehicle is in two
    places.

    Args:
        cameras: `cameras`.
        roads: `roads`; without rows, or where no way is found, legs are straight.
        sightings: `sightings` of the night.
        links: `links` of the night.
        observability: `observability` of the night.
        transitions: `transitions` of the night; how far the cameras' clocks are apart.
        settings: Metric CRS, speed limit, ways.

    Returns:
        `trajectories`: lengths in metres along the road, `mean_speed_mps` = length / time from the middle of the first
        sighting to the middle of the last, `probability` the product of the links', geometry degrees WGS 84 with the time
        at each vertex, all by the clock of the first camera. Ids are a hash of the sightings' ids and as short-lived as
        those.
    """
    there = {"sightings": sightings, "observability": observability, "transitions": transitions}
    legs = _placed(query("trajectories/legs", links=links, **there), cameras)
    bridges = _placed(bridged(legs, **there, min_probability=settings.min_bridge), cameras)
    marks = np.repeat([False, True], [legs.num_rows, bridges.num_rows])
    legs = pa.concat_tables([legs, bridges]).append_column("bridged", pa.array(marks))
    return TRAJECTORIES.check(_told(legs, cameras, roads, settings)) if legs.num_rows else TRAJECTORIES.empty()


def _placed(legs: pa.Table, cameras: pa.Table) -> pa.Table:
    """Keep the legs between cameras that are known."""
    known = cameras["camera_id"].combine_chunks()
    return legs.filter(pc.and_(*(pc.is_in(legs[name], value_set=known) for name in ("from_camera", "to_camera"))))


def _told(legs: pa.Table, cameras: pa.Table, roads: pa.Table, settings: Settings) -> pa.Table:
    """Choose a way for each leg, chain the legs that can be driven, and fill the table."""
    kinds, kind = _kinds(legs)
    known = ways.find(kinds, cameras, roads, settings.metric_crs, settings.ways, settings.longest)
    bounds = settings.max_speed_mps, settings.position_m
    took_us = _us(legs, "gallery_passed_at") - _us(legs, "query_passed_at")
    way = ways.choose(known, kind, took_us, *bounds)
    drivable = np.flatnonzero((known.length_m[way] - settings.position_m) * 1e6 <= settings.max_speed_mps * took_us)
    legs, driven = _chained(legs.take(drivable), way[drivable])
    jump_m = laying.jumps_m(known, driven)
    length_m = known.length_m[driven.way] + jump_m
    slow = (length_m - settings.position_m) * 1e6 <= settings.max_speed_mps * (driven.to_us - driven.from_us)
    if not slow.all():
        legs, driven = _chained(legs.filter(pa.array(slow)), driven.way[slow])
        jump_m = laying.jumps_m(known, driven)
    pace = ways.paces(known, driven.way, driven.to_us - driven.from_us)
    return (
        pa.concat_tables(
            _filled(legs, known, driven, jump_m, pace, settings, low) for low in range(0, len(driven.first) - 1, BATCH)
        )
        if len(driven.way)
        else TRAJECTORIES.empty()
    )


def _kinds(legs: pa.Table) -> tuple[pa.Table, Ints]:
    """List the kinds of legs there are, in order, and which is whose, (l,)."""
    names = list(ways.LEG)
    kinds = (
        legs.select(names).group_by(names).aggregate([]).select(names).sort_by([(name, "ascending") for name in names])
    )
    numbered = kinds.append_column("kind", pa.array(np.arange(kinds.num_rows)))
    named = legs.select(names).append_column("leg", pa.array(np.arange(legs.num_rows)))
    return kinds, named.join(numbered, names).sort_by("leg")["kind"].to_numpy()


def _chained(legs: pa.Table, way: Ints) -> tuple[pa.Table, laying.Driven]:
    """Put legs in the order of their chains, and tell all times of a chain by the clock of its first camera."""
    codes = (
        pa.chunked_array([*legs["query_id"].chunks, *legs["gallery_id"].chunks]).combine_chunks().dictionary_encode()
    )
    rank = np.empty(len(codes.dictionary), np.int64)
    rank[pc.sort_indices(codes.dictionary).to_numpy()] = np.arange(len(rank))
    query_, gallery = np.split(rank[codes.indices.to_numpy()], 2)
    order, first = follow(query_, gallery, len(rank))
    legs = legs.take(pa.array(order))
    clock_us = legs["clock_us"].to_numpy()
    ahead_us = np.cumsum(clock_us) - clock_us
    ahead_us -= np.repeat(ahead_us[first[:-1]], np.diff(first))
    times = (_us(legs, name) - ahead_us for name in ("query_passed_at", "gallery_passed_at", "gallery_left_at"))
    from_us, to_us, left_us = times
    told = legs.append_column("left_us", pa.array(left_us))
    return told, laying.Driven(way[order], from_us, to_us, first)


def _filled(
    legs: pa.Table,
    known: ways.Ways,
    driven: laying.Driven,
    jump_m: lines.Floats,
    pace: lines.Floats,
    settings: Settings,
    low: int,
) -> pa.Table:
    """Fill the rows of some chains."""
    first = driven.first[low : low + BATCH + 1]
    rows = slice(first[0], first[-1])
    legs = legs.slice(rows.start, rows.stop - rows.start)
    part = laying.Driven(driven.way[rows], driven.from_us[rows], driven.to_us[rows], first - first[0])
    begins, ends, jump_m = part.first[:-1], part.first[1:] - 1, jump_m[rows]
    drawn = laying.lay(known, part, jump_m, pace, settings.max_speed_mps)
    length_m = np.add.reduceat(known.length_m[part.way] + jump_m, begins)
    ids = _stops(legs["query_id"], legs["gallery_id"], part.first)
    columns = {
        "trajectory_id": _named(ids),
        "sighting_ids": ids,
        "camera_ids": _stops(legs["from_camera"], legs["to_camera"], part.first),
        "passed_at": _stops(_times(part.from_us), _times(part.to_us), part.first),
        "started_at": legs["query_entered_at"].take(begins),
        "finished_at": _times(legs["left_us"].to_numpy()).take(ends),
        "length_m": length_m,
        "mean_speed_mps": length_m * 1e6 / (part.to_us[ends] - part.from_us[begins]),
        "probability": pa.array(
            np.multiply.reduceat(legs["probability"].to_numpy().astype(np.float64), begins), pa.float32()
        ),
        "geometry": lines.to_wkb(drawn),
        "vertices_at": lines.times(drawn),
        "bridged": pa.ListArray.from_arrays(pa.array(part.first, pa.int32()), legs["bridged"].combine_chunks()),
    }
    return pa.table(columns, schema=TRAJECTORIES.schema)


def _stops(one: pa.ChunkedArray, other: pa.ChunkedArray, first: Ints) -> pa.ListArray:
    """List what is at the start of each chain's first leg and at the end of each of its legs."""
    count, chain_ = len(one), np.repeat(np.arange(len(first) - 1), np.diff(first))
    taken = np.empty(count + len(first) - 1, np.int64)
    taken[np.arange(count) + chain_ + 1] = count + np.arange(count)
    taken[first[:-1] + np.arange(len(first) - 1)] = first[:-1]
    both = pa.concat_arrays(
        [each.combine_chunks() if isinstance(each, pa.ChunkedArray) else each for each in (one, other)]
    )
    return pa.ListArray.from_arrays(pa.array(first + np.arange(len(first)), pa.int32()), both.take(pa.array(taken)))


def _named(ids: pa.ListArray) -> pa.Array:
    """Name each chain after its sightings."""
    texts = pc.binary_join(ids, "\n").to_pylist()
    return pa.array([hashlib.blake2s(text.encode(), digest_size=10).hexdigest() for text in texts], pa.string())


def _us(legs: pa.Table, name: str) -> Ints:
    """Return a column of times as microseconds since 1970."""
    return np.asarray(legs[name].cast(pa.int64()).to_numpy())


def _times(at_us: Ints) -> pa.Array:
    """Return microseconds since 1970 as times."""
    return pa.array(at_us).cast(TIME)
