"""Write a registry as files others can read, all of them or none, and read it back."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import shapely

from pipeline import interchange
from pipeline.errors import IntegrityError, SchemaError, SettingsError, StorageError
from pipeline.interchange import FORMULA
from pipeline.registry import SCHEMA, Registry, Row
from pipeline.storage.folders import sync

CAMERAS_FILE, REJECTED_FILE = "cameras.parquet", "rejected.csv"
TEXT, WHOLE, NUMBER, TRUTH = pa.string(), pa.int64(), pa.float64(), pa.bool_()
FEEDS = pa.schema(
    [
        ("scan", TEXT), ("feed", TEXT), ("operator", TEXT), ("licence", TEXT), ("attribution", TEXT), ("terms_url", TEXT),
        ("verdict", TEXT), ("cleared", TRUTH), ("commercial", TRUTH), ("may_store_frames", TRUTH), ("permission", TEXT),
        ("timezone", TEXT), ("timestamps", TEXT), ("min_interval_s", NUMBER), ("listed_on", pa.date32()), ("cameras", WHOLE),
        ("rejected", WHOLE),
    ]
)  # fmt: skip
REJECTED = pa.schema([("scan", TEXT), ("feed", TEXT), ("native_id", TEXT), ("reason", TEXT)])
DUPLICATES = pa.schema(
    [
        ("stable_id", TEXT), ("other_id", TEXT), ("metres", NUMBER), ("names_alike", NUMBER), ("chosen", TRUTH),
        ("name", TEXT), ("other_name", TEXT), ("camera_id", TEXT), ("other_camera_id", TEXT),
    ]
)  # fmt: skip
KINDS = {pa.string(): "string", pa.float32(): "number", pa.float64(): "number", pa.bool_(): "boolean"}
LIMITS: dict[str, dict[str, Any]] = {
    "camera_id": {"pattern": "^[a-z0-9_]+:."},
    "stable_id": {"pattern": "^[a-z0-9_]+-[a-z2-7]{10}$"},
    "lon": {"minimum": -180, "maximum": 180},
    "lat": {"minimum": -90, "maximum": 90},
    "bearing_deg": {"minimum": 0, "exclusiveMaximum": 360},
    "cadence_s": {"exclusiveMinimum": 0},
    "image_url": {"pattern": "^https?://"},
    "stream_url": {"pattern": "^https?://"},
    "duplicate_of": {"pattern": "^[a-z0-9_]+-[a-z2-7]{10}$"},
}
"""What a column's type does not say."""


def write(registry: Registry, folder: Path) -> None:
    """Write a registry's files into a folder that is not there yet, or is empty: all of them, or nothing.

    Raises:
        SettingsError: something is in the folder.
        StorageError: the disk refuses.
    """
    hold_free(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as aside:
            whole = Path(aside) / "whole"
            whole.mkdir()
            for name, content in contents(registry).items():
                _keep(whole / name, content)
            sync(whole)
            whole.rename(folder)
        sync(folder.parent)
    except OSError as error:
        why = error.strerror or error
        raise StorageError(f"{folder}: cannot be written ({why}); free space or name another folder") from error


def hold_free(folder: Path) -> None:
    """Raise SettingsError where a registry cannot be written, or not without touching what is there."""
    if ":/" in str(folder):
        raise SettingsError(f"{folder}: a registry is written into a folder of this machine; copy it on from there")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SettingsError(f"{folder}: something is there already; name a new folder, such as out/cameras-2026-05-08")


def contents(registry: Registry) -> dict[str, bytes]:
    """Return the bytes of every file by its name; equal registries give equal bytes."""
    schema = json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"
    return {
        "cameras.csv": interchange.to_csv(registry.cameras),
        "cameras.schema.json": schema.encode(),
        CAMERAS_FILE: _geoparquet(registry.cameras),
        "feeds.csv": interchange.to_csv(pa.Table.from_pylist(registry.feeds, schema=FEEDS)),
        REJECTED_FILE: interchange.to_csv(pa.Table.from_pylist(registry.rejected, schema=REJECTED)),
        "duplicates.csv": interchange.to_csv(pa.Table.from_pylist(registry.duplicates, schema=DUPLICATES)),
    }


def json_schema() -> dict[str, Any]:
    """Describe a row of `cameras.csv` by JSON Schema 2020-12: numbers and truths read as such, an empty cell as null."""
    columns = {}
    for field in SCHEMA:
        kind = KINDS[field.type]
        told = {"type": [kind, "null"] if field.nullable else kind, "description": field.metadata[b"doc"].decode()}
        columns[field.name] = told | LIMITS.get(field.name, {})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A traffic camera",
        "description": "A row of cameras.csv. A text that begins like a formula has an apostrophe before it there.",
        "type": "object",
        "properties": columns,
        "required": SCHEMA.names,
        "additionalProperties": False,
    }


def _geoparquet(cameras: pa.Table) -> bytes:
    """Write cameras as GeoParquet."""
    points = shapely.points(cameras["lon"].to_numpy(), cameras["lat"].to_numpy())
    return interchange.to_geoparquet(cameras, points, "Point")


def read(folder: Path) -> pa.Table:
    """Read the cameras of a registry.

    Raises:
        SettingsError: there is none.
        IntegrityError: its file is no Parquet file.
        SchemaError: it lacks a column.
    """
    path = folder / CAMERAS_FILE
    if not path.is_file():
        raise SettingsError(
            f"{folder}: no registry there ({CAMERAS_FILE} is missing); write one with `thoroughfare cameras export SCAN --out DIR`"
        )
    try:
        with pq.ParquetFile(pa.BufferReader(path.read_bytes())) as parquet:
            rows = parquet.read()
    except (pa.ArrowInvalid, OSError) as error:
        raise IntegrityError(f"{path}: not the Parquet file it was ({error}); export the registry again") from error
    if missing := sorted(set(SCHEMA.names) - set(rows.column_names)):
        raise SchemaError(f"{path}: columns {missing} are missing; another version wrote it: export the registry again")
    return rows.select(SCHEMA.names)


def rejected(folder: Path) -> list[Row]:
    """Read the rejected rows of a registry; none where it has no such file."""
    path = folder / REJECTED_FILE
    if not path.is_file():
        return []
    texts = pa_csv.ConvertOptions(column_types=dict.fromkeys(REJECTED.names, TEXT))
    inside = pa_csv.ParseOptions(newlines_in_values=True)
    try:
        rows: list[Row] = pa_csv.read_csv(path, parse_options=inside, convert_options=texts).to_pylist()
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise IntegrityError(f"{path}: not the table it was ({error}); export the registry again") from error
    return [{name: _verbatim(value) for name, value in row.items()} for row in rows]


def _verbatim(text: str) -> str:
    """Take off the apostrophe that keeps a spreadsheet from running a text."""
    return text[1:] if text[:1] == "'" and text[1:].startswith(FORMULA) else text


def _keep(path: Path, content: bytes) -> None:
    """Write a file and bring it to disk."""
    with path.open("wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
