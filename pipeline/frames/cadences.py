"""Learn how often a camera renews its picture, and tell a camera that stands still from one that is asked too often."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np

LEAST_GAPS = 3
"""Fewer gaps between new pictures do not tell a cadence."""
REGULAR = (0.5, 1.5)
"""Gaps within these shares of the median are like it; where fewer than half are, there is no cadence to learn."""
OFTEN = 1.5
"""Where a camera's pictures come so many times slower than we ask, the cadence is its own; else it may be ours."""


@dataclass(frozen=True)
class Repeat:
    """One picture that its camera has shown before."""

    since: datetime
    """Slot at which it was new."""
    is_claimed_new: bool
    """Whether the feed tells a later time for it than when it was new."""
    is_return: bool
    """Whether another picture came in between."""
    stood_s: float
    """Seconds for which it stood without a break in all, this one's slot and later ones counted."""


def repeats(
    shown: Sequence[str | None], slots: Sequence[datetime], told: Sequence[datetime | None]
) -> list[Repeat | None]:
    """Tell of each picture of a camera, in order of time, whether and how it repeats an earlier one.

    Args:
        shown: Hash of what was seen; None where nothing was, which ends nothing.
        slots: When it was asked for.
        told: When it was taken, as far as that is known.
    """
    first: dict[str, int] = {}
    found: list[Repeat | None] = []
    last, ends = None, _ends(shown, slots)
    for n, pixels in enumerate(shown):
        if pixels is None or first.setdefault(pixels, n) == n:
            found.append(None)
        else:
            began, at, was = first[pixels], told[n], told[first[pixels]]
            newer = at is not None and was is not None and at > was
            stood_s = (ends[n] - slots[began]).total_seconds()
            found.append(Repeat(slots[began], newer, last != pixels, stood_s))
        last = pixels or last
    return found


def outlasting(repeats: Sequence[Repeat | None], late_s: float) -> list[Repeat | None]:
    """Keep repeats that stood for longer than so many seconds without a break.

    Of stills out of clips no other is one: what does not move within a clip has been seen again, not shown again.
    """
    return [each if each and not each.is_return and each.stood_s > late_s else None for each in repeats]


def learned(fresh: Sequence[datetime], slots: Sequence[datetime], declared_s: float) -> float:
    """Return the seconds between a camera's new pictures: learned where that can be trusted, else as declared.

    Gaps between new pictures are the camera's own only where it is asked more often than it renews them; otherwise they
    are ours, and all they tell is that it is no slower.

    Args:
        fresh: When its new pictures were taken, or first seen, ascending.
        slots: When it was asked, ascending.
        declared_s: What its feed declares; 0 for nothing.
    """
    gaps = np.array([(after - before).total_seconds() for before, after in pairwise(fresh) if after > before])
    if len(gaps) < LEAST_GAPS:
        return declared_s
    usual_s = float(np.median(gaps))
    low, high = REGULAR[0] * usual_s, REGULAR[1] * usual_s
    if np.mean((gaps >= low) & (gaps <= high)) < 0.5:
        return declared_s
    ours_s = float(np.median([(after - before).total_seconds() for before, after in pairwise(slots)]))
    return usual_s if usual_s > OFTEN * ours_s or not declared_s else min(declared_s, usual_s)


def _ends(shown: Sequence[str | None], slots: Sequence[datetime]) -> list[datetime]:
    """Return, by picture, the last slot up to which it stood without another in between."""
    ends = list(slots)
    after: int | None = None
    for n in range(len(shown) - 1, -1, -1):
        if shown[n] is None:
            continue
        if after is not None and shown[after] == shown[n]:
            ends[n] = ends[after]
        after = n
    return ends
