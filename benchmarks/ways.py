"""The ways of sweeping three feeds that `benchmarks.fetch` holds against each other: ours, and two libraries by their guides."""

# ruff: noqa: PLC0415 - each way imports its own library in its own process
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

CAMERAS = {"tfl_jamcams": 410, "caltrans_cwwp2": 500, "lta_sg": 90}
"""A thousand; Singapore has about ninety, which are larger than the others'."""
AT_ONCE, DEADLINE_S, CADENCE_S = 32, 2.0, 10.0
LIFTED = {"at_once": AT_ONCE, "deadline_s": DEADLINE_S, "rehearsal_interval_s": 0.1}
"""What a rehearsal may set, `[scan.<name>.snapshots]`: the feeds themselves allow one request at once, and a picture every
60 to 240 s."""
LIST = "/api.data.gov.sg/v1/transport/traffic-images"
Came = tuple[int, float]
"""How many whole pictures came, and when the last did."""


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


BY_NAME = {"thoroughfare": ours, "thoroughfare, whole stage": stage, "aiohttp": aiohttp, "pycurl": pycurl}
