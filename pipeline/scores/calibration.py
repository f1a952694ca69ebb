"""Compare stated probabilities with what came true: reliability points and expected calibration error."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Calibration:
    """A reliability diagram and its summary."""

    ece: float
    """Expected calibration error, 0..1; NaN without cases."""
    stated: tuple[float, ...]
    """Mean stated probability of each bin."""
    came_true: tuple[float, ...]
    """Share that came true in each bin."""
    n: tuple[int, ...]
    """Cases in each bin."""


def calibration(stated: NDArray[np.float64], came_true: NDArray[np.bool_], bins: int = 10) -> Calibration:
    """Bin cases by stated probability into bins of equal mass and compare each bin's mean with its share come true.

    Args:
        stated: (n,) probabilities, 0..1.
        came_true: (n,) whether each came true.
        bins: Most bins; cases with equal probability are never parted.

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks, section 2; bins of equal mass after Nguyen and
    O'Connor 2015, section 4.
    """
    raise NotImplementedError
