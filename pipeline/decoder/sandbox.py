"""Take from this process what a decoder does not need; whatever cannot be taken here is left, and said.

Calls: prctl(2), seccomp(2), unshare(2), setrlimit(2), fcntl(2). The filter's language: bpf(4), classic.
"""

import ctypes
import fcntl
import os
import platform
import resource
import struct
from contextlib import suppress
from pathlib import Path

NO_NEW_PRIVILEGES, FILTER, FILTER_MODE, NEW_NETWORK = 38, 22, 2, 0x4000_0000
NOBODY = 65_534
LIMITS = {resource.RLIMIT_NPROC: 0, resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: 16}
"""No process or thread, no byte into a file, no core file; as many descriptors as it has."""
# fmt: off
CALLS = {
    "x86_64": (0xC000_003E, 234, (
        0, 1, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 28, 38, 39, 44, 45, 60, 96, 98, 186, 202, 204, 219, 228, 231, 318,
    )),
    "aarch64": (0xC000_00B7, 131, (
        63, 64, 57, 80, 62, 222, 226, 215, 214, 134, 135, 139, 124, 216, 233, 103, 172, 206, 207, 93, 169, 165, 178, 98, 123,
        128, 113, 94, 278,
    )),
}
# fmt: on
"""By machine: its mark (linux/audit.h), its tgkill, and what a decoder calls: read, write, close, fstat, lseek, mmap,
mprotect, munmap, brk, rt_sigaction, rt_sigprocmask, rt_sigreturn, sched_yield, mremap, madvise, setitimer, getpid, sendto,
recvfrom, exit, gettimeofday, getrusage, gettid, futex, sched_getaffinity, restart_syscall, clock_gettime, exit_group,
getrandom. Nothing opens a file or a socket, starts a process or sends a signal to another."""
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, REFUSE = 0x7FFF_0000, 0x0005_0001
"""Let the call through; refuse it with EPERM."""


def confine(life: int, memory_bytes: int) -> dict[str, str]:
    """Give up rights, network, files, processes and memory, and end when the parent does.

    Args:
        life: Reading end of a pipe whose other end the parent alone holds.
        memory_bytes: What may be mapped beyond what is now.

    Returns:
        Each part by name and how it holds, empty where it does not.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _ends_with(life)
    network = libc.unshare(NEW_NETWORK) == 0
    mapped = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    is_limited = _limited(mapped + memory_bytes)
    user = _nobody()
    bound = libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0
    filtered = bound and _filtered(libc)
    ways = [way for way, holds in (("a namespace of its own", network), ("no socket", filtered)) if holds]
    return {
        "memory": f"{memory_bytes // 2**20} MiB beyond its own {mapped // 2**20}" if is_limited else "",
        "user": user,
        "privileges": "none can be won" if bound else "",
        "files": "none can be opened" if filtered else "",
        "processes": "none can be started" if filtered or os.geteuid() != 0 else "",
        "network": " and ".join(ways),
    }


def _ends_with(life: int) -> None:
    """Let the kernel end this process (SIGIO) when the pipe's other end is closed, whatever it is doing then."""
    fcntl.fcntl(life, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(life, fcntl.F_SETFL, fcntl.fcntl(life, fcntl.F_GETFL) | os.O_ASYNC)


def _limited(memory_bytes: int) -> bool:
    """Set the limits, those already lower left as they are."""
    done = True
    for which, limit in (LIMITS | {resource.RLIMIT_AS: memory_bytes}).items():
        hard = resource.getrlimit(which)[1]
        lowest = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        try:
            resource.setrlimit(which, (lowest, lowest))
        except (OSError, ValueError):
            done = False
    return done


def _nobody() -> str:
    """Become nobody where this is root; elsewhere the user is no other than the pipeline's."""
    if os.geteuid() != 0:
        return ""
    with suppress(OSError):
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        return "nobody"
    return ""


def _filtered(libc: ctypes.CDLL) -> bool:
    """Refuse every system call but those of a decoder, from now on."""
    if platform.machine() not in CALLS:
        return False
    mark, tgkill, calls = CALLS[platform.machine()]
    code = _program(mark, tgkill, calls, os.getpid())
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    return bool(libc.prctl(FILTER, FILTER_MODE, ctypes.create_string_buffer(program, len(program)), 0, 0) == 0)


def _program(mark: int, tgkill: int, calls: tuple[int, ...], pid: int) -> bytes:
    """Write the filter: the machine must be the one meant, the call one of `calls`, or a signal to itself (abort)."""
    steps = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, mark), (RETURN, 0, 0, REFUSE), (LOAD, 0, 0, 0)]
    for call in calls:
        steps += [(EQUAL, 0, 1, call), (RETURN, 0, 0, ALLOW)]
    steps += [(EQUAL, 1, 0, tgkill), (RETURN, 0, 0, REFUSE), (LOAD, 0, 0, 16), (EQUAL, 0, 1, pid)]
    steps += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, REFUSE)]
    return b"".join(struct.pack("HBBI", *step) for step in steps)
