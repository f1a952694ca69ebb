"""The notebooks: all six run on a lake of the demo and on a scan of counts only, and are committed as they were written."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from pipeline import notebooks
from pipeline.errors import SettingsError

FOLDER = Path(__file__).parents[1] / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
SECRET = re.compile(
    r"(api[_-]?key|token|password|secret)\s*[=:]\s*['\"][^'\"]+['\"]|BEGIN [A-Z ]*PRIVATE KEY", re.IGNORECASE
)
ABSOLUTE = re.compile(r"(?<![\w./:])/(home|root|tmp|work|Users|mnt|opt|var)/|[A-Z]:\\\\")
NAMES = [path.stem for path in PATHS]
SENTINEL = "SENTINEL-4f9c-never-shown"


@pytest.fixture(scope="module")
def told(demo_lake, counts_lake):
    """Run every notebook on both lakes, in one kernel, for it is importing that takes its time; returns outputs by cell."""
    there, cells, kept = {"demo": demo_lake, "counts": counts_lake}, [], {}
    for lake, root in there.items():
        environment = {"LAKE": str(root), "SCAN": "", "DATE": "", "PURPOSE": "", "SETTINGS": "", "THOROUGH": ""}
        environment["AWS_SECRET_ACCESS_KEY"] = SENTINEL
        for path in PATHS:
            fresh = nbformat.v4.new_code_cell(f"%reset -f\nimport os; os.environ.update({environment!r})")
            kept[lake, path.stem] = nbformat.read(path, 4).cells
            for cell in kept[lake, path.stem]:
                cell.id = f"{lake}-{cell.id}"
            cells += [fresh, *kept[lake, path.stem]]
    client = NotebookClient(
        nbformat.v4.new_notebook(cells=cells),
        timeout=120,
        allow_errors=True,
        resources={"metadata": {"path": str(FOLDER)}},
    )
    client.execute()
    return {
        key: [out for cell in book if cell.cell_type == "code" for out in cell.outputs] for key, book in kept.items()
    }


def faults(outputs) -> list[str]:
    return [f"{out.ename}: {out.evalue}" for out in outputs if out.output_type == "error"]


def text(outputs) -> str:
    return "".join(out.text for out in outputs if out.output_type == "stream")


def pictures(outputs) -> int:
    return sum("image/png" in out.get("data", {}) for out in outputs)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_on_the_demo(told, name):
    assert faults(told["demo", name]) == []
    assert pictures(told["demo", name]) >= 2


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_says_of_a_scan_of_counts_what_it_refuses(told, name):
    assert faults(told["counts", name]) == []
    assert "count" in text(told["counts", name])


def test_counts_are_drawn_where_nothing_else_is_supported(told):
    assert "supports counts only" in text(told["counts", "1_corridor"])
    assert pictures(told["counts", "1_corridor"]) == 2


def test_the_links_of_the_demo_are_held_against_its_truth(told):
    right = re.search(r"Right: (\d+)% of (\d+) links", text(told["demo", "5_links"]))
    assert int(right[1]) > 75
    assert int(right[2]) > 100


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_a_notebook_is_committed_without_what_it_printed(path):
    book = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert len({cell["id"] for cell in book["cells"]}) == len(book["cells"])
    nbformat.validate(book)


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_a_notebook_names_no_place_of_this_machine_and_no_secret(path):
    written = path.read_text(encoding="utf-8")
    assert not ABSOLUTE.search(written)
    assert not SECRET.search(written)


def test_nothing_that_a_notebook_shows_holds_a_secret(told):
    assert len(told) == 2 * len(NAMES)
    assert SENTINEL not in json.dumps([[dict(out) for out in outputs] for outputs in told.values()])


def test_six_questions_are_answered():
    assert len(PATHS) == 6


def test_without_a_lake_a_notebook_says_what_makes_one(tmp_path):
    with pytest.raises(SettingsError, match="make demo"):
        notebooks.opened(str(tmp_path / "absent"))
