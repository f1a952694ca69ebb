"""Kill runs: at random moments, and at every fsync, link and unlink of a night."""

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

WORKING = 0.75
"""Share of random kills that fall after a run's first step, when there is something to break."""


def at_random(folder: Path, kills: int) -> Row:
    """Kill real runs at random; go on with the same lake until one run ends, compare, begin anew."""
    row = Row(
        "killed at any moment",
        "SIGKILL at a random time of `thoroughfare run`: a quarter from its start on, imports too, the others once it works",
        "the next run goes on; readers see all or nothing; the undisturbed bytes",
    )
    with timed(row):
        small = Night(folder / "night", hours="07:59-08:01", shard_cameras=2).prepare()
        first_s, whole_s = _times(small, folder / "timed" / "lake")
        chance, looks, nights, longest, chain = random.Random(6), 0, 0, 0, 0
        lake = night.fresh(folder / "kill")
        reader = Reader(lake, small.folder / "gold")
        while row.trials < kills:
            if _killed(small, lake, chance, first_s, whole_s):
                chain += 1
                row.note(f"kill {row.trials + 1}")
                continue
            seen, wrong = reader.ended()
            row.wrong += [each for each in [night.unlike(small.gold, lake), night.judged(lake), *wrong] if each]
            looks, nights, longest, chain = looks + seen, nights + 1, max(longest, chain), 0
            lake = night.fresh(folder / "kill")
            reader = Reader(lake, small.folder / "gold")
        seen, wrong = reader.ended()
        row.wrong += [each for each in [small.mended(lake, replayed=False), *wrong] if each]
        row.seen = (
            f"{row.trials} kills (a run lasts {whole_s:.0f} s, works from second {first_s:.0f}), {nights + 1} nights "
            f"finished and compared, up to {max(longest, chain)} kills a night; {looks + seen} looks by a reader"
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


def _times(small: Night, lake: Path) -> tuple[float, float]:
    """Return when a run has made its first step and when it ends, seconds."""
    since = time.monotonic()
    process = _started(small, lake)
    assert process.stderr is not None
    process.stderr.readline()
    first_s = time.monotonic() - since
    process.stderr.read()
    assert process.wait() == 0
    return first_s, time.monotonic() - since


def _killed(small: Night, lake: Path, chance: random.Random, first_s: float, whole_s: float) -> bool:
    """Start a run and kill it; False where it was faster and ended well."""
    if chance.random() < WORKING:
        child = small.child(lake, replayed=False).go()
        while child.alive() and not child.said():
            time.sleep(0.005)
        child.ended(chance.uniform(0, 0.25 * (whole_s - first_s)), hangs=False)
        code = child.code
    else:
        process = _started(small, lake)
        try:
            process.communicate(timeout=chance.uniform(0, 1.02 * whole_s))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        code = process.returncode
    assert code in (0, -signal.SIGKILL), f"a run on a lake of killed runs ended with {code}"
    return code != 0


def _started(small: Night, lake: Path) -> "subprocess.Popen[str]":
    """Start a real run."""
    words = [sys.executable, "-m", "pipeline", *small.words(lake)]
    return subprocess.Popen(words, cwd=HERE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
