"""Read the header of a JPEG without decoding it: is it one, is it whole, how large, and what its camera's clock said.

Markers: ITU-T T.81, annex B.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

START, END, SCAN, COMMENT = b"\xff\xd8\xff", b"\xff\xd9", b"\xff\xda", 0xFE
FRAMES_DECODED = (0xC0, 0xC1, 0xC2)
"""Baseline, extended and progressive Huffman; cameras send no other."""
FRAMES_KNOWN = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers without a length."""
CLOCK = b"\x0a\x01"
"""Opens the comment in which Axis cameras write their clock: seconds since 1970 and hundredths."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Header:
    """What the bytes of a picture say of themselves."""

    fault: str | None = None
    """Why this is no whole JPEG that may be decoded; None where it is."""
    width_px: int = 0
    height_px: int = 0
    length: int = 0
    """Bytes up to the end of the picture; what may follow is not part of it."""
    clock: datetime | None = None
    """What the camera's clock said when the picture was taken, UTC."""


NO_HEADER = Header()


def read_header(raw: bytes, limit_scans: int) -> Header:
    """Read a picture's header; faults are values.

    Args:
        raw: The bytes as they came.
        limit_scans: A progressive picture with more is refused.
    """
    if not raw.startswith(START):
        return Header("not a JPEG" if raw else "empty file")
    width = height = 0
    clock, scan_at = None, -1
    for kind, body, at in _segments(raw):
        if kind in FRAMES_KNOWN and not width:
            if fault := _frame_fault(kind, body):
                return Header(fault)
            height, width = struct.unpack(">HH", body[1:5])
        elif kind == COMMENT and clock is None:
            clock = _clock(body)
        elif kind == SCAN[1]:
            scan_at = at
    end = raw.find(END, scan_at)
    if not width or scan_at < 0:
        return Header("header cut or damaged")
    if end < 0:
        return Header("cut off before its end", width, height, len(raw), clock)
    if (scans := raw.count(SCAN, scan_at, end)) > limit_scans:
        return Header(f"{scans} scans are more than {limit_scans}", width, height, end + 2, clock)
    return Header(None, width, height, end + 2, clock)


def _segments(raw: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Yield kind, body and position of each segment up to the first scan; stop at the first that does not hold."""
    at = 2
    while at + 4 <= len(raw) and raw[at] == 0xFF:
        kind = raw[at + 1]
        if kind == 0xFF or kind in ALONE:
            at += 1 if kind == 0xFF else 2
            continue
        length = int.from_bytes(raw[at + 2 : at + 4], "big")
        if length < 2 or at + 2 + length > len(raw):
            return
        yield kind, raw[at + 4 : at + 2 + length], at
        if kind == SCAN[1]:
            return
        at += 2 + length


def _frame_fault(kind: int, body: bytes) -> str | None:
    """Say why a frame header asks for what no camera sends."""
    if kind not in FRAMES_DECODED or len(body) < 6:
        return "a kind of JPEG that cameras do not send"
    return None if body[0] == 8 and body[5] in (1, 3) else f"{body[0]} bits in {body[5]} channels"


def _clock(comment: bytes) -> datetime | None:
    """Read the clock of an Axis camera's comment; None for any other comment or an impossible time."""
    if len(comment) < 7 or not comment.startswith(CLOCK):
        return None
    seconds, hundredths = struct.unpack(">IB", comment[2:7])
    return EPOCH + timedelta(seconds=seconds, milliseconds=10 * hundredths) if hundredths < 100 else None
