"""Measure the detections stage in frames a second with 0, 1 and 2 decode threads: real frames, one network thread.

`python -m benchmarks.decoding FOLDER_OF_JPEGS [FRAMES]`; each number of threads has a process of its own, three rounds.
"""

import hashlib
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from pipeline import detections, networks
from pipeline.tables import FRAMES, SNAPSHOTS, frame_id

BEGINS = datetime(2026, 5, 5, tzinfo=UTC)
ROUNDS = 3


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
    else:
        for threads in ("0", "1", "2"):
            asked = os.environ | {networks.DECODERS: threads, networks.THREADS: "1"}
            words = [sys.executable, "-m", "benchmarks.decoding", sys.argv[1], *(sys.argv[2:] or ["1000"])]
            subprocess.run(words, env=asked, check=True)
