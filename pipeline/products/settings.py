"""Say what is published, behind how many, and what was measured of how far it is off."""

from dataclasses import dataclass

from pipeline.errors import SettingsError


@dataclass(frozen=True)
class Settings:
    """What is published, and behind how many."""

    timezone: str
    """IANA name, for the local times shown beside UTC."""
    k: int = 10
    """Vehicles that stand behind every row; a row needs k x (1 + `split_rate`), and no sum may give a withheld one back."""
    split_rate: float = 0.25
    """Followed vehicles too many to a true one in the same row, which `k` is raised by; measured, docs/release.md."""
    round_to: int = 5
    """Counts are published as multiples of this, and figures as they follow from those; 1 to publish them as they are."""
    h3_resolution: int = 9
    """H3 resolution of cells; 9 has edges of about 200 m."""
    h3_coarse: int = 8
    """H3 resolution of `heatmap_coarse`, at most `h3_resolution`; 8 has edges of about 500 m."""
    zone_resolution: int = 9
    """Finest H3 resolution of a zone of `od`."""
    trips_kept: float = 0.85
    """Share of trips that zones are drawn to keep above `k`."""
    step_s: int = 5
    """Seconds between two points along a trajectory."""
    min_probability: float = 0.5
    """Links less probable than this are in no travel time."""
    followed_passes: float = 0.9
    """Passes that a vehicle followed over two pictures or more stands for; below 1, as tracks break."""
    single_passes: float = 0.6
    """Passes that a vehicle in one picture alone stands for; below 1, as some are pieces or nobody's."""
    passes_spread: float = 0.33
    """Standard deviation of ln(true / reckoned passes) of a camera's heading, chance left out."""
    boxes_found: float = 0.87
    """Vehicles found to those in view: the detector misses some, and finds some that are none."""
    boxes_spread: float = 0.22
    """Standard deviation of ln(true / reckoned vehicles in view), from camera to camera."""
    trips_whole: float = 1.4
    """True trips to a piece of one, over the square of the share of followed vehicles that are in a trajectory."""
    trips_spread: float = 1.0
    """Standard deviation of ln(true / reckoned trips) of a pair of zones."""
    minutes_whole: float = 1.5
    """True vehicle-minutes of a cell to those of trajectories, times the share of passes that are in one."""
    minutes_spread: float = 1.05
    """Standard deviation of ln(true / reckoned vehicle-minutes) of a cell."""
    flows_spread: float = 0.6
    """Standard deviation of ln(true / told median travel time), where flows alone tell it."""
    travel_spread: float = 0.1
    """Standard deviation of ln(median of all / of linked vehicles), beyond chance, wrong links and gaps."""

    def __post_init__(self) -> None:
        """Refuse rules that would hide nobody."""
        if self.k < 1 or self.round_to < 1 or self.split_rate < 0:
            raise SettingsError(
                f"products: k = {self.k}, round_to = {self.round_to}, split_rate = {self.split_rate}; k and round_to are 1 or "
                "more, split_rate 0 or more; mend [scan.NAME] or [scan.NAME.products]"
            )
