"""Learn which cameras follow which, and how long vehicles take: cameras, roads, sightings -> transitions."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline import motion, travel
from pipeline.geo import HEADINGS, RoadGraph, bearing, bearing_between, haversine_m, turn_deg
from pipeline.query import query
from pipeline.tables import TIME, TRANSITIONS

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Settings:
    """How far apart cameras may be, and how fast vehicles."""

    metric_crs: str = "EPSG:3857"
    """Projected CRS with metres, for bringing cameras onto roads."""
    max_road_m: float = 6000.0
    """Cameras further apart by road than this are not joined, metres."""
    neighbours: int = 16
    """Nearest cameras tried from each."""
    skipped: int = 1
    """Cameras on the way that a vehicle may pass unseen."""
    max_speed_mps: float = 36.0
    """No vehicle is faster, metres a second."""
    min_speed_mps: float = 4.0
    """Slower than this over the whole way is not looked for, metres a second."""
    speed_mps: float = 13.0
    """Guess of the usual speed, signals included, before anything is learned."""
    position_m: float = 80.0
    """How far a camera's stated position, and what it looks at, may be from the truth, metres."""
    clock_s: float = 3.0
    """How far the clocks of two cameras may be apart together with their cadence, seconds."""
    detour: float = 1.3
    """Road metres to one straight metre where there is no road graph."""
    max_turn_back: float = 1.3
    """A way from one heading longer than this many times the shortest way from any leads elsewhere."""
    off_deg: float = 150.0
    """Headings at both ends that are together further off the road's direction lead elsewhere, degrees; they are rough."""
    turned_deg: float = 135.0
    """A heading further than this off the straight line to the other camera leads away, however the road bends, degrees."""
    guess_sigma: float = 0.7
    """Standard deviation of ln(travel time - floor) before anything is learned."""
    usual_sigma: float = 0.5
    """The same for a way that could not be learned, once the learned ones have told the usual speed."""


@dataclass(frozen=True)
class Camera:
    """A camera, and how many vehicles it saw in each heading."""

    camera_id: str
    lon: float
    lat: float
    cadence_s: float
    headings: dict[str, int]
    """Vehicles seen in each heading."""


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


def learn(cameras: pa.Table, roads: pa.Table, sightings: pa.Table, settings: Settings) -> pa.Table:
    """Join each camera to the next ones by road and learn the travel times from how their flows follow one another.

    Nobody's identity is needed: where a road joins two cameras, what leaves the first comes to the second some time
    later, and pairs of sightings with that gap are more frequent than chance (`travel.fit`). Where there is too little traffic to
    tell, the road's length and the usual speed of the learned ways give a wide guess.

    A camera that turned in the night has no ways: its headings are of two views, and none is known for the new one.

    Args:
        cameras: `tables.CAMERAS`.
        roads: `tables.ROADS`; empty where no road graph is given, then ways are straight lines x `detour`.
        sightings: `tables.SIGHTINGS` of the night.
        settings: Distances and speeds.

    Returns:
        `tables.TRANSITIONS`; `heading` or `to_heading` `none` stands for any direction.
    """
    cameras = cameras.filter(~pc.field("camera_id").isin(pa.array(_turned(sightings), pa.string())))
    passings = travel.read(query("transitions/passings", sightings=sightings))
    places, map_ = _places(cameras, passings), Map(roads, settings)
    ways = [way for start, end, road_m in _joined(places, map_, settings) for way in _ways(start, end, road_m, map_)]
    first = _best([_learned(way, passings) for way in ways])
    speed_mps = _usual_speed(first, settings)
    again = [way if way.travel.support else _guessed(way, speed_mps, settings) for way in first]
    rows = [_row(way) | {"hour_at": hour} for way in again for hour in _hours(sightings)]
    return TRANSITIONS.check(pa.Table.from_pylist(rows, schema=TRANSITIONS.schema))


def _hours(sightings: pa.Table) -> list[datetime]:
    """List the hours in which some vehicle came or went."""
    times = pa.chunked_array([*sightings["entered_at"].chunks, *sightings["left_at"].chunks], TIME)
    return sorted(pc.floor_temporal(times, unit="hour").unique().to_pylist())


def _turned(sightings: pa.Table) -> list[str]:
    """Name the cameras that turned in the night."""
    entered_us = sightings["entered_at"].cast(pa.int64()).to_numpy()
    return sorted(motion.turned(sightings["camera_id"].to_pylist(), entered_us, sightings["view"].to_pylist()))


def _places(cameras: pa.Table, passings: travel.Passings) -> list[Camera]:
    """Put together cameras and the headings seen at them."""
    seen: dict[str, dict[str, int]] = {}
    for (camera_id, heading), (came, _) in passings.items():
        seen.setdefault(camera_id, {})[heading] = int(came.sum())
    seen = {name: _usual(headings) for name, headings in seen.items()}
    rows = cameras.select(["camera_id", "lon", "lat", "cadence_s"]).sort_by("camera_id").to_pylist()
    return [Camera(**row, headings=seen[row["camera_id"]]) for row in rows if row["camera_id"] in seen]


def _usual(headings: dict[str, int], share: float = 0.02) -> dict[str, int]:
    """Leave out the headings of so few vehicles that they are more likely mistaken than driven."""
    least = share * sum(headings.values())
    return {name: count for name, count in headings.items() if count >= least}


def _joined(places: list[Camera], map_: Map, settings: Settings) -> list[tuple[Camera, Camera, float]]:
    """List the directed pairs of cameras in reach with few enough cameras in between, and the metres of road."""
    road_m: dict[tuple[str, str], float] = {}
    for start in places:
        for end in _nearest(start, places, settings):
            road_m[start.camera_id, end.camera_id] = map_.leg(start, end).length_m
    between = {pair: _between(pair, road_m, settings) for pair in road_m}
    known = {place.camera_id: place for place in places}
    kept = [
        pair for pair in sorted(road_m) if road_m[pair] <= settings.max_road_m and between[pair] <= settings.skipped
    ]
    return [(known[first], known[second], road_m[first, second]) for first, second in kept]


def _nearest(start: Camera, places: list[Camera], settings: Settings) -> list[Camera]:
    """Return the cameras nearest to one, itself left out."""
    lon, lat = (np.array([getattr(place, name) for place in places]) for name in ("lon", "lat"))
    metres = haversine_m(start.lon, start.lat, lon, lat)
    order = [row for row in np.argsort(metres, kind="stable") if places[row] is not start]
    return [places[row] for row in order[: settings.neighbours] if metres[row] <= settings.max_road_m]


def _between(pair: tuple[str, str], road_m: dict[tuple[str, str], float], settings: Settings) -> int:
    """Count the cameras that stand on the way of a pair."""
    first, second = pair
    slack_m = 0.05 * road_m[pair] + settings.position_m
    halves = [
        road_m[first, other] + road_m[other, second]
        for one, other in road_m
        if one == first and other != second and (other, second) in road_m
    ]
    return sum(half <= road_m[pair] + slack_m for half in halves)


def _ways(start: Camera, end: Camera, road_m: float, map_: Map) -> list[Way]:
    """List the headings in which a vehicle may leave the first camera for the second, and reach the second.

    Where headings are compass points, both must fit the road at their end, and the way they force must not turn back.
    """
    settings, straight = map_.settings, bearing_between(start.lon, start.lat, end.lon, end.lat)
    longest_m = settings.max_turn_back * road_m + 2 * settings.position_m
    out = []
    for heading in sorted(start.headings):
        told = heading in HEADINGS and any(name in HEADINGS for name in end.headings)
        for to_heading in sorted(set(end.headings) & set(HEADINGS)) if told else [*sorted(end.headings), "none"]:
            leg = map_.leg(start, end, heading, to_heading)
            off_deg = _off(heading, leg.first_deg) + _off(to_heading, leg.last_deg)
            turned = max(_off(heading, straight), _off(to_heading, straight)) > settings.turned_deg
            if leg.length_m <= longest_m and off_deg <= settings.off_deg and not turned:
                guess = _guess(leg.length_m, settings.speed_mps, settings)
                out.append(Way(start, end, heading, to_heading, leg.length_m, off_deg, guess))
    return list({(way.heading, way.to_heading): way for way in out}.values())


def _off(heading: str, bearing_deg: float) -> float:
    """Return the angle between a heading and a bearing, degrees; 0 for headings that are no compass point."""
    return turn_deg(bearing(heading), bearing_deg) if heading in HEADINGS else 0.0


def _guess(road_m: float, speed_mps: float, settings: Settings) -> travel.Travel:
    """Guess travel times from metres of road; wide, as neither signals nor queues are known."""
    floor_s = max(0.0, (road_m - 2 * settings.position_m) / settings.max_speed_mps - settings.clock_s)
    slowest_s = (road_m + 2 * settings.position_m) / settings.min_speed_mps + settings.clock_s
    mu = float(np.log(max((road_m + settings.position_m) / speed_mps - floor_s, 2.0)))
    late_s = floor_s + float(np.exp(mu + 2.5 * settings.guess_sigma)) + settings.clock_s
    return travel.Travel(mu, settings.guess_sigma, floor_s, min(slowest_s, late_s))


def _learned(way: Way, passings: travel.Passings) -> Way:
    """Learn a way's travel times from the flows at its ends."""
    went, came = _flow(passings, way.start, way.heading)[1], _flow(passings, way.end, way.to_heading)[0]
    found, gain = travel.fit(went, came, way.travel, max(way.start.cadence_s, way.end.cadence_s))
    return replace(way, travel=found, gain=gain)


def _flow(passings: travel.Passings, camera: Camera, heading: str) -> tuple[Floats, Floats]:
    """Return who came and who went in one heading, or in all where it is `none`."""
    names = [heading] if heading != "none" else sorted(camera.headings)
    came, went = zip(*(passings[camera.camera_id, name] for name in names), strict=True)
    return np.sum(came, axis=0), np.sum(went, axis=0)


def _best(ways: list[Way]) -> list[Way]:
    """Keep one heading of arrival for each pair and heading: the best learned, else the best directed."""
    groups: dict[tuple[str, str, str], list[Way]] = {}
    for way in ways:
        groups.setdefault((way.start.camera_id, way.end.camera_id, way.heading), []).append(way)
    return [max(groups[key], key=_merit) for key in sorted(groups)]


def _merit(way: Way) -> tuple[float, float, str]:
    """Order ways with the same start, end and heading: learned first, then as the road runs, then any direction."""
    directed = -way.off_deg - way.road_m / 10.0 if way.to_heading in HEADINGS else float(way.to_heading == "none") - 1e6
    return way.gain if way.travel.support else 0.0, directed, way.to_heading


def _usual_speed(ways: list[Way], settings: Settings) -> float:
    """Return the usual speed of the learned ways, held near the setting where few were learned; metres a second."""
    learned = [way for way in ways if way.travel.support]
    logs = [np.log((way.road_m + settings.position_m) / way.travel.median_s) for way in learned]
    return float(np.exp((2 * np.log(settings.speed_mps) + sum(logs)) / (2 + len(logs))))


def _guessed(way: Way, speed_mps: float, settings: Settings) -> Way:
    """Guess a way's travel times again, now that a usual speed is known."""
    again = _guess(way.road_m, speed_mps, settings)
    return replace(way, travel=replace(again, sigma=settings.usual_sigma))


def _row(way: Way) -> dict[str, Any]:
    """Write one way as a row of the table."""
    return {
        "from_camera": way.start.camera_id,
        "to_camera": way.end.camera_id,
        "heading": way.heading,
        "to_heading": way.to_heading,
        "road_m": way.road_m,
        "travel_mu": way.travel.mu,
        "travel_sigma": way.travel.sigma,
        "floor_s": way.travel.floor_s,
        "ceiling_s": way.travel.ceiling_s,
        "clock_s": 0.0,
        "support": way.travel.support,
        "hour_support": way.travel.support,
        "fit": float(way.travel.support > 0),
        "source": "learned" if way.travel.support else "road",
    }


def _bearing_deg(line: Floats, reach_m: float = 150.0) -> float:
    """Return the bearing from the start of a line to its point some way on, degrees."""
    metres = haversine_m(line[0, 0], line[0, 1], line[:, 0], line[:, 1])
    far = int(np.argmax(metres >= reach_m)) if np.any(metres >= reach_m) else len(line) - 1
    return bearing_between(*line[0], *line[max(far, 1)])
