"""Say how far a camera's frames may be trusted to show the same vehicle again."""

from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import SettingsError
from pipeline.sightings import calibration


@dataclass(frozen=True)
class Settings:
    """How far a camera's frames may be trusted to show the same vehicle again."""

    slowest_cadence_s: float = 10.0
    """At this many seconds between frames, or more, every detection is a sighting of its own."""
    clip_cadence_s: float = 0.35
    """At fewer seconds between frames boxes of one vehicle overlap, and are tracked as in a clip."""
    missed_frames: int = 1
    """Frames in a row in which a vehicle may go undetected within one sighting."""
    missed_s: float = 1.0
    """The same within a clip, in seconds."""
    clip_overlap: float = 0.05
    """Least overlap of a box in a clip with where its vehicle should be by then."""
    min_probability: float = 0.725
    """A link between two frames that is less sure than this is not made."""
    min_frames: int = 1
    """Sightings with fewer detections are left out."""
    still_overlap: float = 0.6
    """Boxes of a standing vehicle overlap at least so much from frame to frame, over a missed frame by 0.2 more."""
    still_evidence: float = 1.5
    """Overlap beyond 0.4 that the boxes of a standing vehicle gather from frame to frame, in all."""
    still_s: float = 5.0
    """A vehicle that keeps its place so many seconds is standing."""
    parked_s: float = 180.0
    """A vehicle that keeps its place so many seconds is parked."""
    edge_px: float = 1.5
    """Usual error of a box's edge, pixels."""
    miss_odds: float = 0.1
    """Odds that a vehicle in view goes undetected in one frame."""
    speed_spread_mps: float = 2.0
    """Spread of a vehicle's velocity from frame to frame, rough metres a second."""
    calibration: dict[str, Any] = field(default_factory=dict, hash=False)
    """Points of the ground by native camera id, four or more [x_px, y_px, lon, lat]: gives speeds."""

    def __post_init__(self) -> None:
        """Read every calibration: SettingsError names one that cannot be right before anything is tracked."""
        if not isinstance(self.calibration, dict):
            raise SettingsError(
                f"settings calibration = {self.calibration!r} names no camera; write a section of points by native camera id"
            )
        for name, points in self.calibration.items():
            calibration.read(name, points)
