"""Take everything that is due together to its answers: begin, follow, learn."""

import math
import random
import re
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

from pipeline.fetcher import manners
from pipeline.fetcher.rules import Answer, Request, Rules, is_at, origin, user_agent, written
from pipeline.fetcher.transfers import REDIRECTS, Transfer, retry_after_s

LEAST_S = 1.0
"""Time that a request is given also where the next slot is nearer."""
TICK_S = 0.02
"""What is spread over time is begun a few at a time: each look at the clock costs as much as an answer."""
LOOK_S = 0.05
"""Longest time between two looks at the clock while something waits."""
REPEATABLE = re.compile(r"[ -~]{1,500}")
"""What a server may have us say back to it."""
CONDITIONS = (("etag", "If-None-Match"), ("last-modified", "If-Modified-Since"))


@dataclass(slots=True)
class Task:
    """One request on its way to an answer."""

    sweep: "Sweep"
    number: int
    request: Request
    url: str
    """Address asked now: another after a redirect."""
    origin: str
    ready_at: float
    home: str
    """Server of the address that was asked for first."""
    began_at: float = 0.0
    ends_at: float = 0.0
    hops: int = 0

    @property
    def of(self) -> str:
        """Name what is asked for."""
        return self.request.of or self.request.url


class Sweep:
    """Everything that is due together."""

    def __init__(self, requests: Sequence[Request], rules: Rules, patience_s: float, seen: dict[str, Any]) -> None:
        self.rules, self.seen = rules, seen
        self.agent = user_agent(loopback=rules.loopback)
        self.began = manners.now()
        self.patience_s = patience_s
        self.answers: list[Answer | None] = [None] * len(requests)
        self.waiting: dict[str, deque[Task]] = {}
        self.active = 0
        self.idle: list[Transfer] = []
        """Handles set up for these rules, from sweep to sweep; the client's."""
        self.done = threading.Event()
        self.error: BaseException | None = None
        tasks = [self._task(number, request) for number, request in enumerate(requests)]
        self.pace = manners.pace(rules)
        slow = self.pace.slow
        for task in sorted(filter(None, tasks), key=lambda task: (task.of in slow, task.ready_at)):
            self.waiting.setdefault(task.origin, deque()).append(task)

    @property
    def is_over(self) -> bool:
        """Tell whether every request has its answer."""
        return not self.waiting and not self.active

    def begin(self) -> tuple[list[Task], float]:
        """Return what may be begun now, and the seconds until another look is worth while."""
        now, wait_s, ready, pace = manners.now(), LOOK_S, [], self.pace
        for at, queue in list(self.waiting.items()):
            host = manners.host(at)
            while queue:
                if refusal := host.refusal(now) or ("asked too late" if now - self.began > self.patience_s else ""):
                    self.answers[queue.popleft().number] = Answer(refusal)
                    continue
                early_s = max(queue[0].ready_at - now, pace.wait_s(queue[0].of, self.rules, now))
                if early_s > 0:
                    wait_s = min(wait_s, early_s)
                    break
                if not host.room(self.rules.at_once):
                    break
                task = queue.popleft()
                left_s = max(self.began + self.patience_s - now, LEAST_S)
                task.began_at, task.ends_at = now, now + min(self.rules.deadline_s, left_s)
                host.active += 1
                self.active += 1
                pace.note(task.of, self.rules, now)
                ready.append(task)
            if not queue:
                del self.waiting[at]
        return ready, wait_s

    def prepare(self, task: Task, transfer: Transfer) -> None:
        """Write a request down; keys and conditions go to its own server alone."""
        request, url, headers = task.request, task.url, {**task.request.headers}
        if request.secrets and task.origin == task.home:
            headers |= request.secrets
        if task.hops == 0:
            headers |= self.seen.get(url, {})
            if request.secret_query:
                url += ("&" if "?" in url else "?") + request.secret_query
        transfer.prepare(url, headers, task.ends_at - manners.now())

    def take(self, task: Task, transfer: Transfer, error: int) -> bool:
        """Turn an ended transfer into an answer; False where it goes on at another address."""
        headers = transfer.headers()
        host = manners.host(task.origin)
        is_moved = not error and not transfer.fault and transfer.code() in REDIRECTS
        answer = self._hop(task, headers.get("location", "")) if is_moved else transfer.answer(error, headers)
        host.active -= 1
        if answer is None:
            manners.host(task.origin).active += 1
            return False
        wait_s = retry_after_s(headers.get("retry-after", ""), datetime.now(UTC)) if transfer.code() >= 400 else None
        hangs = task.of in self.pace.slow
        host.learn(answer.status, task.of, task.began_at, manners.now(), wait_s, hangs=hangs)
        self.pace.learn(answer.status, task.of)
        if answer.status == "ok" and task.hops == 0:
            self._remember(task.url, headers)
        self.active -= 1
        self.answers[task.number] = answer
        return True

    def give_up(self, task: Task) -> None:
        """Let a request go without an answer."""
        manners.host(task.origin).active -= 1
        self.active -= 1

    def _task(self, number: int, request: Request) -> Task | None:
        """Queue a request, or answer it where its address is not allowed."""
        url = written(request.url)
        if not is_at(url, self.rules.hosts):
            self.answers[number] = Answer("refused: not in the allow-list")
            return None
        at = origin(url)
        late_s = math.ceil(random.uniform(0.0, self.rules.jitter_s) / TICK_S) * TICK_S
        return Task(self, number, request, url, at, self.began + late_s, at)

    def _hop(self, task: Task, location: str) -> Answer | None:
        """Follow a redirect inside the allow-list; the answer where it is not followed."""
        url = written(urljoin(task.url, location)) if location else ""
        if not is_at(url, self.rules.hosts):
            return Answer("refused: redirect out of the allow-list")
        if task.hops >= self.rules.redirects:
            return Answer("refused: too many redirects")
        task.url, task.origin, task.hops = url, origin(url), task.hops + 1
        return None

    def _remember(self, url: str, headers: dict[str, str]) -> None:
        """Keep what lets the server say that nothing has changed."""
        told = {condition: headers.get(name, "") for name, condition in CONDITIONS}
        if kept := {name: text for name, text in told.items() if REPEATABLE.fullmatch(text)}:
            self.seen[url] = kept
