"""Watch the demo city as its cameras did, and know whose every box is."""

from dataclasses import dataclass, replace
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline import showcase, upkeep
from pipeline.errors import SettingsError
from pipeline.lake import Lake, Place
from pipeline.scans import Scan, Window
from pipeline.scores.matching import frame_ids, match, overlaps

Ints = NDArray[np.int64]

FEED = "demo"
"""The only feed whose every vehicle is known, and nobody's."""
LEAST_IOU = 0.3
"""Overlap from which a box shows a vehicle; a loose box is still its box."""


@dataclass(frozen=True, eq=False)
class Watched:
    """One window of the demo city: what its cameras saw, and who that was."""

    scan: Scan
    window: Window
    cameras: pa.Table
    roads: pa.Table
    frames: pa.Table
    detections: pa.Table
    """Tables of the lake; those with windows, of this window."""
    passes: pa.Table
    """`scores` PASSES: every vehicle that passed a camera, seen or not."""
    owner: Ints
    """(len(detections),) row of `passes` that each box shows; -1 where it is nobody's."""
    toward: Ints
    """(len(passes),) 1 where the vehicle came nearer while it was in view."""


def watch(lake: Lake, scan: Scan, scan_date: date) -> Watched:
    """Read the first window of a night of the demo city, and lay its boxes beside the truth.

    Args:
        lake: A lake of the demo, whose detections have not expired.
        scan: The demo's scan.
        scan_date: Its night.

    Raises:
        SettingsError: the scan is of another feed: of real vehicles nobody knows the truth, nor should.
        WindowNotFoundError: detections or frames have expired.
    """
    if scan.feed != FEED:
        raise SettingsError(
            f"scan {scan.name}: only the {FEED} city's truth is known; run this on a lake of it, as `make demo` makes"
        )
    window = scan.windows(scan_date)[0]
    cameras, roads = (upkeep.night(lake, scan_date, name) for name in ("cameras", "roads"))
    frames, detections = (lake.read([Place.of(name, window.hour_at)]) for name in ("frames", "detections"))
    truth = showcase.truth(_cut(scan, window), scan_date, frames)
    boxes, number = truth.pass_numbers()
    pairs = overlaps(boxes, frame_ids(boxes), detections, detections["frame_id"].to_pylist())
    matched = match(pairs, LEAST_IOU)
    owner = np.full(detections.num_rows, -1)
    owner[matched.found] = number[matched.truth]
    return Watched(scan, window, cameras, roads, frames, detections, truth.passes(), owner, _toward(boxes, number))


def _cut(scan: Scan, window: Window) -> Scan:
    """Return a scan whose night is the first window of it."""
    first, last = (each.astimezone(ZoneInfo(scan.timezone)) for each in (window.starts_at, window.ends_at))
    return replace(scan, hours=f"{first:%H:%M}-{last:%H:%M}")


def _toward(boxes: pa.Table, number: Ints) -> Ints:
    """Tell of each pass whether its boxes grew."""
    height = pc.subtract(boxes["y2_px"], boxes["y1_px"]).to_numpy()
    first = np.flatnonzero(np.append(True, number[1:] != number[:-1]))
    last = np.append(first[1:], len(number)) - 1
    return np.asarray(height[last] > height[first], np.int64)
