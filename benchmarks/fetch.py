"""Sweep a thousand cameras of three feeds once, beside aiohttp and pycurl: `python -m benchmarks.fetch [--json]`.

Three stand-ins (`tests/city.py`), in processes of their own on another core, answer for TfL, Caltrans and Singapore: a sound
city, one in which one camera in twenty serves a fault, and the sound cameras of that one alone. Each way runs in a fresh
process held to one core; the ways take turns; medians are told, of rates the best. What poison costs is how much later the sound pictures
come than without it.

Every way brings the same: the bytes of each picture and when it changed. A peer is told the addresses of London and
California, asks for Singapore's list as the feed does, keeps what came whole and counts what failed, no more.
"""

import argparse
import json
import logging
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import ways
from benchmarks.ways import AT_ONCE, CAMERAS, LIFTED, Came

SWEEPS, ROUNDS = 3, 5
POISONED = 0.05
ALONE = {feed: count - round(count * POISONED) for feed, count in CAMERAS.items()}
"""The sound cameras of the poisoned city: what sweeping them takes alone is what poison is held against."""
POISON = ("drip-body", "never", "short-CL", "html", "404", "500", "200-empty", "reset", "redirect-loop", "garbage")
"""Faults that a peer without a byte cap survives too: endless answers and bombs are left to the tests."""
WAYS = tuple(ways.BY_NAME)
PEERS = WAYS[2:]
GOALS = {"sweep_s": 10.0, "peak_mib": 300.0, "fetch_cost_ratio": 2.0, "stage_cost_ratio": 2.0, "poison_cost": 0.01}
CITY = Path(__file__).parents[1] / "tests" / "city.py"


@dataclass
class Swept:
    """What one sweep took."""

    sound: int
    """Pictures that came whole."""
    seconds: float
    """Until the last answer, or the last fault's deadline."""
    sound_seconds: float
    """Until the last whole picture."""
    cpu_seconds: float


def main() -> None:
    """Print a table, or JSON."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", action="store_true")
    options.add_argument("--rounds", type=int, default=ROUNDS)
    options.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.way:
        print(json.dumps(_one(chosen.way, json.load(sys.stdin))))
        return
    found = _all(chosen.rounds)
    print(json.dumps(found, indent=1)) if chosen.json else _show(found)


def _show(found: dict[str, Any]) -> None:
    """Print the ways side by side, then each goal."""
    told = ", ".join(f"{count} {feed}" for feed, count in CAMERAS.items())
    print(f"{sum(CAMERAS.values())} cameras ({told}), {found['rounds']} rounds, one core; load {found['load']}")
    print(f"a rehearsal's settings, which lift what the feeds allow: {found['lifted']}")
    print(
        f"{'':26}{'sweep s':>9}{'CPU us a picture':>18}{'MiB':>6}{'5 % poison: sound/s':>21}{'alone':>8}{'cost':>7}{'CPU us':>8}{'sweep s':>9}"
    )
    for name, row in found["ways"].items():
        print(
            f"{name:26}{row['sweep_s']:>9.2f}{row['cpu_us']:>18.0f}{row['peak_mib']:>6.0f}{row['poison_rate']:>21.0f}"
            f"{row['alone_rate']:>8.0f}{row['poison_cost']:>7.1%}{row['poison_cpu_us']:>8.0f}{row['poison_sweep_s']:>9.2f}"
        )
    for name, goal in found["goals"].items():
        print(f"{name}: {goal['found']:.3g}, goal {goal['most']:g}: {'met' if goal['met'] else 'missed'}")


def _all(rounds: int) -> dict[str, Any]:
    """Return the medians of every way, and the goals."""
    told: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    with ExitStack() as stack:
        asked = ((CAMERAS, 0.0), (ALONE, 0.0), (CAMERAS, POISONED))
        urls = [stack.enter_context(_city(cameras, share)) for cameras, share in asked]
        told_of = json.dumps([(url, ways.addresses(url)) for url in urls])
        for _ in range(rounds):
            for way in WAYS:
                words = [sys.executable, "-m", "benchmarks.fetch", "--way", way]
                ended = subprocess.run(words, input=told_of, stdout=subprocess.PIPE, text=True, check=True)
                told[way].append(json.loads(ended.stdout))
    found = {way: {key: _over(key, [row[key] for row in rows]) for key in rows[0]} for way, rows in told.items()}
    for row in found.values():
        row["poison_cost"] = 1.0 - row["poison_rate"] / row["alone_rate"]
    stage = found["thoroughfare, whole stage"]
    cheapest = min(found[peer]["cpu_us"] for peer in PEERS)
    reached = stage | {
        "fetch_cost_ratio": found["thoroughfare"]["cpu_us"] / cheapest,
        "stage_cost_ratio": stage["cpu_us"] / cheapest,
    }
    goals = {name: {"found": reached[name], "most": most, "met": reached[name] <= most} for name, most in GOALS.items()}
    return {
        "cameras": CAMERAS, "at_once": AT_ONCE, "rounds": rounds, "lifted": LIFTED, "load": [round(n, 1) for n in os.getloadavg()],
        "poison": {"share": POISONED, "kinds": POISON}, "ways": found, "goals": goals,
    }  # fmt: skip


def _over(key: str, values: list[float]) -> float:
    """Return the best of rates, which others on the machine only lower, and the median of all else."""
    return max(values) if key.endswith("_rate") else float(statistics.median(values))


@contextmanager
def _city(cameras: dict[str, int], faulty: float) -> Iterator[str]:
    """Start a stand-in on the last core; yields its address."""
    feeds = [f"--feed={feed}={count}" for feed, count in cameras.items()]
    words = [*feeds, f"--faulty={faulty}", *(f"--fault={kind}" for kind in POISON), "--cadence=3600"]
    with subprocess.Popen([sys.executable, str(CITY), *words], stdout=subprocess.PIPE, text=True) as server:
        os.sched_setaffinity(server.pid, {max(os.sched_getaffinity(0))})
        try:
            yield next(iter(server.stdout or [])).strip()
        finally:
            server.terminate()


def _one(way: str, cities: list[list[Any]]) -> dict[str, float]:
    """Run one way in this process: the whole city, the sound cameras of the poisoned one alone, the poisoned one.

    The first sweep of each does not count.
    """
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    logging.getLogger("thoroughfare").setLevel(logging.ERROR)  # not each round anew that some rows are no cameras
    sweep = ways.BY_NAME[way]
    first, *clean = _sweeps(sweep(*cities[0]), sum(CAMERAS.values()))
    peak = _peak_mib()
    _, *alone = _sweeps(sweep(*cities[1]), sum(ALONE.values()))
    _, *mixed = _sweeps(sweep(*cities[2]), sum(ALONE.values()))
    every = sum(CAMERAS.values())
    return {
        "first_sweep_s": first.seconds,
        "sweep_s": _median(clean, "seconds"),
        "cpu_us": _median(clean, "cpu_seconds") / every * 1e6,
        "peak_mib": peak,
        "alone_rate": sum(ALONE.values()) / min(each.sound_seconds for each in alone),
        "alone_cpu_us": _median(alone, "cpu_seconds") / sum(ALONE.values()) * 1e6,
        "poison_rate": sum(ALONE.values()) / min(each.sound_seconds for each in mixed),
        "poison_cpu_us": _median(mixed, "cpu_seconds") / every * 1e6,
        "poison_sweep_s": _median(mixed, "seconds"),
        "poison_peak_mib": _peak_mib(),
    }


def _sweeps(ask: Callable[[], Came], sound: int) -> list[Swept]:
    """Sweep a few times; every sound picture must come each time."""
    swept = [timed(ask) for _ in range(SWEEPS + 1)]
    if {each.sound for each in swept} != {sound}:
        raise SystemExit(f"not every one of {sound} sound pictures came: {swept}")
    return swept


def _median(swept: list[Swept], what: str) -> float:
    """Return the median of one figure."""
    return float(statistics.median(getattr(each, what) for each in swept))


def _peak_mib() -> float:
    """Return the most memory that this process has held; not its parent's, which getrusage counts too."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) / 1024


def timed(ask: Callable[[], Came]) -> Swept:
    """Time a sweep."""
    cpu, began = time.process_time(), time.perf_counter()
    sound, last = ask()
    ended = time.perf_counter()
    return Swept(sound, ended - began, last - began, time.process_time() - cpu)


if __name__ == "__main__":
    main()
