"""Some of every fault that is cheap to make, on each change; `make drill` makes them all and many times (docs/faults.md)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.drills import disks
from tests.drills.__main__ import DRILLS, NEEDS_MOUNT, NEEDS_STRACE, NOT_SHORT

SHORT = [name for name in DRILLS if name not in NOT_SHORT and (name not in NEEDS_MOUNT or disks.mounts())]
"""Without the right to mount there is no small disk; the drill says what it leaves out."""


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """Run the short drill in a process of its own: it forks, which one that has run TensorFlow must not."""
    file = tmp_path_factory.mktemp("drills") / "seen.json"
    words = [sys.executable, "-m", "tests.drills", "--short", "--json", str(file)]
    done = subprocess.run(words, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert file.exists(), done.stderr[-2000:]
    return {row["drill"]: row for row in json.loads(file.read_text())}


@pytest.mark.parametrize("name", [name for name in SHORT if name not in NEEDS_STRACE])
def test_nothing_is_lost_when_runs_race_or_stop_and_disks_fill(seen, name):
    assert (seen[name]["result"], seen[name]["wrong"]) == ("held", [])


@pytest.mark.usefixtures("strace")
@pytest.mark.parametrize("name", [name for name in SHORT if name in NEEDS_STRACE])
def test_nothing_is_lost_when_a_system_call_fails_or_is_the_last(seen, name):
    assert (seen[name]["result"], seen[name]["wrong"]) == ("held", [])
