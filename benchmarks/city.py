"""Make a lake of a whole invented city: `python -m benchmarks.city LAKE [--size district|city]`, 10 million sightings by default.

Traffic, pictures, boxes and tracks are those of `thoroughfare bench-city` (docs/benchmark_city.md), without vectors. To
link 10 million sightings would take hours, so links and trajectories are drawn from the truth: as large a share of each
vehicle's steps as the line finds, on the pairs of cameras that enough vehicles join. Products are made by their own stage.
"""

import argparse
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from pipeline.lake import Lake, Place
from pipeline.query import query
from pipeline.stages import stage
from pipeline.synthetic import SCAN_DATE, SIZES, Options
from pipeline.synthetic.columns import ids_of
from pipeline.synthetic.night import Night
from pipeline.synthetic.seen import LABELS, Observer
from pipeline.synthetic.seen import Window as Observed
from pipeline.synthetic.traffic import Floats, Ints, Passes, Traffic
from pipeline.tables import EMBEDDINGS, LINKS, OBSERVABILITY, TIME, TRAJECTORIES, TRANSITIONS

US, HOUR_US = 1_000_000, 3_600_000_000
LINKED = 0.2
"""Share of the steps of vehicles that links find (docs/benchmark_city.md: single links, recall)."""
JOINED = 100
"""Vehicles in the night that a pair of cameras needs before it is linked."""
LONGEST_S = 900.0
"""Longer between two cameras is no step."""
FASTEST_MPS = 25.0
"""Faster than this between two cameras, whose stated places are off by some metres, is no step."""
CALIBRATED = 4
"""One camera in so many is calibrated, and tells speeds."""
SPEED_ERROR_MPS = 0.6


@dataclass(frozen=True)
class Steps:
    """n sightings of known vehicles, by vehicle and time, and which of them are linked to the next."""

    row: Ints
    """(n,) row among the night's sightings."""
    camera: Ints
    entered_us: Ints
    left_us: Ints
    pair: Ints
    """(n,) camera * cameras + next camera of a step on a pair that is linked, else -1."""
    linked: np.ndarray[Any, np.dtype[np.bool_]]


class Watcher(Observer):
    """Cameras whose boxes get no vectors, and whose detector tells kinds of vehicles."""

    def _embeddings(self, *_: Any) -> pa.Table:
        """Draw none: nobody asks them."""
        return EMBEDDINGS.empty()

    def _label(self, kind: Ints) -> pa.Array:
        """Return what each vehicle is."""
        return pa.array(LABELS).take(pa.array(kind))


class City(Night):
    """One invented night in a lake, linked by what is known of it."""

    def make(self) -> None:
        """Invent the night, one window at a time, and commit its tables."""
        begun = time.perf_counter()
        self.scan, self.traffic = self.options.scan(), Traffic(self.options)
        self.windows, self.vehicle, self.known = self.scan.windows(SCAN_DATE), [], []
        observer = Watcher(self.traffic.cameras, self.options, self.windows[0].starts_at)
        self._commit(Place("cameras", SCAN_DATE), self.traffic.cameras.table(self.options.cadence_s))
        self._commit(Place("roads", SCAN_DATE), self.traffic.roads.roads())
        for hour, passes in enumerate(self.traffic.hours(len(self.windows))):
            seen = observer.observe(hour, passes)
            tables = seen.tables | {"sightings": self._kept(hour, passes, seen)}
            for name in ("frames", "detections", "sightings"):
                self._commit(Place.of(name, self.windows[hour].hour_at), tables[name])
            self.say(
                f"invented {self.windows[hour]}: {tables['sightings'].num_rows:,} sightings, {self._elapsed(begun)}"
            )
        self.seconds["generate"] = time.perf_counter() - begun

    def judge(self) -> None:
        """Link by the truth, and publish."""
        begun = time.perf_counter()
        sightings = pa.concat_tables(self.known)
        steps = self._steps(sightings)
        self._commit(Place("transitions", SCAN_DATE), self._transitions(steps))
        frames = self.tables("frames").select(["camera_id", "slot_at", "state"])
        weighed = self._observability(frames, sightings, steps)
        for window in self.windows:
            here = pc.equal(weighed["hour_at"], pa.scalar(window.hour_at, TIME))
            self._commit(Place.of("observability", window.hour_at), weighed.filter(here))
        links, arrived_us = self._links(sightings, steps)
        for window in self.windows:
            here = arrived_us // HOUR_US == round(window.hour_at.timestamp()) * US // HOUR_US
            self._commit(Place.of("links", window.hour_at), links.filter(pa.array(here)))
        self._commit(Place("trajectories", SCAN_DATE), _admitted(self._trajectories(sightings, steps), weighed))
        self.say(f"linked by the truth: {links.num_rows:,} links, {self._elapsed(begun)}")
        self._work(stage("products"), None)
        self.say(f"published, {self._elapsed(begun)}")

    def _kept(self, hour: int, passes: Passes, seen: Observed) -> pa.Table:
        """Put a window's sightings in the order of their cameras, with speeds where calibrated, and note whose they are."""
        rng = np.random.default_rng([self.options.seed, 50, hour])
        rows, of = seen.tables["sightings"], _rows_of(passes, seen.shown)
        number = pc.index_in(rows["camera_id"], pa.array(self.traffic.cameras.ids)).to_numpy()
        told = (number % CALIBRATED == 0) & (of >= 0) & pc.not_equal(rows["motion"], "single").to_numpy()
        driven = passes.speed_mps[of] + rng.normal(0.0, SPEED_ERROR_MPS, len(of))
        columns = {"speed_mps": np.maximum(driven, 0.0), "speed_error_mps": np.full(len(of), SPEED_ERROR_MPS)}
        for name, value in columns.items():
            at = rows.schema.get_field_index(name)
            rows = rows.set_column(at, rows.schema.field(name), pa.array(value.astype(np.float32), mask=~told))
        vehicle = pa.array(passes.vehicle[of], mask=of < 0)
        rows = rows.append_column("vehicle", vehicle).append_column("camera", pa.array(number))
        rows = rows.sort_by([("camera_id", "ascending"), ("sighting_id", "ascending")])
        self.known.append(rows.select(["sighting_id", "camera", "vehicle", "entered_at", "left_at", "motion"]))
        return rows.drop_columns(["vehicle", "camera"])

    def _steps(self, sightings: pa.Table) -> Steps:
        """Follow each vehicle from sighting to sighting, and link a share of its steps."""
        row = np.flatnonzero(sightings["vehicle"].is_valid().to_numpy())
        known = sightings.take(pa.array(row))
        vehicle, camera = (known[name].to_numpy() for name in ("vehicle", "camera"))
        entered_us, left_us = (known[name].cast(pa.int64()).to_numpy() for name in ("entered_at", "left_at"))
        order = np.lexsort((entered_us, vehicle))
        row, vehicle, camera, entered_us, left_us = (
            each[order] for each in (row, vehicle, camera, entered_us, left_us)
        )
        gap_s = np.append((entered_us[1:] - left_us[:-1]) / US, -1.0)
        onward = np.append((vehicle[1:] == vehicle[:-1]) & (camera[1:] != camera[:-1]), [False])
        onward &= (gap_s > 0) & (gap_s < LONGEST_S)
        xy = self.traffic.cameras.xy[camera]
        onward &= np.append(np.hypot(*(xy[1:] - xy[:-1]).T), 0.0) <= FASTEST_MPS * gap_s
        pair = np.where(onward, camera * self._count + np.roll(camera, -1), -1)
        pairs, of, vehicles = np.unique(pair, return_inverse=True, return_counts=True)
        pair = np.where((pairs[of] >= 0) & (vehicles[of] >= JOINED), pair, -1)
        chance = np.random.default_rng([self.options.seed, 51])
        return Steps(row, camera, entered_us, left_us, pair, (pair >= 0) & (chance.random(len(pair)) < LINKED))

    def _commit(self, place: Place, rows: pa.Table) -> None:
        """Commit an invented table with the settings its checks hold it to."""
        line = stage(place.table)
        chosen = asdict(self.scan.settings(line.table, line.settings())) if "settings" in line.asks else {}
        told = {name: str(value) for name, value in chosen.items()}
        made_from = self._invented() | {"window": None, "inputs": {}, "settings": told}
        self.lake.commit(place, [self.lake.write(place, 0, rows)], made_from)

    @property
    def _count(self) -> int:
        """Count the cameras."""
        return len(self.traffic.cameras.edge)

    def _transitions(self, steps: Steps) -> pa.Table:
        """Learn each pair's travel times from its vehicles, hour by hour of leaving."""
        at = np.flatnonzero(steps.pair >= 0)
        travel_s = (steps.entered_us[at + 1] - steps.left_us[at]) / US
        hour_us = steps.left_us[at] // HOUR_US * HOUR_US
        rows = pa.table({"pair": steps.pair[at], "hour_at": hour_us, "logs": np.log(np.maximum(travel_s, 0.1))})
        found = rows.group_by(["pair", "hour_at"]).aggregate([("logs", "mean"), ("logs", "stddev"), ("logs", "count")])
        whole = rows.group_by("pair").aggregate([("logs", "count")]).rename_columns(["pair", "support"])
        found = found.join(whole, "pair").sort_by([("pair", "ascending"), ("hour_at", "ascending")])
        origin, goal = np.divmod(found["pair"].to_numpy(), self._count)
        cameras, n = self.traffic.cameras, found.num_rows
        heading = cameras.headings()[:, 0]
        made: dict[str, Any] = {
            "from_camera": cameras.ids[origin], "to_camera": cameras.ids[goal],
            "heading": heading[origin], "hour_at": pa.array(found["hour_at"].to_numpy()).cast(TIME),
            "to_heading": heading[goal], "road_m": 1.2 * np.hypot(*(cameras.xy[origin] - cameras.xy[goal]).T).round(1),
            "travel_mu": found["logs_mean"], "travel_sigma": found["logs_stddev"],
            "floor_s": np.zeros(n), "ceiling_s": np.full(n, LONGEST_S), "clock_s": np.zeros(n),
            "support": found["support"].cast(pa.int32()), "hour_support": found["logs_count"].cast(pa.int32()),
            "fit": np.full(n, 0.9), "source": np.full(n, "learned"),
        }  # fmt: skip
        return TRANSITIONS.check(pa.table(made))

    def _observability(self, frames: pa.Table, sightings: pa.Table, steps: Steps) -> pa.Table:
        """Say of each camera and hour, and of each pair, what it supports: by its pictures and the stays in its view."""
        hours = np.array([round(window.hour_at.timestamp()) * US for window in self.windows])
        planned, seen = (_by_hour(each["camera_id"], each["slot_at"], self.traffic.cameras.ids, hours) for each in (
            frames, frames.filter(pc.equal(frames["state"], "ok")))
        )  # fmt: skip
        single = pc.equal(sightings["motion"], "single").to_numpy()
        camera, at_us = sightings["camera"].to_numpy(), sightings["entered_at"].cast(pa.int64()).to_numpy()
        hour = np.searchsorted(hours, at_us, side="right") - 1
        cell, cells = camera * len(hours) + hour, self._count * len(hours)
        followed = np.bincount(cell[~single], minlength=cells) / np.maximum(np.bincount(cell, minlength=cells), 1)
        stay_s = (sightings["left_at"].cast(pa.int64()).to_numpy() - at_us) / US
        dwell_s = np.bincount(cell, weights=stay_s, minlength=cells) / np.maximum(np.bincount(cell, minlength=cells), 1)
        p_seen = np.clip(0.45 + followed.reshape(self._count, -1) * 0.55, 0, 1) * seen / np.maximum(planned, 1)
        pairs = np.unique(steps.pair[steps.pair >= 0])
        one, other = np.divmod(pairs, self._count)
        first, second = np.append(np.arange(self._count), one), np.append(np.arange(self._count), other)
        alone = np.repeat(np.arange(len(first)) < self._count, len(hours))
        p_one, p_two = p_seen[first].ravel(), p_seen[second].ravel()
        p_pair = p_one * p_two
        ids = self.traffic.cameras.ids
        verdict = np.where(alone, np.where(p_one > 0.5, "link", "flow"), np.where(p_pair > 0.36, "trajectory", "link"))
        verdict = np.where(p_one > 0, verdict, "none")
        made: dict[str, Any] = {
            "camera_id": np.repeat(ids[first], len(hours)),
            "pair_camera_id": np.where(alone, "", np.repeat(ids[second], len(hours))),
            "hour_at": pa.array(np.tile(hours, len(first))).cast(TIME),
            "slots_planned": planned[first].ravel().astype(np.int32), "slots_seen": seen[first].ravel().astype(np.int32),
            "cadence_s": np.full(len(alone), self.options.cadence_s, np.float32),
            "dwell_s": dwell_s.reshape(self._count, -1)[first].ravel().astype(np.float32),
            "p_seen": np.minimum(p_one, p_two).astype(np.float32),
            "p_pair": pa.array(p_pair.astype(np.float32), mask=alone),
            "verdict": verdict, "reason": np.char.add(np.round(100 * p_pair).astype(int).astype(str), "% are seen"),
        }  # fmt: skip
        return OBSERVABILITY.check(pa.table(made))

    def _links(self, sightings: pa.Table, steps: Steps) -> tuple[pa.Table, Ints]:
        """Return the links, and when each arrived, microseconds since 1970."""
        at = np.flatnonzero(steps.linked)
        rng, n = np.random.default_rng([self.options.seed, 52]), len(at)
        ids = sightings["sighting_id"].combine_chunks()
        # from 0.5 up, most of them sure
        sure = (1.0 - 0.5 * rng.beta(1.2, 3.0, n)).astype(np.float32)
        nats = {
            name: rng.normal(mean, 1.5, n) for name, mean in (("prior", -2.0), ("travel", 2.5), ("appearance", 3.0))
        }
        made: dict[str, Any] = {
            "query_id": ids.take(pa.array(steps.row[at])), "gallery_id": ids.take(pa.array(steps.row[at + 1])),
            "travel_s": (steps.entered_us[at + 1] - steps.left_us[at]) / US,
            "distance": rng.beta(3.0, 6.0, n).astype(np.float32), "probability": sure,
            "runner_up": ((1.0 - sure) * rng.random(n)).astype(np.float32),
            **{f"{name}_nats": value.astype(np.float32) for name, value in nats.items()},
            "kind_nats": np.zeros(n, np.float32),
        }  # fmt: skip
        return LINKS.check(pa.table(made)), steps.entered_us[at + 1]

    def _trajectories(self, sightings: pa.Table, steps: Steps) -> pa.Table:
        """Chain the links, each chain one straight line from camera to camera."""
        joined = np.append([False], steps.linked[:-1])
        in_chain = steps.linked | joined
        first = np.flatnonzero(steps.linked & ~joined)
        kept = np.flatnonzero(in_chain)
        offset = np.append(np.searchsorted(kept, first), len(kept))
        chain, n = np.repeat(np.arange(len(first)), np.diff(offset)), len(first)
        camera, last = steps.camera[kept], offset[1:] - 1
        passed_us = (steps.entered_us[kept] + steps.left_us[kept]) // 2
        cameras = self.traffic.cameras
        hop_m = np.hypot(*np.diff(cameras.xy[camera], axis=0, prepend=cameras.xy[camera[:1]]).T)
        hop_m[offset[:-1]] = 0.0
        length_m: Floats = np.bincount(chain, weights=hop_m, minlength=n)
        span_s = np.maximum((passed_us[last] - passed_us[offset[:-1]]) / US, 1.0)
        listed = cameras.table(self.options.cadence_s)
        lonlat = np.column_stack([listed[name].to_numpy() for name in ("lon", "lat")])[camera]
        lists = pa.array(offset.astype(np.int32))
        passed = pa.ListArray.from_arrays(lists, pa.array(passed_us).cast(TIME))
        legs = pa.array((offset - np.arange(len(offset))).astype(np.int32))
        made: dict[str, Any] = {
            "trajectory_id": ids_of(self.options.seed, 99, n),
            "sighting_ids": pa.ListArray.from_arrays(
                lists, sightings["sighting_id"].combine_chunks().take(pa.array(steps.row[kept]))
            ),
            "camera_ids": pa.ListArray.from_arrays(lists, pa.array(cameras.ids).take(pa.array(camera))),
            "passed_at": passed, "started_at": pa.array(steps.entered_us[kept[offset[:-1]]]).cast(TIME),
            "finished_at": pa.array(steps.left_us[kept[last]]).cast(TIME),
            "length_m": length_m, "mean_speed_mps": length_m / span_s,
            "probability": np.power(0.85, np.diff(offset) - 1).astype(np.float32),
            "geometry": shapely.to_wkb(shapely.linestrings(lonlat, indices=chain), byte_order=1), "vertices_at": passed,
            "bridged": pa.ListArray.from_arrays(legs, pa.array(np.zeros(len(kept) - n, bool))),
        }  # fmt: skip
        return TRAJECTORIES.check(pa.table(made).sort_by("trajectory_id"))


def _admitted(trajectories: pa.Table, observability: pa.Table) -> pa.Table:
    """Leave out those with a leg whose pair supports no trajectories, as the line does."""
    beyond = query("checks/trajectories_beyond_observability", trajectories=trajectories, observability=observability)
    named = pc.is_in(trajectories["trajectory_id"], value_set=beyond["trajectory_id"].combine_chunks())
    return trajectories.filter(pc.invert(named))


def make(root: str, size: str = "city", say: Any = lambda _: None) -> Lake:
    """Make a lake of an invented city of `SIZES`, with the settings file that opens it."""
    options = Options(size=size)
    night = City(options, Lake(root, size), say)
    night.make()
    night.judge()
    Path(root, "settings.toml").write_text(options.settings(), encoding="utf-8")
    return night.lake


def _rows_of(passes: Passes, shown: Ints) -> Ints:
    """Return the row of the pass that each sighting shows, -1 for none."""
    order = np.argsort(passes.number, kind="stable")
    at = order[np.searchsorted(passes.number, shown, sorter=order).clip(0, len(order) - 1)]
    return np.where((shown >= 0) & (passes.number[at] == shown), at, -1)


def _by_hour(camera: pa.ChunkedArray, at: pa.ChunkedArray, ids: Any, hours: Ints) -> Ints:
    """Count rows by camera and hour, (cameras, hours)."""
    number = pc.index_in(camera, pa.array(ids)).to_numpy()
    hour = np.searchsorted(hours, at.cast(pa.int64()).to_numpy(), side="right") - 1
    counted = np.bincount(number * len(hours) + hour, minlength=len(ids) * len(hours))
    return np.asarray(counted.reshape(len(ids), len(hours)))


def main() -> None:
    """Read the options, make the lake."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lake", help="new folder to write it to")
    parser.add_argument("--size", default="city", choices=sorted(SIZES), help="city: 1,000 cameras, 8 hours")
    args = parser.parse_args()
    make(args.lake, args.size, print)


if __name__ == "__main__":
    main()
