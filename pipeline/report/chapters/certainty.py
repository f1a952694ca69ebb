"""Tell how sure the links are, what was left unlinked, and whether stated chances came true: links, scores -> facts."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.report.chapters.coverage import LINKING, counted, usual
from pipeline.report.given import Facts, Given, Rows
from pipeline.report.words import cut, share, veiled

MAX_PAIRS, BINS = 40, 20
CLOSE = 0.5
"""A link whose best rival has this share of its own probability or more might as well have been the other."""


def facts(given: Given) -> Facts:
    """Give how probable links are, how many passings were left alone, what pairs carry, and the calibration."""
    links = given.table("links")
    stated = links["probability"].to_numpy()
    counts, edges = np.histogram(stated, bins=BINS, range=(0.0, 1.0))
    rivals = links["runner_up"].to_numpy() >= CLOSE * stated
    known = [name for name in ("links", "sightings", "transitions") if name in given.gone]
    pairs = _pairs(given)
    return {
        "links": None if "links" in given.gone else links.num_rows,
        "mean_probability": round(float(stated.mean()), 4) if len(stated) else None,
        "expected_right": round(float(stated.sum()), 1) if len(stated) else None,
        "close_rivals": int(rivals.sum()) if len(stated) else None,
        "histogram": {"edges": [round(float(edge), 3) for edge in edges], "links": counts.tolist()},
        "abstained": None if known else abstained(given),
        "pairs": cut([row for row in pairs if not row["idle"]], MAX_PAIRS, "pairs"),
        "idle_pairs": sum(row["idle"] for row in pairs),
        "calibration": _calibration(given),
    }


def abstained(given: Given) -> Facts:
    """Count passings from which a road leads to another camera, and those left without a partner there."""
    sightings, transitions = given.table("sightings"), given.table("transitions")
    leading = transitions.select(["from_camera", "heading"]).group_by(["from_camera", "heading"]).aggregate([])
    moving = sightings.select(["sighting_id", "camera_id", "heading", "motion"])
    moving = moving.filter(pc.not_equal(moving["motion"], "parked"))
    could = moving.join(leading, ["camera_id", "heading"], ["from_camera", "heading"], "left semi")
    linked = pc.is_in(could["sighting_id"], value_set=given.table("links")["query_id"].combine_chunks())
    alone = could.num_rows - (pc.sum(linked).as_py() or 0)
    return {"could": could.num_rows, "alone": alone, "share": share(alone, could.num_rows)}


def _pairs(given: Given) -> Rows:
    """List what each directed pair of cameras supports and how many links it has (veiled below k), the most linked first."""
    linked = counted(_ends(given.table("sightings"), given.table("links")), "from_camera", "to_camera")
    rows = []
    for (a, b), row in sorted(usual(given.table("observability")).items()):
        if b:
            count = linked[a, b]
            rows.append({
                "from_camera": a, "to_camera": b, "from": given.names.get(a, a), "to": given.names.get(b, b), "verdict": row["verdict"],
                "reason": row["reason"], "p_pair": row["p_pair"], "links": veiled(count, given.scan.k),
                "idle": not count and row["verdict"] in LINKING, "rank": -count,
            })  # fmt: skip
    rows.sort(key=lambda row: (row["rank"], row["from_camera"], row["to_camera"]))
    return [{name: value for name, value in row.items() if name != "rank"} for row in rows]


def _ends(sightings: pa.Table, links: pa.Table) -> pa.Table:
    """Name the two cameras of each link."""
    where = sightings.select(["sighting_id", "camera_id"])
    ends = links.select(["query_id", "gallery_id"])
    for key, name in (("query_id", "from_camera"), ("gallery_id", "to_camera")):
        ends = ends.join(where.rename_columns(["sighting_id", name]), key, "sighting_id")
    return ends


def _calibration(given: Given) -> Facts | None:
    """Give what was stated and what came true, where the truth is known."""
    told: dict[str, Any] | None = given.scores.get("links", {}).get("calibration")
    if not told or not told["n"]:
        return None
    return {name: told.get(name) for name in ("ece", "ece_low", "ece_high", "stated", "came_true", "n")}
