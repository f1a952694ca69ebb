"""Let a decoder's child do what a picture tells it: loaded by the child in tests, in the place of a library taken over."""

import ctypes
import hashlib
import os
import signal
import socket
import threading
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

PROGRAM = """
import sys
sys.path += [*sys.argv[4:], {here!r}]
from pipeline.decoder import child, wire
import misdeeds
misdeeds.install(child, wire, {deadly!r})
child.main(*map(int, sys.argv[1:4]))
"""


def program(*deadly: str) -> str:
    """Write a child's program in which comments of pictures are obeyed, and pictures of these hashes crash."""
    return PROGRAM.format(here=str(Path(__file__).parent), deadly=deadly)


def install(child, wire, deadly: tuple[str, ...]) -> None:
    """Put misdeeds before the decoder."""
    real = child.picture
    real_answer = child.answer

    def picture(raw):
        told = comment(bytes(raw[:40]))
        if deadly and hashlib.sha256(raw).hexdigest() in deadly:
            told = "crash"
        return DEEDS[told]() if told in DEEDS else real(raw)

    def answer(request, memory):
        _, number, _, _ = wire.REQUEST.unpack(request)
        told = comment(memory[:40])
        if told == "lie":
            return wire.ANSWER.pack(wire.PIXELS, number, 60_000, 60_000)
        if told == "repeat":
            return wire.ANSWER.pack(wire.PIXELS, number - 1, 1, 1)
        if told == "babble":
            return bytes(wire.ANSWER.size)
        if told == "spin":
            wire.PICTURE_CPU_S = 0.2
        if told in ("spin on", "wait"):
            wire.PICTURE_CPU_S = 1000.0
        return real_answer(request, memory)

    child.picture, child.answer = picture, answer


def comment(raw: bytes) -> str:
    """Return the comment that a picture begins with, if any."""
    return raw[6 : 4 + int.from_bytes(raw[4:6], "big")].decode("ascii", "replace") if raw[2:4] == b"\xff\xfe" else ""


def spin() -> None:
    while True:
        pass


def wait() -> None:
    lock = threading.Lock()
    lock.acquire(), lock.acquire()


def break_out():
    """Try what a decoder has no need of; tell what was refused."""
    tries = [
        lambda: os.open("/etc/hostname", os.O_RDONLY),
        lambda: open("/dev/shm/out", "w"),  # noqa: SIM115, PTH123
        lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
        lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
        lambda: os.posix_spawn("/bin/true", ["true"], {}),
        _fork,
        lambda: os.kill(os.getppid(), 0),
        lambda: os.setuid(0),
    ]
    refused = np.zeros((8, 1, 3), np.uint8)
    refused.ravel()[:8] = [_refused(each) for each in tries]
    return refused


def _fork() -> None:
    if not os.fork():
        signal.pause()


def _refused(call) -> bool:
    with suppress(OSError):
        call()
        return False
    return True


def eat_in_c():
    return cv2.resize(np.zeros((8, 8, 3), np.uint8), (20_000, 20_000))


DEEDS = {
    "abort": os.abort,
    "crash": lambda: ctypes.string_at(0),
    "leave": lambda: os._exit(3),
    "spin": spin,
    "spin on": spin,
    "wait": wait,
    "eat": lambda: bytearray(2**30),
    "eat in C": eat_in_c,
    "break out": break_out,
}
