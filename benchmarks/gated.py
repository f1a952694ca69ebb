"""Find the most alike sighting inside a gate of time, in several ways."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
FLOOR_S, HOUR_S = 30.0, 3600.0
BLOCK = 256
"""Queries that numpy and FAISS compare at once."""
GROUP = 10_000
"""Rows of a row group, as in the lake."""
Answer = tuple[Ints, NDArray[np.float32]]


@dataclass(frozen=True)
class Size:
    """How much is compared."""

    sightings: int = 1_000_000
    cameras: int = 200
    candidates: int = 60
    floats: int = 128
    seed: int = 1

    @property
    def each(self) -> int:
        """Sightings of one camera."""
        return self.sightings // self.cameras

    @property
    def gate_s(self) -> float:
        """Seconds in which a camera sees as many vehicles as are to be compared."""
        return HOUR_S * self.candidates / self.each


def make(size: Size, folder: Path) -> None:
    """Write sightings sorted by camera and time, as columns for those that compare in memory and as Parquet."""
    draw = np.random.default_rng(size.seed)
    at_s = np.sort(draw.uniform(0.0, HOUR_S, (size.cameras, size.each)), axis=1).ravel()
    camera = np.repeat(np.arange(size.cameras, dtype=np.int32), size.each)
    vectors = np.empty((len(at_s), size.floats), np.float16)
    for rows in np.array_split(np.arange(len(at_s)), size.cameras):
        looks = draw.standard_normal((len(rows), size.floats), dtype=np.float32)
        vectors[rows] = looks / np.linalg.norm(looks, axis=1, keepdims=True)
    singles = vectors.astype(np.float32)
    np.save(folder / "at_s.npy", at_s)
    np.save(folder / "vectors.npy", singles)
    when = {"camera": pa.array(camera), "at_s": pa.array(at_s)}
    halves = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(2 * size.floats), len(at_s), [None, pa.py_buffer(vectors.tobytes())]
    )
    pq.write_table(
        pa.table(when | {"vector": halves}), folder / "halves.parquet", row_group_size=GROUP, compression="zstd"
    )
    lists = pa.FixedSizeListArray.from_arrays(pa.array(singles.ravel()), size.floats)
    pq.write_table(
        pa.table(when | {"vector": lists}), folder / "lists.parquet", row_group_size=GROUP, compression="zstd"
    )


def gates(at_s: Floats, next_at_s: Floats, size: Size) -> tuple[Ints, Ints]:
    """Return the rows among the next camera's sightings at which each gate opens and closes."""
    return (
        np.searchsorted(next_at_s, at_s + FLOOR_S, side="left"),
        np.searchsorted(next_at_s, at_s + FLOOR_S + size.gate_s, side="right"),
    )


def compiled(size: Size) -> None:
    """Compile what will be timed."""
    from pipeline.links import kernel  # noqa: PLC0415 - a peer's process need not load it

    few = np.ones((8, size.floats), np.float16)
    kernel.nearest(few, few, np.zeros(8, np.int64), np.full(8, 8))
    kernel.nearest(few.astype(np.float32), few.astype(np.float32), np.zeros(8, np.int64), np.full(8, 8))


BEGUN = [0.0]
"""Processor seconds of this process when its inputs were ready."""


def begin() -> None:
    """Start the watch: what is needed is loaded."""
    BEGUN[0] = time.process_time()


def begun_s() -> float:
    """Return when the watch was started."""
    return BEGUN[0]


WAYS: dict[str, Callable[[Size, Path], Answer]] = {}
"""The ways to compare, by name."""


def _way(function: Callable[[Size, Path], Answer]) -> Callable[[Size, Path], Answer]:
    """List a way under its name."""
    WAYS[function.__name__.removeprefix("by_")] = function
    return function


@_way
def by_kernel(size: Size, folder: Path) -> Answer:
    """Compare by the kernel of links, camera after camera."""
    from pipeline.links import kernel  # noqa: PLC0415

    at_s, vectors = np.load(folder / "at_s.npy"), np.load(folder / "vectors.npy")
    compiled(size)
    begin()
    row, product = np.empty(len(at_s), np.int64), np.empty(len(at_s), np.float32)
    for here, there in _pairs(size):
        found, best = kernel.nearest(vectors[here], vectors[there], *gates(at_s[here], at_s[there], size))
        row[here], product[here] = np.where(found[:, 0] < 0, -1, found[:, 0] + there.start), best[:, 0]
    return row, product


@_way
def by_numpy(size: Size, folder: Path) -> Answer:
    """Multiply blocks of queries by all that any of them may meet, and strike out what lies outside a gate."""
    return _blocks(size, folder, _multiplied)


@_way
def by_faiss(size: Size, folder: Path) -> Answer:
    """Search an exact index of each block for the eight most alike, and for all where none of them is inside the gate."""
    import faiss  # noqa: PLC0415

    faiss.omp_set_num_threads(1)
    return _blocks(size, folder, lambda *block: _indexed(faiss, *block))


@_way
def by_duckdb(size: Size, folder: Path) -> Answer:
    """Join by camera and minute and take the largest inner product, in SQL."""
    import duckdb  # noqa: PLC0415

    vectors = np.load(folder / "vectors.npy")
    lists = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), size.floats)
    camera = np.repeat(np.arange(size.cameras, dtype=np.int32), size.each)
    seen = pa.table({"camera": camera, "at_s": np.load(folder / "at_s.npy"), "vector": lists})
    with duckdb.connect(config={"threads": 1}) as connection:
        begin()
        connection.register("seen", seen)
        return _joined(connection, size)


@_way
def by_duckdb_parquet(size: Size, folder: Path) -> Answer:
    """Do the same from a file."""
    import duckdb  # noqa: PLC0415

    with duckdb.connect(config={"threads": 1}) as connection:
        begin()
        lists = connection.read_parquet(str(folder / "lists.parquet"))
        lists.project(f"camera, at_s, CAST(vector AS FLOAT[{size.floats}]) AS vector").create_view("seen")
        return _joined(connection, size)


@_way
def by_kernel_parquet(size: Size, folder: Path) -> Answer:
    """Read camera after camera and compare each with the one before; two cameras and the first are held at a time."""
    compiled(size)
    begin()
    return streamed(size, folder, range(size.cameras))


def streamed(size: Size, folder: Path, cameras: range) -> Answer:
    """Compare the sightings of some cameras in a row with those of the next ones, reading each once."""
    from pipeline.links import kernel  # noqa: PLC0415

    rows, products = [], []
    first = last = None
    for number, at_s, vectors in _cameras(size, folder, cameras):
        this = number, at_s, kernel.single(vectors)
        first = first or this
        if last:
            _compare(last, this, size, rows, products)
        last = this
    if first and last and len(cameras) == size.cameras:
        _compare(last, first, size, rows, products)
    return np.concatenate(rows), np.concatenate(products)


def _compare(here: Any, there: Any, size: Size, rows: list[Any], products: list[Any]) -> None:
    """Compare the sightings of one camera with those of the next."""
    from pipeline.links import kernel  # noqa: PLC0415

    found, best = kernel.nearest(here[2], there[2], *gates(here[1], there[1], size))
    rows.append(np.where(found[:, 0] < 0, -1, found[:, 0] + there[0] * size.each))
    products.append(best[:, 0])


def _cameras(size: Size, folder: Path, cameras: range) -> Iterator[tuple[int, Floats, NDArray[np.float16]]]:
    """Read the file row group by row group and give each camera's sightings when all of them are there."""
    wanted = [number % size.cameras for number in (*cameras, cameras.stop)][: size.cameras]
    with pq.ParquetFile(folder / "halves.parquet") as file:
        groups = sorted({group for number in wanted for group in _groups(number, size)})
        held: dict[int, list[pa.Table]] = {number: [] for number in wanted}
        for group in groups:
            rows = file.read_row_group(group, use_threads=False)
            camera = rows["camera"].to_numpy()
            for number in np.unique(camera).tolist():
                begins, ends = np.searchsorted(camera, [number, number + 1])
                held.setdefault(number, []).append(rows.slice(begins, ends - begins))
            for number in [each for each in wanted if _groups(each, size).stop <= group + 1]:
                wanted.remove(number)
                whole = pa.concat_tables(held.pop(number))
                yield number, whole["at_s"].to_numpy(), _halves(whole["vector"], size)


def _groups(camera: int, size: Size) -> range:
    """Return the row groups in which a camera's sightings stand."""
    return range(camera * size.each // GROUP, ((camera + 1) * size.each - 1) // GROUP + 1)


def _halves(column: pa.ChunkedArray, size: Size) -> NDArray[np.float16]:
    """Look at fixed-size binary as float16, without copying where it is one piece."""
    pieces = [
        np.frombuffer(each.buffers()[1], "<f2").reshape(-1, size.floats)[each.offset : each.offset + len(each)]
        for each in column.chunks
    ]
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def _pairs(size: Size) -> Iterator[tuple[slice, slice]]:
    """Go round the ring: the rows of one camera and those of the next."""
    for camera in range(size.cameras):
        after = (camera + 1) % size.cameras
        yield slice(camera * size.each, (camera + 1) * size.each), slice(after * size.each, (after + 1) * size.each)


def _blocks(size: Size, folder: Path, compare: Callable[..., Answer]) -> Answer:
    """Compare blocks of queries with all that any of them may meet."""
    at_s, vectors = np.load(folder / "at_s.npy"), np.load(folder / "vectors.npy")
    begin()
    row, product = np.full(len(at_s), -1), np.full(len(at_s), -np.inf, np.float32)
    for here, there in _pairs(size):
        first, last = gates(at_s[here], at_s[there], size)
        for start in range(0, size.each, BLOCK):
            some = slice(start, min(start + BLOCK, size.each))
            opens, closes = int(first[some].min()), int(last[some].max())
            if closes > opens:
                met = vectors[there][opens:closes]
                found, best = compare(vectors[here][some], met, first[some] - opens, last[some] - opens)
                out = slice(here.start + some.start, here.start + some.stop)
                row[out], product[out] = np.where(np.isfinite(best), found + opens + there.start, -1), best
    return row, product


def _multiplied(queries: Any, met: Any, first: Ints, last: Ints) -> Answer:
    product, place = queries @ met.T, np.arange(len(met))
    product[(place < first[:, None]) | (place >= last[:, None])] = -np.inf
    found = product.argmax(axis=1)
    return found, product[np.arange(len(queries)), found]


def _indexed(faiss: Any, queries: Any, met: Any, first: Ints, last: Ints) -> Answer:
    index = faiss.IndexFlatIP(queries.shape[1])
    index.add(met)
    found, best = np.full(len(queries), -1), np.full(len(queries), -np.inf, np.float32)
    open_ = np.flatnonzero(first < last)
    for most in (8, len(met)):
        if len(open_):
            product, row = index.search(queries[open_], min(most, len(met)))
            inside = (row >= first[open_, None]) & (row < last[open_, None])
            place = inside.argmax(axis=1)
            hit = inside[np.arange(len(open_)), place]
            found[open_[hit]], best[open_[hit]] = row[hit, place[hit]], product[hit, place[hit]]
            open_ = open_[~hit]
    return found, best


def _joined(connection: Any, size: Size) -> Answer:
    """Run the join of a time gate by buckets and put the answers in order."""
    bucket_s = max(size.gate_s, 1.0)
    rows = connection.sql(
        """
        WITH numbered AS (SELECT row_number() OVER () - 1 AS number, * FROM seen),
        reach AS (
            SELECT *, unnest(range(
                CAST(floor((at_s + $floor_s) / $bucket_s) AS BIGINT),
                CAST(floor((at_s + $floor_s + $gate_s) / $bucket_s) AS BIGINT) + 1
            )) AS bucket FROM numbered
        ),
        arrivals AS (SELECT *, CAST(floor(at_s / $bucket_s) AS BIGINT) AS bucket FROM numbered)
        SELECT
            reach.number AS query,
            arg_max(arrivals.number, array_inner_product(reach.vector, arrivals.vector)) AS found,
            max(array_inner_product(reach.vector, arrivals.vector)) AS product
        FROM reach INNER JOIN arrivals
            ON arrivals.camera = (reach.camera + 1) % $cameras AND arrivals.bucket = reach.bucket
        WHERE arrivals.at_s BETWEEN reach.at_s + $floor_s AND reach.at_s + $floor_s + $gate_s
        GROUP BY reach.number
        """,
        params={"floor_s": FLOOR_S, "gate_s": size.gate_s, "bucket_s": bucket_s, "cameras": size.cameras},
    ).to_arrow_table()
    row, product = np.full(size.sightings, -1), np.full(size.sightings, -np.inf, np.float32)
    query = rows["query"].to_numpy()
    row[query], product[query] = rows["found"].to_numpy(), rows["product"].to_numpy()
    return row, product
