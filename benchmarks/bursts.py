"""Hold what `plan` expects of sweeps and bursts against the demo city's truth: `python -m benchmarks.bursts`.

The city is polled on paper: a vehicle is seen where a planned picture shows it, faults and all. Expected is what the plan
says from the city's true flows, road lengths and a stay of eight seconds; realised is what the pictures show. With
`--lake`, of a night that was run so, the links that were published are shown beside the pairs that pictures show.
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow.compute as pc

from pipeline import bursts, cameras, plans, scans
from pipeline.feeds import demo
from pipeline.lake import Lake
from pipeline.plans import products
from pipeline.plans.city import gather, knowing
from pipeline.plans.products import Traffic
from pipeline.plans.supports import expected, grouped

DAY = date(2026, 5, 5)
SECTION = {
    "cadence_s": 2.0, "length_s": 300.0, "every_s": 600.0,
    "corridors": [{"cameras": ["101", "102", "104"], "at_s": 0.0}, {"cameras": ["105", "106", "108"], "at_s": 300.0}],
}  # fmt: skip
CLOSE = replace(scans.load("demo", scans.bundled()), cadence_s=2.0)
POLLED = replace(CLOSE, cadence_s=60.0, stages={"bursts": SECTION})
HOURS = 1 / 3
Pass = dict[str, Any]


def measured(lake: str, before: str) -> dict[str, Any]:
    """Return expected and realised figures of cameras and of pairs."""
    boxes = demo.truth_boxes(CLOSE, DAY)
    passes = demo.true_passes(boxes).to_pylist()
    shown = shown_in(boxes)
    told = planned(
        {camera: count / HOURS for camera, count in Counter(each["camera_id"] for each in passes).items()}, before
    )
    return {
        "cameras": list(of_cameras(passes, shown, told)),
        "counts": of_counts(passes),
        "pairs": list(of_pairs(passes, shown, told, links(lake))),
    } | ({"medians": of_medians(passes, told, lake)} if lake else {})


def planned(vehicles: dict[str, float], before: str) -> list[plans.Expectation]:
    """Return what the plan expects of a night polled so, knowing the flows."""
    listed = cameras.survey(POLLED)
    city = gather(POLLED, listed, Lake(before, "demo"), plans.Budget())
    city = replace(city, traffic=Traffic(vehicles, float(np.median(list(vehicles.values()))), "the city's truth"))
    scan = knowing(POLLED, city.traffic)
    return [each for group in grouped(scan, DAY, listed, city) for each in expected(scan, group, city)]


def shown_in(boxes: Any) -> dict[tuple[str, str], list[datetime]]:
    """Return the times of all true pictures of a vehicle at a camera, those that faults hid left out."""
    found = defaultdict(list)
    for row in boxes.filter(pc.is_null(boxes["fault"])).select(["vehicle_id", "camera_id", "slot_at"]).to_pylist():
        found[row["vehicle_id"], row["camera_id"]].append(row["slot_at"])
    return found


def polled(camera_id: str, *, close: bool = False) -> set[datetime]:
    """Return the planned times of a camera; those of its bursts alone where `close`."""
    native, first = camera_id.removeprefix("demo:"), POLLED.starts_at(DAY)
    slots = {slot for window in POLLED.windows(DAY) for slot in bursts.slots(POLLED, window, native)}
    if not close:
        return slots
    known = bursts.read(POLLED)
    at_s = known.of[native].at_s
    return {at for at in slots if ((at - first).total_seconds() - at_s) % known.every_s < known.length_s}


def seen(one: Pass, shown: dict[tuple[str, str], list[datetime]], at: set[datetime]) -> bool:
    """Tell whether any picture of some times shows a pass."""
    key = one["vehicle_id"], one["camera_id"]
    return any(one["entered_at"] <= each <= one["left_at"] and each in at for each in shown[key])


def of_cameras(
    passes: list[Pass], shown: dict[Any, list[datetime]], told: list[plans.Expectation]
) -> Iterable[dict[str, Any]]:
    """Yield the share of passing vehicles in a picture, expected and realised, and how long they stayed."""
    known = bursts.read(POLLED)
    by_group = {"swept" in each.of: each.figures["p_seen"] for each in told if each.product == "counts"}
    for camera in sorted({each["camera_id"] for each in passes}):
        at, mine = polled(camera), [each for each in passes if each["camera_id"] == camera]
        stays = [(each["left_at"] - each["entered_at"]).total_seconds() + CLOSE.cadence_s for each in mine]
        yield {
            "camera": camera, "passes": len(mine), "stay_s": round(float(np.median(stays)), 1),
            "expected": round(by_group[camera.removeprefix("demo:") not in known.of], 3),
            "realised": round(sum(seen(each, shown, at) for each in mine) / len(mine), 3),
        }  # fmt: skip


def of_counts(passes: list[Pass]) -> dict[str, float]:
    """Return the error of five-minute counts of a camera swept every minute, expected and realised, over all phases.

    Every camera is taken as swept; its own share seen turns pictures into vehicles, as its own flow tells the expected error.
    """
    begins, counted, expected_ = POLLED.starts_at(DAY), [], []
    for camera in sorted({each["camera_id"] for each in passes}):
        mine = [each for each in passes if each["camera_id"] == camera]
        times = np.array(
            [[(each[name] - begins).total_seconds() for name in ("entered_at", "left_at")] for each in mine]
        )
        stays_s = times[:, 1] - times[:, 0] + CLOSE.cadence_s
        p_seen = float(np.minimum(stays_s, 60.0).mean() / 60.0)
        for part in range(4):
            inside = (times[:, 0] >= 300 * part) & (times[:, 0] < 300 * (part + 1))
            if not inside.any():
                continue
            expected_.append(products.count_error(p_seen, float(inside.sum())))
            for phase in np.arange(0.0, 60.0, 2.0):
                first = np.ceil((times[inside, 0] - phase) / 60.0) * 60.0 + phase
                counted.append((first < times[inside, 0] + stays_s[inside]).sum() / p_seen / inside.sum() - 1.0)
    return {
        "expected_error": round(float(np.sqrt(np.mean(np.square(expected_)))), 3),
        "realised_error": round(float(np.sqrt(np.mean(np.square(counted)))), 3),
        "samples": len(counted),
    }


def of_pairs(
    passes: list[Pass], shown: dict[Any, list[datetime]], told: list[plans.Expectation], linked: Counter[frozenset[str]]
) -> Iterable[dict[str, Any]]:
    """Yield vehicles an hour in bursts' pictures of both neighbours, expected and realised, and those linked."""
    by_vehicle = defaultdict(list)
    for each in passes:
        by_vehicle[each["vehicle_id"]].append(each)
    both, passing = Counter[frozenset[str]](), Counter[frozenset[str]]()
    close = {f"demo:{native}": polled(native, close=True) for native in bursts.read(POLLED).of}
    for one, other in (pair for each in by_vehicle.values() for pair in pairwise(each)):
        key = frozenset((one["camera_id"], other["camera_id"]))
        passing[key] += 1
        if key <= set(close) and all(seen(each, shown, close[each["camera_id"]]) for each in (one, other)):
            both[key] += 1
    for each in (each for each in told if "pairs_an_hour" in each.figures):
        key = frozenset(f"demo:{native}" for native in each.of.split(" - "))
        yield {
            "pair": each.of, "passing_an_hour": round(passing[key] / HOURS), "travel_s": round(each.figures["travel_s"]),
            "p_expected": round(each.figures["p_pair"], 3), "p_realised": round(both[key] / max(passing[key], 1), 3),
            "expected": round(each.figures["pairs_an_hour"]), "realised": round(both[key] / HOURS),
            "links_expected": round(each.figures["links_an_hour"]), "links_realised": round(linked[key] / HOURS),
        }  # fmt: skip


def links(lake: str) -> Counter[frozenset[str]]:
    """Count the links of a night by pair of cameras."""
    if not lake:
        return Counter()
    from pipeline import upkeep  # noqa: PLC0415 - not needed without a lake

    there = Lake(lake, "demo")
    on = upkeep.nights(there)[-1]
    camera = {row["sighting_id"]: row["camera_id"] for row in upkeep.night(there, on, "sightings").to_pylist()}
    return Counter(
        frozenset((camera[row["query_id"]], camera[row["gallery_id"]]))
        for row in upkeep.night(there, on, "links").to_pylist()
        if row["probability"] >= 0.5
    )


def of_medians(passes: list[Pass], told: list[plans.Expectation], lake: str) -> dict[str, float]:
    """Return the error of the published median travel times by direction and hour: expected, and against every true pass."""
    from pipeline import upkeep  # noqa: PLC0415 - not needed without a lake

    there = Lake(lake, "demo")
    on = upkeep.nights(there)[-1]
    true, by_vehicle = defaultdict(list), defaultdict(list)
    for each in passes:
        by_vehicle[each["vehicle_id"]].append(each)
    for one, other in (pair for each in by_vehicle.values() for pair in pairwise(each)):
        hour = other["entered_at"].replace(minute=0).hour
        true[one["camera_id"], other["camera_id"], hour].append((other["entered_at"] - one["left_at"]).total_seconds())
    sigma = {
        frozenset(f"demo:{n}" for n in each.of.split(" - ")): each.figures
        for each in told
        if "links_an_hour" in each.figures
    }
    off, wanted = [], []
    for row in upkeep.night(there, on, "products/travel_time").to_pylist():
        pair = row["from_camera"], row["to_camera"]
        if (figures := sigma.get(frozenset(pair))) is not None:
            usual_s = float(np.median(true[*pair, row["hour_at"].hour]))
            off.append(float(row["p50_s"]) / usual_s - 1.0)
            wanted.append(figures["relative_error"] * np.sqrt(figures["links_an_hour"] / row["support"]))
    return {
        "expected_error": round(float(np.sqrt(np.mean(np.square(wanted)))), 3),
        "realised_error": round(float(np.sqrt(np.mean(np.square(off)))), 3),
        "medians": len(off),
    }


def main() -> None:
    """Print the comparison."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--lake", default="", help="lake of the demo city, polled as benchmarks.bursts says")
    asked.add_argument("--before", default="out/no-lake", help="lake with a night that has learned travel times")
    asked.add_argument("--json", action="store_true")
    options = asked.parse_args()
    found = measured(options.lake, options.before)
    if options.json:
        json.dump(found, sys.stdout, indent=1)
        return
    for name, rows in found.items():
        print(name)
        for row in rows if isinstance(rows, list) else [rows]:
            print("  " + "  ".join(f"{key} {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
