"""Pictures that came torn, cut or with bits flipped."""

import cv2
import numpy as np

from benchmarks.planted.clips import Clip, Image, Random, Shot, drawn, sound, within


def torn(clip: Clip, random: Random) -> list[Shot]:
    """Repeat the last row that came down the rest of the picture."""

    def draw(_: int, image: Image) -> Image:
        at = int(random.uniform(0.2, 0.7) * len(image))
        return np.concatenate([image[:at], np.repeat(image[at : at + 1], len(image) - at, axis=0)])

    return drawn(clip, "broken", draw)


def smeared(clip: Clip, random: Random) -> list[Shot]:
    """Repeat a strip of 16 rows down the rest of the picture, as a decoder that conceals does."""

    def draw(_: int, image: Image) -> Image:
        at = int(random.uniform(0.2, 0.6) * len(image)) // 16 * 16
        strips = -(-(len(image) - at) // 16)
        return np.concatenate([image[:at], np.tile(image[at : at + 16], (strips, 1, 1))])[: len(image)]

    return drawn(clip, "broken", draw)


def half(clip: Clip, random: Random, *, fill: tuple[int, int, int]) -> list[Shot]:
    """Fill what did not come with one colour, whole blocks, as decoders do."""

    def draw(_: int, image: Image) -> Image:
        at = int(random.uniform(0.25, 0.7) * len(image)) // 16 * 16
        filled = image.copy()
        filled[at + 16 :] = fill
        filled[at : at + 16, int(random.uniform(0, 1) * image.shape[1]) // 16 * 16 :] = fill
        return filled

    return drawn(clip, "broken", draw)


def truncated(clip: Clip, random: Random) -> list[Shot]:
    """Cut the file off."""
    return within(clip, "broken", lambda n: clip.raws[n][: int(random.uniform(0.05, 0.97) * len(clip.raws[n]))])


def closed_early(clip: Clip, random: Random) -> list[Shot]:
    """Cut the file off, and end it as if it were whole."""
    return within(
        clip, "broken", lambda n: clip.raws[n][: int(random.uniform(0.2, 0.8) * len(clip.raws[n]))] + b"\xff\xd9"
    )


def rotten(clip: Clip, random: Random) -> list[Shot]:
    """Flip a bit of the coded picture; what nobody can see is a matter of taste."""

    def spoilt(n: int) -> Shot:
        raw = bytearray(clip.raws[n])
        raw[int(random.uniform(0.2, 0.8) * len(raw))] ^= 1 << int(random.integers(8))
        seen = cv2.imdecode(np.frombuffer(bytes(raw), np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        if seen is None or seen.shape != clip.images[n].shape:
            return Shot(bytes(raw), "broken")
        share = float(np.mean(cv2.absdiff(seen, clip.images[n]).max(axis=2) > 16))
        return Shot(bytes(raw), "broken" if share > 0.1 else None)

    return [spoilt(n) if n in clip.span else shot for n, shot in enumerate(sound(clip))]
