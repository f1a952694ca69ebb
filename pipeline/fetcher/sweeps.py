"""Run many transfers side by side in the calling thread, each when its server may be asked."""

import random
import re
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

import pycurl

from pipeline.fetcher import manners
from pipeline.fetcher.rules import Answer, Request, Rules, origin, origins, user_agent, written
from pipeline.fetcher.transfers import REDIRECTS, Transfer, retry_after_s

LOOK_S = 0.05
"""Longest time between two looks at the clock while something waits."""
NO_SOCKET_S = 0.002
KEPT_HANDLES = 256
REPEATABLE = re.compile(r"[ -~]{1,500}")
"""What a server may have us say back to it."""
CONDITIONS = (("etag", "If-None-Match"), ("last-modified", "If-Modified-Since"))
_mine = threading.local()


@dataclass
class _Task:
    """One request on its way to an answer."""

    number: int
    request: Request
    url: str
    """Address asked now: another after a redirect."""
    origin: str
    ready_at: float
    home: str
    """Server of the address that was asked for first."""
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
        self.allowed = origins(rules.hosts)
        self.agent = user_agent(loopback=rules.loopback)
        self.began = manners.now()
        self.patience_s = patience_s
        self.answers: list[Answer | None] = [None] * len(requests)
        self.waiting: dict[str, deque[_Task]] = {}
        self.active: dict[pycurl.Curl, tuple[_Task, Transfer]] = {}
        self.multi, self.idle = _tools(rules, self.agent)
        tasks = [self._task(number, request) for number, request in enumerate(requests)]
        for task in sorted((task for task in tasks if task), key=lambda task: task.ready_at):
            self.waiting.setdefault(task.origin, deque()).append(task)

    def run(self) -> list[Answer]:
        """Ask for all of it; return the answers in order."""
        try:
            while self.waiting or self.active:
                wait_s = self._begin()
                if self.active:
                    self.multi.perform()
                    wait_s = 0.0 if self._finish() else wait_s
                if wait_s and (self.waiting or self.active):
                    self._rest(wait_s)
        finally:
            while self.active:
                self._put_back(*self.active.popitem()[1])
        return [answer or Answer("bad answer") for answer in self.answers]

    def _rest(self, wait_s: float) -> None:
        """Sleep until something comes, or a look is worth while; without a socket yet, as during a look-up, shortly."""
        if self.multi.select(wait_s) < 0:
            time.sleep(min(wait_s, NO_SOCKET_S))

    def _task(self, number: int, request: Request) -> _Task | None:
        """Queue a request, or answer it where its address is not allowed."""
        url = written(request.url)
        if (at := origin(url)) not in self.allowed:
            self.answers[number] = Answer("refused: not in the allow-list")
            return None
        return _Task(number, request, url, at, self.began + random.uniform(0.0, self.rules.jitter_s), at)

    def _begin(self) -> float:
        """Begin what may be begun; return the seconds until a look is worth while."""
        now, wait_s = manners.now(), LOOK_S
        pace = manners.pace(self.rules)
        for at, queue in list(self.waiting.items()):
            host = manners.host(at)
            while queue:
                with manners.lock:
                    if refusal := host.refusal(now) or ("asked too late" if now - self.began > self.patience_s else ""):
                        self.answers[queue.popleft().number] = Answer(refusal)
                        continue
                    early_s = max(queue[0].ready_at - now, pace.wait_s(queue[0].of, self.rules, now))
                    if early_s > 0 or not host.room(self.rules.at_once):
                        wait_s = min(wait_s, early_s) if early_s > 0 else wait_s
                        break
                    task = queue.popleft()
                    host.active += 1
                    pace.note(task.of, self.rules, now)
                task.ends_at = now + self.rules.deadline_s
                self._send(task, self.idle.pop() if self.idle else Transfer(self.rules, self.agent))
            if not queue:
                del self.waiting[at]
        return wait_s

    def _send(self, task: _Task, transfer: Transfer) -> None:
        """Put a request on the wire; keys and conditions go to its own server alone."""
        request, url, headers = task.request, task.url, {**task.request.headers}
        if task.origin == task.home:
            headers |= request.secrets
        if task.hops == 0:
            headers |= self.seen.get(url, {})
            if request.secret_query:
                url += ("&" if "?" in url else "?") + request.secret_query
        transfer.prepare(url, headers, task.ends_at - manners.now())
        self.active[transfer.curl] = task, transfer
        self.multi.add_handle(transfer.curl)

    def _finish(self) -> bool:
        """Take what has ended; tell whether anything has."""
        ended = False
        while True:
            left, whole, failed = self.multi.info_read()
            for curl, error in [*((curl, 0) for curl in whole), *((curl, code) for curl, code, _ in failed)]:
                ended = True
                self._ended(*self.active.pop(curl), error)
            if not left:
                return ended

    def _ended(self, task: _Task, transfer: Transfer, error: int) -> None:
        """Turn an ended transfer into an answer or into its next hop."""
        self._put_back(task, transfer)
        headers = transfer.headers()
        if not error and not transfer.fault and transfer.code() in REDIRECTS:
            answer = self._hop(task, headers.get("location", ""))
            if answer is None:
                with manners.lock:
                    manners.host(task.origin).active += 1
                self._send(task, self.idle.pop())
                return
        else:
            answer = transfer.answer(error, headers)
        wait_s = retry_after_s(headers.get("retry-after", ""), datetime.now(UTC)) if transfer.code() >= 400 else None
        with manners.lock:
            manners.host(task.origin).learn(answer.status, task.of, wait_s, manners.now())
        if answer.status == "ok" and task.hops == 0:
            self._remember(task.url, headers)
        self.answers[task.number] = answer

    def _hop(self, task: _Task, location: str) -> Answer | None:
        """Follow a redirect inside the allow-list; the answer where it is not followed."""
        url = written(urljoin(task.url, location))
        if not location or origin(url) not in self.allowed:
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

    def _put_back(self, task: _Task, transfer: Transfer) -> None:
        """Free a handle and its place at the server."""
        self.multi.remove_handle(transfer.curl)
        with manners.lock:
            manners.host(task.origin).active -= 1
        if len(self.idle) < KEPT_HANDLES:
            self.idle.append(transfer)


def _tools(rules: Rules, agent: str) -> tuple[pycurl.CurlMulti, list[Transfer]]:
    """Return this thread's connections, and its handles for a feed."""
    if not hasattr(_mine, "multi"):
        _mine.multi, _mine.idle = pycurl.CurlMulti(), {}
    return _mine.multi, _mine.idle.setdefault((rules, agent), [])
