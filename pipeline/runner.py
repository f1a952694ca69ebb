"""Run the line for one night: read, run, check and commit each stage, here or on Dask workers.

What is committed from the same inputs, code, settings and models is left as it is, so a second run does nothing and a
run that was killed goes on where it stopped.
"""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline import feeds, holdover, lineage, quarantine, query
from pipeline.clusters import Lost, LostWorkersError, Spread, poison, together
from pipeline.errors import FeedError, IntegrityError, WindowNotFoundError
from pipeline.jobs import Job, at, is_polled, work
from pipeline.lake import Commit, File, Lake, Place, Written, digest
from pipeline.scans import Scan, Window
from pipeline.stages import STAGES, Stage, stage, turns

log = logging.getLogger("thoroughfare")
PRODUCTS = "products"


@dataclass(frozen=True)
class Step:
    """What one stage did in one window or night."""

    table: str
    place: Place
    rows: int
    fresh: bool
    """Whether it had to run; False when the same was committed before."""


@dataclass(frozen=True)
class Standing:
    """How far one stage is in one window or night."""

    place: Place
    commit: Commit | None
    current: bool
    """Whether `commit` follows from what would be read now; a run would leave it as it is."""
    held: int
    """Shards of a commit to come that are written."""
    shards: int


@dataclass
class Night:
    """One scan on one scan date, brought up to date stage by stage."""

    scan: Scan
    scan_date: date
    lake: Lake
    spread: Spread
    report: Callable[[Step], None] = field(default=lambda _: None)
    begin: Callable[[Stage, Window | None], None] = field(default=lambda *_: None)
    """Told each stage and window before it is looked at, so that a fault can name them."""

    def run(self) -> list[Step]:
        """Bring every table of the night up to date, in the order of the line, and drop what is outlived."""
        self.lake.sweep()
        steps = [self.ensure(line, None) for line in STAGES if line.unit == "scan"]
        live = feeds.load(self.scan.feed).live
        steps += [self.ensure(line, window) for line, window in turns(self.windows, live=live)]
        for line in STAGES:
            if line.unit in ("window", "night"):
                steps += [self.ensure(line, window) for window in (self.windows if line.unit == "window" else [None])]
        return steps

    def ensure(self, line: Stage, window: Window | None) -> Step:
        """Bring one stage's table of one window, or of the night, up to date; return what was done."""
        self.begin(line, window)
        step = self._brought(line, window)
        self._drop_outlived(line, window)
        self.report(step)
        return step

    def hold(self, line: Stage, window: Window, part: int) -> int:
        """Do one shard of a stage and hold it, for `ensure` to commit with the others; returns rows."""
        self.begin(line, window)
        standing = self.standing(line, window)
        if standing.current and standing.commit:
            return sum(file.rows for file in standing.commit.parts if file.part == part)
        self._revive(line, window)
        made_from = self._lineage(line, window)
        there = self.lake.held(standing.place, digest(made_from))
        try:
            written = there[part] if part in there else self._worked([self._job(line, window, part, made_from)])[0]
        except LostWorkersError as lost:
            if self._spared(lost, line, window):
                return self.hold(line, window, part)
            raise
        return sum(file.rows for _, file in written)

    def standing(self, line: Stage, window: Window | None) -> Standing:
        """Tell how far a stage is in a window or the night; changes nothing."""
        place, made_from = self._place(line, window), self._lineage(line, window)
        last = self._last(line, place)
        current = last is not None and (holdover.without(last.lineage) == made_from or self._past(line, window))
        shards = len(self.shards) if line.unit == "shard" else 1
        return Standing(place, last, current, len(self.lake.held(place, digest(made_from))), shards)

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

    def _brought(self, line: Stage, window: Window | None) -> Step:
        """Leave a stage's table as it stands, or make it."""
        standing = self.standing(line, window)
        if standing.current and standing.commit:
            self.lake.release(standing.place)
            return Step(line.table, standing.place, standing.commit.rows, fresh=False)
        return self._made(line, window)

    def _made(self, line: Stage, window: Window | None) -> Step:
        """Run and commit a stage; where another run of the same night was faster, take what it committed."""
        try:
            self._revive(line, window)
            return Step(line.table, self._place(line, window), self._commit(line, window), fresh=True)
        except LostWorkersError as lost:
            if self._spared(lost, line, window):
                return self._brought(line, window)
            # no picture is to blame: the workers died of something else, once more may do
            return Step(line.table, self._place(line, window), self._commit(line, window), fresh=True)
        except FeedError as error:
            kept = holdover.place(self.lake, self.scan, self.scan_date) if line.table == "cameras" else None
            if kept is None:
                raise
            log.warning("%s; the cameras of %s stand in for those of %s", error, kept.date, self.scan_date)
            return self._held_over(line, kept)
        except (WindowNotFoundError, IntegrityError):
            # another run has dropped what this one was reading, which it does only after it has committed
            if not self.standing(line, window).current:
                raise
            return self._brought(line, window)

    def _held_over(self, line: Stage, kept: Place) -> Step:
        """Commit the cameras of an earlier night as this one's."""
        place, made_from = self._place(line, None), self._lineage(line, None) | {holdover.KEY: str(kept.date)}
        file = self.lake.write(place, 0, self.lake.read([kept]))
        return Step(line.table, place, self.lake.commit(place, [file], made_from).rows, fresh=True)

    def _commit(self, line: Stage, window: Window | None) -> int:
        """Run a stage's jobs that are not held, and commit what all wrote; returns rows."""
        place, made_from = self._place(line, window), self._lineage(line, window)
        done = self.lake.held(place, digest(made_from))
        parts = range(len(self.shards)) if line.unit == "shard" else range(1)
        jobs = [self._job(line, window, part, made_from) for part in parts if part not in done]
        tables = _by_table([*done.values(), *self._worked(jobs)])
        rows = sum(self.lake.commit(at(place, name), files, made_from).rows for name, files in tables)
        self.lake.release(place)
        return rows

    def _worked(self, jobs: list[Job]) -> list[Written]:
        """Spread jobs; raise LostWorkersError where any killed its workers, after the others are done and held."""
        answers = list((together if is_polled(jobs) else self.spread)(work, jobs))
        if lost := [job for job, answer in zip(jobs, answers, strict=True) if isinstance(answer, Lost)]:
            raise LostWorkersError(lost)
        return answers

    def _spared(self, lost: LostWorkersError, line: Stage, window: Window | None) -> bool:
        """Write the pictures that killed workers into the ledger and do without them; False where none did."""
        found = [(job.place, each) for job in lost.jobs for each in poison.find(self.lake, job, self.spread)]
        for place, entry in found:
            log.warning("%s %s: %s", entry.camera_id, entry.slot_at.isoformat(), entry.reason)
            quarantine.add(self.lake, place, entry)
        for earlier in STAGES[: STAGES.index(line)] if found else ():
            if "snapshots" in earlier.reads:
                self._brought(earlier, window)
        return bool(found)

    def _job(self, line: Stage, window: Window | None, part: int, made_from: dict[str, Any]) -> Job:
        """Name everything one call of a stage needs."""
        reads = {name: self._reads(line, name, window) for name in line.reads}
        cameras = self.shards[part] if line.unit == "shard" else ()
        place, root = self._place(line, window), self.lake.root
        root = root if "://" in root else str(Path(root).resolve())  # a worker may have another working folder
        spared = tuple(each for each in self._ledger(line, window) if each.camera_id in cameras)
        return Job(line.table, self.scan, root, place, part, window, cameras, reads, digest(made_from), spared)

    def _ledger(self, line: Stage, window: Window | None) -> tuple[quarantine.Entry, ...]:
        """Read the pictures that a stage must leave alone; none where it reads no pictures."""
        return quarantine.read(self.lake, self._place(line, window)) if "snapshots" in line.reads else ()

    def _reads(self, line: Stage, name: str, window: Window | None) -> list[Place]:
        """List the places of one input: of the night, of all windows, or of the window and those before it."""
        source = stage(name)
        if source.unit in ("scan", "night"):
            return [self._place(source, None)]
        if window is None:
            return [self._place(source, each) for each in self.windows]
        return [self._place(source, self.windows[each]) for each in line.windows(name, self.windows.index(window))]

    def _revive(self, line: Stage, window: Window | None) -> None:
        """Make again the dropped tables a stage is about to read."""
        for name in line.reads:
            for place in self._reads(line, name, window):
                if self.lake.dropped(place):
                    source = stage(name)
                    if source.table == "snapshots" and feeds.load(self.scan.feed).live:
                        where = f"{self.lake}/{place.folder}"
                        raise WindowNotFoundError(f"{where}: dropped, and a live feed never shows them again; leave it")
                    again = next((each for each in self.windows if self._place(source, each) == place), None)
                    self._revive(source, again)
                    self._commit(source, again)
                    self._drop_outlived(source, again)

    def _past(self, line: Stage, window: Window | None) -> bool:
        """Tell whether a stage would need pictures that a live feed never shows again: what it made of them stays."""
        if not feeds.load(self.scan.feed).live:
            return False
        return line.table == "snapshots" or any(
            self.lake.dropped(place) and stage(name).table in ("snapshots", "embeddings")
            for name in line.reads
            for place in self._reads(line, name, window)
        )

    def _drop_outlived(self, line: Stage, window: Window | None) -> None:
        """Drop the tables that no stage to come will read: of a shard stage's window, else once all windows are made."""
        windows = [window] if line.unit == "shard" and window else self.windows if line.outlived else []
        places = [self._place(stage(name), each) for name in line.outlived for each in windows]
        standing = [place for place in places if self.lake.stands(place)]
        if standing and all(self.standing(line, each).current for each in windows):
            for place in standing:
                self.lake.drop(place, because=f"{line.table} committed")

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
            "quarantine": [each.to_bytes().decode().strip() for each in self._ledger(line, window)],
            "settings": {name: str(value) for name, value in settings.items()},
            "scan": lineage.stated(self.scan) if feed else {},
            "feed": feeds.load(self.scan.feed).fingerprint(self.scan, window) if feed else "",
            # pictures follow from the feed alone: newer code must not ask again for what is gone
            "code": "" if line.table == "snapshots" else lineage.code(line.table),
            "plugs": [
                lineage.shelf(f"{kind}s", settings[kind]) for kind in ("detector", "encoder") if kind in settings
            ],
            # of those who do the work: a client of Dask's workers may have no TensorFlow
            "libraries": getattr(self.spread, "libraries", None) or lineage.libraries(),
        }

    def _place(self, line: Stage, window: Window | None) -> Place:
        """Where the stage's table lies."""
        if line.unit in ("scan", "night"):
            return Place(line.table, self.scan_date)
        assert window is not None
        return Place.of(line.table, window.hour_at)

    def _last(self, line: Stage, place: Place) -> Commit | None:
        """Return the stage's newest commit; for products, that of any product when all are there."""
        commits = [
            self.lake.last(at(place, name))
            for name in (query.names(PRODUCTS) if line.table == PRODUCTS else [line.table])
        ]
        return commits[0] if commits and all(commits) and len({digest(c.lineage) for c in commits if c}) == 1 else None


def _by_table(written: list[Written]) -> list[tuple[str, list[File]]]:
    """Gather the files of all parts by table."""
    files: dict[str, list[File]] = {}
    for part in written:
        for name, file in part:
            files.setdefault(name, []).append(file)
    return sorted(files.items())
