"""Score what users consume against true passes: travel times, the origin-destination matrix, flows."""

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class ProductScores:
    """Errors as shares; NaN where there is nothing to compare."""

    travel_time_error: float
    """Median over pairs of cameras of |median seconds - true| / true."""
    n_pairs: int
    """Pairs of cameras compared."""
    od_error: float
    """Sum of |trips - true| over the matrix / sum of true trips."""
    n_trips: int
    """True trips over two cameras or more."""
    flow_mape: float
    """Mean over camera and 5 minutes of |count - true| / true, where the truth is above 0."""
    flow_bias: float
    """(All counts - true) / true."""
    n_flows: int
    """Camera and 5-minute cells compared."""


def product_scores(
    passes: pa.Table, sightings: pa.Table, links: pa.Table, trajectories: pa.Table, bin_s: int = 300
) -> ProductScores:
    """Compare what can be counted from the lake with the true passes.

    Args:
        passes: truth.PASSES, every vehicle (`Truth.passes` of a full truth).
        sightings: `sightings` rows; flows count them where they enter.
        links: `links` rows; travel times are their `travel_s`.
        trajectories: `trajectories` rows; trips are from their first to their last camera.
        bin_s: Seconds in a flow's cell.
    """
    raise NotImplementedError
