"""OGC Moving Features JSON: each trip as MF-JSON Trajectory, and as the moving point of MF-JSON Prism."""

from collections.abc import Iterator
from typing import Any

from pipeline.exports import Format, Night, Piece
from pipeline.exports._text import objects, stamps
from pipeline.exports._trips import Trip, notes, trips

CRS = {"type": "Name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
TRS = {"type": "Name", "properties": {"name": "urn:ogc:data:time:iso8601"}}


def pieces(night: Night) -> Iterator[Piece]:
    """Write every trip as a feature."""
    found = trips(night)
    told = {"type": "FeatureCollection", "crs": CRS, "trs": TRS, **night.about, **notes(night, len(found))}
    yield Piece("trips.mf.json", len(found), objects({**told, "features": (_feature(trip) for trip in found)}))


def _feature(trip: Trip) -> dict[str, Any]:
    """Return a trip as a moving feature: a line with `datetimes`, and the same as `temporalGeometry`.

    Readers differ in which of the standard's two encodings they take. What holds for the whole trip is a list of one,
    as the Trajectory encoding asks.
    """
    places, times = trip.lonlat.tolist(), stamps(trip.at_ms)
    fixed = {name: [getattr(trip, name)] for name in ("length_m", "speed_kmh", "probability")}
    point = {"type": "MovingPoint", "datetimes": times, "coordinates": places, "interpolation": "Linear"}
    return {
        "type": "Feature",
        "id": trip.number,
        "geometry": {"type": "LineString", "coordinates": places},
        "properties": {"trip": str(trip.number), "datetimes": times, **fixed},
        "temporalGeometry": point,
    }


FORMAT = Format(
    "OGC 19-045r3, Moving Features Encoding Extension: JSON 1.0 (MF-JSON Trajectory and Prism)",
    "MovingPandas, MobilityDB, STINUUM; any reader of GeoJSON as plain lines",
    pieces,
    file="mf.json",
    singles=True,
)
