"""Break the workers and the scheduler of a night on Dask: real commands, models stood in for."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tests.drills import night
from tests.drills.night import DATE, HERE, fork
from tests.drills.rows import Row, timed

STOOD_IN = "import stand_ins; stand_ins.install(); from pipeline.__main__ import main; main()"
LIMIT_S = 20
"""Longest seconds of a job that does nothing slow."""


@dataclass
class Crewed:
    """A small night whose runs have workers, and its undisturbed lake."""

    folder: Path

    @property
    def settings(self) -> Path:
        """Where its settings lie."""
        return self.folder / "settings.toml"

    def prepare(self) -> "Crewed":
        """Run the night undisturbed, without workers."""
        self.folder.mkdir(parents=True)
        text = night.SETTINGS.format(hours="07:59:30-08:00:30", cadence_s=10.0, shard_cameras=2)
        self.settings.write_text(text)
        done = self.start(self.folder / "gold")
        assert done.wait(300) == 0, said(done)
        self.gold = night.tree(self.folder / "gold")
        return self

    def start(self, lake: Path, *more: str, poison: dict[str, str] | None = None) -> "subprocess.Popen[str]":
        """Start a run; its workers have the stand-ins too, and a poison picture where one is named."""
        preload = self.folder / "preload.py"
        preload.write_text(f"import stand_ins\nstand_ins.install({poison!r})\n")
        configured = {
            "PYTHONPATH": f"{HERE}:{HERE / 'tests'}",
            "DASK_DISTRIBUTED__WORKER__PRELOAD": repr([str(preload)]),
            "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "5s",
            "DASK_THOROUGHFARE__LIMIT_S__SHARD": str(LIMIT_S),
            "DASK_THOROUGHFARE__LIMIT_S__PROBE": str(LIMIT_S),
        }
        words = ["run", "demo", "--date", DATE, "--lake", str(lake), "--settings", str(self.settings), *more]
        lake.parent.mkdir(parents=True, exist_ok=True)
        log = (lake.parent / f"{lake.name}.run.log").open("w")
        return subprocess.Popen(
            [sys.executable, "-c", STOOD_IN, *words], cwd=HERE, env=os.environ | configured, stdout=log, stderr=log, text=True,
            start_new_session=True,
        )  # fmt: skip

    def mended(self, lake: Path) -> str:
        """Run it again without workers; say what is not as if there had been no fault."""
        done = self.start(lake)
        if done.wait(300) != 0:
            return f"the rerun ended with {done.returncode}"
        return night.unlike(self.gold, lake) or night.judged(lake)


def killed(crewed: Crewed, folder: Path, trials: int) -> Row:
    """Kill workers at random moments."""
    row = Row(
        "workers killed",
        "SIGKILL of one to three of a run's workers at random moments",
        "the run ends well; the undisturbed bytes",
    )
    return _disturbed(row, crewed, folder, trials, signal.SIGKILL, most=3)


def hung(crewed: Crewed, folder: Path, trials: int) -> Row:
    """Stop a worker for good."""
    row = Row(
        "a worker hangs",
        "SIGSTOP of a worker at a random moment (`worker-ttl` 5 s)",
        "the run ends well; the undisturbed bytes",
    )
    return _disturbed(row, crewed, folder, trials, signal.SIGSTOP, most=1)


def poisoned(crewed: Crewed, folder: Path, acts: tuple[str, ...]) -> Row:
    """Let one picture kill, hang or exhaust whatever reads it."""
    row = Row(
        "a poison frame",
        f"one picture that makes its worker {', '.join(acts)} (memory limit 700 MiB, time limit {LIMIT_S} s); crash: its decoder",
        "found by halving, quarantined by name, a crashed decoder without either; the night ends well without it; a rerun changes nothing",
    )
    with timed(row):
        camera, slot, sha256 = _picture(crewed, folder)
        for act in acts:
            os.environ["DASK_THOROUGHFARE__MEMORY_LIMIT"] = "700MiB"
            lake = night.fresh(folder / act)
            code, log = _ended(crewed.start(lake, "--workers", "2", poison={sha256: act}), lake, 900)
            wrong = "" if code == 0 else f"ended with {code}: {log[-300:]}"
            before = night.tree(lake)
            again, _ = _ended(crewed.start(lake), lake)
            same = "" if again == 0 and night.tree(lake) == before else f"the rerun ended with {again} or changed bytes"
            spared = "" if act != "crash" or not any(lake.rglob("quarantine")) else "a worker was lost to its decoder"
            row.note(act, wrong, same, spared, _only_one_is_broken(crewed, lake, camera, slot), night.judged(lake))
        del os.environ["DASK_THOROUGHFARE__MEMORY_LIMIT"]
        row.seen = f"{camera} {slot} alone is `broken` in all {row.trials}; every other state as undisturbed"
    return row


def scheduler_gone(crewed: Crewed, folder: Path, trials: int) -> Row:
    """Kill the scheduler of a run, and the run itself beside its workers."""
    row = Row(
        "the scheduler killed",
        "SIGKILL of `dask scheduler` at a random moment of a run with --scheduler",
        "one sentence, exit code 1, within a minute; the undisturbed bytes after a rerun",
    )
    chance = random.Random(31)
    with timed(row):
        for number in range(trials):
            lake = night.fresh(folder / str(number))
            address, processes = _cluster(crewed, folder)
            run = crewed.start(lake, "--scheduler", address)
            _wait(lambda lake=lake: any(lake.rglob("commit-r*.json")))
            time.sleep(chance.uniform(0, 2))
            alive = run.poll() is None
            processes[0].kill()
            since = time.monotonic()
            code, log = _ended(run, lake, 90)
            fine = code == 0 if not alive else code == 1 and "thoroughfare: " in log and "Traceback" not in log
            late = "" if time.monotonic() - since < 60 else "later than a minute"
            for process in processes:
                process.kill(), process.wait()
            row.note(f"run {number}", "" if fine else f"ended with {code}: {log[-300:]}", late, crewed.mended(lake))
        row.seen = f"{row.trials} runs"
    return row


def run_killed(crewed: Crewed, folder: Path, trials: int) -> Row:
    """Kill a run that has workers."""
    row = Row(
        "a run with workers killed",
        "SIGKILL of the command at a random moment of a run with --workers 2",
        "its workers end within a minute; the undisturbed bytes after a rerun",
    )
    chance = random.Random(32)
    with timed(row):
        for number in range(trials):
            lake = night.fresh(folder / str(number))
            run = crewed.start(lake, "--workers", "2")
            _wait(lambda run=run: bool(_workers(run.pid)) or run.poll() is not None)
            time.sleep(chance.uniform(0, 5))
            orphans = _workers(run.pid)
            run.kill(), run.wait()
            _wait(lambda orphans=orphans: not any(map(_is_alive, orphans)), 60)
            left = [pid for pid in orphans if _is_alive(pid)]
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            row.note(f"run {number}", f"{len(left)} workers left after a minute" if left else "", crewed.mended(lake))
        row.seen = f"{row.trials} runs"
    return row


def said(run: "subprocess.Popen[str]") -> str:
    """Tell how a run ended."""
    return f"{run.args} ended with {run.returncode}"


def _disturbed(row: Row, crewed: Crewed, folder: Path, trials: int, by: signal.Signals, most: int) -> Row:
    """Send signals to workers at random moments of runs that must end well."""
    chance, sent = random.Random(30), 0
    with timed(row):
        for number in range(trials):
            lake = night.fresh(folder / str(number))
            run = crewed.start(lake, "--workers", "2")
            _wait(lambda run=run, lake=lake: any(lake.rglob("commit-r*.json")) or run.poll() is not None)
            stopped = []
            for _ in range(chance.randint(1, most)):
                time.sleep(chance.uniform(0, 4))
                if run.poll() is None and (there := _workers(run.pid)):
                    stopped.append(chance.choice(there))
                    _send(stopped[-1], by)
                    sent += 1
            code, log = _ended(run, lake, 150)
            for pid in stopped:
                _send(pid, signal.SIGKILL)
            wrong = "" if code == 0 else f"ended with {code}: {log[-400:]}"
            row.note(
                f"run {number}",
                wrong,
                night.unlike(crewed.gold, lake) if code == 0 else crewed.mended(lake),
                night.judged(lake),
            )
        row.seen = f"{sent} workers in {row.trials} runs"
    return row


def _ended(run: "subprocess.Popen[str]", lake: Path, within_s: float = 300) -> tuple[int, str]:
    """Wait for a run; one that does not end is killed with its workers (-99). Returns its code and what it said."""
    try:
        code = run.wait(within_s)
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        code = -99
    return code, (lake.parent / f"{lake.name}.run.log").read_text(errors="replace")


def _picture(crewed: Crewed, folder: Path) -> tuple[str, str, str]:
    """Choose a picture that is read to the end; return its camera, slot and hash."""
    notes = folder / "picture.txt"
    folder.mkdir(parents=True, exist_ok=True)

    def body() -> None:
        from pipeline import feeds, scans, upkeep
        from pipeline.lake import Lake

        scan, feed = scans.load("demo", crewed.settings), feeds.load("demo")
        found = upkeep.night(Lake(crewed.folder / "gold", "demo"), date.fromisoformat(DATE), "frames").to_pylist()
        frame = [row for row in found if row["state"] == "ok"][7]
        camera = next(each for each in feed.cameras(scan) if frame["camera_id"].endswith(f":{each.native_id}"))
        jpeg = feed.picture(scan, camera, frame["slot_at"]).jpeg
        notes.write_text(f"{frame['camera_id']} {frame['slot_at'].isoformat()} {hashlib.sha256(jpeg).hexdigest()}")

    done = fork(body, folder / "picture.log").go().ended()
    assert done.code == 0, done.said()
    camera, slot, sha256 = notes.read_text().split()
    return camera, slot, sha256


def _only_one_is_broken(crewed: Crewed, lake: Path, camera: str, slot: str) -> str:
    """Compare the states of all frames with the undisturbed; one may differ."""

    def body() -> None:
        from pipeline import upkeep
        from pipeline.lake import Lake

        states = [
            {(row["camera_id"], row["slot_at"].isoformat()): row["state"] for row in upkeep.night(each, date.fromisoformat(DATE), "frames").to_pylist()}
            for each in (Lake(crewed.folder / "gold", "demo"), Lake(lake, "demo"))
        ]  # fmt: skip
        changed = sorted(key for key, state in states[0].items() if states[1].get(key) != state)
        assert changed == [(camera, slot)], f"{changed} are not as undisturbed"
        assert states[1][camera, slot] == "broken", states[1][camera, slot]

    done = fork(body, lake.parent / "states.log").go().ended()
    return "" if done.code == 0 else done.said()[-300:]


def _cluster(crewed: Crewed, folder: Path) -> tuple[str, list["subprocess.Popen[bytes]"]]:
    """Start a scheduler and two workers on loopback, as an operator would."""
    file = folder / "scheduler.json"
    file.unlink(missing_ok=True)
    around = os.environ | {
        "PYTHONPATH": f"{HERE}:{HERE / 'tests'}",
        "DASK_DISTRIBUTED__WORKER__PRELOAD": repr([str(crewed.folder / "preload.py")]),
    }
    common = {"cwd": HERE, "env": around, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    words = [*dask, "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    processes = [subprocess.Popen(words, **common)]
    _wait(lambda: file.exists() and file.read_text().endswith("}"))
    address = next(line.split('"')[3] for line in file.read_text().splitlines() if '"address"' in line)
    worker = [
        sys.executable,
        "-m",
        "distributed.cli.dask_worker",
        address,
        "--nthreads",
        "1",
        "--no-dashboard",
        "--no-nanny",
    ]
    return address, processes + [subprocess.Popen(worker, **common) for _ in range(2)]


def _workers(run: int) -> list[int]:
    """List a run's workers that have started: Dask then names them by their address."""
    parents, words = {}, {}
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            words[int(path.name)] = (path / "cmdline").read_text()
    below = {run}
    while more := {pid for pid, parent in parents.items() if parent in below} - below:
        below |= more
    return [pid for pid in below if words.get(pid, "").startswith("dask worker [")]


def _is_alive(pid: int) -> bool:
    """Tell whether a process is more than a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _send(pid: int, what: signal.Signals) -> None:
    """Send a signal to a process that may be gone."""
    try:
        os.kill(pid, what)
    except ProcessLookupError:
        return


def _wait(until: Callable[[], bool], within_s: float = 120) -> None:
    """Wait for something to be so."""
    deadline = time.monotonic() + within_s
    while not until() and time.monotonic() < deadline:
        time.sleep(0.02)
