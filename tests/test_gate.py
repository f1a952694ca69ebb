"""Gates by sorted arrivals are those that SQL joins."""

import numpy as np
import pyarrow as pa
import pytest

from pipeline.links import gate, passes
from pipeline.query import query
from pipeline.scans import HOUR, Window
from tests.builders import NIGHT, at, rows, seen, sighting, transition

WINDOW = Window(NIGHT + HOUR, NIGHT + HOUR, NIGHT + 2 * HOUR)


def tables(seed: int) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Invent sightings of three cameras over three hours, ways between all of them, and what two hours support."""
    draw = np.random.default_rng(seed)
    headings, cameras = ("north", "south", "none"), "abc"
    passed = []
    for number in range(150):
        start = float(draw.uniform(-600, 7500))
        which = {"heading": str(draw.choice(headings)), "motion": str(draw.choice(["moving", "moving", "parked"]))}
        name = str(draw.choice(list(cameras)))
        passed.append(sighting(f"{number:03d}", name, start, start + float(draw.uniform(0, 9)), **which))
    ways = [
        transition(
            one, other, heading=heading, to_heading=str(draw.choice(headings)), hour_at=hour,
            floor_s=float(draw.uniform(-20, 30)), ceiling_s=float(draw.uniform(60, 900)), clock_s=float(draw.uniform(-40, 40)),
        )
        for one in cameras for other in cameras for heading in headings for hour in (at(0), at(3600))
    ]  # fmt: skip
    weighed = [
        seen(one, str(draw.choice(["flow", "link", "trajectory"])), other) | {"hour_at": hour}
        for one in cameras for other in (*cameras, "") if one != other for hour in (at(0), at(3600))
    ]  # fmt: skip
    key = [(name, "ascending") for name in ("from_camera", "to_camera", "heading", "hour_at")]
    return rows("sightings", *passed), rows("transitions", *ways).sort_by(key), rows("observability", *weighed)


def found(sightings: pa.Table, ways: pa.Table, weighed: pa.Table) -> list[tuple[int, int, int]]:
    view = passes.read(sightings, rows("detections"), rows("embeddings"))
    out = []
    for each in gate.gates(view, ways, weighed, WINDOW):
        for one, other in zip(*(side.tolist() for side in each.pairs()), strict=True):
            after = view.passed_twice_us[other] > view.passed_twice_us[one] + 2 * each.clock_us
            if after or not each.later:
                out.append((one, other, each.way))
    return sorted(out)


def joined(sightings: pa.Table, ways: pa.Table, weighed: pa.Table) -> list[tuple[int, int, int]]:
    span = {"first_us": gate.microseconds(NIGHT), "last_us": gate.microseconds(NIGHT + 2 * HOUR)}
    params = span | {"bucket_us": 60_000_000}
    answer = query("links/candidates", params, sightings=sightings, transitions=ways, observability=weighed)
    return [(row["query"], row["gallery"], row["way"]) for row in answer.to_pylist()]


@pytest.mark.parametrize("seed", range(4))
def test_sorted_arrivals_give_the_pairs_that_sql_joins(seed: int):
    made = tables(seed)
    assert joined(*made) == found(*made)
    assert len(joined(*made)) > 100


def test_no_more_arrivals_are_measured_than_any_gate_holds():
    sightings = rows("sightings", *(sighting(f"{n}", "b", 3600 + 10 * n) for n in range(9)), sighting("9", "a", 3600))
    way = rows("transitions", transition("a", "b", floor_s=15.0, ceiling_s=45.0, hour_at=at(3600)))
    weighed = rows("observability", seen("a", "link", "b") | {"hour_at": at(3600)})
    view = passes.read(sightings, rows("detections"), rows("embeddings"))
    (only,) = gate.gates(view, way, weighed, WINDOW)
    assert only.met().tolist() == [2, 3, 4]
    assert only.size == 3
