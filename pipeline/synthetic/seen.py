"""Observe the invented traffic: frames, boxes, tracks that break and mix, and how each vehicle looks in each picture.

What goes wrong, and how often, was measured on the demo city, whose truth is known, and on real stills (`rates`, `noise`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.geo import HEADINGS
from pipeline.synthetic import rates
from pipeline.synthetic.columns import blocks, ids_of, packed
from pipeline.synthetic.looks import Looks
from pipeline.synthetic.network import HEIGHT_PX, HORIZON, WIDTH_PX, Cameras
from pipeline.synthetic.options import Options
from pipeline.synthetic.tracks import SINGLE_FROM_S, follow, majority
from pipeline.synthetic.traffic import HOUR_S, Floats, Ints, Passes, joined
from pipeline.tables import DETECTIONS, EMBEDDINGS, FRAMES, SIGHTINGS

US = 1_000_000
CAR_M = np.array([[1.8, 1.5, 4.5], [2.5, 3.2, 8.5], [2.5, 3.1, 12.0]])
"""Width, height and length of cars, trucks and buses, metres."""
LABELS = ("car", "truck", "bus")
STOP_M = 6.0
"""Metres of its way a waiting vehicle keeps to the end of the view."""
EMBEDDED_PX = 20.0
"""Boxes whose longer side is below this are not embedded (as `embeddings.Settings.min_crop_px`)."""
LEAST_PX = 5.0
"""Boxes of which less than this is within the picture, each way, are none."""


@dataclass(frozen=True)
class Seen:
    """n boxes of one window, by pass and time; ghosts, which are nobody's, have pass -1."""

    of: Ints
    """(n,) row of its pass."""
    camera: Ints
    slot: Ints
    """(n,) number of the camera's picture, counted from the night's beginning."""
    away_m: Floats
    """(n,) metres from the camera."""
    box: NDArray[np.float32]
    """(n, 4) xyxy, pixels."""
    size_px: Floats
    """(n,) longer side."""
    score: NDArray[np.float32]

    def __getitem__(self, rows: Ints | NDArray[np.bool_]) -> "Seen":
        """Keep some of the boxes."""
        return Seen(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Window:
    """The tables of one window, and whose each sighting is."""

    tables: dict[str, pa.Table]
    shown: Ints
    """Number of the pass that each sighting shows, -1 for none, in the order of `tables["sightings"]`."""


class Observer:
    """Cameras that take a picture every so often."""

    def __init__(self, cameras: Cameras, options: Options, starts_at: datetime) -> None:
        """Settle when each camera takes its pictures."""
        self.cameras, self.options, self.looks = cameras, options, Looks(options)
        self.starts_us = round(starts_at.timestamp()) * US
        rng = np.random.default_rng([options.seed, 20])
        self.phase_s = rng.uniform(0.0, options.cadence_s, len(cameras.edge)).round(3)
        self.perfect = options.overlapping

    def observe(self, hour: int, passes: Passes, length_s: float = HOUR_S) -> Window:
        """Observe one hour of passes."""
        rng = np.random.default_rng([self.options.seed, 21, hour])
        begins_s = hour * HOUR_S
        taken = self._taken(rng, begins_s, length_s)
        passes = passes if self.perfect else joined([passes, self._ghosts(rng, hour, begins_s, length_s)])
        seen = self._boxes(rng, passes, taken, begins_s, length_s)
        track = np.arange(0) if not len(seen.of) else follow(rng, passes, seen, self.options)
        return self._tables(rng, hour, passes, taken, seen, track, begins_s, length_s)

    def _slots(self, begins_s: float, length_s: float) -> tuple[Ints, int]:
        """Return the number of each camera's first picture in a window, and how many the window can hold."""
        first = np.ceil((begins_s - self.phase_s) / self.options.cadence_s - 1e-9).astype(np.int64)
        return first, int(np.ceil(length_s / self.options.cadence_s - 1e-9))

    def _taken(self, rng: np.random.Generator, begins_s: float, length_s: float) -> NDArray[np.bool_]:
        """Return (c, slots) whether each picture came: single ones are missed, and now and then a camera for minutes."""
        first, count = self._slots(begins_s, length_s)
        if self.perfect:
            return np.ones((len(first), count), bool)
        came = rng.random((len(first), count)) >= rates.MISSED
        out = np.flatnonzero(rng.random(len(first)) < rates.OUTAGES)
        at = (np.arange(count)[None, :] * self.options.cadence_s) - rng.uniform(0.0, length_s, len(out))[:, None]
        came[out] &= (at < 0) | (at > rng.uniform(60.0, 600.0, len(out))[:, None])
        return np.asarray(came)

    def _ghosts(self, rng: np.random.Generator, hour: int, begins_s: float, length_s: float) -> Passes:
        """Return passes of what is no vehicle: each in one picture, and like nobody else."""
        first, count = self._slots(begins_s, length_s)
        n = rng.poisson(rates.GHOSTS * len(first) * count)
        camera = rng.integers(0, len(first), n)
        slot_s = self.phase_s[camera] + (first[camera] + rng.integers(0, count, n)) * self.options.cadence_s
        vehicle, speed = -1 - np.arange(n) - (hour << 32), np.full(n, rates.GHOST_MPS)
        ago_s = rng.uniform(0.0, (self.cameras.to_m - self.cameras.from_m)[camera] / speed)
        # its one picture finds it where a vehicle would be that came into view `ago_s` before
        return Passes(vehicle, camera, rng.integers(0, 2, n), slot_s - ago_s, slot_s + 1e-6, speed, np.full(n, -1))

    def _boxes(
        self, rng: np.random.Generator, passes: Passes, taken: NDArray[np.bool_], begins_s: float, length_s: float
    ) -> Seen:
        """Return the boxes that the detector finds."""
        cadence_s, (first, count) = self.options.cadence_s, self._slots(begins_s, length_s)
        phase_s, base = self.phase_s[passes.camera], first[passes.camera]
        one = np.maximum(np.ceil((passes.entered_s - phase_s) / cadence_s).astype(np.int64), base)
        last = np.minimum(np.floor((passes.left_s - phase_s) / cadence_s).astype(np.int64), base + count - 1)
        one = np.where(passes.number < 0, last, one)
        pictures = np.maximum(last - one + 1, 0)
        of = np.repeat(np.arange(len(passes)), pictures)
        slot = one[of] + np.arange(len(of)) - np.repeat(np.cumsum(pictures) - pictures, pictures)
        camera = passes.camera[of]
        here = taken[camera, slot - first[camera]]
        of, slot, camera = of[here], slot[here], camera[here]
        seen = self._pictured(rng, passes, of, camera, slot)
        return seen if self.perfect else seen[rng.random(len(seen.of)) < self._found(seen.size_px)]

    def _found(self, size_px: Floats) -> Floats:
        """Return the chance that the detector finds a box of a size."""
        return np.asarray(np.interp(size_px, rates.SIZES_PX, rates.FOUND) * (1.0 - self.options.loss))

    def _pictured(self, rng: np.random.Generator, passes: Passes, of: Ints, camera: Ints, slot: Ints) -> Seen:
        """Return where vehicles stand in the pictures, a pinhole camera looking along the road."""
        cameras, at_s = self.cameras, self.phase_s[camera] + slot * self.options.cadence_s
        view_m = (cameras.to_m - cameras.from_m)[camera]
        driven_m = np.minimum((at_s - passes.entered_s[of]) * passes.speed_mps[of], view_m - 0.5)
        toward = passes.toward[of] > 0
        away_m = cameras.near_m[camera] + np.where(toward, view_m - driven_m, driven_m)
        kind = self.looks.kind(passes.vehicle)[of]
        width_m, height_m, length_m = CAR_M[kind].T
        scale = cameras.focal_px[camera] / away_m
        lane = (passes.vehicle[of] * 7919 % 2) * 3.4 + 1.7
        x = WIDTH_PX / 2 + scale * np.where(toward, -lane, lane)
        foot = HEIGHT_PX * HORIZON + scale * cameras.mast_m[camera]
        wide, high = scale * (width_m + 0.25 * length_m), scale * (height_m + 0.15 * length_m)
        edge = rng.normal(0.0, rates.EDGE_PX, (len(of), 4))
        box = np.column_stack([x - wide / 2, foot - high, x + wide / 2, foot]) + edge
        shown = np.clip(box, 0.0, np.array([WIDTH_PX, HEIGHT_PX, WIDTH_PX, HEIGHT_PX])).astype(np.float32)
        size_px = np.maximum(shown[:, 2] - shown[:, 0], shown[:, 3] - shown[:, 1])
        score = rng.beta(8.0, 3.0, len(of)).astype(np.float32)
        seen = Seen(of, camera, slot, away_m, shown, size_px.astype(np.float64), score)
        return seen[(shown[:, 2:] - shown[:, :2]).min(axis=1) >= LEAST_PX]

    def _tables(
        self, rng: np.random.Generator, hour: int, passes: Passes, taken: NDArray[np.bool_], seen: Seen, track: Ints,
        begins_s: float, length_s: float,
    ) -> Window:  # fmt: skip
        """Write the window's tables."""
        frames, frame_row = self._frames(taken, begins_s, length_s)
        order = np.lexsort((track, -seen.score, seen.slot, seen.camera))
        seen, track = seen[order], track[order]
        frame_ids = frames["frame_id"].combine_chunks()
        frame = frame_row[seen.camera] + seen.slot - self._slots(begins_s, length_s)[0][seen.camera]
        rank = np.arange(len(frame)) - np.searchsorted(frame, frame)
        three = pa.array([f"#{number:03d}" for number in range(int(rank.max(initial=0)) + 1)])
        in_frame = frame_ids.take(pa.array(frame))
        ids = pc.binary_join_element_wise(in_frame, three.take(pa.array(rank)), "")
        captured_us = self._captured_us(seen)
        kind = self.looks.kind(passes.vehicle)[seen.of]
        detections = pa.table(
            {
                "detection_id": ids, "frame_id": in_frame,
                "camera_id": pa.array(self.cameras.ids).take(pa.array(seen.camera)),
                "captured_at": pa.array(captured_us).cast(pa.timestamp("us", tz="UTC")),
                "label": self._label(kind), "score": pa.array(seen.score),
                **{name: pa.array(seen.box[:, at]) for at, name in enumerate(("x1_px", "y1_px", "x2_px", "y2_px"))},
            }
        )  # fmt: skip
        embeddings = self._embeddings(rng, hour, passes, seen, ids)
        sightings, shown = self._sightings(rng, hour, passes, seen, track, ids, captured_us)
        return Window(
            {
                "frames": frames, "detections": DETECTIONS.check(detections), "embeddings": embeddings,
                "sightings": sightings,
            },
            shown,
        )  # fmt: skip

    def _label(self, kind: Ints) -> pa.Array:
        """Return labels of kinds: the detector tells none, a perfect tracker all."""
        return pa.array(LABELS if self.perfect else ["vehicle"] * len(LABELS)).take(pa.array(kind))

    def _captured_us(self, seen: Seen) -> Ints:
        """Return when each box's picture was taken, as its camera's clock has it, microseconds since 1970."""
        at_s = self.phase_s[seen.camera] + seen.slot * self.options.cadence_s + self.cameras.skew_s[seen.camera]
        return np.asarray(self.starts_us + np.round(at_s * 1000).astype(np.int64) * 1000)

    def _frames(self, taken: NDArray[np.bool_], begins_s: float, length_s: float) -> tuple[pa.Table, Ints]:
        """Return `frames`, and the row of each camera's first."""
        first, count = self._slots(begins_s, length_s)
        slot = first[:, None] + np.arange(count)
        at_s = self.phase_s[:, None] + slot * self.options.cadence_s
        inside = at_s < begins_s + length_s - 1e-9
        camera = np.nonzero(inside)[0]
        slot_us = self.starts_us + np.round(at_s[inside] * 1000).astype(np.int64) * 1000
        captured_us = slot_us + np.round(self.cameras.skew_s[camera] * US).astype(np.int64)
        came = pa.array(taken[inside])
        named = pa.array(self.cameras.ids).take(pa.array(camera))
        slot_at = pa.array(slot_us).cast(pa.timestamp("us", tz="UTC"))
        stamp = pc.strftime(pa.array(slot_us // 1000).cast(pa.timestamp("ms", tz="UTC")), "%Y%m%dT%H%M%S")
        rows = pa.table(
            {
                "frame_id": pc.binary_join_element_wise(named, pc.binary_join_element_wise(stamp, "Z", ""), "@"),
                "camera_id": named, "slot_at": slot_at,
                "captured_at": pc.if_else(came, pa.array(captured_us).cast(slot_at.type), pa.nulls(len(came), slot_at.type)),
                "captured_at_source": pc.if_else(came, "name", "none"),
                "width_px": pc.if_else(came, WIDTH_PX, 0), "height_px": pc.if_else(came, HEIGHT_PX, 0),
                "sha256": pa.nulls(len(came), pa.string()),
                "state": pc.if_else(came, "ok", "missed"),
                "reason": pc.if_else(came, pa.scalar(None, pa.string()), "no file"),
                "view": pa.nulls(len(came), pa.binary()),
            }
        )  # fmt: skip
        return FRAMES.check(rows), np.cumsum(inside.sum(axis=1)) - inside.sum(axis=1)

    def _embeddings(self, rng: np.random.Generator, hour: int, passes: Passes, seen: Seen, ids: Any) -> pa.Table:
        """Return `embeddings`, drawn some at a time."""
        large = np.flatnonzero(seen.size_px >= EMBEDDED_PX)
        drawn = self.looks.drawer(rng, hour, passes)
        parts = [drawn(seen.of[rows], seen.size_px[rows]) for rows in blocks(large)]
        vectors = pa.array([], pa.binary()) if not parts else pa.chunked_array([packed(part) for part in parts])
        rows = pa.table(
            {
                "detection_id": ids.take(pa.array(large)),
                "encoder": pa.array([self.looks.version]).take(pa.array(np.zeros(len(large), np.int64))),
                "vector": vectors,
            }
        )
        return EMBEDDINGS.check(rows)

    def _sightings(
        self, rng: np.random.Generator, hour: int, passes: Passes, seen: Seen, track: Ints, ids: Any, captured_us: Ints,
    ) -> tuple[pa.Table, Ints]:  # fmt: skip
        """Return `sightings`, and the pass each shows: that of most of its boxes."""
        order = np.lexsort((seen.slot, track))
        track, of, camera = track[order], seen.of[order], seen.camera[order]
        first = np.flatnonzero(np.append(True, track[1:] != track[:-1]))
        last = np.append(first[1:], len(track)) - 1
        boxes = last - first + 1
        mine = majority(track, of)
        named = ids_of(self.options.seed, hour, len(first))
        toward, single = passes.toward[mine], boxes == 1
        heading = self._headings(rng, camera[first], toward, single)
        stays_s = (captured_us[order][last] - captured_us[order][first]) / US
        moving_s = (self.cameras.to_m - self.cameras.from_m)[camera[first]] / passes.speed_mps[mine]
        stopped = (stays_s > moving_s + 5.0) & (boxes >= 4)
        alone = "lone" if self.options.cadence_s >= SINGLE_FROM_S else "single"
        motion = np.where(single, alone, np.where(stopped, "stopped", "moving"))
        quality = np.where(single, 0.5 * seen.score[order][first], rng.beta(6.0, 1.5, len(first)))
        at = pa.array(captured_us[order]).cast(pa.timestamp("us", tz="UTC"))
        kind = self.looks.kind(passes.vehicle)[mine]
        columns = {
            "sighting_id": named,
            "camera_id": pa.array(self.cameras.ids).take(pa.array(camera[first])),
            "label": self._label(kind),
            "entered_at": at.take(pa.array(first)), "left_at": at.take(pa.array(last)),
            "heading": pa.array([*HEADINGS, "none"]).take(pa.array(heading)),
            "motion": pa.array(motion),
            "detection_ids": pa.ListArray.from_arrays(
                pa.array(np.append(first, len(track)).astype(np.int32)), ids.take(pa.array(order))
            ),
            "quality": pa.array(quality.astype(np.float32)),
        }  # fmt: skip
        blank = {
            field.name: pa.nulls(len(first), field.type) for field in SIGHTINGS.schema if field.name not in columns
        }
        rows = pa.table(columns | blank).append_column("shown", pa.array(passes.number[mine]))
        rows = rows.sort_by("sighting_id")
        return SIGHTINGS.check(rows.select(SIGHTINGS.schema.names)), rows["shown"].to_numpy()

    def _headings(self, rng: np.random.Generator, camera: Ints, toward: Ints, single: NDArray[np.bool_]) -> Ints:
        """Return the number of each sighting's heading in HEADINGS, their count for `none`."""
        bearing = self.cameras.bearing_deg[camera] + 180.0 * toward
        point = np.floor(bearing / 45.0 + 0.5).astype(np.int64) % 8
        if self.options.cadence_s >= SINGLE_FROM_S:
            return np.full(len(point), len(HEADINGS))
        if self.perfect:
            return point
        draw = rng.random(len(point))
        none, wrong = (np.where(single, *pair) for pair in (rates.NO_HEADING, rates.WRONG_HEADING))
        turned = (point + 2 * rng.integers(1, 4, len(point))) % 8
        return np.where(draw < none, len(HEADINGS), np.where(draw < none + wrong, turned, point))
