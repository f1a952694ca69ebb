"""Write tables in forms that others open: CSV that no spreadsheet runs, GeoParquet 1.1."""

from collections.abc import Mapping
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from pipeline import geo

FORMULA = tuple("=+-@\t\r\n＝＋－＠")
"""First characters that a spreadsheet would run."""
CORNERS = ("xmin", "ymin", "xmax", "ymax")


def to_csv(rows: pa.Table) -> bytes:
    """Write rows as CSV in UTF-8 that no spreadsheet will run: a text that begins like a formula gets an apostrophe."""
    for number, field in enumerate(rows.schema):
        if field.type == pa.string():
            column = rows.column(number)
            formula = reduce(pc.or_, (pc.starts_with(column, pattern=sign) for sign in FORMULA))
            safe = pc.if_else(formula, pc.binary_join_element_wise("'", column, ""), column)
            rows = rows.set_column(number, field, safe)
    sink = pa.BufferOutputStream()
    pa_csv.write_csv(rows, sink, pa_csv.WriteOptions(quoting_style="needed"))
    return bytes(sink.getvalue().to_pybytes())


def to_geoparquet(
    rows: pa.Table, shapes: NDArray[np.object_], kind: str, about: Mapping[str, str] | None = None
) -> bytes:
    """Write rows as GeoParquet 1.1: WKB in OGC:CRS84 with a box to choose rows by.

    Args:
        rows: Without `geometry` and `bbox`, which are put behind its columns.
        shapes: A shapely geometry for each row, degrees WGS 84; None where there is none.
        kind: What all of them are: `Point`, `LineString` or `Polygon`.
        about: More to say in the file's metadata, such as its licence.
    """
    bounds = shapely.bounds(shapes).reshape(-1, 4)
    there = ~np.isnan(bounds[:, 0])
    corners = [pa.array(axis, from_pandas=True) for axis in bounds.T]
    box = pa.StructArray.from_arrays(corners, names=list(CORNERS))
    wkb = pa.array(shapely.to_wkb(shapes, byte_order=1).tolist(), pa.binary())
    rows = rows.append_column("geometry", wkb).append_column("bbox", box)
    low, high = bounds[there, :2], bounds[there, 2:]
    ends = [*low.min(axis=0).tolist(), *high.max(axis=0).tolist()] if there.any() else []
    told = geo.geoparquet(rows, kind, ends)
    told = told.replace_schema_metadata({**told.schema.metadata, **(about or {})})
    sink = pa.BufferOutputStream()
    pq.write_table(told, sink, compression="zstd", version="2.6")
    return bytes(sink.getvalue().to_pybytes())
