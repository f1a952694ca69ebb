"""A STAC item for the night: where, when, by whom and on what terms, with what it publishes as GeoParquet beside it."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from pipeline.exports import Format, Night, Piece, geoparquet, program

EXTENSIONS = [
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
    "https://stac-extensions.github.io/processing/v1.1.0/schema.json",
    "https://stac-extensions.github.io/table/v1.3.0/schema.json",
]
PARQUET = "application/vnd.apache.parquet"
SHA2_256 = "1220"
"""Multihash: SHA-256, 32 bytes."""
LINEAGE = "Vehicles found in stills of traffic cameras, followed where the cameras allow it, and counted; rows that too few vehicles stand behind are left out."


def pieces(night: Night) -> Iterator[Piece]:
    """Write the files of `geoparquet`, then the item that describes them."""
    assets = {}
    for piece in geoparquet.pieces(night):
        content = b"".join(piece.content)
        assets[piece.name.removesuffix(".parquet")] = _asset(piece, content)
        yield Piece(piece.name, piece.rows, [content])
    yield Piece("item.json", 1, [(json.dumps(item(night, assets), indent=1, ensure_ascii=False) + "\n").encode()])


def item(night: Night, assets: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Describe the night as STAC 1.1.0."""
    place = shapely.multipoints(shapely.points(*(night.cameras[axis].to_numpy() for axis in ("lon", "lat")))).envelope
    windows = night.scan.windows(night.scan_date)
    starts, ends = _stamp(windows[0].starts_at), _stamp(windows[-1].ends_at)
    licences = {each for each in night.cameras["licence"].to_pylist() if each}
    credited = sorted(set(night.cameras["attribution"].to_pylist()) - {""})
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": EXTENSIONS,
        "id": f"{night.scan.name}-{night.scan_date}",
        "geometry": json.loads(shapely.to_geojson(place)),
        "bbox": list(place.bounds),
        "properties": {
            "title": night.about["title"],
            "description": f"{LINEAGE} Attribution: {night.about['attribution']}. Licence: {night.about['licence']}.",
            "datetime": None,
            "start_datetime": starts,
            "end_datetime": ends,
            "license": _licence(licences),
            "providers": [{"name": each, "roles": ["licensor"]} for each in credited],
            "processing:level": "L3",
            "processing:lineage": LINEAGE,
            "processing:software": {"thoroughfare": program()},
        },
        "links": [{"rel": "self", "href": "./item.json", "type": "application/geo+json"}],
        "assets": assets,
    }


def _licence(licences: set[str]) -> str:
    """Name the licence as STAC does: an SPDX identifier where there is one and it is one, else `other`."""
    only = next(iter(licences)) if len(licences) == 1 else ""
    return only if only and all(letter.isalnum() or letter in "-." for letter in only) else "other"


def _stamp(moment: Any) -> str:
    """Write a time as RFC 3339."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _asset(piece: Piece, content: bytes) -> dict[str, Any]:
    """Describe one file with its columns."""
    rows = pq.read_schema(pa.BufferReader(content))
    name = piece.name.removesuffix(".parquet")
    return {
        "href": f"./{piece.name}",
        "type": PARQUET,
        "title": name.replace("_", " "),
        "roles": ["metadata" if name == "cameras" else "data"],
        "file:size": len(content),
        "file:checksum": SHA2_256 + hashlib.sha256(content).hexdigest(),
        "table:row_count": piece.rows,
        "table:primary_geometry": "geometry",
        "table:columns": [_column(field) for field in rows],
    }


def _column(field: pa.Field) -> dict[str, str]:
    """Describe one column."""
    doc = (field.metadata or {}).get(b"doc", b"").decode()
    return {"name": field.name, "type": str(field.type)} | ({"description": doc} if doc else {})


FORMAT = Format(
    "STAC 1.1.0 item with the extensions file 2.1.0, processing 1.1.0 and table 1.3.0; assets in GeoParquet 1.1.0",
    "pystac, stac-browser, stac-geoparquet, QGIS",
    pieces,
)
