"""Say what is asked for, under which rules, and what came."""

import importlib.metadata
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from urllib.parse import quote

from pipeline.errors import SettingsError

ADDRESS = re.compile(r"(https?)://([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::(\d{1,5}))?((?:[/?][!-~]*)?)", re.IGNORECASE)
"""The one way an address may be written: no name or password, no other notation of a host, nothing to be guessed."""
PORTS = {"http": 80, "https": 443}
KEPT = "%/:=&?~+!$,;'@()*[]|"
"""Characters of an address that are sent as they stand, beside letters, digits and -._."""
PLAIN = re.compile(rf"[A-Za-z0-9._{re.escape(KEPT)}-]*")
CLIMBS = re.compile(r"(?:^|/)(?:\.|%2e){1,2}(?:[/?]|$)", re.IGNORECASE)
"""Steps up a path, plain or encoded."""
CONTACT = "THOROUGHFARE_CONTACT"


@dataclass(frozen=True)
class Request:
    """One thing to ask for."""

    url: str
    """Its address, without any key: this is what errors and logs may name."""
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Headers that carry a key; sent to the server of `url` alone."""
    secret_query: str = field(default="", repr=False)
    """Query that carries a key; sent to the server of `url` alone."""
    of: str = ""
    """What is asked for, where its address changes; equal names are not asked for more often than the rules say."""


@dataclass(frozen=True)
class Rules:
    """How a feed's servers may be asked."""

    hosts: tuple[str, ...]
    """`scheme://host[:port][/path]` of all that may be asked for, also by way of redirects."""
    requests_per_minute: float | None = None
    """Most requests begun in a minute, all servers together; None for no cap but `at_once`."""
    at_once: int = 1
    """Most requests under way at one server."""
    min_interval_s: float = 0.0
    """Seconds between two requests for one thing."""
    jitter_s: float = 0.0
    """What is due together is begun within so many seconds, in random order of time."""
    deadline_s: float = 10.0
    """Seconds from the name's look-up to the last byte."""
    limit_bytes: int = 5 * 2**20
    """No longer answer is read."""
    redirects: int = 3
    """Most redirects followed, each to a server of `hosts`."""
    kinds: tuple[str, ...] = ()
    """Kinds of picture (`jpeg`, `png`, or `mp4`) that alone are an answer, told by their first bytes; empty for anything."""
    gzip: bool = False
    """Whether the answer may be packed; it is unpacked up to `limit_bytes`. Without, a packed answer is refused."""
    loopback: bool = False
    """Ask this machine, and it alone: for tests and rehearsals. Otherwise no private address is ever connected to."""


@dataclass(frozen=True)
class Answer:
    """What came for one request."""

    status: str
    """`ok`, `not modified`, or the class of the fault."""
    content: bytes | None = field(default=None, repr=False)
    last_modified: datetime | None = None
    """What the server says of when it changed, UTC."""
    arrived_at: datetime | None = None
    """When its last byte came, UTC."""


def written(url: str) -> str:
    """Return an address with every odd character encoded."""
    return url if PLAIN.fullmatch(url) else quote(url.strip().partition("#")[0], safe=KEPT)


@lru_cache(maxsize=2**16)
def origin(url: str) -> str:
    """Return `scheme://host:port` of an address; empty where it is not written in the one way that is allowed."""
    if (match := ADDRESS.fullmatch(url)) is None:
        return ""
    scheme, host, port, _ = match.groups()
    return f"{scheme.lower()}://{host.lower()}:{port or PORTS[scheme.lower()]}"


@lru_cache(maxsize=2**14)
def is_at(url: str, hosts: tuple[str, ...]) -> bool:
    """Tell whether an address is below an entry of an allow-list, and does not climb out of it."""
    url = written(url)
    at, path = origin(url), _path(url)
    if not at or CLIMBS.search(path):
        return False
    return any(at == allowed and path.startswith(below) for allowed, below in _places(hosts))


@lru_cache(maxsize=64)
def _places(hosts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return server and path of each entry; SettingsError names one that is none."""
    if wrong := [host for host in hosts if not origin(host)]:
        raise SettingsError(f"hosts {wrong} are not scheme://host[:port][/path]; mend them where the feed is described")
    return tuple((origin(host), _path(host)) for host in hosts)


def _path(url: str) -> str:
    """Return what stands behind an address's server."""
    match = ADDRESS.fullmatch(url)
    return (match[4] if match else "") or "/"


def user_agent(*, loopback: bool) -> str:
    """Return the name we go by, with whom to write to; SettingsError where a public server would not learn it."""
    contact = os.environ.get(CONTACT, "").strip()
    if not loopback and not (re.fullmatch(r"[!-~]{3,200}", contact) and ("@" in contact or "://" in contact)):
        raise SettingsError(
            f"{CONTACT} is not set: operators must be able to write to who asks them; set it to an e-mail or a web address"
        )
    return f"thoroughfare/{_version()}" + (f" (+{contact})" if contact else "")


@lru_cache(maxsize=1)
def _version() -> str:
    try:
        return importlib.metadata.version("thoroughfare")
    except importlib.metadata.PackageNotFoundError:
        return "0"
