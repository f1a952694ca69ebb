"""Follow vehicles through the frames of a clip, where boxes of one vehicle overlap: a tracker library does it.

Norfair (BSD-3, here in its kept-up branch `norfair-enough`) predicts each box by a Kalman filter and matches by overlap. Of
the libraries that could be had on 2026-11-23 it alone met what a part of this house must: `trackers` (Apache-2) brings
opencv-python, which may not lie beside the headless one; `supervision` has given its ByteTrack away to it; `norfair` itself
holds numpy below 2; `motpy` has not changed since 2021; `boxmot` is AGPL; `edgefirst-tracker` (Apache-2) was measured and
loses more. It brings nothing that is not here already (numpy, scipy, rich). Figures: docs/sightings.md.
"""

import logging

import numpy as np

from pipeline import motion
from pipeline.motion import Ints
from pipeline.sightings.cover import within
from pipeline.sightings.seen import Followed, Seen
from pipeline.sightings.settings import Settings

SURENESS = 0.93
"""Share of vehicles followed that are one vehicle throughout: demo city, frames 0.1 and 0.2 s apart."""
MEASURED, MOVED = 1.0, 1.0
"""Variance of a box's edge and of its motion from frame to frame, as the filter takes them: vehicles that near or turn gather way."""
LONGEST_GAP_S = 2.0
"""Frames farther apart are of two clips."""


def follow(seen: Seen, settings: Settings) -> Followed:
    """Join the detections of each clip; nothing is joined from one clip to the next."""
    breaks = np.flatnonzero(np.diff(seen.seconds) > LONGEST_GAP_S) + 1
    number = np.full(len(seen.ids), -1)
    for clip in np.split(np.arange(len(seen.seconds)), breaks):
        _track(seen, clip, number, settings)
    alone = number < 0
    number[alone] = number.max(initial=-1) + 1 + np.arange(int(alone.sum()))
    order = np.argsort(number, kind="stable")
    paths = np.split(order, np.flatnonzero(np.diff(number[order])) + 1)
    paths = sorted(paths, key=lambda path: int(path[0]))
    sureness = np.ones(len(seen.ids))
    sureness[[path[1] for path in paths if len(path) > 1]] = SURENESS
    return Followed(seen, paths, sureness, standing(seen, paths, settings))


def _track(seen: Seen, clip: Ints, number: Ints, settings: Settings) -> None:
    """Number the detections of one clip's frames by vehicle, on from the numbers there are."""
    from norfair import Detection, OptimizedKalmanFilterFactory, Tracker

    # it warns of each box it has lost whose filter turned it inside out
    logging.getLogger("norfair").setLevel(logging.ERROR)
    patience = max(1, round(settings.missed_s / seen.cadence_s))
    tracker = Tracker(
        "iou", 1 - settings.clip_overlap, hit_counter_max=patience, initialization_delay=0,
        filter_factory=OptimizedKalmanFilterFactory(R=MEASURED, Q=MOVED),
    )  # fmt: skip
    start = np.searchsorted(seen.frame, clip)
    end = np.searchsorted(seen.frame, clip, side="right")
    names: dict[int, int] = {}
    taken = int(number.max(initial=-1)) + 1
    for place, (first, last) in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
        gap_s = seen.seconds[clip[place]] - seen.seconds[clip[place - 1]] if place else seen.cadence_s
        shown = [Detection(seen.boxes[row].reshape(2, 2), data=row) for row in range(first, last)]
        for _ in range(round(gap_s / seen.cadence_s) - 1):
            tracker.update()  # a frame that did not come is one in which nothing was seen
        for vehicle in tracker.update(shown):
            row = vehicle.last_detection.data
            if first <= row < last and vehicle.id is not None:
                number[row] = names.setdefault(vehicle.id, taken + len(names))


def standing(seen: Seen, paths: list[Ints], settings: Settings) -> Ints:
    """Number the standing vehicles: those whose box still lies over itself `still_s` later."""
    which = np.full(len(seen.ids), -1)
    for number, path in enumerate(paths):
        seconds = seen.seconds[seen.frame[path]]
        later = np.searchsorted(seconds, seconds + settings.still_s - 1e-6)
        early = np.flatnonzero(later < len(path))
        alike = motion.overlap(seen.boxes[path[early]], seen.boxes[path[later[early]]])
        early = early[alike >= settings.still_overlap]
        spans = later[early] - early + 1
        which[path[np.repeat(early, spans) + within(spans)]] = number
    return which
