"""Take the tracks of another tracker as they are."""

import numpy as np

from pipeline.sightings import clips
from pipeline.sightings.seen import Followed, Seen
from pipeline.sightings.settings import Settings


def follow(seen: Seen, track_of: dict[str, str], settings: Settings) -> Followed:
    """Join the detections of each track; one that has none stands alone. That a track is one vehicle is not doubted."""
    track = np.array([f"t {track_of[each]}" if each in track_of else f"d {each}" for each in seen.ids])
    number = np.unique(track, return_inverse=True)[1]
    order = np.argsort(number, kind="stable")
    paths = np.split(order, np.flatnonzero(np.diff(number[order])) + 1)
    paths = sorted(paths, key=lambda path: int(path[0]))
    return Followed(seen, paths, np.ones(len(seen.ids)), clips.standing(seen, paths, settings))
