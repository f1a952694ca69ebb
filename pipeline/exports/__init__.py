"""Export a night in the formats of others: one file a format, loaded by name; written whole or not at all."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cached_property
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from pkgutil import iter_modules

import pyarrow as pa

from pipeline import looks, upkeep
from pipeline.errors import SettingsError, StorageError
from pipeline.lake import Lake
from pipeline.scans import Scan
from pipeline.storage.folders import sync
from pipeline.tables import TABLES, TRAJECTORIES
from pipeline.trims import TRIMMED_M

ABOUT = "export.json"
"""The file of a folder that says what it holds, whose it is and on what terms."""
SINGLES = f"These are single vehicles, shown for a stated purpose. Delete them after {TRAJECTORIES.lives_days} days, as the lake does."

BIN_MS = 15 * 60 * 1000
"""A real vehicle's line begins at a quarter of an hour; the time along it is kept."""
COARSE = (
    f"Trips are cut by {TRIMMED_M:.0f} m at either end, those without a rest are left out, and each is moved back in "
    "time to the quarter of an hour in which it begins."
)


@dataclass(frozen=True)
class Night:
    """A night of a scan, read as a format asks for it."""

    lake: Lake
    scan: Scan
    scan_date: date

    def table(self, name: str) -> pa.Table:
        """Read one table in the order of its key; raise WindowNotFoundError where it was never made or has expired."""
        rows = upkeep.night(self.lake, self.scan_date, name)
        return rows.sort_by([(key, "ascending") for key in TABLES[name].key])

    @cached_property
    def cameras(self) -> pa.Table:
        """The cameras of the night."""
        return self.table("cameras")

    @cached_property
    def products(self) -> dict[str, pa.Table]:
        """Every product of the night by its name; raises WindowNotFoundError where there is none."""
        return upkeep.products(self.lake, self.scan_date) or {"": self.table("products/flow")}

    @cached_property
    def about(self) -> dict[str, str]:
        """What every file says of itself: night, attribution, licence, program."""
        told = {name: sorted(set(self.cameras[name].to_pylist()) - {""}) for name in ("attribution", "licence")}
        return {
            "title": f"{self.scan.name} {self.scan_date}",
            "attribution": "; ".join(told["attribution"]),
            "licence": "; ".join(told["licence"]),
            "made_with": f"Thoroughfare {program()}",
        }


@dataclass(frozen=True)
class Piece:
    """One file of an export."""

    name: str
    """Path below the export's folder."""
    rows: int
    content: Iterable[bytes]


@dataclass(frozen=True)
class Written:
    """One file that was written."""

    name: str
    rows: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Format:
    """A form that others open."""

    standard: str
    """What it follows, with its version."""
    opens: str
    """What opens it."""
    pieces: Callable[[Night], Iterator[Piece]]
    file: str = ""
    """Ending of its one file; empty where it is a folder, which then also holds `export.json`."""
    singles: bool = False
    """Whether it shows single vehicles on their way."""


def names() -> list[str]:
    """List the formats there are."""
    return sorted(module.name.replace("_", "-") for module in iter_modules(__path__) if module.name[0] != "_")


def load(name: str) -> Format:
    """Return a format by its name; raise SettingsError naming those there."""
    if name not in names():
        raise SettingsError(f"no export format {name!r}; choose from {names()}")
    found: Format = import_module(f"pipeline.exports.{name.replace('-', '_')}").FORMAT
    return found


def program() -> str:
    """Return the version of this program."""
    try:
        return version("thoroughfare")
    except PackageNotFoundError:
        return "unreleased"


def write(
    name: str, night: Night, out: Path, *, purpose: str, now: datetime,
    force: bool = False, told: Callable[[str], None] = lambda _: None,
) -> list[Written]:  # fmt: skip
    """Write a night in a format, all of it or nothing; single vehicles only with a purpose, and the look is logged.

    Args:
        name: Format.
        night: What is exported.
        out: File, or folder where the format has several files; its parent is made.
        purpose: Why single vehicles are looked at.
        now: When, for the log of looks.
        force: Replace what an earlier export left there.
        told: Hears the name of what is written, a few times a second.

    Raises:
        SettingsError: no such format, or something is there already.
        PrivacyError: it shows single vehicles and no purpose is stated.
        WindowNotFoundError: what it needs was never made or has expired.
        StorageError: the disk refuses.
    """
    form = load(name)
    _hold_free(out, folder=not form.file, force=force)
    if form.singles:
        looks.look(night.lake, night.scan, "trajectories", purpose, now)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as aside:
            whole = Path(aside) / "whole"
            whole.mkdir()
            written = [_keep(whole, piece, told) for piece in form.pieces(night)]
            if not form.file:
                _keep(whole, _label(name, form, night, written), told)
            for folder in sorted({each.parent for each in whole.rglob("*")} | {whole}):
                sync(folder)
            _settle(whole if not form.file else whole / written[0].name, out, Path(aside) / "before")
        sync(out.parent)
    except (OSError, pa.ArrowException) as error:
        if isinstance(error, OSError) and type(error).__module__ == "pipeline.errors":
            raise
        why = getattr(error, "strerror", None) or error
        raise StorageError(f"{out}: cannot be written ({why}); free space or name another place with --out") from error
    return written


def _hold_free(out: Path, *, folder: bool, force: bool) -> None:
    """Raise SettingsError where something is at `out` that may not be replaced."""
    if ":/" in str(out):
        raise SettingsError(f"{out}: an export is written on this machine; copy it on from there")
    if not out.exists() or (folder and out.is_dir() and not any(out.iterdir())):
        return
    if not force:
        raise SettingsError(f"{out}: something is there already; name another place with --out, or pass --force")
    ours = (out / ABOUT).is_file() if folder else out.is_file()
    if not ours:
        raise SettingsError(f"{out}: not an export of this kind, so --force does not replace it; name another --out")


def _keep(whole: Path, piece: Piece, told: Callable[[str], None]) -> Written:
    """Write one file of an export and bring it to disk."""
    path = whole / PurePosixPath(piece.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with path.open("xb") as handle:
        for part in piece.content:
            handle.write(part)
            digest.update(part)
            size += len(part)
            told(f"{piece.name}, {size / 1e6:.1f} MB")
        handle.flush()
        os.fsync(handle.fileno())
    return Written(piece.name, piece.rows, size, digest.hexdigest())


def _label(name: str, form: Format, night: Night, written: list[Written]) -> Piece:
    """Say in a file of its own what a folder holds."""
    told = {
        **night.about,
        "format": name,
        "standard": form.standard,
        "files": [asdict(each) for each in written],
        **({"privacy": SINGLES} if form.singles and not night.scan.exempt else {}),
    }
    return Piece(ABOUT, 1, [(json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode()])


def _settle(made: Path, out: Path, before: Path) -> None:
    """Put what was written in its place in one step, or leave there what was."""
    if not out.is_dir():
        made.replace(out)
        return
    out.rename(before)
    try:
        made.rename(out)
    except OSError:
        before.rename(out)
        raise
