"""The choice of who is polled when: within every cap and budget, exact, the same twice, and never worse for more budget."""

import re
from dataclasses import replace
from itertools import combinations, pairwise

import pytest
from builders import camera, rows, transition
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import feeds, scans
from pipeline.errors import SettingsError
from pipeline.plans import choice, corridors
from pipeline.plans.choice import Budget, Limits, choose, cost, limits
from pipeline.plans.runs import Chain, Curve
from pipeline.tables import ROADS, TRANSITIONS

SCAN = replace(scans.load("demo", scans.bundled()), cadence_s=60.0)
HOURS_S = 8 * 3600.0
BUDGET = Budget()
STREETS = st.lists(st.lists(st.floats(0, 100), min_size=1, max_size=6), min_size=1, max_size=4)


def chain(number: int, *worth: float) -> Chain:
    cameras = tuple(f"{number}.{place}" for place in range(len(worth) + 1))
    return Chain(cameras, cameras, (500.0,) * len(worth), tuple(worth))


def bounds(
    requests: float = float("inf"), pace: float = float("inf"), cameras: int = 30, least_s: float = 0.0
) -> Limits:
    return Limits(HOURS_S, cameras, requests, pace, least_s, "made")


def worth(found: choice.Choice) -> float:
    return sum(each.pairs_an_hour for each in found.taken)


@settings(deadline=None, max_examples=60)
@given(STREETS, st.integers(2000, 200_000), st.floats(1.0, 20.0))
def test_no_choice_is_above_a_cap_or_the_budget(streets, requests, pace):
    chains = [chain(number, *worths) for number, worths in enumerate(streets)]
    there = bounds(requests, pace)
    try:
        found = choose(SCAN, there, BUDGET, chains, 10.0)
    except SettingsError:
        assert 30 * HOURS_S / max(BUDGET.slowest_sweep_s, 60.0) > requests or 30 / pace > BUDGET.slowest_sweep_s
        return
    bursting = [name for each in found.taken for name in each.cameras]
    assert len(set(bursting)) == len(bursting)
    assert 30 * HOURS_S / found.sweep_s + len(bursting) * cost(there, BUDGET) <= requests + 30
    for at_s in {each.at_s for each in found.taken}:
        at_once = sum(len(each.cameras) for each in found.taken if each.at_s == at_s)
        assert at_once / BUDGET.close_s + 30 / found.sweep_s <= pace + 1e-9
        assert at_s + BUDGET.length_s <= BUDGET.every_s
    assert all(len(each.cameras) > 1 for each in found.taken)


@settings(deadline=None, max_examples=40)
@given(STREETS, st.integers(15_000, 150_000), st.integers(0, 50_000), st.floats(2.0, 20.0))
def test_more_budget_never_yields_less(streets, requests, more, pace):
    chains = [chain(number, *worths) for number, worths in enumerate(streets)]
    poor, rich = (choose(SCAN, bounds(each, pace), BUDGET, chains, 10.0) for each in (requests, requests + more))
    assert rich.sweep_s <= poor.sweep_s
    assert worth(rich) >= worth(poor) - 1e-9


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=4), min_size=1, max_size=3),
    st.integers(0, 8),
    st.integers(2, 4),
)
def test_the_runs_found_are_worth_most(streets, most, longest):
    chains = [chain(number, *worths) for number, worths in enumerate(streets)]
    places = [(each, place) for each in chains for place in range(len(each.cameras))]

    def tried(taken: set[tuple[str, int]]) -> float:
        """Return what a set of cameras is worth when its runs are cut as best they can; brute force."""
        return sum(_best_cut(each, [p for c, p in taken if c == each.cameras], longest) for each in chains)

    best = max(
        tried({(each.cameras, place) for each, place in some})
        for count in range(min(most, len(places)) + 1)
        for some in combinations(places, count)
    )
    curve = Curve(chains, longest)
    runs = curve.runs(min(most, curve.most))
    assert sum(run.worth for run in runs) == pytest.approx(best)
    assert sum(len(run.cameras) for run in runs) <= most
    assert all(len(run.cameras) <= longest for run in runs)


def _best_cut(chain_: Chain, places: list[int], longest: int) -> float:
    """Return the most that joined neighbours among some places are worth, no more than `longest` in a row."""
    joins = [one for one, other in pairwise(sorted(places)) if other == one + 1]
    best = 0.0
    for count in range(len(joins) + 1):
        for some in combinations(joins, count):
            if all(not set(range(at, at + longest)) <= set(some) for at in some):
                best = max(best, sum(chain_.worth[at] for at in some))
    return best


def test_the_same_inputs_give_the_same_choice():
    chains = [chain(1, 5.0, 5.0), chain(2, 5.0, 5.0)]
    assert choose(SCAN, bounds(40_000), BUDGET, chains, 10.0) == choose(SCAN, bounds(40_000), BUDGET, chains, 10.0)


def test_the_busiest_corridor_is_taken_and_it_is_said_what_was_left():
    found = choose(SCAN, bounds(14_400 + 3 * 2400), BUDGET, [chain(1, 4.0, 4.0), chain(2, 1.0, 9.0)], 10.0)
    assert [each.cameras for each in found.taken] == [("2.0", "2.1", "2.2")]
    assert "3 of 30 cameras in 1 corridor, for" in found.why[1]
    assert "the best would show 4 pairs an hour" in found.why[2]


def test_corridors_take_turns_where_not_all_fit_at_once():
    pace = 30 / 60 + 3 / BUDGET.close_s
    found = choose(SCAN, bounds(pace=pace), BUDGET, [chain(1, 4.0, 4.0), chain(2, 1.0, 9.0)], 10.0)
    assert sorted((each.at_s, len(each.cameras)) for each in found.taken) == [(0.0, 3), (600.0, 3)]


@pytest.mark.parametrize(
    ("there", "budget", "why"),
    [
        (bounds(least_s=60.0), BUDGET, "a camera may be asked every 60 s at most.*cannot be followed from 10 s on"),
        (bounds(least_s=4.0), BUDGET, "every 4 s at most.*raise close_s"),
        (bounds(14_400 + 4_000), BUDGET, "the sweep leaves 4,000 requests, two cameras need 4,800"),
        (bounds(pace=1.4), BUDGET, "fewer than two cameras can be asked every 2 s beside the sweep"),
        (bounds(), replace(BUDGET, close_s=60.0), "the sweep alone is as close"),
    ],
)
def test_where_no_bursts_are_possible_it_is_said_why(there, budget, why):
    found = choose(SCAN, there, budget, [chain(1, 4.0)], 10.0)
    assert found.taken == ()
    assert found.scan(SCAN, budget).stages == SCAN.stages
    (said,) = found.why[1:]
    assert re.search(why, said)


def test_a_budget_below_the_slowest_sweep_says_what_the_least_is():
    with pytest.raises(
        SettingsError, match="every 900 s at the slowest needs 960 requests a night, and 900 are allowed"
    ):
        choose(SCAN, bounds(900), BUDGET, [], 10.0)
    assert choose(SCAN, bounds(960), BUDGET, [], 10.0).sweep_s == 900.0


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"requests": 1.5}, r"\[scan.demo.plan\]: requests = 1.5 is not a whole number"),
        ({"requests": -1}, "requests = -1 is not from 0 on"),
        ({"close_s": 0}, "close_s = 0 is not from 0.1 on"),
        ({"megabytes": float("nan")}, "megabytes = nan"),
        ({"every_s": 60.0}, "every_s = 60 is below length_s"),
        ({"length_s": 1.0}, "length_s = 1 is below close_s"),
        ({"farthest_m": 100.0}, "farthest_m = 100 is below nearest_m"),
        ({"burst": 1}, r"unknown keys \['burst'\]"),
    ],
)
def test_a_budget_that_cannot_be_is_named_by_section_and_field(section, message):
    with pytest.raises(SettingsError, match=message):
        replace(SCAN, stages={"plan": section}).settings("plan", Budget).checked("demo")


def test_a_feeds_caps_bound_the_pace(monkeypatch):
    live = replace(feeds.load("demo"), live=True, requests_per_minute=120.0, min_interval_s=2.0)
    monkeypatch.setattr(feeds, "load", lambda _: live)
    there = limits(SCAN, HOURS_S, replace(BUDGET, megabytes=17.2), 30, 17_200.0)
    assert there == Limits(
        HOURS_S, 30, pytest.approx(1000), pytest.approx(120 / 60 / 1.2), 2.0, "the terms allow 120 a minute"
    )
    slow = replace(SCAN, stages={"snapshots": {"at_once": 1}})
    assert limits(slow, HOURS_S, replace(BUDGET, answer_s=2.0), 30, 17_200.0).pace == pytest.approx(0.5)


def line(*places: tuple[float, float], **more: str) -> object:
    """Return cameras at (east, north) steps of 1,000 m."""
    at = [
        (f"c{n}", -74 + east * 1000 / 84_300, 40.7 + north * 1000 / 111_195) for n, (east, north) in enumerate(places)
    ]
    return rows("cameras", *(camera(name, lon, lat, cadence_s=60.0, **more) for name, lon, lat in at))


def chained(listed: object) -> list[list[str]]:
    return corridors.chains(listed, known(listed))


def known(listed: object, learned: object = None) -> dict[tuple[str, str], corridors.Pair]:
    return corridors.pairs(listed, ROADS.empty(), learned or TRANSITIONS.empty(), "EPSG:32618", (200.0, 2500.0))


def test_cameras_along_a_road_make_a_chain_and_the_one_aside_none():
    assert chained(line((0, 0), (0, 1), (0, 2), (9, 9))) == [["c0", "c1", "c2"]]


def test_the_nearest_are_joined_first_and_no_chain_turns_back():
    assert chained(line((0, 0), (0, 1), (0.3, 0), (0, 2))) == [["c0", "c2"], ["c1", "c3"]]


def test_views_of_one_place_are_no_neighbours():
    assert chained(line((0, 0), (0, 0.15))) == []


def test_cameras_too_far_apart_are_no_neighbours():
    assert chained(line((0, 0), (0, 2.5))) == []


def test_what_a_night_has_learned_of_a_way_stands():
    listed = line((0, 0), (0, 1))
    way = transition("c0", "c1", travel_mu=3.0, travel_sigma=0.4, floor_s=20.0, support=50, road_m=1100.0)
    told = known(listed, rows("transitions", way))["c0", "c1"]
    assert (told.learned, told.road_m, round(told.travel_s)) == (True, 1100.0, 40)
    guessed = known(listed)["c0", "c1"]
    assert (guessed.learned, round(guessed.travel_s)) == (False, 100)
