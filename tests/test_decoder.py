"""The decoder's child: same pixels, and whatever a picture does to it, its parent lives and says what it was."""

import io
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import attacks
import clips
import cv2
import misdeeds
import numpy as np
import pytest
from builders import at, camera, rows

from pipeline import decoder, frames, networks
from pipeline.decoder import keeper, sandbox, wire
from pipeline.errors import PipelineError, StorageError

HERE = Path(__file__).parent
GOOD = attacks.street()
MISLED = misdeeds.program()


def seen(raw: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)


def turned(raw: bytes) -> bytes:
    """Say in its EXIF that a picture lies on its side."""
    tags = struct.pack("<HHHHII", 1, 0x0112, 3, 1, 0, 6)[:2] + struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0) + bytes(4)
    body = b"Exif\0\0II*\0\x08\0\0\0" + tags
    return raw[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + raw[2:]


def deed(name: str) -> bytes:
    """Write into a picture's comment what a misled child does with it."""
    return GOOD[:2] + b"\xff\xfe" + struct.pack(">H", len(name) + 2) + name.encode() + GOOD[2:]


def process() -> int:
    """Return the id of the child that is asked next."""
    decoder.parts()
    return decoder._CHILDREN.idle[-1].process.pid


def is_gone(pid: int, within_s: float = 20) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def script(text: str, *, until: str = "") -> "subprocess.Popen[str]":
    """Run a program of its own that decodes; wait for a line where one is named."""
    around = os.environ | {"PYTHONPATH": f"{HERE}:{HERE.parent}"}
    run = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", text], env=around, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )  # fmt: skip
    assert not until or run.stdout.readline().strip() == until
    return run


@pytest.fixture
def misled(monkeypatch):
    """Let children do what pictures tell them."""
    decoder.end()
    monkeypatch.setattr(keeper, "PROGRAM", MISLED)
    yield
    decoder.end()


SOUND = {
    "a still": GOOD,
    "a large one": attacks.street(size=(1920, 1080)),
    "a grey one": cv2.imencode(".jpg", seen(GOOD)[..., 0])[1].tobytes(),
    "a progressive one": attacks.street(".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "a PNG": attacks.street(".png"),
    "one on its side": turned(GOOD),
    "one with a tail": GOOD + b"PK\3\4" + bytes(2000),
}


@pytest.mark.parametrize("name", SOUND)
def test_the_child_gives_the_pixels_that_this_process_would(name):
    pixels = decoder.decode(SOUND[name])
    assert pixels.flags.writeable
    assert np.array_equal(pixels, seen(SOUND[name]))


def test_exif_turns_no_picture():
    assert cv2.imdecode(np.frombuffer(turned(GOOD), np.uint8), cv2.IMREAD_COLOR).shape == (352, 240, 3)
    assert decoder.decode(turned(GOOD)).shape == (240, 352, 3)


@pytest.mark.parametrize("kind", [".webp", ".tiff", ".bmp"])
def test_what_is_neither_jpeg_nor_png_reaches_no_library(kind, monkeypatch):
    monkeypatch.setattr(decoder, "_CHILDREN", None)
    for raw in (attacks.street(kind), b"", b"<html>", b"GIF89a"):
        assert decoder.look(raw).fault == "cannot be decoded"


@pytest.mark.parametrize(
    "raw",
    [attacks.lying(60_000, 60_000), attacks.png_bomb(), attacks.lying(5000, 5000), attacks.two_headed(60_000, 60_000)],
)
def test_a_header_that_asks_for_too_much_is_refused_and_costs_no_child(raw):
    before = process()
    assert decoder.look(raw).fault == "cannot be decoded"
    assert process() == before


def test_a_file_too_long_for_the_shared_memory_is_refused():
    assert decoder.look(GOOD + bytes(wire.ROOM_BYTES)).fault == f"file above {wire.ROOM_BYTES} bytes"


def test_a_thousand_scans_end_at_two_seconds_of_processor_time():
    assert decoder.look(attacks.many_scans()).fault == "took more than 2 s"
    assert np.array_equal(decoder.decode(GOOD), seen(GOOD))


@pytest.mark.parametrize(
    ("act", "fault"),
    [
        ("abort", "ended its decoder (signal 6)"),
        ("crash", "ended its decoder (signal 11)"),
        ("leave", "ended its decoder (exit code 3)"),
        ("spin", "took more than 2 s"),
        ("eat", "took more than 512 MiB"),
        ("eat in C", "took more than 512 MiB"),
        ("lie", "gave an answer that cannot be"),
        ("repeat", "gave an answer that cannot be"),
        ("babble", "gave an answer that cannot be"),
    ],
)
@pytest.mark.usefixtures("misled")
def test_what_a_picture_does_to_its_child_is_its_fault_and_nobody_elses(act, fault):
    assert decoder.look(deed(act)).fault == fault
    assert np.array_equal(decoder.decode(GOOD), seen(GOOD))


@pytest.mark.usefixtures("misled")
def test_a_child_that_hangs_without_using_its_time_is_ended(monkeypatch):
    monkeypatch.setattr(keeper, "WALL_S", 2.0)
    assert decoder.look(deed("wait")).fault == "stood still for 2 s"
    assert np.array_equal(decoder.decode(GOOD), seen(GOOD))


@pytest.mark.usefixtures("misled")
def test_a_child_that_puts_off_its_timer_is_ended_by_its_parent(monkeypatch):
    monkeypatch.setattr(keeper, "WALL_S", 0.2)
    monkeypatch.setattr(keeper, "STIRRING_S", -1.0)
    monkeypatch.setattr(wire, "PICTURE_CPU_S", 0.4)
    assert decoder.look(deed("spin on")).fault == "took more than 0.4 s"


def test_a_parent_that_hears_no_signals_has_a_child_that_does():
    run = script(f"""
import signal
from pipeline import decoder
from pipeline.decoder import keeper
keeper.PROGRAM = {MISLED!r}
signal.signal(signal.SIGPROF, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPROF])
assert decoder.look({deed("spin")!r}).fault == "took more than 2 s"
""")
    assert run.communicate(timeout=120) == ("", "")


@pytest.mark.usefixtures("misled")
def test_a_picture_that_kills_its_decoder_is_a_broken_frame():
    shown = {"a": deed("crash"), "b": GOOD}
    taken = [{"camera_id": name, "slot_at": at(0), "status": "ok", "jpeg": raw} for name, raw in shown.items()]
    listed = rows("cameras", *map(camera, shown))
    broken, good = frames.inspect(listed, rows("snapshots", *taken), frames.Settings()).to_pylist()
    assert (broken["state"], broken["reason"]) == ("broken", "ended its decoder (signal 11)")
    assert good["state"] == "ok"


@pytest.mark.usefixtures("misled")
def test_a_child_can_do_nothing_but_decode():
    *others, user = decoder.decode(deed("break out")).ravel()[:8].tolist()
    parts = decoder.parts()
    assert others == [bool(parts["files"])] * len(others)
    assert user == (os.geteuid() != 0 or bool(parts["user"]))


def test_the_memory_cannot_be_cut_short_under_the_parent():
    with ExitStack() as opened, pytest.raises(OSError, match="Operation not permitted"):
        os.ftruncate(keeper._shared(opened), 0)


def test_on_this_machine_every_part_of_the_sandbox_holds_that_can():
    lacking = [part for part, how in decoder.parts().items() if not how]
    assert lacking == ([] if os.geteuid() == 0 else ["user"])


def test_another_machine_has_no_filter_and_says_so(monkeypatch):
    monkeypatch.setattr(sandbox.platform, "machine", lambda: "riscv64")
    assert not sandbox._filtered(None)


def test_a_child_killed_from_outside_blames_no_picture():
    os.kill(process(), signal.SIGKILL)
    assert np.array_equal(decoder.decode(GOOD), seen(GOOD))


def test_an_answer_nobody_waited_for_is_not_taken_for_the_next_pictures():
    other = attacks.street(seed=2)

    def interrupted(child: keeper.Child) -> None:
        child.memory[: len(other)] = other
        child.channel.send(wire.REQUEST.pack(wire.PICTURE, 7, len(other), 0.0))
        raise KeyboardInterrupt

    before = process()
    with pytest.raises(KeyboardInterrupt):
        decoder._CHILDREN.ask(interrupted)
    assert is_gone(before)
    assert np.array_equal(decoder.decode(GOOD), seen(GOOD))


def test_many_threads_get_the_pixels_that_one_gets():
    pictures = [attacks.street(seed=seed, size=(160 + 16 * (seed % 5), 120)) for seed in range(40)]
    alone = [decoder.decode(raw) for raw in pictures]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(decoder.decode, pictures * 5))
    assert all(np.array_equal(a, b) for a, b in zip(alone * 5, together, strict=True))
    assert len(decoder._CHILDREN.all) <= len(os.sched_getaffinity(0))


def test_a_thread_that_ends_takes_no_child_with_it():
    thread = threading.Thread(target=decoder.decode, args=(GOOD,))
    decoder.end()
    thread.start(), thread.join()
    (child,) = decoder._CHILDREN.idle
    assert np.array_equal(decoder.decode(GOOD), seen(GOOD))
    assert decoder._CHILDREN.idle == [child]


def test_pictures_decoded_ahead_come_in_order(monkeypatch):
    monkeypatch.setenv(networks.DECODERS, "2")
    pictures = [attacks.street(seed=seed, size=(64, 64)) for seed in range(20)]
    ahead = list(networks.ahead(decoder.decode, pictures))
    assert all(np.array_equal(a, seen(raw)) for a, raw in zip(ahead, pictures, strict=True))


def test_a_forked_process_has_a_child_of_its_own_and_leaves_its_parents_alone():
    run = script("""
import os, attacks
from pipeline import decoder
raw = attacks.street()
sound, before = decoder.decode(raw).sum(), decoder._CHILDREN.all[0].process.pid
if not (forked := os.fork()):
    assert decoder.decode(raw).sum() == sound
    assert decoder._CHILDREN.all[0].process.pid != before
    os._exit(0)
assert os.waitpid(forked, 0)[1] == 0
assert decoder.decode(raw).sum() == sound and decoder._CHILDREN.all[0].process.pid == before
""")
    assert run.communicate(timeout=60) == ("", "")
    assert run.returncode == 0


def test_a_process_that_ends_says_nothing_and_leaves_no_child():
    run = script(
        "import attacks; from pipeline import decoder; decoder.decode(attacks.street()); print(decoder._CHILDREN.all[0].process.pid)"
    )
    pid, noise = run.communicate(timeout=60)
    assert (noise, run.returncode) == ("", 0)
    assert is_gone(int(pid))


@pytest.mark.parametrize("act", ["", "spin on", "wait"])
def test_a_parent_killed_by_force_leaves_no_child_whatever_it_does(act):
    run = script(f"""
import threading, time, attacks
from pipeline import decoder
from pipeline.decoder import keeper
keeper.PROGRAM = {MISLED!r}
decoder.decode(attacks.street())
print(decoder._CHILDREN.all[0].process.pid, flush=True)
if {act!r}:
    threading.Thread(target=decoder.decode, args=({deed(act)!r},), daemon=True).start()
time.sleep(1)
print("now", flush=True)
time.sleep(600)
""")
    pid = int(run.stdout.readline())
    assert run.stdout.readline() == "now\n"
    run.kill(), run.communicate()
    assert is_gone(pid)


def test_two_thousand_mutated_pictures_end_neither_the_parent_nor_a_child():
    before = process()
    found = [decoder.look(attacks.mutated(seed)) for seed in range(2000)]
    assert process() == before
    assert {each.fault for each in found} == {None, "cannot be decoded"}
    assert 200 < sum(each.fault is None for each in found) < 1900


@pytest.mark.usefixtures("misled")
def test_where_no_child_can_start_it_is_one_sentence(monkeypatch):
    monkeypatch.setattr(keeper, "PROGRAM", "raise SystemExit('no such library')")
    with pytest.raises(
        PipelineError, match=r"^the process for decoding does not start: no such library; `thoroughfare"
    ):
        decoder.decode(GOOD)


@pytest.mark.usefixtures("misled")
def test_where_no_memory_can_be_shared_it_is_a_fault_of_the_machine(monkeypatch):
    def refuse(*_: int) -> None:
        raise OSError(27, "File too large")

    monkeypatch.setattr(keeper.os, "ftruncate", refuse)
    with pytest.raises(StorageError, match="File too large"):
        decoder.decode(GOOD)


def test_stills_are_the_first_frames_at_or_after_each_step():
    cut = decoder.stills(clips.mpeg4(frames=50, per_s=25.0), 0.5)
    assert [at for at, _ in cut] == [0.0, 0.52, 1.0, 1.52]
    levels = [round(float(decoder.decode(jpeg).mean())) for _, jpeg in cut]
    assert levels == sorted(levels)
    assert decoder.decode(cut[0][1]).shape == (64, 96, 3)


def test_stills_are_cut_from_h264_too():
    cut = decoder.stills(clips.h264([40, 80, 120, 160, 200] * 2, per_s=5), 0.4)
    assert [at for at, _ in cut] == [0.0, 0.4, 0.8, 1.2, 1.6]
    # luminance 16..235 of a clip is 0..255 of a picture
    shown = [float(decoder.decode(jpeg).mean()) for _, jpeg in cut]
    assert np.allclose(shown, [(level - 16) * 255 / 219 for level in (40, 120, 200, 80, 160)], atol=2)


def test_the_same_clip_gives_the_same_bytes():
    clip = clips.mpeg4()
    first = decoder.stills(clip, 0.3)
    decoder.end()
    assert decoder.stills(clip, 0.3) == first


def test_what_is_no_whole_clip_has_no_stills():
    clip = clips.mpeg4()
    for raw in (b"", b"#EXTM3U\n/etc/passwd\n", clip[: len(clip) // 2], GOOD, clip[:8] + bytes(5000)):
        assert decoder.stills(raw, 1.0) == []


def test_a_clip_too_long_is_cut_to_its_limits():
    cut = decoder.stills(clips.mpeg4(frames=700, per_s=10.0), 0.1)
    assert len(cut) == wire.CLIP_STILLS
    slow = decoder.stills(clips.mpeg4(frames=150, per_s=1.0), 1.0)
    assert slow[-1][0] == wire.CLIP_S


def test_a_clip_too_large_is_not_decoded():
    assert decoder.stills(clips.mpeg4(frames=2, size=(2560, 1664)), 1.0) == []


def test_mutated_clips_end_no_child():
    before, sound = process(), clips.h264([40, 200] * 5)
    for seed in range(200):
        raw, draw = bytearray(sound), np.random.default_rng(seed)
        raw[8 + draw.integers(0, len(raw) - 8)] = draw.integers(0, 256)
        decoder.stills(bytes(raw), 0.4)
    assert process() == before


def test_stills_need_a_step():
    with pytest.raises(ValueError, match="use more than 0"):
        decoder.stills(clips.mpeg4(), 0.0)


def test_the_child_imports_no_network_and_no_model():
    listing = io.StringIO()
    words = [sys.executable, "-X", "importtime", "-c", "from pipeline.decoder import child"]
    listing.write(subprocess.run(words, cwd=HERE.parent, capture_output=True, text=True, check=True).stderr)
    assert not any(name in listing.getvalue() for name in ("tensorflow", "pyarrow", "pycurl", "duckdb", "distributed"))
