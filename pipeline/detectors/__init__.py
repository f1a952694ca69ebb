"""Find vehicles in frames. Adding a detector is one module here with `load() -> Detector`, plus its weights."""

from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import FeedNotFoundError


@dataclass(frozen=True)
class Boxes:
    """The vehicles of one frame, by falling score. People and all else never leave a detector."""

    xyxy_px: NDArray[np.float32]
    """(n, 4) left, top, right, bottom in pixels of the full frame."""
    score: NDArray[np.float32]
    """(n,) confidence, 0..1."""
    label: tuple[str, ...]
    """(n,) each one of tables.LABELS."""


class Detector(Protocol):
    """A network that finds vehicles."""

    @property
    def version(self) -> str:
        """Name and hash of weights; part of every lineage."""
        ...

    def detect(self, images: list[NDArray[np.uint8]]) -> list[Boxes]:
        """Find the vehicles of each image ((h, w, 3) BGR uint8, any size); the batch does not change the answer."""
        ...


def load(name: str) -> Detector:
    """Return the detector of `pipeline/detectors/<name>.py`; raise FeedNotFoundError naming those there."""
    if name not in names():
        raise FeedNotFoundError(f"no detector {name!r}; choose from {names()} or add pipeline/detectors/{name}.py")
    detector: Detector = import_module(f"pipeline.detectors.{name}").load()
    return detector


def names() -> list[str]:
    """List the detectors there are."""
    return sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_"))
