"""Frictionless Data Package: what a night publishes as CSV, and `datapackage.json` that says what every column means."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.types as kinds

from pipeline import feeds, interchange, query
from pipeline.errors import FeedNotFoundError
from pipeline.exports import Format, Night, Piece
from pipeline.exports._text import timed
from pipeline.exports.geoparquet import explained
from pipeline.schemas import Table
from pipeline.tables import TABLES

PUBLISHED = ("cameras", "observability")
"""Tables kept for ever that show no vehicle and hold no bytes."""
MISSING = [""]


def pieces(night: Night) -> Iterator[Piece]:
    """Write a CSV for every published table and product, and the description of them all."""
    resources = []
    for name, rows in _published(night):
        content = interchange.to_csv(timed(rows))
        resources.append(_resource(name, rows, len(content)))
        yield Piece(f"{name}.csv", rows.num_rows, [content])
    told = _package(night, resources)
    yield Piece("datapackage.json", len(resources), [(json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode()])


def schema(name: str, rows: pa.Schema) -> dict[str, Any]:
    """Describe the columns of a table or product by Table Schema."""
    table: Table | None = TABLES.get(name)
    told: dict[str, Any] = {"fields": [_field(each, table) for each in rows], "missingValues": MISSING}
    return told | ({"primaryKey": list(table.key)} if table and not _may_be_empty(table) else {})


def _may_be_empty(table: Table) -> bool:
    """Tell whether a column of a key may be an empty text, which a package reads as missing."""
    return "pair_camera_id" in table.key


def _published(night: Night) -> Iterator[tuple[str, pa.Table]]:
    """Yield every published table and product by its name."""
    for name in PUBLISHED:
        yield name, night.table(name)
    for name, rows in sorted(night.products.items()):
        yield name, explained(name, rows)


def _field(field: pa.Field, table: Table | None) -> dict[str, Any]:
    """Describe a column."""
    told = {"name": field.name, "type": _type(field.type)}
    if doc := (field.metadata or {}).get(b"doc"):
        told["description"] = doc.decode()
    required = table is not None and not field.nullable and field.type != pa.string()
    return told | ({"constraints": {"required": True}} if required else {})


def _type(kind: pa.DataType) -> str:
    """Name an Arrow type as Table Schema does."""
    if kinds.is_boolean(kind):
        return "boolean"
    if kinds.is_integer(kind):
        return "integer"
    if kinds.is_floating(kind) or kinds.is_decimal(kind):
        return "number"
    if kinds.is_timestamp(kind):
        return "datetime" if kind.tz else "string"
    return "date" if kinds.is_date(kind) else "string"


def _resource(name: str, rows: pa.Table, size_bytes: int) -> dict[str, Any]:
    """Describe a file."""
    sql = f"products/{name}"
    grain = (
        TABLES[name].grain if name in TABLES else ", ".join(query.header(sql)["grain"]) if sql in query.names() else ""
    )
    return {
        "name": name,
        "path": f"{name}.csv",
        "title": name.replace("_", " "),
        "description": f"One row is {grain}." if grain else f"The product {name}.",
        "type": "table",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": size_bytes,
        "schema": schema(name, rows.schema),
    }


def _package(night: Night, resources: list[dict[str, Any]]) -> dict[str, Any]:
    """Describe the package: licences and sources as the cameras and their feed state them."""
    address = _terms(night)
    licences = sorted(set(night.cameras["licence"].to_pylist()) - {""})
    credited = sorted(set(night.cameras["attribution"].to_pylist()) - {""})
    link = {"path": address} if address else {}
    told: dict[str, Any] = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": re.sub(r"[^a-z0-9._-]+", "-", f"{night.scan.name}-{night.scan_date}".lower()),
        "title": night.about["title"],
        "description": (
            f"Anonymous movement from traffic cameras. Behind every row of a product stand {night.scan.k} vehicles or "
            "more (`support`). A text that begins like a formula has an apostrophe before it."
        ),
        "version": str(night.scan_date),
        "contributors": [{"title": night.about["made_with"], "roles": ["creator"]}],
    }
    if licences:
        told["licenses"] = [{"name": _slug(each), "title": each, **link} for each in licences]
    if credited:
        told["sources"] = [{"title": each, **link} for each in credited]
    return told | {"resources": resources}


def _terms(night: Night) -> str:
    """Return the address of the feed's terms; empty where it is no feed of ours or has none."""
    try:
        address = str(feeds.terms(night.scan)["terms_url"])
    except FeedNotFoundError:
        return ""
    return address if address.startswith(("http://", "https://")) else ""


def _slug(licence: str) -> str:
    """Write a licence as an identifier."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", licence).strip("-") or "other"


FORMAT = Format(
    "Data Package 2.0 and Table Schema 2.0 (datapackage.org)",
    "frictionless, Datasette, CKAN, R and spreadsheets (each file is CSV)",
    pieces,
)
