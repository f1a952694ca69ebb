"""Ask a feed's own servers, as its operator allows, for lists and for pictures."""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote

from pipeline import fetcher
from pipeline.errors import FeedError, SettingsError
from pipeline.feeds import Camera, Key, Listing
from pipeline.fetcher import Answer, Request, Rules
from pipeline.scans import Scan

LIST_LIMIT_BYTES = 20 * 2**20
LIST_DEADLINE_S = 30.0
"""The slowest list known takes 7 s."""
PAUSES_S = (3.0, 10.0)
"""What nobody waits for, and did not come for a passing reason, is asked for again after these."""
LOOPBACK = ("http://127.0.0.1:", "http://localhost:", "https://127.0.0.1:", "https://localhost:")
RESTING = ("HTTP 429", "asked to wait", "its server is failing")
"""What a server says that wants to be left alone for a while, and what we answer meanwhile."""
REST_S = 30.0
"""What nobody waits for is then asked for again after this, as long as there is time."""
T = TypeVar("T")


@dataclass(frozen=True)
class Settings:
    """How hard a scan asks, from `[scan.<name>.snapshots]`."""

    at_once: int = 0
    """Most requests under way at one server; 0 for what the feed's own file says."""
    deadline_s: float = 10.0
    """Seconds that one picture may take."""
    rehearsal_interval_s: float = 0.0
    """Least seconds between two requests for one picture where a stand-in answers; 0 for the feed's own, which no operator's
    server is ever asked within."""
    past_per_minute: float = 120.0
    """Most requests a minute for pictures of the past, which nobody waits for; fewer where the terms say so."""
    step_s: float = 0.2
    """Seconds between two stills that are taken out of a clip, where a feed gives clips; `sightings` tracks them as one."""
    clip_s: float = 10.0
    """Seconds of a clip of which stills are planned."""


@dataclass(frozen=True)
class Source:
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


class ListError(FeedError):
    """A list that pictures depend on did not come; its text is the class of the fault."""


class Once(Generic[T]):
    """What all shards of a process need at one slot is asked for once; the last few answers are kept."""

    def __init__(self, kept: int = 128) -> None:
        self.kept = kept
        self._answers: OrderedDict[Hashable, Future[T]] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, key: Hashable, ask: Callable[[], T]) -> T:
        """Return the answer for a key, asking where nobody has; who comes meanwhile waits. A fault is not kept."""
        with self._lock:
            known = self._answers.get(key)
            answer = known or self._answers.setdefault(key, Future())
            while len(self._answers) > self.kept:
                self._answers.popitem(last=False)
        if known is None:
            try:
                answer.set_result(ask())
            except BaseException as error:  # noqa: BLE001  # whoever waits for this answer gets it too
                with self._lock:
                    self._answers.pop(key, None)
                answer.set_exception(error)
        return answer.result()


def lists(source: Source, scan: Scan, urls: Sequence[str], pauses_s: Sequence[float] | None = None) -> list[Answer]:
    """Ask for lists, again where one did not come for a passing reason.

    Args:
        source: The feed's.
        scan: Its settings.
        urls: Addresses of lists.
        pauses_s: Seconds before each further try; None for `PAUSES_S`.
    """
    requests, rules = _listing(source, scan, urls)
    return _again(requests, rules, PAUSES_S if pauses_s is None else pauses_s)


def listed(source: Source, scan: Scan, url: str, until: float | None = None) -> bytes:
    """Ask for one list that pictures depend on; ListError says why it did not come.

    Args:
        source: The feed's.
        scan: Its settings.
        url: Address of the list.
        until: Of a list that tells of the past: it is asked for slowly, and again where it did not come, until `time.monotonic()`
            is so far.
    """
    if until is None:
        (answer,) = fetcher.fetch(*_listing(source, scan, [url]))
    else:
        requests, rules = _listing(source, scan, [url], requests_per_minute=_slowly(source, scan))
        (answer,) = _patiently(requests, rules, until)
    if answer.content is None:
        raise ListError(answer.status)
    return answer.content


def pictures(
    source: Source,
    scan: Scan,
    asked: Sequence[tuple[Camera, str]],
    patience_s: float,
    seen: dict[str, Any],
    jitter_s: float = 0.0,
    **changes: Any,
) -> list[Answer]:
    """Ask for the pictures of cameras that are due together, each at its address, within so many seconds."""
    settings = scan.settings("snapshots", Settings)
    least_s = interval_s(scan, source.min_interval_s)
    given: dict[str, Any] = {"min_interval_s": least_s, "kinds": source.kinds, "jitter_s": jitter_s}
    rules = _rules(source, scan, **given | {"deadline_s": settings.deadline_s} | changes)
    stand_in = _stand_in(scan)
    requests = [Request(_at(stand_in, source, url), of=camera.native_id) for camera, url in asked]
    return fetcher.fetch(requests, rules, patience_s, seen)


def past_pictures(source: Source, scan: Scan, urls: Sequence[str], until: float) -> list[Answer]:
    """Ask slowly for pictures of the past; what failed for a passing reason is asked for again, until a time."""
    settings, slowly = scan.settings("snapshots", Settings), _slowly(source, scan)
    rules = _rules(source, scan, kinds=source.kinds, deadline_s=settings.deadline_s, requests_per_minute=slowly)
    return _patiently([Request(_way(source, scan, url)) for url in urls], rules, until)


def interval_s(scan: Scan, least_s: float) -> float:
    """Return the least seconds between two requests for one picture: the feed's, or a rehearsal's.

    Raises:
        SettingsError: an operator's own server would be asked more often than the feed's terms allow.
    """
    stated = scan.stages.get("snapshots", {}).get("rehearsal_interval_s", 0.0)
    if not stated:
        return least_s
    if not _stand_in(scan):
        raise SettingsError(
            f"settings [scan.{scan.name}.snapshots]: rehearsal_interval_s = {stated!r} is for a stand-in on this machine, and "
            f"feed {scan.feed} may be asked for a picture every {least_s:g} s at most; take it out, or pass --source"
        )
    return stated if isinstance(stated, float) else scan.settings("snapshots", Settings).rehearsal_interval_s


def is_allowed(source: Source, url: str) -> bool:
    """Tell whether an address is at one of the feed's servers."""
    return fetcher.is_at(url, source.hosts)


def _listing(source: Source, scan: Scan, urls: Sequence[str], **changes: Any) -> tuple[list[Request], Rules]:
    """Return how lists are asked for."""
    gzip = "gzip" in {name.lower(): value for name, value in source.headers.items()}.get("accept-encoding", "")
    rules = _rules(source, scan, limit_bytes=LIST_LIMIT_BYTES, deadline_s=LIST_DEADLINE_S, gzip=gzip, **changes)
    secrets, query = _key(source.key, scan)
    return [Request(_way(source, scan, url), source.headers, secrets, query) for url in urls], rules


def _slowly(source: Source, scan: Scan) -> float:
    """Return the most requests a minute for what nobody waits for."""
    most = scan.settings("snapshots", Settings).past_per_minute
    return min(most, source.requests_per_minute or most)


def _patiently(requests: Sequence[Request], rules: Rules, until: float) -> list[Answer]:
    """Ask for what nobody waits for: where its server wants to be left alone, again later, until a time (`time.monotonic()`)."""
    answers = _again(requests, rules, PAUSES_S, until - time.monotonic())
    while resting := [number for number, answer in enumerate(answers) if answer.status in RESTING]:
        if (left_s := until - time.monotonic() - REST_S) <= 0:
            break
        time.sleep(REST_S)
        later = _again([requests[number] for number in resting], rules, (), left_s)
        for number, answer in zip(resting, later, strict=True):
            answers[number] = answer
    return answers


def _again(
    requests: Sequence[Request], rules: Rules, pauses_s: Sequence[float], patience_s: float = 3600.0
) -> list[Answer]:
    """Ask, and ask once more after each pause for what failed for a passing reason."""
    answers = fetcher.fetch(requests, rules, patience_s)
    for pause_s in pauses_s:
        failed = [number for number, answer in enumerate(answers) if answer.status in fetcher.PASSING]
        if failed:
            time.sleep(pause_s)
            came = fetcher.fetch([requests[number] for number in failed], rules, patience_s)
            for number, answer in zip(failed, came, strict=True):
                answers[number] = answer
    return answers


def _rules(source: Source, scan: Scan, **changes: Any) -> Rules:
    """Return how a scan may ask a feed's servers."""
    stand_in = _stand_in(scan)
    rules: dict[str, Any] = {
        "hosts": (stand_in,) if stand_in else source.hosts,
        "loopback": bool(stand_in),
        "requests_per_minute": source.requests_per_minute,
        "at_once": scan.settings("snapshots", Settings).at_once or source.at_once,
    }
    return Rules(**rules | changes)


def _stand_in(scan: Scan) -> str:
    """Return the server on this machine that answers for the operator's, for tests and rehearsals; empty for none."""
    source = scan.source.rstrip("/")
    if source and not _is_here(source):
        raise SettingsError(
            f"scan {scan.name}: source {scan.source!r} is no server on this machine; feed {scan.feed} knows its addresses: "
            f"leave source out, or name a stand-in such as http://127.0.0.1:8000"
        )
    return source


@lru_cache(maxsize=64)
def _is_here(source: str) -> bool:
    """Tell whether an address is a server on this machine."""
    return source.startswith(LOOPBACK) and bool(fetcher.origin(source))


def _way(source: Source, scan: Scan, url: str) -> str:
    """Return the address that is asked: the operator's, or `<stand-in>/<host>/<path>`."""
    return _at(_stand_in(scan), source, url)


def _at(stand_in: str, source: Source, url: str) -> str:
    """Return an address at the stand-in, where there is one and the address is allowed."""
    return f"{stand_in}/{url.partition('://')[2]}" if stand_in and is_allowed(source, url) else url


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
