"""Write the page of settings: every key of `settings.toml` and every variable of the environment, with its default and meaning."""

import inspect
import re
from dataclasses import dataclass, fields, replace
from importlib import import_module

from pipeline import bursts, feeds, networks, scans
from pipeline.dictionary import sources
from pipeline.dictionary.tables import cell
from pipeline.feeds import _asking
from pipeline.feeds.archive import clips
from pipeline.fetcher import rules
from pipeline.plans import choice
from pipeline.stages import STAGES

HEAD = """# Settings

A scan is a section of `settings.toml`, `[scan.<name>]`; a stage's settings stand in `[scan.<name>.<stage>]`. What is not set has the default below.
A key of a stage that the scan has too (`timezone`, `k`, `cadence_s`) is taken from the scan where the stage does not say otherwise. A commit names the
settings it was made with; a change makes a new revision. `thoroughfare run SCAN --settings FILE` reads another file.
"""
ENVIRONMENT = """## Environment

No key and no address of yours stands in a file of the project: they are given in the environment. Of Airflow's own variables tells
[airflow.md](airflow.md), of the containers' [deployment.md](deployment.md); a bucket's are those of AWS ([lake.md](lake.md)), Dask's are `DASK_...` ([dask.md](dask.md)).
"""
VARIABLES = {
    rules.CONTACT: "An e-mail or web address of yours, sent with every request to a public feed; without it none is asked.",
    networks.THREADS: "Threads of the networks and of linking; default: every core the process may use.",
    networks.DECODERS: "Threads that decode pictures for the networks; default: none, pictures are decoded in turn with the networks.",
    "THOROUGHFARE_LOG": "`json`: standard error is one line of JSON a step, as with `--log json`.",
    "THOROUGHFARE_DEBUG": "`1`: errors show where in the program they arose, as with `--debug`.",
    "NO_COLOR": "Set to anything: nothing that the program prints has colour.",
}
"""What the program itself reads of the environment."""
KEY = re.compile(r'env="(\w+)"')
"""Where a feed names the variable that holds its key."""


@dataclass(frozen=True)
class Section:
    """A part of a scan's settings."""

    name: str
    """Below `[scan.<name>]`; empty for the scan itself."""
    of: str
    """Whose settings they are."""
    settings: tuple[sources.Setting, ...]


def sections() -> list[Section]:
    """Return every part of a scan's settings, in the order of the line."""
    found = [_section("", "the scan itself", scans.Scan, hidden=("name", "stages"))]
    for line in STAGES:
        if line.table == "snapshots":
            found.append(_section("snapshots", "every feed that is asked over the network", _asking.Settings))
            found.append(_section("snapshots", "the feed `archive`, where it has clips", clips.Settings))
        elif hasattr(import_module(f"pipeline.{line.table}"), "Settings"):
            found.append(_section(line.table, f"`{line.table}.{line.verb}`", line.settings()))
    found.append(_section(bursts.SECTION, "who is polled closely ([plans.md](plans.md))", bursts.Bursts))
    found.append(Section(bursts.SECTION, "each of `corridors`", tuple(sources.settings(bursts.Corridor))))
    return [*found, _section("plan", "what `thoroughfare plan` chooses within ([plans.md](plans.md))", choice.Budget)]


def environment() -> dict[str, str]:
    """Return the variables of the environment that the program reads, with what each does."""
    found = {
        env: f"The key that the operator of feed `{name}` gives out."
        for name in feeds.names()
        for env in KEY.findall(inspect.getsource(import_module(f"pipeline.feeds.{name}")))
    }
    return VARIABLES | dict(sorted(found.items()))


def page() -> str:
    """Write the page."""
    parts = [HEAD]
    for each in sections():
        title = f"[scan.NAME.{each.name}]" if each.name else "[scan.NAME]"
        rows = [f"| {s.name} | {cell(s.kind)} | {cell(s.default)} | {cell(s.meaning)} |" for s in each.settings]
        head = ["| key | holds | default | meaning |", "|---|---|---|---|"]
        parts.append("\n".join([f"## `{title}`: {each.of}", "", *head, *rows, ""]))
    rows = [f"| `{name}` | {cell(meaning)} |" for name, meaning in environment().items()]
    return "\n".join([*parts, ENVIRONMENT, "| variable | meaning |", "|---|---|", *rows, ""])


def _section(name: str, of: str, kind: type, hidden: tuple[str, ...] = ()) -> Section:
    """Read a dataclass as a section; what a stage needs and the scan has is the scan's."""
    shared = {each.name for each in fields(scans.Scan)} if name else set()
    told = (
        replace(each, default="the scan's") if each.name in shared and each.default == "needed" else each
        for each in sources.settings(kind)
        if each.name not in hidden
    )
    return Section(name, of, tuple(told))
