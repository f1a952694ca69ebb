"""Keep to each server's pace: requests under way, pauses it asks for, a break when it fails."""

import random
import time
from dataclasses import dataclass, field

from pipeline.fetcher.rules import Rules

BREAKS_AFTER = 5
"""A server is left alone once so many different things running have failed at it."""
PAUSE_S = 30.0
"""For how long, the first time; twice as long each time after."""
LONGEST_PAUSE_S = 600.0
UNSTATED_WAIT_S = 60.0
"""Wait after HTTP 429 without Retry-After."""
LONGEST_WAIT_S = 3600.0
SPREAD = 0.2
"""Gaps under a cap are longer by up to this share, so that requests do not march in step."""
FAILS = frozenset(
    {"timed out", "no address", "no connection", "no valid certificate", "HTTP 502", "HTTP 503", "HTTP 504"}
)
"""Faults of a server or of the way to it; all others are faults of one thing asked for."""
PASSING = FAILS - {"no address", "no valid certificate"} | {"cut off", "bad answer"}
"""Faults after which one may ask again shortly."""
MEMORY = 50_000
"""Things whose last request is remembered."""


@dataclass
class Host:
    """One server: scheme, name and port."""

    active: int = 0
    """Requests under way."""
    failed: set[str] = field(default_factory=set)
    """What has failed since the last answer."""
    answered_at: float = -1e9
    """When it last answered."""
    pause_s: float = PAUSE_S
    closed_until: float = 0.0
    why: str = ""

    def refusal(self, now: float) -> str:
        """Say why it must not be asked now; empty where it may."""
        return self.why if now < self.closed_until else ""

    def room(self, at_once: int) -> bool:
        """Tell whether one more request may be under way; one alone tries whether a failed server is back."""
        return self.active < (1 if len(self.failed) >= BREAKS_AFTER else at_once)

    def learn(
        self, status: str, of: str, began_at: float, now: float, retry_after_s: float | None, *, hangs: bool = False
    ) -> None:
        """Take an answer's lesson.

        A request that failed while others were answered tells nothing of the server; nor does one for what hung the last
        time too (`hangs`): what hangs is asked for last, when nothing else is answered any more.
        """
        if retry_after_s is not None or status == "HTTP 429":
            wait_s = UNSTATED_WAIT_S if retry_after_s is None else retry_after_s
            self.closed_until, self.why = now + min(wait_s, LONGEST_WAIT_S), "asked to wait"
        elif status not in FAILS:
            self.failed.clear()
            self.pause_s, self.answered_at = PAUSE_S, now
        elif began_at >= self.answered_at and (not hangs or len(self.failed) >= BREAKS_AFTER):
            self.failed.add(of)
            if len(self.failed) >= BREAKS_AFTER and now >= self.closed_until:
                self.closed_until, self.why = now + self.pause_s, "its server is failing"
                self.pause_s = min(2 * self.pause_s, LONGEST_PAUSE_S)


@dataclass
class Pace:
    """When a feed's servers may be asked next."""

    next_at: float = 0.0
    asked: dict[str, float] = field(default_factory=dict)
    """When each thing was asked for last."""
    slow: set[str] = field(default_factory=set)
    """What timed out when it was asked for last: it comes last, so that nothing waits for it twice."""

    def wait_s(self, of: str, rules: Rules, now: float) -> float:
        """Return seconds until something may be asked for."""
        again_at = self.asked.get(of, -1e9) + rules.min_interval_s
        return max(self.next_at - now, again_at - now, 0.0)

    def note(self, of: str, rules: Rules, now: float) -> None:
        """Note that a request is begun."""
        if rules.requests_per_minute:
            self.next_at = now + 60.0 / rules.requests_per_minute * random.uniform(1.0, 1.0 + SPREAD)
        if rules.min_interval_s:
            if len(self.asked) >= MEMORY:
                self.asked = {of: at for of, at in self.asked.items() if now < at + rules.min_interval_s}
            self.asked[of] = now

    def learn(self, status: str, of: str) -> None:
        """Take an answer's lesson."""
        if status == "timed out":
            self.slow.add(of)
        else:
            self.slow.discard(of)


_hosts: dict[str, Host] = {}
_paces: dict[tuple[str, ...], Pace] = {}


def host(origin: str) -> Host:
    """Return what is known of a server."""
    if origin not in _hosts:
        _hosts[origin] = Host()
    return _hosts[origin]


def pace(rules: Rules) -> Pace:
    """Return the pace of a feed."""
    if rules.hosts not in _paces:
        _paces[rules.hosts] = Pace()
    return _paces[rules.hosts]


def forget() -> None:
    """Forget every server, as a new process does."""
    _hosts.clear()
    _paces.clear()


def now() -> float:
    """Return the time that waits are counted in; it never jumps."""
    return time.monotonic()
