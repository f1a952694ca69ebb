"""Read what a truth calls the lake's cameras, and when and how fast each one's frames were counted."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import SchemaError

COLUMNS = ("name", "camera", "starts_s", "frame_rate")
FORM = "write `name,camera,starts_s,frame_rate` (all but name may be left out), or lines of a name and its seconds"


@dataclass(frozen=True)
class Counted:
    """How one camera of a truth is called and counted."""

    camera: str = ""
    """The lake's camera it is; empty where its name tells."""
    starts_s: float = 0.0
    """Seconds after the first frame of all at which its frame 1 was taken."""
    frame_rate: float = 0.0
    """Its frames a second; 0 takes that of all."""


def read_clocks(path: Path) -> dict[str, Counted]:
    """Read CSV with the columns `name,camera,starts_s,frame_rate`, or text of `name seconds` as AI City's time stamps are.

    Raises:
        SchemaError: no such file, a needed column or a readable number is missing, or a name is there twice.
    """
    found: dict[str, Counted] = {}
    try:
        lines = [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError(f"{path}: not a readable text file: {error}; {FORM}") from error
    for where, row in _rows(path, lines):
        name = row.get("name", "")
        if not name or name in found:
            raise SchemaError(f"{where}: {'no name' if not name else f'{name!r} is there twice'}; {FORM}")
        found[name] = Counted(row.get("camera", ""), *(_seconds(row.get(key), where) for key in COLUMNS[2:]))
    return found


def _rows(path: Path, lines: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield (file and line, what it says by column)."""
    if lines and "," in lines[0]:
        head = [each.strip() for each in lines[0].split(",")]
        if "name" not in head or (strange := set(head) - set(COLUMNS)):
            raise SchemaError(
                f"{path}: columns {head}{f', unknown {sorted(strange)}' if 'name' in head else ''}; {FORM}"
            )
        for number, values in enumerate(csv.reader(lines[1:]), 2):
            yield f"{path}:{number}", {key: value.strip() for key, value in zip(head, values, strict=False)}
        return
    for number, line in enumerate(lines, 1):
        values = line.split()
        if len(values) != 2:
            raise SchemaError(f"{path}:{number}: {len(values)} words; {FORM}")
        yield f"{path}:{number}", {"name": values[0], "starts_s": values[1]}


def _seconds(text: str | None, where: str) -> float:
    """Read a number that may be left out."""
    try:
        value = float(text or 0)
    except ValueError as error:
        raise SchemaError(f"{where}: unreadable number {text!r}; {FORM}") from error
    if not -1e9 < value < 1e9:
        raise SchemaError(f"{where}: {value} is no number of seconds or frames; {FORM}")
    return value
