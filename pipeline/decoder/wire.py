"""What the decoder's two sides know of each other: requests, answers, limits, and the memory they share.

The memory is one file without a name: the first half holds what came, the second what became of it. Pixels and stills
never pass through the channel.
"""

import struct

ROOM_BYTES = 32 * 2**20
"""Each half of the shared memory; what is longer is not decoded. It takes room only where it was written."""
LIMIT_PIXELS = 4 * 2**20
"""No larger picture is decoded, whatever its header says."""
LIMIT_BYTES = 512 * 2**20
"""What a child may map beyond what it maps when it is ready."""
PICTURE_CPU_S, CLIP_CPU_S = 2.0, 10.0
"""Seconds of its processor time that one picture, or one clip, may take: a busy machine does not make a picture faulty."""
CLIP_S, CLIP_FRAMES, CLIP_STILLS = 120.0, 7200, 600
"""Nothing of a clip beyond these is looked at, and no more stills are cut from it."""

PICTURE, CLIP = b"p", b"c"
REQUEST = struct.Struct("<cIId")
"""Kind, number, bytes, seconds between stills."""
PIXELS, STILLS, NOTHING, TOO_LARGE = b"p", b"s", b"n", b"m"
ANSWER = struct.Struct("<cIII")
"""Outcome, the request's number, then height and width, or how many stills."""
STILL = struct.Struct("<dI")
"""Seconds from the clip's start and bytes of the JPEG that follows."""
