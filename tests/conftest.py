"""Find the shared data of real frames, and say plainly what is left out where it is absent."""

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared" / "data"
REQUIRED = bool(os.environ.get("THOROUGHFARE_REQUIRE_SHARED"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real frames, boxes, features and roads."""
    assert SHARED.is_dir(), f"{SHARED} is absent and this run requires it"
    return SHARED


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests on real data where there is none, unless the run requires them."""
    if SHARED.is_dir() or REQUIRED:
        return
    left_out = [item for item in items if item.get_closest_marker("shared")]
    config.stash[LEFT_OUT] = len(left_out)
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


LEFT_OUT = pytest.StashKey[int]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how many tests had no data."""
    if left_out := config.stash.get(LEFT_OUT, 0):
        terminalreporter.write_line(f"left out: {left_out} tests on real camera frames, because {SHARED} is absent")
