"""Break time in six ways: clocks that change, a leap second, a clock that is set, a picture that is late."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from loopback import Loopback, says

from pipeline import cameras, frames, scans, snapshots
from pipeline.fetcher import manners
from pipeline.scans import Scan, Window
from tests.faults import night
from tests.faults.images import encoded
from tests.faults.night import Night
from tests.faults.rows import Input, Row, Seen

ZONE = "America/New_York"
LEAP = "Last-Modified: Sat, 31 Dec 2016 23:59:60 GMT"
SLOTS = 6
COUNTED = "slots are counted in UTC from the night's first instant, so none is twice and none is left out"
STEADY = "slots follow a clock that goes on evenly; what came after the jump says so"
INPUTS = tuple(
    Input("time", name, what, expected, why)
    for name, what, expected, why in (
        ("spring", "a night of New York on which clocks go forward, 2026-03-07", "7 windows, 56 of 56 observations with one state", COUNTED),
        ("autumn", "a night of New York on which clocks go back, 2026-10-31", "9 windows, 72 of 72 observations with one state", COUNTED),
        ("leap", "a picture of the second 23:59:60, and the night of 29 February 2028", "stale: ", "a second that no clock of ours has is read as the next; it is long before its slot"),
        ("plus-1h", "this machine's clock set forward by an hour within a window", "6 slots in order, 4 of them ok: clock suspect, set by +3600 s", STEADY),
        ("minus-1h", "this machine's clock set back by an hour within a window", "6 slots in order, 4 of them ok: clock suspect, set by -3600 s", STEADY),
        ("late", "a picture that its server calls two hours old", "stale: taken 7", "what was taken long before its slot is no observation of it"),
    )
)  # fmt: skip


def pages() -> dict[str, Any]:
    """Return the answers of the two cameras whose pictures have odd times, for the night."""
    old = datetime.now(UTC) - timedelta(hours=2)
    late = f"Last-Modified: {old:%a, %d %b %Y %H:%M:%S} GMT"
    return {"leap": says(encoded(".jpg", seed=7), LEAP), "late": says(encoded(".jpg", seed=8), late)}


def held(of: Night, folder: Path) -> list[Row]:
    """Run nights about changes of clocks, windows within which the clock is set, and look at the night's two pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    leap = _night(folder, "2028-02-28")
    seen = {
        "spring": _night(folder, "2026-03-07"),
        "autumn": _night(folder, "2026-10-31"),
        "leap": Seen(
            of.state("leap"), "" if leap.told.startswith("8 windows, 64 of 64") and not leap.wrong else f"{leap}"
        ),
        "plus-1h": _set(folder, 3600.0),
        "minus-1h": _set(folder, -3600.0),
        "late": Seen(of.state("late")),
    }
    return [Row(each, seen[each.name]) for each in INPUTS]


def _night(folder: Path, on: str) -> Seen:
    """Observe the demo city's cameras once an hour through a local night, and count its slots by the wall clock here."""
    settings = folder / "demo.toml"
    settings.write_text(
        f'[scan.demo]\nfeed = "demo"\ntimezone = "{ZONE}"\nmetric_crs = "EPSG:32618"\ncadence_s = 3600.0\n'
    )
    scan, scan_date = scans.load("demo", settings), date.fromisoformat(on)
    listed, windows = cameras.survey(scan), scan.windows(date.fromisoformat(on))
    rows = [row for window in windows for row in _framed(listed, scan, window)]
    begins, ends = (datetime.combine(day, at, ZoneInfo(ZONE)).astimezone(UTC) for day, at in _ends(scan_date))
    hours = range((ends - begins) // timedelta(hours=1))
    wanted = {(id_, begins + hour * timedelta(hours=1)) for id_ in listed["camera_id"].to_pylist() for hour in hours}
    found = [(row["camera_id"], row["slot_at"]) for row in rows]
    wrong = "" if set(found) == wanted else f"other slots: {sorted(set(found) ^ wanted)[:3]}"
    return Seen(f"{len(windows)} windows, {len(set(found))} of {len(found)} observations with one state", wrong)


def _ends(scan_date: date) -> tuple[tuple[date, time], tuple[date, time]]:
    """Return the local date and time at which a night from 22:00 to 06:00 begins and ends."""
    return (scan_date, time(22)), (scan_date + timedelta(days=1), time(6))


def _framed(listed: Any, scan: Scan, window: Window) -> list[dict[str, Any]]:
    """Fetch and inspect a window."""
    return frames.inspect(listed, snapshots.fetch(listed, scan, window), frames.Settings()).to_pylist()


@dataclass
class _Hands:
    """A machine whose clock somebody sets while it sleeps to its third slot."""

    from_wall: datetime
    jump_s: float
    even_s: float = 0.0
    sleeps: int = 0

    def wall(self) -> datetime:
        """Return what its clock says."""
        return self.from_wall + timedelta(seconds=self.even_s + (self.jump_s if self.sleeps > 2 else 0.0))

    def sleep(self, seconds: float) -> None:
        """Let time pass; the fetcher's own pace, which follows no clock of ours, begins anew."""
        self.even_s, self.sleeps = self.even_s + seconds, self.sleeps + 1
        manners.forget()


@contextmanager
def _clock(hands: _Hands) -> Iterator[None]:
    """Poll by these hands."""
    steady, before = snapshots.Steady(hands.wall, lambda: hands.even_s), snapshots.CLOCK
    snapshots.CLOCK = snapshots.Clock(steady.now, hands.sleep, steady.step_s)
    try:
        yield
    finally:
        snapshots.CLOCK = before


def _set(folder: Path, jump_s: float) -> Seen:
    """Fetch a window of six slots, during which the clock is set."""
    begins = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    pictures = iter(encoded(".jpg", noise=number) for number in range(SLOTS))

    async def another(to: Any) -> None:
        await _answer(next(pictures))(to)

    with Loopback({night.LIST: says(night.listed({"one": "One"})), f"/{night.MEDIA}/one.jpg": another}) as server:
        night.write_settings(folder / "set.toml", "set", server.url)
        scan = replace(scans.load("set", folder / "set.toml"), hours="00:00-24:00")
        listed = cameras.survey(scan)
        with _clock(_Hands(begins - timedelta(seconds=1), jump_s)):
            rows = _framed(listed, scan, Window(begins, begins, begins + SLOTS * timedelta(minutes=5)))
    manners.forget()
    return _told(rows, begins)


def _answer(raw: bytes) -> Callable[..., Any]:
    return says(raw)


def _told(rows: list[dict[str, Any]], begins: datetime) -> Seen:
    """Say how the slots of a window stand."""
    in_order = [row["slot_at"] for row in rows] == [begins + timedelta(minutes=5 * number) for number in range(SLOTS)]
    suspect = [night.told(row) for row in rows if row["reason"]]
    wrong = [] if in_order else ["slots are not in order"]
    wrong += [] if {row["state"] for row in rows} == {"ok"} else [f"states {[night.told(row) for row in rows]}"]
    wrong += [] if [bool(row["reason"]) for row in rows] == [False] * 2 + [True] * 4 else ["other slots are suspect"]
    return Seen(
        f"{len(rows)} slots in order, {len(suspect)} of them {suspect[0] if suspect else 'suspect'}", "; ".join(wrong)
    )
