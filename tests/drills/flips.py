"""Flip single bits in everything a lake holds and see each found before it is used."""

import random
import shutil
from collections import Counter
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from tests.drills import night, strace
from tests.drills.night import Night, fork
from tests.drills.rows import Row, timed


def flipped(small: Night, folder: Path, flips: int) -> Row:
    """Flip a bit of a random file, read and verify its place, put the bit back."""
    row = Row(
        "bits flipped at rest",
        "one random bit of a random file: rows, commit records, markers of expiry, held parts",
        "found by reading or by `verify` before a value is used",
    )
    with timed(row):
        notes = folder / "flips.txt"
        halted = night.fresh(folder / "halted")
        strace.injected(small.child(halted), "link", 50, "signal=SIGKILL")
        lakes = [small.folder / "gold", halted]
        done = fork(lambda: _flip(lakes, folder / "flip", flips, notes), folder / "flips.log").go().ended(3600)
        assert done.code == 0, done.said()
        lines = notes.read_text().splitlines()
        kinds = Counter(line.split()[0] for line in lines)
        missed = [line for line in lines if not line.endswith(" found")]
        row.trials, row.wrong = len(lines), missed
        row.seen = ", ".join(f"{count} in {kind} files" for kind, count in sorted(kinds.items()))
        row.seen += f": {len(lines) - len(missed)} found"
    return row


def _flip(lakes: list[Path], folder: Path, flips: int, notes: Path) -> None:
    """Flip bits in copies of single places, each a lake of its own, and note what was seen."""
    chance, lines = random.Random(10_000), []
    targets = []
    for root in lakes:
        folders = sorted({(root / name).parent for name in night.tree(root)})
        for number, at in enumerate(folders):
            alone = folder / f"{root.name}-{root.parent.name}-{number}"
            shutil.copytree(at, alone / "demo" / at.relative_to(root / "demo"))
            targets += [
                (alone, path) for path in sorted(alone.rglob("*.*")) if path.is_file() and path.suffix != ".duckdb"
            ]
    targets = [(alone, path) for alone, path in targets if _kind(path)]
    for _ in range(flips):
        alone, path = chance.choice(targets)
        content, bit = path.read_bytes(), chance.randrange(path.stat().st_size * 8)
        path.write_bytes(content[: bit // 8] + bytes([content[bit // 8] ^ 1 << bit % 8]) + content[bit // 8 + 1 :])
        how = _found(alone, path)
        path.write_bytes(content)
        lines.append(f"{_kind(path)} {path.name} bit {bit} {how}")
    notes.write_text("\n".join(lines) + "\n")


def _kind(path: Path) -> str:
    """Say what a file is; nothing for rows that no record names."""
    if path.suffix == ".parquet":
        named = any(path.name in record.read_text() for record in path.parent.glob("*.json"))
        return "Parquet" if named else ""
    return {"commit": "commit", "expired": "marker", "part": "held-part"}[path.name.split("-")[0]]


def _found(alone: Path, path: Path) -> str:
    """Use a lake of one place in every way there is; say whether a flip in `path` was found."""
    from pipeline import upkeep
    from pipeline.errors import IntegrityError
    from pipeline.lake import Lake

    lake = Lake(alone, "demo")
    try:
        if path.name.startswith("part-"):
            _, part, made_from = path.stem.split("-")
            return "MISSED" if any(int(part) in lake.held(place, made_from) for place in _places(alone)) else "found"
        _read(lake, alone)
        found = any(str(path.relative_to(alone)) in fault.what for fault in upkeep.verify(lake))
    except IntegrityError as error:
        found = path.name in str(error)
    return "found" if found else "MISSED"


def _read(lake: Any, alone: Path) -> None:
    """Read what is committed, and what is held as a commit would make it readable."""
    from pipeline.errors import WindowNotFoundError

    for place in _places(alone):
        with suppress(WindowNotFoundError):
            lake.read([place])
        for record in sorted(alone.rglob("part-*.json")):
            for written in lake.held(place, record.stem.split("-")[2]).values():
                for _, file in written:
                    lake.rows(place, file)


def _places(alone: Path) -> list[Any]:
    """List the places of a lake, committed or not."""
    from pipeline.records import place_of

    folders = {path.parent.relative_to(alone / "demo") for path in alone.rglob("*/date=*/**/*.*") if path.is_file()}
    return [place_of(PurePosixPath(folder.as_posix())) for folder in sorted(folders)]
