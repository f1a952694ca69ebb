"""Read `cameras.csv`, leaving out and naming every row that cannot be right."""

import csv
import io
import logging
import math
from collections.abc import Container, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from pyproj import CRS
from pyproj.exceptions import CRSError

from pipeline import geo
from pipeline.errors import FeedError
from pipeline.feeds import Camera, Listing, Rejected

LIMIT_BYTES = 20 * 2**20
"""No camera list is longer."""
ID_LIMIT = 100
"""Characters of a camera's id; it names a folder."""
MARGIN_DEG = 6.0
"""How far outside the area of use of the scan's metric CRS a camera may stand."""
COLUMNS = {"id": ("camera", "camera_id", "id"), "lat": ("lat", "latitude"), "lon": ("lon", "longitude")}
"""Needed columns by what they may be called."""
OPTIONAL = ("name", "facing", "bearing_deg", "road", "cadence_s")
log = logging.getLogger("thoroughfare")


@lru_cache(maxsize=16)
def read(path: Path, metric_crs: str, _changed_ns: int, size: int) -> Listing:
    """Read the cameras of a list by native id; rows that cannot be right are logged once and rejected.

    Raises:
        FeedError: the file is too long, not UTF-8 text, lacks a needed column, or holds no row that can be right.
    """
    if size > LIMIT_BYTES:
        raise FeedError(f"{path}: {size} bytes are more than a camera list has; give one row per camera")
    found: dict[str, Camera] = {}
    rejected = []
    for line, row in _rows(path):
        try:
            camera = _camera(row, metric_crs, found)
        except ValueError as error:
            log.warning("%s line %d: left out: %s", path, line, error)
            rejected.append(Rejected(row["id"] or f"line {line}", f"line {line}: {error}"))
            continue
        found[camera.native_id] = camera
    if not found:
        raise FeedError(
            f"{path}: no row describes a camera; write camera, lat, lon in degrees WGS 84 inside {metric_crs}"
        )
    return Listing([found[native_id] for native_id in sorted(found)], rejected)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row by line number, its columns under the names of `COLUMNS` and `OPTIONAL`."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        chosen = _columns(path, reader.fieldnames or ())
        for row in reader:
            yield reader.line_num, {key: (row.get(name) or "").strip() for key, name in chosen.items()}
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise FeedError(f"{path}: not a readable CSV file: {error}; save it as UTF-8 with commas") from error


def _columns(path: Path, header: Sequence[str]) -> dict[str, str]:
    """Find the columns that are read, by what they mean; FeedError names a needed one that is not there."""
    names = {name.strip().lower(): name for name in header}
    found = {key: next((names[each] for each in known if each in names), None) for key, known in COLUMNS.items()}
    if missing := [" or ".join(COLUMNS[key]) for key, name in found.items() if name is None]:
        raise FeedError(f"{path}: column {', '.join(missing)} is missing; its columns are {sorted(names)}")
    needed = {key: name for key, name in found.items() if name is not None}
    return needed | {key: names[key] for key in OPTIONAL if key in names}


def _camera(row: dict[str, str], metric_crs: str, taken: Container[str]) -> Camera:
    """Build a camera from a row; ValueError says what cannot be right."""
    lon, lat = _place(row["lon"], row["lat"], metric_crs)
    native_id = _checked_id(row["id"])
    if native_id in taken:
        raise ValueError(f"camera {native_id!r} is there twice; the first stands")
    return Camera(
        native_id=native_id,
        name=row.get("name") or native_id,
        lon=lon,
        lat=lat,
        **_bearing(native_id, row),
        road=row.get("road") or None,
        cadence_s=_cadence(native_id, row.get("cadence_s") or ""),
    )


def _checked_id(native_id: str) -> str:
    """Return an id that can name one folder and nothing above it."""
    if not native_id or native_id in (".", "..") or len(native_id) > ID_LIMIT:
        raise ValueError(
            f"camera id {native_id[:20]!r} is empty, a dot or longer than {ID_LIMIT}; name its folder of frames"
        )
    if not native_id.isprintable() or set(native_id) & set("/\\"):
        raise ValueError(f"camera id {native_id!r} leads out of frames/; name a folder in it")
    return native_id


def _place(lon_text: str, lat_text: str, metric_crs: str) -> tuple[float, float]:
    """Return lon, lat in degrees; ValueError where they are no place, or not one near the scan's metric CRS."""
    try:
        lon, lat = float(lon_text), float(lat_text)
    except ValueError as error:
        raise ValueError(
            f"lat {lat_text!r}, lon {lon_text!r} are no numbers; write degrees such as 40.71, -73.97"
        ) from error
    if not (math.isfinite(lon) and math.isfinite(lat)) or (lon, lat) == (0.0, 0.0):
        raise ValueError(f"lat {lat_text}, lon {lon_text} is no place; write degrees such as 40.71, -73.97")
    if not _inside(lon, lat, metric_crs):
        hint = "they look swapped" if _inside(lat, lon, metric_crs) else "mend them or the scan's metric_crs"
        raise ValueError(f"lat {lat}, lon {lon} lies outside the area of {metric_crs}; {hint}")
    return lon, lat


def _inside(lon: float, lat: float, metric_crs: str) -> bool:
    """Tell whether a point is on the globe and within `MARGIN_DEG` of the area the CRS is made for."""
    west, south, east, north = _area(metric_crs)
    across = (lon - west + MARGIN_DEG) % 360.0 <= min((east - west) % 360.0 or 360.0, 360.0) + 2 * MARGIN_DEG
    return abs(lon) <= 180 and abs(lat) <= 90 and across and south - MARGIN_DEG <= lat <= north + MARGIN_DEG


@lru_cache(maxsize=16)
def _area(metric_crs: str) -> tuple[float, float, float, float]:
    """Return west, south, east, north of a CRS's area of use, degrees; the globe where it has none."""
    try:
        area = CRS.from_user_input(metric_crs).area_of_use
    except CRSError as error:
        raise FeedError(
            f"metric_crs {metric_crs!r} is no coordinate system: {error}; use one such as EPSG:32618"
        ) from error
    return (area.west, area.south, area.east, area.north) if area else (-180.0, -90.0, 180.0, 90.0)


def _bearing(native_id: str, row: dict[str, str]) -> dict[str, Any]:
    """Return where a camera looks and the column that says so; degrees stand before a compass point."""
    column = next((name for name in ("bearing_deg", "facing") if row.get(name)), "")
    degrees = _facing(native_id, row.get(column, ""))
    return {
        "bearing_deg": degrees,
        "bearing_source": "" if degrees is None else f"{column}: {row[column]}",
    }


def _facing(native_id: str, text: str) -> float | None:
    """Return the bearing of a compass point or of degrees; None, and said, where it is neither."""
    if not text:
        return None
    try:
        degrees = float(text)
    except ValueError:
        degrees = _compass(text)
    if math.isfinite(degrees) and -360 <= degrees <= 360:
        return degrees % 360.0
    log.warning("camera %r: facing %r is neither a compass point nor degrees; taken as unknown", native_id, text)
    return None


def _compass(text: str) -> float:
    """Return the bearing of a compass point, NaN where it is none."""
    try:
        return geo.bearing(text)
    except ValueError:
        return math.nan


def _cadence(native_id: str, text: str) -> float | None:
    """Return seconds between pictures; None, and said, where the text is no such number."""
    try:
        seconds = float(text or "nan")
    except ValueError:
        seconds = -1.0
    if math.isnan(seconds) and text.lower() in ("", "nan"):
        return None
    if 0 < seconds < math.inf:
        return seconds
    log.warning("camera %r: cadence_s %r is no number of seconds; read off the frames instead", native_id, text)
    return None
