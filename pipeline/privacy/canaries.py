"""Draw plates and faces into the demo city's pictures, and read everything that a night of them leaves for any of them.

The reader is a matched filter (normalised correlation) that knows each plate and face as it was drawn: stronger than
software that reads plates or finds faces, and no such software is installed. It is shown to read the pictures themselves.
"""

import base64
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.decoder import decode
from pipeline.feeds import Camera, Feed, Picture
from pipeline.feeds import demo as city
from pipeline.feeds.demo.city import HEIGHT_PX, WIDTH_PX
from pipeline.scans import Scan

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]
PLATE_PX, FACE_PX = (30, 10), (20, 24)
"""Width and height drawn: far larger than such cameras show either, so that the test is hard to pass by smallness."""
LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
READ_AT = 0.85
"""Correlation from which a canary counts as read, where it is also the likest of all."""
SLACK_PX = 2
"""The reader knows where a canary was drawn to so many pixels."""
QUALITY = 90
CROP_PX = (64, 48)
"""What the encoders are given of a vehicle, whatever its size."""
BASE64 = re.compile(rb"[A-Za-z0-9+/]{200,}")
STARTS = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n|RIFF....WEBP|GIF8[79]a|BM....\x00{4}....[\x28\x6c\x7c]\x00{3}|II\*\x00\x08\x00|MM\x00\*\x00\x00",
    re.DOTALL,
)
"""How pictures of the usual kinds begin."""


@dataclass(frozen=True)
class Canary:
    """One plate or face, and where it is drawn."""

    kind: str
    text: str
    """What a plate says; empty of a face."""
    camera_id: str
    slot_at: datetime
    x_px: int
    y_px: int
    image: Image
    box: tuple[float, float, float, float] = (0, 0, 0, 0)
    """Corners of the vehicle that a plate is on, pixels."""

    @property
    def frame(self) -> tuple[str, datetime]:
        """The picture that it is drawn in."""
        return self.camera_id, self.slot_at


@dataclass(frozen=True)
class Found:
    """What the reader found in everything that was left."""

    files: int
    pictures: int
    """Pictures that could be decoded from those files at any byte."""
    plates_read: int
    faces_found: int


def plan(scan: Scan, night: date, plates: int = 1000, faces: int = 500, seed: int = 1) -> list[Canary]:
    """Place plates on the largest vehicles of a night's pictures, one a vehicle and picture, and faces at the pictures' edges."""
    rng = np.random.default_rng([seed, 51])
    boxes = city.truth_boxes(scan, night)
    rows = boxes.filter(pc.is_null(boxes["fault"])).to_pylist()
    for row in rows:
        row["box"] = tuple(float(row[name]) for name in ("x1_px", "y1_px", "x2_px", "y2_px"))
    rows.sort(key=lambda row: (row["box"][0] - row["box"][2], row["camera_id"], row["slot_at"]))
    made = [_on(row, text) for row, text in zip(rows, _texts(rng, min(plates, len(rows))), strict=False)]
    taken = {each.frame for each in made}
    free = sorted({(row["camera_id"], row["slot_at"]) for row in rows} - taken)
    for number in rng.choice(len(free), min(faces, len(free)), replace=False):
        x, y = int(rng.choice((4, WIDTH_PX - FACE_PX[0] - 4))), int(rng.integers(100, 190))
        camera_id, slot_at = free[number]
        made.append(Canary("face", "", camera_id, slot_at, x, y, face(rng)))
    return sorted(made, key=lambda each: each.frame)


def plate(text: str) -> Image:
    """Draw a plate: dark glyphs on a light ground, (10, 30, 3) BGR."""
    large = np.full((PLATE_PX[1] * 8, PLATE_PX[0] * 8, 3), 235, np.uint8)
    for row, part in enumerate((text[:4], text[4:])):
        cv2.putText(large, part, (6, 38 + 37 * row), cv2.FONT_HERSHEY_SIMPLEX, 1.7, (25, 25, 25), 6, cv2.LINE_AA)
    return np.asarray(cv2.resize(large, PLATE_PX, interpolation=cv2.INTER_AREA), np.uint8)


def face(rng: np.random.Generator) -> Image:
    """Draw a face from the front, each one its own, (24, 20, 3) BGR."""
    width, height = FACE_PX[0] * 8, FACE_PX[1] * 8
    large = np.full((height, width, 3), rng.integers(60, 200, 3), np.uint8)
    skin = rng.integers((70, 90, 120), (190, 210, 240)).tolist()
    hair = rng.integers(10, 90, 3).tolist()
    middle = (width // 2, height // 2 + int(rng.integers(-6, 7)))
    size = (int(rng.integers(50, 68)), int(rng.integers(68, 86)))
    cv2.ellipse(large, middle, size, 0, 0, 360, skin, -1, cv2.LINE_AA)
    cv2.ellipse(large, (middle[0], middle[1] - int(rng.integers(30, 46))), size, 0, 180, 360, hair, -1, cv2.LINE_AA)
    apart, level = int(rng.integers(18, 32)), middle[1] - int(rng.integers(-4, 14))
    for x in (middle[0] - apart, middle[0] + apart):
        cv2.circle(large, (x, level), int(rng.integers(6, 12)), (20, 20, 20), -1, cv2.LINE_AA)
    mouth = (int(rng.integers(14, 34)), int(rng.integers(3, 12)))
    cv2.ellipse(
        large, (middle[0], middle[1] + int(rng.integers(32, 48))), mouth, 0, 0, 180, (50, 40, 130), -1, cv2.LINE_AA
    )
    return np.asarray(cv2.resize(large, FACE_PX, interpolation=cv2.INTER_AREA), np.uint8)


@contextmanager
def planted(canaries: Iterable[Canary]) -> Iterator[None]:
    """Let the demo feed of this process show pictures with canaries in them."""
    by_frame: dict[tuple[str, datetime], list[Canary]] = {}
    for each in canaries:
        by_frame.setdefault(each.frame, []).append(each)
    kept: Feed = city.FEED

    def picture(scan: Scan, camera: Camera, slot: datetime) -> Picture:
        shown = kept.picture(scan, camera, slot)
        drawn = by_frame.get((f"demo:{camera.native_id}", slot))
        return replace(shown, jpeg=_drawn(shown.jpeg, drawn)) if drawn and shown.jpeg else shown

    city.FEED = replace(kept, picture=picture, fingerprint=lambda *at: f"canaries {kept.fingerprint(*at)}")
    try:
        yield
    finally:
        city.FEED = kept


class Reader:
    """Know every canary as it was drawn, and find them."""

    def __init__(self, canaries: list[Canary]) -> None:
        """Make a filter of each canary."""
        self.canaries = canaries
        self.filters = {
            kind: _normed([each.image for each in canaries if each.kind == kind]) for kind in ("plate", "face")
        }
        self.numbers = {kind: [n for n, each in enumerate(canaries) if each.kind == kind] for kind in ("plate", "face")}

    def reads(self, image: Image, number: int, at: tuple[int, int] | None = None) -> bool:
        """Tell whether a canary can be read in a picture where it was drawn, or at another place."""
        each = self.canaries[number]
        (left, top), (height, width) = at or (each.x_px, each.y_px), each.image.shape[:2]
        shifts = range(-SLACK_PX, SLACK_PX + 1)
        cuts = [image[max(top + y, 0) :, max(left + x, 0) :][:height, :width] for y in shifts for x in shifts]
        cuts = [cut for cut in cuts if cut.shape[:2] == (height, width)]
        if not cuts:
            return False
        alike = (_normed(cuts) @ self.filters[each.kind].T).max(axis=0)
        best = int(alike.argmax())
        return bool(alike[best] >= READ_AT and self.numbers[each.kind][best] == number)

    def anywhere(self, image: Image) -> set[int]:
        """Return the canaries that can be read at any place of a picture."""
        grey, found = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), set()
        for number, each in enumerate(self.canaries):
            sought = cv2.cvtColor(each.image, cv2.COLOR_BGR2GRAY)
            if grey.shape[0] >= sought.shape[0] and grey.shape[1] >= sought.shape[1]:
                _, alike, _, (x, y) = cv2.minMaxLoc(cv2.matchTemplate(grey, sought, cv2.TM_CCOEFF_NORMED))
                if alike >= READ_AT and self.reads(image, number, (x, y)):
                    found.add(number)
        return found


def read_files(folder: Path, reader: Reader) -> Found:
    """Read every file below a folder: each picture in it by the filter, every byte of it for what the plates say."""
    files, pictures, read, said = 0, 0, set[int](), set[str]()
    texts = {each.text.encode(): each.text for each in reader.canaries if each.text}
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        files += 1
        for content in _contents(path.read_bytes()):
            said |= {text for raw, text in texts.items() if raw in content}
            for image in _images(content):
                pictures, read = pictures + 1, read | reader.anywhere(image)
    plates = {each.text for each in (reader.canaries[n] for n in read) if each.kind == "plate"} | said
    return Found(files, pictures, len(plates), sum(reader.canaries[n].kind == "face" for n in read))


def control(canaries: list[Canary], scan: Scan) -> dict[str, dict[str, float]]:
    """Tell the share of canaries that the reader reads in the pictures themselves, and in the crops an encoder is given."""
    reader, cameras = Reader(canaries), {f"demo:{each.native_id}": each for each in city.FEED.cameras(scan)}
    frames: dict[str, list[bool]] = {"plate": [], "face": []}
    crops: list[bool] = []
    images: dict[tuple[str, datetime], Image | None] = {}
    with planted(canaries):
        for number, each in enumerate(canaries):
            if each.frame not in images:
                shown = city.FEED.picture(scan, cameras[each.camera_id], each.slot_at)
                images = {each.frame: decode(shown.jpeg) if shown.jpeg else None}
            image = images[each.frame]
            frames[each.kind].append(image is not None and reader.reads(image, number))
            if each.kind == "plate":
                crops.append(image is not None and reader.reads(_cropped(image, each), number))
    return {
        "in_pictures": {kind: float(np.mean(those)) if those else 0.0 for kind, those in frames.items()},
        "in_crops": {"plate": float(np.mean(crops)) if crops else 0.0},
    }


def _cropped(image: Image, each: Canary) -> Image:
    """Return a picture in which the vehicle's box is as sharp as in the crop that an encoder is given."""
    x1, y1, x2, y2 = (round(corner) for corner in each.box)
    shown, box = image.copy(), image[y1:y2, x1:x2]
    if box.size:
        small = cv2.resize(box, CROP_PX, interpolation=cv2.INTER_AREA)
        shown[y1:y2, x1:x2] = cv2.resize(small, (box.shape[1], box.shape[0]), interpolation=cv2.INTER_CUBIC)
    return shown


def _contents(content: bytes) -> Iterator[bytes]:
    """Yield a file's bytes, what its base64 holds, and of Parquet every value of text and bytes, as its pages are compressed."""
    yield content
    for coded in BASE64.findall(content):
        with suppress(ValueError):
            yield base64.b64decode(coded + b"=" * (-len(coded) % 4))
    if content[:4] == b"PAR1":
        table = pq.read_table(io.BytesIO(content), partitioning=None)
        for column in table.columns:
            if pa.types.is_binary(column.type):
                yield from (value for value in column.to_pylist() if value)
            elif pa.types.is_string(column.type):
                yield "\n".join(value for value in column.to_pylist() if value).encode()


def _images(content: bytes) -> Iterator[Image]:
    """Yield every picture that can be decoded from any byte on at which one may begin."""
    for start in STARTS.finditer(content):
        image = cv2.imdecode(np.frombuffer(content, np.uint8, offset=start.start()), cv2.IMREAD_COLOR)
        if image is not None:
            yield np.asarray(image, np.uint8)


def _drawn(jpeg: bytes, canaries: list[Canary]) -> bytes:
    """Return a picture with canaries on it; what cannot be decoded stays as it is."""
    image = decode(jpeg)
    if image is None:
        return jpeg
    for each in canaries:
        height, width = each.image.shape[:2]
        image[each.y_px : each.y_px + height, each.x_px : each.x_px + width] = each.image
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes())


def _on(row: dict[str, Any], text: str) -> Canary:
    """Put a plate at the lower middle of a vehicle."""
    x1, _, x2, y2 = row["box"]
    x = int(np.clip((x1 + x2 - PLATE_PX[0]) / 2, 0, WIDTH_PX - PLATE_PX[0]))
    y = int(np.clip(y2 - PLATE_PX[1] - 3, 0, HEIGHT_PX - PLATE_PX[1]))
    return Canary("plate", text, row["camera_id"], row["slot_at"], x, y, plate(text), row["box"])


def _texts(rng: np.random.Generator, number: int) -> list[str]:
    """Draw what plates say, each something else."""
    found: dict[str, None] = {}
    while len(found) < number:
        found["".join(rng.choice(list(LETTERS), 8))] = None
    return list(found)


def _normed(images: list[Image]) -> Floats:
    """Return pictures of one size as grey rows (n, pixels) of mean 0 and length 1."""
    if not images:
        return np.zeros((0, 1))
    rows = np.array([cv2.cvtColor(each, cv2.COLOR_BGR2GRAY).ravel() for each in images], np.float64)
    rows -= rows.mean(axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))
