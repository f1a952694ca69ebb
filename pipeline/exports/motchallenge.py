"""MOTChallenge sequences: a folder a camera, with the boxes of its tracks."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from pipeline import interchange
from pipeline.exports import Format, Night, Piece
from pipeline.exports._boxes import Tracked, tracked

SEQUENCE = "[Sequence]\nname={name}\nimDir=img1\nframeRate={rate:g}\nseqLength={frames}\nimWidth={width}\nimHeight={height}\nimExt=.jpg\n"


def pieces(night: Night) -> Iterator[Piece]:
    """Write each camera's tracks as `frame,id,left,top,width,height,1,-1,-1,-1`, and what its sequence is."""
    for each in tracked(night):
        yield Piece(f"{each.name}/gt/gt.txt", each.rows.num_rows, [_lines(each.rows)])
        width, height = each.size_px
        told = SEQUENCE.format(name=each.name, rate=each.frame_rate, frames=each.frames, width=width, height=height)
        yield Piece(f"{each.name}/seqinfo.ini", 1, [told.encode()])


def _lines(rows: pa.Table) -> bytes:
    """Write boxes; the 1 says that each counts, the -1 that nothing is known in the world."""
    if not rows.num_rows:
        return b""
    more = [pa.array(np.full(rows.num_rows, value)) for value in (1, -1, -1, -1)]
    wide = pa.table([*rows.columns, *more], names=[*rows.column_names, "counts", "x", "y", "z"])
    return interchange.to_csv(wide).partition(b"\n")[2]


def clocks(found: list[Tracked]) -> bytes:
    """Write what the cameras are called and how fast their frames follow, as `score --known-as` reads it."""
    columns = {
        "name": [each.name for each in found],
        "camera": ["" if each.camera_id.endswith(f":{each.name}") else each.camera_id for each in found],
        "starts_s": [each.starts_s for each in found],
        "frame_rate": [each.frame_rate for each in found],
    }
    head, line, rows = interchange.to_csv(pa.table(columns)).partition(b"\n")
    return head.replace(b'"', b"") + line + rows


FORMAT = Format(
    "MOTChallenge 2D MOT 2015 text, one sequence a camera",
    "TrackEval, motmetrics, `thoroughfare link-tracks`, `thoroughfare score tracks`",
    pieces,
)
