"""What runs in a worker: a job under its time limit, the models loaded once, and what the worker is built of."""

import faulthandler
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from distributed import Worker
from distributed.diagnostics.plugin import WorkerPlugin

from pipeline import detectors, encoders, lineage
from pipeline.jobs import Job
from pipeline.lake import digest
from pipeline.stages import STAGES

GPU = "GPU"
"""Dask resource of a worker that has a GPU to itself."""


def guarded(call: Callable[[Job], Any], job: Job, limit_s: float) -> Any:
    """Do a job; a worker that is not done in time says where it stands and ends, whatever it hangs in."""
    # not a signal or a timer: a decoder or network that holds the interpreter's lock would never let either in
    faulthandler.dump_traceback_later(limit_s, exit=True, file=sys.__stderr__ or 2)
    try:
        return call(job)
    finally:
        faulthandler.cancel_dump_traceback_later()


class Models(WorkerPlugin):  # type: ignore[misc]
    """The detector and the encoder of a scan, loaded and compiled once in each worker that will run them."""

    def __init__(self, models: dict[str, str], *, gpus: bool) -> None:
        """Name them by kind (`detector`, `encoder`); with `gpus`, workers without one leave them alone."""
        self.models, self.gpus = models, gpus
        self.name = "-".join(("thoroughfare", *models.values()))

    def setup(self, worker: Worker) -> None:
        """Load them; runs again in every worker that starts later."""
        if self.gpus and not worker.state.total_resources.get(GPU):
            return
        grey = np.full((240, 352, 3), 114, np.uint8)
        if name := self.models.get("detector"):
            detectors.load(name).detect([grey])
        if name := self.models.get("encoder"):
            encoders.load(name).encode(grey, np.array([[0, 0, 64, 48]], np.float32))


def built_of() -> tuple[str, dict[str, str]]:
    """Return the hash of the code and the libraries that decide bytes; a run is made by those of its workers."""
    return digest({line.table: lineage.code(line.table) for line in STAGES}), lineage.libraries()
