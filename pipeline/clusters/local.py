"""Start workers on this machine: one thread each, encrypted, on loopback; one for each GPU that CUDA may see."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dask.config
from dask.utils import parse_bytes
from distributed import Client, Nanny, Scheduler, SpecCluster
from distributed.security import Security
from distributed.system import MEMORY_LIMIT

from pipeline.clusters import Keep, Spread
from pipeline.clusters.crew import Crew, reported
from pipeline.clusters.workers import GPU
from pipeline.errors import PipelineError

ONE_THREAD = {"THOROUGHFARE_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Environment of a local worker: one thread, so that two workers share two cores."""
START_S = 60
"""A worker that has not started after so many seconds never will."""
DEATHS = 2
"""One death may be chance."""
QUIET: dict[str, Any] = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
}
"""Nothing is served over HTTP; a worker short of memory is ended, never left waiting for memory that nothing frees."""
SHARE_OF_MEMORY = 0.9
"""Of the machine's memory, dealt to the workers; the rest is for the run itself."""


def visible_gpus() -> list[str]:
    """List the GPUs this program was given, as CUDA names them: by `CUDA_VISIBLE_DEVICES`."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return [each.strip() for each in named.split(",") if each.strip() not in ("", "-1")]


@contextmanager
def local(
    workers: int, gpus: Sequence[str] | None = None, keep: Keep | None = None, deaths: int = DEATHS
) -> Iterator[Spread]:
    """Spread over Dask processes of this machine, the first of them with a GPU each.

    Args:
        workers: Processes; as many as GPUs where that is more.
        gpus: CUDA's names of the GPUs to deal out; None for those of `CUDA_VISIBLE_DEVICES`.
        keep: Takes Dask's performance report, a page of HTML.
        deaths: A job that killed so many workers is given up.

    Raises:
        PipelineError: a worker cannot be started.
    """
    dealt = list(visible_gpus() if gpus is None else gpus)
    count = max(workers, len(dealt))
    security = Security.temporary()
    with dask.config.set(QUIET):
        cluster = _started(count, dealt, security, deaths)
        with cluster, Client(cluster, security=security) as client:
            crew = Crew(client, f"{count} local workers")
            with reported(keep):
                yield crew


def _started(count: int, gpus: list[str], security: Security, deaths: int) -> SpecCluster:
    """Start scheduler and workers; a worker that cannot start is a sentence, soon."""
    here = {"host": "127.0.0.1", "protocol": "tls://", "security": security, "dashboard": False}
    memory = dask.config.get("thoroughfare.memory-limit", int(MEMORY_LIMIT * SHARE_OF_MEMORY) // count)
    workers = {
        number: {
            "cls": Nanny,
            "options": here | _worker(gpus[number] if number < len(gpus) else None, memory, bool(gpus)),
        }
        for number in range(count)
    }
    quiet = {"dashboard_address": "127.0.0.1:0", "port": 0, "allowed_failures": deaths - 1}
    # what a nanny says of a slow end comes when the cluster has given its silence back
    logging.getLogger("distributed.nanny").setLevel(logging.CRITICAL)
    try:
        return SpecCluster(
            workers, {"cls": Scheduler, "options": here | quiet}, security=security, silence_logs=logging.CRITICAL
        )
    except (OSError, RuntimeError, TimeoutError, ValueError) as error:
        raise PipelineError(
            f"{count} local workers: one cannot start ({str(error) or type(error).__name__}; {parse_bytes(memory):,} bytes "
            "of memory each); pass fewer --workers, or none to run in this process"
        ) from error


def _worker(gpu: str | None, memory: Any, dealt: bool) -> dict[str, Any]:
    """Say what one worker is given; where GPUs are dealt out, a worker without one sees none."""
    environment = ONE_THREAD | ({"CUDA_VISIBLE_DEVICES": gpu or "-1"} if dealt else {})
    resources = {GPU: 1} if gpu is not None else {}
    return {
        "nthreads": 1,
        "env": environment,
        "resources": resources,
        "memory_limit": memory,
        "death_timeout": START_S,
        "silence_logs": logging.CRITICAL,
        "dashboard_address": "127.0.0.1:0",
    }
