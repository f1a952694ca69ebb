"""Make 31 pictures that are none, or that bite: drawn, cut and patched here, each with what must come of it."""

import struct
import zlib

import cv2
import numpy as np

from tests.faults.rows import Input

PNG = b"\x89PNG\r\n\x1a\n"
NO_PICTURE = "missed: not a picture"
SEEN_BY_BYTES = "told by its first bytes, whatever its name and declared type say; nothing of it is decoded"


def encoded(
    kind: str, *options: int, size: tuple[int, int] = (240, 352), seed: int = 1, noise: int | None = None
) -> bytes:
    """Draw a street-like picture: smooth shapes under noise, the same shapes under another `noise` too."""
    draw = np.random.default_rng(seed)
    image = cv2.resize(draw.integers(60, 200, (12, 16, 3), np.uint8), size[::-1], interpolation=cv2.INTER_CUBIC)
    draw = draw if noise is None else np.random.default_rng(noise)
    return cv2.imencode(kind, cv2.add(image, draw.integers(0, 12, image.shape, np.uint8)), list(options))[1].tobytes()


GOOD = encoded(".jpg")
SCAN_AT = GOOD.index(b"\xff\xda")


def flipped(count: int) -> bytes:
    """Flip bits of a picture's scan; each its own picture, for several cameras with one are a placeholder."""
    raw = bytearray(encoded(".jpg", seed=10 + count))
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


def large() -> bytes:
    """Draw 10,000 x 10,000 pixels: few bytes that decode to 300 MB."""
    return cv2.imencode(".jpg", np.full((10_000, 10_000), 90, np.uint8))[1].tobytes()


def segment(kind: int, body: bytes) -> bytes:
    """Write a segment of a JPEG."""
    return b"\xff" + bytes([kind]) + struct.pack(">H", len(body) + 2) + body


def chunk(kind: bytes, body: bytes) -> bytes:
    """Write a chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb(side: int = 30_000) -> bytes:
    """Write a whole grey PNG of so many pixels a side: under a megabyte that decodes to 900 MB."""
    count, piece = side * (side + 1), 2**20
    pack = zlib.compressobj(9)
    parts = [pack.compress(bytes(piece)) + pack.flush(zlib.Z_FULL_FLUSH) for _ in range(2)]
    pieces, rest = divmod(count, piece)
    last = zlib.compressobj(9, wbits=-15)
    # Adler-32 of n zeros: the first sum stays 1, the second counts them
    packed = b"".join([parts[0], parts[1] * (pieces - 1), last.compress(bytes(rest)), last.flush()])
    packed += struct.pack(">HH", count % 65_521, 1)
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return PNG + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def one_bit() -> bytes:
    """Write a whole PNG of one bit a pixel."""
    body = zlib.compress((b"\0" + b"\x55" * 8) * 64)
    head = struct.pack(">IIBBBBB", 64, 64, 1, 0, 0, 0, 0)
    return PNG + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def many_scans() -> bytes:
    """Repeat the last scan of a progressive picture a thousand times."""
    raw = encoded(".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1, size=(64, 64))
    return raw[:-2] + 1000 * raw[raw.rindex(b"\xff\xda") : -2] + raw[-2:]


def with_segment(seed: int, *segments: bytes) -> bytes:
    """Put segments behind the start of a picture."""
    raw = encoded(".jpg", seed=seed)
    return raw[:2] + b"".join(segments) + raw[2:]


PAGE = "<!doctype html><title>temporarily unavailable</title>"
LOOP = b"Exif\0\0II*\0\x08\0\0\0" + b"\x08\0" * 32_000
"""A directory of tags that leads to itself."""
CUT = "a picture without its end would be filled up with grey and read as a street"
SIZES = "its header is read before it is decoded: 4 Mpx at most, 48 px a side at least"
ODD = "cameras send 8 bits in 1 or 3 channels; anything else meets seldom-tried code"
DROPPED = "all but the pixels is left unread, so the picture is sound"
ROT = "it decodes without complaint, but a wrong bit shifts the brightness of all that follows it"
_CORPUS = (
    ("zero", b"", "no byte at all", "missed: empty answer", "there is nothing to look at"),
    ("SOI-only", GOOD[:2], "the two bytes that a JPEG begins with", NO_PICTURE, SEEN_BY_BYTES),
    ("trunc10", GOOD[: len(GOOD) // 10], "the first tenth of a JPEG", "broken: ", CUT),
    ("trunc50", GOOD[: len(GOOD) // 2], "the first half of a JPEG", "broken: cut off before its end", CUT),
    ("trunc90", GOOD[: 9 * len(GOOD) // 10], "nine tenths of a JPEG", "broken: cut off before its end", CUT),
    ("no-EOI", GOOD[:-2], "a JPEG without its end marker", "broken: cut off before its end", CUT),
    ("bitrot1", flipped(1), "a JPEG with one bit flipped", "ok", "this one shades a single block; the file is whole, and nothing in it tells"),
    ("bitrot10", flipped(10), "a JPEG with ten bits flipped", "broken: ", ROT),
    ("bitrot100", flipped(100), "a JPEG with a hundred bits flipped", "broken: ", ROT),
    ("trailing-zip", encoded(".jpg", seed=4) + b"PK\x03\x04" + bytes(2000), "a JPEG with a ZIP behind it", "ok", DROPPED),
    ("html", PAGE.encode(), "a page named .jpg", f"{NO_PICTURE}: a page", SEEN_BY_BYTES),
    ("svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG named .jpg", f"{NO_PICTURE}: a page", SEEN_BY_BYTES),
    ("json", b'{"message": "not found"}', "a JSON answer", f"{NO_PICTURE}: JSON", SEEN_BY_BYTES),
    ("gif", b"GIF89a" + bytes(100), "a GIF named .jpg", f"{NO_PICTURE}: GIF", SEEN_BY_BYTES),
    ("png-ok", encoded(".png", seed=5), "a sound PNG where JPEG is served", f"{NO_PICTURE}: PNG", SEEN_BY_BYTES),
    ("png-bomb-30k", bomb(), "a PNG of 30,000 x 30,000 pixels", f"{NO_PICTURE}: PNG", SEEN_BY_BYTES),
    ("png-1bit", one_bit(), "a PNG of one bit a pixel", f"{NO_PICTURE}: PNG", SEEN_BY_BYTES),
    ("webp", encoded(".webp"), "a WebP named .jpg", f"{NO_PICTURE}: WebP", SEEN_BY_BYTES),
    ("avif", b"\0\0\0\x20ftypavif" + bytes(100), "an AVIF named .jpg", NO_PICTURE, SEEN_BY_BYTES),
    ("tiff", encoded(".tiff"), "a TIFF named .jpg", f"{NO_PICTURE}: TIFF", SEEN_BY_BYTES),
    ("bmp", encoded(".bmp"), "a BMP named .jpg", f"{NO_PICTURE}: BMP", SEEN_BY_BYTES),
    ("pdf", b"%PDF-1.7\n", "a PDF named .jpg", f"{NO_PICTURE}: PDF", SEEN_BY_BYTES),
    ("10k-jpeg", large(), "a sound JPEG of 10,000 x 10,000 pixels", "broken: 10000 x 10000 pixels are more than", SIZES),
    ("lie-60k", resized(60_000, 60_000), "a header that says 60,000 x 60,000", "broken: 60000 x 60000 pixels are more than", SIZES),
    ("1x1", resized(1, 1), "a header that says 1 x 1", "broken: 1 x 1 pixels are too few", SIZES),
    ("1x65500", resized(1, 65_500), "a header that says 1 x 65,500", "broken: 1 x 65500 pixels are too few", SIZES),
    ("cmyk", resized(352, 240, channels=4), "a JPEG of four channels", "broken: 8 bits in 4 channels", ODD),
    ("grey16", resized(352, 240, precision=16, channels=1), "a JPEG of 16 bits", "broken: 16 bits in 1 channels", ODD),
    ("progressive-1000-scans", many_scans(), "a JPEG of a thousand scans", "broken: 10", "each scan costs a pass over all pixels"),
    ("exif-64k-loop", with_segment(2, segment(0xE1, LOOP)), "EXIF of 64 kB whose directory leads to itself", "ok", DROPPED),
    ("icc-huge", with_segment(3, 60 * segment(0xE2, b"ICC_PROFILE\0\x01\x01" + bytes(65_000))), "a colour profile of 3.9 MB", "ok", DROPPED),
)  # fmt: skip
PICTURES = {name: raw for name, raw, *_ in _CORPUS}
INPUTS = tuple(Input("images", name, what, expected, why) for name, _, what, expected, why in _CORPUS)
PNG_FEED = {
    "png-ok": "ok",
    "png-bomb-30k": "broken: 30000 x 30000 pixels are more than",
    "png-1bit": "broken: a kind of PNG",
}
"""What must come of them where a feed really serves PNG."""
