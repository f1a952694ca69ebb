"""Whatever a server sends in a picture's place has its one state in `frames`, and nothing of it is decoded unread."""

import json
import struct
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest
from loopback import Loopback, says
from test_web import MEDIA, SCAN, made, row

from pipeline import cameras, feeds, frames, snapshots
from pipeline.fetcher import manners
from pipeline.scans import Window


def encoded(kind: str, *options: int, size: tuple[int, int] = (240, 352), seed: int = 1) -> bytes:
    """Draw a street-like picture: smooth shapes under noise."""
    draw = np.random.default_rng(seed)
    image = cv2.resize(draw.integers(60, 200, (12, 16, 3), np.uint8), size[::-1], interpolation=cv2.INTER_CUBIC)
    return cv2.imencode(kind, cv2.add(image, draw.integers(0, 12, image.shape, np.uint8)), list(options))[1].tobytes()


GOOD = encoded(".jpg")
SCAN_AT = GOOD.index(b"\xff\xda")


def flipped(count: int) -> bytes:
    """Flip bits of the picture's scan."""
    raw = bytearray(GOOD)
    for at in np.random.default_rng(count).integers(SCAN_AT + 20, len(raw) - 2, count):
        raw[at] ^= 16
    return bytes(raw)


def resized(width: int, height: int, *, precision: int = 8, channels: int | None = None) -> bytes:
    """Write another size, depth or number of channels into the header."""
    at = GOOD.index(b"\xff\xc0")
    head = bytearray(GOOD)
    head[at + 4 : at + 9] = struct.pack(">BHH", precision, height, width)
    head[at + 9] = channels or head[at + 9]
    return bytes(head)


def segment(kind: int, body: bytes) -> bytes:
    return b"\xff" + bytes([kind]) + struct.pack(">H", len(body) + 2) + body


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


PNG = b"\x89PNG\r\n\x1a\n"
BOMB = (
    PNG
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(bytes(10**6)))
)
PROGRESSIVE = encoded(".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1, size=(64, 64))
EXIF, ICC = encoded(".jpg", seed=2), encoded(".jpg", seed=3)
LAST_SCAN = PROGRESSIVE[PROGRESSIVE.rindex(b"\xff\xda") : -2]
NO_PICTURE = "missed: not a picture"
CORPUS = {
    "zero": (b"", "missed: empty answer"),
    "SOI-only": (GOOD[:2], NO_PICTURE),
    "trunc10": (GOOD[: len(GOOD) // 10], "broken: "),
    "trunc50": (GOOD[: len(GOOD) // 2], "broken: cut off before its end"),
    "trunc90": (GOOD[: 9 * len(GOOD) // 10], "broken: cut off before its end"),
    "no-EOI": (GOOD[:-2], "broken: cut off before its end"),
    "trailing-zip": (GOOD + b"PK\x03\x04" + bytes(2000), "ok"),
    "html": (b"<!doctype html><title>temporarily unavailable</title>", f"{NO_PICTURE}: a page"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', f"{NO_PICTURE}: a page"),
    "json": (b'{"message": "not found"}', f"{NO_PICTURE}: JSON"),
    "gif": (b"GIF89a" + bytes(100), f"{NO_PICTURE}: GIF"),
    "png-ok": (encoded(".png"), f"{NO_PICTURE}: PNG"),
    "png-bomb-30k": (BOMB, f"{NO_PICTURE}: PNG"),
    "png-1bit": (PNG + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 1, 0, 0, 0, 0)), f"{NO_PICTURE}: PNG"),
    "webp": (encoded(".webp"), f"{NO_PICTURE}: WebP"),
    "avif": (b"\0\0\0\x20ftypavif" + bytes(100), NO_PICTURE),
    "tiff": (encoded(".tiff"), f"{NO_PICTURE}: TIFF"),
    "bmp": (encoded(".bmp"), f"{NO_PICTURE}: BMP"),
    "pdf": (b"%PDF-1.7\n", f"{NO_PICTURE}: PDF"),
    "10k-jpeg": (resized(10_000, 10_000), "broken: 10000 x 10000 pixels are more than"),
    "lie-60k": (resized(60_000, 60_000), "broken: 60000 x 60000 pixels are more than"),
    "1x1": (resized(1, 1), "broken: 1 x 1 pixels are too few"),
    "1x65500": (resized(1, 65_500), "broken: 1 x 65500 pixels are too few"),
    "cmyk": (resized(352, 240, channels=4), "broken: 8 bits in 4 channels"),
    "grey16": (resized(352, 240, precision=16, channels=1), "broken: 16 bits in 1 channels"),
    "progressive-1000-scans": (PROGRESSIVE[:-2] + 1000 * LAST_SCAN + PROGRESSIVE[-2:], "broken: 10"),
    "exif-64k-loop": (EXIF[:2] + segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0" + b"\x08\0" * 32_000) + EXIF[2:], "ok"),
    "icc-huge": (ICC[:2] + 60 * segment(0xE2, b"ICC_PROFILE\0\x01\x01" + bytes(65_000)) + ICC[2:], "ok"),
    "bitrot1": (flipped(1), ""),
    "bitrot10": (flipped(10), ""),
    "bitrot100": (flipped(100), ""),
}
"""What comes, and its state and reason; empty where a flipped bit may or may not show."""


@pytest.fixture(scope="module")
def told() -> dict[str, str]:
    """Fetch every one of them in one slot, beside a sound picture, and inspect what came."""
    names = [*CORPUS, "sound"]
    pages = {f"/media.example.org/{name}.jpg": says(raw) for name, (raw, _) in CORPUS.items()}
    pages["/media.example.org/sound.jpg"] = says(
        encoded(".jpg", cv2.IMWRITE_JPEG_QUALITY, 80), "Content-Type: text/html"
    )
    pages["/api.example.org/cameras"] = says(
        json.dumps([row(name, url=f"{MEDIA}/{name}.jpg") for name in names]).encode()
    )
    manners.forget()
    now = datetime.now(UTC)
    with pytest.MonkeyPatch.context() as patch, Loopback(pages) as server:
        feed = replace(made(min_interval_s=0.0), slots=lambda *_: [now])
        patch.setattr(feeds, "load", lambda _: feed)
        scan = replace(SCAN, source=server.url, cadence_s=20.0)
        listed = cameras.survey(scan)
        fetched = snapshots.fetch(listed, scan, Window(now, now, now + timedelta(seconds=20)))
    inspected = frames.inspect(listed, fetched, frames.Settings()).to_pylist()
    return {
        each["camera_id"].removeprefix("made:"): ": ".join(filter(None, (each["state"], each["reason"])))
        for each in inspected
    }


@pytest.mark.parametrize("name", CORPUS)
def test_every_bad_picture_has_its_state(told, name):
    expected = CORPUS[name][1]
    assert told[name].startswith(expected or ("ok", "broken", "placeholder"))


def test_a_sound_picture_is_one_whatever_its_declared_type(told):
    assert told["sound"] == "ok"
    assert len(told) == len(CORPUS) + 1
