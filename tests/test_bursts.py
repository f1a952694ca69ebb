"""Sweeps and bursts: who is polled when, by any feed, in any night, and settings that cannot be."""

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from builders import at, camera, frame, rows, transition
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import bursts, cameras, feeds, observability, scans
from pipeline.errors import SettingsError
from pipeline.scans import Scan, Window

CHANGES = [date(2026, 3, 7), date(2026, 10, 31), date(2026, 5, 5)]
"""Nights of 7, 9 and 8 hours in New York."""
HOURS = ["22:00-06:00", "01:30-05:00", "23:17-02:40"]
NIGHT = Scan("n", "demo", "America/New_York", "EPSG:32618", cadence_s=60.0)


def with_bursts(scan: Scan = NIGHT, **section: Any) -> Scan:
    one = {"corridors": [{"cameras": ["101", "103"], "at_s": 120.0}]}
    return replace(scan, stages={"bursts": one | section})


@st.composite
def polled(draw: st.DrawFn) -> tuple[Scan, float]:
    """Draw a night's sweeps and bursts, and how often its feed may be asked."""
    least_s = draw(st.sampled_from([0.0, 1.0, 2.0, 7.0]))
    close_s = draw(st.sampled_from([2.0, 3.5, 10.0]).filter(lambda s: s >= least_s))
    length_s = draw(st.floats(close_s, 1500).map(lambda s: round(s, 1)).filter(lambda s: s >= close_s))
    every_s = length_s + draw(st.sampled_from([0.0, 1.0, 600.0, 4000.5]))
    at_s = draw(st.floats(0, 1).map(lambda share: round(share * every_s * 0.99, 1)).filter(lambda s: s < every_s))
    scan = replace(NIGHT, cadence_s=draw(st.sampled_from([5.0, 60.0, 61.3, 700.0])), hours=draw(st.sampled_from(HOURS)))
    section = {"cadence_s": close_s, "length_s": length_s, "every_s": every_s}
    return with_bursts(scan, **section, corridors=[{"cameras": ["101"], "at_s": at_s}]), least_s


def night(scan: Scan, on: date, native_id: str, least_s: float = 0.0) -> list[datetime]:
    return [slot for window in scan.windows(on) for slot in bursts.slots(scan, window, native_id, least_s)]


@settings(deadline=None, max_examples=25)
@given(polled(), st.sampled_from(CHANGES))
def test_slots_ascend_within_their_windows_and_are_never_closer_than_the_terms_allow(drawn, on):
    scan, least_s = drawn
    for window in scan.windows(on):
        for slot in bursts.slots(scan, window, "101", least_s):
            assert window.starts_at <= slot < window.ends_at
    slots = night(scan, on, "101", least_s)
    closest = min(bursts.read(scan).cadence_s, max(scan.cadence_s, least_s))
    gaps = [(after - before).total_seconds() for before, after in pairwise(slots)]
    assert all(gap >= max(closest, least_s) for gap in gaps)


@settings(deadline=None, max_examples=25)
@given(polled(), st.sampled_from(CHANGES))
def test_slots_are_counted_from_the_nights_start_whatever_the_clocks_do(drawn, on):
    scan, least_s = drawn
    known, first = bursts.read(scan), scan.starts_at(on)
    at_s, step_s = known.corridors[0].at_s, bursts.sweep_s(scan, least_s)
    for slot in night(scan, on, "101", least_s):
        second = (slot - first).total_seconds()
        in_burst = (second - at_s + 1e-6) % known.every_s
        close = second >= at_s and in_burst < known.length_s and in_burst % known.cadence_s < 2e-6
        assert close or (second + 1e-6) % step_s < 2e-6


@settings(deadline=None, max_examples=25)
@given(polled(), st.sampled_from(CHANGES))
def test_every_burst_is_whole_but_for_the_nights_end(drawn, on):
    scan, least_s = drawn
    known, first, slots = bursts.read(scan), scan.starts_at(on), set(night(scan, on, "101", least_s))
    ends_at = scan.windows(on)[-1].ends_at
    begins = first + timedelta(seconds=known.corridors[0].at_s)
    while begins < ends_at:
        wanted = [begins + number * timedelta(seconds=known.cadence_s) for number in range(known.pictures)]
        assert {at for at in wanted if at < ends_at} <= slots
        begins += timedelta(seconds=known.every_s)


def test_a_camera_of_no_corridor_is_swept_alone():
    slots = night(with_bursts(), CHANGES[2], "999")
    assert len(slots) == 8 * 60
    assert {after - before for before, after in pairwise(slots)} == {timedelta(minutes=1)}


def test_a_sweep_stands_aside_while_a_burst_lasts_and_just_before():
    scan = with_bursts(cadence_s=50.0, length_s=100.0, every_s=600.0, corridors=[{"cameras": ["101"], "at_s": 130.0}])
    first = scan.starts_at(CHANGES[2])
    seconds = [(slot - first).total_seconds() for slot in night(scan, CHANGES[2], "101")[:7]]
    assert seconds == [0.0, 60.0, 130.0, 180.0, 240.0, 300.0, 360.0]


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"cadence": 2}, r"\[scan.n.bursts\]: unknown keys \['cadence'\]"),
        ({"cadence_s": "2"}, "cadence_s = '2' is no number"),
        ({"cadence_s": 0}, "cadence_s = 0 is no number of seconds from 0.1"),
        ({"length_s": float("inf")}, "length_s = inf"),
        ({"every_s": float("nan")}, "every_s = nan"),
        ({"length_s": 1.0}, "length_s = 1 is shorter than cadence_s = 2"),
        ({"every_s": 300.0}, "every_s = 300 is shorter than length_s = 600"),
        ({"corridors": "101"}, "corridors = '101' is no list"),
        ({"corridors": [["101"]]}, r"corridors\[0\] = \['101'\] is no corridor"),
        ({"corridors": [{"cameras": [101]}]}, r"corridors\[0\]: cameras = \[101\] is no list of native ids"),
        ({"corridors": [{"cameras": []}]}, r"corridors\[0\]: cameras = \[\]"),
        ({"corridors": [{"cameras": ["a"], "at_s": -1}]}, r"corridors\[0\]: at_s = -1"),
        ({"corridors": [{"cameras": ["a"], "at_s": 3600}]}, "at_s = 3600 is not below every_s = 3600"),
        ({"corridors": [{"cameras": ["a", "a"]}]}, "camera 'a' stands in two, or twice"),
        ({"corridors": [{"cameras": ["a"]}, {"cameras": ["a"]}]}, "camera 'a' stands in two"),
    ],
)
def test_settings_that_cannot_be_are_named_by_section_and_field(section, message):
    with pytest.raises(SettingsError, match=message):
        bursts.read(with_bursts(**section))


def test_bursts_faster_than_a_feed_allows_are_refused():
    with pytest.raises(SettingsError, match="feed demo may be asked for a camera every 60 s at most"):
        bursts.slots(with_bursts(), NIGHT.windows(CHANGES[0])[0], "101", 60.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[scan.n.brusts]", r"\[scan.n.brusts\]: no such section"),
        ("[scan.n.links]\nmin_probability = 'x'", r"\[scan.n.links\]: min_probability = 'x' is not a number"),
    ],
)
def test_a_section_that_is_none_and_a_value_of_the_wrong_kind_are_refused(tmp_path, text, message):
    from pipeline.links import Settings

    path = tmp_path / "settings.toml"
    path.write_text(f'[scan.n]\nfeed = "demo"\ntimezone = "UTC"\nmetric_crs = "EPSG:3857"\n{text}\n')

    def read() -> None:
        scans.load("n", path).settings("links", Settings)

    with pytest.raises(SettingsError, match=message):
        read()


def test_every_stage_may_have_a_section():
    from pipeline.stages import STAGES

    assert set(scans.SECTIONS) == {line.table for line in STAGES} | {"bursts", "plan"}


def test_the_demo_city_is_polled_as_its_bursts_say():
    scan = with_bursts(replace(scans.load("demo", scans.bundled()), cadence_s=60.0), length_s=120.0, every_s=600.0)
    window = scan.windows(CHANGES[2])[0]
    feed = feeds.load("demo")
    assert len(feed.slots(scan, window, "101")) == 8 + 60
    assert len(feed.slots(scan, window, "102")) == 10
    assert feed.fingerprint(scan, window) != feed.fingerprint(replace(scan, stages={}), window)
    cadences = {row["native_id"]: row["cadence_s"] for row in cameras.survey(scan).to_pylist()}
    assert (cadences["101"], cadences["102"]) == (2.0, 60.0)


def test_a_recording_is_thinned_to_what_sweeps_and_bursts_would_have_come_by():
    def second(*seconds: float) -> list[datetime]:
        return [datetime(2026, 5, 5, tzinfo=UTC) + timedelta(seconds=each) for each in seconds]

    assert bursts.thinned(second(1, 3, 5, 7, 61, 63), second(0, 2, 4, 60, 120)) == second(1, 3, 5, 61)
    assert bursts.thinned([], second(0, 2)) == []


def weighed(at_s: float = 0.0, length_s: float = 600.0, travel_s: float = 30.0, lost_s: float = 0.0) -> dict[str, Any]:
    """Return what an hour of two cameras supports, one polled in bursts from `at_s` on and the other from the start."""
    hour = Window(at(0), at(0), at(3600))
    sweep = [60.0 * n for n in range(60)]
    polls = {"a": [2.0 * n for n in range(int(length_s / 2))]}
    polls["b"] = [at_s + second for second in polls["a"]]
    frames = [
        frame(name, second, "missed" if second < lost_s else "ok")
        for name, close in polls.items()
        for second in sorted({*close, *(each for each in sweep if not close[0] <= each <= close[-1])})
    ]
    way = transition("a", "b", floor_s=0.0, travel_mu=math.log(travel_s), travel_sigma=0.05)
    cameras = rows("cameras", camera("a"), camera("b"))
    none = rows("sightings")
    judged = observability.weigh(
        cameras, rows("frames", *frames), none, rows("transitions", way), hour, observability.Settings()
    )
    return {row["pair_camera_id"]: row for row in judged.to_pylist() if row["camera_id"] == "a"}


def test_a_camera_watched_in_bursts_counts_alone_and_links_with_its_neighbour():
    judged = weighed()
    assert (judged[""]["verdict"], judged["b"]["verdict"]) == ("count", "trajectory")
    assert judged["b"]["p_pair"] == pytest.approx(570 / 3600, abs=0.01)
    assert "while both are watched closely, 17% of the time" in judged["b"]["reason"]
    assert judged[""]["cadence_s"] == pytest.approx(3600 / 350)


@pytest.mark.parametrize(
    ("polling", "verdict"),
    [
        ({"travel_s": 500.0}, "flow"),
        ({"at_s": 1200.0}, "flow"),
        ({"lost_s": 500.0}, "count"),
        ({"length_s": 3600.0}, "trajectory"),
        ({"travel_s": 350.0}, "link"),
    ],
)
def test_a_pair_links_only_where_bursts_show_enough_of_those_who_pass_both(polling, verdict):
    assert weighed(**polling)["b"]["verdict"] == verdict
