"""List Finland's road weather cameras: every preset of a station is a view of its own, about every ten minutes."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from pipeline.errors import FeedError
from pipeline.feeds import Camera, Due, Gone, Listing, Picture
from pipeline.feeds._asking import Once, Source, listed
from pipeline.feeds._lists import gather, readings, records
from pipeline.feeds._past import NO_HISTORY, Taken, read, recall, split
from pipeline.feeds._rows import Row, UnfitError
from pipeline.feeds._web import sweep, web
from pipeline.scans import Scan

BOUNDS = (19.0, 59.3, 31.7, 70.2)
STATIONS = "https://tie.digitraffic.fi/api/weathercam/v1/stations"
MEDIA = "https://weathercam.digitraffic.fi/"
STATION_ID = 6
"""Characters of a preset's id that are its station's."""
AGREES = timedelta(minutes=1)
"""A measured time further from Last-Modified is that of another picture: a new one came between the two answers."""


def parse(content: bytes) -> Listing:
    """Read the presets of an answer's stations; FeedError names what is not as it was."""
    stations = records("digitraffic_fi", content, "features")
    return gather("digitraffic_fi", stations, _native_id, _camera, BOUNDS, lambda row: row.views("properties.presets"))


def measured(content: bytes) -> dict[str, datetime]:
    """Tell when the newest picture of each preset was taken, UTC; a preset may have none. FeedError as in `parse`."""
    stations = records("digitraffic_fi", content, "stations")
    times = dict(readings("digitraffic_fi", stations, _time, lambda row: row.rows("presets")))
    if not any(times.values()):
        raise FeedError(
            "feed digitraffic_fi: no preset of its answer has the field measuredTime; see docs/feeds/digitraffic_fi.md"
        )
    return {preset: at for preset, at in times.items() if at}


def history(content: bytes) -> dict[str, list[Taken]]:
    """Tell which pictures of a station's presets are still there; FeedError as in `parse`."""
    known: dict[str, list[Taken]] = {}
    presets = records("digitraffic_fi", content, "presets")
    for preset, taken in readings("digitraffic_fi", presets, _taken, lambda row: row.views("history")):
        known.setdefault(preset, []).append(taken)
    return known


def pictures(source: Source, scan: Scan, due: Due, patience_s: float, seen: dict[str, Any]) -> list[Picture]:
    """Ask for the pictures, then, once for all that are due, when they were taken."""
    came = sweep(source, scan, due, patience_s, seen)
    if not any(each.jpeg for each in came):
        return came
    times = _measured(
        (scan.source, due[0][1]), lambda: read(lambda: measured(listed(source, scan, f"{STATIONS}/data")))
    )
    told = {} if isinstance(times, Picture) else times
    return [_dated(each, told.get(camera.native_id)) for each, (camera, _) in zip(came, due, strict=True)]


def past(source: Source, scan: Scan, gone: Sequence[Gone], patience_s: float) -> list[Picture]:
    """Ask for each station's history, then for the pictures that it names."""
    until = time.monotonic() + patience_s
    ask = partial(_history, source, scan, until, gone[-1].slot)
    histories, faults = split({_station(each.camera) for each in gone}, ask)
    known = {preset: taken for station in histories.values() for preset, taken in station.items()}
    came = recall(source, scan, gone, known, until)
    return [faults.get(_station(each.camera)) or picture for each, picture in zip(gone, came, strict=True)]


_measured: Once[dict[str, datetime] | Picture] = Once()
_histories: Once[dict[str, list[Taken]] | Picture] = Once()


def _history(
    source: Source, scan: Scan, until: float, newest: datetime, station: str
) -> dict[str, list[Taken]] | Picture:
    """Ask for the history of a station's presets, once for all whose newest slot is the same."""
    url = f"{STATIONS}/{quote(station)}/history"
    return _histories(
        (scan.source, url, newest), lambda: read(lambda: history(listed(source, scan, url, until)), NO_HISTORY)
    )


def _station(camera: Camera) -> str:
    """Return the id of a preset's station."""
    return camera.native_id[:STATION_ID]


def _time(preset: Row) -> tuple[str, datetime | None]:
    """Return a preset and when its newest picture was taken."""
    return preset.native("id"), preset.moment("measuredTime") if preset.maybe("measuredTime") else None


def _taken(row: Row) -> tuple[str, Taken]:
    """Return a preset and one of its pictures of the past."""
    return row.native("site.id"), Taken(row.moment("view.lastModified"), row.address("view.imageUrl", MEDIA))


def _dated(picture: Picture, measured_at: datetime | None) -> Picture:
    """Give a picture the time that the feed measured, where that is of this picture."""
    if picture.jpeg is None or measured_at is None:
        return picture
    stored_at = picture.captured_at or picture.arrived_at
    late = stored_at is None or measured_at > stored_at + AGREES
    if late or (picture.captured_at and measured_at < picture.captured_at - AGREES):
        return picture
    return replace(picture, captured_at=measured_at, captured_at_source="feed")


def _native_id(row: Row) -> str:
    """Return a preset's id, which names its station and its view."""
    return row.native("view.id")


def _camera(row: Row) -> Camera:
    """Build the camera of a preset; the list does not tell where it looks."""
    status = row.name("site.properties.collectionStatus")
    if status != "GATHERING":
        raise UnfitError(f"out of service: collectionStatus is {status}")
    if not row.flag("view.inCollection"):
        raise UnfitError("out of service: inCollection is false")
    lon, lat = row.point("site.geometry")
    return Camera(
        native_id=_native_id(row),
        name=row.name("site.properties.name"),
        lon=lon,
        lat=lat,
        image_url=f"{MEDIA}{quote(_native_id(row))}.jpg",
        site=row.label("site.properties.id"),
        view=_native_id(row).removeprefix(row.label("site.properties.id")),
    )


FEED = web(
    operator="Fintraffic",
    licence="CC-BY-4.0",
    attribution="Source: Fintraffic / digitraffic.fi, license CC 4.0 BY",
    terms_url="https://www.digitraffic.fi/en/terms-of-service/",
    commercial=True,
    may_store_frames=False,
    cleared=True,
    min_interval_s=600.0,
    timestamps="/stations/data and /history tell when each picture was measured; Last-Modified, when it was stored, where they cannot be read",
    timezone="Europe/Helsinki",
    metric_crs="EPSG:3067",
    cadence_s=600.0,
    requests_per_minute=None,
    hosts=("https://tie.digitraffic.fi", "https://weathercam.digitraffic.fi"),
    bounds=BOUNDS,
    lists=(STATIONS,),
    parse=parse,
    headers={"Accept": "application/json", "Accept-Encoding": "gzip", "Digitraffic-User": "Thoroughfare"},
    times="last_modified",
    pictures=pictures,
    past=past,
    history_s=24 * 3600.0,
    history_step_s=600.0,
)
