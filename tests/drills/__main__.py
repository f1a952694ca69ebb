"""Run every drill and print the table of faults: `python -m tests.drills [--short] [--only NAME] [--json FILE] [--docs PAGE]`."""

import argparse
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from tests.drills import clocks, decoders, disks, flips, kills, races, strace, workers
from tests.drills.night import Night
from tests.drills.rows import Row, shown, written
from tests.drills.workers import Crewed


class Bench:
    """Where drills run, and how much of them."""

    def __init__(self, folder: Path, *, short: bool) -> None:
        """Name a folder that is empty."""
        self.folder, self.short = folder, short

    @cached_property
    def small(self) -> Night:
        """The small night that most drills break, prepared once."""
        return Night(self.folder / "night").prepare()

    @cached_property
    def tiny(self) -> Night:
        """A night of one window, for drills of each operation in turn."""
        return self.small if self.short else Night(self.folder / "tiny", hours="07:59:30-08:00:00").prepare()

    @cached_property
    def crewed(self) -> Crewed:
        """The small night whose runs have workers, prepared once."""
        return Crewed(self.folder / "crewed").prepare()

    def many(self, short: int, full: int) -> int:
        """Choose a number by how much is asked."""
        return short if self.short else full


Drill = Callable[[Bench, Path], Row]
DRILLS: dict[str, Drill] = {
    "kill-random": lambda bench, at: kills.at_random(bench.small, at, bench.many(4, 200)),
    "kill-every": lambda bench, at: kills.at_every(bench.tiny, at, bench.many(120, 1)),
    "kill-every-full": lambda bench, at: kills.at_every(bench.tiny, at, bench.many(390, 8), replayed=False),
    "eio": lambda bench, at: disks.failing(bench.tiny, at, "EIO", ("fsync",), bench.many(90, 1)),
    "enospc": lambda bench, at: disks.failing(bench.tiny, at, "ENOSPC", ("link",), bench.many(40, 1)),
    "disk-full": lambda bench, at: disks.full(bench.small, at, bench.many(3, 40)),
    "inodes": lambda bench, at: disks.inodes(bench.small, at, bench.many(2, 20)),
    "read-only": lambda bench, at: disks.unwritable(bench.small, at, bench.many(2, 20)),
    "too-big": lambda bench, at: disks.big_files(bench.small, at, bench.many(2, 12)),
    "race": lambda bench, at: races.at_once(bench.small, at, bench.many(3, 40)),
    "race-full": lambda bench, at: races.at_once(bench.small, at, bench.many(0, 20), replayed=False),
    "stopped": lambda bench, at: races.one_stopped(bench.small, at, bench.many(3, 40)),
    "pair-killed": lambda bench, at: races.one_killed(bench.small, at, bench.many(2, 40)),
    "retried": lambda bench, at: races.retried(bench.small, at),
    "worker-killed": lambda bench, at: workers.killed(bench.crewed, at, bench.many(1, 20)),
    "worker-hung": lambda bench, at: workers.hung(bench.crewed, at, bench.many(1, 5)),
    "poison": lambda bench, at: workers.poisoned(
        bench.crewed, at, ("kill", "crash") if bench.short else ("kill", "hang", "eat", "crash")
    ),
    "scheduler-killed": lambda bench, at: workers.scheduler_gone(bench.crewed, at, bench.many(1, 10)),
    "run-killed": lambda bench, at: workers.run_killed(bench.crewed, at, bench.many(1, 10)),
    "clocks": lambda bench, at: clocks.nights(at, {"2026-03-07": 7} if bench.short else clocks.NIGHTS),
    "zones": lambda *_: clocks.zones(),
    "no-zones": lambda _, at: clocks.no_data(at),
    "mutated-pictures": lambda bench, _: decoders.mutated(bench.many(500, 100_000)),
    "flips": lambda bench, at: flips.flipped(bench.small, at, bench.many(500, 10_000)),
}
NEEDS_STRACE = ("kill-every", "kill-every-full", "eio", "enospc", "flips")
NEEDS_MOUNT = ("disk-full", "inodes", "read-only")
NOT_SHORT = (
    "kill-random",
    "kill-every-full",
    "race-full",
    "worker-killed",
    "worker-hung",
    "poison",
    "scheduler-killed",
    "run-killed",
)
"""Too slow for every change; tests/test_runner.py and tests/test_clusters.py make these faults on a smaller scale."""


def main() -> int:
    """Run the drills asked for; exit code 1 where anything was not as expected."""
    asked = _asked()
    names = [name for name in asked.only or DRILLS if not (asked.short and name in NOT_SHORT)]
    rows = []
    with tempfile.TemporaryDirectory(prefix="drills-") as folder:
        # killed processes leave temporary files of their libraries: here they go too
        os.environ["TMPDIR"] = tempfile.tempdir = folder
        bench = Bench(Path(folder), short=asked.short)
        for name in names:
            if why := _cannot(name):
                print(f"{name}: left out, {why}", file=sys.stderr, flush=True)
                continue
            row = _drilled(name, bench, Path(folder) / name)
            rows.append(row.stated() | {"drill": name})
            print(
                f"{name}: {row.trials} trials, {row.result}, {row.seconds} s; {row.seen}", file=sys.stderr, flush=True
            )
            for wrong in row.wrong[:20]:
                print(f"  {wrong}", file=sys.stderr, flush=True)
            if asked.json:
                asked.json.parent.mkdir(parents=True, exist_ok=True)
                asked.json.write_text(json.dumps(rows, indent=1) + "\n")
    print(shown(rows))
    if asked.docs:
        written(rows, asked.docs, f"python -m tests.drills {' '.join(sys.argv[1:])}")
    return int(any(row["result"] != "held" for row in rows))


def _drilled(name: str, bench: Bench, folder: Path) -> Row:
    """Run one drill; one that breaks is a row too."""
    try:
        return DRILLS[name](bench, folder)
    except Exception:  # noqa: BLE001  # whatever broke, the other drills go on
        return Row(name, "", "the drill ends", trials=1, wrong=[traceback.format_exc()])


def _asked() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few trials of each, in a minute or two")
    parser.add_argument("--only", action="append", default=[], choices=list(DRILLS), help="this drill; may be repeated")
    parser.add_argument("--json", type=Path, help="also write the rows here")
    parser.add_argument("--docs", type=Path, help="also put the table into this page")
    return parser.parse_args()


def _cannot(name: str) -> str:
    """Say why a drill cannot run on this machine."""
    if name in NEEDS_STRACE and strace.STRACE is None:
        return "strace is absent; apt-get install strace"
    if name in NEEDS_MOUNT and not disks.mounts():
        return "no tmpfs can be mounted here; run as root"
    return ""


if __name__ == "__main__":
    sys.exit(main())
