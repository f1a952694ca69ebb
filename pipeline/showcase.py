"""Show what the line makes of the built-in demo city: its scores against the truth, its map, its report."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import desk, nightly, scoring, upkeep
from pipeline.desk import Desk
from pipeline.feeds import demo as city
from pipeline.lake import Lake
from pipeline.scans import Scan
from pipeline.scores import Truth
from pipeline.storage import beside

COUNTED = ("cameras", "frames", "detections", "sightings", "transitions", "links", "trajectories")
HEADLINES = (
    ("detections", "ap50", "vehicles found, AP at IoU 0.5"),
    ("detections", "precision", "share right of the boxes kept"),
    ("detections", "recall", "share found of the vehicles from 12 px up"),
    ("tracks", "idf1", "one vehicle, one sighting (IDF1)"),
    ("links", "precision", "share right of the links between cameras"),
    ("links", "recall", "share found of the vehicles seen at two cameras"),
    ("links", "impossible", "links faster than the road allows"),
    ("links", "ece", "gap between stated and true probability"),
    ("products", "travel_time_error", "error of the median travel time by pair"),
    ("products", "flow_mape", "error of 5-minute counts by camera"),
)


def demo(scan: Scan, scan_date: date, root: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Score a finished run of the demo, write its map and report, and return everything made."""
    lake, now = Lake(root, scan.name), datetime.now(UTC)
    say("scoring against the city's truth ...")
    found = scoring.score_demo(truth(scan, scan_date, upkeep.night(lake, scan_date, "frames")), lake, scan_date)
    say("writing report and map ...")
    return {
        "lake": str(lake),
        "rows": {name: upkeep.night(lake, scan_date, name).num_rows for name in COUNTED},
        "products": {name: rows.num_rows for name, rows in upkeep.products(lake, scan_date).items()},
        "scores": found,
        "report": str(nightly.write(Desk(lake, scan, scan_date, "", now), beside(root, "report.html"), shown(found))),
        "map": str(desk.draw(lake, scan, scan_date, beside(root, "map.html"), "", now)),
        "scan_date": str(scan_date),
        "root": str(root),
    }


def truth(scan: Scan, scan_date: date, frames: pa.Table) -> Truth:
    """Return what is true of the demo: every vehicle in every planned picture that no fault hides."""
    sound = [city.fault(scan, id_.partition(":")[2], at) is None for id_, at in _pairs(frames)]
    boxes = city.truth_boxes(scan, scan_date)
    boxes = boxes.filter(pc.is_null(boxes["fault"]))
    return Truth.of(boxes, frames.select(["camera_id", "slot_at"]).filter(sound))


def _pairs(frames: pa.Table) -> list[tuple[str, datetime]]:
    """List camera and slot of each planned picture."""
    return list(zip(frames["camera_id"].to_pylist(), frames["slot_at"].to_pylist(), strict=True))


def shown(found: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Pick the scores a reader looks for first, by subject and in plain words."""
    picked: dict[str, dict[str, Any]] = {}
    for subject, name, words in HEADLINES:
        picked.setdefault(subject, {})[words] = found[subject][name]
    picked["links"]["calibration"] = found["links"]["calibration"]
    return picked


def summary(made: dict[str, Any]) -> str:
    """Say what was made, where it lies, how good it is and what to do next."""
    rows = " · ".join(f"{count:,} {name}" for name, count in made["rows"].items())
    products = " · ".join(f"{name} {count:,} rows" for name, count in made["products"].items())
    lines = [f"\nMade      {rows}", f"Products  {products}", "Scores    against the truth of the demo city:"]
    lines += [f"  {_figure(made['scores'][subject][name])}  {words}" for subject, name, words in HEADLINES]
    ask = f"--lake {made['root']}"
    return "\n".join(
        [
            *lines,
            f"Map       {made['map']}",
            f"Report    {made['report']}",
            f"Lake      {made['lake']}",
            f"Next      open the map and the report in a browser; then .venv/bin/thoroughfare sql cookbook/peak_hour_by_camera {ask}",
        ]
    )


def _figure(value: float | None) -> str:
    """Print a share with three digits, or say that there was nothing to score."""
    return "  n/a" if value is None else f"{value:5.3f}"
