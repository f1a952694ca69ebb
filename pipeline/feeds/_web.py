"""Make a feed of public cameras from facts: where its lists are, how to read them, what its operator allows."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

from pipeline import fetcher
from pipeline.errors import FeedError, SettingsError
from pipeline.feeds import Camera, Due, Feed, Key, Listing, Picture, Rejected
from pipeline.fetcher import Answer, Request, Rules
from pipeline.scans import Scan, Window
from pipeline.tables import ROADS

LIST_LIMIT_BYTES = 20 * 2**20
LIST_DEADLINE_S = 30.0
"""The slowest list known takes 7 s."""
PAUSES_S = (3.0, 10.0)
"""A list that did not come for a passing reason is asked for again after these."""
JITTER_SHARE, LONGEST_JITTER_S = 0.05, 1.0
"""What is due together is begun within this share of the step between slots, and at most so many seconds."""
AHEAD = timedelta(minutes=1)
"""A time further ahead of ours is no time at which a picture was taken."""
ID_LIMIT = 200
LOOPBACK = ("http://127.0.0.1:", "http://localhost:", "https://127.0.0.1:", "https://localhost:")


@dataclass(frozen=True)
class Settings:
    """How hard a scan asks, from `[scan.<name>.snapshots]`."""

    at_once: int = 0
    """Most requests under way at one server; 0 for what the feed's own file says."""
    deadline_s: float = 10.0
    """Seconds that one picture may take."""


@dataclass(frozen=True)
class _Source:
    """Where a feed's lists and pictures come from."""

    hosts: tuple[str, ...]
    lists: tuple[str, ...]
    parse: Callable[[bytes], Listing | list[Camera]]
    headers: Mapping[str, str]
    key: Key | None
    times: Literal["last_modified", "none"]
    image: Callable[[Camera, datetime], str] | None
    bounds: tuple[float, float, float, float]
    min_interval_s: float
    requests_per_minute: float | None
    at_once: int
    kinds: tuple[str, ...]


def web(
    *,
    hosts: tuple[str, ...],
    lists: tuple[str, ...],
    parse: Callable[[bytes], Listing | list[Camera]],
    bounds: tuple[float, float, float, float],
    min_interval_s: float,
    requests_per_minute: float | None = None,
    headers: Mapping[str, str] | None = None,
    key: Key | None = None,
    times: Literal["last_modified", "none"] = "none",
    image: Callable[[Camera, datetime], str] | None = None,
    at_once: int = 1,
    kinds: tuple[str, ...] = ("jpeg",),
    **facts: Any,
) -> Feed:
    """Return a live feed.

    Args:
        hosts: `scheme://host[:port][/path]` below which every address lies that it may be asked at.
        lists: Every address of its camera list; the answers are read one by one and joined.
        parse: Read one answer; no network. FeedError names row and field where it is not what it has always been.
        bounds: West, south, east, north of the operator's area, degrees WGS 84.
        min_interval_s: Never ask for a picture more often.
        requests_per_minute: Most requests a minute that the terms allow.
        headers: Sent when a list is asked for; `Accept-Encoding: gzip` where the operator refuses plain answers.
        key: How a list wants its key.
        times: What a picture's Last-Modified tells: when it was taken, or nothing.
        image: Return the address of a camera's picture for a slot, where that changes; else the listed one is asked.
        at_once: Most requests under way at one server.
        kinds: Kinds of picture that come; `png` only where a feed really serves it.
        facts: Every other field of `Feed`.
    """
    source = _Source(
        hosts, lists, parse, headers or {}, key, times, image, bounds, min_interval_s, requests_per_minute, at_once,
        kinds,
    )  # fmt: skip
    return Feed(
        cameras=lambda scan: _listing(source, scan).cameras,
        listing=lambda scan: _listing(source, scan),
        slots=lambda scan, window, _: _slots(source, scan, window),
        picture=lambda scan, camera, slot: _pictures(source, scan, [(camera, slot)], LIST_DEADLINE_S, {})[0],
        pictures=lambda scan, due, patience_s, seen: _pictures(source, scan, due, patience_s, seen),
        roads=lambda _: ROADS.empty(),
        fingerprint=lambda _, window: f"live {window or ' '.join(lists)}",
        live=True,
        hosts=hosts,
        bounds=bounds,
        min_interval_s=min_interval_s,
        requests_per_minute=requests_per_minute,
        **facts,
    )


def _listing(source: _Source, scan: Scan) -> Listing:
    """Ask for every list; one of several that does not come, or cannot be read, is a rejected row."""
    gzip = "gzip" in {name.lower(): value for name, value in source.headers.items()}.get("accept-encoding", "")
    rules = _rules(source, scan, limit_bytes=LIST_LIMIT_BYTES, deadline_s=LIST_DEADLINE_S, gzip=gzip)
    secrets, query = _key(source.key, scan)
    requests = {url: Request(_way(source, scan, url), source.headers, secrets, query) for url in source.lists}
    answers = dict(zip(requests, fetcher.fetch(list(requests.values()), rules), strict=True))
    for pause_s in PAUSES_S:
        again = [url for url, answer in answers.items() if answer.status in fetcher.PASSING]
        if again:
            time.sleep(pause_s)
            answers |= dict(zip(again, fetcher.fetch([requests[url] for url in again], rules), strict=True))
    came, lost = [], []
    for url, answer in answers.items():
        try:
            came.append(_read(source, scan, url, answer))
        except FeedError as error:
            if len(answers) == 1:
                raise
            lost.append(Rejected(url, f"{error}"))
    if not came:
        raise FeedError(
            f"feed {scan.feed}: none of its {len(lost)} lists can be used, the first because {lost[0].reason}"
        )
    checked = _checked(source, [camera for each in came for camera in each.cameras])
    rejected = [*(row for each in came for row in each.rejected), *checked.rejected, *lost]
    if not checked.cameras:
        raise FeedError(
            f"feed {scan.feed}: none of {len(rejected)} rows of its list is a camera to observe, "
            f"the first because {rejected[0].reason if rejected else 'there is none'}; look at {source.lists[0]}"
        )
    return Listing(checked.cameras, rejected)


def _read(source: _Source, scan: Scan, url: str, answer: Answer) -> Listing:
    """Read one list; FeedError where it did not come or is not what it has always been."""
    if answer.content is None:
        raise FeedError(f"feed {scan.feed}: its list {url} did not come: {answer.status}; try again later")
    listing = source.parse(answer.content)
    return listing if isinstance(listing, Listing) else Listing(listing)


def _checked(source: _Source, cameras: list[Camera]) -> Listing:
    """Hold every camera against what no list can vouch for: its id, its place, and where its picture is."""
    kept: dict[str, Camera] = {}
    rejected = []
    for camera in cameras:
        if reason := _unfit(source, camera, kept):
            rejected.append(Rejected(camera.native_id, reason))
        else:
            kept[camera.native_id] = camera
    return Listing(list(kept.values()), rejected)


def _unfit(source: _Source, camera: Camera, kept: Mapping[str, Camera]) -> str:
    """Say why a camera cannot be observed; empty where it can."""
    west, south, east, north = source.bounds
    if not camera.native_id or len(camera.native_id) > ID_LIMIT or not camera.native_id.isprintable():
        return "its id is empty, too long or not printable"
    if camera.native_id in kept:
        return "its id stands twice; the first stands"
    if not (west <= camera.lon <= east and south <= camera.lat <= north):
        return f"lon {camera.lon}, lat {camera.lat} lies outside its operator's area"
    if source.image is None and not _allowed(source, camera.image_url):
        return "its picture is at a server that is not the operator's" if camera.image_url else "it has no picture"
    return ""


def _slots(source: _Source, scan: Scan, window: Window) -> list[datetime]:
    """Plan one observation a cadence, counted from the night's start, and never more often than the feed allows."""
    first = scan.windows(scan.night_of(window.starts_at))[0].starts_at
    step = timedelta(seconds=_step_s(source, scan))
    number = -((first - window.starts_at) // step)
    slots = []
    while (slot := first + number * step) < window.ends_at:
        slots.append(slot)
        number += 1
    return slots


def _pictures(source: _Source, scan: Scan, due: Due, patience_s: float, seen: dict[str, Any]) -> list[Picture]:
    """Ask for the pictures that are due together."""
    settings = scan.settings("snapshots", Settings)
    jitter_s = min(JITTER_SHARE * _step_s(source, scan), LONGEST_JITTER_S)
    rules = _rules(source, scan, deadline_s=settings.deadline_s, jitter_s=jitter_s, kinds=source.kinds)
    requests = [
        Request(
            _way(source, scan, source.image(camera, slot) if source.image else camera.image_url), of=camera.native_id
        )
        for camera, slot in due
    ]
    return [_picture(answer, source.times) for answer in fetcher.fetch(requests, rules, patience_s, seen)]


def _picture(answer: Answer, times: str) -> Picture:
    """Return what came for one observation."""
    if answer.content is None:
        return Picture(f"missed: {answer.status}", arrived_at=answer.arrived_at)
    at = answer.last_modified if times == "last_modified" else None
    if at is None or (answer.arrived_at and at > answer.arrived_at + AHEAD):
        return Picture("ok", answer.content, arrived_at=answer.arrived_at)
    return Picture("ok", answer.content, at, "last_modified", answer.arrived_at)


def _step_s(source: _Source, scan: Scan) -> float:
    """Return seconds between two observations of a camera."""
    return max(scan.cadence_s, source.min_interval_s)


def _rules(source: _Source, scan: Scan, **changes: Any) -> Rules:
    """Return how a scan may ask a feed's servers."""
    stand_in = _stand_in(scan)
    rules: dict[str, Any] = {
        "hosts": (stand_in,) if stand_in else source.hosts,
        "loopback": bool(stand_in),
        "requests_per_minute": source.requests_per_minute,
        "at_once": scan.settings("snapshots", Settings).at_once or source.at_once,
        "min_interval_s": source.min_interval_s if "kinds" in changes else 0.0,
    }
    return Rules(**rules | changes)


def _stand_in(scan: Scan) -> str:
    """Return the server on this machine that answers for the operator's, for tests and rehearsals; empty for none."""
    source = scan.source.rstrip("/")
    if source and not (source.startswith(LOOPBACK) and fetcher.origin(source)):
        raise SettingsError(
            f"scan {scan.name}: source {scan.source!r} is no server on this machine; feed {scan.feed} knows its addresses: "
            f"leave source out, or name a stand-in such as http://127.0.0.1:8000"
        )
    return source


def _way(source: _Source, scan: Scan, url: str) -> str:
    """Return the address that is asked: the operator's, or `<stand-in>/<host>/<path>`."""
    stand_in = _stand_in(scan)
    return f"{stand_in}/{url.partition('://')[2]}" if stand_in and _allowed(source, url) else url


def _allowed(source: _Source, url: str) -> bool:
    """Tell whether an address is at one of the feed's servers."""
    return fetcher.is_at(url, source.hosts)


def _key(key: Key | None, scan: Scan) -> tuple[dict[str, str], str]:
    """Return the header or the query that carries a feed's key; SettingsError names the variable where it is not set."""
    if key is None:
        return {}, ""
    if not (secret := os.environ.get(key.env, "").strip()):
        raise SettingsError(f"feed {scan.feed}: its key is not set; ask its operator for one and set {key.env}")
    if not secret.isprintable() or not secret.isascii():
        raise SettingsError(f"feed {scan.feed}: {key.env} holds what no key can; set it again")
    if key.query:
        return {}, f"{quote(key.query)}={quote(secret)}"
    return {key.header: key.value.format(key=secret)}, ""
