"""Say what a bad input is, what must come of it and what came."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

GROUPS = {"images": 31, "http": 20, "feed": 24, "names": 16, "parquet": 8, "model": 6, "time": 6}
"""How many bad inputs there are of each group."""


@dataclass(frozen=True)
class Input:
    """One bad input."""

    group: str
    name: str
    what: str
    expected: str
    """How the class begins that must be seen."""
    why: str
    """Why it must."""


@dataclass(frozen=True)
class Seen:
    """What came of a bad input."""

    told: str
    """The class, in the product's own words."""
    wrong: str = ""
    """What else is not as it must be; empty where all is."""


@dataclass(frozen=True)
class Row:
    """One bad input with what came of it."""

    input: Input
    seen: Seen

    @property
    def ok(self) -> bool:
        """Tell whether it ended as stated."""
        return self.seen.told.startswith(self.input.expected) and not self.seen.wrong

    def stated(self) -> dict[str, Any]:
        """Return the row for JSON."""
        return asdict(self.input) | {"seen": self.seen.told, "wrong": self.seen.wrong, "ok": self.ok}

    def line(self) -> str:
        """Write the row on one line."""
        told = plain(f"{self.seen.told}; {self.seen.wrong}" if self.seen.wrong else self.seen.told)
        return f"{'ok ' if self.ok else 'NOT'}  {self.input.group}/{self.input.name}: {self.input.what}: {told}" + (
            "" if self.ok else f" (expected: {self.input.expected})"
        )


def plain(text: str) -> str:
    """Write a text in one line that no terminal obeys."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def markdown(rows: Iterable[Row]) -> str:
    """Draw the rows as a table of Markdown."""
    columns = ("group", "name", "what it is", "class seen", "why this class")
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for row in rows:
        told = (
            row.seen.told if row.ok else f"**NOT AS STATED** ({row.input.expected}): {row.seen.told} {row.seen.wrong}"
        )
        cells = (row.input.group, f"`{row.input.name}`", row.input.what, told, row.input.why)
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return plain(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
