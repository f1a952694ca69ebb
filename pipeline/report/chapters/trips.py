"""Tell from where to where vehicles were followed: od, zones -> a matrix of the zones with most trips."""

from collections import Counter, defaultdict

from pipeline.report.given import Facts, Given

MAX_ENDS = 14
"""Zones in the matrix: those with most trips."""
ENDS = (("first_zone", "last_zone"), ("first_camera", "last_camera"))
"""What a night's trips begin and end at: zones, in nights of earlier versions cameras."""


def facts(given: Given) -> Facts:
    """Lay out the published trips over the night; None where a cell was not published."""
    rows = given.product("od")
    first, last = next((ends for ends in ENDS if rows and ends[0] in rows[0]), ENDS[0])
    cells, low, high = Counter[tuple[str, str]](), Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for row in rows:
        key = row[first], row[last]
        cells[key] += row["support"]
        low[key] += row.get("low_vehicles") or 0
        high[key] += row.get("high_vehicles") or 0
    weight: Counter[str] = Counter()
    for (a, b), count in cells.items():
        weight[a] += count
        weight[b] += count
    ends = sorted(weight, key=lambda end: (-weight[end], end))
    chosen, labels = ends[:MAX_ENDS], _labels(ends, given)
    return {
        "by": "zone" if first == ENDS[0][0] else "camera",
        "trips": sum(cells.values()),
        "low_trips": sum(low.values()) or None,
        "high_trips": sum(high.values()) or None,
        "ends": [{"id": end, "name": labels[end]} for end in chosen],
        "ends_in_all": len(ends),
        "shown_trips": sum(count for (a, b), count in cells.items() if a in chosen and b in chosen),
        "matrix": [[cells.get((a, b)) for b in chosen] for a in chosen],
    }


def _labels(ends: list[str], given: Given) -> dict[str, str]:
    """Name a zone by its cameras, the first by name and how many more; a camera by its name."""
    members: dict[str, list[str]] = defaultdict(list)
    for row in given.product("zones"):
        members[row["zone"]].append(given.names.get(row["camera_id"], str(row["camera_id"])))
    return {end: _label(end, sorted(members[end]), given.names) for end in ends}


def _label(end: str, members: list[str], names: dict[str, str]) -> str:
    if not members:
        return names.get(end, end)
    return members[0] if len(members) == 1 else f"{members[0]} and {len(members) - 1} more"
