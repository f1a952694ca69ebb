"""Every picture gets the one state it deserves, and none stops the night."""

import struct
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from builders import at, camera, rows
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline import cameras, decoder, frames, motion, observability, snapshots
from pipeline.frames import cadences, clocks, jpeg
from pipeline.scans import Scan, Window
from pipeline.tables import FRAME_STATES, FRAMES

Image = NDArray[np.uint8]
CADENCE_S = 2.0


@cache
def street(place: int) -> Image:
    """A still street: patches of light and dark with edges, different at every place."""
    random = np.random.default_rng(place)
    image = np.full((240, 352, 3), 110, np.uint8)
    for _ in range(60):
        corner, size = random.integers(0, (352, 240)), random.integers(8, 90, 2)
        colour = random.integers(20, 235, 3).tolist()
        cv2.rectangle(image, corner.tolist(), (corner + size).tolist(), colour, -1)
    return cv2.GaussianBlur(image, (5, 5), 1)


def shot(number: int, place: int = 0, light: float = 1.0) -> Image:
    """A picture of a street: two vehicles on it, and the noise of the sensor."""
    random, image = np.random.default_rng((place, number)), street(place).copy()
    for x, y in random.integers((0, 80), (320, 210), (2, 2)):
        cv2.rectangle(image, (int(x), int(y)), (int(x) + 30, int(y) + 20), (200, 40, 60), -1)
    noisy = image * light + random.normal(0, 4, image.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def coded(image: Image, kind: str = ".jpg", *options: int) -> bytes:
    return cv2.imencode(kind, image, list(options))[1].tobytes()


def snapshot(
    jpeg_bytes: bytes | None, number: int = 0, camera_id: str = "a", late_s: float = 0.0, **more: object
) -> dict[str, object]:
    slot = at(number * CADENCE_S)
    taken = {"captured_at": slot - timedelta(seconds=late_s), "captured_at_source": "name"}
    return {"camera_id": camera_id, "slot_at": slot, "status": "ok", "jpeg": jpeg_bytes, **taken, **more}


def inspect(*taken: dict[str, object]) -> list[dict[str, object]]:
    """Rows of `frames`, checked against their schema, by camera and slot."""
    listed = rows("cameras", *(camera(name, cadence_s=CADENCE_S) for name in "abc"))
    made = frames.inspect(listed, rows("snapshots", *taken), frames.Settings())
    return FRAMES.check(made).to_pylist()


def states(taken: Iterable[dict[str, object]]) -> list[object]:
    return [row["state"] for row in inspect(*taken)]


def night(*images: Image, **more: object) -> list[dict[str, object]]:
    return [snapshot(coded(image), number, **more) for number, image in enumerate(images)]


def cut(share: float) -> bytes:
    return WHOLE[: int(share * len(WHOLE))]


def claiming(width: int, height: int) -> bytes:
    """A picture whose header lies about its size."""
    start = WHOLE.index(b"\xff\xc0") + 5
    return WHOLE[:start] + struct.pack(">HH", height, width) + WHOLE[start + 4 :]


def with_segment(kind: int, body: bytes) -> bytes:
    return WHOLE[:2] + bytes([0xFF, kind]) + struct.pack(">H", len(body) + 2) + body + WHOLE[2:]


def with_clock(image: Image, seconds: float, hundredths: int = 0) -> bytes:
    """A picture in which an Axis camera wrote its clock."""
    comment = b"\x0a\x01" + struct.pack(">IB", int(at(seconds).timestamp()), hundredths) + b"\0" * 6
    raw = coded(image)
    return raw[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + raw[2:]


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


WHOLE, PNG = coded(shot(0)), coded(shot(0), ".png")
SCAN = WHOLE[WHOLE.index(b"\xff\xda") : WHOLE.index(b"\xff\xda") + 14]
BROKEN = {
    "zero": b"",
    "soi-only": b"\xff\xd8\xff",
    "trunc10": cut(0.1),
    "trunc50": cut(0.5),
    "trunc90": cut(0.9),
    "no-eoi": WHOLE[:-2],
    "cut-in-exif-thumbnail": with_segment(0xE1, b"Exif\0\0" + WHOLE)[:-900],
    "html": b"<!doctype html><p>camera unavailable",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "json": b'{"error": 404}',
    "gif": b"GIF89a\x01\x00\x01\x00\x80\x00\x00",
    "pdf": b"%PDF-1.7",
    "png-cut": PNG[: len(PNG) // 2],
    "png-no-end": PNG[:-12],
    "png-start-only": PNG[:8],
    "png-flipped": PNG[:5000] + bytes([PNG[5000] ^ 1]) + PNG[5001:],
    "png-1bit": PNG[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", 352, 240, 1, 0, 0, 0, 0)) + PNG[33:],
    "png-16bit": coded(shot(0).astype(np.uint16) * 256, ".png"),
    "png-bomb-30k": PNG[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)) + PNG[33:],
    "png-lies": PNG[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", 1500, 1500, 8, 2, 0, 0, 0)) + PNG[33:],
    "png-text-bomb": PNG[:33] + chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**8))) + PNG[33:],
    "png-two-headers": PNG[:33] + PNG[8:],
    "webp": coded(shot(0), ".webp"),
    "tiff": coded(shot(0), ".tiff"),
    "bmp": coded(shot(0), ".bmp"),
    "10k-jpeg": coded(np.zeros((10_000, 10_000), np.uint8)),
    "lie-60k": claiming(60_000, 60_000),
    "lie-zero": claiming(0, 0),
    "1x1": coded(np.zeros((1, 1, 3), np.uint8)),
    "1x65500": coded(np.zeros((65_500, 1), np.uint8)),
    "four-channels": WHOLE.replace(
        b"\xff\xc0\x00\x11\x08\x00\xf0\x01\x60\x03", b"\xff\xc0\x00\x11\x08\x00\xf0\x01\x60\x04"
    ),
    "twelve-bits": WHOLE.replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc0\x00\x11\x0c"),
    "lossless": WHOLE.replace(b"\xff\xc0\x00\x11", b"\xff\xc3\x00\x11"),
    "1000-scans": WHOLE[:-2] + SCAN * 1000 + b"\xff\xd9",
    "huge": WHOLE + b"\0" * 9_000_000,
    "smeared": coded(np.concatenate([shot(0)[:128], np.tile(shot(0)[128:144], (7, 1, 1))])),
    "rest-grey": coded(np.concatenate([shot(0)[:144], np.full((96, 352, 3), 128, np.uint8)])),
    "rest-black": coded(np.concatenate([shot(0)[:144], np.zeros((96, 352, 3), np.uint8)])),
    "cut-and-closed": WHOLE[: len(WHOLE) // 2] + b"\xff\xd9",
    "torn": coded(np.concatenate([shot(0)[:140], np.repeat(shot(0)[140:141], 100, axis=0)])),
}
SOUND = {
    "plain": WHOLE,
    "png": PNG,
    "png-trailing-zip": PNG + b"PK\x03\x04" + b"\0" * 5000,
    "trailing-zip": WHOLE + b"PK\x03\x04" + b"\0" * 5000,
    "exif-64k": with_segment(0xE1, b"Exif\0\0" + b"\xff\xd9" * 30_000),
    "grey": coded(cv2.cvtColor(shot(0), cv2.COLOR_BGR2GRAY)),
    "progressive": coded(shot(0), ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "harsh": coded(shot(0), ".jpg", cv2.IMWRITE_JPEG_QUALITY, 15),
    "large": coded(cv2.resize(shot(0), (1920, 1080))),
    "dusk": coded(shot(0, light=0.35)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_whole_sane_picture_is_broken(name: str):
    (row,) = inspect(snapshot(BROKEN[name]))
    assert row["state"] == "broken"
    assert row["reason"]


@pytest.mark.parametrize("name", SOUND)
def test_an_unusual_but_whole_picture_is_ok(name: str):
    (row,) = inspect(snapshot(SOUND[name]))
    assert (row["state"], row["reason"]) == ("ok", None)


def test_a_picture_too_large_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(decoder, "look", lambda _: pytest.fail("decoded"))
    (row,) = inspect(snapshot(claiming(60_000, 60_000)))
    assert (row["state"], row["width_px"], row["height_px"]) == ("broken", 60_000, 60_000)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=30), st.integers(0, len(WHOLE))
)
def test_no_bytes_at_all_stop_the_night(flips: list[tuple[int, int]], length: int):
    raw = bytearray(WHOLE)
    for place, value in flips:
        raw[place] = value
    (row,) = inspect(snapshot(bytes(raw[:length])))
    assert row["state"] in FRAME_STATES


def test_what_did_not_come_is_missed_with_its_reason():
    (row,) = inspect(snapshot(None, status="missed: HTTP 503", captured_at=None, captured_at_source="none"))
    assert (row["state"], row["reason"], row["width_px"], row["sha256"]) == ("missed", "HTTP 503", 0, None)


def test_a_card_is_a_placeholder_and_a_bright_sky_is_not():
    card = np.full((240, 352, 3), (140, 140, 140), np.uint8)
    cv2.putText(card, "CAMERA OFFLINE", (40, 120), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255), 2)
    sky = shot(1)
    sky[:100] = 250
    assert states(night(card, sky)) == ["placeholder", "ok"]


def test_colour_bars_are_a_placeholder():
    bars = np.repeat(np.random.default_rng(0).integers(60, 255, (1, 8, 3)), 44, axis=1).repeat(240, axis=0)
    assert states(night(bars.astype(np.uint8))) == ["placeholder"]


def test_one_picture_at_three_cameras_is_a_placeholder_and_at_two_is_not():
    everywhere = [snapshot(WHOLE, camera_id=name) for name in "abc"]
    assert states(everywhere) == ["placeholder"] * 3
    assert states(everywhere[:2]) == ["ok"] * 2


def photo_card(name: str, second: int) -> bytes:
    """A notice over a photograph, with the camera's name and a running clock."""
    card = street(77).copy()
    cv2.putText(card, f"CCTV {name}", (60, 130), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2)
    cv2.putText(card, f"12:00:{second:02d}", (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1)
    return coded(card)


def test_a_photograph_with_names_and_clocks_that_stands_at_two_cameras_is_a_card():
    def shown(names: str) -> list[object]:
        return states(snapshot(photo_card(name, n), n, camera_id=name) for name in names for n in range(4))

    assert shown("ab") == ["placeholder"] * 8
    assert shown("a") == ["ok"] + ["frozen"] * 3, "one camera alone does not tell a card from its own view"


def test_fog_is_no_card():
    fog = cv2.addWeighted(shot(0), 0.05, np.full_like(shot(0), 190), 0.95, 0)
    assert states(night(fog)) == ["ok"]


def test_a_black_picture_is_dark_and_a_street_lamp_is_not():
    black = np.clip(np.random.default_rng(0).normal(8, 4, (240, 352, 3)), 0, 255).astype(np.uint8)
    lamp = black.copy()
    cv2.circle(lamp, (180, 120), 22, (250, 250, 250), -1)
    far = black.copy()
    cv2.circle(far, (180, 120), 4, (250, 250, 250), -1)
    assert states(night(black, lamp, far)) == ["dark", "ok", "ok"]


def test_a_clock_burned_into_a_black_picture_does_not_light_it():
    black = np.zeros((240, 352, 3), np.uint8)
    cv2.putText(black, "12:00:01 CAMERA 4", (4, 24), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255), 3)
    assert states(night(black)) == ["dark"]


def test_the_same_pixels_again_are_frozen_until_the_picture_goes_on():
    assert states(night(shot(0), shot(1), shot(1), shot(1), shot(2), shot(0))) == [
        "ok",
        "ok",
        "frozen",
        "frozen",
        "ok",
        "frozen",
    ]


def test_a_frozen_picture_with_a_running_clock_is_frozen():
    still = [shot(0).copy() for _ in range(3)]
    for second, image in enumerate(still):
        cv2.putText(image, f"12:00:0{second}", (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1)
    assert states(night(*still)) == ["ok", "frozen", "frozen"]


def test_an_empty_street_is_not_frozen_for_its_sensor_is_noisy():
    empty = [np.clip(street(0) + np.random.default_rng(n).normal(0, 2, (240, 352, 3)), 0, 255) for n in range(4)]
    assert states(night(*(image.astype(np.uint8) for image in empty))) == ["ok"] * 4


def polled(every_s: float, renewed_s: float, count: int, **more: object) -> list[dict[str, object]]:
    """What a camera that renews its picture so often shows when it is asked so often, its times untold."""
    untold = {"captured_at": None, "captured_at_source": "none"} | more
    return [
        snapshot(coded(shot(int(n * every_s // renewed_s))), **untold) | {"slot_at": at(n * every_s)}
        for n in range(count)
    ]


def test_a_camera_asked_too_often_has_shown_nothing_new_and_is_not_frozen():
    seen = inspect(*polled(60, 300, 30))
    assert [row["state"] for row in seen] == (["ok"] + ["missed"] * 4) * 6
    assert seen[3]["reason"] == "not modified: same pixels as at 12:00:00Z, a new picture comes every 300 s"


def test_a_camera_that_stops_renewing_its_picture_is_frozen_from_then_on():
    healthy, held = polled(60, 300, 20), polled(60, 3600, 12)
    stopped = [row | {"slot_at": at(1200 + 60 * n), "jpeg": coded(shot(99))} for n, row in enumerate(held)]
    assert states([*healthy, *stopped])[20:] == ["ok"] + ["frozen"] * 11


def test_observability_tells_how_often_the_camera_renews_its_picture_not_how_often_it_is_asked():
    window = Window(at(0), at(0), at(3600))
    listed = rows("cameras", camera("a", cadence_s=60.0))
    inspected = frames.inspect(listed, rows("snapshots", *polled(60, 300, 60)), frames.Settings())
    nothing = rows("sightings"), rows("transitions")
    (told,) = observability.weigh(listed, inspected, *nothing, window, observability.Settings()).to_pylist()
    assert (told["slots_planned"], told["slots_seen"], told["cadence_s"]) == (60, 12, 300.0)


def test_a_dark_card_that_stands_still_is_a_placeholder_and_a_lamp_in_the_night_is_not():
    card = np.zeros((240, 352, 3), np.uint8)
    cv2.putText(card, "NO SIGNAL", (60, 130), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255), 2)
    lamps = [np.clip(np.random.default_rng(n).normal(12, 2, card.shape), 0, 255).astype(np.uint8) for n in range(3)]
    for image in lamps:
        cv2.circle(image, (180, 120), 9, (250, 250, 250), -1)
    assert states(night(card, card, card)) == ["placeholder"] * 3
    assert states(night(*lamps)) == ["ok"] * 3


def test_a_server_that_says_not_modified_is_taken_at_its_word_like_a_picture_that_is_the_same():
    unchanged = [
        row if n % 5 == 0 else row | {"status": "missed: not modified", "jpeg": None}
        for n, row in enumerate(polled(60, 300, 30))
    ]
    assert states(unchanged) == (["ok"] + ["missed"] * 4) * 6
    for row in unchanged[16:]:
        row |= {"status": "missed: not modified", "jpeg": None}
    assert states(unchanged)[15:] == ["ok"] + ["frozen"] * 14


def test_the_same_picture_under_a_new_time_is_frozen_at_once():
    claimed = [row | {"captured_at": row["slot_at"], "captured_at_source": "feed"} for row in polled(60, 300, 30)]
    assert states(claimed) == (["ok"] + ["frozen"] * 4) * 6


def test_a_cadence_is_learned_where_the_camera_is_slower_than_we_ask():
    def learned(fresh: list[float], asked_s: float, declared_s: float) -> float:
        return cadences.learned([at(s) for s in fresh], [at(asked_s * n) for n in range(60)], declared_s)

    assert learned([0, 300, 600, 900, 1500], 60, 60) == 300
    assert learned([0, 60, 120, 180, 240], 60, 300) == 60, "it is no slower than this"
    assert learned([0, 300, 600, 900], 300, 2) == 2, "we ask too seldom to tell"
    assert learned([0, 300, 600], 60, 60) == 60, "too few"
    assert learned([0, 10, 900, 910, 3000, 3100], 60, 60) == 60, "nothing regular"


def test_stale_is_counted_in_the_cadence_that_was_learned():
    old = [
        row | {"captured_at": at(300 * (n // 5) - 500), "captured_at_source": "last_modified"}
        for n, row in enumerate(polled(60, 300, 30))
    ]
    assert states(old)[::5] == ["ok"] * 6, "500 s are two of its pictures, though its list says 2 s"


def test_a_picture_taken_long_before_its_slot_is_stale():
    ages = [snapshot(coded(shot(n)), n, late_s=late) for n, late in enumerate((0.0, 9.0, 11.0))]
    assert states(ages) == ["ok", "ok", "stale"]


def test_stale_is_counted_in_cadences_of_the_camera():
    slow = rows("cameras", camera("a", cadence_s=60.0))
    old = rows("snapshots", *(snapshot(coded(shot(n)), 100 * n, late_s=late) for n, late in enumerate((170.0, 190.0))))
    assert frames.inspect(slow, old, frames.Settings())["state"].to_pylist() == ["ok", "stale"]


def test_a_turned_camera_is_moved_and_the_reason_says_so():
    seen = inspect(*night(*(shot(n, place=int(n >= 20)) for n in range(30))))
    assert [row["state"] for row in seen] == ["ok"] * 20 + ["moved"] * 10


@pytest.mark.parametrize("turn", [[[1, 0, 30], [0, 1, 0]], [[1, 0, 0], [0, 1, 24]], [[1.3, 0, -50], [0, 1.3, -36]]])
def test_panning_tilting_and_zooming_move_the_view(turn: list[list[float]]):
    turned = [
        cv2.warpAffine(shot(n), np.array(turn, float), (352, 240), borderMode=cv2.BORDER_REFLECT) for n in range(20, 30)
    ]
    assert states(night(*(shot(n) for n in range(20)), *turned))[20:] == ["moved"] * 10


def test_dusk_fog_and_a_truck_before_the_lens_do_not_move_the_view():
    dusk = [shot(n, light=1.0 - 0.025 * n) for n in range(26)]
    fog = [cv2.addWeighted(shot(n), 0.06, np.full_like(shot(n), 200), 0.94, 0) for n in range(26, 36)]
    hidden = [shot(n, place=9) for n in range(36, 40)]
    assert "moved" not in states(night(*dusk, *fog, *(shot(n) for n in range(40, 50)), *hidden))


def test_a_camera_that_turned_for_good_is_ok_from_the_next_window_on():
    this, next_ = ([shot(n, place=int(n >= 20)) for n in range(30)], [shot(n, place=1) for n in range(30, 60)])
    assert states(night(*this))[20:] == ["moved"] * 10
    assert states(night(*next_)) == ["ok"] * 30


def test_a_frame_carries_signs_of_its_view_that_light_leaves_and_turning_does_not():
    home, dim, turned = (
        [row["view"] for row in inspect(*night(*(shot(n, place, light) for n in range(3))))]
        for place, light in ((0, 1.0), (0, 0.5), (1, 1.0))
    )
    assert not motion.are_other_views([*home, home[0]], [*dim, home[2]]).any()
    assert motion.are_other_views(home, turned).all()


def test_a_few_pictures_do_not_tell_the_usual_view():
    assert states(night(*(shot(n, place=n) for n in range(9)))) == ["ok"] * 9


def test_the_clock_of_the_camera_is_finer_than_the_name():
    ticks = [with_clock(shot(n), CADENCE_S * n - 1, 55) for n in range(8)]
    row = inspect(*(snapshot(raw, n) for n, raw in enumerate(ticks)))[3]
    assert row["captured_at"] == at(5.55)
    assert row["captured_at_source"] == "header"


def test_a_clock_an_hour_wrong_is_trusted_for_its_ticks_only():
    known = [at(2.0 * n) for n in range(9)]
    told = [each + timedelta(hours=1, milliseconds=300 * (n % 2)) for n, each in enumerate(known)]
    settled = clocks.captured(told, known, 5.0)
    assert all(one and abs(one - other) <= timedelta(seconds=0.3) for one, other in zip(settled, known, strict=True))
    assert settled[1] != known[1]


def test_a_clock_in_few_pictures_or_ahead_of_its_slot_is_not_believed():
    known = [at(2.0 * n) for n in range(9)]
    assert clocks.captured(known[:4], known[:4], 5.0) == [None] * 4
    assert clocks.captured([*known[:8], at(500)], known, 5.0)[8] is None


def test_other_comments_are_no_clocks():
    assert jpeg.read_header(with_segment(0xFE, b"Lavc58.134.100"), 64).clock is None
    assert jpeg.read_header(with_segment(0xFE, b"\x0a\x01\xff"), 64).clock is None


@settings(deadline=None, max_examples=12)
@given(st.randoms(use_true_random=False))
def test_the_order_of_snapshots_does_not_matter(random):
    mixed = [*night(shot(0), shot(0), shot(1)), *night(shot(5), camera_id="b"), snapshot(b"", 9)]
    assert inspect(*random.sample(mixed, len(mixed))) == inspect(*mixed)


def test_no_snapshots_give_no_frames():
    assert inspect() == []


def test_a_frame_is_named_by_camera_and_slot_and_carries_the_hash_of_its_bytes():
    (row,) = inspect(snapshot(WHOLE, 3))
    assert row["frame_id"] == "a@20260303T120006.000Z"
    assert (row["width_px"], row["height_px"], len(str(row["sha256"]))) == (352, 240, 64)


@pytest.mark.shared
def test_real_frames_are_ok_and_carry_their_cameras_clock(shared: Path):
    scan = Scan("t", "archive", "America/New_York", "EPSG:32618", source=str(shared / "fdr"))
    hour = datetime(2020, 5, 5, 17, tzinfo=UTC)
    listed = cameras.survey(scan)
    fetched = snapshots.fetch(listed, scan, Window(hour, hour + timedelta(minutes=10), hour + timedelta(minutes=12)))
    seen = frames.inspect(listed, fetched, frames.Settings()).to_pylist()
    assert len(seen) > 250
    assert {row["state"] for row in seen} == {"ok"}
    assert {row["captured_at_source"] for row in seen} == {"header"}


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("Forced_Greyscale_TfL-images_20200620_2030_00001.01251.jpg", "ok"),
        ("NETravelData-images_20200508_1800_NT_A193H1.jpg", "placeholder"),
        ("TfL-images_20200501_0520_00001.06592.jpg", "placeholder"),
        ("TfL-images_20200504_0240_00001.08859.jpg", "broken"),
    ],
)
def test_real_cards_and_torn_pictures_are_told_and_a_picture_without_colour_is_sound(
    shared: Path, name: str, state: str
):
    assert states([snapshot((shared / "feeds/_placeholders" / name).read_bytes())]) == [state]
