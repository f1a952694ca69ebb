"""Give every planned observation its one terminal state: cameras, snapshots -> frames."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pyarrow as pa

from pipeline.frames import cadences, cards, clocks, views
from pipeline.frames.looks import UNCHANGED, Look, look
from pipeline.frames.thresholds import Settings
from pipeline.tables import FRAMES, frame_id

__all__ = ["Settings", "inspect"]


def inspect(cameras: pa.Table, snapshots: pa.Table, settings: Settings) -> pa.Table:
    """Say of every planned observation whether its picture can be used, and if not why.

    The states are asked in this order, and the first that holds stands: `missed` (nothing came), `broken` (no whole JPEG
    or PNG of a sane size), `dark` (nothing to see), `broken` (a part of it did not come), `placeholder` (a card), `frozen`
    (the camera shows one picture for longer than it should, or says that it is a new one), `missed` again (the same
    picture, and it is not yet time for another: nothing new came), `stale` (taken long before its slot), `moved` (not the
    camera's usual view), `ok`. A picture is decoded once, after its header has been read and found harmless.

    A camera's cadence is learned from its new pictures where it is asked more often than it renews them.

    Where a camera writes its own clock into its pictures, `captured_at` is that time to a hundredth of a second and
    `captured_at_source` is `header`.

    Args:
        cameras: `cameras` rows; their cadence stands where none could be learned.
        snapshots: `snapshots` rows of one window, in any order.
        settings: Thresholds.

    Returns:
        The `frames` table, one row per row of `snapshots`.
    """
    declared = dict(zip(cameras["camera_id"].to_pylist(), cameras["cadence_s"].to_pylist(), strict=True))
    by_camera: dict[str, list[Look]] = {}
    for row in _rows(snapshots):
        by_camera.setdefault(row["camera_id"], []).append(look(row, settings))
    shows = [_show(_mended(looks, settings), declared.get(name) or 0.0, settings) for name, looks in by_camera.items()]
    found = _cards(shows, settings)
    rows = [row for show in shows for row in _judged(show, found, settings)]
    return FRAMES.check(pa.Table.from_pylist(rows, schema=FRAMES.schema))


@dataclass(frozen=True)
class _Show:
    """All that one camera showed in the window, in order of time."""

    looks: list[Look]
    times: list[tuple[datetime | None, str]]
    """When each picture was taken, and what tells so."""
    cadence_s: float
    repeats: list[cadences.Repeat | None]

    def is_frozen(self, number: int, settings: Settings) -> bool:
        """Tell whether a picture is an old one shown again, and not merely asked for too soon."""
        repeat = self.repeats[number]
        late_s = settings.frozen_cadences * self.cadence_s
        return repeat is not None and (repeat.is_claimed_new or repeat.is_return or repeat.stood_s > late_s)


def _rows(snapshots: pa.Table) -> Iterator[dict[str, Any]]:
    """Yield snapshots by camera and slot, few at a time, for each holds a picture."""
    for batch in snapshots.sort_by([("camera_id", "ascending"), ("slot_at", "ascending")]).to_batches(max_chunksize=64):
        yield from batch.to_pylist()


def _mended(looks: list[Look], settings: Settings) -> list[Look]:
    """Mark pictures in which all shifts from one row on, unless the camera's view has an edge there."""
    rows = Counter(each.shifted_row for each in looks if each.shifted_row >= 0)
    often = max(1.0, settings.shifted_often * sum(each.pixels is not None for each in looks))
    told = "its brightness shifts from row {} on: a damaged file"
    return [
        each.fails("broken", told.format(each.shifted_row)) if 0 < rows[each.shifted_row] <= often else each
        for each in looks
    ]


def _show(looks: list[Look], declared_s: float, settings: Settings) -> _Show:
    """Tell when a camera's pictures were taken, which of them are old, and how often new ones come."""
    slots, times = [each.slot_at for each in looks], _times(looks, settings)
    shown: list[str | None] = []
    for each in looks:
        still = each.state == "missed" and each.reason == UNCHANGED
        shown.append(next((pixels for pixels in reversed(shown) if pixels), None) if still else each.pixels)
    told = [None if each.pixels is None else at for each, (at, _) in zip(looks, times, strict=True)]
    repeats = cadences.repeats(shown, slots, told)
    if any(source == "clip" for _, source in times):
        # a clip renews itself as declared, whatever the time between its stills
        return _Show(looks, times, declared_s, cadences.outlasting(repeats, settings.frozen_cadences * declared_s))
    new = [pixels is not None and repeat is None for pixels, repeat in zip(shown, repeats, strict=True)]
    fresh = sorted(at or slot for at, slot, is_new in zip(told, slots, new, strict=True) if is_new)
    return _Show(looks, times, cadences.learned(fresh, slots, declared_s), repeats)


def _times(looks: list[Look], settings: Settings) -> list[tuple[datetime | None, str]]:
    """Return when each picture was taken, and what tells so."""
    known = [each.told_at or each.slot_at for each in looks]
    by_clock = clocks.captured([each.header.clock for each in looks], known, settings.clock_offset_s)
    return [(at, "header") if at else (each.told_at, each.told_by) for at, each in zip(by_clock, looks, strict=True)]


def _cards(shows: list[_Show], settings: Settings) -> frozenset[str]:
    """Learn which pictures are cards: several cameras show them, or they are dark and plain and stand still."""
    shown = {show.looks[0].camera_id: {each.pixels for each in show.looks if each.pixels} for show in shows}
    plain = {
        each.pixels
        for show in shows
        for each, repeat in zip(show.looks, show.repeats, strict=True)
        if each.is_plain and each.pixels and repeat is not None
    }
    standing = {
        show.looks[0].camera_id: {
            each.pixels: each.thumb
            for number, each in enumerate(show.looks)
            if each.pixels and each.thumb is not None and show.is_frozen(number, settings)
        }
        for show in shows
    }
    return cards.everywhere(shown, settings.shared_cameras) | cards.learned(standing) | plain


def _judged(show: _Show, found: frozenset[str], settings: Settings) -> Iterator[dict[str, Any]]:
    """Compare the pictures of one camera with each other and with the cards, and yield their rows."""
    looks = [
        each.fails("placeholder", "a card: it stands still, plain or at several cameras")
        if each.pixels in found
        else each
        for each in show.looks
    ]
    looks = [_repeated(each, number, show, settings) for number, each in enumerate(looks)]
    late_s = max(settings.stale_least_s, settings.stale_cadences * show.cadence_s)
    looks = [_stale(each, at, late_s) for each, (at, _) in zip(looks, show.times, strict=True)]
    looks = _moved(looks, settings)
    for each, (at, source) in zip(looks, show.times, strict=True):
        yield _row(each, at, source)


def _repeated(each: Look, number: int, show: _Show, settings: Settings) -> Look:
    """Mark a picture that the camera has shown before: it stands still, or it was asked too soon for a new one."""
    repeat = show.repeats[number]
    if repeat is None or each.state not in ("ok", "missed"):
        return each
    since = f"same pixels as at {repeat.since:%H:%M:%S}Z"
    if show.is_frozen(number, settings):
        return replace(each, state="frozen", reason=since)
    return each.fails("missed", f"{UNCHANGED}: {since}, a new picture comes every {show.cadence_s:.3g} s")


def _stale(each: Look, at: datetime | None, late_s: float) -> Look:
    """Mark a picture taken long before its slot."""
    age_s = (each.slot_at - at).total_seconds() if at else 0.0
    return each.fails("stale", f"taken {age_s:.0f} s before its slot") if age_s > late_s else each


def _moved(looks: list[Look], settings: Settings) -> list[Look]:
    """Mark pictures of another view than the camera's usual one."""
    usable = [n for n, each in enumerate(looks) if each.state == "ok" and each.view is not None]
    seen = [view for n in usable if (view := looks[n].view) is not None]
    likeness = settings.moved_likeness, settings.moved_suddenly
    other = views.moved(seen, *likeness, settings.moved_pictures, settings.moved_least)
    turned = {n for n, is_other in zip(usable, other, strict=True) if is_other}
    return [each.fails("moved", "not the camera's usual view") if n in turned else each for n, each in enumerate(looks)]


def _row(each: Look, at: datetime | None, source: str) -> dict[str, Any]:
    """Build the row of a frame."""
    return {
        "frame_id": frame_id(each.camera_id, each.slot_at),
        "camera_id": each.camera_id,
        "slot_at": each.slot_at,
        "captured_at": at,
        "captured_at_source": source,
        "width_px": each.header.width_px,
        "height_px": each.header.height_px,
        "sha256": each.sha256,
        "state": each.state,
        "reason": each.reason,
        "view": views.signature(each.view) if each.state == "ok" and each.view is not None else None,
    }
