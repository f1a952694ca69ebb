"""No answer that dates pictures, or leads to those of the past, is read as if it were right when it has gone wrong."""

from collections.abc import Callable
from typing import Any

import pytest
from families import FAMILIES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import MUTATIONS, Family, Mutation, every_row, one_of_thirty
from test_feeds_mutations import JSON, ODD, places

from pipeline.errors import FeedError
from pipeline.feeds import caltrans_cwwp2, digitraffic_fi, lta_sg

STATIC = "cctv.imageData.static"
ANSWERS: dict[str, tuple[Callable[[bytes], dict[str, Any]], Family]] = {
    "digitraffic_fi data": (
        digitraffic_fi.measured,
        Family(
            "fi_measured", rows="stations", fields=("presets", "presets.0.id", "presets.0.measuredTime"), lat="", lon="",
            text="id", id="presets.0.id", own="C99001", numbered="C9{n:04}",
        ),
    ),
    "digitraffic_fi history": (
        digitraffic_fi.history,
        Family(
            "fi_history", rows="presets", fields=("id", "history", "history.0.lastModified", "history.0.imageUrl"), lat="", lon="",
            text="history.0.lastModified", id="id", own="C9900101", numbered="C9{n:06}", image="history.0.imageUrl",
        ),
    ),
    "lta_sg captures": (
        lta_sg.captures,
        Family(
            "lta_sg", rows="items.0.cameras", fields=("camera_id", "image", "timestamp"), lat="", lon="", text="camera_id",
            id="camera_id", own="9701", numbered="8{n:03}", image="image",
        ),
    ),
    "caltrans_cwwp2 references": (
        caltrans_cwwp2.references,
        Family(
            "caltrans_cwwp2", rows="data",
            fields=("cctv.index", "cctv.location.district", f"{STATIC}.referenceImageUpdateFrequency",
                    f"{STATIC}.referenceImage1UpdateAgoURL", f"{STATIC}.referenceImage12UpdatesAgoURL"),
            lat="", lon="", text="cctv.index", id="cctv.index", own='"index": "1"', numbered='"index": "1{n:03}"',
            image=f"{STATIC}.referenceImage3UpdatesAgoURL",
        ),
    ),
}  # fmt: skip
TIMES = {
    "digitraffic_fi data": "presets.0.measuredTime",
    "digitraffic_fi history": "history.0.lastModified",
    "lta_sg captures": "timestamp",
}
"""Fields that hold a time."""
NO_TIMES = ("2026-01-02T03:04:05", "2026-01-02", "03:04", "yesterday", "1767322800", "0001-01-01T00:00:00+23:00")
"""What names no instant: the first three lack a zone."""
UNLIKE = ("place", "latitude", "longitude", "field more", "an id twice", "word", "id of 300")
"""Mutations of what these answers do not have, or may have."""
CASES = [
    pytest.param(name, mutation, id=f"{name}: {mutation.name}")
    for name, (_, family) in ANSWERS.items()
    for mutation in MUTATIONS
    if not any(each in mutation.name for each in UNLIKE) and (family.image or "picture" not in mutation.name)
]


@pytest.mark.parametrize(("name", "mutation"), CASES)
def test_an_answer_gone_wrong_is_refused_by_name_or_loses_one_row(name: str, mutation: Mutation):
    read, family = ANSWERS[name]
    for field in getattr(family, mutation.at) if mutation.at else ("",):
        content = mutation.apply(family, field)
        if mutation.outcome == "refused":
            with pytest.raises(FeedError, match=name.partition(" ")[0]) as raised:
                read(content)
            assert field.rpartition(".")[2] in f"{raised.value}"
        elif mutation.outcome == "unchanged":
            assert read(content) == read(family.path.read_bytes())
        else:
            loses_one(family, read, content)


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("text", NO_TIMES)
def test_a_time_without_its_zone_is_refused_by_name(name: str, text: str):
    read, family = ANSWERS[name]
    with pytest.raises(FeedError, match=f"{TIMES[name].rpartition('.')[2]}.*not a time with its zone"):
        read(every_row(put(text))(family, TIMES[name]))
    loses_one(family, read, one_of_thirty(put(text))(family, TIMES[name]))


def put(value: str) -> Callable[[Any, str], None]:
    def change(row: Any, field: str) -> None:
        for name in field.split(".")[:-1]:
            row = row[int(name) if isinstance(row, list) else name]
        row[field.rpartition(".")[2]] = value

    return change


def loses_one(family: Family, read: Callable[[bytes], dict[str, Any]], content: bytes) -> None:
    """Assert that all of thirty rows but one tell what they tell when all is well."""
    clean, told = read(family.write(family.long())), read(content)
    assert len(told) == len(clean) - 1
    assert told == {key: value for key, value in clean.items() if key in told}


@pytest.mark.parametrize("name", ANSWERS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_stands_anywhere_an_answer_is_read_or_refused(name: str, data: st.DataObject):
    read, family = ANSWERS[name]
    document = family.read()
    for _ in range(data.draw(st.integers(1, 3))):
        holder, key = data.draw(st.sampled_from(places(family.rows_of(document))))
        holder[key] = data.draw(st.one_of(st.sampled_from(ODD), JSON))
    try:
        told = read(family.write(document))
    except FeedError:
        return
    assert all(isinstance(key, str) for key in told)


def test_every_answer_has_twenty_ways_to_go_wrong():
    for name in ANSWERS:
        assert sum(name in f"{case.id}" for case in CASES) >= 20
    assert {name.partition(" ")[0] for name in ANSWERS} <= {family.name for family in FAMILIES}
