"""Words about the view tell a bearing; words about travel do not."""

import pytest

from pipeline.feeds import _headings as headings


def degrees_of(told: headings.Told | None) -> float | None:
    return told and told.bearing_deg


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("N-W", 315), ("South", 180), (" ne ", 45), ("north west", 315), ("South-East", 135),
        ("Southbound", None), ("Unknown", None), ("", None), (None, None), ("Both", None), ("N/S", None), ("Weston", None),
    ],
)  # fmt: skip
def test_a_field_that_is_a_compass_point_is_a_bearing(text: str | None, degrees: float | None):
    assert degrees_of(headings.named(text)) == degrees


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("West", 270), ("ZOOM WEST-The Grove", 270), ("West (A2 twds New Cross)", 270), ("EAST-A41 Edgware Way", 90),
        ("South along Hinds Highway from Lagmhor Rd", 180), ("North East towards the weir", 45),
        ("North Circular Rd", None), ("Piccadilly Circus", None), ("West Smithfield", None), ("North/South", None), (None, None),
    ],
)  # fmt: skip
def test_a_text_may_begin_with_its_bearing(text: str | None, degrees: float | None):
    assert degrees_of(headings.leading(text)) == degrees


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("5 Ways at The Boulevarde looking west towards Sutherland.", 270),
        ("Alison Road at Darley Road looking north-west towards Anzac Parade.", 315),
        ("Highway 16 about 0.4 km east of the Slim Creek Rest Area, looking east.", 90),
        ("Looking North", 0), ("Highway 1, looking northbound.", 0), ("camera facing to the south east", 135),
        ("Highway 99 looking east and west", None), ("East of Elko", None), ("looking good", None), (None, None),
    ],
)  # fmt: skip
def test_a_sentence_tells_where_it_looks(text: str | None, degrees: float | None):
    assert degrees_of(headings.looking(text)) == degrees


@pytest.mark.parametrize(
    ("accounts", "degrees", "source"),
    [
        (("W", "looking west"), 270, "direction: W; view: looking west"), ((None, "Looking East"), 90, "view: Looking East"),
        (("N-W", "looking north"), 315, "direction: N-W; view: looking north"), (("N", "looking south"), None, ""), ((None, None), None, ""),
    ],
)  # fmt: skip
def test_two_accounts_of_one_view_must_agree_and_are_named(
    accounts: tuple[str | None, str | None], degrees: float | None, source: str
):
    told = headings.bearing(direction=headings.named(accounts[0]), view=headings.looking(accounts[1]))
    assert told == {"bearing_deg": degrees, "bearing_source": source}


def test_the_source_of_a_bearing_is_its_words_and_no_more():
    assert headings.bearing(view=headings.leading(" ZOOM WEST-The Grove"))["bearing_source"] == "view: ZOOM WEST"


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("SR-95 NB 249.80 @SR68 Laughlin Rd", "NB"), ("Southbound", "SB"), ("North", "NB"), ("E/B", "EB"),
        ("Both", None), ("Unknown", None), ("NB and SB", None), ("North Ave", None), (None, None),
    ],
)  # fmt: skip
def test_travel_names_a_carriageway(text: str | None, side: str | None):
    assert headings.carriageway(text) == side


def test_a_road_bears_its_carriageway_once():
    assert headings.road("I-110", "South") == "I-110 SB"
    assert headings.road("I-110 SB", "South") == "I-110 SB"
    assert headings.road("I-110", "Median") == "I-110"
    assert headings.road(None, "South") is None
