"""Write small clips: MPEG-4 by OpenCV, and H.264, for which it has no encoder, bit by bit (ITU-T H.264, all macroblocks raw)."""

import struct
import tempfile
from pathlib import Path

import cv2
import numpy as np

SIDE = 64
"""Width and height of the H.264 clip, a multiple of 16 px."""


def mpeg4(frames: int = 50, per_s: float = 25.0, size: tuple[int, int] = (96, 64)) -> bytes:
    """Write a clip whose frame n is grey with the level 40 + 2n."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), per_s, size)
        for n in range(frames):
            writer.write(np.full((*size[::-1], 3), 40 + 2 * n % 200, np.uint8))
        writer.release()
        return path.read_bytes()


def h264(levels: list[int], per_s: int = 5) -> bytes:
    """Write a clip whose frames are grey with these luminances, 16..235."""
    frames = [_nal(0x65, _slice(level, n)) for n, level in enumerate(levels)]
    samples = [struct.pack(">I", len(frame)) + frame for frame in frames]
    head = _box(b"ftyp", b"isom\0\0\2\0isomavc1")
    blank = _moov(samples, per_s, 0)
    return head + _moov(samples, per_s, len(head) + len(blank) + 8) + _box(b"mdat", b"".join(samples))


class _Bits:
    """A string of bits."""

    def __init__(self) -> None:
        self.text = ""

    def u(self, value: int, wide: int) -> "_Bits":
        self.text += f"{value:0{wide}b}"
        return self

    def ue(self, *values: int) -> "_Bits":
        for value in values:
            self.text += "0" * ((value + 1).bit_length() - 1) + f"{value + 1:b}"
        return self

    def aligned(self, raw: bytes = b"") -> "_Bits":
        self.text += "0" * (-len(self.text) % 8) + "".join(f"{byte:08b}" for byte in raw)
        return self

    def ended(self) -> bytes:
        self.u(1, 1).aligned()
        return int(self.text, 2).to_bytes(len(self.text) // 8, "big")


def _parameters() -> tuple[bytes, bytes]:
    """Return the sequence's and the picture's parameters: baseline, level 3, no filter control, one slice a picture."""
    sequence = _Bits().ue(0, 0, 2, 1).u(0, 1).ue(SIDE // 16 - 1, SIDE // 16 - 1).u(0b1_1_0_0, 4)
    picture = _Bits().ue(0, 0).u(0, 2).ue(0, 0, 0).u(0, 3).ue(0, 0, 0).u(0, 3)
    return _nal(0x67, bytes([66, 0, 30]) + sequence.ended()), _nal(0x68, picture.ended())


def _slice(level: int, number: int) -> bytes:
    """Write one key frame whose every macroblock is raw (I_PCM)."""
    bits = _Bits().ue(0, 7, 0).u(0, 4).ue(number % 2).u(0, 2).ue(0)
    for _ in range((SIDE // 16) ** 2):
        bits.ue(25).aligned(bytes([level]) * 256 + bytes([128]) * 128)
    return bits.ended()


def _nal(kind: int, body: bytes) -> bytes:
    """Wrap a unit; no three bytes of it may look like a start."""
    kept = bytearray([kind])
    for byte in body:
        if byte <= 3 and kept[-2:] == b"\0\0":
            kept.append(3)
        kept.append(byte)
    return bytes(kept)


def _box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + name + body


def _moov(samples: list[bytes], per_s: int, data_at: int) -> bytes:
    """Describe the samples, which begin at a place of the file (ISO/IEC 14496-12, -15)."""
    sps, pps = _parameters()
    lasts, matrix = len(samples), struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    size = struct.pack(">HH", SIDE, SIDE)
    avcc = _box(
        b"avcC", bytes([1, *sps[1:4], 0xFF, 0xE1]), struct.pack(">H", len(sps)), sps, b"\1", struct.pack(">H", len(pps)), pps
    )  # fmt: skip
    avc1 = _box(b"avc1", bytes(6) + b"\0\1", bytes(16), size, struct.pack(">IIIH", 0x480000, 0x480000, 0, 1), bytes(32),
                struct.pack(">Hh", 24, -1), avcc)  # fmt: skip
    stbl = _box(
        b"stbl",
        _box(b"stsd", struct.pack(">II", 0, 1), avc1),
        _box(b"stts", struct.pack(">IIII", 0, 1, lasts, 1)),
        _box(b"stsc", struct.pack(">IIIII", 0, 1, 1, lasts, 1)),
        _box(b"stsz", struct.pack(">III", 0, 0, lasts), *(struct.pack(">I", len(each)) for each in samples)),
        _box(b"stco", struct.pack(">III", 0, 1, data_at)),
    )
    dinf = _box(b"dinf", _box(b"dref", struct.pack(">II", 0, 1), _box(b"url ", struct.pack(">I", 1))))
    minf = _box(b"minf", _box(b"vmhd", struct.pack(">I4H", 1, 0, 0, 0, 0)), dinf, stbl)
    mdhd = _box(b"mdhd", struct.pack(">IIIIIHH", 0, 0, 0, per_s, lasts, 0x55C4, 0))
    hdlr = _box(b"hdlr", struct.pack(">II4s12s", 0, 0, b"vide", b""), b"\0")
    tkhd = _box(
        b"tkhd",
        struct.pack(">IIIIII", 7, 0, 0, 1, 0, lasts),
        bytes(16),
        matrix,
        struct.pack(">II", SIDE << 16, SIDE << 16),
    )
    mvhd = _box(
        b"mvhd",
        struct.pack(">IIIIIIH", 0, 0, 0, per_s, lasts, 1 << 16, 1 << 8),
        bytes(10),
        matrix,
        bytes(24),
        struct.pack(">I", 2),
    )
    return _box(b"moov", mvhd, _box(b"trak", tkhd, _box(b"mdia", mdhd, hdlr, minf)))
