"""Watch a run: a line for a person or a log for a machine, a record of every step, and where a fault was met."""

import logging
import time
from datetime import UTC, date, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pipeline import metrics
from pipeline.console import Progress, without_credentials
from pipeline.lake import Lake, Place
from pipeline.metrics import Run
from pipeline.query import names

if TYPE_CHECKING:
    from pipeline.runner import Night, Step
    from pipeline.scans import Window
    from pipeline.stages import Stage

log = logging.getLogger("thoroughfare")


class Watch:
    """What a night tells as it goes: pass `begin`, `step` to a `runner.Night` and run it inside the context."""

    def __init__(self, lake: Lake, scan_date: date, workers: int | None, *, of: str = "", quiet: bool = False) -> None:
        """Name the night; `of` stands behind its name, as `2 of 5`; `quiet` shows nothing to a person."""
        self.lake, self.scan_date, self.workers = lake, scan_date, workers
        self.progress = Progress(" ".join(filter(None, (lake.scan, str(scan_date), of))), quiet=quiet)
        self.stage, self.window = "", ""
        self.part: int | None = None
        self.started_at, self.since = datetime.now(UTC), time.monotonic()

    def expect(self, night: "Night") -> None:
        """Learn how many steps there will be."""
        self.progress.expect(night)

    def begin(self, line: "Stage", window: "Window | None", part: int | None = None) -> None:
        """Note what is begun."""
        self.stage, self.window, self.part = line.table, "" if window is None else str(window), part
        self.started_at, self.since = datetime.now(UTC), time.monotonic()
        metrics.forget_peak()

    def step(self, done: "Step") -> None:
        """Tell and keep one finished step."""
        name = names("products")[0] if done.table == "products" else done.table
        commit = self.lake.last(Place(name, done.place.date, done.place.hour))
        run = self._run(rows=done.rows, fresh=done.fresh, revision=commit.revision if commit else 0)
        self.progress.step(done, run.seconds)
        self._keep(run)

    def held(self, rows: int) -> None:
        """Tell and keep one shard that is held, for its window to be committed with the others."""
        self._keep(self._run(rows=rows, fresh=True, revision=0))

    def __enter__(self) -> Self:
        """Start the bar."""
        self.progress.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the bar; a fault is told with the stage and window it was met in, and kept."""
        self.progress.__exit__(kind, error, trace)
        if error is None or not self.stage:
            return
        if isinstance(error, Exception):
            error.add_note(" ".join(filter(None, ("in", self.stage, self.window and f"of {self.window}"))))
        fault = f"{type(error).__name__}: {error}"
        self._keep(self._run(rows=0, fresh=True, revision=0, fault=fault))

    def _run(self, *, rows: int, fresh: bool, revision: int, fault: str = "") -> Run:
        """Fill in what was measured since `begin`."""
        facts: dict[str, Any] = {
            "scan": self.lake.scan, "scan_date": self.scan_date, "window": self.window, "stage": self.stage,
            "part": self.part, "started_at": self.started_at, "seconds": round(time.monotonic() - self.since, 4),
            "rows": rows, "fresh": fresh, "revision": revision, "workers": self.workers,
            "peak_rss_mb": metrics.peak_rss_mb(), "fault": without_credentials(fault),
        }  # fmt: skip
        return Run(**facts)

    def _keep(self, run: Run) -> None:
        """Write the record and the line of the log."""
        metrics.keep(self.lake, run)
        facts = {name: value for name, value in vars(run).items() if value not in (None, "")}
        log.info("fault" if run.fault else "step", extra={"facts": facts})
