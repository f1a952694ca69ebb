"""No public feed reads a list gone wrong as if it were right; what is wrong is said by name."""

from importlib import import_module
from typing import Any

import pytest
from families import FAMILIES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import MUTATIONS, Family, Mutation

from pipeline.errors import FeedError
from pipeline.feeds import Listing

ODD = [
    "",
    "x",
    "NaN",
    "1e999",
    "-5",
    "\u202e",
    "a" * 2000,
    "../x",
    "http://127.0.0.1/",
    "https://[::1]/",
    "//elsewhere/",
    "true",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
CASES = [
    pytest.param(family, mutation, id=f"{family.name}: {mutation.name}")
    for family in FAMILIES
    for mutation in MUTATIONS
    if family.image or "picture" not in mutation.name
]


def parse(family: Family, content: bytes) -> Listing:
    listing: Listing = import_module(f"pipeline.feeds.{family.name}").parse(content)
    return listing


@pytest.mark.parametrize(("family", "mutation"), CASES)
def test_a_list_gone_wrong_is_never_read_as_if_it_were_right(family: Family, mutation: Mutation):
    for field in getattr(family, mutation.at) if mutation.at else ("",):
        path, _, word = field.partition("|")
        told = word or path.rpartition(".")[2] or mutation.told
        holds(family, outcome(family, mutation), mutation.apply(family, path), told, mutation.at)


def outcome(family: Family, mutation: Mutation) -> str:
    """Say what must come: a number that is none can be written only where numbers are texts."""
    texts = family.xml or family.name == "caltrans_cwwp2"
    return {True: "one rejected", False: "refused"}[texts] if mutation.outcome == "no number" else mutation.outcome


def holds(family: Family, expected: str, content: bytes, told: str, at: str) -> None:
    """Assert that a list gone wrong is refused, loses one row, or reads as if nothing had happened."""
    if expected == "refused":
        with pytest.raises(FeedError, match=family.name) as raised:
            parse(family, content)
        assert told in str(raised.value)
        assert "[0]" in str(raised.value) or not at
        return
    listing = parse(family, content)
    if expected == "unchanged":
        assert listing == parse(family, family.path.read_bytes())
        return
    clean = parse(family, family.write(family.long())).cameras
    views = len(clean) // 30
    assert 1 <= len(listing.rejected) <= views
    assert all(told in each.reason for each in listing.rejected)
    assert set(listing.cameras) <= set(clean)
    assert len(listing.cameras) >= len(clean) - views


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_stands_anywhere_a_list_is_read_or_refused(family: Family, data: st.DataObject):
    document = family.read()
    for _ in range(data.draw(st.integers(1, 3))):
        holder, name = data.draw(st.sampled_from(places(family.rows_of(document))))
        holder[name] = data.draw(st.sampled_from(ODD) if family.xml else st.one_of(st.sampled_from(ODD), JSON))
    try:
        cameras = parse(family, family.write(document)).cameras
    except FeedError:
        return
    assert all(each.image_url.startswith("https://") and each.name and each.native_id for each in cameras)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every place inside a value: what holds it, and its name or number there."""
    named = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    return [(value, name) for name, _ in named] + [place for _, inner in named for place in places(inner)]
