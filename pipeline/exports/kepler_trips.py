"""kepler.gl trips as GeoJSON: lines of [lon, lat, altitude, time]."""

from collections.abc import Iterator
from typing import Any

from pipeline.exports import Format, Night, Piece
from pipeline.exports._text import objects
from pipeline.exports._trips import Trip, notes, trips


def pieces(night: Night) -> Iterator[Piece]:
    """Write every trip as a feature that kepler.gl animates."""
    found = trips(night)
    told = {"type": "FeatureCollection", **night.about, **notes(night, len(found))}
    yield Piece("trips.geojson", len(found), objects({**told, "features": (_feature(trip) for trip in found)}))


def _feature(trip: Trip) -> dict[str, Any]:
    """Return a trip as GeoJSON; its times are milliseconds since 1970."""
    line = [[lon, lat, 0, at] for (lon, lat), at in zip(trip.lonlat.tolist(), trip.at_ms.tolist(), strict=True)]
    told = {name: getattr(trip, name) for name in ("length_m", "speed_kmh", "probability")}
    return {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": line},
        "properties": {"trip": trip.number, **told},
    }


FORMAT = Format(
    "GeoJSON (RFC 7946) as kepler.gl 3 reads trips: the fourth ordinate is the time in milliseconds",
    "kepler.gl, deck.gl TripsLayer; QGIS and others as plain lines",
    pieces,
    file="geojson",
    singles=True,
)
