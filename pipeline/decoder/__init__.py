"""Decode pictures and clips in a process that may nothing else: what a decoder does to itself ends there.

A decoder is the one place where a stranger's bytes drive a large C library. A child process decodes here; it may open no
file and no socket, is nobody where it can be, has limits of memory and of processor time, and shares with its parent one
piece of memory and one channel. What kills it is a fault of that picture, told once a second child, started for it alone,
has died of it too: so the verdict does not depend on what was decoded before, nor on who else ends processes.
"""

import atexit
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.decoder import keeper, wire
from pipeline.decoder.keeper import Child, EndedError

MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
CLIP_MAGIC = slice(4, 8), b"ftyp"
"""Where an mp4 names itself. A playlist, which would name other files to open, does not reach the library."""
UNREADABLE = "cannot be decoded"
T = TypeVar("T")


@dataclass(frozen=True)
class Decoded:
    """What became of a picture's bytes."""

    pixels: NDArray[np.uint8] | None = None
    """(h, w, 3) BGR as the sensor lay, whatever its EXIF says; None where there is a fault."""
    fault: str | None = None
    """Why there are none, in words that go into a frame's reason."""


def decode(raw: bytes) -> NDArray[np.uint8] | None:
    """Decode a JPEG or PNG to (h, w, 3) BGR uint8 as its sensor lay, grey ones too; None where that fails."""
    return look(raw).pixels


def look(raw: bytes) -> Decoded:
    """Decode a JPEG or PNG, or say why that fails.

    Raises:
        PipelineError: no child can be started here.
    """
    if not raw.startswith(MAGIC):
        return Decoded(fault=UNREADABLE)
    if len(raw) > wire.ROOM_BYTES:
        return Decoded(fault=f"file above {wire.ROOM_BYTES} bytes")
    try:
        pixels = _CHILDREN.ask(lambda child: child.pixels(raw))
    except EndedError as end:
        return Decoded(fault=str(end))
    return Decoded(pixels, None if pixels is not None else UNREADABLE)


def stills(clip: bytes, step_s: float) -> list[tuple[float, bytes]]:
    """Cut a clip into stills: the first frame at or after every multiple of `step_s`.

    Of a clip above 32 MiB or 4 Mpx nothing is cut; nothing beyond its first two minutes, 600 stills or 32 MiB of stills.

    Args:
        clip: An mp4 (H.264 or MPEG-4) as it came.
        step_s: Seconds between stills, above 0.

    Returns:
        Seconds from the clip's first frame and a JPEG (quality 95) each, ascending; empty where it cannot be decoded.
    """
    if step_s <= 0:
        raise ValueError(f"{step_s} s between stills; use more than 0")
    where, name = CLIP_MAGIC
    if clip[where] != name or len(clip) > wire.ROOM_BYTES:
        return []
    try:
        return _CHILDREN.ask(lambda child: child.stills(clip, step_s))
    except EndedError:
        return []


def parts() -> dict[str, str]:
    """Tell each part of the sandbox and how it holds on this machine; empty where it does not."""
    return _CHILDREN.ask(lambda child: child.parts)


def end() -> None:
    """End the children of this process; the next picture starts another."""
    _CHILDREN.end()


class _Children:
    """The children of this process: one for each thread that decodes, but no more than it has cores; none before it decodes."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Know of none."""
        self.lock = threading.RLock()
        self.room = threading.BoundedSemaphore(len(os.sched_getaffinity(0)))
        self.idle: list[Child] = []
        self.all: list[Child] = []

    def ask(self, question: Callable[[Child], T]) -> T:
        """Ask a child; where it does not live through it, ask another that has not been asked anything."""
        try:
            return self._asked(question, fresh=False)
        except EndedError:
            return self._asked(question, fresh=True)

    def _asked(self, question: Callable[[Child], T], *, fresh: bool) -> T:
        """Ask a child; one whose question was not answered to the end is ended."""
        with self.room:
            child = self._started() if fresh or not self.idle else self._waiting()
            try:
                answer = question(child)
            except BaseException:
                # an interrupt too: the answer still to come would be taken for the next picture's
                self._ended(child)
                raise
            self.idle.append(child)
            return answer

    def _waiting(self) -> Child:
        try:
            return self.idle.pop()
        except IndexError:  # another thread was quicker
            return self._started()

    def _started(self) -> Child:
        with self.lock:  # no fork between the opening of its ends and their being known
            while self.idle:
                self._ended(self.idle.pop())
            child = keeper.Child()
            self.all.append(child)
        try:
            return child.ready()
        except BaseException:
            self._ended(child)
            raise

    def _ended(self, child: Child) -> None:
        child.end()
        with self.lock:
            if child in self.all:
                self.all.remove(child)

    def end(self) -> None:
        """End all of them."""
        with self.lock:
            self.idle.clear()
        for child in list(self.all):
            self._ended(child)

    def hold(self) -> None:
        """Let no child be started while this process forks."""
        self.lock.acquire()

    def go_on(self) -> None:
        """Let children be started again."""
        self.lock.release()

    def disown(self) -> None:
        """Forget all of them, in a process that was forked from theirs."""
        for child in self.all:
            child.disowned()
        self.begin()


_CHILDREN = _Children()
atexit.register(end)
os.register_at_fork(before=_CHILDREN.hold, after_in_parent=_CHILDREN.go_on, after_in_child=_CHILDREN.disown)
