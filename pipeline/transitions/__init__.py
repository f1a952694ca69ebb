"""Learn which cameras follow which, and how long vehicles take: cameras, roads, sightings -> transitions."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline import motion, travel
from pipeline.tables import TIME, TRANSITIONS
from pipeline.transitions.clocks import offsets
from pipeline.transitions.flows import Flows, Group
from pipeline.transitions.hours import by_hour
from pipeline.transitions.settings import Settings
from pipeline.transitions.ways import Camera, Leg, Map, Way, again, best, joined, usual_speed, ways

__all__ = ["Camera", "Leg", "Map", "Settings", "learn"]
Ints = NDArray[np.int64]
RARE = 0.02
"""Headings of a smaller share of a camera's vehicles are more likely mistaken than driven."""


def learn(cameras: pa.Table, roads: pa.Table, sightings: pa.Table, settings: Settings) -> pa.Table:
    """Join each camera to the next ones by road and learn the travel times from how their flows follow one another.

    Nobody's identity is needed: where a road joins two cameras, what leaves the first comes to the second some time
    later, and pairs of sightings with that gap are more frequent than chance (`travel.fit`). Clocks that are far off are set
    right first, by the same flows (`clocks.offsets`). Where there is too little traffic to tell, the road's length and the
    usual speed of the learned ways give a wide guess. Then each hour's own pairs move the night's travel times
    (`hours.by_hour`).

    A camera that turned in the night has no ways: its headings are of two views, and none is known for the new one.

    Args:
        cameras: `tables.CAMERAS`.
        roads: `tables.ROADS`; empty where no road graph is given, then ways are straight lines x `detour`.
        sightings: `tables.SIGHTINGS` of the night.
        settings: Distances and speeds.

    Returns:
        `tables.TRANSITIONS`, a row for each hour of the night in which some vehicle came or went; `heading` or `to_heading`
        `none` stands for any direction.
    """
    cameras = cameras.filter(~pc.field("camera_id").isin(pa.array(_turned(sightings), pa.string())))
    flows = Flows(sightings)
    places, map_ = _places(cameras, flows), Map(roads, settings)
    allowed = [way for start, end, road_m in joined(places, map_) for way in ways(start, end, road_m, map_)]
    ahead = offsets(allowed, flows, settings)
    first = best([_learned(_timed(way, ahead), flows) for way in allowed])
    speed_mps = usual_speed(first, settings)
    settled = [way if way.travel.support else again(way, speed_mps, settings) for way in first]
    hours = _hours(sightings)
    rows = [row for way in settled for row in _rows(way, flows, hours)]
    return TRANSITIONS.check(pa.Table.from_pylist(rows, schema=TRANSITIONS.schema))


def _turned(sightings: pa.Table) -> list[str]:
    """Name the cameras that turned in the night."""
    entered_us = sightings["entered_at"].cast(pa.int64()).to_numpy()
    return sorted(motion.turned(sightings["camera_id"].to_pylist(), entered_us, sightings["view"].to_pylist()))


def _places(cameras: pa.Table, flows: Flows) -> list[Camera]:
    """Put together cameras and the headings seen at them, in the order of their ids."""
    seen: dict[str, dict[str, int]] = {}
    for (camera_id, heading), passing in flows.of.items():
        seen.setdefault(camera_id, {})[heading] = len(passing.came)
    usual = {name: _usual(headings) for name, headings in seen.items()}
    rows = cameras.select(["camera_id", "lon", "lat", "cadence_s"]).sort_by("camera_id").to_pylist()
    return [
        Camera(**row, headings=usual[name], stay_s={each: flows.of[name, each].stay_s for each in usual[name]})
        for row in rows
        if (name := row["camera_id"]) in usual
    ]


def _usual(headings: dict[str, int]) -> dict[str, int]:
    """Leave out the headings of so few vehicles that they are more likely mistaken than driven."""
    least = RARE * sum(headings.values())
    return {name: count for name, count in headings.items() if count >= least}


def _timed(way: Way, ahead: dict[str, float]) -> Way:
    """Tell by how much the clock at the end of a way is ahead of that at its start."""
    return replace(way, clock_s=ahead.get(way.end.camera_id, 0.0) - ahead.get(way.start.camera_id, 0.0))


def _learned(way: Way, flows: Flows) -> Way:
    """Learn a way's travel times from the flows at its ends."""
    went, came = _ends(way)
    most = min(flows.count(went), flows.count(came))
    if most < travel.LEAST_SUPPORT:
        return way
    gaps = travel.Gaps.of(flows.ring(went, came), max(way.start.cadence_s, way.end.cadence_s))
    found, gain = travel.fit(gaps, way.travel, most, way.clock_s)
    return replace(way, travel=found, gain=gain)


def _ends(way: Way) -> tuple[tuple[Group, ...], tuple[Group, ...]]:
    """Return the cameras and headings at both ends of a way; all headings of one where it is `none`."""
    sides = (way.start, way.heading), (way.end, way.to_heading)
    went, came = (
        tuple((camera.camera_id, name) for name in ([heading] if heading != "none" else sorted(camera.headings)))
        for camera, heading in sides
    )
    return went, came


def _hours(sightings: pa.Table) -> list[datetime]:
    """List the hours in which some vehicle came or went."""
    times = pa.chunked_array([*sightings["entered_at"].chunks, *sightings["left_at"].chunks], TIME)
    found: list[datetime] = sorted(pc.floor_temporal(times, unit="hour").unique().to_pylist())
    return found


def _rows(way: Way, flows: Flows, hours: list[datetime]) -> list[dict[str, Any]]:
    """Write one way as rows of the table, one for each hour."""
    begins = np.array([round(hour.timestamp()) - flows.first_s for hour in hours], np.int64)
    found = by_hour(way, *_ends(way), flows, begins)
    same = {
        "from_camera": way.start.camera_id, "to_camera": way.end.camera_id, "heading": way.heading,
        "to_heading": way.to_heading, "road_m": way.road_m, "floor_s": way.travel.floor_s, "clock_s": way.clock_s,
        "support": way.travel.support, "fit": found.fit, "source": "learned" if way.travel.support else "road",
    }  # fmt: skip
    return [
        same | {
            "hour_at": hour, "travel_mu": each.mu, "travel_sigma": each.sigma, "ceiling_s": each.ceiling_s,
            "hour_support": support,
        }
        for hour, each, support in zip(hours, found.travel, found.support, strict=True)
    ]  # fmt: skip
