"""Hold what `observability` predicts against what simulated vehicles did: `python -m benchmarks.observability [--json]`.

For each plan of pictures: the predicted share of vehicles in a picture of a camera (p_seen) and of both cameras of a pair
(p_pair) beside the share that really was. An error is relative where the true share is 0.05 or more, else ten times the
absolute one, so that 0.1 is the goal in both. `--lake LAKE` adds the demo city as the whole chain saw it: a finished
`thoroughfare run demo --date 2026-05-05 --lake LAKE`, thinned out to slower cadences. `--figure FILE` draws an SVG.
"""

import argparse
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benchmarks import passing
from benchmarks.passing import Floats, Traffic, every
from pipeline.observability import Settings, weigh
from pipeline.stays import EXACT, Pictures, Stays, shown_twice

DOUBT = re.compile(r"(under 1|\d+)% to (?:over |under )?(\d+)%")
GOAL, LEAST = 0.1, 0.05
"""Error that is aimed at; true share below which it is absolute."""
HOURS, TURNS = 4, 6
"""Hours of the district; times that the demo city's twenty minutes are looked at anew, with other phases."""
TRUTHS = ("demo city", "district", "district without signals", "demo city, by the whole chain")


@dataclass(frozen=True)
class Plan:
    """When pictures are planned, which of them are lost, and what a detector misses in them."""

    pictures: Callable[[int, float, np.random.Generator], Floats]
    """Times for a camera, so many seconds, and a source of chance."""
    lost: float = 0.0
    block_s: float = 0.0
    missed: float = 0.0


def even(cadence_s: float, **more: float) -> Plan:
    """Plan an even cadence, each camera in its own phase."""
    return Plan(lambda _, seconds, chance: every(cadence_s, seconds, chance.uniform(0, cadence_s)), **more)


def _uneven(_: int, seconds: float, chance: np.random.Generator) -> Floats:
    return chance.uniform(0, 1.2) + np.cumsum(np.tile([1.2, 2.4], int(seconds / 3.6)))


def _bursts(_: int, seconds: float, chance: np.random.Generator) -> Floats:
    """Sweep once a minute, and take a picture each 2 s for ten minutes of the hour."""
    burst = (np.arange(0.0, seconds, 3600.0)[:, None] + 300.0 + np.arange(0.0, 600.0, 2.0)).ravel()
    return np.unique(np.concatenate([every(60.0, seconds, chance.uniform(0, 60)), burst[burst < seconds]]))


PLANS = {
    **{f"every {cadence} s": even(cadence) for cadence in (2, 5, 8, 10, 30, 60, 120, 300)},
    "every 60 s, all at once": Plan(lambda _, seconds, __: every(60.0, seconds, 7.0)),
    "1.2 and 2.4 s in turn": Plan(_uneven),
    "every 2 s, 20 % lost": even(2, lost=0.2),
    "every 5 s, 30 % lost in blocks of 4 min": even(5, lost=0.3, block_s=240.0),
    "every 2 s, detector misses 15 %": even(2, missed=0.15),
    "every 5 s, detector misses 15 %": even(5, missed=0.15),
    "clips of 10 s each 300 s": Plan(lambda _, seconds, chance: passing.clips(seconds) + chance.uniform(0, 280)),
    "every 60 s, and 2 s for 10 min of the hour": Plan(_bursts),
    "half of the cameras every 2 s, half every 60 s": Plan(
        lambda camera, seconds, chance: every((2.0, 60.0)[camera % 2], seconds, chance.uniform(0, 2))
    ),
}
"""What is looked at."""


@dataclass(frozen=True)
class Compared:
    """One camera or pair in one hour: what was predicted, and what was."""

    who: tuple[str, str]
    predicted: float
    given: float
    """Predicted from the true stays and travel times."""
    realised: float
    passes: int
    doubt: tuple[float, float] | None = None
    """Least and most that the reason says it may be, where the camera's own vehicles do not tell."""


def compare(traffic: Traffic, plan: Plan, windows: list[tuple[int, float]], seed: int = 0) -> list[Compared]:
    """Simulate one plan of pictures and compare; each window is an hour's number and its length in seconds."""
    chance, found = np.random.default_rng(seed), []
    journeys = passing.joined(traffic)
    ways, cameras = passing.transitions(traffic, journeys), sorted(set(traffic.camera.tolist()))
    seconds = max(3600.0 * hour + length for hour, length in windows)
    pictures = {camera: plan.pictures(camera, seconds, chance) for camera in cameras}
    pictures = {camera: times[times < seconds] for camera, times in pictures.items()}
    came = {camera: passing.without(times, chance, plan.lost, plan.block_s) for camera, times in pictures.items()}
    usable = {camera: times[came[camera]] for camera, times in pictures.items()}
    frames, sightings = passing.frames(pictures, came), passing.sighted(traffic, usable, plan.missed, seed)
    shown = passing.seen(traffic, usable)
    for hour, length in windows:
        begins = 3600.0 * hour
        rows = weigh(
            passing.cameras(len(cameras)), frames, sightings, ways, passing.window(hour, length), Settings()
        ).to_pylist()
        given = _given(traffic, journeys, usable, begins, length)
        entered = (traffic.entered_s >= begins) & (traffic.entered_s < begins + length)
        for row in rows:
            first, second = int(row["camera_id"][4:]), row["pair_camera_id"]
            if second:
                legs = journeys[first, int(second[4:])]
                legs = legs[(traffic.left_s[legs[:, 0]] >= begins) & (traffic.left_s[legs[:, 0]] < begins + length)]
                true = shown[legs].all(axis=1)
            else:
                true = shown[entered & (traffic.camera == first)]
            who = row["camera_id"], second
            if len(true):
                value = row["p_pair"] if second else row["p_seen"]
                found.append(Compared(who, value, given(who), float(true.mean()), len(true), _doubt(row["reason"])))
    return found


def _doubt(reason: str) -> tuple[float, float] | None:
    """Read the range that a reason states."""
    stated = DOUBT.search(reason)
    least, most = stated.groups() if stated else ("", "")
    return (0.0 if least == "under 1" else float(least) / 100, float(most) / 100) if stated else None


def _given(
    traffic: Traffic,
    journeys: dict[tuple[int, int], NDArray[np.int64]],
    usable: dict[int, Floats],
    begins: float,
    length: float,
) -> Callable[[tuple[str, str]], float]:
    """Return the model's answer for a camera or a pair when it is told the true stays and travel times."""
    told: dict[int, tuple[Pictures, Stays]] = {}
    for camera, times in usable.items():
        inside = times[(times >= begins) & (times < begins + length)]
        stay_s = (traffic.left_s - traffic.entered_s)[traffic.camera == camera]
        mu = np.log(np.quantile(stay_s, (np.arange(100) + 0.5) / 100))
        if len(inside):
            told[camera] = Pictures(inside, length), Stays(mu, np.full(100, EXACT), np.full(100, 0.01))

    def answer(who: tuple[str, str]) -> float:
        first, second = (int(each[4:]) if each else None for each in who)
        if first not in told or (second is not None and second not in told):
            return 0.0
        if second is None:
            return told[first][0].shown(told[first][1])
        legs = journeys[first, second]
        travel_s = np.quantile(traffic.entered_s[legs[:, 1]] - traffic.left_s[legs[:, 0]], (np.arange(40) + 0.5) / 40)
        return shown_twice(told[first], told[second], travel_s, begins + np.arange(0.5, length))

    return answer


def pooled(found: list[Compared]) -> list[Compared]:
    """Put together all hours of each camera and pair, so that chance in the few vehicles of one hour weighs less."""
    whole: dict[tuple[str, str], list[Compared]] = {}
    for each in found:
        whole.setdefault(each.who, []).append(each)
    return [
        Compared(who, *(float(np.average([getattr(row, name) for row in rows], weights=[row.passes for row in rows]))
                        for name in ("predicted", "given", "realised")), sum(row.passes for row in rows))
        for who, rows in whole.items()
    ]  # fmt: skip


def error(predicted: Floats, realised: Floats) -> Floats:
    """Return how far off predictions are: relative, and ten times the absolute where the true share is below LEAST."""
    off = np.abs(predicted - realised)
    return np.where(realised >= LEAST, off / np.maximum(realised, LEAST), off / GOAL)


def told(found: list[Compared]) -> dict[str, Any]:
    """Sum up one plan: median and worst errors, share within the goal, and what chance alone would do."""
    if not found:
        return {}
    predicted, given, realised = (
        np.array([getattr(row, name) for row in found]) for name in ("predicted", "given", "realised")
    )
    passes = np.array([row.passes for row in found])
    chance = np.random.default_rng(0).binomial(passes, np.clip(realised, 0.0, 1.0)) / passes
    sure = np.array([row.doubt is None for row in found])
    inside = [row.doubt[0] - 0.01 <= row.realised <= row.doubt[1] + 0.01 for row in found if row.doubt]
    off, best, noise = error(predicted, realised), error(given, realised), error(realised, chance)
    return {
        "n": len(found), "true_share": round(float(np.median(realised)), 4), "median": round(float(np.median(off)), 4),
        "p90": round(float(np.quantile(off, 0.9)), 4), "worst": round(float(off.max()), 4),
        "within": round(float(np.mean(off <= GOAL)), 4), "within_given": round(float(np.mean(best <= GOAL)), 4),
        "sure": round(float(sure.mean()), 4), "within_where_sure": round(float(np.mean(off[sure] <= GOAL)), 4) if sure.any() else None,
        "in_stated_range": round(float(np.mean(inside)), 4) if inside else None,
        "worst_given": round(float(best.max()), 4), "within_by_chance": round(float(np.mean(noise <= GOAL)), 4),
    }  # fmt: skip


def summed_up(found: list[Compared]) -> dict[str, Any]:
    """Sum up cameras and pairs, by the hour and over all hours."""
    cameras, pairs = ([row for row in found if bool(row.who[1]) is paired] for paired in (False, True))
    return {
        "camera_hours": told(cameras), "cameras": told(pooled(cameras)),
        "pair_hours": told(pairs), "pairs": told(pooled(pairs)),
    }  # fmt: skip


def _looked(truth: str) -> Iterator[tuple[str, list[Compared]]]:
    """Compare every plan with one truth."""
    city = truth == TRUTHS[0]
    traffic = (
        passing.demo_city()
        if city
        else _inside(passing.district(HOURS, seed=1, signals=truth == TRUTHS[1]), HOURS * 3600.0)
    )
    for name, plan in PLANS.items():
        if city:
            yield name, [row for turn in range(TURNS) for row in compare(traffic, plan, [(0, 1200.0)], turn)]
        else:
            yield name, compare(traffic, plan, [(hour, 3600.0) for hour in range(HOURS)])


def _inside(traffic: Traffic, seconds: float) -> Traffic:
    """Keep the passes that begin and end within the simulation."""
    return traffic.of((traffic.entered_s >= 0) & (traffic.left_s < seconds))


def chain(root: str) -> Iterator[tuple[str, list[Compared]]]:
    """Compare the demo city as a finished run of the line saw it, at its own cadence and thinned out to slower ones."""
    from pipeline import observability, sightings, transitions, upkeep  # noqa: PLC0415 - not needed without a lake
    from pipeline.lake import Lake  # noqa: PLC0415
    from pipeline.scans import load  # noqa: PLC0415

    scan, lake = load("demo"), Lake(root, "demo")
    on = upkeep.nights(lake)[-1]
    cameras, roads, frames, boxes = (
        upkeep.night(lake, on, name) for name in ("cameras", "roads", "frames", "detections")
    )
    city, windows = passing.demo_city(), scan.windows(on)
    journeys, names = passing.joined(city, 15), sorted(cameras["camera_id"].to_pylist())
    second = (frames["slot_at"].cast(pa.int64()).to_numpy() - round(windows[0].starts_at.timestamp() * 1e6)) / 1e6
    for step in (2, 4, 6, 8, 10, 30):
        kept = pa.array(second % step == 0)
        thin, found = frames.filter(kept), []
        seen = boxes.filter(pc.is_in(boxes["frame_id"], thin["frame_id"]))
        made = sightings.track(cameras, thin, seen, sightings.Settings())
        ways = transitions.learn(cameras, roads, made, scan.settings("transitions", transitions.Settings))
        sound = pc.equal(frames["state"], "ok").to_numpy() & (second % step == 0)
        of = frames["camera_id"].to_numpy(zero_copy_only=False)
        shown = passing.seen(city, {number: np.sort(second[sound & (of == name)]) for number, name in enumerate(names)})
        for window in windows:
            begins, ends = ((at - windows[0].starts_at).total_seconds() for at in (window.starts_at, window.ends_at))
            for row in observability.weigh(cameras, thin, made, ways, window, observability.Settings()).to_pylist():
                first, other = names.index(row["camera_id"]), row["pair_camera_id"]
                legs = (
                    journeys.get((first, names.index(other)), np.zeros((0, 2), int)) if other else np.zeros((0, 2), int)
                )
                own = np.flatnonzero(city.camera == first)[:, None]
                rows = legs[(city.left_s[legs[:, 0]] >= begins) & (city.left_s[legs[:, 0]] < ends)] if other else own[
                    (city.entered_s[own[:, 0]] >= begins) & (city.entered_s[own[:, 0]] < ends)]  # fmt: skip
                true = shown[rows].all(axis=1)
                if len(true):
                    value = row["p_pair"] if other else row["p_seen"]
                    found.append(Compared((row["camera_id"], other), value, value, float(true.mean()), len(true)))
        yield f"every {step} s", found


def main() -> None:
    """Print a table, or JSON."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", action="store_true")
    options.add_argument("--lake", default="", help="lake of a finished run of the demo")
    options.add_argument("--truth", choices=TRUTHS, action="append", help="look at these truths only")
    options.add_argument("--figure", type=Path, help="SVG file to draw")
    chosen = options.parse_args()
    found = {truth: dict(_looked(truth)) for truth in TRUTHS[:-1] if not chosen.truth or truth in chosen.truth}
    if chosen.lake and (not chosen.truth or TRUTHS[-1] in chosen.truth):
        found[TRUTHS[-1]] = dict(chain(chosen.lake))
    if chosen.figure:
        from benchmarks.figure import scatter  # noqa: PLC0415

        chosen.figure.write_text(scatter({truth: _points(plans) for truth, plans in found.items()}), encoding="utf-8")
    rows = {truth: {name: summed_up(each) for name, each in plans.items()} for truth, plans in found.items()}
    if chosen.json:
        print(json.dumps(rows, indent=1))
        return
    for truth, plans in rows.items():
        print(f"\n{truth}\n{'':48}{'cameras':^38}{'pairs':^38}")
        print(f"{'':48}" + f"{'true':>7}{'median':>8}{'p90':>7}{'worst':>8}{'in 10 %':>8}" * 2)
        for name, each in plans.items():
            print(f"{name:48}" + "".join(_line(each[who]) for who in ("cameras", "pairs")))


def _points(plans: dict[str, list[Compared]]) -> list[tuple[float, float]]:
    return [(row.predicted, row.realised) for found in plans.values() for row in pooled(found)]


def _line(row: dict[str, Any]) -> str:
    if not row:
        return f"{'':38}"
    return f"{row['true_share']:>7.3f}{row['median']:>8.3f}{row['p90']:>7.3f}{row['worst']:>8.3f}{row['within']:>8.0%}"


if __name__ == "__main__":
    main()
