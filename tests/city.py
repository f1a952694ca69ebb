"""Stand in for the servers of three feeds: `python tests/city.py --feed tfl_jamcams --cameras 1000 --faulty 0.05`.

Lists, addresses, headers and sizes are in the operators' shapes; cameras, streets and times are invented. A feed is pointed
at it by `--source http://127.0.0.1:PORT`. Each camera has a new picture every cadence, and a share of them is faulty.
"""

import argparse
import asyncio
import json
import random
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email.utils import formatdate
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import streets
from loopback import FAULTS, Connection, Loopback, Reply, says, whole

SHAPES = ("tfl_jamcams", "caltrans_cwwp2", "lta_sg")
HANGS = ("drip-body", "drip-header", "never")
"""Faults that last until a deadline."""
SPARED = ("429", "503", "infinite")
"""Faults of a whole server, and one that keeps this one busy: planted only where they are named."""
STATES = {
    **dict.fromkeys(FAULTS, "missed"), "long-CL": "broken", "card": "placeholder", "dark": "dark", "torn": "broken",
    "cut": "broken", "lies": "broken", "tiny": "broken", "frozen": "frozen", "stale": "stale", "ahead": "ok",
}  # fmt: skip
"""In which state of `frames` a camera with a fault ends; `frozen` is so from its second picture on, and `ok` before."""
KINDS = tuple(kind for kind in STATES if kind not in SPARED)
STALE_CADENCES, AHEAD_S = 40, 3600.0
VIEWS = ("North", "West", "ZOOM EAST-The Mill", "South (A999 twds Weir)", "")
SINGAPORE = timezone(timedelta(hours=8))
TFL = "/api.tfl.gov.uk/Place/Type/JamCam"
JAMCAMS = "s3-eu-west-1.amazonaws.com/jamcams.tfl.gov.uk"
CALTRANS = "cwwp2.dot.ca.gov/data"
LTA = "/api.data.gov.sg/v1/transport/traffic-images"
CAPTURE = re.compile(r"/images\.data\.gov\.sg/api/traffic-images/\d{4}/\d\d/0*(\d+)-0000-4000-8000-(\d{12})\.jpg")
DISTRICTS = 12


@dataclass(frozen=True)
class Street:
    """One camera of the city."""

    number: int
    cadence_s: float
    size: tuple[int, int]
    fault: str = ""
    """Empty, or what is wrong with it: a key of STATES."""

    def capture(self, now: float) -> int:
        """Return the number of the picture it shows at a time; cameras do not change in step."""
        return int((now - self.phase_s) // self.cadence_s)

    def taken_at(self, capture: int) -> float:
        """Return when a picture was taken as its server says, seconds since 1970."""
        off_s = {"stale": -STALE_CADENCES * max(self.cadence_s, 60.0), "ahead": AHEAD_S}.get(self.fault, 0.0)
        return self.phase_s + capture * self.cadence_s + off_s

    @property
    def phase_s(self) -> float:
        """Return when in its cadence it has a new picture."""
        return self.number * 0.618 % 1.0 * self.cadence_s

    def draw(self, capture: int, words: str) -> bytes:
        """Return a picture's bytes."""
        if faulty := streets.FAULTY.get(self.fault):
            return faulty(self.number, capture, self.size)
        return streets.still(self.number, capture, self.size, words)


class City(Loopback):
    """Cameras of one feed or of several, their lists and their pictures.

    Args:
        cameras: How many of each feed's shape.
        faulty: Share of the cameras that is faulty.
        faults: What is wrong with them, in turn; keys of STATES.
        cadence_s: Seconds between two pictures of a camera; None for the operator's own.
        widest_px: Wider pictures, which take long to draw, are shown smaller.
        clock: Tells the time, seconds since 1970.
    """

    def __init__(
        self, cameras: dict[str, int], faulty: float = 0.0, faults: Sequence[str] = KINDS, cadence_s: float | None = None,
        clock: Callable[[], float] = time.time, port: int = 0, widest_px: int = 1920,
    ) -> None:  # fmt: skip
        super().__init__(port=port)
        self.clock = clock
        self.streets = {
            feed: _built(feed, count, faulty, faults, cadence_s, widest_px) for feed, count in cameras.items()
        }
        self.drawn: dict[tuple[int, tuple[int, int]], tuple[int, bytes]] = {}
        self.ways: dict[str, Callable[[str], Reply]] = {}
        self._lay()

    def faults(self, feed: str) -> dict[str, str]:
        """Return what is wrong with each camera, by its feed's id; empty for nothing."""
        return {NATIVE[feed](street): street.fault for street in self.streets[feed]}

    def reply(self, path: str) -> Reply | None:
        """Choose what an address answers."""
        plain, _, query = path.partition("?")
        if plain in self.ways:
            return self.ways[plain](query)
        if match := CAPTURE.fullmatch(plain):
            number, capture = int(match[1]) - 1, int(match[2])
            there = self.streets.get("lta_sg", [])
            return self._shown(there[number], capture) if number < len(there) else _gone
        return super().reply(path) if plain.startswith("/fault/") else _gone

    def _lay(self) -> None:
        """Give every list and every picture its address."""
        if "tfl_jamcams" in self.streets:
            self.ways[TFL] = lambda _: says(_json(_places(self.streets["tfl_jamcams"])))
        for street in self.streets.get("tfl_jamcams", []):
            self.ways[f"/{JAMCAMS}/{_jamcam(street)}.jpg"] = partial(self._newest, street)
        for district in range(1, DISTRICTS + 1) if "caltrans_cwwp2" in self.streets else ():
            path = f"/{CALTRANS}/d{district}/cctv/cctvStatusD{district:02}.json"
            self.ways[path] = lambda _, of=district: says(_json(_district(self.streets["caltrans_cwwp2"], of)))
        for street in self.streets.get("caltrans_cwwp2", []):
            self.ways["/" + _caltrans(street)] = partial(self._newest, street, words=f"I-999 : ({street.number}) Alder")
            for back in range(1, 13):
                self.ways["/" + _caltrans(street, back)] = partial(self._newest, street, back_s=900.0 * back)
        if "lta_sg" in self.streets:
            self.ways[LTA] = lambda query: says(_json(_batches(self.streets["lta_sg"], _asked(query, self.clock()))))

    def _newest(self, street: Street, _query: str = "", words: str = "", back_s: float = 0.0) -> Reply:
        """Answer with the picture that a camera shows, or showed a while ago."""
        return self._shown(street, street.capture(self.clock() - back_s), words)

    def _shown(self, street: Street, capture: int, words: str = "") -> Reply:
        """Answer with one picture of a camera, or with its fault."""
        if street.fault in FAULTS:
            return FAULTS[street.fault]
        return partial(self._send, street, capture, words)

    async def _send(self, street: Street, capture: int, words: str, to: Connection) -> None:
        """Send a picture, unless it is the one known."""
        tag = f'"{street.number:x}-{capture:x}"'
        facts = (f"ETag: {tag}", f"Last-Modified: {formatdate(street.taken_at(capture), usegmt=True)}")
        if to.headers.get("if-none-match") == tag:
            to.write(whole(b"", *facts, status="304 Not Modified"))
            return
        kind = "application/octet-stream" if street in self.streets.get("lta_sg", ()) else "image/jpeg"
        to.write(whole(self._picture(street, capture, words), *facts, f"Content-Type: {kind}"))

    def _picture(self, street: Street, capture: int, words: str) -> bytes:
        """Return a picture; the last one of each camera is kept."""
        kept = self.drawn.get((street.number, street.size))
        if kept is None or kept[0] != capture:
            at = datetime.fromtimestamp(street.taken_at(capture), UTC)
            kept = capture, street.draw(capture, f"{words} {at:%F %T}" if words else "")
            self.drawn[street.number, street.size] = kept
        return kept[1]


async def _gone(to: Connection) -> None:
    """Answer where nothing is."""
    to.write(whole(b"<html>nothing here</html>", status="404 Not Found"))


def _built(
    feed: str, count: int, faulty: float, faults: Sequence[str], cadence_s: float | None, widest_px: int
) -> list[Street]:
    """Build the cameras of a feed."""
    chosen = random.Random(feed).sample(range(count), round(count * faulty)) if faults else []
    wrong = {number: faults[n % len(faults)] for n, number in enumerate(chosen)}
    sizes = {"tfl_jamcams": (352, 288), "caltrans_cwwp2": (320, 260), "lta_sg": (1920, 1080)}
    cadences = {"tfl_jamcams": (300.0,), "caltrans_cwwp2": (60.0, 120.0, 180.0, 300.0), "lta_sg": (60.0,)}[feed]
    return [
        Street(
            n, cadence_s or cadences[n % len(cadences)],
            (640, 360) if feed == "lta_sg" and (n % 9 == 8 or widest_px < 1920) else sizes[feed], wrong.get(n, ""),
        )
        for n in range(count)
    ]  # fmt: skip


NATIVE: dict[str, Callable[[Street], str]] = {
    "tfl_jamcams": lambda street: f"JamCams_{_jamcam(street)}",
    "caltrans_cwwp2": lambda street: f"{street.number % DISTRICTS + 1}-{street.number}",
    "lta_sg": lambda street: f"{9000 + street.number}",
}
"""How each feed calls a camera."""


def _spot(number: int, box: tuple[float, float, float, float]) -> tuple[float, float]:
    """Return longitude and latitude of a camera inside a box."""
    west, south, east, north = box
    return (
        round(west + (east - west) * (number * 0.7548 % 1.0), 5),
        round(south + (north - south) * (number * 0.5698 % 1.0), 5),
    )


def _jamcam(street: Street) -> str:
    return f"09001.{street.number:05}"


def _places(there: list[Street]) -> list[dict[str, Any]]:
    """Return London's list: a row in fifty is out of service."""
    return [_place(_jamcam(street), street.number, available="true") for street in there] + [
        _place(f"09002.{n:05}", n, available="false") for n in range(len(there) // 50)
    ]


def _place(name: str, number: int, available: str) -> dict[str, Any]:
    told = {
        "available": available,
        "imageUrl": f"https://{JAMCAMS}/{name}.jpg",
        "videoUrl": f"https://{JAMCAMS}/{name}.mp4",
        "view": VIEWS[number % len(VIEWS)],
    }
    kind = "Tfl.Api.Presentation.Entities"
    stamp = {"sourceSystemKey": "JamCams", "modified": "2026-01-02T03:04:05.678Z"}
    properties = [
        {"$type": f"{kind}.AdditionalProperties, {kind}", "category": "payload", "key": key, "value": value} | stamp
        for key, value in told.items()
    ]
    lon, lat = _spot(number, (-0.4, 51.35, 0.2, 51.65))
    return {
        "$type": f"{kind}.Place, {kind}", "id": f"JamCams_{name}", "url": f"/Place/JamCams_{name}",
        "commonName": f"Alder Rd / Lane {number}", "placeType": "JamCam", "additionalProperties": properties,
        "children": [], "childrenUrls": [], "lat": lat, "lon": lon,
    }  # fmt: skip


def _caltrans(street: Street, back: int = 0) -> str:
    """Return the address of a camera's picture, or of an earlier one, without its scheme."""
    name = f"i999alder{street.number}"
    folder = f"{CALTRANS}/d{street.number % DISTRICTS + 1}/cctv/image/{name}"
    return f"{folder}/previous/{name}-{back}.jpg" if back else f"{folder}/{name}.jpg"


def _district(there: list[Street], district: int) -> dict[str, Any]:
    """Return one district's list: every value is a text, and a row in fifty is out of service."""
    here = [street for street in there if street.number % DISTRICTS + 1 == district]
    off = [Street(len(there) + n, 60.0, (320, 260)) for n in range(len(there) // 50)]
    off = [street for street in off if street.number % DISTRICTS + 1 == district]
    return {"data": [{"cctv": each} for each in (*_cctvs(here, district, "true"), *_cctvs(off, district, "false"))]}


def _cctvs(there: list[Street], district: int, in_service: str) -> Iterator[dict[str, Any]]:
    for street in there:
        lon, lat = _spot(street.number, (-121.0, 34.0, -117.5, 38.5))
        name = f"I-999 : ({street.number}) Alder Ave"
        earlier = {
            f"referenceImage{back}Update{'s' if back > 1 else ''}AgoURL": f"https://{_caltrans(street, back)}"
            for back in range(1, 13)
        }
        yield {
            "index": f"{street.number}",
            "recordTimestamp": {"recordDate": "2024-02-03", "recordTime": "04:05:06", "recordEpoch": "1706961906"},
            "location": {
                "district": f"{district}", "locationName": name, "nearbyPlace": "Milltown", "longitude": f"{lon}",
                "latitude": f"{lat}", "elevation": "12", "direction": "South", "county": "Alder", "route": "I-999",
                "routeSuffix": "", "postmilePrefix": "", "postmile": "1.25", "alignment": "", "milepost": "1.5",
            },
            "inService": in_service,
            "imageData": {
                "imageDescription": "Looking North" if street.number % 3 else "", "streamingVideoURL": "",
                "static": {
                    "currentImageUpdateFrequency": f"{max(1, round(street.cadence_s / 60))}",
                    "currentImageURL": f"https://{_caltrans(street)}", "referenceImageUpdateFrequency": "15",
                } | earlier,
            },
        }  # fmt: skip


def _batches(there: list[Street], now: float) -> dict[str, Any]:
    """Return Singapore's list of a time: three batches, each capture at an address of its own."""
    items = [
        {"timestamp": _local(now - 20.0 * batch), "cameras": [_captured(street, now) for street in there[batch::3]]}
        for batch in range(min(3, len(there)))
    ]
    return {"items": items, "api_info": {"status": "healthy"}}


def _captured(street: Street, now: float) -> dict[str, Any]:
    capture = street.capture(now)
    at = datetime.fromtimestamp(street.taken_at(capture), SINGAPORE)
    name = f"{street.number + 1:08}-0000-4000-8000-{capture:012}"
    lon, lat = _spot(street.number, (103.65, 1.24, 104.05, 1.45))
    width, height = street.size
    return {
        "timestamp": _local(at.timestamp()), "image": f"https://images.data.gov.sg/api/traffic-images/{at:%Y/%m}/{name}.jpg",
        "location": {"latitude": lat, "longitude": lon}, "camera_id": NATIVE["lta_sg"](street),
        "image_metadata": {"height": height, "width": width, "md5": f"{street.number:016x}{capture:016x}"},
    }  # fmt: skip


def _asked(query: str, now: float) -> float:
    """Return the time that Singapore's list is asked for: now, or `date_time`, local."""
    told = parse_qs(query).get("date_time", [""])[0]
    return datetime.fromisoformat(told).replace(tzinfo=SINGAPORE).timestamp() if told else now


def _local(at: float) -> str:
    return datetime.fromtimestamp(at, SINGAPORE).isoformat(timespec="seconds")


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


async def _serve(city: City) -> None:
    """Answer until somebody stops it."""
    async with await city.start() as server:
        print(city.url, flush=True)
        await server.serve_forever()


def main() -> None:
    """Serve what the command line asks for."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--feed", action="append", metavar="NAME[=CAMERAS]", help=f"of {', '.join(SHAPES)}; default: all"
    )
    options.add_argument("--cameras", type=int, default=1000, help="of each feed that does not say how many")
    options.add_argument("--faulty", type=float, default=0.0, help="share of the cameras, 0 to 1")
    options.add_argument(
        "--fault", choices=STATES, action="append", help="what is wrong with them; default: everything"
    )
    options.add_argument("--cadence", type=float, help="seconds between two pictures; default: the operator's own")
    options.add_argument("--port", type=int, default=0)
    chosen = options.parse_args()
    asked = [each.partition("=") for each in chosen.feed or SHAPES]
    if unknown := [name for name, _, _ in asked if name not in SHAPES]:
        options.error(f"no shape of {unknown}; choose from {SHAPES}")
    cameras = {name: int(count or chosen.cameras) for name, _, count in asked}
    city = City(cameras, chosen.faulty, chosen.fault or KINDS, chosen.cadence, port=chosen.port)
    city.asked = deque(maxlen=0)
    asyncio.run(_serve(city))


if __name__ == "__main__":
    main()
