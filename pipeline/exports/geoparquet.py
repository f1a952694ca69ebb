"""GeoParquet of what a night publishes: cameras, and every product with the shape of its rows."""

from collections.abc import Iterator

import pyarrow as pa
import shapely

from pipeline import interchange, query
from pipeline.exports import Format, Night, Piece, _shapes


def pieces(night: Night) -> Iterator[Piece]:
    """Write the cameras and every product that has a place."""
    points = shapely.points(night.cameras["lon"].to_numpy(), night.cameras["lat"].to_numpy())
    cameras = interchange.to_geoparquet(night.cameras, points, "Point", night.about)
    yield Piece("cameras.parquet", night.cameras.num_rows, [cameras])
    for name, rows in sorted(night.products.items()):
        if drawn := _shapes.of(rows, night.cameras):
            kind, shapes = drawn
            content = interchange.to_geoparquet(explained(name, rows), shapes, kind, night.about)
            yield Piece(f"{name}.parquet", rows.num_rows, [content])


def explained(name: str, rows: pa.Table) -> pa.Table:
    """Give the columns of a product their meaning, as its SQL states it."""
    said = query.columns(f"products/{name}") if f"products/{name}" in query.names("products") else {}
    fields = [field.with_metadata({"doc": said[field.name]}) if field.name in said else field for field in rows.schema]
    return rows.cast(pa.schema(fields))


FORMAT = Format(
    "GeoParquet 1.1.0: WKB, OGC:CRS84, a covering box for every row",
    "GeoPandas, DuckDB, QGIS and GDAL (3.5 or later, built with Arrow), pyarrow, R sfarrow",
    pieces,
)
