"""Describe a camera feed: its terms, its cameras, its planned observations and its pictures.

Adding a feed is one module here with `FEED = Feed(...)`, loaded by its file name.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Self

import pyarrow as pa

from pipeline.errors import FeedNotFoundError
from pipeline.scans import Scan, Window

TEXTS = ("image_url", "stream_url", "bearing_source")
"""Texts of a camera that are null in its row where they are empty."""


@dataclass(frozen=True)
class Camera:
    """One camera as its feed lists it."""

    native_id: str
    """The feed's own id, verbatim."""
    name: str
    lon: float
    """Degrees WGS 84."""
    lat: float
    """Degrees WGS 84."""
    bearing_deg: float | None = None
    """Where it looks, degrees clockwise from north; None where the feed does not tell."""
    road: str | None = None
    cadence_s: float | None = None
    """Seconds between two new pictures; None where only the scan says."""
    image_url: str = ""
    """Address of its newest picture, without any key; empty where the feed knows without one."""
    stream_url: str = ""
    """Address of its video, where the list tells one; a fact for others, never asked for."""
    bearing_source: str = ""
    """Which field told where it looks, and in which words (`view: ZOOM WEST`); empty where none did."""
    site: str = ""
    """The feed's own name of the pole or the place whose views hang together; empty where it names none."""
    view: str = ""
    """What tells it from the other views of its site, where name and place are the same; empty where they are not."""

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Return the camera that a row of `cameras` tells of; a text that is null there is empty here."""
        known = {name: row[name] for name in cls.__dataclass_fields__ if name in row}
        for name in TEXTS:
            if known.get(name, "") is None:
                known[name] = ""
        return cls(**known)


@dataclass(frozen=True)
class Rejected:
    """A row of a feed's list that is no camera to observe."""

    native_id: str
    """The feed's own id, verbatim; its row's number where it has none."""
    reason: str


@dataclass(frozen=True)
class Listing:
    """What a feed's list says: the cameras to observe, and every other row with its reason."""

    cameras: list[Camera]
    rejected: list[Rejected] = field(default_factory=list)


@dataclass(frozen=True)
class Key:
    """How a feed wants its key. The key itself stands in the environment alone."""

    env: str
    """Name of the environment variable that holds it."""
    header: str = ""
    """Header that carries it."""
    value: str = "{key}"
    """What that header says."""
    query: str = ""
    """Query parameter that carries it, where no header does."""


@dataclass(frozen=True)
class Picture:
    """What came for one planned observation. Faults are values: `jpeg` is None where nothing came."""

    status: str
    """`ok`, or why no bytes came (`missed: no file`, `missed: HTTP 503`)."""
    jpeg: bytes | None = None
    captured_at: datetime | None = None
    """When the picture was taken, UTC; None where the feed does not tell."""
    captured_at_source: str = "none"
    """`name`, `feed`, `last_modified`, `clip` (its place in a clip that was stored then), `render` or `none`."""
    arrived_at: datetime | None = None
    """When the last byte of a live picture came, UTC; None where that is when it was asked for."""


Due = Sequence[tuple[Camera, datetime]]
Pictures = Callable[[Scan, Due, float, dict[str, Any]], list[Picture]]
"""Answers in the order of what is due. Asked with the seconds until which asking makes sense, and with a memory of the
window that is the feed's to fill: what a server said of its last pictures."""


@dataclass(frozen=True)
class Gone:
    """A planned observation whose time has gone by."""

    camera: Camera
    slot: datetime
    since: datetime
    """The camera's slot before it: a picture taken by then is not this one's. UTC."""


Past = Callable[[Scan, Sequence[Gone], float], list[Picture]]
"""Answers, in the order of what is gone, with what the operator still has: to each the newest picture taken after `since`
and by its slot, so that none answers two. Asked with the seconds until which asking makes sense."""


@dataclass(frozen=True)
class Feed:
    """A feed's terms, as data, and how to read it."""

    operator: str
    licence: str
    """Licence of its pictures; empty where the scan's settings must say."""
    attribution: str
    terms_url: str
    commercial: bool
    """Whether the terms allow commercial use."""
    may_store_frames: bool
    """Whether the terms allow keeping pictures."""
    cleared: bool
    """Whether the terms allow this use without asking; an uncleared feed is refused."""
    min_interval_s: float
    """Never ask a camera more often, seconds."""
    timestamps: str
    """What the feed's times mean."""
    cameras: Callable[[Scan], list[Camera]]
    """List the cameras; raise FeedError when the list cannot be read."""
    slots: Callable[[Scan, Window, str], list[datetime]]
    """Plan the observations of one camera (by native id) in one window, UTC, ascending."""
    picture: Callable[[Scan, Camera, datetime], Picture]
    """Fetch one planned observation (camera, slot)."""
    roads: Callable[[Scan], pa.Table]
    """Return the road graph as a `roads` table, empty where there is none."""
    fingerprint: Callable[[Scan, Window | None], str]
    """Tell whether what the feed would answer has changed: equal text, equal answers. None asks for list and roads."""
    listing: Callable[[Scan], Listing] | None = None
    """List the cameras and the rows that are none; None where every row is one."""
    pictures: Pictures | None = None
    """Fetch observations that are due together; None asks for one after another."""
    past: Past | None = None
    """Fetch observations of a live feed whose time has gone by; None where its operator keeps no pictures."""
    asked_at: Callable[[Scan, datetime], datetime] | None = None
    """Tell when a slot is asked for, where one request answers several; None where each is at its own time."""
    needs_key: bool = False
    live: bool = False
    """Whether a night is polled as it goes, and cannot be made again: its pictures can be had at their time, or for
    `history_s` after it."""
    history_s: float | None = None
    """How far back its operator still has pictures, seconds; None where a slot gone by is missed for ever."""
    history_step_s: float | None = None
    """Seconds between two of those pictures of one camera, as its operator states it."""
    timezone: str = ""
    """IANA name of its cameras' zone; empty where the scan says."""
    metric_crs: str = ""
    """Projected CRS with metres that suits its cameras; empty where the scan says."""
    cadence_s: float | None = None
    """Seconds between two new pictures as its operator states it; None where only cameras or the scan say."""
    clip_s: float | None = None
    """Seconds that one answer shows, where it is a clip that is cut into stills; None where it is a still."""
    requests_per_minute: float | None = None
    """Most requests a minute that its terms allow, all cameras together; None where they state none."""
    at_once: int = 1
    """Most requests under way at one of its servers, unless `[scan.<name>.snapshots]` says otherwise."""
    hosts: tuple[str, ...] = ()
    """`scheme://host[:port][/path]` below which everything it may be asked for lies; nothing else is ever asked."""
    bounds: tuple[float, float, float, float] | None = None
    """West, south, east, north of its operator's area, degrees WGS 84; a camera outside is rejected."""


ASKED = ("cameras", "slots", "picture", "roads", "fingerprint", "listing", "pictures", "past", "asked_at")
"""What a feed is asked; the rest of its fields are facts."""


def load(name: str) -> Feed:
    """Return the feed of `pipeline/feeds/<name>.py`; raise FeedNotFoundError naming those there."""
    if name not in names():
        raise FeedNotFoundError(f"no feed {name!r}; choose from {names()} or add pipeline/feeds/{name}.py")
    feed: Feed = import_module(f"pipeline.feeds.{name}").FEED
    return feed


def listing(feed: Feed, scan: Scan) -> Listing:
    """Ask a feed for its cameras and for the rows that are none."""
    return feed.listing(scan) if feed.listing else Listing(feed.cameras(scan))


def terms(scan: Scan) -> dict[str, Any]:
    """Return what a scan's feed allows, and the permission stated; what the feed leaves open, the scan says."""
    feed = load(scan.feed)
    return {
        "cleared": feed.cleared,
        "permission": scan.permission.strip(),
        "licence": feed.licence or scan.licence,
        "attribution": feed.attribution or scan.attribution,
        "terms_url": feed.terms_url,
        "commercial": feed.commercial,
        "may_store_frames": feed.may_store_frames,
    }


def facts() -> list[dict[str, Any]]:
    """Return everything that is known of every feed, as data, by name."""
    known = [(name, load(name)) for name in names()]
    stated = [each.name for each in fields(Feed) if each.name not in ASKED]
    return [{"name": name} | {fact: getattr(feed, fact) for fact in stated} for name, feed in known]


def names() -> list[str]:
    """List the feeds there are."""
    return sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_"))
