"""Tell how long vehicles took from camera to camera, and how far one could rely on it: travel_time -> facts."""

from collections import defaultdict
from typing import Any

from pipeline.report.given import Facts, Given, Rows
from pipeline.report.words import cut

MAX_PAIRS = 40
FIGURES = ("p15_s", "p50_s", "p80_s", "p85_s", "p95_s", "low_s", "high_s", "buffer_percent", "lottr", "seen_percent")
"""What an hour tells; one that the product does not state is None."""


def facts(given: Given) -> Facts:
    """Give each pair its hours, with the one of most vehicles named; the pairs of most vehicles first."""
    found: dict[tuple[str, str], Rows] = defaultdict(list)
    for row in given.product("travel_time"):
        found[row["from_camera"], row["to_camera"]].append(row)
    pairs = [_pair(pair, rows, given) for pair, rows in found.items()]
    pairs.sort(key=lambda row: (-row["support"], row["from_camera"], row["to_camera"]))
    sources = defaultdict[str, int](int)
    for rows in found.values():
        for row in rows:
            sources[row.get("source", "links")] += 1
    return {"pairs": cut(pairs, MAX_PAIRS, "travel_time"), "sources": dict(sorted(sources.items()))}


def _pair(pair: tuple[str, str], rows: Rows, given: Given) -> Facts:
    """Give one pair's hours in order of time."""
    hours = [_hour(row) for row in sorted(rows, key=lambda row: row["hour_at"])]
    busiest = max(range(len(hours)), key=lambda n: (hours[n]["support"], -n))
    return {
        "from_camera": pair[0], "to_camera": pair[1],
        "from": given.names.get(pair[0], pair[0]), "to": given.names.get(pair[1], pair[1]),
        "support": sum(hour["support"] for hour in hours), "busiest": busiest, "hours": hours,
    }  # fmt: skip


def _hour(row: dict[str, Any]) -> Facts:
    """Give one hour of a pair."""
    return {
        "hour_local": row["hour_local"],
        "source": row.get("source", "links"),
        **{name: row.get(name) for name in FIGURES},
        "support": row["support"],
    }
