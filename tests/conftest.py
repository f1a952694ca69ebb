"""Find what some tests need and not every machine has, and say plainly what is left out where it is absent."""

import os
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared" / "data"
CHROMIUM = Path("/usr/bin/chromium")
STRACE = Path("/usr/bin/strace")
REQUIRED = bool(os.environ.get("THOROUGHFARE_REQUIRE_ALL"))
"""Set in CI: what is absent is a failure there, not left out."""
LEFT_OUT = pytest.StashKey[list[str]]()


def pytest_configure() -> None:
    """Hear Ctrl-C again: a shell has what it starts in the background ignore it, and so would all that tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real frames, boxes, features and roads."""
    assert SHARED.is_dir(), f"{SHARED} is absent and this run requires it"
    return SHARED


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Return Debian's browser."""
    assert CHROMIUM.exists(), f"{CHROMIUM} is absent and this run requires it; apt-get install chromium"
    return CHROMIUM


@pytest.fixture(scope="session")
def strace() -> Path:
    """Return Debian's tracer of system calls."""
    assert STRACE.exists(), f"{STRACE} is absent and this run requires it; apt-get install strace"
    return STRACE


@pytest.fixture(scope="session")
def s3() -> Iterator[dict[str, str]]:
    """Serve S3 on loopback; yields the environment by which a lake finds it."""
    import buckets

    with buckets.server() as environment:
        yield environment


@pytest.fixture(scope="session")
def demo_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return ten minutes of the demo city, made by the line's own stages from boxes that a detector would find."""
    import demo_night

    return demo_night.make(tmp_path_factory.mktemp("demo_lake"), "07:50-08:00", 2.0)


@pytest.fixture(scope="session")
def counts_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return half an hour of the demo city at a still a minute: counts and nothing more."""
    import demo_night

    return demo_night.make(tmp_path_factory.mktemp("counts_lake"), "07:30-08:00", 60.0)


@pytest.fixture(params=["folder", "bucket"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return where a lake may lie: a folder, then a bucket."""
    if request.param == "folder":
        return str(tmp_path / "lake")
    for name, value in request.getfixturevalue("s3").items():
        monkeypatch.setenv(name, value)
    return f"s3://bucket/{secrets.token_hex(8)}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests whose need is absent, unless the run requires all."""
    config.stash[LEFT_OUT] = []
    if REQUIRED:
        return
    if not SHARED.is_dir():
        without = [item for item in items if item.get_closest_marker("shared")]
        _leave_out(config, items, without, f"tests on real camera frames, because {SHARED} is absent")
    if not CHROMIUM.exists():
        without = [item for item in items if "chromium" in getattr(item, "fixturenames", ())]
        _leave_out(
            config, items, without, f"tests in a browser, because {CHROMIUM} is absent; apt-get install chromium"
        )
    if not STRACE.exists():
        without = [item for item in items if "strace" in getattr(item, "fixturenames", ())]
        _leave_out(
            config, items, without, f"drills of system calls, because {STRACE} is absent; apt-get install strace"
        )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how many tests were left out, and why."""
    for line in config.stash.get(LEFT_OUT, []):
        terminalreporter.write_line(line)


def _leave_out(config: pytest.Config, items: list[pytest.Item], without: list[pytest.Item], why: str) -> None:
    config.hook.pytest_deselected(items=without)
    items[:] = [item for item in items if item not in without]
    config.stash[LEFT_OUT].append(f"left out: {len(without)} {why}")
