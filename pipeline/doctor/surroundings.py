"""Check what a night meets: room, clock, time zones, the feed, the lake."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline import feeds, plans, upkeep
from pipeline.doctor.findings import LIMIT_S, Finding, State, Subject, installed
from pipeline.errors import PipelineError
from pipeline.lake import Lake

CLOCK_STEP_S = 0.2
"""How long the clock is watched for steps."""


def room(subject: Subject) -> Iterator[Finding]:
    """Hold the disk and the memory against what the scan's next night needs."""
    planned, why = _plan(subject)
    folder = Path(subject.lake.root) if subject.lake and "://" not in subject.lake.root else Path()
    free, need = plans.room.free_bytes(folder), 2e9
    if planned:
        need = max(need, plans.room.SPARE * planned.value("disk at most") * 1e6)
    fits, note = free >= need, f"{free / 1e9:.0f} GB free; {need / 1e9:.1f} GB wanted {why}"
    yield Finding("disk", "ok" if fits else "missing", note, "" if fits else "free room or pass another --lake")
    available, held = plans.room.available_mb(), planned.value("memory") if planned else plans.room.MEMORY_MB
    fits, note = available >= held, f"{available:,} MiB available, {held:,.0f} MiB needed {why}"
    yield Finding(
        "memory", "ok" if fits else "warning", note, "" if fits else "end other programs or use fewer --workers"
    )


def clock(subject: Subject) -> Iterator[Finding]:
    """Hold the clock against itself, the time service and the lake's newest commit."""
    wall, steady = time.time(), time.monotonic()
    time.sleep(CLOCK_STEP_S)
    drift = abs((time.time() - wall) - (time.monotonic() - steady))
    if drift > CLOCK_STEP_S / 2:
        yield Finding(
            "clock", "warning", f"it stepped by {drift:.2f} s while it was watched", "let one time service set it"
        )
    newest = _newest(subject.lake) if subject.lake else None
    if newest and newest > datetime.now(UTC) + timedelta(seconds=2):
        mend = "set the clock before a night is run: retention and live feeds go by it"
        yield Finding(
            "clock",
            "missing",
            f"it is {datetime.now(UTC):%F %T}Z, and {subject.lake} has a commit of {newest:%F %T}Z",
            mend,
        )
    synchronised = _synchronised()
    note = {True: "synchronised by a time service", False: "no time service holds it", None: "no systemd to ask"}
    state: State = "warning" if synchronised is False else "ok"
    mend = "timedatectl set-ntp true" if synchronised is False else ""
    yield Finding("clock", state, f"{datetime.now(UTC):%F %T}Z; {note[synchronised]}", mend)


def timezone(subject: Subject) -> Iterator[Finding]:
    """Find the zone data and the next night that is not 24 h of clock long."""
    data = installed("tzdata")
    yield Finding("timezone data", "ok", data) if data else Finding("timezone data", "missing", "no tzdata", "uv sync")
    if subject.scan is None:
        return
    change = clock_change(subject.scan.timezone, subject.now.date())
    if change is None:
        yield Finding("clock change", "ok", f"{subject.scan.timezone}: none in the next 400 days")
        return
    on, hours = change
    nights = {on - timedelta(days=1): 0, on: 0}
    told = ", ".join(f"{night} has {len(subject.scan.windows(night))} windows" for night in nights)
    yield Finding("clock change", "ok", f"{subject.scan.timezone}: {on} by {hours:+.0f} h; night {told}")


def feed(subject: Subject) -> Iterator[Finding]:
    """Ask the scan's feed for its cameras, unless its terms forbid even that."""
    if subject.scan is None:
        return
    feed, name = feeds.load(subject.scan.feed), f"feed {subject.scan.feed}"
    if not (feed.cleared or subject.scan.permission):
        mend = f"ask {feed.operator} ({feed.terms_url}), then set permission in [scan.{subject.scan.name}]"
        yield Finding(name, "missing", "its terms are not cleared for this use; it was not asked", mend)
        return
    begun = time.monotonic()
    count = len(feed.cameras(subject.scan))
    licence = feed.licence or subject.scan.licence or "no licence stated"
    yield Finding(name, "ok", f"cleared ({licence}); {count} cameras listed in {time.monotonic() - begun:.1f} s")


def lake(subject: Subject) -> Iterator[Finding]:
    """Create a key, see it refused a second time, read it back, delete it."""
    if subject.lake is None:
        return
    storage, key = subject.lake.storage, f".doctor/{os.getpid()}-{time.time_ns()}"
    first, second = storage.put(key, b"one"), storage.put(key, b"two")
    same = storage.get(key) == b"one"
    storage.delete(key)
    if first and not second and same:
        yield Finding("lake", "ok", f"{subject.lake}: writable; a key is created once only")
    else:
        mend = "keep the lake where files are linked, or a bucket honours If-None-Match"
        yield Finding(
            "lake",
            "missing",
            f"{subject.lake}: a key could be created twice, so two runs could overwrite each other",
            mend,
        )


def clock_change(zone: str, after: date, days: int = 400) -> tuple[date, float] | None:
    """Return the next local date on which a zone's clocks change, and by how many hours; None where they do not."""
    tz = ZoneInfo(zone)
    for n in range(days):
        on = after + timedelta(days=n)
        noon, before = (
            datetime(each.year, each.month, each.day, 12, tzinfo=tz) for each in (on, on - timedelta(days=1))
        )
        if step := (noon.utcoffset() or timedelta()) - (before.utcoffset() or timedelta()):
            return on, step / timedelta(hours=1)
    return None


def _plan(subject: Subject) -> tuple[plans.Plan | None, str]:
    """Plan the scan's next night, where it can be planned."""
    if subject.scan is None or not (feeds.load(subject.scan.feed).cleared or subject.scan.permission):
        return None, "for any night"
    on = subject.scan.night_of(subject.now) + timedelta(days=1)
    with suppress(PipelineError):
        found = plans.plan(subject.scan, on, subject.lake or Lake("lake", subject.scan.name))
        if found.pictures:
            return found, f"for {subject.scan.name} {on}"
    return None, "for any night"


def _newest(lake: Lake) -> datetime | None:
    """Return when the last night's newest commit was made."""
    last = upkeep.nights(lake)[-1:]
    return max((lake.made_at(place) for on in last for place in lake.places() if place.date == on), default=None)


def _synchronised() -> bool | None:
    """Ask systemd whether a time service holds the clock; None where there is no systemd."""
    if not (program := shutil.which("timedatectl")):
        return None
    words = [program, "show", "--property=NTPSynchronized", "--value"]
    asked = subprocess.run(words, capture_output=True, text=True, check=False, timeout=LIMIT_S / 2)  # noqa: S603
    return {"yes": True, "no": False}.get(asked.stdout.strip())
