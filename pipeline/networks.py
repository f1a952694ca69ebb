"""Run a small convolutional network from checked weights; the only room of inference that knows TensorFlow.

Threads: the environment variable `THOROUGHFARE_THREADS` (default: every core the process may use) is read when the first
network runs; a Dask worker sets it to 1. `THOROUGHFARE_DECODE_THREADS` (default 0) decode pictures ahead of the network.
The answers depend on neither, nor on what else is in a batch.
"""

import hashlib
import io
import json
import os
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import IntegrityError

THREADS = "THOROUGHFARE_THREADS"
DECODERS, AHEAD = "THOROUGHFARE_DECODE_THREADS", 64
"""Environment variable of the threads that decode, and how many pictures they may be ahead of the network."""
LARGEST_BYTES = 3_000_000
"""No weights file is larger; a larger one is not even read."""

Weights = dict[str, NDArray[np.float32]]
A = TypeVar("A")
B = TypeVar("B")


class Ops(Protocol):
    """The few operations a layout is written in; training, inference and checking each bring their own."""

    def conv(
        self, name: str, x: Any, channels: int, kernel: int, *, stride: int = 1, relu: bool = True, plus: Any = None
    ) -> Any:
        """Convolve with zeros around, normalise, add `plus`, cut below zero if `relu`."""
        ...

    def merge(self, high: Any, low: Any) -> Any:
        """Double the size of `high`, cut it to that of `low` and add both."""
        ...

    def pool(self, x: Any) -> Any:
        """Join the mean and the largest of every channel: (n, h, w, c) -> (n, 1, 1, 2c)."""
        ...


Layout = Callable[[Ops, Any], Any]
"""A network as a function of its operations and its input."""


@dataclass(frozen=True)
class Network:
    """A layout with its weights, compiled once for a fixed batch."""

    layout: Layout
    weights: Weights
    batch: int = 8
    """Pictures in every run; a short batch is filled up with black."""

    def run(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run (n, h, w, 3) BGR uint8 of any n; each row's answer is the same whatever the others are."""
        answers = [self._batch(pictures[i : i + self.batch]) for i in range(0, len(pictures), self.batch)]
        return np.concatenate(answers) if answers else self._batch(np.zeros((1, *pictures.shape[1:]), np.uint8))[:0]

    def _batch(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        full = np.zeros((self.batch, *pictures.shape[1:]), np.uint8)
        full[: len(pictures)] = pictures
        return np.asarray(self._compiled(full), np.float32)[: len(pictures)]

    @cached_property
    def _compiled(self) -> Callable[[NDArray[np.uint8]], Any]:
        tf = _tensorflow()
        ops = _Inference(tf, self.weights)

        def answer(pictures: Any) -> Any:
            return self.layout(ops, tf.cast(pictures, tf.float32) / 255.0)

        return tf.function(answer, reduce_retracing=False)  # type: ignore[no-any-return]


def load(path: Path, layout: Layout) -> tuple[Network, str]:
    """Read `<path>.npz` beside its card `<path>.json` and return the network and its version.

    Raises:
        IntegrityError: a file is missing, too large, not the card's sha256, or does not fit the layout.
    """
    sha256 = str(_card(path.with_suffix(".json"))["sha256"])
    return _network(path, layout, sha256), f"{path.stem}@{sha256[:12]}"


def ahead(call: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
    """Call a function on items, in order; with decode threads, before their answers are asked for."""
    if not (threads := int(os.environ.get(DECODERS, "0"))):
        yield from map(call, items)
        return
    coming = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        called = deque(pool.submit(call, item) for item in islice(coming, AHEAD))
        while called:
            called.extend(pool.submit(call, item) for item in islice(coming, 1))
            yield called.popleft().result()


def read(path: Path, sha256: str, wanted: dict[str, tuple[int, ...]]) -> Weights:
    """Read float16 weights from an `.npz` as float32, after checking size, hash, names and shapes."""
    if not path.is_file():
        raise IntegrityError(f"{path}: no such weights file; install the package again")
    if (size := path.stat().st_size) > LARGEST_BYTES:
        raise IntegrityError(
            f"{path}: {size} bytes where at most {LARGEST_BYTES} are allowed; install the package again"
        )
    content = path.read_bytes()
    if (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise IntegrityError(f"{path}: sha256 {found[:12]} is not the card's {sha256[:12]}; install the package again")
    return _checked(path, content, wanted)


def write(path: Path, weights: Weights, **card: Any) -> None:
    """Write weights as float16 to `<path>.npz` and the card with their sha256 to `<path>.json`."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: value.astype(np.float16) for name, value in weights.items()})  # type: ignore[arg-type]
    path.with_suffix(".npz").write_bytes(buffer.getvalue())
    card = {"sha256": hashlib.sha256(buffer.getvalue()).hexdigest(), "parameters": parameters(weights), **card}
    path.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


@cache
def _network(path: Path, layout: Layout, sha256: str) -> Network:
    """Build a network once in a process: it is compiled by its first run."""
    return Network(layout, read(path.with_suffix(".npz"), sha256, shapes(layout)))


def shapes(layout: Layout) -> dict[str, tuple[int, ...]]:
    """List the arrays a layout needs, by walking it with channel numbers instead of pictures."""
    walk = _Shapes({})
    layout(walk, 3)
    return walk.found


def parameters(weights: Weights) -> int:
    """Count the numbers in the weights."""
    return sum(value.size for value in weights.values())


@dataclass(frozen=True)
class _Shapes:
    """Operations that only note what arrays they would need; `x` is a number of channels."""

    found: dict[str, tuple[int, ...]]

    def conv(self, name: str, x: int, channels: int, kernel: int, **_: Any) -> int:
        self.found[f"{name}/kernel"], self.found[f"{name}/bias"] = (kernel, kernel, x, channels), (channels,)
        return channels

    def merge(self, high: int, low: int) -> int:
        del high
        return low

    def pool(self, x: int) -> int:
        return 2 * x


@dataclass(frozen=True)
class _Inference:
    """Operations in plain TensorFlow on weights into which the normalisation has been folded."""

    tf: Any
    weights: Weights

    def conv(
        self, name: str, x: Any, channels: int, kernel: int, *, stride: int = 1, relu: bool = True, plus: Any = None
    ) -> Any:
        del channels, kernel
        x = self.tf.nn.conv2d(x, self.weights[f"{name}/kernel"], stride, "SAME")
        x = self.tf.nn.bias_add(x, self.weights[f"{name}/bias"])
        x = x if plus is None else x + plus
        return self.tf.nn.relu(x) if relu else x

    def merge(self, high: Any, low: Any) -> Any:
        high = self.tf.repeat(self.tf.repeat(high, 2, axis=1), 2, axis=2)
        return high[:, : low.shape[1], : low.shape[2]] + low

    def pool(self, x: Any) -> Any:
        mean = self.tf.reduce_mean(x, axis=(1, 2), keepdims=True)
        return self.tf.concat([mean, self.tf.reduce_max(x, axis=(1, 2), keepdims=True)], axis=-1)


def _tensorflow() -> Any:
    """Import TensorFlow, quietly, with the threads asked for."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _hushed():
        import tensorflow as tf

    if wanted := int(os.environ.get(THREADS, "0")):
        # Where TensorFlow already runs (training, a notebook) its threads stay; no answer depends on them.
        with suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(wanted)
            tf.config.threading.set_inter_op_parallelism_threads(1)
    for gpu in tf.config.list_physical_devices("GPU"):
        # else TensorFlow takes the whole of every GPU it sees, and the next process has none
        with suppress(RuntimeError):
            tf.config.experimental.set_memory_growth(gpu, True)
    return tf


def _card(path: Path) -> dict[str, Any]:
    try:
        card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise IntegrityError(
            f"{path}: the weights' card cannot be read ({error}); install the package again"
        ) from error
    return card


def _checked(path: Path, content: bytes, wanted: dict[str, tuple[int, ...]]) -> Weights:
    """Read the arrays of an archive; their headers are held against what is wanted before a value is read."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            stated = {name.removesuffix(".npy"): _stated(archive, name) for name in archive.namelist()}
        for name, shape in wanted.items():
            if stated.get(name) != (shape, np.dtype(np.float16)):
                raise IntegrityError(
                    f"{path}: {name} is not a float16 array of shape {shape}; these are another network's weights"
                )
        if unknown := sorted(set(stated) - set(wanted)):
            raise IntegrityError(f"{path}: unknown arrays {unknown[:3]}; these are another network's weights")
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            return {name: stored[name].astype(np.float32) for name in wanted}
    except (ValueError, OSError, RuntimeError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise IntegrityError(f"{path}: not plain arrays ({error}); install the package again") from error


def _stated(archive: zipfile.ZipFile, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return the shape and kind that an array's header states."""
    with archive.open(name) as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError(f"{name}: not as numpy.savez writes it")
        shape, _, kind = np.lib.format.read_array_header_1_0(file)
        if kind.hasobject:
            raise ValueError(f"{name}: pickled objects")
        return shape, kind


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep off the terminal what TensorFlow's C++ writes before it reads any setting; a failed import still raises."""
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)
