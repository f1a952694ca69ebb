"""Offer six model files that run code, read other files or fill the memory to what loads weights."""

import base64
import hashlib
import io
import json
import marshal
import os
import pickle
import resource
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pipeline import networks
from pipeline.detectors import ttfnet
from pipeline.errors import IntegrityError
from tests.faults.rows import Input, Row, Seen

LIMIT_MIB = 256
"""Memory that refusing a file may take."""
NEVER = "weights are plain arrays of stated names and shapes; no file says what to run"
INPUTS = tuple(
    Input("model", name, what, "refused", why)
    for name, what, why in (
        ("lambda.keras", "a .keras archive with a Lambda layer of bytecode", NEVER),
        ("lambda.h5", "an HDF5 model with a Lambda layer of bytecode", NEVER),
        ("config-module-os", "a .keras archive whose layer is the function system of the module os", NEVER),
        ("hdf5-external", "an HDF5 file whose data lie in /etc/passwd", NEVER),
        ("shape-bomb", "an .npz whose header promises 2 TB", "a header is held against the network's shapes before a value is read"),
        ("pickled-npz", "an .npz of pickled objects", "nothing is ever unpickled"),
    )
)  # fmt: skip


def _touch(canary: Path) -> str:
    return f"open({str(canary)!r}, 'w').close()"


def _lambda(canary: Path) -> dict[str, Any]:
    """Describe a Keras model whose Lambda layer touches the canary."""
    code = base64.b64encode(marshal.dumps(compile(_touch(canary), "layer", "exec"))).decode()
    function = {"class_name": "__lambda__", "config": {"code": code, "defaults": None, "closure": None}}
    layer = {"module": "keras.layers", "class_name": "Lambda", "config": {"name": "l", "function": function}}
    return {"module": "keras", "class_name": "Sequential", "config": {"name": "s", "layers": [layer]}}


def _archive(config: dict[str, Any]) -> bytes:
    """Write a .keras archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", _hdf5(lambda file: file.create_group("layers")))
    return out.getvalue()


def _hdf5(fill: Callable[[Any], object]) -> bytes:
    """Write an HDF5 file."""
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        fill(file)
    return out.getvalue()


def _lambda_h5(canary: Path) -> bytes:
    return _hdf5(
        lambda file: file.attrs.update({"model_config": json.dumps(_lambda(canary)), "keras_version": "3.15.1"})
    )


def _module_os(canary: Path) -> bytes:
    config = {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
    return _archive({**config, "build_config": {"args": [f"touch {canary}"]}})


def _external(_: Path) -> bytes:
    outside = [("/etc/passwd", 0, 64)]
    return _hdf5(lambda file: file.create_dataset("stem/kernel", (64,), "u1", external=outside))


def _shape_bomb(_: Path) -> bytes:
    """Promise 2 TB of weights in a header, under the name of the first layer."""
    told = repr({"descr": "<f2", "fortran_order": False, "shape": (1_000_000, 1_000_000)}).ljust(117) + "\n"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("stem/kernel.npy", np.lib.format.magic(1, 0) + b"\x76\x00" + told.encode())
    return out.getvalue()


class _Opens:
    """An object that touches the canary when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.canary}",)


def _pickled(canary: Path) -> bytes:
    out = io.BytesIO()
    np.savez(out, **{"stem/kernel": np.array([_Opens(canary)], dtype=object)})
    assert pickle.dumps(_Opens(canary)) in out.getvalue() or b"system" in out.getvalue()
    return out.getvalue()


FILES: dict[str, Callable[[Path], bytes]] = {
    "lambda.keras": lambda canary: _archive(_lambda(canary)),
    "lambda.h5": _lambda_h5,
    "config-module-os": _module_os,
    "hdf5-external": _external,
    "shape-bomb": _shape_bomb,
    "pickled-npz": _pickled,
}


def held(folder: Path) -> list[Row]:
    """Offer each as the weights of a detector: with a card that is not its own, then with its own hash on the card."""
    folder.mkdir(parents=True, exist_ok=True)
    return [Row(each, _outcome(folder / each.name.replace(".", "-"), FILES[each.name])) for each in INPUTS]


def _outcome(folder: Path, make: Callable[[Path], bytes]) -> Seen:
    folder.mkdir()
    canary = folder / "CANARY"
    content = make(canary)
    stranger, own = (
        _refusal(folder / "ttfnet", content, card) for card in ("0" * 64, hashlib.sha256(content).hexdigest())
    )
    wrong = ["it ran"] if canary.exists() else []
    wrong += [] if stranger.startswith("refused: ") and "sha256" in stranger else [f"with another's card: {stranger}"]
    return Seen(own, "; ".join(wrong))


def _refusal(path: Path, content: bytes, sha256: str) -> str:
    """Load weights as a detector does; say how that ended."""
    path.with_suffix(".npz").write_bytes(content)
    path.with_suffix(".json").write_text(json.dumps({"sha256": sha256}))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        networks.load(path, ttfnet.layout)
    except IntegrityError as error:
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
        return (
            f"refused: {error}".replace(f"{path.parent}/", "")
            if grown < LIMIT_MIB
            else f"{grown} MiB were taken to refuse it"
        )
    except BaseException as error:  # noqa: BLE001
        return f"{type(error).__name__}: {error}"
    return "loaded"
