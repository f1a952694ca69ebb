"""List the ways from camera to camera that headings and roads allow, each with a guess of its travel times."""

from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline import travel
from pipeline.geo import HEADINGS, bearing, bearing_between, haversine_m, turn_deg
from pipeline.routing import RoadGraph
from pipeline.transitions.settings import Settings

Floats = NDArray[np.float64]
NAMES = ("from_camera", "to_camera", "heading", "to_heading")


@dataclass(frozen=True)
class Camera:
    """A camera, and how many vehicles it saw in each heading."""

    camera_id: str
    lon: float
    lat: float
    cadence_s: float
    headings: dict[str, int]
    """Vehicles seen in each heading."""
    stay_s: dict[str, float] = field(default_factory=dict)
    """Usual seconds in view in each heading: nine in ten stay no longer."""


@dataclass(frozen=True)
class Leg:
    """A way on the map: how long it is, and where it leads first and last."""

    length_m: float
    first_deg: float
    last_deg: float


class Map:
    """The road graph, or straight lines where there is none."""

    def __init__(self, roads: pa.Table, settings: Settings) -> None:
        """Index the roads."""
        self.settings = settings
        self.graph = RoadGraph(roads, settings.metric_crs) if roads.num_rows else None

    def leg(self, start: Camera, end: Camera, heading: str = "none", to_heading: str = "none") -> Leg:
        """Return the way from camera to camera on leaving the first in one heading and reaching the second in another."""
        ends = start.lon, start.lat, end.lon, end.lat
        wanted = [bearing(each) if each in HEADINGS else None for each in (heading, to_heading)]
        route = self.graph.route(*ends, *wanted) if self.graph else None
        if route is None or len(route.coordinates) < 2:
            straight = bearing_between(*ends)
            return Leg(float(haversine_m(*ends)) * self.settings.detour, straight, straight)
        return Leg(route.length_m, _bearing_deg(route.coordinates), (_bearing_deg(route.coordinates[::-1]) + 180) % 360)

    def overlap(self, one: Camera, other: Camera) -> bool:
        """Tell whether the views of two cameras may show one place at once."""
        return bool(haversine_m(one.lon, one.lat, other.lon, other.lat) <= 2 * self.settings.position_m)


@dataclass(frozen=True)
class Way:
    """A way from a heading at one camera to a heading at another, with the travel times expected on it."""

    start: Camera
    end: Camera
    heading: str
    to_heading: str
    road_m: float
    off_deg: float
    """How far both headings are off the road, degrees."""
    travel: travel.Travel
    gain: float = 0.0
    """How much better a learned travel time explains the flows than chance, ln likelihood."""
    clock_s: float = 0.0
    """Seconds that the end's clock is ahead of the start's."""

    @property
    def names(self) -> tuple[str, str, str, str]:
        """Return cameras and headings: from, to, heading, to_heading."""
        return self.start.camera_id, self.end.camera_id, self.heading, self.to_heading


def joined(places: list[Camera], map_: Map) -> list[tuple[Camera, Camera, float]]:
    """List the directed pairs of cameras in reach with few enough cameras in between, and the metres of road."""
    settings = map_.settings
    near = {place.camera_id: _nearest(place, places, settings) for place in places}
    known = {place.camera_id: place for place in places}
    road_m = {
        (start.camera_id, end.camera_id): map_.leg(start, end).length_m
        for start in places
        for end in near[start.camera_id]
    }
    return [
        (known[first], known[second], road_m[first, second])
        for first, second in sorted(road_m)
        if map_.overlap(known[first], known[second])
        or (
            road_m[first, second] <= settings.max_road_m
            and _between(known[first], known[second], near, road_m, map_) <= settings.skipped
        )
    ]


def _nearest(start: Camera, places: list[Camera], settings: Settings) -> list[Camera]:
    """Return the cameras nearest to one, itself left out."""
    lon, lat = (np.array([getattr(place, name) for place in places]) for name in ("lon", "lat"))
    metres = haversine_m(start.lon, start.lat, lon, lat)
    order = [row for row in np.argsort(metres, kind="stable") if places[row] is not start]
    return [places[row] for row in order[: settings.neighbours] if metres[row] <= settings.max_road_m]


def _between(
    start: Camera, end: Camera, near: dict[str, list[Camera]], road_m: dict[tuple[str, str], float], map_: Map
) -> int:
    """Count the cameras that stand on the way of a pair; those that look at either end do not."""
    whole_m = road_m[start.camera_id, end.camera_id]
    longest_m = 1.05 * whole_m + map_.settings.position_m
    return sum(
        road_m[start.camera_id, other.camera_id] + road_m.get((other.camera_id, end.camera_id), np.inf) <= longest_m
        and not map_.overlap(start, other)
        and not map_.overlap(other, end)
        for other in near[start.camera_id]
        if other is not end
    )


def ways(start: Camera, end: Camera, road_m: float, map_: Map) -> list[Way]:
    """List the headings in which a vehicle may leave the first camera for the second, and reach the second.

    Where headings are compass points, both must fit the road at their end, and the way they force must not turn back; where
    views overlap, both must be much the same.
    """
    return list({each.names: each for each in _allowed(start, end, road_m, map_)}.values())


def _allowed(start: Camera, end: Camera, road_m: float, map_: Map) -> list[Way]:
    settings, straight = map_.settings, bearing_between(start.lon, start.lat, end.lon, end.lat)
    longest_m, overlap = settings.max_turn_back * road_m + 2 * settings.position_m, map_.overlap(start, end)
    out = []
    for heading in sorted(start.headings):
        for to_heading in _towards(heading, end):
            if overlap:
                if _apart(heading, to_heading) <= settings.beside_deg:
                    out.append(beside(start, end, heading, to_heading, settings))
                continue
            leg = map_.leg(start, end, heading, to_heading)
            off_deg = _off(heading, leg.first_deg) + _off(to_heading, leg.last_deg)
            turned = max(_off(heading, straight), _off(to_heading, straight)) > settings.turned_deg
            if leg.length_m <= longest_m and off_deg <= settings.off_deg and not turned:
                guess = guessed(leg.length_m, settings.speed_mps, settings)
                out.append(Way(start, end, heading, to_heading, leg.length_m, off_deg, guess))
    return out


def _towards(heading: str, end: Camera) -> list[str]:
    """List the headings in which those who left in one heading may be seen."""
    told = heading in HEADINGS and any(name in HEADINGS for name in end.headings)
    return sorted(set(end.headings) & set(HEADINGS)) if told else [*sorted(end.headings), "none"]


def beside(start: Camera, end: Camera, heading: str, to_heading: str, settings: Settings) -> Way:
    """Return the way between two cameras whose views may overlap.

    A vehicle may come to the second before it has left the first, by as long as it usually stays in the first's view.
    """
    straight_m = float(haversine_m(start.lon, start.lat, end.lon, end.lat))
    return Way(
        start, end, heading, to_heading, straight_m, _apart(heading, to_heading),
        guessed(straight_m, settings.speed_mps, settings, start.stay_s.get(heading, 0.0)),
    )  # fmt: skip


def _off(heading: str, bearing_deg: float) -> float:
    """Return the angle between a heading and a bearing, degrees; 0 for headings that are no compass point."""
    return turn_deg(bearing(heading), bearing_deg) if heading in HEADINGS else 0.0


def _apart(heading: str, to_heading: str) -> float:
    """Return the angle between two headings, degrees; 0 where one is no compass point."""
    return _off(heading, bearing(to_heading)) if to_heading in HEADINGS else 0.0


def guessed(road_m: float, speed_mps: float, settings: Settings, stay_s: float | None = None) -> travel.Travel:
    """Guess travel times from metres of road; wide, as neither signals nor queues are known.

    Args:
        road_m: Metres from camera to camera.
        speed_mps: Usual speed.
        settings: Bounds of speed, place and clock.
        stay_s: Where views overlap, how long vehicles usually stay in the first's.
    """
    floor_s = max(0.0, (road_m - 2 * settings.position_m) / settings.max_speed_mps - settings.clock_s)
    slowest_s = (road_m + 2 * settings.position_m) / settings.min_speed_mps + settings.clock_s
    usual_s = (road_m + settings.position_m) / speed_mps - floor_s
    if stay_s is not None:
        floor_s = -stay_s
    mu = float(np.log(max(usual_s, 2.0)))
    late_s = floor_s + float(np.exp(mu + 2.5 * settings.guess_sigma)) + settings.clock_s
    return travel.Travel(mu, settings.guess_sigma, floor_s, min(slowest_s, late_s))


def usual_speed(found: list[Way], settings: Settings) -> float:
    """Return the usual speed of the learned ways, held near the setting where few were learned; metres a second."""
    learned = [way for way in found if way.travel.support and way.travel.floor_s >= 0]
    logs = [np.log((way.road_m + settings.position_m) / way.travel.median_s) for way in learned]
    return float(np.exp((2 * np.log(settings.speed_mps) + sum(logs)) / (2 + len(logs))))


def again(way: Way, speed_mps: float, settings: Settings) -> Way:
    """Guess a way's travel times again, now that a usual speed is known."""
    stay_s = -way.travel.floor_s if way.travel.floor_s < 0 else None
    later = guessed(way.road_m, speed_mps, settings, stay_s)
    return replace(way, travel=replace(later, sigma=settings.usual_sigma))


def best(found: list[Way]) -> list[Way]:
    """Keep one heading of arrival for each pair and heading: the best learned, else the best directed."""
    groups: dict[tuple[str, str, str], list[Way]] = {}
    for way in found:
        groups.setdefault((way.start.camera_id, way.end.camera_id, way.heading), []).append(way)
    return [max(groups[key], key=_merit) for key in sorted(groups)]


def _merit(way: Way) -> tuple[float, float, str]:
    """Order ways with the same start, end and heading: learned first, then as the road runs, then any direction."""
    directed = -way.off_deg - way.road_m / 10.0 if way.to_heading in HEADINGS else float(way.to_heading == "none") - 1e6
    return way.gain if way.travel.support else 0.0, directed, way.to_heading


def _bearing_deg(line: Floats, reach_m: float = 150.0) -> float:
    """Return the bearing from the start of a line to its point some way on, degrees."""
    metres = haversine_m(line[0, 0], line[0, 1], line[:, 0], line[:, 1])
    far = int(np.argmax(metres >= reach_m)) if np.any(metres >= reach_m) else len(line) - 1
    return bearing_between(*line[0], *line[max(far, 1)])
