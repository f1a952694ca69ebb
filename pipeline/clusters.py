"""Spread calls: in this process, over local Dask processes, or over the workers of a Dask scheduler."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

Spread = Callable[[Callable[[Any], Any], list[Any]], Iterable[Any]]
"""Calls a function once for each argument and yields the answers in their order."""
ONE_THREAD = {"THOROUGHFARE_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Environment of a local worker: one thread, so that two workers share two cores."""


@contextmanager
def spread(workers: int = 0, scheduler: str = "") -> Iterator[Spread]:
    """Choose by what is asked: a scheduler's address, local workers, else this process."""
    if scheduler:
        with at(scheduler) as chosen:
            yield chosen
    elif workers:
        with local(workers) as chosen:
            yield chosen
    else:
        yield map


@contextmanager
def local(workers: int) -> Iterator[Spread]:
    """Spread over `workers` Dask processes of this machine, one thread each."""
    from distributed import Client, LocalCluster

    quiet = {"host": "127.0.0.1", "dashboard_address": None, "silence_logs": logging.ERROR}
    alone = {"n_workers": workers, "threads_per_worker": 1, "processes": True}
    with LocalCluster(**alone, **quiet, env=dict(ONE_THREAD)) as cluster, Client(cluster) as client:
        yield lambda call, jobs: client.gather(client.map(call, jobs, pure=False))


@contextmanager
def at(scheduler: str) -> Iterator[Spread]:
    """Spread over the workers of the Dask scheduler at an address."""
    from distributed import Client

    with Client(scheduler) as client:
        yield lambda call, jobs: client.gather(client.map(call, jobs, pure=False))
