"""Any history of runs, drops, expiries, compactions and crashes: readers see all or nothing, and upkeep leaves no trace of it."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from test_lake import LINEAGE, PLACE, links

from pipeline import audit
from pipeline.compaction import compact
from pipeline.errors import WindowNotFoundError
from pipeline.lake import Lake
from pipeline.records import digest

PARTS = 3
VERSIONS = st.integers(0, 2)
CRASHES = st.one_of(st.none(), st.integers(0, 25))
"""Which change of the storage a process dies at; None lives."""


class CrashError(BaseException):
    """A process died."""


class Memory:
    """A storage in memory with a clock of its own, whose process may die before or after any change."""

    url = "memory"

    def __init__(self) -> None:
        self.held: dict[str, tuple[bytes, datetime]] = {}
        self.now = datetime(2026, 3, 7, tzinfo=UTC)
        self.lives: int | None = None

    def put(self, key: str, content: bytes) -> bool:
        self._change()
        fresh = key not in self.held
        if fresh:
            self.held[key] = content, self.now
        self._change()
        return fresh

    def replace(self, key: str, content: bytes) -> None:
        self._change()
        self.held[key] = content, self.now
        self._change()

    def delete(self, key: str) -> bool:
        self._change()
        there = self.held.pop(key, None)
        self._change()
        return there is not None

    def get(self, key: str) -> bytes:
        if key not in self.held:
            raise FileNotFoundError(key)
        return self.held[key][0]

    def keys(self, below: str = "") -> list[str]:
        return sorted(key for key in self.held if not below or key.startswith(f"{below}/"))

    def made_at(self, key: str) -> datetime:
        self.get(key)
        return self.held[key][1]

    def sweep(self) -> int:
        return 0

    def _change(self) -> None:
        if self.lives is not None:
            self.lives -= 1
            if self.lives < 0:
                raise CrashError


def rows(version: int, part: int) -> pa.Table:
    """Versions differ in their first part alone: the other files are shared by revisions."""
    return links(2 + part, seed=10 * version if part == 0 else part)


def whole(version: int) -> pa.Table:
    return pa.concat_tables([rows(version, part) for part in range(PARTS)])


def lineage(version: int) -> dict:
    return LINEAGE | {"code": str(version)}


class Histories(RuleBasedStateMachine):
    """One place of one lake, and what its readers must see."""

    @initialize()
    def begin(self) -> None:
        self.lake, self.storage = Lake("unused", "demo"), Memory()
        self.lake.storage = self.storage
        self.seen: int | None = None

    @rule(version=VERSIONS, crash=CRASHES)
    def run(self, version: int, crash: int | None) -> None:
        self._living(crash, lambda: self._run(version), {self.seen, version}, version)

    @rule(version=VERSIONS, part=st.integers(0, PARTS - 1), crash=CRASHES)
    def hold(self, version: int, part: int, crash: int | None) -> None:
        self._living(crash, lambda: self._hold(version, part), {self.seen}, self.seen)

    @rule(crash=CRASHES)
    def drop(self, crash: int | None) -> None:
        self._living(crash, lambda: self.lake.drop(PLACE, "retention"), {self.seen, None}, None)

    @rule(crash=CRASHES)
    def compact(self, crash: int | None) -> None:
        self._living(crash, lambda: list(compact(self.lake)), {self.seen}, self.seen)

    @rule(crash=CRASHES)
    def collect(self, crash: int | None) -> None:
        self._living(crash, lambda: audit.collect(self.lake, self.storage.now), {self.seen}, self.seen)

    @rule(hours=st.integers(1, 30))
    def wait(self, hours: int) -> None:
        self.storage.now += timedelta(hours=hours)

    @invariant()
    def readers_see_all_or_nothing(self) -> None:
        assert self._read() == self.seen

    @invariant()
    def only_what_waits_for_upkeep_is_told(self) -> None:
        told = audit.faults(self.lake, self.storage.now)
        assert all(fault.waits or "run `thoroughfare expire`" in fault.what for fault in told)

    def teardown(self) -> None:
        self.storage.now += 2 * audit.GRACE
        audit.collect(self.lake, self.storage.now)
        assert list(audit.faults(self.lake, self.storage.now)) == []
        assert self._read() == self.seen

    def _living(self, crash: int | None, work, may: set, must: int | None) -> None:
        """Do work in a process that may die; what is seen then is what was before or what should be after."""
        self.storage.lives = crash
        died = True
        with suppress(CrashError):
            work()
            died = False
        self.storage.lives = None
        seen = self._read()
        assert seen in may if died else seen == must
        self.seen = seen

    def _run(self, version: int) -> None:
        last = self.lake.last(PLACE)
        if last is None or last.lineage != lineage(version) or self.lake.dropped(PLACE):
            held = self.lake.held(PLACE, digest(lineage(version)))
            for part in set(range(PARTS)) - set(held):
                self._hold(version, part)
            held = self.lake.held(PLACE, digest(lineage(version)))
            self.lake.commit(PLACE, [file for written in held.values() for _, file in written], lineage(version))
        self.lake.release(PLACE)

    def _hold(self, version: int, part: int) -> None:
        file = self.lake.write(PLACE, part, rows(version, part))
        self.lake.hold(PLACE, part, digest(lineage(version)), [("links", file)])

    def _read(self) -> int | None:
        try:
            seen = self.lake.read([PLACE])
        except WindowNotFoundError:
            return None
        assert all(
            self.lake.read([PLACE], part).equals(seen.slice(first, 2 + part)) for part, first in enumerate((0, 2, 5))
        )
        return next(version for version in range(3) if seen.equals(whole(version)))


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=25, stateful_step_count=12, deadline=None, derandomize=True)


@pytest.mark.drill
def test_hundreds_of_histories_never_seen_before():
    run_state_machine_as_test(Histories, settings=settings(max_examples=700, stateful_step_count=20, deadline=None))


def test_revisions_that_share_a_file_are_dropped_whole():
    history = Histories()
    history.begin()
    for version in (0, 1, 0):
        history.run(version, None)
    for crash in range(12):
        kept = dict(history.storage.held)
        history.drop(crash)
        history.teardown()
        history.storage.held, history.seen = kept, 0
