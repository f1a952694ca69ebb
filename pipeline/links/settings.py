"""Say how sure a link must be."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """How sure a link must be."""

    min_probability: float = 0.65
    """Pairs less likely than this are left unlinked."""
    min_probability_unseen: float = 0.9
    """The same for a pair of which one sighting has no embedding, so that place and time must decide alone."""
    broken: float = 0.4
    """Share of sightings that go on in another sighting of the same camera."""
    min_mended: float = 0.35
    """Pieces of one camera's sightings less likely than this to be one vehicle are kept apart."""
    mended_pictures: float = 3.0
    """Pictures after which a vehicle that was lost is not taken up again."""
    impostors: int = 256
    """Sightings at the other camera that tell how common a vehicle's looks are there."""
    most_pairs: int = 4_000_000
    """Pairs held at once; where the gates of a window let more through, the least likely are left out."""
