"""Draw cameras: cameras, observability, sightings -> dots coloured by what each can honestly support."""

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.maps.layers import Layer, arrow, by_verdict, short, style
from pipeline.tables import VERDICTS

MAX_LABELS = 24
"""Names of cameras that can be read on the map at once; of more they stand in the tooltips alone."""
UNWEIGHED = ("none", "no picture of the night was weighed")
COLUMNS = ("Camera", "Supports at most", "Why not more", "Sightings")
"""What a tooltip of a camera says."""


def camera_layer(cameras: pa.Table, observability: pa.Table, sightings: pa.Table, k: int, *, radius: int = 24) -> Layer:
    """Draw cameras as dots coloured by what they can honestly support."""
    verdicts = camera_verdicts(observability)
    seen = Counter(sightings["camera_id"].to_pylist())
    named = cameras.num_rows <= MAX_LABELS
    rows = [
        {
            "Camera": row["name"], "label": short(row["name"]) if named else "", "id": row["camera_id"],
            "lat": row["lat"], "lon": row["lon"], "Sightings": told(seen[row["camera_id"]], k),
            **dict(zip(COLUMNS[1:3], verdicts.get(row["camera_id"], UNWEIGHED), strict=True)),
        }
        for row in sorted(cameras.to_pylist(), key=lambda row: str(row["camera_id"]))
    ]  # fmt: skip
    colours, swatches = by_verdict(rows, "Supports at most")
    schema = [("Camera", pa.string()), ("label", pa.string()), ("id", pa.string()), ("lat", pa.float64()), ("lon", pa.float64()),
              *((name, pa.string()) for name in COLUMNS[1:])]  # fmt: skip
    drawn = style(
        "cameras", "point", "Cameras by verdict", "#ffffff", {"lat": "lat", "lng": "lon", "altitude": None},
        {"radius": radius, "fixedRadius": False, "opacity": 0.95, "outline": True, "thickness": 2,
         "strokeColor": [8, 12, 24], "filled": True, "colorRange": colours},
        {"colorField": {"name": "Supports at most", "type": "string"}, "colorScale": "ordinal"},
        label_of="label" if named else "",
    )  # fmt: skip
    content = arrow("cameras", pa.Table.from_pylist(rows, pa.schema(schema)))
    return Layer("cameras", "Cameras", content, drawn, COLUMNS, len(rows), swatches, "supports at most")


def camera_verdicts(observability: pa.Table) -> dict[str, tuple[str, str]]:
    """Return each camera's verdict of most hours, the lower where two tie, with the reason of the first such hour."""
    alone = observability.filter(pc.equal(observability["pair_camera_id"], "")).sort_by("hour_at")
    hours: dict[str, list[tuple[str, str]]] = {}
    for row in alone.select(["camera_id", "verdict", "reason"]).to_pylist():
        hours.setdefault(row["camera_id"], []).append((row["verdict"], row["reason"]))
    chosen = {}
    for camera, weighed in hours.items():
        votes = Counter(verdict for verdict, _ in weighed)
        verdict = min(votes, key=lambda each: (-votes[each], VERDICTS.index(each)))
        chosen[camera] = (verdict, next(reason for each, reason in weighed if each == verdict))
    return chosen


def told(count: int, k: int) -> str:
    """Say a count that at least k vehicles stand behind, and of less that it is less."""
    return f"{count:,}" if count >= k else f"fewer than {k}"
