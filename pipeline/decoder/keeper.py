"""Keep one child: start it, ask it, tell how it ended, and never outlive or be outlived by it."""

import fcntl
import importlib.util
import json
import mmap
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.decoder import wire
from pipeline.errors import PipelineError, StorageError

PROGRAM = """
import sys
sys.path += sys.argv[4:]
from pipeline.decoder import child
child.main(*map(int, sys.argv[1:4]))
"""
LIBRARIES = ("numpy", "cv2", "pipeline")
ENVIRONMENT = {
    "OPENCV_IO_MAX_IMAGE_PIXELS": str(wire.LIMIT_PIXELS), "OPENCV_LOG_LEVEL": "OFF", "OPENCV_FFMPEG_LOGLEVEL": "-8",
    "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1",
    # memory of the last picture serves the next: else every picture faults its pages in anew
    "MALLOC_MMAP_THRESHOLD_": str(wire.ROOM_BYTES), "MALLOC_TRIM_THRESHOLD_": str(2 * wire.ROOM_BYTES),
}  # fmt: skip
START_S, WALL_S = 60.0, 20.0
"""Longest that a start is waited for, and how long a child may do nothing. Limits of time are of the processor's, for a busy
machine must not make a picture faulty."""
STIRRING_S = 0.01
"""A child that used less of the processor while it was waited for stands still."""
IMPOSSIBLE = "gave an answer that cannot be"
SEALED = 0x0007
"""F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW: a child that could cut the memory short could end the parent (SIGBUS)."""
Stills = list[tuple[float, bytes]]


class EndedError(Exception):
    """A child ended, or had to be ended, on what it was asked; its text says how."""


class Child:
    """A decoder in a process of its own."""

    def __init__(self) -> None:
        """Start it; it answers after `ready`."""
        self.number, self.parts = 0, dict[str, str]()
        with ExitStack() as until_started, ExitStack() as until_kept:
            try:
                shared = _shared(until_started)
                self.memory = mmap.mmap(shared, 2 * wire.ROOM_BYTES)
                self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                until_kept.enter_context(self.channel), until_started.enter_context(theirs)
                ends, self.life = os.pipe()
                until_started.callback(os.close, ends), until_kept.callback(os.close, self.life)
                self.process = _started(theirs.fileno(), shared, ends)
            except OSError as error:
                if isinstance(error, PipelineError):
                    raise
                mend = "free processes, memory or open files, then run again"
                raise PipelineError(f"no process for decoding can be started ({error}); {mend}") from error
            until_kept.pop_all()

    def ready(self) -> "Child":
        """Wait until it is confined; raise PipelineError where it does not get so far."""
        self.channel.settimeout(START_S)
        with suppress(OSError, ValueError):
            self.parts = json.loads(self.channel.recv(4096))
        errors = self.process.stderr
        assert errors is not None
        if not self.parts:
            self.process.kill()
            lines = errors.read().decode(errors="replace").strip().splitlines()
            said = lines[-1] if lines else _how(self.process.wait())
            self.end()
            raise PipelineError(f"the process for decoding does not start: {said}; `thoroughfare doctor` says more")
        errors.close()
        self.channel.settimeout(WALL_S)
        return self

    def pixels(self, raw: bytes) -> NDArray[np.uint8] | None:
        """Decode a picture; None where it is none.

        Raises:
            EndedError: the child did not live through it.
        """
        outcome, height, width = self._asked(wire.PICTURE, raw, 0.0)
        if outcome == wire.NOTHING:
            return None
        if outcome != wire.PIXELS or not 0 < height * width <= wire.LIMIT_PIXELS:
            raise EndedError(IMPOSSIBLE)
        seen = np.frombuffer(self.memory, np.uint8, height * width * 3, wire.ROOM_BYTES)
        return seen.reshape(height, width, 3).copy()

    def stills(self, clip: bytes, step_s: float) -> Stills:
        """Cut a clip into stills; none where it is no clip.

        Raises:
            EndedError: the child did not live through it.
        """
        outcome, count, _ = self._asked(wire.CLIP, clip, step_s)
        if outcome == wire.NOTHING:
            return []
        if outcome != wire.STILLS or count > wire.CLIP_STILLS:
            raise EndedError(IMPOSSIBLE)
        found, at = Stills(), wire.ROOM_BYTES
        for _ in range(count):
            begins = at + wire.STILL.size
            if begins > len(self.memory):
                raise EndedError(IMPOSSIBLE)
            second, length = wire.STILL.unpack_from(self.memory, at)
            at = begins + length
            if not 0 <= second <= wire.CLIP_S or at > len(self.memory):
                raise EndedError(IMPOSSIBLE)
            found.append((second, self.memory[begins:at]))
        return found

    def end(self) -> None:
        """End it, whatever it does, and give back what it took."""
        self.let_go()
        if self.process.returncode is None:
            self.process.kill()
            self.process.wait()

    def let_go(self) -> None:
        """Close this process's ends of what it shares with the child; the child then ends unless another holds them."""
        self.channel.close()
        if self.life >= 0:
            os.close(self.life)
            self.life = -1
        if self.process.stderr is not None:
            self.process.stderr.close()
        with suppress(BufferError):
            self.memory.close()

    def disowned(self) -> None:
        """Let go of it in a process that was forked from its parent."""
        self.let_go()
        self.process.returncode = 0

    def _asked(self, kind: bytes, body: bytes, step_s: float) -> tuple[bytes, int, int]:
        """Ask and wait; raise EndedError where no answer comes or it says that there was no room."""
        self.number = (self.number + 1) % 2**32
        self.memory[: len(body)] = body
        limit_s, told = wire.PICTURE_CPU_S if kind == wire.PICTURE else wire.CLIP_CPU_S, b""
        with suppress(ConnectionError):
            self.channel.send(wire.REQUEST.pack(kind, self.number, len(body), step_s))
            told = self._told(limit_s)
        if not told:
            raise EndedError(self._last_words(limit_s))
        if len(told) != wire.ANSWER.size:
            raise EndedError(IMPOSSIBLE)
        outcome, number, first, second = wire.ANSWER.unpack(told)
        if outcome == wire.TOO_LARGE:
            raise EndedError(f"took more than {wire.LIMIT_BYTES // 2**20} MiB")
        if number != self.number:
            raise EndedError(IMPOSSIBLE)
        return outcome, first, second

    def _told(self, limit_s: float) -> bytes:
        """Wait for the answer of a child that is at work; one that is misled may have put its own timer off."""
        begun = before = _processor_s(self.process.pid)
        while True:
            try:
                return self.channel.recv(wire.ANSWER.size)
            except TimeoutError as error:
                used = _processor_s(self.process.pid)
                if used - begun > limit_s:
                    raise EndedError(f"took more than {limit_s:g} s") from error
                if used - before < STIRRING_S:
                    raise EndedError(f"stood still for {WALL_S:g} s") from error
                before = used

    def _last_words(self, limit_s: float) -> str:
        """Say how it ended."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(1)
        if self.process.returncode == -signal.SIGPROF:
            return f"took more than {limit_s:g} s"
        return _how(self.process.returncode)


def _processor_s(pid: int) -> float:
    """Return what a process has used of the processor, seconds (clock_getcpuclockid(3)); 0 where it has ended."""
    with suppress(OSError):
        return time.clock_gettime((~pid << 3) | 2)
    return 0.0


def _how(code: int | None) -> str:
    """Put an exit status into words."""
    if code is None:
        return "closed its decoder"
    return f"ended its decoder (signal {-code})" if code < 0 else f"ended its decoder (exit code {code})"


def _shared(until_started: ExitStack) -> int:
    """Make the shared memory: a file without a name, whose size is final."""
    shared = os.memfd_create("thoroughfare-decoder", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    until_started.callback(os.close, shared)
    try:
        os.ftruncate(shared, 2 * wire.ROOM_BYTES)
    except OSError as error:
        room = f"{2 * wire.ROOM_BYTES >> 20} MiB"
        mend = "raise the limit of file size (`ulimit -f`) or free memory, then run again"
        raise StorageError(f"no memory of {room} for decoding can be had ({error}); {mend}") from error
    fcntl.fcntl(shared, fcntl.F_ADD_SEALS, SEALED)
    return shared


def _started(*given: int) -> "subprocess.Popen[bytes]":
    """Start the child's program with nothing of this process but some descriptors."""
    words = [sys.executable, "-I", "-S", "-c", PROGRAM, *map(str, given), *_folders()]
    around = {name: value for name, value in os.environ.items() if name == "LD_LIBRARY_PATH"} | ENVIRONMENT
    return subprocess.Popen(  # noqa: S603
        words, pass_fds=given, cwd="/", env=around, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )  # fmt: skip


def _folders() -> list[str]:
    """List the folders from which a child imports."""
    specs = [importlib.util.find_spec(name) for name in LIBRARIES]
    return list(dict.fromkeys(str(Path(spec.origin).parents[1]) for spec in specs if spec and spec.origin))
