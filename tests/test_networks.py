"""A network's answer depends on the picture alone: not on threads, not on what else is in the batch."""

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline import networks
from pipeline.detectors import ttfnet
from pipeline.encoders import resnet

PROGRAM = """
import hashlib, numpy as np
from pipeline.detectors import ttfnet
from pipeline.encoders import resnet

for network, width, height in ((ttfnet.load().network, 352, 240), (resnet.load().network, 64, 48)):
    pictures = np.random.default_rng(1).integers(0, 256, (11, height, width, 3), np.uint8)
    together = network.run(pictures)
    assert (network.run(pictures[::-1])[::-1] == together).all(), "order"
    assert (network.run(pictures[4:5]) == together[4:5]).all(), "alone"
    assert (network.run(pictures[:0]).shape[1:] == together.shape[1:]), "none"
    print(hashlib.sha256(together.tobytes()).hexdigest(), flush=True)
"""

FOLDING = """
import numpy as np
from pipeline import networks
from pipeline.encoders.resnet import layout
from pipeline.training import layers

net, rng = layers.build(layout, (64, 48), {"out": 0.0}), np.random.default_rng(1)
for variable in net.variables:
    variable.assign(np.asarray(variable) + rng.uniform(0.0, 0.1, variable.shape))
pictures = rng.integers(0, 256, (8, 48, 64, 3), np.uint8)
trained = np.asarray(net(pictures.astype(np.float32) / 255.0, training=False))
folded = networks.Network(layout, layers.fold(layers.named(net.variables))).run(pictures)
print(float(np.abs(trained - folded).max() / np.abs(trained).max()))
"""


def answers(threads: int) -> subprocess.Popen[str]:
    """Run both networks in a process of so many threads."""
    environment = os.environ | {networks.THREADS: str(threads), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen([sys.executable, "-c", PROGRAM], env=environment, stdout=subprocess.PIPE, text=True)


def test_neither_threads_nor_batch_change_a_bit_of_the_answer():
    running = [answers(threads) for threads in (1, 2)]
    printed = [process.communicate(timeout=300)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert printed[0] == printed[1]
    assert len(printed[0].split()) == 2


@pytest.mark.parametrize("threads", ["0", "1", "3"])
def test_what_is_decoded_ahead_comes_in_order(monkeypatch, threads):
    monkeypatch.setenv(networks.DECODERS, threads)
    assert list(networks.ahead(str, range(300))) == [str(n) for n in range(300)]


def test_no_more_pictures_are_decoded_ahead_than_may_be_held(monkeypatch):
    monkeypatch.setenv(networks.DECODERS, "2")
    taken = []
    coming = networks.ahead(str, (taken.append(n) or n for n in range(300)))
    assert next(coming) == "0"
    assert len(taken) == networks.AHEAD + 1


def test_a_gpu_is_not_taken_whole(monkeypatch):
    grown = []
    config = SimpleNamespace(
        list_physical_devices=lambda kind: [f"{kind}:0", f"{kind}:1"],
        experimental=SimpleNamespace(set_memory_growth=lambda *asked: grown.append(asked)),
    )
    monkeypatch.setitem(sys.modules, "tensorflow", SimpleNamespace(config=config))
    monkeypatch.setenv(networks.THREADS, "0")
    networks._tensorflow()
    assert grown == [("GPU:0", True), ("GPU:1", True)]


@pytest.mark.drill
def test_folded_weights_answer_as_the_trained_network_does():
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, "-c", FOLDING], env=environment, capture_output=True, text=True, check=True)
    assert float(done.stdout.split()[-1]) < 1e-5


@pytest.mark.parametrize("layout", [ttfnet.layout, resnet.layout])
def test_a_layout_tells_what_arrays_it_needs(layout: networks.Layout):
    needed = networks.shapes(layout)
    assert needed["stem/kernel"][2] == 3
    assert {name.split("/")[1] for name in needed} == {"kernel", "bias"}


def test_written_weights_read_back_in_half_precision(tmp_path):
    weights = {name: np.full(shape, 0.1, np.float32) for name, shape in networks.shapes(resnet.layout).items()}
    networks.write(tmp_path / "resnet", weights, made="2026-11-23")
    network, version = networks.load(tmp_path / "resnet", resnet.layout)
    assert version.startswith("resnet@")
    assert network.weights["out/bias"].tolist() == [np.float32(np.float16(0.1))] * resnet.DIMENSIONS
