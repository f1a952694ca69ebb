"""Plan a night before anything is fetched: who is polled when, what it takes, and what each product will be worth."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from pipeline import bursts, cameras, feeds
from pipeline.lake import Lake
from pipeline.plans import room
from pipeline.plans.choice import Budget, Choice, choose, limits
from pipeline.plans.city import gather, knowing, stated, worthy
from pipeline.plans.products import Expectation
from pipeline.plans.room import Estimate
from pipeline.plans.supports import Support, expected, grouped
from pipeline.scans import Scan, Window

__all__ = ["Budget", "Choice", "Estimate", "Expectation", "Plan", "pictures", "plan", "room"]


@dataclass(frozen=True)
class Plan:
    """One night of one scan, before it is begun."""

    scan: str
    scan_date: date
    timezone: str
    windows: dict[str, dict[str, Any]]
    """By window: `local` hours and `pictures` planned."""
    cameras: int
    pictures: int
    chosen: bool
    """Whether the polling was chosen; else it is what the settings say."""
    polling: Choice
    """Who is polled when, and why."""
    bursts: dict[str, Any]
    """Section `[scan.<name>.bursts]` of this polling; empty for sweeps alone."""
    estimates: tuple[Estimate, ...]
    supports: tuple[Support, ...]
    products: tuple[Expectation, ...]
    terms: dict[str, Any]
    """The feed's terms: `cleared`, `licence`, `attribution`, `commercial`, `may_store_frames`, `live`, `permission`."""

    def value(self, what: str) -> float:
        """Return one estimate's figure."""
        return next(each.value for each in self.estimates if each.what == what)


def plan(scan: Scan, scan_date: date, lake: Lake, workers: int = 0, budget: Budget | None = None) -> Plan:
    """Plan a night: asks the feed for its list of cameras, which most feeds answer with one request, and nothing else.

    Args:
        scan: The scan. Where it states a budget (`[scan.<name>.plan]`) and no bursts, its polling is chosen; else it is
            as its settings say.
        scan_date: Local date on which the night begins.
        lake: What earlier nights tell.
        workers: Dask workers that the night will run on.
        budget: What the night may ask for; the polling is chosen whatever the settings say.

    Raises:
        PrivacyError: the feed's terms are not cleared.
        FeedError: its list cannot be read.
        SettingsError: settings that cannot be, or a budget that not even the slowest sweep fits into.
    """
    listed = cameras.survey(scan)
    terms = (budget or scan.settings("plan", Budget)).checked(scan.name)
    city = gather(scan, listed, lake, terms)
    chosen = budget is not None or ("plan" in scan.stages and bursts.SECTION not in scan.stages)
    if chosen:
        night_s = (scan.windows(scan_date)[-1].ends_at - scan.starts_at(scan_date)).total_seconds()
        bounds = limits(scan, night_s, terms, listed.num_rows, room.sizes(lake, scan)[0]["snapshots"])
        polling = choose(scan, bounds, terms, worthy(city, terms), city.follow_s)
        polled = polling.scan(scan, terms)
    else:
        polled, polling = scan, stated(scan, city, feeds.load(scan.feed).min_interval_s)
    weighed = knowing(polled, city.traffic)
    groups = grouped(weighed, scan_date, listed, city)
    windows = {window: pictures(polled, window, listed) for window in polled.windows(scan_date)}
    asked = {window: count for window, count in windows.items() if count}
    return Plan(
        scan.name,
        scan_date,
        scan.timezone,
        {str(window): {"local": _local(scan, window), "pictures": count} for window, count in windows.items()},
        listed.num_rows,
        sum(asked.values()),
        chosen,
        polling,
        polled.stages.get(bursts.SECTION, {}),
        _estimates(lake, polled, asked, workers),
        tuple(group.support for group in groups),
        tuple(each for group in groups for each in expected(weighed, group, city)),
        feeds.terms(scan) | {"live": feeds.load(scan.feed).live},
    )


def pictures(scan: Scan, window: Window, listed: pa.Table) -> int:
    """Count the observations that the feed plans for the listed cameras in a window."""
    feed = feeds.load(scan.feed)
    return sum(len(feed.slots(scan, window, native)) for native in listed["native_id"].to_pylist())


def _estimates(lake: Lake, scan: Scan, asked: dict[Window, int], workers: int) -> tuple[Estimate, ...]:
    """Estimate a night of windows with so many pictures."""
    counts, total, live = list(asked.values()), sum(asked.values()), feeds.load(scan.feed).live
    at_a_time = "pictures of the whole night" if live else "pictures of one window at a time"
    minutes = sum((window.ends_at - window.starts_at).total_seconds() for window in asked) / 60
    requests = total / max((_answered(scan, window) for window in asked), default=1.0)
    by_table, sized = room.sizes(lake, scan)
    seconds, timed = room.speed(lake, workers)
    held, weighed = room.memory(lake, workers)
    kept = total * sum(size for table, size in by_table.items() if table not in room.OUTLIVED)
    return (
        Estimate("pictures asked for", total, "", "the feed's own slots"),
        Estimate("requests", requests if live else 0, "", "one for the list comes on top" if live else _limit(scan)),
        Estimate("requests a minute", requests / minutes if minutes and live else 0.0, "", _limit(scan)),
        Estimate("fetched", total * by_table["snapshots"] / 1e6, "MB", sized),
        Estimate("disk at most", room.need_bytes(by_table, counts, live=live) / 1e6, "MB", f"{sized}; {at_a_time}"),
        Estimate("disk kept", kept / 1e6, "MB", f"{sized}; before tables expire"),
        Estimate("compute", total * seconds / 60, "min", timed),
        Estimate("memory", held, "MiB", weighed),
    )


def _answered(scan: Scan, window: Window) -> float:
    """Return how many observations one request answers: more than one where pictures come as clips."""
    feed = feeds.load(scan.feed)
    if not feed.asked_at:
        return 1.0
    slots = feed.slots(scan, window, "")
    return len(slots) / len({feed.asked_at(scan, slot) for slot in slots})


def _limit(scan: Scan) -> str:
    """Say how often the feed may be asked."""
    feed = feeds.load(scan.feed)
    if not feed.live:
        return "read or rendered on this machine: no request leaves it"
    most = f"{feed.requests_per_minute:g} a minute in all" if feed.requests_per_minute else "no number in all"
    return f"the terms allow {most}, a camera every {feed.min_interval_s:g} s"


def _local(scan: Scan, window: Window) -> str:
    """Write a window's local hours."""
    begins, ends = (at.astimezone(ZoneInfo(scan.timezone)) for at in (window.starts_at, window.ends_at))
    return f"{begins:%H:%M}-{ends:%H:%M %Z}"
