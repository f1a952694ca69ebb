"""Make a system call of a waiting process fail, or kill the process at it, with strace."""

import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

from tests.drills.night import Child

STRACE = shutil.which("strace")
CALLS = ("fsync", "link", "unlink", "rename")
"""How the storage changes a disk, besides `write` and `mkdir`."""


class Tracer:
    """Strace on one process that waits at its gate; counts begin there."""

    def __init__(self, child: Child, *options: str) -> None:
        """Attach, and return once attached."""
        assert STRACE is not None
        self.log, self.child = child.out.with_suffix(".strace"), child
        words = [STRACE, "-qq", "-o", str(self.log), *options, "-p", str(child.pid)]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while _tracer_of(child.pid) != self.process.pid:
            assert time.monotonic() < until, f"strace did not attach: {' '.join(words)}"
            time.sleep(0.002)

    def ended(self, within_s: float = 120.0) -> Child:
        """Open the gate, wait for the process, then for strace."""
        self.child.go().ended(within_s)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()
        return self.child


def injected(child: Child, call: str, nth: int, fault: str) -> Child:
    """Let the Nth `call` meet a fault (`signal=SIGKILL`, `error=EIO`), and return the process once it has ended."""
    return Tracer(child, "-e", f"trace={call}", "-e", f"inject={call}:{fault}:when={nth}").ended()


def counted(child: Child, calls: tuple[str, ...] = CALLS) -> Counter[str]:
    """Run a process and count its system calls, as `injected` would."""
    tracer = Tracer(child, "-e", f"trace={','.join(calls)}")
    tracer.ended()
    return Counter(line.partition("(")[0] for line in tracer.log.read_text().splitlines() if "(" in line)


def _tracer_of(pid: int) -> int:
    """Return the process that traces another, 0 where none does."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("TracerPid"))
