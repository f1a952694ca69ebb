"""Build a layout in Keras, fold its normalisation away, and keep checkpoints."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from pipeline.networks import Layout, Weights

EPSILON = 1e-3


@dataclass(frozen=True)
class KerasOps:
    """A layout's operations with batch normalisation after every convolution but `plain` ones."""

    plain: dict[str, Any] = field(default_factory=dict)
    """Names of convolutions without normalisation and the value their bias starts from."""

    def conv(
        self, name: str, x: Any, channels: int, kernel: int, *, stride: int = 1, relu: bool = True, plus: Any = None
    ) -> Any:
        """Convolve, normalise, add, cut."""
        bare = name in self.plain
        x = keras.layers.Conv2D(
            channels, kernel, stride, "same", use_bias=bare, name=name,
            bias_initializer=keras.initializers.Constant(self.plain.get(name, 0.0)),
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.01) if bare else "he_normal",
        )(x)  # fmt: skip
        if not bare:
            x = keras.layers.BatchNormalization(momentum=0.97, epsilon=EPSILON, name=f"{name}_norm")(x)
        if plus is not None:
            x = keras.layers.Add()([x, plus])
        return keras.layers.ReLU()(x) if relu else x

    def merge(self, high: Any, low: Any) -> Any:
        """Double, cut, add."""
        high = keras.layers.UpSampling2D(2)(high)
        spare = [(0, high.shape[i] - low.shape[i]) for i in (1, 2)]
        return keras.layers.Add()([keras.layers.Cropping2D(spare)(high) if any(s[1] for s in spare) else high, low])

    def pool(self, x: Any) -> Any:
        """Mean and largest of every channel."""
        mean = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
        return keras.layers.Concatenate()([mean, keras.layers.GlobalMaxPooling2D(keepdims=True)(x)])


def build(layout: Layout, size: tuple[int, int], plain: dict[str, Any]) -> keras.Model:
    """Build the trainable network for pictures of `size` (width, height), float32 0..1 BGR."""
    pixels = keras.Input((size[1], size[0], 3))
    return keras.Model(pixels, layout(KerasOps(plain), pixels))


def averaged(net: keras.Model, optimizer: keras.optimizers.Optimizer) -> dict[str, np.ndarray]:
    """Return the model's variables by path, with the running mean in place of each trained one."""
    means = zip(net.trainable_variables, optimizer._model_variables_moving_average, strict=True)  # noqa: SLF001
    return named(net.variables) | {variable.path: ops.convert_to_numpy(mean) for variable, mean in means}


def fold(variables: dict[str, np.ndarray]) -> Weights:
    """Fold each batch normalisation into the convolution before it, for `pipeline.networks`."""
    weights: Weights = {}
    for kernel in [path for path in variables if path.endswith("/kernel")]:
        name = kernel.removesuffix("/kernel")
        if f"{name}_norm/gamma" in variables:
            gamma, beta, mean, variance = (
                variables[f"{name}_norm/{part}"] for part in ("gamma", "beta", "moving_mean", "moving_variance")
            )
            scale = gamma / np.sqrt(variance + EPSILON)
            weights[kernel] = np.asarray(variables[kernel] * scale, np.float32)
            weights[f"{name}/bias"] = np.asarray(beta - mean * scale, np.float32)
        else:
            weights[kernel], weights[f"{name}/bias"] = variables[kernel], variables[f"{name}/bias"]
    return weights


def named(variables: list[Any]) -> dict[str, np.ndarray]:
    """Return the values of variables by path."""
    return {variable.path: ops.convert_to_numpy(variable) for variable in variables}


def store(path: Path, values: dict[str, np.ndarray]) -> None:
    """Write arrays to an `.npz`, whole or not at all."""
    part = path.with_suffix(".part.npz")
    np.savez(part, **values)  # type: ignore[arg-type]
    part.replace(path)


def read(path: Path) -> dict[str, np.ndarray]:
    """Read what `store` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def restore(path: Path, variables: list[Any]) -> None:
    """Set variables to what `store` wrote under their paths."""
    values = read(path)
    for variable in variables:
        variable.assign(values[variable.path])
