"""Tell how a night stands, or every night of a lake on one line: from commit records, held shards and run records.

It changes nothing, so it may be asked while a run goes on, and reads lakes wherever they lie.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pipeline import metrics, upkeep
from pipeline.errors import FeedError, WindowNotFoundError
from pipeline.lake import Commit, Lake, Place
from pipeline.metrics import Run
from pipeline.query import names
from pipeline.runner import Night, Standing
from pipeline.scans import Scan, Window
from pipeline.stages import STAGES, Stage

NIGHT = "night"
"""Column of what is made once a night."""


@dataclass(frozen=True)
class Cell:
    """One stage in one window or night."""

    state: str
    """`done`, `dropped` (its rows had lived their time), `2/4` shards held, `stale` (would be made again), `absent`."""
    rows: int = 0
    revision: int = 0
    size_bytes: int = 0
    """What lies in the lake, of all revisions."""
    seconds: float | None = None
    """Of the step that last made it, where a run record tells."""


@dataclass(frozen=True)
class Glance:
    """One night of one scan."""

    scan: str
    scan_date: date
    state: str
    """`none` never begun, `failed` begun and not finished, `completed`."""
    columns: list[str]
    """`night`, then its windows."""
    cells: dict[str, dict[str, Cell]]
    """By stage, then by column."""
    frames: dict[str, int]
    """Planned observations by their one state; empty where none stand yet, or they have expired."""
    supports: list[dict[str, Any]] = field(default_factory=list)
    """How many cameras and pairs support what, and why no more: `kind`, `verdict`, `cause`, `count`, `p`."""
    notes: list[str] = field(default_factory=list)
    """What could not be told, and why."""
    last_fault: Run | None = None
    """The newest step that did not finish."""
    finished_since: bool = False
    """Whether that step has finished since."""

    @property
    def size_bytes(self) -> int:
        """What the night takes in the lake."""
        return sum(cell.size_bytes for cells in self.cells.values() for cell in cells.values())

    @property
    def finished(self) -> bool:
        """Tell whether a run would leave everything as it is."""
        cells = [cell for cells in self.cells.values() for cell in cells.values()]
        return self.state == "completed" and all(cell.state in ("done", "dropped") for cell in cells)


def glance(lake: Lake, scan: Scan, scan_date: date) -> Glance:
    """Look at one night: every stage in every window."""
    runs = metrics.read(lake, scan_date)
    night, notes = Night(scan, scan_date, lake, map), []
    windows, why = _windows(night)
    notes += why
    cells: dict[str, dict[str, Cell]] = {}
    for line in STAGES:
        places = {str(window): window for window in windows} if line.unit in ("shard", "window") else {NIGHT: None}
        cells[line.table] = {name: _cell(night, line, window, runs) for name, window in places.items()}
    last = next((run for run in reversed(runs) if run.fault), None)
    columns, state = [NIGHT, *map(str, windows)], upkeep.state(lake, scan_date)
    since = last is not None and any(metrics.mends(run, last) for run in runs)
    return Glance(
        scan.name,
        scan_date,
        state,
        columns,
        cells,
        _frames(lake, windows),
        _supports(lake, windows),
        notes,
        last,
        since,
    )


def nights(lake: Lake) -> list[dict[str, Any]]:
    """Tell every night of a lake in one row, oldest first, from records alone."""
    found: dict[str, Tally] = {}
    for place in lake.places():
        commits = lake.commits(place)
        last = max(commits, key=lambda commit: commit.revision)
        found.setdefault(last.lineage["scan_date"], Tally()).add(place, last, _lying(lake, place, commits))
    return [_line(lake, date.fromisoformat(on), tally) for on, tally in sorted(found.items())]


@dataclass
class Tally:
    """What is committed of one night."""

    rows: Counter[str] = field(default_factory=Counter)
    windows: Counter[str] = field(default_factory=Counter)
    size_bytes: int = 0

    def add(self, place: Place, last: Commit, size_bytes: int) -> None:
        """Count one place."""
        self.rows[place.table] += last.rows
        self.windows[place.table] += 1
        self.size_bytes += size_bytes


def _line(lake: Lake, on: date, tally: Tally) -> dict[str, Any]:
    """Tell one night in one row."""
    runs = metrics.read(lake, on)
    counted = {table: tally.rows[table] for table in ("frames", "trajectories")}
    return {
        "scan_date": on,
        "state": upkeep.state(lake, on),
        "windows": f"{tally.windows['sightings']}/{tally.windows['snapshots']}",
        **counted,
        "minutes": round(sum(run.seconds for run in runs if run.fresh) / 60, 2) if runs else None,
        "mb": round(tally.size_bytes / 1e6, 2),
        "faults": sum(bool(run.fault) for run in runs),
    }


def _windows(night: Night) -> tuple[list[Window], list[str]]:
    """List the night's windows; those with a commit where the feed cannot be asked."""
    try:
        return night.windows, []
    except WindowNotFoundError:
        return [], ["no cameras yet: the night was never begun"]
    except FeedError as error:
        there = [
            window
            for window in night.scan.windows(night.scan_date)
            if night.lake.last(Place.of("snapshots", window.hour_at))
        ]
        return there, [f"stale or not cannot be told: {error}"]


def _cell(night: Night, line: Stage, window: Window | None, runs: list[Run]) -> Cell:
    """Look at one stage in one window or the night."""
    stands = _standing(night, line, window)
    commit, lake = stands.commit, night.lake
    if commit is None:
        return Cell(f"{stands.held}/{stands.shards}" if stands.held else "absent")
    places = [stands.place] if line.table != "products" else _places(lake, line, night.scan_date)
    size = sum(_lying(lake, place, lake.commits(place)) for place in places)
    state = "done" if stands.current else f"{stands.held}/{stands.shards}" if stands.held else "stale"
    if state == "done" and lake.dropped(stands.place):
        state = "dropped"
    name = "" if window is None else str(window)
    made = [run for run in runs if (run.stage, run.window) == (line.table, name) and run.fresh and not run.fault]
    return Cell(state, _rows(lake, places), commit.revision, size, sum(run.seconds for run in _last(made)) or None)


def _standing(night: Night, line: Stage, window: Window | None) -> Standing:
    """Ask the runner; where the feed cannot be asked, what is committed counts as current."""
    try:
        return night.standing(line, window)
    except (FeedError, WindowNotFoundError):
        on = night.scan_date
        place = Place(line.table, on) if window is None else Place.of(line.table, window.hour_at)
        known = Place(names("products")[0], on) if line.table == "products" else place
        return Standing(place, night.lake.last(known), current=True, held=0, shards=1)


def _places(lake: Lake, line: Stage, on: date) -> list[Place]:
    """List the committed places of a stage's tables of a night."""
    tables = names("products") if line.table == "products" else [line.table]
    return [place for table in tables for place in lake.night(table, on)]


def _rows(lake: Lake, places: list[Place]) -> int:
    """Count the rows of the newest commits of some places."""
    return sum(commit.rows for place in places if (commit := lake.last(place)))


def _last(made: list[Run]) -> list[Run]:
    """Return the last commit's record and those of the shards held before it."""
    whole = [run for run in made if run.part is None]
    before = whole[-2].started_at if len(whole) > 1 else None
    return [run for run in made if before is None or run.started_at > before]


def _lying(lake: Lake, place: Place, commits: list[Commit]) -> int:
    """Return the bytes of a place's files that are not dropped."""
    files = {f.name: f.size_bytes for each in commits if not lake.dropped(place, each) for f in each.files}
    return sum(files.values())


def _frames(lake: Lake, windows: list[Window]) -> dict[str, int]:
    """Count the night's observations by state; nothing where they have expired."""
    found: Counter[str] = Counter()
    for window in windows:
        place = Place.of("frames", window.hour_at)
        if lake.last(place) and not lake.dropped(place):
            found.update(lake.read([place])["state"].to_pylist())
    return dict(found.most_common())


def _supports(lake: Lake, windows: list[Window]) -> list[dict[str, Any]]:
    """Count cameras and pairs by verdict and cause, each by its most usual hour."""
    places = [Place.of("observability", window.hour_at) for window in windows]
    there = [place for place in places if lake.last(place) and not lake.dropped(place)]
    if not there:
        return []
    from pipeline.report.chapters import coverage  # its room draws maps, which takes a second to load

    return coverage.causes(coverage.usual(lake.read(there)))
