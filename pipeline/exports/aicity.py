"""AI City text: the tracks of all cameras in one file, with places and clocks beside it."""

from collections.abc import Iterator

import pyarrow as pa

from pipeline import interchange
from pipeline.exports import Format, Night, Piece
from pipeline.exports._boxes import Tracked, tracked
from pipeline.exports.motchallenge import clocks


def pieces(night: Night) -> Iterator[Piece]:
    """Write `camera id frame left top width height -1 -1` of every box; an id is one vehicle at one camera."""
    found = tracked(night)
    total = sum(each.rows.num_rows for each in found)
    yield Piece("tracks.txt", total, (_lines(each) for each in found))
    yield Piece("clocks.csv", len(found), [clocks(found)])
    places = {row["camera_id"]: row for row in night.cameras.select(["camera_id", "lat", "lon"]).to_pylist()}
    there = [{"camera": each.name, **{axis: places[each.camera_id][axis] for axis in ("lat", "lon")}} for each in found]
    schema = pa.schema([("camera", pa.string()), ("lat", pa.float64()), ("lon", pa.float64())])
    yield Piece("cameras.csv", len(found), [interchange.to_csv(pa.Table.from_pylist(there, schema=schema))])


def _lines(one: Tracked) -> bytes:
    """Write the boxes of one camera."""
    columns = ("track", "frame", "left", "top", "width", "height")
    rows = zip(*(one.rows[name].to_pylist() for name in columns), strict=True)
    return "".join(f"{one.name} {' '.join(f'{each:g}' if isinstance(each, float) else str(each) for each in row)} -1 -1\n" for row in rows).encode()  # fmt: skip


FORMAT = Format(
    "AI City Challenge, multi-camera track: `camera id frame left top width height -1 -1`",
    "`thoroughfare link-tracks`, `thoroughfare score`, the challenge's own scorer",
    pieces,
)
