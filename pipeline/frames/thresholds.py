"""Name the thresholds of the states."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Thresholds of the states, in the order in which they are asked; `docs/frames.md` tells what they were set on."""

    limit_bytes: int = 8 * 2**20
    """A longer file is `broken`."""
    limit_pixels: int = 4 * 2**20
    """A picture whose header claims more is `broken`, and never decoded."""
    least_px: int = 48
    """A picture narrower or lower than this is `broken`."""
    limit_scans: int = 64
    """A progressive picture with more scans is `broken`: each costs a pass over all pixels."""
    torn_share: float = 0.15
    """`broken`: textured rows repeat over more than this share of the height. Whole frames stay below 0.01."""
    unfilled_share: float = 0.15
    """`broken`: one colour fills more than this share of the height, from a block's edge to the bottom."""
    shifted_levels: float = 24.0
    """`broken`: from one row of blocks on all is lighter or darker by more than this, 0..255. Whole frames stay below 14."""
    shifted_often: float = 0.1
    """Where a camera shows such a row in more than this share of its pictures, it is part of the view."""
    flat_share: float = 0.5
    """A picture of which more 8 x 8 blocks have one colour each is no street by day: even rows in it are no damage."""
    card_share: float = 0.45
    """`placeholder`: so many blocks have one of a few colours. Street scenes stay below 0.1, by night and coded harshly
    below 0.35; cards are above 0.6, colour bars above 0.5."""
    flat_night_share: float = 0.55
    """The same where the middle pixel is darker than `night_level`, of one colour, and it must stand still: a night sky
    is flat too, but never to the last bit."""
    night_level: float = 40.0
    """Luminance, 0..255, below which it is night."""
    bars_share: float = 0.8
    """A flat picture whose rows repeat over more than this share of the height is no torn one but colour bars."""
    faint_levels: tuple[float, float] = (6.0, 60.0)
    """A flat picture whose luminance spans between these is fog: a card is plainer, or has letters."""
    shared_cameras: int = 3
    """`placeholder`: the same pixels at this many cameras of the shard, for no two lenses see the same noise."""
    dark_level: float = 30.0
    """`dark`: nothing as large as a lamp is brighter than this, 0..255."""
    overlay_share: float = 0.2
    """Share of the height at top and bottom where a camera may burn in its clock; not compared for `frozen`."""
    frozen_cadences: float = 1.5
    """`frozen`: the same picture for longer than this many of the camera's cadences; for less, nothing new came."""
    stale_cadences: float = 3.0
    """`stale`: taken more than this many of the camera's cadences before its slot."""
    stale_least_s: float = 10.0
    """And at least this many seconds before."""
    clock_offset_s: float = 5.0
    """A camera's own clock that is off by more than this in the median is trusted for its ticks only."""
    moved_likeness: float = 0.45
    """`moved`: the view's likeness to the camera's usual one, -1..1, is below this. One view from noon to night stays
    above 0.55; turned by 16 px of 352 it falls to 0.2-0.4."""
    moved_suddenly: float = 0.62
    """It begins or ends with two pictures less alike than this, for light changes slowly; or begins and ends so, is steady
    in between, and is below this."""
    moved_pictures: int = 5
    """And stays below it for this many pictures running: a truck before the lens is gone sooner."""
    moved_least: int = 10
    """Fewer pictures of a camera in a window do not tell what its usual view is."""
