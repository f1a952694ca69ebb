"""Sweep a thousand cameras once, beside aiohttp and pycurl: `python -m benchmarks.fetch [--json]`.

A server in a process of its own, on loopback and on another core, answers each camera with a picture of 18 kB. Each way
runs in a fresh process held to one core; the ways take turns, and medians are told. Each way sweeps while every camera is
sound, then twice while one in twenty serves a fault, of which the second counts. A peer reads whole answers and counts
what failed, no more.
"""

# ruff: noqa: PLC0415 - each way imports its own library in its own process
import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

CAMERAS, AT_ONCE, DEADLINE_S, ROUNDS = 1000, 32, 2.0, 5
POISON = ("drip-body", "never", "short-CL", "html", "404", "500", "200-empty", "reset", "redirect-loop", "garbage")
"""Faults that a peer without a byte cap survives too: endless answers and bombs are left to the tests."""
WAYS = ("thoroughfare", "thoroughfare, whole stage", "aiohttp", "pycurl")


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
    options.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    options.add_argument("--base", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.way:
        print(json.dumps(_one(chosen.way, chosen.base)))
        return
    rows = _all()
    if chosen.json:
        print(json.dumps({"cameras": CAMERAS, "at_once": AT_ONCE, "rounds": ROUNDS, "ways": rows}, indent=1))
        return
    print(f"{CAMERAS} cameras, {AT_ONCE} requests at once, medians of {ROUNDS} rounds, one core")
    print(
        f"{'':28}{'sweep s':>9}{'CPU us a picture':>18}{'MiB':>6}{'with 5 % poison: last sound s':>31}{'CPU us':>8}{'sweep s':>9}"
    )
    for name, row in rows.items():
        print(
            f"{name:28}{row['sweep_s']:>9.2f}{row['cpu_us']:>18.0f}{row['rss_mib']:>6.0f}"
            f"{row['poison_sound_s']:>31.2f}{row['poison_cpu_us']:>8.0f}{row['poison_sweep_s']:>9.2f}"
        )


def _all() -> dict[str, dict[str, float]]:
    """Return the medians of every way."""
    cores = sorted(os.sched_getaffinity(0))
    words = [sys.executable, "-m", "tests.loopback"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        os.sched_setaffinity(server.pid, {cores[-1]})
        base = f"http://127.0.0.1:{int(next(iter(server.stdout or [])))}"
        told: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        for _ in range(ROUNDS):
            for way in WAYS:
                words = [sys.executable, "-m", "benchmarks.fetch", "--way", way, "--base", base]
                told[way].append(json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout))
        server.terminate()
    return {way: {key: statistics.median(row[key] for row in rows) for key in rows[0]} for way, rows in told.items()}


def _one(way: str, base: str) -> dict[str, float]:
    """Run one way in this process: three clean sweeps and two with poison, of which the last count."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    sweep = {"thoroughfare": ours, "thoroughfare, whole stage": stage, "aiohttp": aiohttp, "pycurl": pycurl}[way]
    clean = [f"/cam/{n}.jpg" for n in range(CAMERAS)]
    mixed = list(clean)
    for n, at in enumerate(random.Random(7).sample(range(CAMERAS), CAMERAS // 20)):
        mixed[at] = f"/fault/{POISON[n % len(POISON)]}?{at}"
    first, sound = [sweep(base, clean) for _ in range(3)][0::2]
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    poisoned = [sweep(base, mixed) for _ in range(2)][-1]
    if (first.sound, sound.sound, poisoned.sound) != (CAMERAS, CAMERAS, CAMERAS - CAMERAS // 20):
        raise SystemExit(f"{way}: not every sound picture came: {first}, {sound}, {poisoned}")
    return {
        "first_sweep_s": first.seconds,
        "sweep_s": sound.seconds,
        "cpu_us": sound.cpu_seconds / sound.sound * 1e6,
        "rss_mib": rss,
        "poison_sound_s": poisoned.sound_seconds,
        "poison_cpu_us": poisoned.cpu_seconds / poisoned.sound * 1e6,
        "poison_sweep_s": poisoned.seconds,
        "poison_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def timed(ask: Callable[[list[float]], None]) -> Swept:
    """Time a sweep that notes when each whole picture came."""
    came: list[float] = []
    cpu, began = time.process_time(), time.perf_counter()
    ask(came)
    ended = time.perf_counter()
    return Swept(len(came), ended - began, max(came) - began, time.process_time() - cpu)


def ours(base: str, paths: list[str]) -> Swept:
    """Ask as the pipeline does."""
    from pipeline.fetcher import Request, Rules, fetch

    rules = Rules((base,), loopback=True, kinds=("jpeg",), at_once=AT_ONCE, deadline_s=DEADLINE_S)

    def ask(came: list[float]) -> None:
        offset = time.perf_counter() - time.time()
        answers = fetch([Request(base + path) for path in paths], rules)
        came += [
            answer.arrived_at.timestamp() + offset for answer in answers if answer.status == "ok" and answer.arrived_at
        ]

    return timed(ask)


def stage(base: str, paths: list[str]) -> Swept:
    """Run the stage `snapshots` on one slot of a feed: from camera rows to the table."""
    import pyarrow as pa

    from pipeline import feeds, snapshots
    from pipeline.feeds._web import web
    from pipeline.fetcher import manners
    from pipeline.scans import Scan, Window
    from pipeline.tables import CAMERAS as TABLE

    feed = web(
        operator="", licence="", attribution="", terms_url="", commercial=True, may_store_frames=True, cleared=True, timestamps="",
        hosts=("http://cameras.example",), lists=(), parse=lambda _: [], bounds=(-1.0, -1.0, 1.0, 1.0), min_interval_s=0.0, at_once=AT_ONCE,
    )  # fmt: skip
    now = datetime.now(UTC)
    due = replace(feed, slots=lambda *_: [now])
    feeds.load = lambda _: due  # type: ignore[assignment]
    manners.forget()
    facts = dict.fromkeys(TABLE.schema.names, "") | {
        "lon": 0.1,
        "lat": 0.1,
        "bearing_deg": 0.0,
        "cadence_s": 3600.0,
        "cleared": True,
    }
    rows = [
        facts | {"camera_id": f"b:{n:04}", "native_id": f"{n}", "image_url": "http://cameras.example" + path}
        for n, path in enumerate(paths)
    ]
    cameras = pa.Table.from_pylist(rows, schema=TABLE.schema)
    stages = {"snapshots": {"at_once": AT_ONCE, "deadline_s": DEADLINE_S}}
    scan = Scan("b", "b", "UTC", "EPSG:3857", cadence_s=20.0, source=base, stages=stages)
    window = Window(now, now, now + timedelta(hours=1))

    def ask(came: list[float]) -> None:
        offset = time.perf_counter() - time.time()
        fetched = snapshots.fetch(cameras, scan, window)
        came += [at.timestamp() + offset for at in fetched["fetched_at"].to_pylist() if at]

    return timed(ask)


def aiohttp(base: str, paths: list[str]) -> Swept:
    """Ask with aiohttp, as its guide does."""
    import asyncio

    import aiohttp as library

    async def sweep(came: list[float]) -> None:
        turn = asyncio.Semaphore(AT_ONCE)

        async def one(path: str) -> None:
            try:
                async with turn, session.get(base + path) as answer:
                    if (await answer.read()).startswith(b"\xff\xd8\xff") and answer.status == 200:
                        came.append(time.perf_counter())
            except (TimeoutError, library.ClientError):
                pass

        async with library.ClientSession(timeout=library.ClientTimeout(total=DEADLINE_S)) as session:
            await asyncio.gather(*map(one, paths))

    return timed(lambda came: asyncio.run(sweep(came)))


def pycurl(base: str, paths: list[str]) -> Swept:
    """Ask with libcurl's many transfers at once."""
    from io import BytesIO

    import pycurl as library

    def ask(came: list[float]) -> None:
        many, idle = library.CurlMulti(), [library.Curl() for _ in range(AT_ONCE)]
        waiting, active = list(paths), {}
        while waiting or active:
            while waiting and idle:
                curl, body = idle.pop(), BytesIO()
                curl.setopt(library.URL, base + waiting.pop())
                curl.setopt(library.WRITEDATA, body)
                curl.setopt(library.TIMEOUT_MS, int(1000 * DEADLINE_S))
                active[curl] = body
                many.add_handle(curl)
            many.perform()
            while True:
                left, whole, failed = many.info_read()
                for curl in [*whole, *(each[0] for each in failed)]:
                    body = active.pop(curl)
                    is_whole = curl in whole and curl.getinfo(library.RESPONSE_CODE) == 200
                    if is_whole and body.getvalue().startswith(b"\xff\xd8\xff"):
                        came.append(time.perf_counter())
                    many.remove_handle(curl)
                    idle.append(curl)
                if not left:
                    break
            many.select(0.05)

    return timed(ask)


if __name__ == "__main__":
    main()
