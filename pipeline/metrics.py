"""Keep a small record of every step of a run, and tell them as rows or in Prometheus' text form.

`<lake>/<scan>/.runs/<scan_date>/` holds one JSON file a step. They hold a clock and no host's name; no commit names
them and no proof reads them, so two lakes are equal whatever their records say.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.console import without_credentials
from pipeline.lake import Lake

log = logging.getLogger("thoroughfare")
RUNS = ".runs"
LIVES = timedelta(days=90)
"""Records older than this go with the next `thoroughfare expire`."""
SCHEMA = pa.schema(
    [
        ("scan", pa.string()),
        ("scan_date", pa.date32()),
        ("window", pa.string()),
        ("stage", pa.string()),
        ("part", pa.int32()),
        ("started_at", pa.timestamp("us", tz="UTC")),
        ("seconds", pa.float64()),
        ("rows", pa.int64()),
        ("fresh", pa.bool_()),
        ("revision", pa.int32()),
        ("workers", pa.int32()),
        ("peak_rss_mb", pa.int32()),
        ("fault", pa.string()),
    ]
)
"""The table `runs` that SQL may ask: one row a step."""


@dataclass(frozen=True)
class Run:
    """One stage in one window or night, looked at once."""

    scan: str
    """Section of the settings."""
    scan_date: date
    """Local date on which the night begins."""
    window: str
    """UTC hour as the lake names it; empty for the night."""
    stage: str
    """Table it makes."""
    part: int | None
    """Shard, where only one was done."""
    started_at: datetime
    """When it began, UTC."""
    seconds: float
    """How long it took."""
    rows: int
    """Rows that it left."""
    fresh: bool
    """Whether it had to run."""
    revision: int
    """Of its commit; 0 where there is none."""
    workers: int | None
    """Local Dask workers, 0 for none; None on a scheduler's workers, whose number is its own affair."""
    peak_rss_mb: int
    """Most memory held at once during the step, by this process and the local workers; 0 where it cannot be told."""
    fault: str
    """Why it did not finish; empty where it did."""


def keep(lake: Lake, run: Run) -> None:
    """Write one record; a record that cannot be written never stops a run."""
    name = f"{run.started_at:%Y%m%dT%H%M%S%f}-{run.stage}-{run.window or 'night'}"
    part = "" if run.part is None else f"-{run.part:04d}"
    facts = asdict(run) | {"started_at": run.started_at.isoformat(), "fault": without_credentials(run.fault)}
    try:
        lake.storage.put(f"{_folder(run.scan_date)}/{name}{part}.json", json.dumps(facts, default=str).encode() + b"\n")
    except Exception as error:  # noqa: BLE001  # whatever a storage raises: the step itself is what counts
        log.warning("%s: no run record kept of %s (%s)", lake, run.stage, error)


def read(lake: Lake, scan_date: date | None = None) -> list[Run]:
    """Return the records of a night, or of all, oldest first."""
    return sorted(_records(lake, _folder(scan_date)), key=lambda run: run.started_at)


def nights(lake: Lake) -> list[date]:
    """List the nights with records, oldest first."""
    return sorted({date.fromisoformat(Path(key).parent.name) for key in lake.storage.keys(RUNS)})


def table(runs: list[Run]) -> pa.Table:
    """Return records as rows of `runs`."""
    return pa.Table.from_pylist([asdict(run) for run in runs], schema=SCHEMA)


def summary(runs: list[Run]) -> list[dict[str, Any]]:
    """Add up the records by night and stage, in the order in which stages began."""
    found: dict[tuple[date, str], list[Run]] = {}
    for run in runs:
        found.setdefault((run.scan_date, run.stage), []).append(run)
    return [
        {
            "scan_date": on,
            "stage": stage,
            "steps": len(those),
            "fresh": sum(run.fresh and not run.fault for run in those),
            "faults": sum(bool(run.fault) for run in those),
            "seconds": round(sum(run.seconds for run in those if run.fresh), 3),
            "rows": sum(run.rows for run in latest(those).values()),
            "peak_rss_mb": max(run.peak_rss_mb for run in those),
        }
        for (on, stage), those in sorted(found.items(), key=lambda item: item[0][0])
    ]


def latest(runs: list[Run]) -> dict[tuple[str, str, int | None], Run]:
    """Return the last finished record of each stage, window and part."""
    return {(run.stage, run.window, run.part): run for run in runs if not run.fault and run.part is None}


def mends(run: Run, fault: Run) -> bool:
    """Tell whether a step finished what an earlier one did not."""
    later = run.started_at > fault.started_at
    return later and not run.fault and (run.stage, run.window) == (fault.stage, fault.window)


def prometheus(runs: list[Run]) -> str:
    """Tell one night in Prometheus' text form: gauges by stage, no label that grows with time but the night's date."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry, gauges = CollectorRegistry(), {}
    for name, words in GAUGES.items():
        labels = ["scan", "scan_date"] if name.startswith("night") else ["scan", "stage"]
        gauges[name] = Gauge(f"thoroughfare_{name}", words, labels, registry=registry)
    for row in summary(runs):
        of_stage = {"scan": runs[0].scan, "stage": row["stage"]}
        for name in ("seconds", "rows", "steps"):
            gauges[f"stage_{name}"].labels(**of_stage).set(row[name])
        faults = [run for run in runs if run.fault and run.stage == row["stage"]]
        unfinished = {fault.window for fault in faults if not any(mends(run, fault) for run in runs)}
        gauges["stage_unfinished"].labels(**of_stage).set(len(unfinished))
        gauges["stage_peak_rss_bytes"].labels(**of_stage).set(row["peak_rss_mb"] * 2**20)
    if runs:
        of_night = {"scan": runs[0].scan, "scan_date": str(runs[0].scan_date)}
        gauges["night_started_timestamp_seconds"].labels(**of_night).set(runs[0].started_at.timestamp())
        ended = max(run.started_at + timedelta(seconds=run.seconds) for run in runs)
        gauges["night_last_step_timestamp_seconds"].labels(**of_night).set(ended.timestamp())
    return generate_latest(registry).decode()


GAUGES = {
    "stage_seconds": "Seconds that the night's steps of a stage took, those that had to run.",
    "stage_rows": "Rows of a stage's table of the night, by its last finished steps.",
    "stage_steps": "Steps of a stage, those included that found nothing to do.",
    "stage_unfinished": "Windows of a stage that met a fault and have not been finished since.",
    "stage_peak_rss_bytes": "Most memory held at once during a step of a stage, by the process and its local workers.",
    "night_started_timestamp_seconds": "When the first step of the night began.",
    "night_last_step_timestamp_seconds": "When the last step of the night ended.",
}


def expire(lake: Lake, now: datetime) -> int:
    """Delete the records past their days; returns how many went."""
    old = [key for key in lake.storage.keys(RUNS) if now - _made_at(key) > LIVES]
    return sum(lake.storage.delete(key) for key in old)


def forget_peak() -> None:
    """Let the peak of memory count from now on, where the kernel allows it."""
    for process in _family("self"):
        with suppress(OSError):
            (process / "clear_refs").write_text("5")


def peak_rss_mb() -> int:
    """Return the most memory that this process and its children have held, each since `forget_peak`, in MiB."""
    found = 0
    for process in _family("self"):
        with suppress(OSError, ValueError, IndexError):
            found += int((process / "status").read_text().split("VmHWM:")[1].split()[0])
    return found // 1024


def _records(lake: Lake, below: str) -> Iterator[Run]:
    """Read what can be read; a record that a crash or a person spoilt is passed over."""
    for key in lake.storage.keys(below):
        with suppress(FileNotFoundError, ValueError, KeyError, TypeError):
            facts = json.loads(lake.storage.get(key))
            times = {
                "scan_date": date.fromisoformat(facts["scan_date"]),
                "started_at": datetime.fromisoformat(facts["started_at"]),
            }
            yield Run(**{each.name: facts[each.name] for each in fields(Run)} | times)


def _folder(scan_date: date | None) -> str:
    """Name the folder of a night's records, or of all."""
    return RUNS if scan_date is None else f"{RUNS}/{scan_date}"


def _made_at(key: str) -> datetime:
    """Read a record's time off its name; one without counts as of now."""
    try:
        return datetime.strptime(Path(key).name.split("-")[0], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)


def _family(process: str) -> Iterator[Path]:
    """Yield a process and all it has started, as folders of /proc; nothing where there is none."""
    folder = Path("/proc") / process
    yield folder
    for listed in folder.glob("task/*/children"):
        with suppress(OSError):
            for child in listed.read_text().split():
                yield from _family(child)
