"""No public feed reads a list gone wrong as if it were right; what is wrong is said by name."""

from importlib import import_module

import pytest
from families import FAMILIES
from mutations import MUTATIONS, Family, Mutation

from pipeline.errors import FeedError
from pipeline.feeds import Listing

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
