"""Say what a check may be asked and what it answers."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from pipeline.lake import Lake
from pipeline.scans import Scan

LIMIT_S = 20.0
"""Longest that one part is waited for."""
State = Literal["ok", "optional", "warning", "missing"]


@dataclass(frozen=True)
class Finding:
    """What was found of one part."""

    part: str
    state: State
    """`missing`: a night cannot run; `warning`: it can, and something will hurt; `optional`: not needed for a night."""
    note: str
    mend: str = ""
    """What to do about it."""


@dataclass(frozen=True)
class Subject:
    """What is examined besides the machine itself."""

    scan: Scan | None = None
    lake: Lake | None = None
    scheduler: str = ""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


def installed(package: str) -> str:
    """Return a package's version, empty where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def present(part: str, there: str, mend: str, otherwise: State = "missing", note: str = "not installed") -> Finding:
    """Return `ok` with what is there, else what its absence means."""
    return Finding(part, "ok", there) if there else Finding(part, otherwise, note, mend)
