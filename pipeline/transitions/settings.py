"""Say how far apart cameras may be, how fast vehicles are, and how far clocks may be off."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """How far apart cameras may be, and how fast vehicles."""

    metric_crs: str = "EPSG:3857"
    """Projected CRS with metres, for bringing cameras onto roads."""
    max_road_m: float = 6000.0
    """Cameras further apart by road than this are not joined, metres."""
    neighbours: int = 16
    """Nearest cameras tried from each."""
    skipped: int = 1
    """Cameras on the way that a vehicle may pass unseen."""
    max_speed_mps: float = 36.0
    """No vehicle is faster, metres a second."""
    min_speed_mps: float = 4.0
    """Slower than this over the whole way is not looked for, metres a second."""
    speed_mps: float = 13.0
    """Guess of the usual speed, signals included, before anything is learned."""
    position_m: float = 80.0
    """How far a camera's stated position, and what it looks at, may be from the truth, metres; the views of two cameras
    within twice as much may show one place at once."""
    clock_s: float = 3.0
    """How far the clocks of two cameras may be apart together with their cadence, seconds."""
    max_clock_s: float = 600.0
    """No camera's clock is looked for further off than this, seconds."""
    detour: float = 1.3
    """Road metres to one straight metre where there is no road graph."""
    max_turn_back: float = 1.3
    """A way from one heading longer than this many times the shortest way from any leads elsewhere."""
    off_deg: float = 150.0
    """Headings at both ends that are together further off the road's direction lead elsewhere, degrees; they are rough."""
    turned_deg: float = 135.0
    """A heading further than this off the straight line to the other camera leads away, however the road bends, degrees."""
    beside_deg: float = 90.0
    """Where views overlap, headings of one vehicle at both cameras are no further apart than this, degrees."""
    guess_sigma: float = 0.7
    """Standard deviation of ln(travel time - floor) before anything is learned."""
    usual_sigma: float = 0.5
    """The same for a way that could not be learned, once the learned ones have told the usual speed."""
