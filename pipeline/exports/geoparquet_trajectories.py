"""GeoParquet of single trips: a line a row, with the milliseconds since 1970 of every vertex."""

from collections.abc import Iterator

import pyarrow as pa

from pipeline import interchange
from pipeline.exports import Format, Night, Piece
from pipeline.exports._trips import notes, shapes, trips

TIME = pa.timestamp("ms", tz="UTC")
SCHEMA = pa.schema(
    [
        ("trip", pa.int64()), ("started_at", TIME), ("finished_at", TIME), ("length_m", pa.float64()),
        ("speed_kmh", pa.float64()), ("probability", pa.float64()), ("vertices_ms", pa.list_(pa.int64())),
    ]
)  # fmt: skip


def pieces(night: Night) -> Iterator[Piece]:
    """Write every trip as a row."""
    found = trips(night)
    ends = [[int(trip.at_ms[end]) for trip in found] for end in (0, -1)]
    columns = [
        pa.array([trip.number for trip in found], pa.int64()),
        *(pa.array(each, pa.int64()).cast(TIME) for each in ends),
        *(pa.array([getattr(trip, name) for trip in found], pa.float64()) for name in SCHEMA.names[3:6]),
        pa.array([trip.at_ms.tolist() for trip in found], pa.list_(pa.int64())),
    ]
    about = night.about | notes(night, len(found))
    rows = pa.table(columns, schema=SCHEMA)
    content = interchange.to_geoparquet(rows, shapes(found), "LineString", about)
    yield Piece("trajectories.parquet", len(found), [content])


FORMAT = Format(
    "GeoParquet 1.1.0: WKB LineStrings, OGC:CRS84, a covering box for every row",
    "GeoPandas, DuckDB, QGIS and GDAL (3.5 or later, built with Arrow), pyarrow",
    pieces,
    file="parquet",
    singles=True,
)
