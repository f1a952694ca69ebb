"""Break the disk: errors of system calls, a full disk, no inodes, small files only, nothing writable."""

import os
import random
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.drills import night, strace
from tests.drills.night import Child, Night
from tests.drills.rows import Row, timed

ENDS = "one sentence and exit code 10; nothing half published; rerun after mending: the undisturbed bytes"
ROOM = "size=1g,nr_inodes=100000"


def failing(small: Night, folder: Path, error: str, calls: tuple[str, ...], every: int = 1) -> Row:
    """Let each of a night's calls fail in turn."""
    row = Row(
        {"EIO": "disk errors", "ENOSPC": "disk full by error"}[error],
        f"`strace -e inject=CALL:error={error}:when=N`, every N of {', '.join(calls)}"
        + (f", each {every}th" if every > 1 else ""),
        ENDS,
    )
    with timed(row):
        counts = strace.counted(small.child(night.fresh(folder / "count")), calls)
        for call in calls:
            for nth in range(1, counts[call] + 1, every):
                lake = night.fresh(folder / "error")
                child = strace.injected(small.child(lake), call, nth, f"error={error}")
                # a run record that cannot be written costs the night nothing
                spared = child.code == 0 and not night.unlike(small.gold, lake)
                ended = "" if spared else night.plain(child)
                row.note(f"{call} {nth}", ended, night.halved(lake), small.mended(lake))
        row.seen = (
            ", ".join(f"{counts[call]} {call}" for call in calls) + f" in a night; {row.trials} failed, each mended"
        )
    return row


def full(small: Night, folder: Path, trials: int) -> Row:
    """Leave a running night a little room, from none to almost enough."""
    left = [f"size={4 * round(kib / 4)}k" for kib in _spread(0, _kib(small), trials)]
    return _shrunk(small, folder, "disk full", "a tmpfs shrunk to what is used and N KiB more while a night runs", left)


def inodes(small: Night, folder: Path, trials: int) -> Row:
    """Leave a running night a few inodes."""
    left = [f"nr_inodes={round(more)}" for more in _spread(1, 60, trials)]
    return _shrunk(
        small, folder, "no inodes left", "a tmpfs cut to what is used and N inodes more while a night runs", left
    )


def unwritable(small: Night, folder: Path, trials: int) -> Row:
    """Turn the disk read-only at a random moment."""
    return _shrunk(small, folder, "read-only disk", "`mount -o remount,ro` at a random moment", ["ro"] * trials)


def big_files(small: Night, folder: Path, trials: int) -> Row:
    """Forbid files over a size."""
    row = Row("files too big", "RLIMIT_FSIZE from 4 KiB up (EFBIG)", ENDS)
    with timed(row):
        largest = max(len(content) for content in small.gold.values())
        for limit in (round(each) for each in _spread(4096, max(largest - 1, 8192), trials)):
            lake = night.fresh(folder / "big")
            child = small.child(lake, before=_limited(limit)).go().ended()
            row.note(f"limit {limit}", night.plain(child), night.halved(lake), small.mended(lake))
        row.seen = f"{row.trials} limits up to {largest} bytes; each ended with a sentence and was mended"
    return row


def mounts() -> bool:
    """Tell whether a tmpfs can be mounted here."""
    done = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False)
    return done.returncode == 0


def _shrunk(small: Night, folder: Path, fault: str, injection: str, options: list[str]) -> Row:
    """Run nights on a tmpfs that is remounted with each of the options meanwhile."""
    row, chance, unhurt = Row(fault, injection, ENDS), random.Random(8), 0
    with timed(row):
        for option in options:
            with _tmpfs(night.fresh(folder / "disk").parent) as disk:
                lake = disk / "lake"
                child = small.child(lake, small.words(lake, "--no-preflight")).go()
                _wait(lambda lake=lake: any(lake.rglob("commit-r*.json")))
                time.sleep(chance.uniform(0, 0.25))
                _remount(disk, option, child)
                child.ended()
                ended = "" if child.code == 0 else night.plain(child)
                unhurt += child.code == 0
                _mount("-o", f"remount,rw,{ROOM}", str(disk))
                row.note(option, ended, night.halved(lake), small.mended(lake))
        row.seen = f"{row.trials - unhurt} runs ended with the sentence, {unhurt} were done before; all mended"
    return row


def _remount(disk: Path, option: str, child: Child) -> None:
    """Shrink a disk to what is used and what an option leaves; try again while a file is being written."""
    while child.alive():
        asked = "ro" if option == "ro" else _beside_what_is_used(disk, option)
        if _mount("-o", f"remount,{asked}", str(disk)):
            return


def _beside_what_is_used(disk: Path, option: str) -> str:
    """Add what is used to what an option leaves."""
    name, _, more = option.partition("=")
    facts = _facts(disk)
    if name == "size":
        return f"size={facts['used'] // 1024 + int(more.rstrip('k')) + 4}k"
    return f"nr_inodes={facts['inodes'] + int(more)}"


def _facts(disk: Path) -> dict[str, int]:
    """Return the bytes and inodes in use."""
    stat = os.statvfs(disk)
    return {"used": (stat.f_blocks - stat.f_bfree) * stat.f_frsize, "inodes": stat.f_files - stat.f_ffree}


@contextmanager
def _tmpfs(folder: Path) -> Iterator[Path]:
    """Mount a roomy tmpfs."""
    assert _mount("-t", "tmpfs", "-o", ROOM, "tmpfs", str(folder)), f"{folder}: no tmpfs can be mounted"
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _mount(*words: str) -> bool:
    return subprocess.run(["mount", *words], capture_output=True, check=False).returncode == 0


def _wait(until: Callable[[], bool], within_s: float = 60) -> None:
    """Wait for something to be so."""
    deadline = time.monotonic() + within_s
    while not until() and time.monotonic() < deadline:
        time.sleep(0.002)


def _limited(limit: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


def _kib(small: Night) -> float:
    """Return the room a finished night takes, KiB."""
    return sum(-(-len(content) // 4096) * 4 for content in small.gold.values())


def _spread(low: float, high: float, trials: int) -> list[float]:
    """Return numbers from low to high, evenly."""
    return [low + (high - low) * number / max(1, trials - 1) for number in range(trials)]
