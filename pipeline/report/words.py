"""Say figures as the report does: shares, counts that may not be told, lists that were cut, causes without figures."""

import re
from collections.abc import Sequence
from typing import Any

from pipeline.report.given import Facts

FIGURES = re.compile(r"\d\d:\d\d(:\d\d)?(\.\d+)?Z?|\d+(\.\d+)?%|\d+\.\d+|\b\d{4,}\b")
"""Times, percents, fractions and long numbers: what differs between two pictures lost for one cause."""


def share(part: float, whole: float) -> float | None:
    """Return a part of a whole, None where there is no whole."""
    return round(part / whole, 6) if whole else None


def percent(value: float | None) -> str:
    """Write a share of 1 in percent; never 100 or 0 for what is only near it."""
    if value is None:
        return "–"
    if 0 < value < 0.005:
        return "<1 %"
    return ">99 %" if 0.995 <= value < 1 else f"{100 * value:.0f} %"


def veiled(count: int, k: int) -> int | None:
    """Return how many vehicles stand behind a place, to the nearest 5; None where they are so few that it is not told."""
    return (count + 2) // 5 * 5 if count >= k or not count else None


def about(count: int) -> int:
    """Return how many there are in all, to the nearest 50: less what is published, it must not tell a withheld row."""
    return (count + 25) // 50 * 50


def told(count: int | None, k: int) -> str:
    """Write a count that may be veiled."""
    return f"under {k}" if count is None else f"{count:,}"


def number(value: float | None, digits: int = 0) -> str:
    """Write a number with separators, a dash where there is none."""
    return "–" if value is None else f"{value:,.{digits}f}"


def short(value: float | None) -> str:
    """Write a number to three figures."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) >= 1 else f"{value:.2f}"


def size(count: float | None) -> str:
    """Write bytes as people do."""
    if count is None:
        return "–"
    for unit in ("B", "kB", "MB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.1f} GB"


def signed(value: float | None) -> str:
    """Write a change in percent with its sign."""
    return "–" if value is None else f"{value:+.0f} %".replace("-", "−")


def clock(local: str) -> str:
    """Write the time of day of a local time."""
    return local[11:16]


def cut(rows: Sequence[Any], most: int, where: str) -> Facts:
    """Keep the first rows of a list, and say how many there are in all and where to find them."""
    return {"rows": list(rows[:most]), "in_all": len(rows), "where": where}


def without_figures(reason: str) -> str:
    """Return a reason as it is for every picture lost for the same cause."""
    return FIGURES.sub("…", reason)
