"""Run every transfer of this process on one thread: threads that ask share its connections and its manners."""

import atexit
import os
import queue
import threading
import time
from collections import defaultdict

from pipeline.fetcher.libcurl import pycurl
from pipeline.fetcher.rules import Rules  # noqa: TC001 - runs
from pipeline.fetcher.sweeps import LOOK_S, Sweep, Task
from pipeline.fetcher.transfers import Transfer

NO_SOCKET_S = 0.002
KEPT_HANDLES = 256
MANY, TOGETHER_S = 8, 0.001
"""With so many requests under way, answers are taken a few at a time: each look at the sockets costs as much as an answer."""


class Client:
    """libcurl's many transfers at once, and the sweeps they belong to."""

    def __init__(self) -> None:
        self.multi = pycurl.CurlMulti()
        self.idle: dict[tuple[Rules, str], list[Transfer]] = defaultdict(list)
        self.active: dict[pycurl.Curl, tuple[Task, Transfer]] = {}
        self.sweeps: list[Sweep] = []
        self.arrived: queue.SimpleQueue[Sweep | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._work, name="fetcher", daemon=True)
        self.thread.start()

    def run(self, sweep: Sweep) -> None:
        """Ask for a sweep's requests; return when each has its answer."""
        if not sweep.is_over:
            self.arrived.put(sweep)
            try:
                sweep.done.wait()
            except BaseException:
                sweep.waiting.clear()
                raise
        if sweep.error:
            raise sweep.error

    def stop(self) -> None:
        """End the thread; what is under way is dropped."""
        self.arrived.put(None)
        self.thread.join()

    def _work(self) -> None:
        """Go round until told to stop."""
        wait_s = 0.0
        while self._let_in(wait_s):
            try:
                wait_s = self._round()
            except BaseException as error:  # noqa: BLE001 - whoever waits must hear of it, and the others go on
                self._fail(error)
                wait_s = 0.0
        self._fail(RuntimeError("the program ends"))

    def _let_in(self, wait_s: float) -> bool:
        """Take the sweeps that have arrived, waiting for one where nothing is under way; False to stop."""
        while True:
            try:
                if self.active:
                    sweep = self.arrived.get_nowait()
                else:
                    sweep = self.arrived.get(self.sweeps == [] or wait_s > 0, wait_s if self.sweeps else None)
            except queue.Empty:
                return True
            if sweep is None:
                return False
            sweep.idle = self.idle[sweep.rules, sweep.agent]
            self.sweeps.append(sweep)
            wait_s = 0.0

    def _round(self) -> float:
        """Begin what may be begun, move bytes, take what has ended; return seconds to wait."""
        wait_s = LOOK_S
        for sweep in self.sweeps:
            ready, early_s = sweep.begin()
            wait_s = min(wait_s, early_s)
            for task in ready:
                self._send(task)
        if self.active:
            self.multi.perform()
            if self._finish():
                wait_s = 0.0
            elif self.multi.select(wait_s) < 0:
                time.sleep(NO_SOCKET_S)  # a name is being looked up
            elif len(self.active) >= MANY:
                time.sleep(TOGETHER_S)
        over = [sweep for sweep in self.sweeps if sweep.is_over]
        if over:
            self.sweeps = [sweep for sweep in self.sweeps if not sweep.is_over]
            for sweep in over:
                sweep.done.set()
        return wait_s

    def _send(self, task: Task) -> None:
        """Put a request on the wire."""
        sweep = task.sweep
        transfer = sweep.idle.pop() if sweep.idle else Transfer(sweep.rules, sweep.agent)
        self.active[transfer.curl] = task, transfer
        sweep.prepare(task, transfer)
        self.multi.add_handle(transfer.curl)

    def _finish(self) -> bool:
        """Take what has ended; tell whether anything has."""
        ended = False
        while True:
            left, whole, failed = self.multi.info_read()
            for curl, error in [*((curl, 0) for curl in whole), *((curl, code) for curl, code, _ in failed)]:
                ended = True
                self.multi.remove_handle(curl)
                task, transfer = self.active[curl]
                is_answered = task.sweep.take(task, transfer, error)
                del self.active[curl]
                if len(task.sweep.idle) < KEPT_HANDLES:
                    task.sweep.idle.append(transfer)
                if not is_answered:
                    self._send(task)
            if not left:
                return ended

    def _fail(self, error: BaseException) -> None:
        """Tell everyone who waits that something is wrong with the program itself."""
        for task, _ in self.active.values():
            task.sweep.give_up(task)
        self.active.clear()
        self.idle.clear()
        self.multi = pycurl.CurlMulti()
        for sweep in self.sweeps:
            sweep.error = error
            sweep.done.set()
        self.sweeps = []


_shared: list[Client] = []
_lock = threading.Lock()


def shared() -> Client:
    """Return this process's client."""
    with _lock:
        if not _shared:
            _shared.append(Client())
        return _shared[0]


@atexit.register
def stop() -> None:
    """End this process's client."""
    while _shared:
        _shared.pop().stop()


os.register_at_fork(after_in_child=_shared.clear)
