"""Hand jobs to the workers of a Dask client: one each at a time, so that a death is blamed on the job it came from."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dask.config
from distributed import Client, Future, KilledWorker, as_completed, performance_report

from pipeline import lineage
from pipeline.clusters import Keep, Lost
from pipeline.clusters.workers import GPU, Models, guarded
from pipeline.errors import PipelineError
from pipeline.jobs import Job, models
from pipeline.stages import stage

LIMIT_S = {"scan": 600.0, "shard": 900.0, "window": 3600.0, "night": 7200.0, "snapshots": 7200.0, "probe": 60.0}
"""Longest seconds of one job by stage or unit. A shard of two cameras, one frame a second each, holds 7,200 pictures:
two to four minutes of one core. Snapshots of a live feed last as long as their window."""
PROBE_PICTURE_S = 0.5
"""Longest seconds of a probe for each of its pictures, beside `LIMIT_S["probe"]`."""

CLOSED = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data: blob:; font-src data:; '
    "script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'\">"
)
"""Lets a page draw itself and load nothing."""


@dataclass
class Crew:
    """The workers behind a client; called as a `Spread`."""

    client: Client
    where: str
    """What the workers are called in messages."""
    libraries: dict[str, str] = field(default_factory=lineage.libraries)
    """Versions that decide bytes, as the workers have them."""
    loaded: set[tuple[tuple[str, str], ...]] = field(default_factory=set)
    """Models that the workers were told to load."""

    def __call__(self, call: Callable[[Job], Any], jobs: list[Job]) -> list[Any]:
        """Do the jobs and return their answers in order."""
        with self._reachable():
            for wanted in {tuple(sorted(models(job).items())) for job in jobs} - self.loaded - {()}:
                self.client.register_plugin(Models(dict(wanted), gpus=self._has_gpus()))
                self.loaded.add(wanted)
            return self._answers(call, jobs)

    def _answers(self, call: Callable[[Job], Any], jobs: list[Job]) -> list[Any]:
        """Keep every worker at one job until all are done; after a fault, until those begun are."""
        answers: dict[int, Any] = {}
        numbers: dict[str, int] = {}
        faults: list[Exception] = []
        waiting, running = list(enumerate(jobs))[::-1], as_completed()
        while numbers or (waiting and not faults):
            hands = self._hands(jobs[0]) if waiting and not faults else 0
            while waiting and not faults and (not numbers or len(numbers) < hands):
                number, job = waiting.pop()
                future = self._submit(call, job)
                numbers[future.key] = number
                running.add(future)
            if (done := next(running, None)) is None:
                raise CancelledError
            try:
                answers[numbers.pop(done.key)] = _answer(done)
            except Exception as fault:  # noqa: BLE001  # whatever a stage raises, it is raised again
                faults.append(fault)
        if faults:
            raise faults[0]
        return [answers[number] for number in range(len(jobs))]

    def _submit(self, call: Callable[[Job], Any], job: Job) -> Future:
        """Send one job off, to a GPU where it runs a model and there are any."""
        asked = {GPU: 1} if models(job) and self._has_gpus() else None
        return self.client.submit(guarded, call, job, limit_s(job), pure=False, resources=asked)

    def _hands(self, job: Job) -> int:
        """Count the workers that such a job may run on."""
        gpus = [each["resources"].get(GPU) for each in self._workers()]
        return sum(map(bool, gpus)) if models(job) and any(gpus) else len(gpus)

    def _has_gpus(self) -> bool:
        """Tell whether any worker has a GPU to itself."""
        return any(each["resources"].get(GPU) for each in self._workers())

    def _workers(self) -> list[dict[str, Any]]:
        """Ask the scheduler for its workers."""
        return list(self.client.scheduler_info(n_workers=-1)["workers"].values())

    @contextmanager
    def _reachable(self) -> Iterator[None]:
        """Say in a sentence that the scheduler is gone."""
        try:
            yield
        except PipelineError:
            raise
        except (OSError, CancelledError, TimeoutError, RuntimeError) as error:
            if self.client.status == "running" and not isinstance(error, CancelledError):
                raise
            raise PipelineError(
                f"{self.where}: the scheduler is gone ({type(error).__name__}); start it and run again: what is done is kept"
            ) from error


def limit_s(job: Job) -> float:
    """Return how long a job may take: as the configuration says by stage or unit, else by `LIMIT_S`."""
    if job.only:
        return _asked("probe") + PROBE_PICTURE_S * job.only.pictures
    unit = stage(job.table).unit
    return _asked(job.table, _asked(unit))


def _asked(name: str, otherwise: float | None = None) -> float:
    """Read a limit: configured, else our own, else another."""
    return float(dask.config.get(f"thoroughfare.limit-s.{name}", LIMIT_S.get(name, otherwise)))


@contextmanager
def reported(keep: Keep | None) -> Iterator[None]:
    """Hand over Dask's performance report of what is done inside: one page that loads nothing from anywhere."""
    if keep is None:
        yield
        return
    with TemporaryDirectory() as folder:
        page = Path(folder, "dask.html")
        report = performance_report(str(page), mode="inline")
        report.__enter__()
        try:
            yield
        finally:
            # a page is not worth a night: where the scheduler is gone there is none
            with suppress(Exception):
                report.__exit__(None, None, None)
                keep(_sealed(page.read_text(encoding="utf-8")).encode())


def _sealed(page: str) -> str:
    """Forbid a page to load anything, and take out its one link to another host."""
    return re.sub(r"<link [^>]*>", "", page).replace("<head>", f"<head>{CLOSED}", 1)


def _answer(future: Future) -> Any:
    """Return what a job answered; raise what its stage raised."""
    error = future.exception()
    if isinstance(error, KilledWorker):
        return Lost(error.allowed_failures + 1)
    if error is not None:
        raise error
    return future.result()
