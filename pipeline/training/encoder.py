"""Train the encoder: `python -m pipeline.training.encoder --source ../shared/data --out DIR`."""

import argparse
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from pipeline import networks
from pipeline.encoders.resnet import CROP, ResNet, cut, layout, stretch
from pipeline.training import augment, layers, pairing, retrieval, vehicles
from pipeline.training.draws import Source, relations, twins, two
from pipeline.training.fitting import Pace, fit
from pipeline.training.vehicles import Crop


@dataclass(frozen=True)
class Settings:
    """How long and how to train."""

    steps: int = 1500
    """Batches in all."""
    rate: float = 1.5e-3
    """Highest learning rate; it warms up over 100 steps and falls as a cosine."""
    decay: float = 5e-4
    """Weight decay."""
    temperature: float = 0.1
    """Of the softmax over cosines."""
    unsure_s: float = 90.0
    """Two tracks of one camera nearer than this, that share no picture, may be one vehicle, seconds."""
    neighbours: int = 4
    """Vehicles drawn together from one picture, where there are so many."""
    twins: int = 10
    """Vehicles of a batch that are there once more in another colour."""
    seed: int = 1
    """Of everything random."""


PACE = Pace(warm_steps=100, memory=0.995, stretch=100)


def train(sources: list[Source], out: Path, settings: Settings, start: Path | None = None) -> None:
    """Train; every 100 steps write `averaged.npz` (to export) and `state.npz` (to go on from) into `out`."""
    keras.utils.set_random_seed(settings.seed)
    net = layers.build(layout, CROP, {"out": 0.0})
    fit(net, _Contrast(settings.temperature), partial(Batches, sources, settings), out, settings, PACE, start)


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of two crops a vehicle; batch i is the same whenever it is asked for."""

    def __init__(self, sources: list[Source], settings: Settings, first: int, steps: int) -> None:
        """Draw batches `first` to `first + steps`."""
        super().__init__(workers=1, max_queue_size=8)
        self.sources, self.settings, self.first, self.steps = sources, settings, first, steps

    def __len__(self) -> int:
        """Count the batches."""
        return self.steps

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Draw one batch: (2n, 48, 64, 3) 0..1 and the (2n, 2n) relations of its crops."""
        rng = np.random.default_rng((self.settings.seed, self.first + index))
        drawn = [vehicle for source in self.sources for vehicle in source.draw(self.settings.neighbours, rng)]
        drawn, turns = twins(drawn, self.settings.twins, rng)
        crops = [(crop, turn) for vehicle, turn in zip(drawn, turns, strict=True) for crop in two(vehicle, rng)]
        pictures = np.stack([distort(crop, float(turn), rng) for crop, turn in crops]).astype(np.float32) / 255.0
        return pictures, np.kron(relations(drawn, self.settings.unsure_s), np.ones((2, 2))).astype(np.float32)


def distort(crop: Crop, turn: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Turn a crop's hue by `turn` degrees and do what detectors and cameras do: loose edges, mirror, far away, light."""
    size = np.tile(crop.box_px[2:] - crop.box_px[:2], 2)
    box = crop.box_px + rng.normal(0, 0.05, 4).astype(np.float32) * size
    image = cut(crop.image, box.astype(np.float32))
    image = image[:, ::-1] if rng.random() < 0.5 else image
    longest = max(image.shape[:2])
    if rng.random() < 0.5 and (wanted := np.exp(rng.uniform(np.log(20), np.log(64)))) < longest:
        image = cv2.resize(image, None, fx=(by := wanted / longest), fy=by, interpolation=cv2.INTER_AREA)
    return stretch(_light(_turned(np.ascontiguousarray(image), turn), rng))


def _turned(image: NDArray[np.uint8], degrees: float) -> NDArray[np.uint8]:
    """Turn all hues; what is grey stays grey."""
    if not degrees:
        return image
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV_FULL)
    hsv[..., 0] += np.uint8(degrees * 255 / 360)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR_FULL), np.uint8)


def _light(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Exposure, haze, saturation and white balance of another camera, mildly: colour tells vehicles apart."""
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    image = np.asarray(cv2.addWeighted(image, colour := rng.uniform(0.6, 1.35), grey, 1 - colour, 0), np.uint8)
    tone = np.linspace(0, 1, 256)[:, None] ** np.exp(rng.uniform(-0.3, 0.3))
    tone = (tone - 0.4) * rng.uniform(0.6, 1.3) + 0.4 + rng.uniform(-0.1, 0.1)
    table = np.clip(tone * rng.uniform(0.92, 1.08, 3) * 255, 0, 255).astype(np.uint8)
    image = np.asarray(cv2.LUT(image, table[None]), np.uint8)
    if rng.random() < 0.3:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.0)), np.uint8)
    if rng.random() < 0.2:
        image = np.clip(image + rng.normal(0, rng.uniform(2, 9), image.shape), 0, 255).astype(np.uint8)
    if rng.random() < 0.5 and min(image.shape[:2]) >= 4:
        image = augment.compress(image, int(rng.integers(30, 90)))
    return image


class _Contrast(keras.losses.Loss):  # type: ignore[misc]
    """Softmax over cosines: each crop's own kind against all surely other ones (Khosla et al. 2020, L_out)."""

    def __init__(self, temperature: float) -> None:
        super().__init__(reduction=None)
        self.temperature = temperature

    def call(self, y_true: Any, y_pred: Any) -> Any:
        vector = ops.reshape(y_pred, (-1, y_pred.shape[-1]))
        vector = vector / ops.sqrt(ops.sum(vector**2, axis=-1, keepdims=True) + 1e-9)
        itself = ops.eye(ops.shape(vector)[0])
        usable = ops.cast(y_true >= 0, "float32") * (1 - itself)
        same = ops.cast(y_true > 0, "float32") * (1 - itself)
        logit = ops.matmul(vector, ops.transpose(vector)) / self.temperature
        chance = logit - ops.log(ops.sum(ops.exp(logit) * usable, axis=1, keepdims=True))
        return -ops.mean(ops.sum(chance * same, axis=1) / ops.maximum(ops.sum(same, axis=1), 1.0))


def export(averaged: Path, path: Path, **card: Any) -> ResNet:
    """Fold `averaged.npz` into the weights and card at `path` and return the encoder they make."""
    networks.write(path, layers.fold(layers.read(averaged)), **card)
    return ResNet(*networks.load(path, layout))


def _sources(source: Path, renders: Path | None, pair_by: Path | None) -> list[Source]:
    """Read all vehicles; about half of a batch is of real streets."""
    tracks, sources = vehicles.tracked(source), [Source(vehicles.two_views(source), 12)]
    if renders:
        sources.append(Source(vehicles.rendered(renders), 16))
    if pair_by:
        weights = {name: value.astype(np.float32) for name, value in layers.fold(layers.read(pair_by)).items()}
        joined, tracks = pairing.pairs(tracks, ResNet(networks.Network(layout, weights), "first"))
        sources.append(Source(joined, 16))
    return [Source(tracks, 32), *sources]


def main() -> None:
    """Read the sources, train, export and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, required=True, help="folder that holds fdr/ and reid/")
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoints; started again, it goes on")
    parser.add_argument("--renders", type=Path, help="folder of pipeline.training.renders")
    parser.add_argument("--start", type=Path, help="averaged.npz to start from")
    parser.add_argument("--pair-by", type=Path, help="averaged.npz of an encoder that joins the tracks of two cameras")
    parser.add_argument("--steps", type=int, default=Settings.steps)
    parser.add_argument("--rate", type=float, default=Settings.rate)
    parser.add_argument("--seed", type=int, default=Settings.seed)
    given = parser.parse_args()
    settings = Settings(steps=given.steps, rate=given.rate, seed=given.seed)
    sources = _sources(given.source, given.renders, given.pair_by)
    print(f"vehicles: {[len(source.vehicles) for source in sources]}", flush=True)
    train(sources, given.out, settings, given.start)
    encoder = export(given.out / "averaged.npz", given.out / "resnet", settings=asdict(settings))
    print(retrieval.measure(encoder, given.source), flush=True)


if __name__ == "__main__":
    main()
