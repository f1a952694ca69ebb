"""What stops a tracker: steps are judged by a truth made by hand, and what hinders it hinders it."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from builders import at, link, rows, seen, sighting

from pipeline import countermeasures, scans
from pipeline.countermeasures import Hindrance, follow
from pipeline.countermeasures.steps import judged
from pipeline.errors import SettingsError
from pipeline.lake import Lake
from pipeline.scores.truth import PASSES
from pipeline.synthetic import SCAN_DATE
from pipeline.synthetic.score import steps


def passes(*told: tuple[str, str, float]) -> pa.Table:
    """Make true passes of (vehicle, camera, second)."""
    made = [
        {"camera_id": camera, "vehicle_id": vehicle, "entered_at": at(second), "left_at": at(second + 2)}
        for vehicle, camera, second in told
    ]
    return pa.Table.from_pylist(made, PASSES)


TRUTH = passes(("v1", "a", 0), ("v1", "b", 40), ("v1", "c", 80), ("v2", "a", 10), ("v2", "b", 50))
SEEN = rows("sightings", *(sighting(f"s{n}", camera, second) for n, (camera, second) in enumerate(
    [("a", 0), ("b", 40), ("c", 80), ("a", 10), ("b", 50), ("b", 55)])))  # fmt: skip
SHOWN = np.array([0, 1, 2, 3, 4, -1])
PAIRS = rows("observability", seen("a", "trajectory", "b"), seen("b", "link", "c"), seen("a", "link"))


def followed(*pairs: tuple[str, str]) -> countermeasures.Followed:
    return judged(TRUTH, SHOWN, SEEN, rows("links", *(link(*pair) for pair in pairs)), PAIRS)


def test_a_link_between_two_passes_of_one_vehicle_follows_its_step():
    told = followed(("s0", "s1"), ("s3", "s1"))
    assert (told.found.tolist(), told.precision) == ([True, False, False], 0.5)


def test_a_link_to_what_no_vehicle_was_is_neither_right_nor_wrong():
    told = followed(("s0", "s5"))
    assert (len(told.right), told.unknown, told.recall) == (0, 1, 0.0)
    assert np.isnan(told.precision)


def test_a_link_past_a_camera_follows_no_step():
    assert followed(("s0", "s2")).found.tolist() == [False, False, False]


def test_a_journey_is_followed_whole_where_every_step_is():
    told = followed(("s0", "s1"), ("s1", "s2"))
    assert (told.whole(2), told.whole(1)) == ((1.0, 1), (0.0, 1))


def test_a_change_of_ids_cuts_the_steps_that_cross_it():
    told = followed(("s0", "s1"), ("s1", "s2"), ("s3", "s4"))
    assert told.recall_within(60.0) == pytest.approx(2 / 3)


def test_verdicts_are_those_of_pairs():
    assert followed().verdicts == {"link": 1, "trajectory": 1}


def test_the_interval_of_nothing_followed_is_not_nothing():
    low, high = followed().interval()
    assert low == pytest.approx(0.0, abs=1e-9)
    assert 0.3 < high < 0.7


def test_steps_are_those_of_the_benchmark_city():
    links = rows("links", link("s0", "s1"), link("s3", "s1"), link("s1", "s2"))
    theirs, ours = steps(TRUTH, SHOWN, SEEN, links), judged(TRUTH, SHOWN, SEEN, links, PAIRS)
    assert (theirs["recall"], theirs["precision"]) == pytest.approx((ours.recall, ours.precision), abs=1e-6)


def test_one_moment_singles_out_whoever_was_alone_then():
    assert countermeasures.unicity(TRUTH, 1, 5.0) == 1.0
    assert countermeasures.unicity(TRUTH, 2, 30.0) < 1.0
    assert np.isnan(countermeasures.unicity(TRUTH, 4, 5.0))


def test_a_least_support_withholds_small_groups():
    table = pa.table({"zone": ["a"] * 9 + ["b"] * 3})
    assert countermeasures.withheld(table, ["zone"], 5) == (0.25, 1)
    assert countermeasures.withheld(table.slice(0, 0), ["zone"], 5) == (0.0, 0)


@pytest.fixture(scope="module")
def watched(demo_lake):
    scan = scans.load("demo", demo_lake / "settings.toml")
    return countermeasures.watch(Lake(demo_lake, "demo"), scan, SCAN_DATE)


def test_what_hinders_a_tracker_hinders_it(watched):
    free = follow(watched)
    assert free.recall > 0.3
    for taken in (Hindrance(every=4), Hindrance(scale=0.4), Hindrance(noise=3.0), Hindrance(alike=0.9)):
        assert follow(watched, taken).recall < 0.8 * free.recall


def test_a_tracker_that_guesses_follows_more_and_errs_more(watched):
    bound, guessing = follow(watched), follow(watched, heedless=True)
    assert guessing.recall > bound.recall
    assert guessing.precision < bound.precision


def test_the_same_draw_is_the_same(watched):
    one, other = follow(watched), follow(watched)
    assert one.found.tolist() == other.found.tolist()


def test_a_secret_rotation_stops_only_who_knows_nobody(watched):
    kept, rotated, pca, icp, ica, *known = countermeasures.between_nights(watched)
    assert kept.auc > 0.9
    assert rotated.auc < min(pca.auc, icp.auc) < kept.auc
    assert ica.auc > 0.45
    assert 0.35 < rotated.auc < 0.65
    assert known[-1].auc > 0.9
    assert countermeasures.changed_within(watched) < 1e-9


def test_of_real_vehicles_no_truth_is_asked(watched, demo_lake):
    with pytest.raises(SettingsError, match="only the demo city's truth is known"):
        countermeasures.watch(Lake(demo_lake, "demo"), replace(watched.scan, feed="archive"), SCAN_DATE)
