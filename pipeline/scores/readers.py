"""Read truth files: COCO, identity and track lists, MOTChallenge and AI City text, our own tables."""

from pathlib import Path

from pipeline.scores.naming import Naming
from pipeline.scores.truth import Pairs, Truth


def read(path: Path, naming: Naming) -> Truth:
    """Read a truth file of any known form, told by its ending and first line.

    `.json` is COCO; `.parquet` and CSV with a header of our columns (`camera_id`, `slot_at`, `vehicle_id`, `x1_px`, ...)
    are our tables; CSV with `identity` or `track`, `camera`, `time`, `x1` .. `y2` are sparse labels; CSV without a header is
    MOTChallenge (`frame,id,x,y,w,h,...`); text apart by blanks is AI City (`camera id frame x y w h ...`). A folder is read as
    MOTChallenge sequences, one camera each (`<camera>/gt/gt.txt`).

    Raises:
        SchemaError: wrong columns, an unreadable number or time, or an unknown camera; names file and line.
    """
    raise NotImplementedError


def read_pairs(path: Path, naming: Naming) -> Pairs:
    """Read a CSV of pairs: `camera_a,time_a,ax1,ay1,ax2,ay2,camera_b,time_b,bx1,by1,bx2,by2,same`."""
    raise NotImplementedError
