"""Say which city is made: its size, its cadence, and what goes wrong in it."""

import json
from dataclasses import dataclass
from datetime import date

from pipeline.errors import SettingsError
from pipeline.scans import Scan

SCAN_DATE = date(2026, 5, 5)
"""The night that is invented."""


@dataclass(frozen=True)
class Size:
    """How large a city is."""

    side: int
    """Junctions along each side of the grid."""
    cameras: int
    hours: str
    """Local start and end of its night."""
    an_hour: float
    """Vehicles that pass a camera in an hour, mean over cameras and hours."""


SIZES = {
    "district": Size(side=9, cameras=60, hours="08:00-09:00", an_hour=900.0),
    "city": Size(side=35, cameras=1000, hours="22:00-06:00", an_hour=900.0),
}


@dataclass(frozen=True)
class Options:
    """One benchmark city; equal options give equal bytes."""

    size: str = "district"
    """`district` or `city`."""
    cadence_s: float = 2.0
    """Seconds between two pictures of a camera."""
    seed: int = 1
    """Every random choice follows from it."""
    loss: float = 0.0
    """Share of boxes lost on top of those that the detector misses by their size."""
    skewed: float = 0.03
    """Share of cameras whose clock is wrong."""
    skew_s: float = 480.0
    """By how much, seconds, one way or the other."""
    taxis: float = 0.08
    """Share of vehicles that are yellow taxis, all much alike."""
    vans: float = 0.05
    """Share of vehicles that are white vans, all much alike."""
    overlapping: bool = False
    """Perfect tracks of cameras that stand together in fours with overlapping views, and no clock is wrong."""

    def __post_init__(self) -> None:
        """Refuse what cannot be made."""
        if self.size not in SIZES:
            raise SettingsError(f"--size {self.size!r}: no such city; choose from {['demo', *SIZES]}")
        for name in ("loss", "skewed", "taxis", "vans"):
            if not 0.0 <= getattr(self, name) <= 0.9:
                raise SettingsError(f"--{name} {getattr(self, name)!r} is no share; give 0 to 0.9")
        if not 0.5 <= self.cadence_s <= 900.0:
            raise SettingsError(f"--cadence {self.cadence_s:g} s: give 0.5 to 900 seconds, such as 2, 60 or 300")
        if self.seed < 0:
            raise SettingsError(f"--seed {self.seed} is below 0; give a whole number from 0 up")

    @property
    def together(self) -> int:
        """Cameras that stand together."""
        return 4 if self.overlapping else 1

    def scan(self) -> Scan:
        """Return the scan whose night is invented."""
        return Scan(
            name=self.size, feed="synthetic", timezone="UTC", metric_crs="EPSG:32727",
            hours=SIZES[self.size].hours, cadence_s=self.cadence_s, licence="invented",
            attribution="an invented city", exempt="an invented city: its vehicles are nobody's",
        )  # fmt: skip

    def settings(self) -> str:
        """Write the scan as a section of a settings file, so that other commands can open its lake."""
        scan = self.scan()
        names = ("feed", "timezone", "metric_crs", "hours", "cadence_s", "licence", "attribution", "exempt")
        lines = [f"{name} = {json.dumps(getattr(scan, name))}" for name in names]
        return "\n".join([f"[scan.{scan.name}]", *lines, ""])
