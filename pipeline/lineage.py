"""Name what a table's bytes follow from besides its inputs: code, SQL, models and libraries, by their hashes."""

import hashlib
from collections.abc import Iterable
from dataclasses import fields
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipeline import query
from pipeline.lake import digest
from pipeline.scans import Scan

HERE = Path(__file__).parent
FOUNDATION = (
    "tables.py", "schemas.py", "geo.py", "routing.py", "scans.py", "query/__init__.py", "networks.py", "motion.py", "travel.py",
    "stays.py", "decoder/__init__.py", "decoder/child.py", "decoder/wire.py",
)  # fmt: skip
"""Modules every stage stands on; their text is part of every lineage."""
BESIDE = {"products": ("release",)}
"""Rooms beside its own that a stage stands on alone."""
LIBRARIES = (
    "numpy",
    "numba",
    "pyarrow",
    "duckdb",
    "opencv-python-headless",
    "geopandas",
    "shapely",
    "h3",
    "scipy",
    "keras",
)


def stated(scan: Scan) -> dict[str, str]:
    """Say what of a scan a feed stage depends on; the folder it lies in is not part of it."""
    return {
        each.name: str(getattr(scan, each.name))
        for each in fields(scan)
        if each.name not in ("stages", "source", "k", "permission")
    }


@cache
def code(table: str) -> str:
    """Hash the text a stage runs: its module, its SQL and the floor it stands on."""
    rooms = (table, *BESIDE.get(table, ()))
    room = [HERE / f"{table}.py", *(path for each in rooms for path in sorted((HERE / each).rglob("*.py")))]
    room = [path for path in room if path.is_file()]
    room += sorted(each for folder in (table, f"steps/{table}") for each in (query.SQL / folder).rglob("*.sql"))
    return _hash([*room, *(HERE / name for name in FOUNDATION), query.MACROS])


@cache
def shelf(folder: str, name: str) -> str:
    """Hash the code and weights of a feed, detector or encoder, without loading it."""
    files = (path for pattern in (f"{name}.*", f"{name}/**/*") for path in (HERE / folder).glob(pattern))
    return _hash(path for path in sorted(files) if path.is_file() and path.suffix != ".pyc")


@cache
def libraries() -> dict[str, str]:
    """Name the versions that decide bytes."""
    found = {}
    for name in (*LIBRARIES, "tensorflow-cpu", "tensorflow"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _hash(paths: Iterable[Path]) -> str:
    """Hash files by name and content."""
    return digest([(path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in paths])
