"""The benchmark of the analyst's desk, in small: a true lake of an invented district, every question, the same answers."""

from pathlib import Path

import pytest

from benchmarks import by_pandas, city
from benchmarks import desk as benchmark
from pipeline import query, upkeep

BOOK = Path(__file__).parents[1] / "docs" / "cookbook.md"


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the lake of 60 cameras and one hour."""
    root = tmp_path_factory.mktemp("district")
    city.make(str(root), "district")
    return root


def test_the_lake_is_as_committed_and_breaks_no_rule(district: Path):
    from pipeline.lake import Lake

    assert list(upkeep.verify(Lake(district, "district"))) == []


@pytest.mark.parametrize("question", by_pandas.ANSWERS)
def test_pandas_gives_the_same_answer(district: Path, question: str):
    ours, theirs = (way(district, question, 1)["answer"] for way in (benchmark.by_sql, benchmark.by_pandas))
    assert ours
    assert benchmark.same(ours, theirs)
    assert not benchmark.same(ours, theirs[1:])


def test_every_question_is_answered_over_a_lake(district: Path):
    # one night has no weeks before it to be compared with
    alone = {"before_after", "busier_than_usual", "unusual_hours"}
    empty = {name for name in benchmark.questions() if not benchmark.by_sql(district, name, 1)["answer"]}
    assert empty == alone


def test_the_cookbook_s_page_has_every_question_as_its_file_asks_it():
    page = BOOK.read_text(encoding="utf-8")
    for name in query.names("cookbook"):
        assert f"| `{name.removeprefix('cookbook/')}` | {query.asks(name)} |" in page
