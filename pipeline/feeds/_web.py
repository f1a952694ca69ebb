"""Make a feed of public cameras from facts: where its lists are, how to read them, what its operator allows."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Literal

from pipeline import bursts
from pipeline.errors import FeedError
from pipeline.feeds import Camera, Due, Feed, Gone, Key, Listing, Picture, Rejected, _asking
from pipeline.feeds._asking import LIST_DEADLINE_S, LOOPBACK, Source
from pipeline.fetcher import Answer
from pipeline.scans import Scan, Window
from pipeline.tables import ROADS

__all__ = ["LOOPBACK", "Source", "sweep", "told", "web"]
JITTER_SHARE, LONGEST_JITTER_S = 0.05, 1.0
"""What is due together is begun within this share of the step between slots, and at most so many seconds."""
AHEAD = timedelta(minutes=1)
"""A time further ahead of ours is no time at which a picture was taken."""
ID_LIMIT = 200
Asked = Callable[[Source, Scan, Due, float, dict[str, Any]], list[Picture]]
Recalled = Callable[[Source, Scan, Sequence[Gone], float], list[Picture]]


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
    earlier: Callable[[], tuple[str, ...]] | None = None,
    slots: Callable[[Scan, Window, str], list[datetime]] | None = None,
    pictures: Asked | None = None,
    past: Recalled | None = None,
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
        earlier: Name addresses of the list as it was before; of these only cameras that the list itself lacks count.
        slots: Plan the observations of a camera; None for one a cadence, and bursts.
        pictures: Fetch what is due together; None asks each camera's address.
        past: Fetch what the operator still has of slots gone by; None where it keeps nothing.
        facts: Every other field of `Feed`.
    """
    source = Source(
        hosts, lists, parse, headers or {}, key, times, image, bounds, min_interval_s, requests_per_minute, at_once,
        kinds,
    )  # fmt: skip
    asked = pictures or sweep

    def least_s(scan: Scan) -> float:
        return _asking.interval_s(scan, min_interval_s)

    return Feed(
        cameras=lambda scan: _listing(source, scan, earlier).cameras,
        listing=lambda scan: _listing(source, scan, earlier),
        slots=slots or (lambda scan, window, native_id: bursts.slots(scan, window, native_id, least_s(scan))),
        picture=lambda scan, camera, slot: asked(source, scan, [(camera, slot)], LIST_DEADLINE_S, {})[0],
        pictures=lambda scan, due, patience_s, seen: asked(source, scan, due, patience_s, seen),
        past=past and (lambda scan, gone, patience_s: past(source, scan, gone, patience_s)),
        roads=lambda _: ROADS.empty(),
        fingerprint=lambda _, window: f"live {window or ' '.join(lists)}",
        live=True,
        hosts=hosts,
        bounds=bounds,
        min_interval_s=min_interval_s,
        requests_per_minute=requests_per_minute,
        at_once=at_once,
        **facts,
    )


def _listing(source: Source, scan: Scan, earlier: Callable[[], tuple[str, ...]] | None) -> Listing:
    """Ask for every list; one of several that does not come, or cannot be read, is a rejected row."""
    answers = dict(zip(source.lists, _asking.lists(source, scan, source.lists), strict=True))
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
    cameras = [camera for each in came for camera in each.cameras]
    checked = _checked(source, cameras + (_lacking(source, scan, earlier(), cameras) if earlier else []))
    rejected = [*(row for each in came for row in each.rejected), *checked.rejected, *lost]
    if not checked.cameras:
        raise FeedError(
            f"feed {scan.feed}: none of {len(rejected)} rows of its list is a camera to observe, "
            f"the first because {rejected[0].reason if rejected else 'there is none'}; look at {source.lists[0]}"
        )
    return Listing(checked.cameras, rejected)


def _lacking(source: Source, scan: Scan, urls: tuple[str, ...], cameras: list[Camera]) -> list[Camera]:
    """Ask for a list as it was before; return the cameras that it lacks now. What cannot be had or read adds none."""
    known = {each.native_id for each in cameras}
    more: dict[str, Camera] = {}
    for url, answer in zip(urls, _asking.lists(source, scan, urls, ()), strict=True):
        with suppress(FeedError):
            for each in _read(source, scan, url, answer).cameras:
                more.setdefault(each.native_id, each)
    return [each for name, each in more.items() if name not in known]


def _read(source: Source, scan: Scan, url: str, answer: Answer) -> Listing:
    """Read one list; FeedError where it did not come or is not what it has always been."""
    if answer.content is None:
        raise FeedError(f"feed {scan.feed}: its list {url} did not come: {answer.status}; try again later")
    listing = source.parse(answer.content)
    return listing if isinstance(listing, Listing) else Listing(listing)


def _checked(source: Source, cameras: list[Camera]) -> Listing:
    """Hold every camera against what no list can vouch for: its id, its place, and where its picture is."""
    kept: dict[str, Camera] = {}
    rejected = []
    for camera in cameras:
        if reason := _unfit(source, camera, kept):
            rejected.append(Rejected(camera.native_id, reason))
        else:
            kept[camera.native_id] = camera
    return Listing(list(kept.values()), rejected)


def _unfit(source: Source, camera: Camera, kept: Mapping[str, Camera]) -> str:
    """Say why a camera cannot be observed; empty where it can."""
    west, south, east, north = source.bounds
    if not camera.native_id or len(camera.native_id) > ID_LIMIT or not camera.native_id.isprintable():
        return "its id is empty, too long or not printable"
    if camera.native_id in kept:
        return "its id stands twice; the first stands"
    if not (west <= camera.lon <= east and south <= camera.lat <= north):
        return f"lon {camera.lon}, lat {camera.lat} lies outside its operator's area"
    if source.image is None and not _asking.is_allowed(source, camera.image_url):
        return "its picture is at a server that is not the operator's" if camera.image_url else "it has no picture"
    return ""


def sweep(source: Source, scan: Scan, due: Due, patience_s: float, seen: dict[str, Any]) -> list[Picture]:
    """Ask for the newest pictures of cameras that are due together."""
    jitter_s = min(JITTER_SHARE * _step_s(source, scan, due), LONGEST_JITTER_S)
    asked = [(camera, source.image(camera, slot) if source.image else camera.image_url) for camera, slot in due]
    return [told(source, each) for each in _asking.pictures(source, scan, asked, patience_s, seen, jitter_s)]


def told(source: Source, answer: Answer) -> Picture:
    """Return what came for one observation, taken when the server says where its word counts."""
    if answer.content is None:
        return Picture(f"missed: {answer.status}", arrived_at=answer.arrived_at)
    at = answer.last_modified if source.times == "last_modified" else None
    if at is None or (answer.arrived_at and at > answer.arrived_at + AHEAD):
        return Picture("ok", answer.content, arrived_at=answer.arrived_at)
    return Picture("ok", answer.content, at, "last_modified", answer.arrived_at)


def _step_s(source: Source, scan: Scan, due: Due) -> float:
    """Return the least seconds between two observations of any camera that is due."""
    least_s = _asking.interval_s(scan, source.min_interval_s)
    return min((bursts.closest_s(scan, camera.native_id, least_s) for camera, _ in due), default=least_s)
