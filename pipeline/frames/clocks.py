"""Tell when pictures were taken: by the clock the camera wrote into them where it can be trusted, else by the feed."""

from collections.abc import Sequence
from datetime import datetime, timedelta

LEAST = 5
"""Fewer pictures with a clock do not tell how far it is off."""


def captured(
    clocks: Sequence[datetime | None], known: Sequence[datetime], longest_offset_s: float
) -> list[datetime | None]:
    """Return when each picture of one camera was taken by its own clock, None where that does not tell.

    A clock that is off by no more than `longest_offset_s` in the median is taken as it is: it is set by the network and
    finer than a file name. One that is further off ticks rightly all the same, and is set by its median. A picture whose
    clock is then ahead of the time it was known at by more than `longest_offset_s` was not taken then.

    Args:
        clocks: What the camera's clock said, by picture.
        known: When the picture was taken by its name or feed, else its slot.
        longest_offset_s: Seconds.
    """
    offsets = sorted(clock - at for clock, at in zip(clocks, known, strict=True) if clock is not None)
    if len(offsets) < LEAST:
        return [None] * len(clocks)
    middle, longest = offsets[len(offsets) // 2], timedelta(seconds=longest_offset_s)
    shift = middle if abs(middle) > longest else timedelta(0)
    settled = [None if clock is None else clock - shift for clock in clocks]
    return [at if at is not None and at - told <= longest else None for at, told in zip(settled, known, strict=True)]
