"""Send plates and faces through the whole line, and read everything that it leaves for any of them."""

import tempfile
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pipeline import clusters, database, desk, exports, nightly, proof, runner
from pipeline.desk import Desk
from pipeline.lake import Lake
from pipeline.privacy.canaries import Reader, control, plan, planted, read_files
from pipeline.scans import Scan

FORMAT = "geoparquet"


def survey(scan: Scan, night: date, now: datetime, plates: int = 1000, faces: int = 500) -> dict[str, Any]:
    """Run a night of the demo city with canaries in its pictures, in a folder of its own, and read all that is there then.

    Tables, quarantine, records, database, report, maps and an export are read; the folder goes afterwards.

    Args:
        scan: The demo's scan.
        night: Its night.
        now: What the pages say.
        plates: Plates to draw, each on a vehicle in a picture.
        faces: Faces to draw, each in a picture.

    Returns:
        `plates`, `faces` drawn; `files`, `pictures` read; `plates_read`, `faces_found` in them; `in_pictures`, the share
        that the same reader reads in the pictures themselves, and `in_crops`, in what the encoder is given of them;
        `detections`, `sightings` and `held` (pictures quarantined) that the night has.
    """
    canaries = plan(scan, night, plates, faces)
    kinds = [each.kind for each in canaries]
    told = {"plates": kinds.count("plate"), "faces": kinds.count("face")} | control(canaries, scan)
    with tempfile.TemporaryDirectory(prefix="thoroughfare-canaries-") as folder:
        lake = Lake(folder, scan.name)
        with planted(canaries), clusters.spread(0, "") as jobs:
            steps = runner.Night(scan, night, lake, jobs).run()
        _publish(scan, night, lake, Path(folder), now)
        found = read_files(Path(folder), Reader(canaries))
        left = proof.search(lake, now)
    rows = {step.table: 0 for step in steps}
    for step in steps:
        rows[step.table] += step.rows or 0
    pixels = {"jpeg_found": left.count("picture"), "sentinel_vectors_found": left.count("vector")}
    return told | asdict(found) | pixels | {name: rows.get(name, 0) for name in ("frames", "detections", "sightings")}


def _publish(scan: Scan, night: date, lake: Lake, folder: Path, now: datetime) -> None:
    """Write everything that a reader of the night is given."""
    database.keep(lake, scan)
    asked = Desk(lake, scan, night, "", now)
    nightly.write(asked, folder / "report.html")
    desk.draw(lake, scan, night, folder / "map.html", "", now)
    exports.write(FORMAT, exports.Night(lake, scan, night), folder / FORMAT, purpose="", now=now)
