"""Give every planned observation its one terminal state: cameras, snapshots -> frames."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pyarrow as pa

from pipeline import decoder
from pipeline.frames import clocks, jpeg, pictures, png, views
from pipeline.tables import FRAMES, frame_id


@dataclass(frozen=True)
class Settings:
    """Thresholds of the states, in the order in which they are asked."""

    limit_bytes: int = 8 * 2**20
    """A longer file is `broken`."""
    limit_pixels: int = 4 * 2**20
    """A picture whose header claims more is `broken`, and never decoded."""
    least_px: int = 48
    """A picture narrower or lower than this is `broken`."""
    limit_scans: int = 64
    """A progressive picture with more scans is `broken`: each costs a pass over all pixels."""
    torn_share: float = 0.2
    """`broken`: one textured row repeats over more than this share of the height. Whole frames stay below 0.07."""
    flat_share: float = 0.5
    """`placeholder`: more than this share of 8 x 8 blocks has one colour. Street scenes stay below 0.3, cards above 0.7."""
    flat_night_share: float = 0.9
    """The same where the middle pixel is darker than `dark_level`: a night sky is flat too."""
    shared_cameras: int = 3
    """`placeholder`: the same pixels at this many cameras of the shard, for no two lenses see the same noise."""
    dark_level: float = 40.0
    """`dark`: 99 of 100 pixels are below this luminance, 0..255. A street with one lamp has brighter ones."""
    overlay_share: float = 0.15
    """Share of the height at top and bottom where a camera may burn in its clock; not compared for `frozen`."""
    stale_cadences: float = 3.0
    """`stale`: taken more than this many of the camera's cadences before its slot."""
    stale_least_s: float = 10.0
    """And at least this many seconds before."""
    clock_offset_s: float = 5.0
    """A camera's own clock that is off by more than this in the median is trusted for its ticks only."""
    moved_likeness: float = 0.45
    """`moved`: the view's likeness to the camera's usual one, -1..1, is below this. One view from noon to night stays
    above 0.55; turned by 16 px of 352 it falls to 0.2-0.4."""
    moved_pictures: int = 5
    """And stays below it for this many pictures running: a truck before the lens is gone sooner."""
    moved_least: int = 10
    """Fewer pictures of a camera in a window do not tell what its usual view is."""


@dataclass(frozen=True)
class _Look:
    """What one snapshot shows."""

    camera_id: str
    slot_at: datetime
    told_at: datetime | None
    """When it was taken, as its feed tells."""
    told_by: str
    state: str = "ok"
    reason: str | None = None
    sha256: str | None = None
    header: jpeg.Header = jpeg.NO_HEADER
    pixels: str = ""
    """Hash of the pixels between the overlays; empty where nothing could be decoded."""
    view: views.View | None = None

    def fails(self, state: str, reason: str) -> "_Look":
        """Give it a state other than `ok`, unless it has one."""
        return replace(self, state=state, reason=reason) if self.state == "ok" else self


def inspect(cameras: pa.Table, snapshots: pa.Table, settings: Settings) -> pa.Table:
    """Say of every planned observation whether its picture can be used, and if not why.

    The states are asked in this order, and the first that holds stands: `missed` (nothing came), `broken` (no whole JPEG
    or PNG of a sane size), `placeholder` (a card, or one picture at several cameras), `dark` (nothing to see), `frozen` (the
    same pixels as an earlier picture of the camera in the window), `stale` (taken long before its slot), `moved` (not
    the camera's usual view), `ok`. A picture is decoded once, after its header has been read and found harmless.

    Where a camera writes its own clock into its pictures, `captured_at` is that time to a hundredth of a second and
    `captured_at_source` is `header`.

    Args:
        cameras: `cameras` rows; their cadence decides what is stale.
        snapshots: `snapshots` rows of one window, in any order.
        settings: Thresholds.

    Returns:
        The `frames` table, one row per row of `snapshots`.
    """
    cadences = dict(zip(cameras["camera_id"].to_pylist(), cameras["cadence_s"].to_pylist(), strict=True))
    by_camera: dict[str, list[_Look]] = {}
    for row in _rows(snapshots):
        by_camera.setdefault(row["camera_id"], []).append(_look(row, settings))
    cards = _shared_pixels(by_camera, settings.shared_cameras)
    rows = [
        row
        for camera_id, looks in by_camera.items()
        for row in _judged(looks, cards, cadences.get(camera_id) or 0.0, settings)
    ]
    return FRAMES.check(pa.Table.from_pylist(rows, schema=FRAMES.schema))


def _rows(snapshots: pa.Table) -> Iterator[dict[str, Any]]:
    """Yield snapshots by camera and slot, few at a time, for each holds a picture."""
    for batch in snapshots.sort_by([("camera_id", "ascending"), ("slot_at", "ascending")]).to_batches(max_chunksize=64):
        yield from batch.to_pylist()


def _look(row: dict[str, Any], settings: Settings) -> _Look:
    """Look at one snapshot by itself."""
    look = _Look(row["camera_id"], row["slot_at"], row["captured_at"], row["captured_at_source"])
    raw: bytes | None = row["jpeg"]
    if row["status"].startswith("quarantined: "):
        return look.fails("broken", row["status"])
    status, _, doubt = row["status"].partition(": ")
    if status != "ok" or raw is None:
        return look.fails("missed", row["status"].removeprefix("missed: ") if status != "ok" else "no bytes")
    look = replace(look, sha256=hashlib.sha256(raw).hexdigest(), reason=doubt or None)
    if len(raw) > settings.limit_bytes:
        return look.fails("broken", f"file above {settings.limit_bytes} bytes")
    is_png = raw.startswith(png.START)
    header = png.read_header(raw) if is_png else jpeg.read_header(raw, settings.limit_scans)
    look = replace(look, header=header)
    if fault := header.fault or _size_fault(header, settings):
        return look.fails("broken", fault)
    return _seen(look, raw[: header.length], settings)


def _size_fault(header: jpeg.Header, settings: Settings) -> str | None:
    """Say why a picture of this size is not decoded."""
    size = f"{header.width_px} x {header.height_px} pixels"
    if header.width_px * header.height_px > settings.limit_pixels:
        return f"{size} are more than {settings.limit_pixels}"
    return f"{size} are too few" if min(header.width_px, header.height_px) < settings.least_px else None


def _seen(look: _Look, raw: bytes, settings: Settings) -> _Look:
    """Decode a picture and say what it shows."""
    decoded = decoder.look(raw)
    image = decoded.pixels
    if image is None or image.shape[:2] != (look.header.height_px, look.header.width_px):
        return look.fails("broken", decoded.fault or decoder.UNREADABLE)
    middle = pictures.between_overlays(image, settings.overlay_share)
    luminance = pictures.gray(image)
    look = replace(look, pixels=pictures.pixels_hash(middle), view=views.view(luminance))
    if (torn := pictures.torn_share(luminance)) > settings.torn_share:
        return look.fails("broken", f"one row repeats over {torn:.0%} of the height")
    lit = pictures.gray(middle)
    is_night = pictures.level(lit, 0.5) < settings.dark_level
    if is_night and pictures.level(lit, 0.99) < settings.dark_level:
        return look.fails("dark", f"99 of 100 pixels are below {settings.dark_level:.0f} of 255")
    if (flat := pictures.flat_share(image)) > (settings.flat_night_share if is_night else settings.flat_share):
        return look.fails("placeholder", f"{flat:.0%} of the picture is flat colour")
    return look


def _shared_pixels(by_camera: dict[str, list[_Look]], least: int) -> frozenset[str]:
    """Return the hashes of pictures that several cameras show."""
    shown = Counter(pixels for looks in by_camera.values() for pixels in {look.pixels for look in looks if look.pixels})
    return frozenset(pixels for pixels, count in shown.items() if count >= least)


def _judged(
    looks: list[_Look], cards: frozenset[str], cadence_s: float, settings: Settings
) -> Iterator[dict[str, Any]]:
    """Compare the pictures of one camera, ascending, with each other, and yield their rows."""
    times = _times(looks, settings)
    looks = [
        look.fails("placeholder", "several cameras show this picture") if look.pixels in cards else look
        for look in looks
    ]
    looks = _frozen(looks)
    late_s = max(settings.stale_least_s, settings.stale_cadences * cadence_s)
    looks = [_stale(look, at, late_s) for look, (at, _) in zip(looks, times, strict=True)]
    looks = _moved(looks, settings)
    for look, (at, source) in zip(looks, times, strict=True):
        yield _row(look, at, source)


def _times(looks: list[_Look], settings: Settings) -> list[tuple[datetime | None, str]]:
    """Return when each picture was taken, and what tells so."""
    known = [look.told_at or look.slot_at for look in looks]
    by_clock = clocks.captured([look.header.clock for look in looks], known, settings.clock_offset_s)
    return [(at, "header") if at else (look.told_at, look.told_by) for at, look in zip(by_clock, looks, strict=True)]


def _frozen(looks: list[_Look]) -> list[_Look]:
    """Mark pictures whose pixels between the overlays the camera has shown before."""
    first: dict[str, datetime] = {}
    judged = []
    for look in looks:
        before = first.setdefault(look.pixels, look.slot_at) if look.pixels else look.slot_at
        judged.append(look if before == look.slot_at else look.fails("frozen", f"same pixels as at {before:%H:%M:%S}Z"))
    return judged


def _stale(look: _Look, at: datetime | None, late_s: float) -> _Look:
    """Mark a picture taken long before its slot."""
    age_s = (look.slot_at - at).total_seconds() if at else 0.0
    return look.fails("stale", f"taken {age_s:.0f} s before its slot") if age_s > late_s else look


def _moved(looks: list[_Look], settings: Settings) -> list[_Look]:
    """Mark pictures of another view than the camera's usual one."""
    usable = [n for n, look in enumerate(looks) if look.state == "ok" and look.view is not None]
    seen = [view for n in usable if (view := looks[n].view) is not None]
    other = views.moved(seen, settings.moved_likeness, settings.moved_pictures, settings.moved_least)
    turned = {n for n, is_other in zip(usable, other, strict=True) if is_other}
    return [look.fails("moved", "not the camera's usual view") if n in turned else look for n, look in enumerate(looks)]


def _row(look: _Look, at: datetime | None, source: str) -> dict[str, Any]:
    """Build the row of a frame."""
    return {
        "frame_id": frame_id(look.camera_id, look.slot_at),
        "camera_id": look.camera_id,
        "slot_at": look.slot_at,
        "captured_at": at,
        "captured_at_source": source,
        "width_px": look.header.width_px,
        "height_px": look.header.height_px,
        "sha256": look.sha256,
        "state": look.state,
        "reason": look.reason,
    }
