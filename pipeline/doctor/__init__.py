"""Examine what a night stands on: this machine, Dask, the clock, the feed, the lake; each part within seconds."""

import threading
import time
from collections.abc import Callable, Iterator

from pipeline.doctor import machine, surroundings
from pipeline.doctor.findings import LIMIT_S, Finding, Subject
from pipeline.errors import PipelineError

__all__ = ["Finding", "Subject", "examine"]
CHECKS: dict[str, Callable[[Subject], Iterator[Finding]]] = {
    "software": machine.software, "models": machine.models, "tensorflow": machine.tensorflow, "decoder": machine.decoding, "dask": machine.dask,
    "scheduler": machine.scheduler, "room": surroundings.room, "clock": surroundings.clock, "timezone": surroundings.timezone,
    "feed": surroundings.feed, "lake": surroundings.lake, "extras": machine.extras,
}  # fmt: skip


def examine(subject: Subject, told: Callable[[str], None] = lambda _: None) -> list[Finding]:
    """Run every check at once, none longer than 20 s; `told` hears each part's name when it is done."""
    checks = [_Check(name, check, subject) for name, check in CHECKS.items()]
    for each in checks:
        each.start()
    found = []
    for each in checks:
        found += each.findings()
        told(each.name)
    return found


class _Check(threading.Thread):
    """One check in a thread that is left behind where it does not answer."""

    def __init__(self, name: str, check: "Callable[[Subject], Iterator[Finding]]", subject: Subject) -> None:
        super().__init__(name=name, daemon=True)
        self.check, self.subject = check, subject
        self.found: list[Finding] = []
        self.since = time.monotonic()

    def run(self) -> None:
        """Gather the findings; whatever goes wrong is one."""
        try:
            for each in self.check(self.subject):
                self.found.append(each)
        except PipelineError as error:
            self.found.append(Finding(self.name, "missing", str(error)))
        except Exception as error:  # noqa: BLE001  # a broken part of the machine may raise anything
            self.found.append(
                Finding(self.name, "missing", f"{type(error).__name__}: {error}", "mend it and ask again")
            )

    def findings(self) -> list[Finding]:
        """Wait for the answers, no longer than the limit since the start."""
        self.join(max(0.0, LIMIT_S - (time.monotonic() - self.since)))
        late = Finding(
            self.name, "warning", f"no answer within {LIMIT_S:.0f} s", "ask again when the machine is less busy"
        )
        return [*self.found, late] if self.is_alive() else self.found
