"""Complete what is typed at a shell from what there is: scans, nights, tables, questions."""

from collections.abc import Callable
from pathlib import Path

import typer

from pipeline import scans
from pipeline.errors import PipelineError


def known_scans(context: typer.Context) -> list[str]:
    """Name the scans of the settings file in force."""
    given = context.params.get("settings")
    try:
        return scans.names(Path(given) if given else None)
    except PipelineError:
        return []


def kept_scans(context: typer.Context) -> list[str]:
    """Name the scans of the lake that the command line names; a bucket is not asked."""
    return _folders(_root(context), "*/cameras", lambda found: found.parent.name)


def kept_nights(context: typer.Context) -> list[str]:
    """Name the nights of the scan and lake that the command line names, or of all scans of that lake."""
    scan = context.params.get("name") or "*"
    return _folders(_root(context), f"{scan}/cameras/date=*", lambda found: found.name.removeprefix("date="))


def stages() -> list[str]:
    """Name the tables that a stage makes."""
    from pipeline.stages import STAGES

    return [line.table for line in STAGES]


def tables() -> list[str]:
    """Name the tables of the line and the products."""
    from pipeline import query

    return [name for name in stages() if name != "products"] + query.names("products")


def questions() -> list[str]:
    """Name the files of `sql/` that ask something of a lake."""
    from pipeline import query

    return [name for name in query.names() if name.partition("/")[0] in ("cookbook", "products", "gold", "checks")]


def described() -> list[str]:
    """Name what the data dictionary tells of, but views and run records, which take longer to list."""
    from pipeline import query

    return [
        *tables()[: len(stages()) - 1],
        *(name.rpartition("/")[2] for name in query.names("products") + query.names("gold")),
    ]


def _root(context: typer.Context) -> Path | None:
    """Return the folder of the lake; None for a bucket."""
    root = str(context.params.get("lake") or "lake")
    return None if "://" in root else Path(root)


def _folders(root: Path | None, pattern: str, name: Callable[[Path], str]) -> list[str]:
    """Name the folders of a lake that a pattern finds."""
    return sorted({name(each) for each in root.glob(pattern) if each.is_dir()}) if root else []
