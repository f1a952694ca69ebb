"""Read the header of a PNG without decoding it: is it one, is it whole, how large.

Chunks: W3C, Portable Network Graphics (third edition), clause 5.
"""

import struct
import zlib

from pipeline.frames.jpeg import Header

START = b"\x89PNG\r\n\x1a\n"
COLOURS = (0, 2, 3, 4, 6)
LIMIT_ASIDE = 2**16
"""No chunk beside the picture itself is longer, bytes: profiles and texts may be packed."""
PICTURE = (b"IHDR", b"PLTE", b"IDAT", b"IEND")


def read_header(raw: bytes) -> Header:
    """Read a picture's header; faults are values. Every chunk's checksum is held."""
    at, width, height, begun = len(START), 0, 0, False
    while at + 12 <= len(raw):
        length, kind = struct.unpack_from(">I4s", raw, at)
        body, end = raw[at + 8 : at + 8 + length], at + 12 + length
        if end > len(raw):
            break
        if zlib.crc32(kind + body) != int.from_bytes(raw[end - 4 : end], "big"):
            return Header("damaged: a checksum does not hold", width, height)
        if (kind == b"IHDR") == begun or (kind not in PICTURE and length > LIMIT_ASIDE):
            return Header("a kind of PNG that cameras do not send", width, height)
        if kind == b"IHDR":
            begun = True
            if length != 13 or body[8] != 8 or body[9] not in COLOURS or body[10:13] != b"\0\0\0":
                return Header("a kind of PNG that cameras do not send")
            width, height = struct.unpack(">II", body[:8])
        if kind == b"IEND":
            return Header(None, width, height, end)
        at = end
    return Header("cut off before its end" if begun else "header cut or damaged", width, height, len(raw))
