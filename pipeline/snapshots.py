"""Fetch the planned observations of some cameras in one window: cameras -> snapshots."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from itertools import chain, groupby, pairwise
from threading import Thread
from typing import Any, cast

import numpy as np
import pyarrow as pa

from pipeline import feeds
from pipeline.feeds import Camera, Feed, Gone, Picture
from pipeline.scans import Scan, Window
from pipeline.tables import SNAPSHOTS


class Steady:
    """A clock that goes on evenly from where this machine's stood, whatever is done to that one meanwhile."""

    def __init__(self, wall: Callable[[], datetime], even_s: Callable[[], float]) -> None:
        """Start it; `even_s` counts seconds and never jumps."""
        self.wall, self.even_s = wall, even_s
        self.from_wall, self.from_s = wall(), even_s()

    def now(self) -> datetime:
        """Return the time, UTC."""
        return self.from_wall + timedelta(seconds=self.even_s() - self.from_s)

    def step_s(self) -> float:
        """Return the seconds by which this machine's clock has been set forward since."""
        return (self.wall() - self.now()).total_seconds()


def _even_s() -> float:
    """Count seconds; those in which the machine sleeps too, where it can."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


STEADY = Steady(lambda: datetime.now(UTC), _even_s)


@dataclass(frozen=True)
class Clock:
    """The time that a live feed is polled by."""

    now: Callable[[], datetime] = STEADY.now
    sleep: Callable[[float], None] = time.sleep
    step_s: Callable[[], float] = lambda: 0.0
    """Seconds by which this machine's clock has jumped since `now` began."""


CLOCK = Clock(step_s=STEADY.step_s)
SUSPECT_S = 2.0
"""A jump of this machine's clock by more is told with every picture that comes after it."""
ROOM_BYTES = 2**30
"""About how much a batch holds; a column of it has room for less than 2 GiB."""
TOO_LATE = Picture("missed: asked too late")
PAST_PATIENCE_S = 3600.0
"""What has not been asked of the past within so many seconds is missed: the night's other windows wait."""
IDLE_S = 10.0
"""The past is asked for between two slots where there is so much time, and more, until the next."""


def fetch(cameras: pa.Table, scan: Scan, window: Window) -> pa.Table:
    """Fetch every slot that the feed plans for the cameras in the window.

    A live feed is polled as the window goes: cameras that share their slots are asked together when each slot has come,
    until the window's end. A slot whose successor has already come, because the run began late or an answer took long, is
    asked of the past when nothing else is due, where the feed's operator keeps it (`Feed.past`); otherwise it is missed:
    its picture is gone.

    Args:
        cameras: `cameras` rows to observe.
        scan: Tells the feed, and what it needs.
        window: UTC hour to observe.

    Returns:
        The `snapshots` table, one row per slot. A picture that did not come is a row too, with the reason as its status:
        `missed: not modified` where the server says that it is the camera's last one still.
    """
    feed = feeds.load(scan.feed)
    sharing: dict[tuple[datetime, ...], list[_Named]] = {}
    for row in _known(cameras.sort_by("camera_id")):
        slots = tuple(feed.slots(scan, window, row["native_id"]))
        sharing.setdefault(slots, []).append(_Named(row["camera_id"], Camera.of(row)))
    rounds = [_Round(feed, scan, named, slots) for slots, named in sharing.items() if slots]
    # who is asked every 2 s does not wait for who is asked every 5 min
    batches = _beside(rounds) if feed.live and len(rounds) > 1 else [list(each.batches()) for each in rounds]
    return SNAPSHOTS.check(pa.Table.from_batches(list(chain.from_iterable(batches)), schema=SNAPSHOTS.schema))


def once(cameras: pa.Table, scan: Scan, slots: Sequence[datetime]) -> pa.Table:
    """Fetch one picture of each camera together, whatever is planned.

    Args:
        cameras: `cameras` rows.
        scan: Tells the feed, and how hard it is asked.
        slots: The observation asked for, by row of `cameras`; of a live feed the time now.

    Returns:
        The `snapshots` table, one row per camera.
    """
    feed = feeds.load(scan.feed)
    named = [_Named(row["camera_id"], Camera.of(row)) for row in _known(cameras)]
    due = list(zip(named, slots, strict=True))
    asked = [(each.camera, slot) for each, slot in due]
    if feed.live and feed.pictures and asked:
        pictures = feed.pictures(scan, asked, PAST_PATIENCE_S, {})
    else:
        pictures = [feed.picture(scan, *each) for each in asked]
    return SNAPSHOTS.check(pa.Table.from_batches([_batch(feed, due, pictures)], schema=SNAPSHOTS.schema))


def snapshot(feed: Feed, scan: Scan, camera_id: str, camera: Camera, slot: datetime) -> dict[str, object]:
    """Fetch one slot of the past as a row of `snapshots`; a live feed shows none of them again."""
    return _row(feed, camera_id, slot, TOO_LATE if feed.live else feed.picture(scan, camera, slot))


def _known(cameras: pa.Table) -> list[dict[str, Any]]:
    """Return of cameras what a feed is told."""
    wanted = {"camera_id", *(each.name for each in fields(Camera))}
    return cast("list[dict[str, Any]]", cameras.select([n for n in cameras.column_names if n in wanted]).to_pylist())


def _beside(rounds: "list[_Round]") -> list[list[pa.RecordBatch]]:
    """Poll rounds side by side, each in a thread that holds up no program that is told to stop."""
    answers: list[Future[list[pa.RecordBatch]]] = [Future() for _ in rounds]

    def poll(answer: Future[list[pa.RecordBatch]], each: _Round) -> None:
        try:
            answer.set_result(list(each.batches()))
        except BaseException as error:  # noqa: BLE001  # raised where the answer is read
            answer.set_exception(error)

    for answer, each in zip(answers, rounds, strict=True):
        Thread(target=poll, args=(answer, each), daemon=True).start()
    return [answer.result() for answer in answers]


@dataclass(frozen=True)
class _Named:
    """A camera and its id in the lake."""

    camera_id: str
    camera: Camera


@dataclass(frozen=True)
class _Round:
    """Cameras that share their slots in a window."""

    feed: Feed
    scan: Scan
    named: list[_Named]
    slots: tuple[datetime, ...]
    """Ascending, one at least."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows of all slots, those asked for together at a time."""
        late: list[tuple[_Named, datetime]] = []
        seen: dict[str, Any] = {}
        left_s = PAST_PATIENCE_S
        for at, ends_at, slots in self._turns():
            if late and (idle_s := (at - CLOCK.now()).total_seconds() - IDLE_S) > 0:
                there = self._is_there(late)
                late = (yield from self._kept(late[:there], self._recalled(late[:there], idle_s))) + late[there:]
            due = [(each, slot) for slot in slots for each in self.named]
            asked = [(each.camera, slot) for each, slot in due]
            if not self.feed.live:
                pictures = [self.feed.picture(self.scan, *each) for each in asked]
            elif pictures := self._polled(asked, at, ends_at, seen):
                left_s = (ends_at - at).total_seconds()  # the next window waits for nobody
            late += yield from self._kept(due, pictures or [TOO_LATE] * len(due))
        yield from self._batches(late, self._recalled(late, left_s))

    def _kept(
        self, due: list[tuple[_Named, datetime]], pictures: list[Picture]
    ) -> Generator[pa.RecordBatch, None, list[tuple[_Named, datetime]]]:
        """Yield the rows of slots; return those that came too late and may be there still."""
        came = list(zip(due, pictures, strict=True))
        late = [self.feed.past is not None and picture.status == TOO_LATE.status for picture in pictures]
        kept = [each for each, is_late in zip(came, late, strict=True) if not is_late]
        yield from self._batches([each for each, _ in kept], [picture for _, picture in kept])
        return [each for (each, _), is_late in zip(came, late, strict=True) if is_late]

    def _turns(self) -> list[tuple[datetime, datetime, list[datetime]]]:
        """Say when something is asked for, when that makes no sense any more, and which slots it answers."""
        asked_at = self.feed.asked_at or (lambda _, slot: slot)
        turns = [(at, list(slots)) for at, slots in groupby(self.slots, key=lambda slot: asked_at(self.scan, slot))]
        starts = [at for at, _ in turns]
        ends = [*starts[1:], starts[-1] + self._step(starts[-2:])]
        return [(at, ends_at, slots) for (at, slots), ends_at in zip(turns, ends, strict=True)]

    def _step(self, two: Sequence[datetime]) -> timedelta:
        """Return the time between two neighbours; the cadence where there is one alone."""
        alone = timedelta(seconds=max(self.scan.cadence_s, self.feed.min_interval_s))
        return next((after - before for before, after in pairwise(two)), alone)

    def _polled(
        self, asked: list[tuple[Camera, datetime]], at: datetime, ends_at: datetime, seen: dict[str, Any]
    ) -> list[Picture]:
        """Wait for a time and fetch what is due then; nothing where the next has come."""
        if (early_s := (at - CLOCK.now()).total_seconds()) > 0:
            CLOCK.sleep(early_s)
        if self.feed.pictures:
            patience_s = (ends_at - CLOCK.now()).total_seconds()
            return self.feed.pictures(self.scan, asked, patience_s, seen) if patience_s > 0 else []
        return [self.feed.picture(self.scan, *each) if CLOCK.now() < ends_at else TOO_LATE for each in asked]

    def _is_there(self, late: list[tuple[_Named, datetime]]) -> int:
        """Count slots so long gone that the operator's next picture of the past must have them, ascending."""
        newest = CLOCK.now() - timedelta(seconds=self.feed.history_step_s or 0.0)
        return sum(slot <= newest for _, slot in late)

    def _recalled(self, late: list[tuple[_Named, datetime]], patience_s: float) -> list[Picture]:
        """Fetch what the feed's operator still has of slots gone by, within so many seconds."""
        if not late or self.feed.past is None or self.feed.history_s is None:
            return [TOO_LATE] * len(late)
        oldest = CLOCK.now() - timedelta(seconds=self.feed.history_s)
        since = dict(zip(self.slots, (self.slots[0] - self._step(self.slots[:2]), *self.slots), strict=False))
        gone = [Gone(each.camera, slot, since[slot]) for each, slot in late if slot >= oldest]
        answers = iter(self.feed.past(self.scan, gone, patience_s) if gone else ())
        forgotten = Picture(f"missed: history reaches back only {self.feed.history_s / 3600:g} h")
        return [next(answers) if slot >= oldest else forgotten for _, slot in late]

    def _batches(self, due: list[tuple[_Named, datetime]], pictures: list[Picture]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of some slots, no more at a time than a column has room for."""
        ends = np.cumsum([len(picture.jpeg or b"") for picture in pictures]) // ROOM_BYTES
        cuts = [0, *(np.flatnonzero(np.diff(ends)) + 1).tolist(), len(due)]
        for start, end in pairwise(cuts):
            yield _batch(self.feed, due[start:end], pictures[start:end])


def _batch(feed: Feed, due: list[tuple[_Named, datetime]], pictures: list[Picture]) -> pa.RecordBatch:
    """Return the rows of some slots."""
    rows = [_row(feed, each.camera_id, slot, picture) for (each, slot), picture in zip(due, pictures, strict=True)]
    columns = {name: [row[name] for row in rows] for name in SNAPSHOTS.schema.names if name != "jpeg"}
    told = [pa.array(values, SNAPSHOTS.schema.field(name).type) for name, values in columns.items()]
    return pa.RecordBatch.from_arrays([*told, _joined([picture.jpeg for picture in pictures])], schema=SNAPSHOTS.schema)


def _joined(pictures: list[bytes | None]) -> pa.Array:
    """Return pictures as a column, copied once: a builder that grows would copy them again and again."""
    offsets = np.cumsum([0, *(len(each or b"") for each in pictures)], dtype=np.int32)
    there = pa.array([each is not None for each in pictures], pa.bool_())
    parts = [there.buffers()[1], pa.py_buffer(offsets), pa.py_buffer(b"".join(filter(None, pictures)))]
    return pa.Array.from_buffers(pa.binary(), len(pictures), parts)


def _row(feed: Feed, camera_id: str, slot: datetime, picture: Picture) -> dict[str, object]:
    """Return one slot as a row of `snapshots`.

    A live picture arrives when it does; recorded and rendered ones when they were taken, so that a re-run gives the same bytes.
    """
    step_s = CLOCK.step_s() if feed.live else 0.0
    arrived = picture.captured_at or slot
    if feed.live:
        arrived = picture.arrived_at - timedelta(seconds=step_s) if picture.arrived_at else CLOCK.now()
    suspect = f"ok: clock suspect, set by {step_s:+.0f} s" if abs(step_s) > SUSPECT_S else "ok"
    return {
        "camera_id": camera_id,
        "slot_at": slot,
        "fetched_at": arrived if picture.jpeg is not None else None,
        "captured_at": picture.captured_at,
        "captured_at_source": picture.captured_at_source,
        "status": suspect if picture.status == "ok" else picture.status,
        "jpeg": picture.jpeg,
    }
