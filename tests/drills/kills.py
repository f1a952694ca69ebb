"""Kill runs: at random moments, and at every fsync, link and unlink of a night."""

import math
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.drills import night, strace
from tests.drills.night import HERE, Night
from tests.drills.rows import Row, timed
from tests.drills.watch import Reader

WORKING = 0.8
"""Share of random kills that fall after a run's first step, when there is something to break."""


def at_random(small: Night, folder: Path, kills: int) -> Row:
    """Kill runs at random; go on with the same lake until one run ends, compare, begin anew."""
    row = Row(
        "killed at any moment",
        "SIGKILL after a random share of a run's processor time: a fifth from its start on, imports too, the others once it works",
        "the next run goes on; readers see all or nothing; the undisturbed bytes",
    )
    with timed(row):
        working_s = _spent(small.child(night.fresh(folder / "timed"), replayed=False).go().pid)
        whole_s = _spent(_started(small, night.fresh(folder / "timed")).pid)
        chance, looks, nights, longest = random.Random(6), 0, 0, 0
        while row.trials < kills:
            lake, chain = night.fresh(folder / "kill"), 0
            reader = Reader(lake, small.folder / "gold")
            while row.trials < kills and _killed(small, lake, chance, working_s, whole_s):
                chain += 1
                row.note(f"kill {row.trials + 1}")
            again = small.mended(lake, replayed=False)
            seen, wrong = reader.ended()
            row.wrong += [f"night {nights + 1}: {each}" for each in [again, *wrong] if each]
            looks, nights, longest = looks + seen, nights + 1, max(longest, chain)
        row.seen = (
            f"{row.trials} kills of runs that take {whole_s:.1f} s of a processor, {working_s:.1f} s of it to work; {nights} "
            f"nights finished and compared, up to {longest} kills a night; {looks} looks by a reader"
        )
    return row


def at_every(small: Night, folder: Path, every: int = 1, *, replayed: bool = True) -> Row:
    """Kill a run at each of its fsyncs, links and unlinks in turn."""
    row = Row(
        f"killed at every Nth operation{', stages replayed' if replayed else ''}",
        "`strace -e inject=CALL:signal=SIGKILL:when=N`, every N of fsync, link, unlink, rename"
        + (f", each {every}th" if every > 1 else ""),
        "the next run goes on; readers see all or nothing; the undisturbed bytes",
    )
    with timed(row):
        calls = strace.counted(small.child(night.fresh(folder / "count"), replayed=replayed))
        looks = 0
        for call in strace.CALLS:
            for nth in range(1, calls[call] + 1, every):
                lake = night.fresh(folder / "nth")
                reader = Reader(lake, small.folder / "gold")
                child = strace.injected(small.child(lake, replayed=replayed), call, nth, "signal=SIGKILL")
                unhit = "" if child.code == -signal.SIGKILL else f"ended with {child.code}"
                again = small.mended(lake, replayed=replayed)
                seen, wrong = reader.ended()
                looks += seen
                row.note(f"{call} {nth}", unhit, again, *wrong)
        counts = ", ".join(f"{calls[call]} {call}" for call in strace.CALLS)
        row.seen = f"a night makes {counts}; {row.trials} kills, each resumed and compared; {looks} looks by a reader"
    return row


def _killed(small: Night, lake: Path, chance: random.Random, working_s: float, whole_s: float) -> bool:
    """Start a run and kill it; False where it was faster and ended well."""
    if chance.random() < WORKING:
        pid = small.child(lake, replayed=False).go().pid
        limit_s = chance.uniform(0, 0.5 * working_s)
    else:
        pid = _started(small, lake).pid
        limit_s = chance.uniform(0, 1.02 * whole_s)
    _spent(pid, limit_s)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code in (0, -signal.SIGKILL), f"a run on a lake of killed runs ended with {code}"
    return code != 0


def _spent(pid: int, limit_s: float = math.inf) -> float:
    """Wait until a process has ended, or has used a time of the processor and is killed; return the time it used."""
    used_s, tick_s = 0.0, 1 / os.sysconf("SC_CLK_TCK")
    while True:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        if state == "Z":
            return used_s
        used_s = (int(fields[10]) + int(fields[11])) * tick_s
        if used_s >= limit_s:
            os.kill(pid, signal.SIGKILL)
            return used_s
        time.sleep(0.002)


def _started(small: Night, lake: Path) -> "subprocess.Popen[bytes]":
    """Start a real run."""
    words = [sys.executable, "-m", "pipeline", *small.words(lake)]
    return subprocess.Popen(words, cwd=HERE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
