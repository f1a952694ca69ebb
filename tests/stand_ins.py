"""Stand in for the models, without TensorFlow; for workers also poison pictures. Loaded in workers as a Dask preload."""

import hashlib
import os
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from pipeline import detections, detectors, encoders
from pipeline.detectors import Boxes

FOUND = np.array([[20, 20, 90, 70], [120, 40, 200, 110]], np.float32)


class Detector:
    version = "stand-in"

    def detect(self, images):
        return [Boxes(FOUND, np.array([0.9, 0.8], np.float32), ("car", "car")) for _ in images]


class Encoder:
    version, dimensions = "stand-in", 96

    def encode(self, image, xyxy_px):
        row = np.eye(1, 96, int(image.sum()) % 96)
        return np.repeat(row, len(xyxy_px), axis=0).astype(np.float16)


def install(poison: dict[str, str] | None = None) -> None:
    """Put the stand-ins in place; `poison` says by the sha256 of a picture what decoding it does."""
    decode, acts = detections.decode, {"kill": _kill, "hang": _hang, "eat": _eat}
    if deadly := [sha256 for sha256, act in (poison or {}).items() if act == "crash"]:
        # not the worker but its decoder's child
        import misdeeds

        from pipeline.decoder import keeper

        keeper.PROGRAM = misdeeds.program(*deadly)

    def poisoned(jpeg):
        if act := acts.get((poison or {}).get(hashlib.sha256(jpeg).hexdigest())):
            act()
        return decode(jpeg)

    detectors.load, encoders.load, detections.decode = lambda _: Detector(), lambda _: Encoder(), poisoned


@contextmanager
def standing():
    """Put the stand-ins in place for a while."""
    rooms = [(detectors, "load"), (encoders, "load"), (detections, "decode")]
    was = [getattr(room, name) for room, name in rooms]
    install()
    try:
        yield
    finally:
        for (room, name), real in zip(rooms, was, strict=True):
            setattr(room, name, real)


def preload(folder: Path, poison: dict[str, str] | None = None) -> dict[str, list[str]]:
    """Write a module that installs them in a worker; returns Dask's setting for it."""
    path = folder / "preload.py"
    path.write_text(f"import stand_ins\nstand_ins.install({poison!r})\n")
    return {"distributed.worker.preload": [str(path)]}


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _hang() -> None:
    time.sleep(3600)


def _eat() -> None:
    held = []
    while True:
        held.append(np.ones(20_000_000))
        time.sleep(0.05)
