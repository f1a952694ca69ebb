"""Commit an invented night to a lake, and run the line's own stages on it."""

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline import jobs, lineage
from pipeline.lake import Lake, Place, digest
from pipeline.scans import Window
from pipeline.stages import Stage, stage
from pipeline.synthetic.options import SCAN_DATE, Options
from pipeline.synthetic.seen import Observer
from pipeline.synthetic.seen import Window as Observed
from pipeline.synthetic.traffic import Ints, Passes, Traffic

Say = Callable[[str], None]
MADE = ("frames", "detections", "embeddings", "sightings")
"""Tables that are invented, window by window."""
JUDGED = ("transitions", "observability", "links", "trajectories", "products")
"""Tables that the line's own stages make of them."""


@dataclass
class Truth:
    """Who was where: what every score of the night is held against."""

    passes: list[Passes] = field(default_factory=list)
    """Of each window, in the order of their numbers; one that falls into two windows is in the first."""
    sighting: list[pa.Array] = field(default_factory=list)
    shown: list[Ints] = field(default_factory=list)
    """Of each window, each sighting's id and the number of the pass it shows, -1 for none."""

    def add(self, passes: Passes, seen: Observed) -> None:
        """Note one window."""
        known = np.concatenate([part.number for part in self.passes[-1:]]) if self.passes else passes.number[:0]
        fresh = passes[~np.isin(passes.number, known)]
        self.passes.append(fresh[np.argsort(fresh.number, kind="stable")])
        self.sighting.append(seen.tables["sightings"]["sighting_id"].combine_chunks())
        self.shown.append(seen.shown)


@dataclass
class Night:
    """One invented night in a lake."""

    options: Options
    lake: Lake
    say: Say = lambda _: None
    truth: Truth = field(default_factory=Truth)
    seconds: dict[str, float] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    def make(self) -> None:
        """Invent the night, one window at a time, and commit its tables."""
        begun = time.perf_counter()
        self.scan, self.traffic = self.options.scan(), Traffic(self.options)
        self.windows = self.scan.windows(SCAN_DATE)
        observer = Observer(self.traffic.cameras, self.options, self.windows[0].starts_at)
        self._commit(Place("cameras", SCAN_DATE), self.traffic.cameras.table(self.options.cadence_s))
        self._commit(Place("roads", SCAN_DATE), self.traffic.roads.roads())
        for hour, passes in enumerate(self.traffic.hours(len(self.windows))):
            window = self.windows[hour]
            seen = observer.observe(hour, passes)
            for name in MADE:
                self._commit(Place.of(name, window.hour_at), seen.tables[name])
            self.truth.add(passes, seen)
            self.say(f"invented {window}: {seen.tables['sightings'].num_rows:,} sightings, {self._elapsed(begun)}")
        self.seconds["generate"] = time.perf_counter() - begun

    def judge(self) -> None:
        """Run the stages that know nothing of the truth, in their order."""
        for name in JUDGED:
            line, begun = stage(name), time.perf_counter()
            for window in self.windows if line.unit == "window" else [None]:
                self._work(line, window)
            self.seconds[name] = time.perf_counter() - begun
            rows = sum(count for table, count in self.rows.items() if table.partition("/")[0] == name)
            self.say(f"{name}: {rows:,} rows, {self._elapsed(begun)}, peak {peak_mb():,.0f} MiB")

    def tables(self, name: str) -> pa.Table:
        """Read one table of the whole night."""
        return self.lake.read(self.lake.night(name, SCAN_DATE))

    def _work(self, line: Stage, window: Window | None) -> None:
        """Do one stage in a window, or for the night, and commit what it wrote."""
        reads = {name: self._places(line, name, window) for name in line.reads}
        made_from = self._lineage(line, window, reads)
        place = Place.of(line.table, window.hour_at) if window else Place(line.table, SCAN_DATE)
        job = jobs.Job(line.table, self.scan, self.lake.root, place, 0, window, (), reads, digest(made_from))
        for name, file in jobs.work(job):
            self.lake.commit(jobs.at(place, name), [file], made_from)
            self.rows[name] = self.rows.get(name, 0) + file.rows
        self.lake.release(place)

    def _places(self, line: Stage, name: str, window: Window | None) -> list[Place]:
        """List the places of one input: of the night, of all windows, or of the window and those before it."""
        if stage(name).unit in ("scan", "night"):
            return [Place(name, SCAN_DATE)]
        read = range(len(self.windows)) if window is None else line.windows(name, self.windows.index(window))
        return [Place.of(name, self.windows[each].hour_at) for each in read]

    def _lineage(self, line: Stage, window: Window | None, reads: dict[str, list[Place]]) -> dict[str, Any]:
        """Name what a stage's answer follows from, as `runner` does."""
        inputs = {str(p.folder): c.digest for places in reads.values() for p in places if (c := self.lake.last(p))}
        settings = asdict(self.scan.settings(line.table, line.settings())) if "settings" in line.asks else {}
        told = {name: str(value) for name, value in settings.items()}
        return self._invented() | {
            "window": str(window) if window else None,
            "inputs": inputs,
            "settings": told,
            "code": lineage.code(line.table),
            "libraries": lineage.libraries(),
        }

    def _invented(self) -> dict[str, Any]:
        """Name what an invented table follows from: the options and this room's program texts."""
        return {"scan_date": str(SCAN_DATE), "synthetic": {k: str(v) for k, v in asdict(self.options).items()}}

    def _commit(self, place: Place, rows: pa.Table) -> None:
        """Commit an invented table."""
        made_from = self._invented() | {"window": None, "inputs": {}, "settings": {}}
        self.lake.commit(place, [self.lake.write(place, 0, rows)], made_from)
        self.rows[place.table] = self.rows.get(place.table, 0) + rows.num_rows

    def _elapsed(self, begun: float) -> str:
        """Say how long something took."""
        return f"{time.perf_counter() - begun:.0f} s"


def peak_mb() -> float:
    """Return the most memory this process has held, MiB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)
