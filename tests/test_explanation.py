"""Every link can be explained, and every sighting without one."""

from datetime import UTC, date, datetime

import pytest

from pipeline import desk, scans
from pipeline.errors import PrivacyError, SettingsError
from pipeline.lake import Lake
from pipeline.links import Settings
from pipeline.links.explanation import Explanation, explain
from tests.builders import detection, link, rows, seen, sighting, transition

WAY = transition("a", "b", travel_mu=2.7, travel_sigma=0.3, support=40, source="learned")


def explained(name: str, *sightings, links=(), ways=(WAY,), verdict="link", boxes=()) -> Explanation:
    made = {"sightings": sightings, "detections": boxes, "transitions": ways, "links": links}
    tables = {table: rows(table, *some) for table, some in made.items()}
    weighed = rows("observability", seen("a", verdict, "b", reason="too few pictures"))
    return explain(name, **tables, observability=weighed, settings=Settings())


def why_not(found: Explanation, side: int = 0) -> str:
    assert found.sides[side].link is None
    return " ".join(found.sides[side].reasons)


ONE, OTHER = sighting("1", "a", 0), sighting("2", "b", 20)


def test_a_link_tells_gap_usual_time_and_margin():
    made = link("1", "2", 20.0, probability=0.9, runner_up=0.2, travel_nats=1.1, appearance_nats=-0.7, kind_nats=0.0)
    found = explained("1", ONE, OTHER, links=[made])
    told = found.sides[0].link
    assert (told.gap_s, told.margin, told.usual.median_s, told.usual.support) == (20.0, 0.7, 19.9, 40)
    words = "\n".join(found.lines())
    for each in (
        "probability 0.90",
        "3 times likelier the same",
        "2.01 times likelier another",
        "says nothing",
        "0.20",
    ):
        assert each in words


def test_both_ends_of_a_link_tell_the_same():
    made = link("1", "2", runner_up=0.1)
    ends = explained("1", ONE, OTHER, links=[made]).sides[0], explained("2", ONE, OTHER, links=[made]).sides[1]
    assert (ends[0].link.other_id, ends[1].link.other_id) == ("2", "1")
    assert ends[0].link.usual == ends[1].link.usual


def test_no_way_leads_on():
    assert "no way" in why_not(explained("2", ONE, OTHER))


def test_a_refused_pair_says_why_it_is_refused():
    assert "verdict flow, links refused: too few pictures" in why_not(explained("1", ONE, OTHER, verdict="flow"))


def test_nobody_was_there_in_time():
    assert "nobody there 5 to 60 s away" in why_not(explained("1", ONE, sighting("2", "b", 90)))


def test_who_was_free_stayed_below_the_threshold():
    assert "1 free but below the threshold of 0.65" in why_not(explained("1", ONE, OTHER))
    assert "2 after 20.0 s" in why_not(explained("1", ONE, OTHER))


def test_a_rival_took_it():
    found = explained(
        "1", ONE, sighting("3", "a", 2), OTHER, links=[link("3", "2", 18.0, probability=0.8, runner_up=0.1)]
    )
    assert "1 linked with a rival (probability 0.80)" in why_not(found)


def test_too_small_a_vehicle_has_no_portrait():
    found = explained("1", ONE, OTHER, boxes=[detection("1#0", (0, 0, 9, 9))])
    assert "no portrait" in why_not(found)
    assert "no portrait" not in why_not(explained("1", ONE, OTHER, boxes=[detection("1#0", (0, 0, 30, 9))]))


def test_a_parked_vehicle_is_not_looked_for():
    assert "it is parked" in why_not(explained("1", ONE | {"motion": "parked"}, OTHER))


def test_an_unknown_sighting_is_named():
    with pytest.raises(SettingsError, match="no sighting 'nobody'"):
        explained("nobody", ONE)


def test_nothing_is_explained_without_a_purpose(tmp_path):
    lake, scan = Lake(str(tmp_path), "fdr"), scans.load("fdr", scans.bundled())
    with pytest.raises(PrivacyError, match="--purpose"):
        desk.why(["1"], lake, scan, date(2020, 5, 5), "", datetime(2026, 1, 1, tzinfo=UTC))
