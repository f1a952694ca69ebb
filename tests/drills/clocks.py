"""Run the nights on which clocks change, and hold every zone's windows against the time that passes."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from tests.drills import night
from tests.drills.night import HERE, fork
from tests.drills.rows import Row, timed

SETTINGS = """[scan.demo]
feed = "demo"
timezone = "America/New_York"
metric_crs = "EPSG:32618"
cadence_s = 1800.0
shard_cameras = 8
exempt = "a simulated city"
"""
NIGHTS = {"2026-03-07": 7, "2026-10-31": 9, "2026-12-31": 8}
"""Hours of New York nights from 22:00 to 06:00: clocks go forward, back, the year ends."""


def nights(folder: Path, dates: dict[str, int]) -> Row:
    """Run whole nights, a picture every half hour."""
    row = Row(
        "clocks change, the year ends",
        "nights 22:00-06:00 of New York: " + ", ".join(f"{on} ({hours} h)" for on, hours in dates.items()),
        "7, 9 and 8 windows; each half hour of each camera one state; `verify` clean",
    )
    with timed(row):
        folder.mkdir(parents=True)
        (folder / "settings.toml").write_text(SETTINGS)
        night.warm(folder / "settings.toml")
        states = 0
        for on, hours in dates.items():
            words = [
                "run",
                "demo",
                "--date",
                on,
                "--lake",
                str(folder / on),
                "--settings",
                str(folder / "settings.toml"),
            ]
            done = fork(lambda words=words: night.command(words), folder / f"{on}.log").go().ended(300)
            held = fork(lambda on=on, hours=hours: _hold(folder / on, on, hours), folder / f"{on}.held").go().ended()
            states += 8 * 2 * hours
            row.note(on, *(each.said()[-400:] for each in (done, held) if each.code != 0))
        row.seen = f"{sum(dates.values())} windows, {states} states in {len(dates)} nights"
    return row


def zones() -> Row:
    """Compare the windows of every zone and every change of clocks of a year with the seconds that pass."""
    row = Row(
        "clocks change in any zone",
        "every IANA zone, nights 22:00-06:00 and 00:00-24:00 about each change of its clocks in 2026",
        "windows touch, none is empty, together they last as long as the night",
    )
    with timed(row):
        for zone in sorted(available_timezones() - {"localtime"}):
            for on in _changes(ZoneInfo(zone), 2026):
                for hours in ("22:00-06:00", "00:00-24:00"):
                    row.note(f"{zone} {on} {hours}", _held(zone, on, hours))
        row.seen = f"{row.trials} nights"
    return row


def no_data(folder: Path) -> Row:
    """Take the timezone data away."""
    row = Row("timezone data missing", "PYTHONTZPATH of nothing, no tzdata package", "one sentence, exit code 2")
    with timed(row):
        folder.mkdir(parents=True)
        (folder / "settings.toml").write_text(SETTINGS)
        words = ["run", "demo", "--date", "2026-03-07", "--lake", str(folder / "lake")]
        words += ["--settings", str(folder / "settings.toml")]
        code = "import sys; sys.modules['tzdata'] = None; from pipeline.__main__ import main; main()"
        bare = os.environ | {"PYTHONTZPATH": str(folder / "none")}
        done = subprocess.run(
            [sys.executable, "-c", code, *words], cwd=HERE, env=bare, capture_output=True, text=True, check=False
        )
        fine = done.returncode == 2 and done.stderr.startswith("thoroughfare: ") and "timezone" in done.stderr
        row.note("run", "" if fine else f"{done.returncode}: {done.stderr[-300:]}")
        row.seen = done.stderr.strip()[-160:].replace(str(folder), "")
    return row


def _hold(lake: Path, on: str, hours: int) -> None:
    """Hold a night's slots against those counted here."""
    from pipeline import upkeep
    from pipeline.lake import Lake

    opened, scan_date = Lake(lake, "demo"), date.fromisoformat(on)
    frames = upkeep.night(opened, scan_date, "frames").to_pylist()
    begins = datetime.combine(scan_date, time(22), ZoneInfo("America/New_York")).astimezone(UTC)
    wanted = {begins + timedelta(minutes=30 * number) for number in range(2 * hours)}
    assert len(opened.night("frames", scan_date)) == hours
    for camera in {row["camera_id"] for row in frames}:
        slots = [row["slot_at"] for row in frames if row["camera_id"] == camera]
        assert len(slots) == len(wanted), f"{camera}: {len(slots)} slots"
        assert set(slots) == wanted, f"{camera}: {sorted(set(slots) ^ wanted)}"
    assert list(upkeep.verify(opened)) == []


def _changes(zone: ZoneInfo, year: int) -> list[date]:
    """List the dates about which a zone's clocks change, and the ends of the year."""
    days = [date(year, 1, 1) + timedelta(days=number) for number in range(365)]
    offsets = [datetime.combine(day, time(12), zone).utcoffset() for day in days]
    about = {days[number + by] for number in range(1, 364) if offsets[number] != offsets[number - 1] for by in (-1, 0)}
    return sorted(about | {days[0], days[-1]})


def _held(zone: str, on: date, hours: str) -> str:
    """Compare a night's windows with the time from its first to its last instant."""
    from pipeline.scans import Scan

    windows = Scan("any", "demo", zone, "EPSG:32618", hours=hours).windows(on)
    first, last = (time.fromisoformat(text) for text in hours.replace("24:00", "00:00").split("-"))
    begins, ends = (
        datetime.combine(day, at, ZoneInfo(zone)) for day, at in ((on, first), (on + timedelta(days=1), last))
    )
    lasts = sum((window.ends_at - window.starts_at for window in windows), timedelta())
    touching = all(one.ends_at == other.starts_at for one, other in pairwise(windows))
    if lasts != ends.astimezone(UTC) - begins.astimezone(UTC) or not touching:
        return f"{lasts} in {len(windows)} windows"
    return "" if all(window.starts_at < window.ends_at for window in windows) else "an empty window"
