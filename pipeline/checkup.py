"""Look at a scan's feed before a night is built on it: one picture of each camera is asked for, judged and dropped.

Nothing is stored. What is asked for, how fast and with whose permission are those of a night.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline import cameras, feeds, frames, snapshots
from pipeline.feeds import Feed
from pipeline.scans import Scan

BATCH = 50
"""Cameras asked for together; their pictures are gone before the next are asked for."""
NOT_PLANNED = "no picture is planned on that night"
GAP = 1.1
"""By how much the gaps between requests are longer than a cap demands, in the mean."""
MENDS = {
    "HTTP 401": "the server does not know us: check key and permission",
    "HTTP 403": "the server refuses us: read the feed's terms again and write to its operator",
    "HTTP 404": "listed, and not there: leave them out (`cameras = [...]`) or look again another day",
    "HTTP 410": "listed, and gone: leave them out (`cameras = [...]`)",
    "HTTP 429": "asked too often: wait an hour, then lower at_once or raise cadence_s",
    "HTTP 5": "the server fails: look again later; for ever of one camera means that it is off",
    "asked to wait": "the server asks to be left alone: wait an hour, then lower at_once or raise cadence_s",
    "its server is failing": "the server fails: look again later",
    "timed out": "the server is slow or silent: look again later; where it is always slow, raise deadline_s",
    "no connection": "the server cannot be reached: look again later, and see whether this machine has a network",
    "no address": "the server's name is not known: see whether this machine has a network",
    "no valid certificate": "not who it says it is: set this machine's clock, see SSL_CERT_FILE; never go without",
    "not a picture": "something else in a picture's place, mostly a notice of an outage: look at it in a browser",
    "empty answer": "no byte in a picture's place: the camera is off, look again later",
    "cut off": "pictures that do not come whole: look again later",
    "refused": "an address that is not the operator's: never asked; look at its list",
    "not in the newest list": "listed before and not now: look again in a few minutes",
    NOT_PLANNED: "name a night that the feed has pictures of: --date",
}
"""What to do about a picture that did not come, by how its reason begins."""
STATE_MENDS = {
    "broken": "pictures that cannot be used: look again later; for ever of one camera, leave it out",
    "placeholder": "the operator shows a card instead of the camera: it is off",
    "dark": "nothing can be seen: look again by day; dark by day means that it is off",
    "stale": "taken long before: the camera has stopped, or its feed renews more slowly than cadence_s says",
    "frozen": "an old picture shown as new: the camera has stopped",
    "moved": "not the camera's usual view",
}


@dataclass(frozen=True)
class Seen:
    """What one camera showed."""

    camera_id: str
    name: str
    state: str
    """One of FRAME_STATES."""
    reason: str | None
    width_px: int
    height_px: int
    size_bytes: int
    captured_at: datetime | None
    captured_at_source: str
    age_s: float | None
    """Seconds from when it was taken to when it came; None where nobody tells when it was taken."""
    cadence_s: float
    """Seconds between two new pictures, as the feed or the scan states it."""
    bearing_deg: float | None


@dataclass(frozen=True)
class Checkup:
    """What a look at a feed found."""

    scan: str
    feed: str
    listed: int
    """Cameras that the scan would observe."""
    rejected: int
    """Rows of the feed's list that are no cameras."""
    cameras: tuple[Seen, ...]
    states: dict[str, int]
    sources: dict[str, int]
    """What tells when a picture was taken, by number of pictures."""
    sizes: dict[str, int]
    terms: dict[str, Any]
    asked_s: float
    """Seconds that asking for the pictures took."""
    sweep_s: float
    """Seconds that one picture of every camera takes at the rate that is allowed."""
    sweep_basis: str
    step_s: float
    """Seconds between two observations of a camera."""
    advice: tuple[str, ...]
    """What is wrong, and what to do."""


def check(scan: Scan, scan_date: date, sample: int = 0, told: Callable[[str, int], None] = lambda *_: None) -> Checkup:
    """Ask a scan's feed for its list and for one picture of each camera.

    Args:
        scan: Feed, cameras and how hard it asks.
        scan_date: Night whose first pictures are looked at where the feed is not live.
        sample: Most cameras asked for, spread evenly over the list; 0 for all.
        told: Hears the id of each camera that has been looked at, and how many there will be.

    Raises:
        PrivacyError: the feed's terms are not cleared for this use, and no permission is stated.
        SettingsError: a camera is not listed; a contact or a key is missing.
        FeedError: the feed's list does not come or cannot be read.
    """
    listed, rejected = cameras.register(scan)
    feed = feeds.load(scan.feed)
    chosen = _sampled(listed, sample)
    slots = {row["native_id"]: _slots(feed, scan, scan_date, row["native_id"]) for row in chosen.to_pylist()}
    begun = snapshots.CLOCK.now()
    seen = []
    for start in range(0, chosen.num_rows, BATCH):
        for each in _looked_at(feed, scan, chosen.slice(start, BATCH), slots):
            seen.append(each)
            told(each.camera_id, chosen.num_rows)
    asked_s = (snapshots.CLOCK.now() - begun).total_seconds()
    pictures = [each for each in seen if each.size_bytes]
    sweep_s, basis = _sweep(feed, listed.num_rows, len(seen), asked_s)
    found = Checkup(
        scan=scan.name,
        feed=scan.feed,
        listed=listed.num_rows,
        rejected=len(rejected),
        cameras=tuple(seen),
        states=_counted(each.state for each in seen),
        sources=_counted(each.captured_at_source for each in pictures),
        sizes=_counted(f"{each.width_px}x{each.height_px}" for each in pictures if each.width_px),
        terms={"verdict": _verdict(scan), **feeds.terms(scan)},
        asked_s=asked_s,
        sweep_s=sweep_s,
        sweep_basis=basis,
        step_s=_step_s(feed, scan, slots),
        advice=(),
    )
    return replace(found, advice=tuple(_advice(found)))


def summary(found: Checkup) -> list[str]:
    """Say in a few lines what was found, and what to do."""
    terms, may = found.terms, {True: "allowed", False: "not allowed"}
    ages = [each.age_s / each.cadence_s for each in found.cameras if each.age_s is not None and each.cadence_s]
    size = sum(each.size_bytes for each in found.cameras)
    came = sum(each.size_bytes > 0 for each in found.cameras)
    fits = "fits into" if found.sweep_s <= found.step_s else "does not fit into"
    return [
        f"{len(found.cameras)} of {found.listed} cameras asked for, in {found.asked_s:.1f} s; nothing of their pictures is kept",
        f"state:      {_told(found.states)}",
        f"size:       {_told(found.sizes)}" + (f"; {size / came / 1e3:.1f} kB in the mean" if came else ""),
        f"taken when: {_told(found.sources)}"
        + (f"; median age {median(ages):.1f} of the stated cadence" if ages else ""),
        f"a sweep:    {found.sweep_s:.0f} s for {found.listed} cameras ({found.sweep_basis}), which {fits} a step of {found.step_s:g} s",
        f"terms:      {terms['verdict']}; licence {terms['licence'] or 'not stated'}",
        f"            commercial use {may[terms['commercial']]}; keeping pictures {may[terms['may_store_frames']]}",
        *(f"note:       {line}" for line in found.advice),
    ]


def _sampled(listed: pa.Table, sample: int) -> pa.Table:
    """Choose cameras spread evenly over the list."""
    if not 0 < sample < listed.num_rows:
        return listed
    return listed.take(np.linspace(0, listed.num_rows - 1, sample).astype(np.int64))


def _slots(feed: Feed, scan: Scan, scan_date: date, native_id: str) -> list[datetime]:
    """Return the first two observations that a night plans of a camera; fewer where there are fewer."""
    found: list[datetime] = []
    for window in scan.windows(scan_date):
        found += feed.slots(scan, window, native_id)[:2]
        if len(found) > 1:
            break
    return found[:2]


def _looked_at(feed: Feed, scan: Scan, chosen: pa.Table, slots: dict[str, list[datetime]]) -> Iterator[Seen]:
    """Ask for some cameras together and judge what comes."""
    now, rows = snapshots.CLOCK.now(), chosen.to_pylist()
    at = [now if feed.live else next(iter(slots[row["native_id"]]), None) for row in rows]
    planned = pa.array([each is not None for each in at])
    came = snapshots.once(chosen.filter(planned), scan, [each for each in at if each is not None])
    judged = frames.inspect(chosen, came, scan.settings("frames", frames.Settings)).to_pylist()
    sizes = dict(zip(came["camera_id"].to_pylist(), pc.binary_length(came["jpeg"]).to_pylist(), strict=True))
    arrived = dict(zip(came["camera_id"].to_pylist(), came["fetched_at"].to_pylist(), strict=True))
    by_camera = {frame["camera_id"]: frame for frame in judged}
    for row in rows:
        name = row["camera_id"]
        yield _seen(row, by_camera.get(name), sizes.get(name) or 0, arrived.get(name))


def _seen(row: dict[str, Any], frame: dict[str, Any] | None, size: int, arrived_at: datetime | None) -> Seen:
    """Put together what is known of one camera."""
    facts = (row["cadence_s"], row["bearing_deg"])
    if frame is None:
        return Seen(row["camera_id"], row["name"], "missed", NOT_PLANNED, 0, 0, 0, None, "none", None, *facts)
    taken_at = frame["captured_at"]
    return Seen(
        row["camera_id"], row["name"], frame["state"], frame["reason"], frame["width_px"], frame["height_px"], size, taken_at,
        frame["captured_at_source"], round((arrived_at - taken_at).total_seconds(), 1) if arrived_at and taken_at else None, *facts,
    )  # fmt: skip


def _sweep(feed: Feed, listed: int, asked: int, asked_s: float) -> tuple[float, str]:
    """Return the seconds that one picture of every camera takes, and what that rests on."""
    measured = asked_s / asked * listed if asked else 0.0
    capped = listed * 60.0 / feed.requests_per_minute * GAP if feed.requests_per_minute else 0.0
    if capped >= measured:
        return capped, f"the terms allow {feed.requests_per_minute:g} requests a minute" if capped else "nothing asked"
    return measured, f"as long a camera as these {asked} took"


def _step_s(feed: Feed, scan: Scan, slots: dict[str, list[datetime]]) -> float:
    """Return the seconds between two observations of a camera."""
    steps = [(two[1] - two[0]).total_seconds() for two in slots.values() if len(two) > 1]
    return min(steps, default=max(scan.cadence_s, feed.min_interval_s))


def _verdict(scan: Scan) -> str:
    """Say whether the feed's terms allow this."""
    cleared = feeds.load(scan.feed).cleared
    return "cleared for this use" if cleared else f"not cleared; permission stated: {scan.permission}"


def _advice(found: Checkup) -> Iterator[str]:
    """Say what is wrong and what to do, the most frequent first."""
    missed = Counter(each.reason or "" for each in found.cameras if each.state == "missed")
    for reason, count in missed.most_common():
        mend = next((mend for start, mend in MENDS.items() if reason.startswith(start)), "see docs/fetching.md")
        yield f"missed ({reason}), {count}: {mend}"
    for state, mend in STATE_MENDS.items():
        if count := found.states.get(state, 0):
            yield f"{state}, {count}: {mend}"
    if count := found.sources.get("none", 0):
        yield f"taken at no known time, {count}: these count as taken when they came, up to a cadence too late"
    if found.sweep_s > found.step_s:
        yield (
            f"a sweep takes longer than a step: raise cadence_s to {math.ceil(found.sweep_s)} or more, name fewer cameras in "
            f"[scan.{found.scan}], or raise at_once where the terms allow it"
        )
    if found.rejected:
        yield f"rows of the list that are no cameras, {found.rejected}: thoroughfare cameras {found.scan} --rejected"
    if count := sum(each.bearing_deg is None for each in found.cameras):
        yield f"cameras without a bearing, {count}: the feed does not say where they look"


def _counted(values: Any) -> dict[str, int]:
    """Count values, the most frequent first."""
    return dict(Counter(values).most_common())


def _told(counts: dict[str, int]) -> str:
    """Write counts."""
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"
