"""Match slots gone by with the pictures that an operator still has: each picture answers at most one slot."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from pipeline.errors import FeedError
from pipeline.feeds import Gone, Picture, _asking
from pipeline.feeds._asking import ListError, Source
from pipeline.feeds._web import told
from pipeline.scans import Scan

UNKNOWN = Picture("missed: not in the history")
AWAY, UNREADABLE = "missed: its list did not come", "missed: its list cannot be read"
log = logging.getLogger("thoroughfare")
NO_HISTORY = ("HTTP 404", "HTTP 410")
"""Answers that say there is none."""
T = TypeVar("T")
K = TypeVar("K", str, datetime)


@dataclass(frozen=True)
class Taken:
    """A picture of the past as its operator lists it."""

    at: datetime
    """When it was taken, UTC."""
    url: str


def recall(
    source: Source,
    scan: Scan,
    gone: Sequence[Gone],
    known: Mapping[str, Sequence[Taken]],
    until: float,
) -> list[Picture]:
    """Ask for the pictures that answer slots gone by, as far as they are known; each was taken when its list says.

    Args:
        source: The feed's.
        scan: Its settings.
        gone: What is asked for.
        known: The pictures that are still there, of each camera by native id.
        until: When nothing more is asked for, in seconds of `time.monotonic()`.
    """
    chosen = [_newest(known.get(each.camera.native_id, ()), each) for each in gone]
    urls = [taken.url for taken in chosen if taken]
    answers = iter(_asking.past_pictures(source, scan, urls, until))
    pictures = [told(source, next(answers)) if taken else UNKNOWN for taken in chosen]
    return [
        replace(picture, captured_at=taken.at, captured_at_source="feed") if taken and picture.jpeg else picture
        for picture, taken in zip(pictures, chosen, strict=True)
    ]


def read(ask: Callable[[], T], absent: Sequence[str] = ()) -> T | Picture:
    """Return what a list that pictures depend on tells; where it cannot be had, a picture that did not come.

    Args:
        ask: Ask for the list and read it. What is wrong with one that came is said aloud.
        absent: Answers that say there is no such list.
    """
    try:
        return ask()
    except ListError as error:
        return UNKNOWN if f"{error}" in absent else Picture(f"{AWAY}: {error}")
    except FeedError as error:
        log.warning("%s", error)
        return Picture(UNREADABLE)


def split(keys: Iterable[K], ask: Callable[[K], T | Picture]) -> tuple[dict[K, T], dict[K, Picture]]:
    """Ask for the list of each key, in order; return those that came, and the faults in place of the others."""
    answers = {key: ask(key) for key in sorted(keys)}
    came = {key: answer for key, answer in answers.items() if not isinstance(answer, Picture)}
    return came, {key: answer for key, answer in answers.items() if isinstance(answer, Picture)}


def match(gone: Sequence[Gone], came: Mapping[str, Sequence[Picture]]) -> list[Picture]:
    """Give every slot gone by its picture out of those that came of its camera, which tell themselves when they were taken.

    Where none came of a camera that was asked for, the reason is that of the first.
    """
    return [_matched(each, came.get(each.camera.native_id, ())) for each in gone]


def _matched(gone: Gone, came: Sequence[Picture]) -> Picture:
    """Return the picture of one slot, or why there is none."""
    dated = {each.captured_at: each for each in came if each.jpeg is not None and each.captured_at is not None}
    if not dated and came:
        return next((each for each in came if each.jpeg is None), UNKNOWN)
    newest = _newest([Taken(at, "") for at in dated], gone)
    return dated[newest.at] if newest else UNKNOWN


def _newest(known: Sequence[Taken], gone: Gone) -> Taken | None:
    """Return the newest picture that polling would have found at a slot and not at the one before."""
    return max((each for each in known if gone.since < each.at <= gone.slot), key=lambda each: each.at, default=None)
