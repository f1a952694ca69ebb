"""kepler.gl trips as a table: a row for every vertex, for a Trip layer of columns."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from pipeline import interchange
from pipeline.exports import Format, Night, Piece
from pipeline.exports._text import stamps
from pipeline.exports._trips import trips

SCHEMA = pa.schema(
    [("id", pa.int64()), ("lat", pa.float64()), ("lng", pa.float64()), ("altitude", pa.int64()), ("timestamp", pa.string())]
)  # fmt: skip


def pieces(night: Night) -> Iterator[Piece]:
    """Write every vertex of every trip as a row of `id,lat,lng,altitude,timestamp`."""
    found = trips(night)
    number = np.repeat([trip.number for trip in found], [len(trip.at_ms) for trip in found]).astype(np.int64)
    places = np.concatenate([np.empty((0, 2)), *(trip.lonlat for trip in found)])
    at = stamps(np.concatenate([np.empty(0, np.int64), *(trip.at_ms for trip in found)]))
    rows = pa.table([number, places[:, 1], places[:, 0], np.zeros(len(number), np.int64), at], schema=SCHEMA)
    yield Piece("trips.csv", len(found), [interchange.to_csv(rows)])


FORMAT = Format(
    "CSV with the columns that a Trip layer of kepler.gl 3.1 takes from a table",
    "kepler.gl (Trip layer, columns), pandas, any spreadsheet",
    pieces,
    singles=True,
)
