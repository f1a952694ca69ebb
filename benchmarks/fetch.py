"""Sweep a thousand cameras of three feeds once, beside aiohttp and pycurl: `python -m benchmarks.fetch [--json]`.

Three stand-ins (`tests/city.py`), in processes of their own on another core, answer for TfL, Caltrans and Singapore: a sound
city, one in which one camera in twenty serves a fault, and the sound cameras of that one alone. Each way runs in a fresh
process held to one core; the ways take turns; medians are told, of rates the best. What poison costs is how much later the sound pictures
come than without it.

Every way brings the same: the bytes of each picture and when it changed. A peer is told the addresses of London and
California, asks for Singapore's list as the feed does, keeps what came whole and counts what failed, no more.
"""

# ruff: noqa: PLC0415 - each way imports its own library in its own process
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
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

CAMERAS = {"tfl_jamcams": 410, "caltrans_cwwp2": 500, "lta_sg": 90}
"""A thousand; Singapore has about ninety, which are larger than the others'."""
AT_ONCE, DEADLINE_S, CADENCE_S, SWEEPS, ROUNDS = 32, 2.0, 10.0, 3, 5
POISONED = 0.05
ALONE = {feed: count - round(count * POISONED) for feed, count in CAMERAS.items()}
"""The sound cameras of the poisoned city: what sweeping them takes alone is what poison is held against."""
POISON = ("drip-body", "never", "short-CL", "html", "404", "500", "200-empty", "reset", "redirect-loop", "garbage")
"""Faults that a peer without a byte cap survives too: endless answers and bombs are left to the tests."""
LIFTED = {"at_once": AT_ONCE, "deadline_s": DEADLINE_S, "rehearsal_interval_s": 0.1}
"""What a rehearsal may set, `[scan.<name>.snapshots]`: the feeds themselves allow one request at once, and a picture every
60 to 240 s."""
WAYS = ("thoroughfare", "thoroughfare, whole stage", "aiohttp", "pycurl")
PEERS = WAYS[2:]
GOALS = {"sweep_s": 10.0, "peak_mib": 300.0, "fetch_cost_ratio": 2.0, "stage_cost_ratio": 2.0, "poison_cost": 0.01}
CITY = Path(__file__).parents[1] / "tests" / "city.py"
LIST = "/api.data.gov.sg/v1/transport/traffic-images"
Came = tuple[int, float]
"""How many whole pictures came, and when the last did."""


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
        told_of = json.dumps([(url, addresses(url)) for url in urls])
        for _ in range(rounds):
            for way in WAYS:
                words = [sys.executable, "-m", "benchmarks.fetch", "--way", way]
                ended = subprocess.run(words, input=told_of, stdout=subprocess.PIPE, text=True, check=True)
                told[way].append(json.loads(ended.stdout))
    ways = {way: {key: _over(key, [row[key] for row in rows]) for key in rows[0]} for way, rows in told.items()}
    for row in ways.values():
        row["poison_cost"] = 1.0 - row["poison_rate"] / row["alone_rate"]
    stage = ways["thoroughfare, whole stage"]
    cheapest = min(ways[peer]["cpu_us"] for peer in PEERS)
    reached = stage | {
        "fetch_cost_ratio": ways["thoroughfare"]["cpu_us"] / cheapest,
        "stage_cost_ratio": stage["cpu_us"] / cheapest,
    }
    goals = {name: {"found": reached[name], "most": most, "met": reached[name] <= most} for name, most in GOALS.items()}
    return {
        "cameras": CAMERAS, "at_once": AT_ONCE, "rounds": rounds, "lifted": LIFTED, "load": [round(n, 1) for n in os.getloadavg()],
        "poison": {"share": POISONED, "kinds": POISON}, "ways": ways, "goals": goals,
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
    sweep = {"thoroughfare": ours, "thoroughfare, whole stage": stage, "aiohttp": aiohttp, "pycurl": pycurl}[way]
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


def addresses(city: str) -> list[str]:
    """Return the pictures of London and California, as their lists name them."""
    from pipeline import feeds

    fixed = [feed for feed in CAMERAS if feed != "lta_sg"]
    urls = [camera.image_url for feed in fixed for camera in feeds.load(feed).cameras(_scan(feed, city))]
    return [f"{city}/{url.removeprefix('https://')}" for url in urls]


def newest(city: str, listed: bytes) -> list[str]:
    """Return Singapore's newest pictures, as its list names them."""
    batches = json.loads(listed)["items"]
    urls = [row["image"] for batch in batches for row in batch["cameras"]]
    return [f"{city}/{url.removeprefix('https://')}" for url in urls]


def _scan(feed: str, city: str) -> Any:
    """Return a rehearsal of a feed: the stand-in answers, and what `LIFTED` says is lifted."""
    from pipeline.scans import Scan

    stages = {"snapshots": dict(LIFTED)}
    return Scan(feed, feed, "UTC", "EPSG:3857", hours="00:00-24:00", cadence_s=CADENCE_S, source=city, stages=stages)


def ours(city: str, fixed: list[str]) -> Callable[[], Came]:
    """Ask as the pipeline does."""
    from pipeline.fetcher import Request, Rules, fetch

    rules = Rules((city,), loopback=True, kinds=("jpeg",), at_once=AT_ONCE, deadline_s=DEADLINE_S)
    listed = Rules((city,), loopback=True)

    def ask() -> Came:
        offset = time.perf_counter() - time.time()
        urls = fixed + newest(city, fetch([Request(city + LIST)], listed)[0].content or b"")
        answers = fetch([Request(url) for url in urls], rules)
        came = [each.arrived_at for each in answers if each.status == "ok" and each.arrived_at]
        return len(came), max(came).timestamp() + offset

    return ask


def stage(city: str, _: list[str]) -> Callable[[], Came]:
    """Run the stage `snapshots` on one slot of the three feeds side by side: from camera rows to tables."""
    from concurrent.futures import ThreadPoolExecutor

    import pyarrow.compute as pc

    from pipeline import cameras, snapshots
    from pipeline.scans import Window

    nights = [(cameras.survey(_scan(feed, city)), _scan(feed, city)) for feed in CAMERAS]
    slots = (datetime(2026, 5, 5, 12, tzinfo=UTC) + timedelta(seconds=number * CADENCE_S) for number in count())

    def ask() -> Came:
        slot, offset, began = next(slots), time.perf_counter() - time.time(), time.perf_counter()
        window = Window(slot, slot, slot + timedelta(seconds=CADENCE_S))
        snapshots.CLOCK = snapshots.Clock(now=lambda: slot + timedelta(seconds=time.perf_counter() - began))
        with ThreadPoolExecutor(len(nights)) as pool:
            fetched = list(pool.map(lambda night: snapshots.fetch(*night, window), nights))
        came = sum(len(table) - table["fetched_at"].null_count for table in fetched)
        return came, max(pc.max(table["fetched_at"]).as_py() for table in fetched).timestamp() + offset

    return ask


def aiohttp(city: str, fixed: list[str]) -> Callable[[], Came]:
    """Ask with aiohttp, as its guide does."""
    import asyncio

    import aiohttp as library

    async def sweep() -> Came:
        turn, last = asyncio.Semaphore(AT_ONCE), 0.0
        came: list[tuple[bytes, str | None]] = []

        async def one(url: str) -> None:
            nonlocal last
            try:
                async with turn, session.get(url) as answer:
                    body = await answer.read()
                    if body.startswith(b"\xff\xd8\xff") and answer.status == 200:
                        came.append((body, answer.headers.get("Last-Modified")))
                        last = time.perf_counter()
            except (TimeoutError, library.ClientError):
                pass

        async with library.ClientSession(timeout=library.ClientTimeout(total=DEADLINE_S)) as session:
            async with session.get(city + LIST) as answer:
                urls = fixed + newest(city, await answer.read())
            await asyncio.gather(*map(one, urls))
        return len(came), last

    return lambda: asyncio.run(sweep())


def pycurl(city: str, fixed: list[str]) -> Callable[[], Came]:
    """Ask with libcurl's many transfers at once."""
    from io import BytesIO

    import pycurl as library

    def ask() -> Came:
        many, idle = library.CurlMulti(), [library.Curl() for _ in range(AT_ONCE)]
        came: list[tuple[bytes, int]] = []
        last = 0.0
        body = BytesIO()
        idle[0].setopt(library.URL, city + LIST)
        idle[0].setopt(library.WRITEDATA, body)
        idle[0].perform()
        waiting, active = fixed + newest(city, body.getvalue()), {}
        while waiting or active:
            while waiting and idle:
                curl, body = idle.pop(), BytesIO()
                curl.setopt(library.URL, waiting.pop())
                curl.setopt(library.WRITEDATA, body)
                curl.setopt(library.OPT_FILETIME, 1)
                curl.setopt(library.TIMEOUT_MS, int(1000 * DEADLINE_S))
                active[curl] = body
                many.add_handle(curl)
            many.perform()
            while True:
                left, whole, failed = many.info_read()
                for curl in [*whole, *(each[0] for each in failed)]:
                    body = active.pop(curl)
                    picture = body.getvalue()
                    is_whole = curl in whole and curl.getinfo(library.RESPONSE_CODE) == 200
                    if is_whole and picture.startswith(b"\xff\xd8\xff"):
                        came.append((picture, curl.getinfo(library.INFO_FILETIME)))
                        last = time.perf_counter()
                    many.remove_handle(curl)
                    idle.append(curl)
                if not left:
                    break
            many.select(0.05)
        return len(came), last

    return ask


if __name__ == "__main__":
    main()
