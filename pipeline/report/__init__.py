"""Report one night honestly: every table of the line -> one `report.html`, and `report.json` with the same facts."""

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline.errors import SchemaError, SettingsError
from pipeline.report import page
from pipeline.report.chapters import (
    certainty,
    changes,
    cost,
    coverage,
    heat,
    line,
    outcomes,
    privacy,
    quality,
    scored,
    sources,
    times,
    trips,
    volumes,
)
from pipeline.report.given import READ, Facts, Given
from pipeline.tables import TABLES

__all__ = ["READ", "Facts", "Given", "reckon", "write"]
SCHEMA = "thoroughfare-report/1"
"""Changes when a key of `report.json` is renamed, dropped or means something else; a new key changes nothing."""


def write(path: Path, given: Given) -> Path:
    """Write one self-contained page, and its facts as `.json` beside it.

    Args:
        path: Page to write; its folder is made.
        given: What is known of the night.

    Returns:
        The path written. The same night gives the same bytes.

    Raises:
        SchemaError: a table is not what `tables.py` says.
        SettingsError: nothing can be written there, or the page would be where its facts go.
    """
    beside = path.with_suffix(".json")
    if path == beside:
        raise SettingsError(f"--out {path}: the page's facts go into that file; name a page such as report.html")
    facts = reckon(given)
    html = page.render(facts, given.table("roads"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(html, encoding="utf-8")
        beside.write_text(as_json(facts), encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"--out {path}: cannot be written ({error.strerror}); name another file") from error
    return path


def reckon(given: Given) -> Facts:
    """Reckon every chapter: what `report.json` holds, and all that the page is made from but its roads.

    Raises:
        SchemaError: a table is not what `tables.py` says.
    """
    for name, rows in given.tables.items():
        if name in TABLES and set(rows.column_names) != set(TABLES[name].schema.names):
            raise SchemaError(f"report: {name} has columns {rows.column_names}; pass the rows of tables.py")
    found = {
        "schema": SCHEMA,
        "scan": _scan(given),
        "gone": given.gone,
        "line": line.facts(given),
        "coverage": coverage.facts(given),
        "outcomes": outcomes.facts(given),
        "volumes": volumes.facts(given),
        "times": times.facts(given),
        "trips": trips.facts(given),
        "heat": heat.facts(given),
        "certainty": certainty.facts(given),
        "changes": changes.facts(given),
        "scores": scored.facts(given),
        "quality": quality.facts(given),
        "cost": cost.facts(given),
        "privacy": privacy.facts(given),
        "credits": sources.facts(given),
    }
    return dict(json.loads(json.dumps(found, default=_plain)))


def as_json(facts: Facts) -> str:
    """Write facts as JSON that people can read too."""
    return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"


def _scan(given: Given) -> Facts:
    """Say which night of which scan this is."""
    scan = given.scan
    named = {name: getattr(scan, name) for name in ("name", "feed", "timezone", "hours", "k", "exempt")}
    return {**named, "scan_date": given.scan_date, "windows": [str(each) for each in scan.windows(given.scan_date)]}


def _plain(value: Any) -> Any:
    """Write a time or a decimal as JSON has it; a UTC time ends in Z, a local one in nothing."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime | date):
        return value.isoformat().replace("+00:00", "Z")
    raise TypeError(f"report: {value!r} has no form in JSON")
