"""Let two processes do the same night: at once, one stopped while the other runs, one killed beside the other."""

import os
import random
import time
from pathlib import Path

from tests.drills import night
from tests.drills.night import DATE, Child, Night
from tests.drills.rows import Row, timed
from tests.drills.watch import Reader

EXPECTED = "both end well; one set of bytes, the undisturbed; readers see all or nothing"


def at_once(small: Night, folder: Path, trials: int, *, replayed: bool = True) -> Row:
    """Start two runs a random moment apart."""
    row = Row(
        f"two runs at once{', stages replayed' if replayed else ''}", "two processes, a random moment apart", EXPECTED
    )
    chance, looks = random.Random(20), 0
    length_s = 0.3 if replayed else 3.0
    with timed(row):
        for number in range(trials):
            lake = night.fresh(folder / "race")
            reader = Reader(lake, small.folder / "gold")
            first, second = _pair(small, lake, replayed=replayed)
            first.go()
            time.sleep(chance.uniform(0, length_s))
            second.go()
            wrong = _both(first, second)
            seen, misread = reader.ended()
            looks += seen
            row.note(f"pair {number}", wrong, night.unlike(small.gold, lake), small.proven(lake), *misread)
        row.seen = f"{row.trials} pairs; {looks} looks by a reader"
    return row


def one_stopped(small: Night, folder: Path, trials: int) -> Row:
    """Stop a run anywhere, let another finish the night, let the first go on."""
    row = Row("a run stopped while another finishes", "SIGSTOP at a random moment, a second run, SIGCONT", EXPECTED)
    chance, asleep = random.Random(21), 0
    with timed(row):
        for number in range(trials):
            lake = night.fresh(folder / "stop")
            first, second = _pair(small, lake, replayed=True)
            first.go()
            time.sleep(chance.uniform(0.02, 0.45))
            asleep += first.pause()
            second.go().ended()
            between = night.unlike(small.gold, lake)
            first.resume()
            # compared once both have ended: what goes on writes again for a moment what the other has dropped
            wrong = _both(first, second)
            row.note(
                f"pair {number}",
                wrong,
                between and f"while stopped: {between}",
                night.unlike(small.gold, lake),
                small.proven(lake),
            )
        row.seen = f"{row.trials} pairs, in {asleep} the first was stopped in its work"
    return row


def one_killed(small: Night, folder: Path, trials: int) -> Row:
    """Kill one of two runs."""
    row = Row(
        "one of two runs killed",
        "SIGKILL of one of two runs at a random moment",
        "the other ends well; the undisturbed bytes after one more run",
    )
    chance = random.Random(22)
    with timed(row):
        for number in range(trials):
            lake = night.fresh(folder / "pair")
            first, second = _pair(small, lake, replayed=True)
            first.go(), second.go()
            time.sleep(chance.uniform(0.02, 0.6))
            if first.alive():
                first.kill()
            second.ended()
            other = "" if second.code == 0 else f"the other ended with {second.code}: {second.said()[-300:]}"
            row.note(f"pair {number}", other, small.mended(lake))
        row.seen = f"{row.trials} pairs"
    return row


def retried(small: Night, folder: Path) -> Row:
    """Do a night task by task as a scheduler does, each task tried again while its first process is stopped."""
    row = Row(
        "a task retried while its first process lives",
        "each `thoroughfare stage` stopped (SIGSTOP), run again to its end, then let go on; Airflow's database unreachable",
        EXPECTED,
    )
    chance = random.Random(23)
    with timed(row):
        lake = night.fresh(folder / "task")
        for words in _tasks(small, lake):
            first, second = (small.child(lake, words, before=_without_database) for _ in "ab")
            first.go()
            time.sleep(chance.uniform(0, 0.08))
            first.pause()
            second.go().ended()
            first.resume()
            row.note(" ".join(words[2:8]), _both(first, second))
        row.wrong += [wrong for wrong in [night.unlike(small.gold, lake), night.judged(lake)] if wrong]
        row.seen = f"{row.trials} tasks of one night, each done twice"
    return row


def _tasks(small: Night, lake: Path) -> list[list[str]]:
    """List a night's tasks in the order a scheduler keeps."""
    from pipeline import stages

    def task(table: str, *more: str) -> list[str]:
        return ["stage", "demo", table, *more, "--date", DATE, "--lake", str(lake), "--settings", str(small.settings)]

    tasks = [task(line.table) for line in stages.STAGES if line.unit == "scan"]
    for window in "01":
        for line in (line for line in stages.STAGES if line.unit == "shard"):
            parts = "01" if line.table == "snapshots" else ""
            tasks += [task(line.table, "--window", window, "--part", part) for part in parts]
            tasks.append(task(line.table, "--window", window))
    for line in stages.STAGES:
        if line.unit == "window":
            tasks += [task(line.table, "--window", window) for window in "01"]
        elif line.unit == "night":
            tasks.append(task(line.table))
    return tasks


def _without_database() -> None:
    """Put the scheduler's database out of reach."""
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = "postgresql://nobody@127.0.0.1:1/none"


def _pair(small: Night, lake: Path, *, replayed: bool) -> tuple[Child, Child]:
    """Fork two runs of the same night that wait at their gates."""
    return small.child(lake, replayed=replayed), small.child(lake, replayed=replayed)


def _both(first: Child, second: Child) -> str:
    """Wait for both; say what is wrong with how they ended."""
    codes = first.ended().code, second.ended().code
    return "" if codes == (0, 0) else f"ended with {codes}: {first.said()[-300:]} {second.said()[-300:]}"
