"""Describe how a vehicle looks as a short vector. Adding an encoder is one module here with `load() -> Encoder`."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import FeedNotFoundError


class Encoder(Protocol):
    """A network that turns a vehicle's picture into a vector."""

    @property
    def version(self) -> str:
        """Name and hash of weights; part of every lineage."""
        ...

    @property
    def dimensions(self) -> int:
        """Numbers in a vector."""
        ...

    def encode(self, image: NDArray[np.uint8], xyxy_px: NDArray[np.float32]) -> NDArray[np.float16]:
        """Encode the boxes of one image.

        Args:
            image: (h, w, 3) BGR uint8.
            xyxy_px: (n, 4) boxes in its pixels. Crops are shrunk so that none exceeds 64 px on its long side.

        Returns:
            (n, dimensions) float16, each row of unit length; the other boxes do not change a box's row.
        """
        ...


def load(name: str) -> Encoder:
    """Return the encoder of `pipeline/encoders/<name>.py`; raise FeedNotFoundError naming those there."""
    if name not in names():
        raise FeedNotFoundError(f"no encoder {name!r}; choose from {names()} or add pipeline/encoders/{name}.py")
    encoder: Encoder = import_module(f"pipeline.encoders.{name}").load()
    return encoder


def names() -> list[str]:
    """List the encoders there are."""
    return sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_"))
