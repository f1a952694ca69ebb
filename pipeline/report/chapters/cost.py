"""Tell what the run took: run records and what lies in the lake -> seconds, pictures a second, bytes, memory by stage."""

from pipeline.report.given import Facts, Given, Rows
from pipeline.report.words import share

ON_PICTURES = ("snapshots", "frames", "detections", "embeddings", "sightings")
"""Stages whose work grows with the pictures planned."""


def facts(given: Given) -> Facts:
    """Give each stage its time, speed, rows, bytes and memory, in the order of the line."""
    stages = _stages(given)
    timed = [row["seconds"] for row in stages if row["seconds"] is not None]
    seconds, planned = sum(timed), given.table("frames").num_rows
    return {
        "recorded": bool(given.runs),
        "seconds": round(seconds, 3) if timed else None,
        "pictures": planned,
        "pictures_per_s": share(planned, seconds),
        "peak_mb": max((row["peak_mb"] for row in stages if row["peak_mb"]), default=None),
        "size_bytes": sum(row["size_bytes"] or 0 for row in stages) if given.lying else None,
        "stages": stages,
    }


def _stages(given: Given) -> Rows:
    """Set what is recorded of each stage beside what lies in the lake."""
    ran = {row["stage"]: row for row in given.runs}
    pictures = given.table("frames").num_rows
    made = []
    for stage in dict.fromkeys([*given.lying, *ran]):
        run, lies = ran.get(stage, {}), given.lying.get(stage, {})
        seconds, rows = run.get("seconds"), lies.get("rows", run.get("rows"))
        on = pictures if stage in ON_PICTURES else 0
        made.append({
            "stage": stage, "seconds": seconds, "steps": run.get("steps"), "faults": run.get("faults"), "rows": rows,
            "rows_per_s": None if rows is None else share(rows, seconds or 0), "pictures_per_s": share(on, seconds or 0) if on else None,
            "size_bytes": lies.get("size_bytes"), "peak_mb": run.get("peak_rss_mb") or None,
        })  # fmt: skip
    return made
