"""Check the machine: packages, models, TensorFlow and its GPUs, Dask."""

import importlib.util
import json
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from typing import Any

from pipeline import clusters, decoder, lineage
from pipeline.doctor.findings import LIMIT_S, Finding, Subject, installed, present
from pipeline.errors import PipelineError
from pipeline.jobs import Job
from pipeline.lake import Place
from pipeline.query import ask
from pipeline.scans import Scan

DASK = "import json, sys; from pipeline.doctor import machine; print(json.dumps(machine.answered(int(sys.argv[1]), sys.argv[2])))"
"""Asks `answered` from a process of its own."""
PACKAGES = ("pyarrow", "duckdb", "opencv-python-headless", "geopandas", "distributed", "keplergl", "prometheus-client")
FUNCTIONS = {"parquet": "read_parquet", "json": "json_extract", "icu": "icu_sort_key"}
"""A function that each of DuckDB's built-in extensions brings."""
TENSORFLOW = """
import json, os, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
begun = time.monotonic()
import tensorflow as tf
seen = [each.name for each in tf.config.list_physical_devices("GPU")]
facts = {"version": tf.__version__, "cuda": tf.test.is_built_with_cuda(), "gpus": len(seen)}
print(json.dumps(facts | {"seconds": round(time.monotonic() - begun, 1)}))
"""
"""Run in a process of its own: a command stays light, and a crash inside is a finding."""


def software(_: Subject) -> Iterator[Finding]:
    """Name Python, packages, models and DuckDB's parts."""
    fits = (3, 11) <= sys.version_info < (3, 14)
    yield Finding("python", "ok" if fits else "missing", platform.python_version(), "" if fits else "use 3.11 to 3.13")
    for name in PACKAGES:
        yield present(name, installed(name), "uv sync")
    known = ask("SELECT DISTINCT function_name AS f FROM duckdb_functions()", {})["f"].to_pylist()
    lacking = [extension for extension, function in FUNCTIONS.items() if function not in known]
    there = "" if lacking else f"built in: {', '.join(FUNCTIONS)}"
    mend = "uv sync --reinstall-package duckdb"
    yield present("duckdb extensions", there, mend, note=f"not built in: {', '.join(lacking)}")


def models(_: Subject) -> Iterator[Finding]:
    """Load every model's weights, which checks their hashes."""
    for shelf in ("detectors", "encoders"):
        plugs = importlib.import_module(f"pipeline.{shelf}")
        try:
            versions = ", ".join(plugs.load(name).version for name in plugs.names())
        except (PipelineError, OSError) as error:
            yield Finding(shelf, "missing", str(error), "restore the weights, or install the package again")
        else:
            yield Finding(shelf, "ok", f"weights as hashed: {versions}")


def tensorflow(_: Subject) -> Iterator[Finding]:
    """Ask TensorFlow in a process of its own, then hold its GPUs against the driver's."""
    if importlib.util.find_spec("tensorflow") is None:
        yield Finding("tensorflow", "missing", "not installed", "uv sync --extra cpu (or --extra gpu)")
        return
    words, mend = [sys.executable, "-c", TENSORFLOW], "uv sync --reinstall-package tensorflow-cpu"
    try:
        asked = subprocess.run(words, capture_output=True, text=True, check=False, timeout=LIMIT_S - 1)  # noqa: S603
    except subprocess.TimeoutExpired:
        late = f"its import took more than {LIMIT_S - 1:.0f} s"
        yield Finding("tensorflow", "warning", late, "ask again when the machine is less busy")
        return
    if asked.returncode:
        last = (asked.stderr.strip().splitlines() or ["no word"])[-1]
        yield Finding("tensorflow", "missing", f"ended with {asked.returncode}: {last}", mend)
        return
    facts = json.loads(asked.stdout.splitlines()[-1])
    kind = "built with CUDA" if facts["cuda"] else "built for processors"
    yield Finding("tensorflow", "ok", f"{facts['version']}, {kind}, imported in {facts['seconds']} s")
    yield gpu(facts, _cards())


def decoding(_: Subject) -> Iterator[Finding]:
    """Start a decoder and name each part of its sandbox that holds here, or does not."""
    begun = time.monotonic()
    parts = decoder.parts()
    took = f"a child process decodes, ready in {time.monotonic() - begun:.1f} s"
    held = "; ".join(f"{part}: {how}" for part, how in parts.items() if how)
    # who is no root has no other user to become, and needs none where no file can be opened
    lacking = [part for part, how in parts.items() if not how and not (part == "user" and parts["files"])]
    if lacking:
        mend = "allow prctl and seccomp in the container, on a kernel from 3.17 on, x86-64 or arm64"
        yield Finding("decoder", "warning", f"{took}; {held}; not held: {', '.join(lacking)}", mend)
    else:
        yield Finding("decoder", "ok", f"{took}; {held}")


def dask(_: Subject) -> Iterator[Finding]:
    """Start one worker and let it answer."""
    yield _answer("dask", 1, "")


def scheduler(subject: Subject) -> Iterator[Finding]:
    """Let a worker of the given scheduler answer."""
    if subject.scheduler:
        yield _answer("scheduler", 0, subject.scheduler)


def extras(_: Subject) -> Iterator[Finding]:
    """Name what only some need."""
    yield present("airflow", installed("apache-airflow"), "uv sync --extra airflow", "optional", "for schedules")
    yield present(
        "chromium", shutil.which("chromium") or "", "apt-get install chromium", "optional", "for the map's tests"
    )


def gpu(facts: dict[str, int | bool | str], cards: list[str]) -> Finding:
    """Hold what TensorFlow sees against what the driver lists."""
    if not cards:
        return Finding("gpu", "ok", "no NVIDIA GPU here: the networks run on the processor")
    names, seen = ", ".join(cards), int(facts["gpus"])
    if not facts["cuda"]:
        mend = "uv sync --no-default-groups --extra gpu"
        return Finding("gpu", "warning", f"{names}, unused: this TensorFlow is built for processors only", mend)
    if seen < len(cards):
        mend = "compare `nvidia-smi`'s CUDA version with TensorFlow's, unset CUDA_VISIBLE_DEVICES, then ask again"
        return Finding("gpu", "warning", f"{names}; TensorFlow sees {seen} of {len(cards)}", mend)
    return Finding("gpu", "ok", f"{names}; TensorFlow sees all {seen}")


def answered(workers: int, address: str) -> dict[str, Any]:
    """Let a Dask worker answer: in what time, and in which versions it differs from ours; or why none does."""
    begun = time.monotonic()
    try:
        with clusters.spread(workers, address) as spread:
            (answer,) = spread(built, [_job()])
    except PipelineError as error:
        return {"fault": str(error)}
    others = {name: what for name, what in answer.items() if what != built(_job()).get(name)}
    return {"seconds": round(time.monotonic() - begun, 1), "others": others}


def built(_: Job) -> dict[str, str]:
    """Tell the Python and the libraries of the process that runs it."""
    return {"python": platform.python_version(), **lineage.libraries()}


def _answer(part: str, workers: int, address: str) -> Finding:
    """Ask in a process of its own, which can be ended where nobody answers."""
    words = [sys.executable, "-c", DASK, str(workers), address]
    try:
        asked = subprocess.run(words, capture_output=True, text=True, check=True, timeout=LIMIT_S - 1)  # noqa: S603
    except subprocess.TimeoutExpired:
        late = f"no worker answered within {LIMIT_S - 1:.0f} s"
        return Finding(part, "warning", late, "ask again when the machine is less busy")
    told = json.loads(asked.stdout.splitlines()[-1])
    if "fault" in told:
        return Finding(part, "missing", told["fault"])
    took = f"a worker answered in {told['seconds']} s"
    if told["others"]:
        mend = "install the same locked packages there (uv sync --locked): bytes depend on them"
        return Finding(part, "warning", f"{took}, with other versions: {told['others']}", mend)
    return Finding(part, "ok", f"{took}; its versions are ours")


def _cards() -> list[str]:
    """List the GPUs that the driver knows."""
    if not (program := shutil.which("nvidia-smi")):
        return []
    words = [program, "--query-gpu=name,driver_version", "--format=csv,noheader"]
    asked = subprocess.run(words, capture_output=True, text=True, check=False, timeout=LIMIT_S / 2)  # noqa: S603
    lines = [] if asked.returncode else asked.stdout.splitlines()
    return ["{} (driver {})".format(*line.split(", ")) for line in lines]


def _job() -> Job:
    """Return a call that reads and writes nothing."""
    return Job(
        "cameras", Scan("doctor", "demo", "UTC", "EPSG:32618"), "", Place("cameras", date.min), 0, None, (), {}, ""
    )
