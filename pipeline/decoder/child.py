"""Decode what the parent puts into the shared memory, one picture or clip after another: the child's whole program."""

import io
import json
import math
import mmap
import os
import signal
import socket
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.decoder import sandbox, wire

PICTURE_FLAGS = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
QUALITY = 95
"""Of the JPEG of a still."""


def main(channel_fd: int, memory_fd: int, life_fd: int) -> None:
    """Get ready, give up every right, say what holds, and answer until the parent is gone."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)  # they are meant for the parent, whose end is ours
    for one in (signal.SIGPROF, signal.SIGIO):
        signal.signal(one, signal.SIG_DFL)  # a parent may have left them ignored, or blocked
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    channel = socket.socket(fileno=channel_fd)
    memory = mmap.mmap(memory_fd, 2 * wire.ROOM_BYTES)
    os.close(memory_fd)
    _warmed()
    holds = sandbox.confine(life_fd, wire.LIMIT_BYTES)
    channel.send(json.dumps(holds).encode())
    while request := channel.recv(wire.REQUEST.size):
        channel.send(answer(request, memory))
    os._exit(0)


def answer(request: bytes, memory: mmap.mmap) -> bytes:
    """Do what is asked and leave what became of it in the memory's second half."""
    kind, number, length, step_s = wire.REQUEST.unpack(request)
    signal.setitimer(signal.ITIMER_PROF, wire.PICTURE_CPU_S if kind == wire.PICTURE else wire.CLIP_CPU_S)
    try:
        if kind == wire.CLIP:
            return wire.ANSWER.pack(wire.STILLS, number, _written(stills(memory[:length], step_s), memory), 0)
        image = picture(np.frombuffer(memory, np.uint8, length))
        if image is not None:
            np.frombuffer(memory, np.uint8, image.size, wire.ROOM_BYTES)[:] = image.reshape(-1)
            return wire.ANSWER.pack(wire.PIXELS, number, *image.shape[:2])
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem or "bad_alloc" in str(error):
            return wire.ANSWER.pack(wire.TOO_LARGE, number, 0, 0)
    except MemoryError:
        return wire.ANSWER.pack(wire.TOO_LARGE, number, 0, 0)
    return wire.ANSWER.pack(wire.NOTHING, number, 0, 0)


def picture(raw: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Decode a picture; None where it is none."""
    image = cv2.imdecode(raw, PICTURE_FLAGS)
    return None if image is None else np.asarray(image, np.uint8)


def stills(clip: bytes, step_s: float) -> Iterator[tuple[float, bytes]]:
    """Yield the first frame at or after each step of a clip, with its seconds from the clip's start."""
    capture = cv2.VideoCapture(io.BytesIO(clip), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])  # type: ignore[call-overload]
    size = capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    if not capture.isOpened() or not 0 < size <= wire.LIMIT_PIXELS:
        return
    first_s, due_s, count = math.nan, 0.0, 0
    for _ in range(wire.CLIP_FRAMES):
        if not capture.grab():
            return
        told_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        first_s = told_s if math.isnan(first_s) else first_s
        if not 0 <= (at_s := round(told_s - first_s, 6)) <= wire.CLIP_S or count >= wire.CLIP_STILLS:
            return
        if at_s < due_s:
            continue
        done, image = capture.retrieve()
        if not done or image.shape[0] * image.shape[1] > wire.LIMIT_PIXELS:
            return
        yield at_s, cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
        count, due_s = count + 1, round((math.floor(at_s / step_s + 1e-6) + 1) * step_s, 6)


def _written(cut: Iterator[tuple[float, bytes]], memory: mmap.mmap) -> int:
    """Write stills one after another, as many as there is room for; return how many."""
    at, count = wire.ROOM_BYTES, 0
    for second, jpeg in cut:
        end = at + wire.STILL.size + len(jpeg)
        if end > 2 * wire.ROOM_BYTES:
            break
        wire.STILL.pack_into(memory, at, second, len(jpeg))
        memory[at + wire.STILL.size : end] = jpeg
        at, count = end, count + 1
    return count


def _warmed() -> None:
    """Let the libraries open and set up now what they would open at the first picture and clip."""
    cv2.setNumThreads(1)
    cv2.ocl.setUseOpenCL(False)
    grey = np.full((16, 16, 3), 90, np.uint8)
    for kind in (".jpg", ".png"):
        picture(cv2.imencode(kind, grey)[1])
    list(stills(b"", 1.0))
