"""Measure what compaction brings: `python -m benchmarks.compaction [LAKE]`, a folder or s3://BUCKET/PREFIX to begin anew."""

import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from statistics import median

import numpy as np
import pyarrow as pa

from pipeline import audit
from pipeline.compaction import compact
from pipeline.lake import Lake, Place
from pipeline.tables import TABLES

SHARDS, ROWS, TIMES = 200, 300, 15
"""Shards of one window (two cameras each), detections in a shard, readings of which the median is told."""
PLACE = Place("detections", date(2026, 5, 5), 12)
AT = datetime(2026, 5, 5, 12, tzinfo=UTC)


def detections(shard: int) -> pa.Table:
    """Invent the detections of a shard."""
    chance = np.random.default_rng(shard)
    boxes = chance.uniform(0, 350, (ROWS, 4)).astype("float32")
    rows = {
        "detection_id": [f"demo:{shard}@{n:05d}/0" for n in range(ROWS)],
        "frame_id": [f"demo:{shard}@{n:05d}" for n in range(ROWS)],
        "camera_id": [f"demo:{shard}"] * ROWS,
        "captured_at": [AT + timedelta(seconds=10 * n) for n in range(ROWS)],
        "label": ["car"] * ROWS,
        "score": chance.uniform(0.3, 1, ROWS).astype("float32"),
    } | {name: boxes[:, column] for column, name in enumerate(("x1_px", "y1_px", "x2_px", "y2_px"))}
    return TABLES["detections"].check(pa.table(rows))


def told(lake: Lake, when: str) -> None:
    """Print files, bytes and reading times."""
    keys = [key for key in lake.storage.keys(PLACE.folder) if key.endswith(".parquet")]
    size = sum(file.size_bytes for file in lake.files(PLACE))
    whole, part = (_median([_seconds(lake, part) for _ in range(TIMES)]) for part in (None, SHARDS // 2))
    print(
        f"{when:<24} {len(lake.files(PLACE)):>4} files read, {len(keys):>4} there, {size / 1e6:5.2f} MB read; "
        f"all rows {whole}, one part {part}"
    )


def main() -> None:
    """Write a window of many shards, compact it, expire what it was made from."""
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(sys.argv[1] if len(sys.argv) > 1 else folder, "benchmark")
        files = [lake.write(PLACE, shard, detections(shard)) for shard in range(SHARDS)]
        lake.commit(PLACE, files, {"scan_date": "2026-05-05", "inputs": {}})
        told(lake, "as the run wrote it")
        began = time.perf_counter()
        list(compact(lake))
        print(f"compacted in {time.perf_counter() - began:.2f} s")
        told(lake, "compacted")
        audit.collect(lake, datetime.now(UTC) + 2 * audit.GRACE)
        told(lake, "compacted, a day later")


def _seconds(lake: Lake, part: int | None) -> tuple[float, float]:
    """Read rows; returns seconds of this processor and of the clock, the first of which other programs do not lengthen."""
    worked, began = time.process_time(), time.perf_counter()
    rows = lake.read([PLACE], part)
    took = time.process_time() - worked, time.perf_counter() - began
    if rows.num_rows != (SHARDS * ROWS if part is None else ROWS):
        raise SystemExit(f"{lake}: {rows.num_rows} rows read of part {part}")
    return took


def _median(took: list[tuple[float, float]]) -> str:
    worked, passed = (1000 * median(times) for times in zip(*took, strict=True))
    return f"{worked:.0f} ms of processor, {passed:.0f} ms passed"


if __name__ == "__main__":
    main()
