"""Write the rows of an answer as they come: a table for people, CSV, JSON, GeoJSON, Parquet."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from pipeline.console import printable
from pipeline.errors import SettingsError

Shape = Callable[[dict[str, Any]], dict[str, Any] | None]
CELLS = ("cell", "zone", "first_zone")
"""Columns that hold an H3 cell, the first found."""
CAMERAS = ("camera_id", "from_camera", "first_camera")
"""Columns that hold a camera, the first found."""
CUT = 200
"""Signs of a cell that a person is shown; the other forms have all of it."""


def rows_of(answer: pa.RecordBatchReader) -> Iterator[dict[str, Any]]:
    """Yield rows one at a time."""
    for batch in answer:
        yield from batch.to_pylist()


def first(answer: pa.RecordBatchReader, most: int) -> tuple[list[dict[str, Any]], int]:
    """Return the first rows and how many come after them, which are counted and not kept."""
    shown: list[dict[str, Any]] = []
    left = 0
    for batch in answer:
        taken = batch.slice(0, most - len(shown)).to_pylist()
        shown += [{name: _short(value) for name, value in row.items()} for row in taken]
        left += batch.num_rows - len(taken)
    return shown, left


def to_csv(answer: pa.RecordBatchReader, out: IO[str]) -> None:
    """Write CSV that no spreadsheet and no terminal will run, the names of its columns included.

    A cell that begins like a formula gets an apostrophe; what does not print is written as its escape.
    """
    import csv

    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_harmless(name) for name in answer.schema.names])
    for batch in answer:
        columns = [column.to_pylist() for column in batch.columns]
        writer.writerows([_harmless(value) for value in row] for row in zip(*columns, strict=True))


def to_json(answer: pa.RecordBatchReader, out: IO[str]) -> None:
    """Write a JSON array, a row a line."""
    _array(out, "[", (json.dumps(row, default=_plain) for row in rows_of(answer)), "]\n")


def to_parquet(answer: pa.RecordBatchReader, path: Path) -> None:
    """Write one Parquet file."""
    import pyarrow.parquet as pq

    with pq.ParquetWriter(path, answer.schema, compression="zstd") as writer:
        for batch in answer:
            writer.write_batch(batch)


def to_geojson(answer: pa.RecordBatchReader, out: IO[str], places: dict[str, tuple[float, float]]) -> None:
    """Write a GeoJSON FeatureCollection (RFC 7946): a feature a row, null geometry where a row has no place.

    The shape is, in this order, that of a WKB column `geometry`, of `lon` and `lat`, of an H3 cell, of a camera.

    Args:
        answer: The rows.
        out: Where it is written.
        places: Longitude and latitude of each camera.

    Raises:
        SettingsError: no column says where a row is.
    """
    shape, used = _shape(answer.schema, places)
    features = (
        {
            "type": "Feature",
            "geometry": shape(row),
            "properties": {name: value for name, value in row.items() if name not in used},
        }
        for row in rows_of(answer)
    )
    told = (json.dumps(each, default=_plain) for each in features)
    _array(out, '{"type": "FeatureCollection", "features": [', told, "]}\n")


def _shape(schema: pa.Schema, places: dict[str, tuple[float, float]]) -> tuple[Shape, tuple[str, ...]]:
    """Return how a row's shape is found, and the columns that are the shape itself."""
    names = schema.names
    if "geometry" in names and pa.types.is_binary(schema.field("geometry").type):
        return _of_wkb, ("geometry",)
    if {"lon", "lat"} <= set(names):
        return _of_position, ()
    if cell := next((name for name in CELLS if name in names), ""):
        return lambda row: _of_cell(row[cell]), ()
    if camera := next((name for name in CAMERAS if name in names), ""):
        return lambda row: _point(places.get(row[camera])), ()
    raise SettingsError(
        f"--geojson: none of {list(names)} says where a row is; select lon and lat, a WKB geometry, an H3 cell or a camera_id"
    )


def _of_wkb(row: dict[str, Any]) -> dict[str, Any] | None:
    """Read a row's shape from its WKB."""
    import shapely

    found = shapely.from_wkb(row["geometry"])
    return None if found is None else dict(found.__geo_interface__)


def _of_position(row: dict[str, Any]) -> dict[str, Any] | None:
    """Read a row's shape from its longitude and latitude."""
    if row["lon"] is None or row["lat"] is None:
        return None
    return _point((float(row["lon"]), float(row["lat"])))


def _of_cell(cell: str | None) -> dict[str, Any] | None:
    """Draw an H3 cell; null where it is none."""
    import h3

    if cell is None or not h3.is_valid_cell(cell):
        return None
    corners = [(lon, lat) for lat, lon in h3.cell_to_boundary(cell)]
    return {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}


def _point(place: tuple[float, float] | None) -> dict[str, Any] | None:
    """Write a place; null where there is none."""
    return None if place is None else {"type": "Point", "coordinates": place}


def _array(out: IO[str], opening: str, items: Iterator[str], closing: str) -> None:
    """Write items as they come, a line each."""
    out.write(opening)
    for item in islice(items, 1):
        out.write(f"\n{item}")
    for item in items:
        out.write(f",\n{item}")
    out.write(f"\n{closing}")


def _plain(value: Any) -> Any:
    """Write a value that JSON has no kind for: decimals as numbers, times as ISO 8601 has them, bytes as hex."""
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _harmless(value: Any) -> Any:
    """Take out of a text cell what a spreadsheet or a terminal would run."""
    if isinstance(value, list | dict):
        value = json.dumps(value, default=_plain)
    if isinstance(value, bytes):
        return value.hex()
    if not isinstance(value, str):
        return value
    from pipeline.interchange import FORMULA  # beside it are shapes, half a second to import

    return printable(f"'{value}" if value.startswith(FORMULA) else value)


def _short(value: Any) -> Any:
    """Cut what no screen shows whole."""
    value = value.hex() if isinstance(value, bytes) else value
    text = str(value) if isinstance(value, str | list | dict) else ""
    return f"{text[:CUT]}... ({len(text):,} signs)" if len(text) > CUT else value
