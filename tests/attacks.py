"""Pictures that attack their decoder, by bytes or by what a child is made to do with them."""

import random
import struct
import zlib

import cv2
import numpy as np

PNG = b"\x89PNG\r\n\x1a\n"


def street(kind: str = ".jpg", *options: int, size: tuple[int, int] = (352, 240), seed: int = 1) -> bytes:
    """Draw smooth shapes under noise."""
    draw = np.random.default_rng(seed)
    image = cv2.resize(draw.integers(60, 200, (12, 16, 3), np.uint8), size, interpolation=cv2.INTER_CUBIC)
    return cv2.imencode(kind, cv2.add(image, draw.integers(0, 12, image.shape, np.uint8)), list(options))[1].tobytes()


def lying(width: int, height: int) -> bytes:
    """Write another size into a JPEG's header."""
    raw = bytearray(street())
    at = raw.index(b"\xff\xc0")
    raw[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(raw)


def two_headed(width: int, height: int) -> bytes:
    """Put a second header, with another size, behind a JPEG's first."""
    raw = street()
    at = raw.index(b"\xff\xc0")
    end = at + 2 + int.from_bytes(raw[at + 2 : at + 4], "big")
    return raw[:end] + raw[at : at + 5] + struct.pack(">HH", height, width) + raw[at + 9 : end] + raw[end:]


def png_bomb(side: int = 30_000) -> bytes:
    """Pack a PNG of that side, black."""
    packer = zlib.compressobj(9)
    row = bytes(1 + 3 * side)
    packed = b"".join(packer.compress(row) for _ in range(side // 20)) + packer.flush()
    return (
        PNG
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
        + _chunk(b"IDAT", packed)
        + _chunk(b"IEND", b"")
    )


def many_scans(scans: int = 1000, side: int = 2048) -> bytes:
    """Repeat the last scan of a progressive JPEG; it is short, for the picture is grey, and passes over all of it."""
    grey = np.full((side, side, 3), 90, np.uint8)
    raw = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    last = raw[raw.rindex(b"\xff\xda") : -2]
    return raw[:-2] + scans * last + raw[-2:]


BASES = (
    street(), street(".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1), street(".jpg", cv2.IMWRITE_JPEG_RST_INTERVAL, 4, size=(160, 120)),
    street(".jpg", cv2.IMWRITE_JPEG_QUALITY, 20, size=(320, 240)), street(size=(64, 48)), street(".jpg", size=(48, 600)),
)  # fmt: skip


def mutated(seed: int) -> bytes:
    """Change some bytes of a JPEG, cut it, repeat or move a part of it."""
    chance = random.Random(seed)
    raw = bytearray(chance.choice(BASES))
    for _ in range(chance.choice((1, 1, 2, 5, 20, 100))):
        # headers are short and matter most
        raw[chance.randrange(3, chance.choice((min(700, len(raw)), len(raw))))] = chance.randrange(256)
    at, to = sorted(chance.randrange(3, len(raw)) for _ in range(2))
    match chance.randrange(6):
        case 0:
            del raw[at:]
        case 1:
            raw[to:to] = raw[at:to]
        case 2:
            del raw[at : min(to, at + 40)]
    return bytes(raw)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
