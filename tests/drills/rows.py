"""Say what a drill did: one row of the table of faults."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

BEGINS, ENDS = "<!-- table begins -->", "<!-- table ends -->"


@dataclass
class Row:
    """One fault: how it was made, how often, what must be seen and what was."""

    fault: str
    injection: str
    expected: str
    trials: int = 0
    seen: str = ""
    wrong: list[str] = field(default_factory=list)
    """What was not as expected, one sentence a trial."""
    seconds: float = 0.0

    @property
    def result(self) -> str:
        """`held`, or how many trials went wrong."""
        if not self.trials:
            return "NOT RUN"
        return f"{len(self.wrong)} WRONG" if self.wrong else "held"

    def note(self, where: str, *wrongs: str) -> None:
        """Count a trial with what was wrong in it, if anything."""
        self.trials += 1
        if found := "; ".join(wrong for wrong in wrongs if wrong):
            self.wrong.append(f"{where}: {found}")
        if self.trials % 20 == 0:
            print(f"{self.fault}: {self.trials} trials, {len(self.wrong)} wrong", file=sys.stderr, flush=True)

    def stated(self) -> dict[str, Any]:
        """Return the row for JSON."""
        return asdict(self) | {"result": self.result}


@contextmanager
def timed(row: Row) -> Iterator[Row]:
    """Clock a drill."""
    since = time.monotonic()
    try:
        yield row
    finally:
        row.seconds = round(time.monotonic() - since, 1)


def shown(rows: list[dict[str, Any]]) -> str:
    """Draw the table in Markdown: what the terminal shows is what docs/faults.md holds."""
    columns = ("fault", "injection", "trials", "expected", "seen", "result", "seconds")
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(f"{row[name]}".replace("|", "\\|") for name in columns) + " |" for row in rows]
    return "\n".join(lines)


def written(rows: list[dict[str, Any]], page: Path, command: str) -> None:
    """Put the table into a page, between its marks, with when and where it was made."""
    text = page.read_text(encoding="utf-8")
    begins, ends = text.index(BEGINS) + len(BEGINS), text.index(ENDS)
    hours = sum(row["seconds"] for row in rows) / 3600
    made = f"`{command}`, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, {hours:.1f} hours"
    page.write_text(f"{text[:begins]}\n{made}\n\n{shown(rows)}\n{text[ends:]}", encoding="utf-8")
