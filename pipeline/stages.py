"""The whole line on one screen: which table each stage makes, from which tables, and on what it runs."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from pipeline.scans import Window

Unit = Literal["scan", "shard", "window", "night"]


@dataclass(frozen=True)
class Stage:
    """A function whose parameters are the tables it reads and whose module is the table it writes."""

    table: str
    """Table it writes, and its module in `pipeline`."""
    verb: str
    """Function in that module."""
    reads: tuple[str, ...]
    """Tables it reads; the names of its parameters."""
    unit: Unit
    """What one call covers: the scan, a shard of cameras in a window, a window, or the night."""
    lookback: int = 0
    """Windows before its own that a window stage also reads; of its own table it reads those alone."""
    asks: tuple[str, ...] = ("settings",)
    """What else it is given: `settings` (its Settings), `scan`, `window`."""
    outlived: tuple[str, ...] = ()
    """Tables whose rows are dropped once this stage has committed for the whole night."""

    def windows(self, name: str, at: int) -> range:
        """Number the windows of one input that a call on window `at` reads."""
        return range(max(0, at - self.lookback), at if name == self.table else at + 1)

    def function(self) -> Any:
        """Import and return the stage's function."""
        return getattr(import_module(f"pipeline.{self.table}"), self.verb)

    def settings(self) -> type:
        """Import and return the stage's Settings."""
        kind: type = import_module(f"pipeline.{self.table}").Settings
        return kind


# fmt: off
STAGES = (
    Stage("cameras",       "survey",  (),                                                       "scan",   asks=("scan",)),
    Stage("roads",         "chart",   (),                                                       "scan",   asks=("scan",)),
    Stage("snapshots",     "fetch",   ("cameras",),                                             "shard",  asks=("scan", "window")),
    Stage("frames",        "inspect", ("cameras", "snapshots"),                                 "shard"),
    Stage("detections",    "detect",  ("frames", "snapshots"),                                  "shard"),
    Stage("embeddings",    "embed",   ("detections", "snapshots"),                              "shard",  outlived=("snapshots",)),
    Stage("sightings",     "track",   ("cameras", "frames", "detections"),                      "shard"),
    Stage("transitions",   "learn",   ("cameras", "roads", "sightings"),                        "night"),
    Stage("observability", "weigh",   ("cameras", "frames", "sightings", "transitions"),        "window", asks=("window", "settings")),
    Stage("links",         "link",    ("sightings", "detections", "embeddings", "transitions", "observability", "links"), "window", lookback=1, asks=("window", "settings"), outlived=("embeddings",)),
    Stage("trajectories",  "chain",   ("cameras", "roads", "sightings", "links", "observability", "transitions"), "night"),
    Stage("products",      "publish", ("cameras", "frames", "sightings", "observability", "links", "trajectories", "transitions"), "night"),
)
# fmt: on
"""In the order they run. Data moves right, never back; links go on from those of the window before."""


def turns(windows: list[Window], *, live: bool) -> list[tuple[Stage, Window]]:
    """Order the stages that run on shards: window by window; a live feed waits for nobody, so all is fetched first."""
    ordered = [(line, window) for window in windows for line in STAGES if line.unit == "shard"]
    return sorted(ordered, key=lambda turn: turn[0].table != "snapshots") if live else ordered


def stage(table: str) -> Stage:
    """Return the stage that writes `table`."""
    return next(each for each in STAGES if each.table == table)
