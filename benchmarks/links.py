"""Compare ways to find the most alike sighting inside its gate of time: DuckDB, FAISS, numpy, and the kernel of links.

`python -m benchmarks.links --json`: 1 M sightings of 128 float16 (held as float32 by all peers), 200 cameras in a ring, and for
each sighting about 60 candidates at the next camera. Each way runs in a process of its own with one thread; what is counted is
its processor time from sorted columns to answers, compiling and imports left out, and the most memory that the process ever held.
From Parquet, opening and reading the file counts too; DuckDB has its own file, of lists of float32, as it reads no float16. All
must give the kernel's answers; two candidates within 1e-5 may stand for each other.
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gated import WAYS, Size, begun_s, compiled, make, streamed
from pipeline import clusters, scans
from pipeline.jobs import Job
from pipeline.lake import Place

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Environment of a way's process: two threads that wait for each other would count twice."""
ALIKE = 1e-5
"""Inner products nearer than this are told apart by rounding alone."""


def _alone(name: str, size: Size, folder: Path, pipe: Any) -> None:
    """Run one way in this process and tell its answer, processor seconds and memory."""
    answer = WAYS[name](size, folder)
    took = time.process_time() - begun_s()
    np.savez(folder / f"{name}.npz", row=answer[0], product=answer[1])
    # not getrusage: that keeps the peak of the process this one was forked from
    peak = next(line for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines() if "VmHWM" in line)
    pipe.send((took, int(peak.split()[1]) / 1024))


def measure(name: str, size: Size, folder: Path) -> dict[str, float]:
    """Run one way in a process of its own."""
    os.environ |= ONE_THREAD
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_alone, args=(name, size, folder, theirs))
    process.start()
    theirs.close()
    try:
        took, peak = ours.recv()
    except EOFError:
        sys.exit(f"{name} ended without an answer; try fewer --sightings")
    finally:
        process.join()
    return {"cpu_s": round(took, 3), "sightings_per_core_s": round(size.sightings / took), "peak_mib": round(peak)}


def same(first: Path, other: Path) -> bool:
    """Tell whether two ways found the same; equals are told apart by nobody."""
    with np.load(first) as one, np.load(other) as two:
        none = (one["row"] < 0) == (two["row"] < 0)
        found = one["row"] >= 0
        near = np.abs(one["product"][found] - two["product"][found]) < ALIKE
        return bool(none.all() and near.all() and np.mean(one["row"] == two["row"]) > 1 - 1e-4)


def shard(job: Job) -> float:
    """Compare some cameras' sightings from the file, on a worker; return its processor seconds."""
    size = Size(**json.loads(job.made_from))
    compiled(size)
    begun = time.process_time()
    first, last = (int(camera) for camera in job.cameras)
    streamed(size, Path(job.root), range(first, last))
    return time.process_time() - begun


def spread(size: Size, folder: Path, workers: int, rounds: int = 3) -> dict[str, float]:
    """Compare from the file on Dask workers; the best of some rounds, the first of which is not counted: it compiles."""
    scan, night = scans.load("demo"), date(2026, 5, 5)
    parts = np.linspace(0, size.cameras, 8 + 1).astype(int)
    jobs = [
        Job("links", scan, str(folder), Place("links", night), part, None, (str(begins), str(ends)), {}, json.dumps(asdict(size)))
        for part, (begins, ends) in enumerate(pairwise(parts))
    ]  # fmt: skip
    took = []
    with clusters.spread(workers) as over:
        for _ in range(rounds + 1):
            begun = time.perf_counter()
            cpu_s = sum(over(shard, jobs))
            took.append((time.perf_counter() - begun, cpu_s))
    wall_s, cpu_s = min(took[1:])
    return {"wall_s": round(wall_s, 3), "cpu_s": round(cpu_s, 3), "sightings_per_s": round(size.sightings / wall_s)}


def told(size: Size, folder: Path, workers: tuple[int, ...]) -> dict[str, Any]:
    """Run all ways and compare their answers."""
    make(size, folder)
    peers = {name: measure(name, size, folder) for name in WAYS}
    ours, ours_parquet = peers["kernel"]["cpu_s"], peers["kernel_parquet"]["cpu_s"]
    return {
        **asdict(size),
        "sightings_per_core_s": peers["kernel"]["sightings_per_core_s"],
        "peers": peers,
        "same_answers": {
            name: same(folder / "kernel.npz", folder / f"{name}.npz") for name in WAYS if name != "kernel"
        },
        "times_duckdb": round(peers["duckdb"]["cpu_s"] / max(ours, 1e-3), 1),
        "times_duckdb_from_parquet": round(peers["duckdb_parquet"]["cpu_s"] / max(ours_parquet, 1e-3), 1),
        "dask": {str(count): spread(size, folder, count) for count in workers},
    }


def main() -> None:
    """Print a table, or JSON."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", action="store_true")
    for name, value in asdict(Size()).items():
        options.add_argument(f"--{name}", type=int, default=value)
    options.add_argument("--workers", type=int, nargs="*", default=[1, 2], help="numbers of Dask workers to compare")
    chosen = options.parse_args()
    size = Size(*(getattr(chosen, name) for name in asdict(Size())))
    with tempfile.TemporaryDirectory() as folder:
        found = told(size, Path(folder), tuple(chosen.workers))
    if chosen.json:
        print(json.dumps(found, indent=1))
        return
    print(f"{'':16}{'processor s':>12}{'a core-second':>15}{'peak MiB':>10}  same answers")
    for name, row in found["peers"].items():
        alike = found["same_answers"].get(name, True)
        print(f"{name:16}{row['cpu_s']:>12.2f}{row['sightings_per_core_s']:>15,}{row['peak_mib']:>10}  {alike}")
    for count, row in found["dask"].items():
        print(f"Dask, {count} workers: {row['wall_s']:.2f} s, {row['cpu_s']:.2f} of processors")


if __name__ == "__main__":
    main()
