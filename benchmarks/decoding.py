"""Measure decoding in the child against decoding in the process, then the detections stage with 0, 1 and 2 decode threads.

`python -m benchmarks.decoding` draws pictures of four sizes and decodes them on one core, child and process by turns, medians
of 15 rounds. `python -m benchmarks.decoding FOLDER_OF_JPEGS [FRAMES]` does so with the folder's pictures, and then runs the
stage on them with one network thread; each number of decode threads has a process of its own, three rounds.
"""

import hashlib
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pyarrow as pa

from pipeline import decoder, detections, networks
from pipeline.tables import FRAMES, SNAPSHOTS, frame_id

if TYPE_CHECKING:
    from collections.abc import Callable

BEGINS = datetime(2026, 5, 5, tzinfo=UTC)
ROUNDS, TURNS = 3, 15
SIZES = ((352, 240), (640, 360), (1280, 720), (1920, 1080))


def in_process(raw: bytes) -> Any:
    """Decode as the child does, here."""
    return cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)


def drawn(width: int, height: int, seed: int) -> bytes:
    """Draw smooth shapes under a little noise, as large as a camera's still of that size."""
    draw = np.random.default_rng(seed)
    image = cv2.resize(draw.integers(60, 200, (12, 16, 3), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    noisy = cv2.add(image, draw.integers(0, 24, image.shape, np.uint8))
    return cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 75])[1].tobytes()


def compare(what: str, pictures: list[bytes]) -> None:
    """Print what a picture costs in the child and in this process, on one core, by turns."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    ways: dict[str, Callable[[bytes], Any]] = {"process": in_process, "child": decoder.decode}
    if not all(np.array_equal(*(way(raw) for way in ways.values())) for raw in pictures):
        sys.exit(f"{what}: the child gives other pixels")
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(TURNS):
        for name, way in ways.items():
            begun = time.perf_counter()
            for raw in pictures:
                way(raw)
            took[name].append(1e6 * (time.perf_counter() - begun) / len(pictures))
    here, there = median(took["process"]), median(took["child"])
    ratio = median(b / a for a, b in zip(took["process"], took["child"], strict=True))
    size = sum(map(len, pictures)) / len(pictures) / 1000
    print(
        f"{what}, {size:.0f} kB: in the process {here:.0f} us, in the child {there:.0f} us, {100 * (ratio - 1):+.0f} %"
    )


def started() -> None:
    """Print how long the first picture waits for its child."""
    took = []
    for _ in range(TURNS):
        decoder.end()
        begun = time.perf_counter()
        decoder.parts()
        took.append(1000 * (time.perf_counter() - begun))
    print(f"a child is ready in {median(took):.0f} ms")


def tables(paths: list[Path]) -> tuple[pa.Table, pa.Table]:
    """Return the frames and snapshots that the pictures would be."""
    shared = [
        {
            "camera_id": "fdr:a",
            "slot_at": BEGINS + timedelta(seconds=n),
            "captured_at": None,
            "captured_at_source": "none",
        }
        for n in range(len(paths))
    ]
    frames = [
        row | {"frame_id": frame_id(row["camera_id"], row["slot_at"]), "width_px": 352, "height_px": 240, "sha256": None,
               "state": "ok", "reason": None}
        for row in shared
    ]  # fmt: skip
    snapshots = [
        row | {"fetched_at": None, "status": "ok", "jpeg": path.read_bytes()}
        for row, path in zip(shared, paths, strict=True)
    ]
    return pa.Table.from_pylist(frames, FRAMES.schema), pa.Table.from_pylist(snapshots, SNAPSHOTS.schema)


def measure(folder: Path, count: int) -> None:
    """Print the best rate of some rounds, how much processor it took, and a hash of the answer."""
    frames, snapshots = tables(sorted(folder.rglob("*.jpg"))[:count])
    detections.detect(frames.slice(0, 64), snapshots.slice(0, 64), detections.Settings())
    rounds = []
    for _ in range(ROUNDS):
        begun, cpu = time.perf_counter(), time.process_time()
        rows = detections.detect(frames, snapshots, detections.Settings())
        rounds.append((time.perf_counter() - begun, time.process_time() - cpu))
    took, cpu = min(rounds)
    answer = hashlib.sha256(str(rows.to_pylist()).encode()).hexdigest()[:12]
    threads, rate = os.environ[networks.DECODERS], frames.num_rows / took
    print(
        f"{threads} decode threads: {rate:6.1f} frames/s, {1000 * cpu / frames.num_rows:5.2f} ms of processor a frame, answer {answer}"
    )


if __name__ == "__main__":
    if networks.DECODERS in os.environ:
        measure(Path(sys.argv[1]), int(sys.argv[2]))
    elif len(sys.argv) == 1:
        for width, height in SIZES:
            compare(f"{width} x {height}", [drawn(width, height, seed) for seed in range(40 if width < 1000 else 10)])
        started()
    else:
        folder, count = Path(sys.argv[1]), int((*sys.argv[2:], "1000")[0])
        for threads in ("0", "1", "2"):
            asked = os.environ | {networks.DECODERS: threads, networks.THREADS: "1"}
            subprocess.run(
                [sys.executable, "-m", "benchmarks.decoding", str(folder), str(count)], env=asked, check=True
            )
        compare(f"{folder.name}", [path.read_bytes() for path in sorted(folder.rglob("*.jpg"))[:count]])
