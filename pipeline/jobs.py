"""Do one call of one stage: read its tables, run it, check the answer, write it; here or on a worker."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import feeds, quarantine, sentinels
from pipeline.errors import SchemaError
from pipeline.lake import Lake, Place, Written
from pipeline.scans import Scan, Window
from pipeline.stages import stage
from pipeline.tables import TABLES


@dataclass(frozen=True)
class Job:
    """One call of one stage: everything a worker needs, by name, no rows."""

    table: str
    scan: Scan
    root: str
    place: Place
    part: int
    window: Window | None
    cameras: tuple[str, ...]
    """Camera ids of its shard; empty for all."""
    reads: dict[str, list[Place]]
    made_from: str
    """Digest of the lineage that its answer will be committed under."""
    quarantined: tuple[quarantine.Entry, ...] = ()
    """Pictures of its cameras that are not to be read."""
    only: quarantine.Span | None = None
    """Of a probe: the only pictures to be read."""


def work(job: Job) -> Written:
    """Do one job: run it, check the answer, write and hold it; what another run holds already is not done again."""
    lake = Lake(job.root, job.scan.name)
    if (there := lake.held(job.place, job.made_from).get(job.part)) is not None:
        return there
    written = [
        (name, lake.write(at(job.place, name), job.part, sentinels.planted(name, _checked(name, rows), job.part)))
        for name, rows in sorted(_run(job, lake).items())
    ]
    lake.hold(job.place, job.part, job.made_from, written)
    return written


def probe(job: Job) -> None:
    """Do one job and forget the answer: that it ends well is what is asked."""
    _run(job, Lake(job.root, job.scan.name))


def models(job: Job) -> dict[str, str]:
    """Name the networks a job runs, by kind (`detector`, `encoder`)."""
    line = stage(job.table)
    if "snapshots" not in line.reads or "settings" not in line.asks:
        return {}
    settings: Any = job.scan.settings(job.table, line.settings())
    return {kind: getattr(settings, kind) for kind in ("detector", "encoder") if hasattr(settings, kind)}


def is_polled(jobs: list[Job]) -> bool:
    """Tell whether jobs ask a live feed, each slot at its time: then none can wait for another."""
    return bool(jobs) and jobs[0].table == "snapshots" and feeds.load(jobs[0].scan.feed).live


def at(place: Place, table: str) -> Place:
    """Return the same window or night of another table."""
    return Place(table, place.date, place.hour)


def _run(job: Job, lake: Lake) -> dict[str, pa.Table]:
    """Read a job's tables and call its stage."""
    line = stage(job.table)
    tables = {name: _rows(lake, job, name, places) for name, places in job.reads.items()}
    asked: dict[str, Any] = {"scan": job.scan, "window": job.window}
    if "settings" in line.asks:
        asked["settings"] = job.scan.settings(job.table, line.settings())
    answer = line.function()(**tables, **{name: asked[name] for name in line.asks})
    return answer if isinstance(answer, dict) else {job.table: answer}


def _rows(lake: Lake, job: Job, name: str, places: list[Place]) -> pa.Table:
    """Read one input of a job: its own part of a sharded table, else all, cut to its cameras."""
    sharded = bool(job.cameras) and stage(name).unit == "shard"
    rows = lake.read(places, job.part if sharded else None) if places else TABLES[name].empty()
    if job.cameras and not sharded and "camera_id" in rows.column_names:
        rows = rows.filter(pc.field("camera_id").isin(list(job.cameras)))
    return quarantine.blanked(rows, job.quarantined, job.only) if name == "snapshots" else rows


def _checked(name: str, rows: pa.Table) -> pa.Table:
    """Hold rows against their table; a product must state its support."""
    if name in TABLES:
        return TABLES[name].check(rows)
    if "support" not in rows.column_names:
        raise SchemaError(
            f"{name}: no column `support`; make sql/{name}.sql return how many trajectories stand behind a row"
        )
    return rows
