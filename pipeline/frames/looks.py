"""Look at one snapshot by itself: is it a whole picture, and what does it show."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import decoder
from pipeline.frames import cards, jpeg, pictures, png, views
from pipeline.frames.thresholds import Settings

UNCHANGED = "not modified"
"""What a server says where the camera's last picture is its newest still."""


@dataclass(frozen=True)
class Look:
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
    pixels: str | None = None
    """Hash of the pixels between the overlays; None where nothing could be decoded."""
    thumb: cards.Thumb | None = None
    view: views.View | None = None
    shifted_row: int = -1
    """First row from which on all is lighter or darker; -1 for none."""
    is_plain: bool = False
    """Whether it is a dark card, or a night without a light on most of it: those that stand still are cards."""

    def fails(self, state: str, reason: str) -> "Look":
        """Give it a state other than `ok`, unless it has one."""
        return replace(self, state=state, reason=reason) if self.state == "ok" else self


def look(row: dict[str, Any], settings: Settings) -> Look:
    """Look at one row of `snapshots`."""
    seen = Look(row["camera_id"], row["slot_at"], row["captured_at"], row["captured_at_source"])
    raw: bytes | None = row["jpeg"]
    if row["status"].startswith("quarantined: "):
        return seen.fails("broken", row["status"])
    status, _, doubt = row["status"].partition(": ")  # `ok: clock suspect, ...` is a picture with something to doubt
    if status != "ok" or raw is None:
        return seen.fails("missed", row["status"].removeprefix("missed: ") if status != "ok" else "no bytes")
    seen = replace(seen, sha256=hashlib.sha256(raw).hexdigest(), reason=doubt or None)
    if len(raw) > settings.limit_bytes:
        return seen.fails("broken", f"file above {settings.limit_bytes} bytes")
    is_png = raw.startswith(png.START)
    header = png.read_header(raw) if is_png else jpeg.read_header(raw, settings.limit_scans)
    seen = replace(seen, header=header)
    if fault := header.fault or _size_fault(header, settings):
        return seen.fails("broken", fault)
    decoded = decoder.look(raw[: header.length])
    image = decoded.pixels
    if image is None or image.shape[:2] != (header.height_px, header.width_px):
        return seen.fails("broken", decoded.fault or decoder.UNREADABLE)
    return _shown(seen, image, settings)


def _size_fault(header: jpeg.Header, settings: Settings) -> str | None:
    """Say why a picture of this size is not decoded."""
    size = f"{header.width_px} x {header.height_px} pixels"
    if header.width_px * header.height_px > settings.limit_pixels:
        return f"{size} are more than {settings.limit_pixels}"
    return f"{size} are too few" if min(header.width_px, header.height_px) < settings.least_px else None


def _shown(seen: Look, image: NDArray[np.uint8], settings: Settings) -> Look:
    """Say what a decoded picture shows."""
    middle, luminance = pictures.between_overlays(image, settings.overlay_share), pictures.gray(image)
    lit = pictures.between_overlays(luminance, settings.overlay_share)
    seen = replace(seen, pixels=pictures.pixels_hash(middle), thumb=pictures.thumb(middle), view=views.view(luminance))
    flat, few, plain = pictures.flat_shares(image)
    if pictures.brightest(lit) < settings.dark_level:
        return seen.fails("dark", f"nothing in it is brighter than {settings.dark_level:.0f} of 255")
    if fault := _damage(image, luminance, flat, settings):
        return seen.fails("broken", fault)
    if pictures.level(lit, 0.5) < settings.night_level:
        seen = replace(seen, is_plain=plain > settings.flat_night_share)
    elif few > settings.card_share and not _is_fog(lit, settings):
        return seen.fails("placeholder", f"{few:.0%} of the picture is flat and of a few colours")
    edge = (len(luminance) - len(lit)) // 2
    row = pictures.shifted_row(luminance, edge, len(luminance) - edge, settings.shifted_levels)
    return replace(seen, shifted_row=row)


def _damage(image: NDArray[np.uint8], luminance: pictures.Gray, flat: float, settings: Settings) -> str:
    """Say what of a picture did not come; empty where all did. A card has even rows by nature."""
    torn = pictures.torn_share(luminance)
    if torn > settings.torn_share and (torn < settings.bars_share or flat < settings.flat_share / 2):
        return f"rows repeat over {torn:.0%} of the height"
    unfilled = pictures.unfilled_share(image)
    if unfilled > settings.unfilled_share:
        came = image[: round((1 - unfilled) * len(image))]
        if pictures.flat_shares(came)[0] < settings.flat_share and pictures.unfilled_share(came[::-1]) < unfilled / 2:
            return f"one colour fills the lower {unfilled:.0%} of it"
    return ""


def _is_fog(lit: pictures.Gray, settings: Settings) -> bool:
    """Tell whether a flat picture is neither plain nor lettered."""
    plain, lettered = settings.faint_levels
    return plain < pictures.level(lit, 0.999) - pictures.level(lit, 0.001) < lettered
