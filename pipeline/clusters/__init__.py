"""Spread jobs: in this process, over local Dask processes, or over the workers of a Dask scheduler.

Options that are Dask's own are given to Dask, in its configuration files or in `DASK_...` of the environment; ours stand
beside them under `thoroughfare`: `limit-s.<stage or unit>` and `memory-limit` (docs/dask.md).
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any

from pipeline.errors import PipelineError
from pipeline.jobs import Job

Spread = Callable[[Callable[[Job], Any], list[Job]], Iterable[Any]]
"""Calls a function once for each job and yields the answers in their order; `Lost` where a job killed its workers."""
Keep = Callable[[bytes], Any]


@dataclass(frozen=True)
class Lost:
    """The answer of a job whose workers died, hung or ran out of memory, as often as the scheduler allows."""

    deaths: int


class LostWorkersError(PipelineError):
    """Jobs killed their workers and no single picture is to blame; exit code 1."""

    def __init__(self, jobs: list[Job]) -> None:
        """Name the jobs."""
        self.jobs = jobs
        first = jobs[0]
        where = f"{first.table} of {first.window or first.place.date}, shard {first.part}"
        super().__init__(
            f"{where}: its workers died, hung or ran out of memory ({len(jobs)} such jobs); give them more memory or time "
            "(docs/dask.md, `thoroughfare.memory-limit`, `thoroughfare.limit-s`), then run again: what is done is kept"
        )


def together(call: Callable[[Job], Any], jobs: list[Job]) -> Iterator[Any]:
    """Do all jobs at once, each in a thread of this process: for those that mostly wait for their time."""
    answers: list[Future[Any]] = [Future() for _ in jobs]

    def answer(future: Future[Any], job: Job) -> None:
        try:
            future.set_result(call(job))
        except BaseException as error:  # noqa: BLE001 - raised where the answer is read
            future.set_exception(error)

    # no pool: its threads would hold up a program that is told to stop until the window's end
    for future, job in zip(answers, jobs, strict=True):
        Thread(target=answer, args=(future, job), daemon=True).start()
    wait(answers)
    yield from (future.result() for future in answers)


@contextmanager
def spread(workers: int = 0, scheduler: str = "", keep: Keep | None = None) -> Iterator[Spread]:
    """Choose by what is asked: a scheduler's address, local workers, else this process.

    Args:
        workers: Local processes; 0 for none.
        scheduler: Address of a Dask scheduler, `tls://host:port`; it is asked before `workers`.
        keep: Takes Dask's performance report, a page of HTML, when the jobs are done, also when they failed.

    Raises:
        SettingsError: the address is open to the network, or its workers are not as they must be.
        PipelineError: the scheduler, or a worker, cannot be reached or started.
    """
    if scheduler:
        from pipeline.clusters.given import at

        with at(scheduler, keep) as chosen:
            yield chosen
    elif workers:
        from pipeline.clusters.local import local

        with local(workers, keep=keep) as chosen:
            yield chosen
    else:
        yield map
