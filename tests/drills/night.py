"""Run small nights of the demo city in processes that can be killed, and hold what they leave against an undisturbed one.

Every process is forked from one that has imported everything and has drawn its pictures' background, so that a night
takes seconds; it runs the real command line. A replayed night answers each stage from a recording: the storage sees
the same operations, the models sleep.
"""

import functools
import hashlib
import importlib
import os
import pickle
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

DATE = "2026-05-05"
PROVEN = 20
"""Each so many trials a mended lake is proven by `verify`; all are compared byte for byte with one that was."""
HERE = Path(__file__).parents[2]
SETTINGS = """[scan.demo]
feed = "demo"
timezone = "America/New_York"
metric_crs = "EPSG:32618"
hours = "{hours}"
cadence_s = {cadence_s}
shard_cameras = {shard_cameras}
exempt = "a simulated city"
"""


@dataclass
class Child:
    """A forked process that waits at its gate."""

    pid: int
    gate: int
    out: Path
    code: int | None = None
    """Its exit code; minus the signal that ended it; None while it lives."""

    def go(self) -> "Child":
        """Open its gate."""
        os.write(self.gate, b"x")
        os.close(self.gate)
        return self

    def ended(self, within_s: float = 240.0) -> "Child":
        """Wait for it; one that does not end is killed and counted as hung (code -99)."""
        until = time.monotonic() + within_s
        while self.alive():
            if time.monotonic() > until:
                self.kill()
                self.code = -99
            time.sleep(0.005)
        return self

    def alive(self) -> bool:
        """Tell whether it still runs."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is None

    def kill(self) -> None:
        """End it at once."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.code = -signal.SIGKILL

    def pause(self) -> bool:
        """Stop it where it is; False where it has ended."""
        if self.alive():
            os.kill(self.pid, signal.SIGSTOP)
        return self.alive()

    def resume(self) -> None:
        """Let it go on."""
        if self.alive():
            os.kill(self.pid, signal.SIGCONT)

    def said(self) -> str:
        """Return what it wrote."""
        return self.out.read_text(errors="replace") if self.out.exists() else ""


@dataclass
class Night:
    """A small night, its undisturbed lake, and the recording of its stages."""

    folder: Path
    hours: str = "07:59:30-08:00:30"
    cadence_s: float = 10.0
    shard_cameras: int = 4
    record: dict[str, Any] = field(default_factory=dict)
    gold: dict[str, bytes] = field(default_factory=dict)
    forked: int = 0
    mendings: int = 0

    @property
    def settings(self) -> Path:
        """Where its settings lie."""
        return self.folder / "settings.toml"

    def prepare(self) -> "Night":
        """Import everything, run the night undisturbed and record its stages."""
        self.folder.mkdir(parents=True)
        self.settings.write_text(SETTINGS.format(**vars(self)))
        warm(self.settings)
        tape = self.folder / "tape"
        done = fork(lambda: _recorded(self.words(self.folder / "gold"), tape), self.folder / "gold.log").go().ended()
        assert done.code == 0, done.said()
        self.record = pickle.loads(tape.read_bytes())  # noqa: S301
        self.gold = tree(self.folder / "gold")
        assert not judged(self.folder / "gold"), judged(self.folder / "gold")
        return self

    def words(self, lake: Path, *more: str) -> list[str]:
        """Return the command line of a run."""
        return ["run", "demo", "--date", DATE, "--lake", str(lake), "--settings", str(self.settings), *more]

    def child(
        self,
        lake: Path,
        words: list[str] | None = None,
        *,
        replayed: bool = True,
        before: Callable[[], object] = lambda: None,
    ) -> Child:
        """Fork a run, or another command, that waits at its gate; `before` is called in it first."""

        def body() -> None:
            before()
            if replayed:
                _answer_from(self.record)
            command(words or self.words(lake))

        lake.parent.mkdir(parents=True, exist_ok=True)
        self.forked += 1
        return fork(body, self.folder / f"{self.forked % 100}.log")

    def run(self, lake: Path, *, replayed: bool = True) -> Child:
        """Run it to its end."""
        return self.child(lake, replayed=replayed).go().ended()

    def mended(self, lake: Path, *, replayed: bool = True) -> str:
        """Run it again after a fault; say what is not as if there had been none."""
        done = self.run(lake, replayed=replayed)
        if done.code != 0:
            return f"the rerun ended with {done.code}: {done.said()[-300:]}"
        return unlike(self.gold, lake) or self.proven(lake)

    def proven(self, lake: Path) -> str:
        """Say what is wrong in a lake whose committed bytes are the undisturbed ones."""
        self.mendings += 1
        return left(lake) or (judged(lake) if self.mendings % PROVEN == 1 else "")


def unlike(gold: dict[str, bytes], lake: Path) -> str:
    """Name the first files in which a lake differs from the undisturbed one; dot folders aside."""
    found = tree(lake)
    names = [name for name in sorted(gold.keys() | found.keys()) if gold.get(name) != found.get(name)]
    return f"{len(names)} files differ: {names[:3]}" if names else ""


def tree(root: Path) -> dict[str, bytes]:
    """Read every file of a lake but its database and those of dot folders."""
    paths = (path for path in root.rglob("*") if path.is_file() and path.suffix != ".duckdb")
    kept = [path for path in paths if not any(part.startswith(".") for part in path.relative_to(root).parts)]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in kept}


def left(lake: Path) -> str:
    """Name what dead writers left half-written and a finished run has not removed."""
    staged = sorted(lake.rglob(".staging/*"))
    return f"{staged[0]}: left in staging" if staged else ""


def judged(lake: Path) -> str:
    """Hold a finished lake to its invariants, in a process of its own: no engine starts in the one that forks."""
    done = fork(lambda: _judge(lake), lake.parent / f"{lake.name}.judged").go().ended()
    return "" if done.code == 0 else f"invariants: {done.said()[-600:]}"


def halved(lake: Path) -> str:
    """Name what a reader would see of an unfinished lake and must not."""
    done = fork(lambda: _read_all(lake), lake.parent / f"{lake.name}.halved").go().ended()
    return "" if done.code == 0 else f"half published: {done.said()[-300:]}"


def plain(child: Child, codes: tuple[int, ...] = (10,)) -> str:
    """Say what is wrong with how a run ended: it must be one sentence and the exit code of a broken disk."""
    said = child.said()
    if child.code not in codes:
        return f"ended with {child.code}, not {codes}: {said[-300:]}"
    if "Traceback" in said or "thoroughfare: " not in said:
        return f"no sentence: {said[-300:]}"
    return ""


def fork(body: Callable[[], None], out: Path) -> Child:
    """Fork a process that waits at its gate, then runs `body` with its output in a file."""
    behind, gate = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        os.close(behind)
        return Child(pid, gate, out)
    code = 70
    try:
        os.close(gate)
        _speak_into(out)
        os.chdir(HERE)
        os.read(behind, 1)
        body()
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def fresh(folder: Path) -> Path:
    """Return a lake's root that does not exist yet."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder / "lake"


@functools.cache
def warm(settings: Path) -> None:
    """Import what a run needs and draw each camera's background; TensorFlow is imported and not started."""
    from pipeline import feeds, lineage, runner, scans, stages, upkeep  # noqa: F401
    from pipeline.feeds.demo import picture

    scan = scans.load("demo", settings)
    importlib.import_module("tensorflow")
    for line in stages.STAGES:
        line.function()
        lineage.code(line.table)
    lineage.libraries()
    feed = feeds.load("demo")
    window = scan.windows(date.fromisoformat(DATE))[0]
    for camera in feed.cameras(scan):
        picture(scan, camera, feed.slots(scan, window, camera.native_id)[0])


def _speak_into(out: Path) -> None:
    """Send standard output and error to a file."""
    handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", closefd=False)


def command(words: list[str]) -> None:
    """Run the command line."""
    from pipeline.__main__ import main

    sys.argv = ["thoroughfare", *words]
    main()


def _recorded(words: list[str], tape: Path) -> None:
    """Run the command line and keep what each call of a stage answered."""
    from pipeline import stages

    record: dict[str, Any] = {}
    plain_function = stages.Stage.function

    def function(line: Any) -> Any:
        called = plain_function(line)

        def answer(**asked: Any) -> Any:
            record[_key(line.table, asked)] = (answered := called(**asked))
            return answered

        return answer

    stages.Stage.function = function  # type: ignore[method-assign]
    try:
        command(words)
    finally:
        tape.write_bytes(pickle.dumps(record))


def _answer_from(record: dict[str, Any]) -> None:
    """Answer stages from a recording."""
    from pipeline import stages

    def function(line: Any) -> Any:
        return lambda **asked: record[_key(line.table, asked)]

    stages.Stage.function = function  # type: ignore[method-assign]


def _key(table: str, asked: dict[str, Any]) -> str:
    """Name a call of a stage by everything it is given."""
    import pyarrow as pa

    whole = hashlib.sha256(table.encode())
    for name, value in sorted(asked.items()):
        whole.update(name.encode())
        if isinstance(value, pa.Table):
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, value.schema) as stream:
                stream.write_table(value.combine_chunks())
            whole.update(sink.getvalue())
        else:
            whole.update(repr(value).encode())
    return whole.hexdigest()


def _read_all(lake: Path) -> None:
    """Read every committed place; those that have expired are none."""
    from pipeline.errors import WindowNotFoundError
    from pipeline.lake import Lake

    opened = Lake(lake, "demo")
    for place in opened.places():
        with suppress(WindowNotFoundError):
            opened.read([place])


def _judge(lake: Path) -> None:
    """Prove a finished lake: its own proof, one state each, sums, no picture left, nothing in staging."""
    from pipeline import proof, upkeep
    from pipeline.lake import Lake
    from pipeline.tables import FRAME_STATES

    opened, on = Lake(lake, "demo"), date.fromisoformat(DATE)
    wrong = [f"{fault.where}: {fault.what}" for fault in upkeep.verify(opened)]
    frames = upkeep.night(opened, on, "frames").to_pylist()
    slots = {(row["camera_id"], row["slot_at"]) for row in frames}
    if len(slots) != len(frames) or not {row["state"] for row in frames} <= set(FRAME_STATES):
        wrong.append("a (camera, slot) has not one state")
    wrong += [
        f"{place.folder}: {opened.read([place]).num_rows} rows, its record says {opened.last(place).rows}"
        for place in opened.places()
        if not opened.dropped(place) and opened.read([place]).num_rows != opened.last(place).rows
    ]
    finds = proof.search(opened, datetime.now(UTC)).finds
    wrong += [f"{find.where}: a {find.what} is left" for find in finds if str(lake) in find.where]
    wrong += [f"{path}: left in staging" for path in lake.rglob(".staging/*")]
    if wrong:
        sys.stderr.write("\n".join(wrong[:5]))
        raise SystemExit(1)
