"""Learn what one window's links follow from, in rounds: first by rarity of cosines, then by a metric learned from what that found."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.links import metric
from pipeline.links.association import Model, learn, marginals
from pipeline.links.evidence import CLEAR_PX, Evidence
from pipeline.links.metric import Metric
from pipeline.links.pairs import Census, Pairs
from pipeline.links.passes import Passes

Floats = NDArray[np.float64]

ROUNDS = 2
"""Rounds in which the metric is learned anew; a third moved no link of note."""


@dataclass(frozen=True)
class Learned:
    """What one window has taught."""

    rough: Model
    """For pairs as they are compared at first."""
    model: Model
    """For pairs weighed by the metric; the same where there is none."""
    metrics: tuple[Metric, ...]
    """One for each fold of the pairs; none where too few pairs were likely to learn them."""
    view: Passes
    """Whose portraits are weighed."""

    def weighed(self, pairs: Pairs) -> Pairs:
        """Return the pairs with rarities by the metric."""
        return metric.weighed(pairs, self.metrics, self.view.vectors)


def learned(found: Evidence, counted: Census, view: Passes) -> tuple[Evidence, Learned]:
    """Learn from the pairs of a window, and return them as they are weighed at the end.

    Args:
        found: Gated pairs that may matter.
        counted: All gated pairs.
        view: The passes they join.
    """
    rough = model = learn(found.pairs, found.ways, found.crowd, counted)
    clarity = np.searchsorted(CLEAR_PX, view.largest_px, side="right")
    told: tuple[Metric, ...] = ()
    for _ in range(ROUNDS):
        chance = marginals(found.pairs, model.odds(found.pairs, found.crowd))
        told = metric.learn(view, clarity, found.pairs, chance)
        if not told:
            break
        found = replace(found, pairs=metric.weighed(found.pairs, told, view.vectors))
        model = learn(found.pairs, found.ways, found.crowd, metric.recounted(counted))
    return found, Learned(rough, model, told, view)
