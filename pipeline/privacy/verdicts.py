"""Say of a night's privacy report whether it holds the night back, keep it in the lake, and refuse what is held."""

import json
from contextlib import suppress
from datetime import date
from typing import Any

from pipeline.errors import PrivacyError
from pipeline.lake import Lake

KEPT = "privacy"
"""Folder of the reports below a scan's."""
Facts = dict[str, Any]


def why_not(found: Facts) -> list[str]:
    """Say why a night must not be published; nothing where it may."""
    wrong = [find for find in found["finds"] if not find["waits"]]
    held = {
        f"{found['k_violations']} published rows stand on fewer than {found['least']} vehicles": found["k_violations"],
        f"{found['recoverable_cells']} withheld rows can be worked out from what is published": found["recoverable_cells"],
        f"pixels or vectors lie in {[find['where'] for find in wrong]}": wrong,
        f"{found['overdue']} should have expired": found["overdue"],
        f"{found['columns_of_single_vehicles']} published columns show single vehicles": found["columns_of_single_vehicles"],
        f"{found['plates_read']} plates can be read in what is left": found["plates_read"],
        f"{found['faces_found']} faces can be found in what is left": found["faces_found"],
        f"the log of looks was changed: {found['looks_changed'][:1]}": found["looks_changed"],
    }  # fmt: skip
    return [words for words, is_so in held.items() if is_so]


def cautions(found: Facts) -> list[str]:
    """Say what whoever publishes must know beforehand; nothing where there is nothing."""
    told = found["revision_differences"]
    words = f"this night was published before with other rows, and both together tell {told} figures of fewer than {found['k']} vehicles: where the earlier rows were given out, do not give out these"
    return [words] if told else []


def keep(lake: Lake, found: Facts) -> str:
    """Write a night's report into its lake, in place of an earlier one; returns its key."""
    key = _key(date.fromisoformat(found["scan_date"]))
    lake.storage.replace(key, (json.dumps(found, indent=1, ensure_ascii=False) + "\n").encode())
    return key


def refuse_held(lake: Lake, scan_date: date) -> None:
    """Raise PrivacyError where the night's privacy report says that it is to be held back; no report holds nothing."""
    with suppress(FileNotFoundError):
        found = json.loads(lake.storage.get(_key(scan_date)))
        if found["verdict"] == "hold":
            raise PrivacyError(
                f"{lake.scan} {scan_date}: held back by its privacy report: {'; '.join(found['reasons'])}; "
                "mend that, then run `thoroughfare privacy report` again"
            )


def _key(scan_date: date) -> str:
    """Name the file of a night's report."""
    return f"{KEPT}/{scan_date}.json"
