"""Run the line for one night: read, run, check and commit each stage, here or on Dask workers.

What is committed from the same inputs, code, settings and models is left as it is, so a second run does nothing and a
run that was killed goes on where it stopped.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import feeds, lineage, query
from pipeline.errors import FeedError, SchemaError
from pipeline.lake import Commit, File, Lake, Place, digest
from pipeline.scans import Scan, Window
from pipeline.stages import STAGES, Stage, stage
from pipeline.tables import TABLES

log = logging.getLogger("thoroughfare")
PRODUCTS = "products"


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


@dataclass(frozen=True)
class Step:
    """What one stage did in one window or night."""

    table: str
    place: Place
    rows: int
    fresh: bool
    """Whether it had to run; False when the same was committed before."""


Spread = Callable[[list[Job]], Iterable[list[tuple[str, File]]]]
"""Runs jobs and yields, in their order, the files each has written."""


def work(job: Job) -> list[tuple[str, File]]:
    """Run one job: read its tables, call its stage, check the answer, write it. Returns (table, file) pairs."""
    line, lake = stage(job.table), Lake(job.root, job.scan.name)
    tables = {name: _rows(lake, job, name, places) for name, places in job.reads.items()}
    asked = {"scan": job.scan, "window": job.window}
    if "settings" in line.asks:
        asked["settings"] = job.scan.settings(job.table, line.settings())
    answer = line.function()(**tables, **{name: asked[name] for name in line.asks})
    answers = answer if isinstance(answer, dict) else {job.table: answer}
    return [
        (name, lake.write(_at(job.place, name), job.part, _checked(name, rows)))
        for name, rows in sorted(answers.items())
    ]


@contextmanager
def here() -> Iterator[Spread]:
    """Run jobs in this process, one after another."""
    yield lambda jobs: map(work, jobs)


@contextmanager
def dask(workers: int = 0, address: str = "") -> Iterator[Spread]:
    """Run jobs on `workers` local Dask processes of one thread each, or on the scheduler at `address`."""
    from distributed import Client, LocalCluster

    quiet = {"host": "127.0.0.1", "dashboard_address": None, "silence_logs": logging.ERROR}
    alone = {"n_workers": workers, "threads_per_worker": 1, "processes": True}
    if address:
        with Client(address) as client:
            yield lambda jobs: client.gather(client.map(work, jobs, pure=False))
        return
    with LocalCluster(**alone, **quiet, env=dict(ONE_THREAD)) as cluster, Client(cluster) as client:
        yield lambda jobs: client.gather(client.map(work, jobs, pure=False))


ONE_THREAD = {"THOROUGHFARE_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Environment of a Dask worker: one thread, so that two workers share two cores."""


@dataclass
class Night:
    """One scan on one scan date, brought up to date stage by stage."""

    scan: Scan
    scan_date: date
    lake: Lake
    spread: Spread
    report: Callable[[Step], None] = field(default=lambda _: None)

    def run(self) -> list[Step]:
        """Bring every table of the night up to date, in the order of the line, and drop what is outlived."""
        self.lake.sweep()
        steps = [self.ensure(line, None) for line in STAGES if line.unit == "scan"]
        for window in self.windows:
            steps += [self.ensure(line, window) for line in STAGES if line.unit == "shard"]
            self._drop([line for line in STAGES if line.unit == "shard"], [window])
        for line in STAGES:
            if line.unit in ("window", "night"):
                steps += [self.ensure(line, window) for window in (self.windows if line.unit == "window" else [None])]
                self._drop([line], self.windows)
        return steps

    def ensure(self, line: Stage, window: Window | None) -> Step:
        """Bring one stage's table of one window, or of the night, up to date; return what was done."""
        place, made_from = self._place(line, window), self._lineage(line, window)
        last = self._last(line, place)
        if last is not None and last.lineage == made_from:
            step = Step(line.table, place, last.rows, fresh=False)
        else:
            self._revive(line, window)
            step = Step(line.table, place, self._commit(line, window, made_from), fresh=True)
        self.report(step)
        return step

    @cached_property
    def windows(self) -> list[Window]:
        """The night's windows in which the feed plans any observation."""
        feed = feeds.load(self.scan.feed)
        natives = self.lake.read([self._place(stage("cameras"), None)])["native_id"].to_pylist()
        windows = [w for w in self.scan.windows(self.scan_date) if any(feed.slots(self.scan, w, n) for n in natives)]
        if not windows:
            raise FeedError(
                f"scan {self.scan.name}: feed {self.scan.feed} plans no picture on {self.scan_date} "
                f"{self.scan.hours} {self.scan.timezone}; choose another --date, or mend hours in settings.toml"
            )
        return windows

    @cached_property
    def shards(self) -> list[tuple[str, ...]]:
        """Camera ids, some at a time; the same whatever the number of workers."""
        ids = sorted(self.lake.read([self._place(stage("cameras"), None)])["camera_id"].to_pylist())
        step = self.scan.shard_cameras
        return [tuple(ids[start : start + step]) for start in range(0, len(ids), step)]

    @property
    def jobs(self) -> int:
        """How many steps a run has."""
        by_unit = {"scan": 1, "shard": len(self.windows), "window": len(self.windows), "night": 1}
        return sum(by_unit[line.unit] for line in STAGES)

    def _commit(self, line: Stage, window: Window | None, made_from: dict[str, Any]) -> int:
        """Run a stage's jobs and commit what they wrote; returns rows."""
        shards = self.shards if line.unit == "shard" else [()]
        jobs = [self._job(line, window, part, cameras) for part, cameras in enumerate(shards)]
        files: dict[str, list[File]] = {}
        for written in self.spread(jobs):
            for name, file in written:
                files.setdefault(name, []).append(file)
        place = self._place(line, window)
        return sum(self.lake.commit(_at(place, name), parts, made_from).rows for name, parts in sorted(files.items()))

    def _job(self, line: Stage, window: Window | None, part: int, cameras: tuple[str, ...]) -> Job:
        """Name everything one call of a stage needs."""
        reads = {name: self._reads(line, name, window) for name in line.reads}
        return Job(line.table, self.scan, str(self.lake.root), self._place(line, window), part, window, cameras, reads)

    def _reads(self, line: Stage, name: str, window: Window | None) -> list[Place]:
        """List the places of one input: of the night, of all windows, or of the window and those before it."""
        source = stage(name)
        if source.unit in ("scan", "night"):
            return [self._place(source, None)]
        if window is None:
            return [self._place(source, each) for each in self.windows]
        at = self.windows.index(window)
        before = line.lookback if source.unit == "shard" else 0
        return [self._place(source, each) for each in self.windows[max(0, at - before) : at + 1]]

    def _revive(self, line: Stage, window: Window | None) -> None:
        """Make again the dropped tables a stage is about to read."""
        for name in line.reads:
            for place in self._reads(line, name, window):
                if self.lake.dropped(place):
                    source = stage(name)
                    again = next((each for each in self.windows if self._place(source, each) == place), None)
                    self._revive(source, again)
                    self._commit(source, again, self._lineage(source, again))

    def _drop(self, lines: list[Stage], windows: list[Window]) -> None:
        """Drop the tables that no stage to come will read."""
        for line in lines:
            for name in line.outlived:
                for window in windows:
                    self.lake.drop(self._place(stage(name), window), because=f"{line.table} committed")

    def _lineage(self, line: Stage, window: Window | None) -> dict[str, Any]:
        """Name everything the stage's answer follows from; equal lineage, equal bytes."""
        places = {str(p.folder): p for name in line.reads for p in self._reads(line, name, window)}
        inputs = {folder: commit.digest for folder, place in places.items() if (commit := self.lake.last(place))}
        settings = asdict(self.scan.settings(line.table, line.settings())) if "settings" in line.asks else {}
        feed = "scan" in line.asks
        return {
            "scan_date": str(self.scan_date),
            "window": str(window) if window else None,
            "inputs": inputs,
            "settings": {name: str(value) for name, value in settings.items()},
            "scan": lineage.stated(self.scan) if feed else {},
            "feed": feeds.load(self.scan.feed).fingerprint(self.scan, window) if feed else "",
            # pictures follow from the feed alone: newer code must not ask again for what is gone
            "code": "" if line.table == "snapshots" else lineage.code(line.table),
            "plugs": [
                lineage.shelf(f"{kind}s", settings[kind]) for kind in ("detector", "encoder") if kind in settings
            ],
            "libraries": lineage.libraries(),
        }

    def _place(self, line: Stage, window: Window | None) -> Place:
        """Where the stage's table lies."""
        if line.unit in ("scan", "night"):
            return Place(line.table, self.scan_date)
        assert window is not None
        return Place(line.table, window.hour_at.date(), window.hour_at.hour)

    def _last(self, line: Stage, place: Place) -> Commit | None:
        """Return the stage's newest commit; for products, that of any product when all are there."""
        commits = [
            self.lake.last(_at(place, name))
            for name in (query.names(PRODUCTS) if line.table == PRODUCTS else [line.table])
        ]
        return commits[0] if commits and all(commits) and len({digest(c.lineage) for c in commits if c}) == 1 else None


def _rows(lake: Lake, job: Job, name: str, places: list[Place]) -> pa.Table:
    """Read one input of a job: its own part of a sharded table, else all, cut to its cameras."""
    sharded = bool(job.cameras) and stage(name).unit == "shard"
    rows = lake.read(places, job.part if sharded else None)
    if job.cameras and not sharded and "camera_id" in rows.column_names:
        rows = rows.filter(pc.field("camera_id").isin(list(job.cameras)))
    return rows


def _checked(name: str, rows: pa.Table) -> pa.Table:
    """Hold rows against their table; a product must state its support."""
    if name in TABLES:
        return TABLES[name].check(rows)
    if "support" not in rows.column_names:
        raise SchemaError(
            f"{name}: no column `support`; make sql/{name}.sql return how many trajectories stand behind a row"
        )
    return rows


def _at(place: Place, table: str) -> Place:
    """Return the same window or night of another table."""
    return Place(table, place.date, place.hour)
