"""Fit a network in stretches that a stopped run goes on from; the detector's and the encoder's training share it."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import keras
from keras import ops

from pipeline.training import layers


class Settings(Protocol):
    """What the settings of every training hold; a dataclass."""

    @property
    def steps(self) -> int:
        """Batches in all."""

    @property
    def rate(self) -> float:
        """Highest learning rate."""

    @property
    def decay(self) -> float:
        """Weight decay."""


@dataclass(frozen=True)
class Pace:
    """How a training warms up, remembers and saves."""

    warm_steps: int
    """Batches over which the rate rises; then it falls as a cosine."""
    memory: float
    """Momentum of the running average of the weights."""
    stretch: int
    """Batches between two checkpoints."""


def fit(
    net: keras.Model,
    loss: Any,
    draw: Callable[[int, int], keras.utils.PyDataset],
    out: Path,
    settings: Settings,
    pace: Pace,
    start: Path | None = None,
) -> None:
    """Train; every stretch write `averaged.npz` (to export) and `state.npz` (to go on from) into `out`.

    Args:
        net: The network, freshly built.
        loss: Its loss.
        draw: Returns the batches of a stretch, given its first and how many.
        out: Folder of checkpoints; where it holds some, training goes on from there.
        settings: How long and how.
        pace: Warm-up, running average, checkpoints.
        start: An `averaged.npz` to start from.
    """
    out.mkdir(parents=True, exist_ok=True)
    if start and not (out / "state.npz").exists():
        layers.restore(start, net.variables)
    optimizer = _optimizer(net, settings, pace)
    net.compile(optimizer=optimizer, loss=loss)
    if (out / "state.npz").exists():
        layers.restore(out / "state.npz", net.variables + optimizer.variables)
    (out / "settings.json").write_text(json.dumps(asdict(settings), indent=1))  # type: ignore[call-overload]
    while (done := int(ops.convert_to_numpy(optimizer.iterations))) < settings.steps:
        steps, began = min(pace.stretch, settings.steps - done), time.monotonic()
        history = net.fit(draw(done, steps), verbose=0, shuffle=False)
        layers.store(out / "state.npz", layers.named(net.variables + optimizer.variables))
        layers.store(out / "averaged.npz", layers.averaged(net, optimizer))
        speed = steps / (time.monotonic() - began)
        print(
            f"step {done + steps}/{settings.steps} loss {history.history['loss'][0]:.4f} {speed:.2f} steps/s",
            flush=True,
        )


def _optimizer(net: keras.Model, settings: Settings, pace: Pace) -> Any:
    """Build AdamW with a warm-up, a cosine and a running average; offsets and scales do not decay."""
    warm = pace.warm_steps
    schedule = keras.optimizers.schedules.CosineDecay(
        settings.rate * 0.05, max(settings.steps - warm, 1), alpha=0.02, warmup_target=settings.rate, warmup_steps=warm
    )
    optimizer = keras.optimizers.AdamW(
        schedule, weight_decay=settings.decay, global_clipnorm=10.0, use_ema=True, ema_momentum=pace.memory
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    optimizer.build(net.trainable_variables)
    return optimizer
