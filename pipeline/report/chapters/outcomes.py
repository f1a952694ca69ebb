"""Tell how each feed did, and under which terms: frames, cameras -> facts by feed, state, reason and hour."""

from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.report.chapters.coverage import counted
from pipeline.report.given import Facts, Given, Rows
from pipeline.report.words import cut, share, without_figures
from pipeline.tables import FRAME_STATES

MAX_REASONS = 20
POISON = "quarantined: "
"""How the reason of a picture begins that killed its reader and is left out by name since."""
TERMS = ("operator", "licence", "terms_url", "commercial", "may_store_frames", "cleared")


def facts(given: Given) -> Facts:
    """Tell each feed's outcome and terms, and how much of each hour was usable."""
    cameras, frames = given.table("cameras"), given.table("frames")
    by_feed = dict(zip(*(cameras[name].to_pylist() for name in ("camera_id", "feed")), strict=True))
    feeds = sorted(set(by_feed.values())) or [given.scan.feed]
    return {
        "feeds": [_feed(given, feed, [each for each, of in by_feed.items() if of == feed], frames) for feed in feeds],
        "hours": _hours(frames, given.scan.timezone),
    }


def _feed(given: Given, feed: str, cameras: list[str], frames: pa.Table) -> Facts:
    """Tell one feed's states, reasons and terms."""
    own = frames.filter(pc.is_in(frames["camera_id"], value_set=pa.array(cameras, pa.string())))
    states = counted(own, "state")
    seen = {camera for camera, state in counted(own, "camera_id", "state") if state == "ok"}
    poisoned = pc.sum(pc.starts_with(own["reason"], pattern=POISON)).as_py() or 0
    stated = given.operators.get(feed, {})
    return {
        "feed": feed,
        "cameras": len(cameras),
        "cameras_without_a_picture": len(set(cameras) - seen),
        "planned": own.num_rows,
        "states": {state: states[state,] for state in FRAME_STATES},
        "usable": share(states["ok",], own.num_rows),
        "quarantined": poisoned,
        "reasons": cut(_reasons(own), MAX_REASONS, "frames"),
        "terms": {name: stated.get(name) for name in TERMS},
        "permissions": [each["permission"] for each in given.permissions if each.get("feed") == feed],
    }


def _reasons(frames: pa.Table) -> Rows:
    """Count the pictures that could not be used, or are in doubt, by state and reason without its figures."""
    stated = frames.filter(pc.or_(pc.not_equal(frames["state"], "ok"), pc.is_valid(frames["reason"])))
    pictures: Counter[tuple[str, str]] = Counter()
    cameras: dict[tuple[str, str], set[str]] = {}
    for (camera, state, reason), count in counted(stated, "camera_id", "state", "reason").items():
        key = (state, without_figures(reason or "no reason is stated"))
        pictures[key] += count
        cameras.setdefault(key, set()).add(camera)
    ranked = sorted(pictures, key=lambda key: (-pictures[key], key))
    return [
        {"state": state, "reason": reason, "pictures": pictures[state, reason], "cameras": len(cameras[state, reason])}
        for state, reason in ranked
    ]


def _hours(frames: pa.Table, timezone: str) -> Rows:
    """Count planned and usable pictures by hour."""
    if not frames.num_rows:
        return []
    hours = pc.floor_temporal(frames["slot_at"], unit="hour")
    by_hour: dict[Any, Counter[str]] = {}
    rows = pa.table({"hour_at": hours, "state": frames["state"]})
    for (hour, state), count in counted(rows, "hour_at", "state").items():
        by_hour.setdefault(hour, Counter())[state] += count
    local = dict(zip(by_hour, pc.local_timestamp(pa.array(by_hour, hours.type).cast(pa.timestamp("us", timezone))).to_pylist(), strict=True))  # fmt: skip
    return [
        {"hour_at": hour, "hour_local": local[hour], "planned": sum(states.values()), "states": {state: states[state] for state in FRAME_STATES}}
        for hour, states in sorted(by_hour.items())
    ]  # fmt: skip
