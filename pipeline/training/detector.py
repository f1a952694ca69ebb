"""Train the detector: `python -m pipeline.training.detector --source ../shared/data --out DIR`."""

import argparse
import math
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from pipeline import networks
from pipeline.detectors.ttfnet import FRAME, STRIDE_PX, UNIT_PX, TTFNet, layout
from pipeline.training import augment, labelled, layers, paint, precision, targets
from pipeline.training.fitting import Pace, fit
from pipeline.training.labelled import Labelled

Sources = list[tuple[list[Labelled], int]]
"""Pictures and how many of them a batch holds."""


@dataclass(frozen=True)
class Settings:
    """How long and how to train."""

    steps: int = 2400
    """Batches in all."""
    rate: float = 2e-3
    """Highest learning rate; it warms up over 200 steps and falls as a cosine."""
    decay: float = 5e-4
    """Weight decay."""
    smallest_px: float = 7.0
    """Vehicles lower than this teach nothing, pixels."""
    kept: float = 0.35
    """Vehicles of which less is left in the frame teach nothing, share."""
    calm: float = 0.25
    """Share of the last batches that are spared most of the weather."""
    painted: float = 0.3
    """Share of the pictures into which signs are painted, as operators do."""
    seed: int = 1
    """Of everything random."""


PACE = Pace(warm_steps=200, memory=0.998, stretch=150)


def train(sources: Sources, out: Path, settings: Settings, start: Path | None = None) -> None:
    """Train; every 150 steps write `averaged.npz` (to export) and `state.npz` (to go on from) into `out`.

    Args:
        sources: Pictures with their share of a batch.
        out: Folder of checkpoints; where it holds some, training goes on from there.
        settings: How long and how.
        start: An `averaged.npz` to start from.
    """
    keras.utils.set_random_seed(settings.seed)
    net = layers.build(layout, FRAME, {"out_middle": [-math.log(99), 0.0, 0.0, 0.0, 0.0], "out_edges": 0.0})
    fit(net, loss, partial(Batches, sources, settings), out, settings, PACE, start)


def loss(target: Any, answer: Any) -> Any:
    """Focal loss of the hills plus five times the GIoU loss of the boxes, a vehicle.

    Args:
        target: (n, 60, 88, 7), see `targets.draw`.
        answer: (n, 60, 88, 5), see `ttfnet.layout`.

    Source: TTFNet, Liu et al. 2020, sections 3.2 and 3.3; CornerNet, Law and Deng 2018, equation 1.
    """
    hill, box, box_weight, weight = target[..., 0], target[..., 1:5], target[..., 5], target[..., 6]
    chance = ops.clip(ops.sigmoid(answer[..., 0]), 1e-4, 1 - 1e-4)
    peak = ops.cast(hill >= 0.999, "float32")
    positive = peak * (1 - chance) ** 2 * -ops.log(chance)
    negative = (1 - peak) * (1 - hill) ** 4 * chance**2 * -ops.log(1 - chance)
    focal = ops.sum((positive + negative) * weight) / ops.maximum(ops.sum(peak * weight), 1.0)
    giou = _giou(box, _boxes(answer[..., 1:5]))
    return focal + 5.0 * ops.sum((1 - giou) * box_weight) / ops.maximum(ops.sum(box_weight), 1.0)


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of augmented pictures; batch i is the same whenever it is asked for."""

    def __init__(self, sources: Sources, settings: Settings, first: int, steps: int) -> None:
        """Draw batches `first` to `first + steps`."""
        super().__init__(workers=1, max_queue_size=8)
        self.sources, self.settings, self.first, self.steps = sources, settings, first, steps

    def __len__(self) -> int:
        """Count the batches."""
        return self.steps

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Draw one batch: (n, 240, 352, 3) 0..1 and its targets."""
        rng = np.random.default_rng((self.settings.seed, self.first + index))
        drawn = [pictures[i] for pictures, n in self.sources for i in rng.integers(0, len(pictures), n)]
        weather = 0.25 if self.first + index >= (1 - self.settings.calm) * self.settings.steps else 0.7
        pairs = [example(picture, self.settings, weather, rng) for picture in drawn]
        return np.stack([pair[0] for pair in pairs]), np.stack([pair[1] for pair in pairs])


def example(
    picture: Labelled, settings: Settings, weather: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Augment one picture and draw its targets: (240, 352, 3) 0..1 and (60, 88, 7)."""
    image = picture.image()
    matrix = augment.place((image.shape[1], image.shape[0]), FRAME, picture.largest_zoom, rng)
    boxes, left = augment.move(picture.boxes_px, matrix, FRAME)
    unknown, _ = augment.move(picture.unknown_px, matrix, FRAME)
    sizes = boxes[:, 2:] - boxes[:, :2]
    sure = (left >= settings.kept) & (sizes[:, 1] >= settings.smallest_px) & (sizes[:, 0] >= settings.smallest_px / 2)
    enlarged = abs(matrix[0, 0]) * image.shape[1] > 1.2 * FRAME[0]
    far = [augment.shift(polygon, matrix) for polygon in picture.far_px] if enlarged else []
    empty, _ = augment.move(picture.empty_px, matrix, FRAME)
    doubtful = np.concatenate([unknown, boxes[~sure]])
    target = targets.draw(boxes[sure], doubtful, picture.background, FRAME, far, list(empty))
    image = augment.warp(image, matrix, FRAME)
    if rng.random() < settings.painted:
        image = paint.over(image, rng)
    image = augment.weather(image, rng, weather)
    return image.astype(np.float32) / 255.0, target


def export(averaged: Path, path: Path, **card: Any) -> TTFNet:
    """Fold `averaged.npz` into the weights and card at `path` and return the detector they make."""
    networks.write(path, layers.fold(layers.read(averaged)), **card)
    return TTFNet(*networks.load(path, layout))


def _boxes(raw: Any) -> Any:
    """Turn ln(distance / 8 px) of every cell into xyxy pixels of the frame."""
    x = (ops.arange(raw.shape[2], dtype="float32") + 0.5) * STRIDE_PX
    y = ((ops.arange(raw.shape[1], dtype="float32") + 0.5) * STRIDE_PX)[:, None]
    away = ops.exp(ops.clip(raw, -4.0, 4.0)) * UNIT_PX
    return ops.stack([x - away[..., 0], y - away[..., 1], x + away[..., 2], y + away[..., 3]], axis=-1)


def _giou(a: Any, b: Any) -> Any:
    """Generalised intersection over union of two grids of boxes, -1..1 (Rezatofighi et al. 2019)."""
    areas = [(box[..., 2] - box[..., 0]) * (box[..., 3] - box[..., 1]) for box in (a, b)]
    low, top = ops.maximum(a[..., :2], b[..., :2]), ops.minimum(a[..., 2:], b[..., 2:])
    inner = ops.prod(ops.maximum(top - low, 0.0), axis=-1)
    union = areas[0] + areas[1] - inner + 1e-6
    hull = ops.maximum(a[..., 2:], b[..., 2:]) - ops.minimum(a[..., :2], b[..., :2])
    around = ops.prod(hull, axis=-1) + 1e-6
    return inner / union - (around - union) / around


def main() -> None:
    """Read the sources, train, export and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, required=True, help="folder that holds fdr/ and singapore/")
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoints; started again, it goes on")
    parser.add_argument(
        "--renders", type=Path, help="folder of pipeline.training.renders; 3 of 16 pictures of each batch"
    )
    parser.add_argument("--start", type=Path, help="averaged.npz to start from; it also settles what is unlabelled")
    parser.add_argument("--leave-out", default="", help="fdr camera to leave out")
    parser.add_argument(
        "--judged-by", type=Path, nargs="*", default=[], help="hand labels (COCO): pictures not trained on"
    )
    parser.add_argument("--steps", type=int, default=Settings.steps)
    parser.add_argument("--rate", type=float, default=Settings.rate)
    parser.add_argument("--calm", type=float, default=Settings.calm, help="share of the steps with little weather")
    parser.add_argument("--seed", type=int, default=Settings.seed)
    given = parser.parse_args()
    settings = Settings(steps=given.steps, rate=given.rate, calm=given.calm, seed=given.seed)
    given.out.mkdir(parents=True, exist_ok=True)
    judged = frozenset(name for path in given.judged_by for name in precision.names(path))
    far_away = labelled.expressways(given.source, leave_out=judged)
    if given.start:
        far_away = labelled.settle(far_away, export(given.start, given.out / "first"))
    sources = [(labelled.streets(given.source, leave_out=given.leave_out), 7 if given.renders else 10), (far_away, 6)]
    if given.renders:
        sources.append((labelled.rendered(given.renders), 3))
    print(f"pictures: {[len(pictures) for pictures, _ in sources]}", flush=True)
    train(sources, given.out, settings, given.start)
    detector = export(given.out / "averaged.npz", given.out / "ttfnet", settings=asdict(settings))
    truths = precision.coco(given.source / "fdr/validation/boxes.json", given.source / "fdr/frames")
    curve = precision.curve(truths, detector.detect(precision.images(truths)))
    print(f"AP50 {curve.average_precision():.3f}; precision, recall at 0.4: {curve.at(0.4)}")


if __name__ == "__main__":
    main()
