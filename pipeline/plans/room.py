"""Estimate the room, time and memory that a night takes, and refuse one that has no room.

Every estimate says what it rests on: the last night of this lake where there is one, else figures measured on the demo city.
"""

import math
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pipeline import feeds, metrics, upkeep
from pipeline.errors import SpaceError
from pipeline.lake import Lake, Place
from pipeline.query import names
from pipeline.scans import Scan
from pipeline.stages import STAGES, Stage
from pipeline.storage import Folder

BYTES_A_PICTURE = {
    "snapshots": 17_200.0, "frames": 49.0, "detections": 54.0, "embeddings": 150.0, "sightings": 24.0,
    "transitions": 1.4, "observability": 2.2, "links": 7.2, "trajectories": 12.6, "products": 3.2,
}  # fmt: skip
"""What each table takes a picture where no night of the lake tells."""
SIZES_SOURCE = "default: 5,807 stills of New York (352x240), tables of the demo city"
SECONDS_A_PICTURE = 0.0145
SPEED_SOURCE = "default: 4,800 pictures of the demo city in 69 s, one process on 2 cores"
MEMORY_MB, CLIENT_MB, WORKER_MB = 1020, 315, 900
MEMORY_SOURCE = "default: the demo city, 1,020 MiB in one process, 2,115 MiB with 2 workers"
SPARE = 2.0
"""A night is begun when so many times the room it is thought to need is free."""
RECENT = 5
"""Nights whose run records are looked at, newest first."""
OUTLIVED = {name for line in STAGES for name in line.outlived}
"""Tables dropped while the night goes on."""


@dataclass(frozen=True)
class Estimate:
    """One figure of a plan and what it rests on."""

    what: str
    value: float
    unit: str
    basis: str


def sizes(lake: Lake, scan: Scan) -> tuple[dict[str, float], str]:
    """Return the bytes that each table takes a picture, and what that rests on: the lake's last finished night, or defaults."""
    for on in reversed(upkeep.nights(lake)):
        found = {line.table: [lake.last(place) for place in _places(scan, on, line)] for line in STAGES}
        taken = sum(commit.rows for commit in found["frames"] if commit)
        if taken and all(found["products"]) and any(found["snapshots"]):
            by_table = {
                table: sum(file.size_bytes for commit in those if commit for file in commit.files)
                for table, those in found.items()
            }
            return {table: size / taken for table, size in by_table.items()}, f"measured: night {on} of this lake"
    return BYTES_A_PICTURE, SIZES_SOURCE


def speed(lake: Lake, workers: int) -> tuple[float, str]:
    """Return the seconds that the whole line takes a picture, and what that rests on: run records, or a default."""
    for on in reversed(metrics.nights(lake)[-RECENT:]):
        runs = [run for run in metrics.read(lake, on) if run.fresh and not run.fault and run.workers == workers]
        taken = sum(run.rows for run in runs if run.stage == "frames" and run.part is None)
        if taken and {line.table for line in STAGES} <= {run.stage for run in runs}:
            return sum(run.seconds for run in runs) / taken, f"measured: night {on} of this lake, {_crew(workers)}"
    shared = f", dealt to {workers} workers" if workers > 1 else ""
    return SECONDS_A_PICTURE / max(workers, 1), SPEED_SOURCE + shared


def memory(lake: Lake, workers: int) -> tuple[float, str]:
    """Return the MiB that a run holds at most, and what that rests on."""
    for on in reversed(metrics.nights(lake)[-RECENT:]):
        if peaks := [run.peak_rss_mb for run in metrics.read(lake, on) if run.workers == workers and run.peak_rss_mb]:
            return max(peaks), f"measured: night {on} of this lake, {_crew(workers)}"
    return CLIENT_MB + WORKER_MB * workers if workers else MEMORY_MB, MEMORY_SOURCE


def need_bytes(by_table: dict[str, float], counts: list[int], *, live: bool = False) -> float:
    """Return the most bytes that windows with so many pictures take at once.

    Snapshots are dropped window by window, so only the largest window's count; a live night's are fetched all first.
    """
    whole = sum(size for table, size in by_table.items() if table != "snapshots") * sum(counts)
    return whole + by_table.get("snapshots", 0.0) * (sum(counts) if live else max(counts, default=0))


def refuse_without_room(lake: Lake, scan: Scan, counts: list[int], tables: tuple[str, ...] = ()) -> str:
    """Raise SpaceError where less than twice the room is free that some windows, of so many pictures, still need.

    Args:
        lake: Where they are to lie; only a disk of this machine can be asked.
        scan: Its nights.
        counts: Pictures of each window that is still to do.
        tables: Tables that are still to do; empty for all.

    Returns:
        What was found, in words.
    """
    if not isinstance(lake.storage, Folder):
        return f"room is not checked: {lake} is not a disk of this machine"
    by_table = {table: size for table, size in sizes(lake, scan)[0].items() if not tables or table in tables}
    wanted = SPARE * need_bytes(by_table, counts, live=feeds.load(scan.feed).live)
    free = free_bytes(lake.storage.root)
    if free < wanted:
        raise SpaceError(
            f"{lake}: {free // 10**6:,} MB free, and {_mb(wanted)} should be (twice the estimate for {sum(counts):,} pictures still "
            "to do); free room, choose another --lake, or pass --no-preflight"
        )
    return f"room: {_mb(wanted)} wanted, {free // 10**6:,} MB free"


def free_bytes(folder: Path) -> int:
    """Return what is free on the disk where a folder is or will be."""
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    return shutil.disk_usage(there).free


def available_mb() -> int:
    """Return the memory that programs may still take, MiB."""
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    available = int(lines["MemAvailable"].split()[0]) // 1024
    with suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        limit, used = (int((group / name).read_text()) for name in ("memory.max", "memory.current"))
        return min(available, (limit - used) // 2**20)
    return available


def _places(scan: Scan, on: date, line: Stage) -> list[Place]:
    """List where a stage's tables of a night lie, committed or not."""
    if line.unit in ("scan", "night"):
        return [Place(table, on) for table in (names("products") if line.table == "products" else [line.table])]
    return [Place.of(line.table, window.hour_at) for window in scan.windows(on)]


def _mb(size: float) -> str:
    """Write bytes as megabytes, rounded up."""
    return f"{math.ceil(size / 1e6):,} MB"


def _crew(workers: int) -> str:
    """Name who did the work."""
    return f"{workers} workers" if workers else "one process"
