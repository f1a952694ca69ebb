"""Servers are asked at their pace, and whatever they do is a value of a known class."""

import asyncio
import gzip
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from loopback import FAULTS, JPEG, Connection, Loopback, says, stops, whole

from pipeline.fetcher import Answer, Request, Rules, fetch, manners
from pipeline.fetcher.sweeps import Sweep

CLASSES = {
    "drip-body": "timed out", "drip-header": "timed out", "never": "timed out", "infinite": "too long", "short-CL": "cut off",
    "long-CL": "ok", "huge-CL": "too long", "gzip-bomb": "packed answer", "br-bomb": "packed answer",
    "deflate-bad": "packed answer", "redirect-loop": "refused: too many redirects", "204": "empty answer",
    "200-empty": "empty answer", "reset": "no connection", "garbage": "bad answer", "http09": "bad answer",
    "long-header": "bad answer", "te-gzip-bomb": "bad answer", "404": "HTTP 404", "500": "HTTP 500", "503": "HTTP 503",
    "429": "HTTP 429", "html": "not a picture: a page",
} | {
    f"redirect-{where}": "refused: redirect out of the allow-list"
    for where in ("file", "meta", "local", "ipv6", "mapped", "decimal", "other-host", "scheme-down")
}  # fmt: skip


@pytest.fixture(autouse=True)
def _fresh() -> None:
    manners.forget()


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    with Loopback() as started:
        yield started


def ask(
    server: Loopback, *paths: str, patience_s: float = 60.0, seen: dict | None = None, **rules: object
) -> list[Answer]:
    allowed = Rules(
        **{"hosts": (server.url,), "loopback": True, "deadline_s": 10.0, "limit_bytes": 2**18, "kinds": ("jpeg",)}
        | rules
    )
    return fetch([Request(server.url + path) for path in paths], allowed, patience_s, seen)


def told(answers: list[Answer]) -> list[str]:
    return [answer.status for answer in answers]


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_every_fault_of_a_server_has_its_class_and_ends_in_time(server, fault):
    began = time.monotonic()
    deadline_s = 0.4 if CLASSES[fault] == "timed out" else 10.0
    assert told(ask(server, f"/fault/{fault}", deadline_s=deadline_s)) == [CLASSES[fault]]
    assert time.monotonic() - began < 5.0


def test_faults_cost_the_pictures_beside_them_nothing(server):
    paths = [f"/{n}.jpg" for n in range(40)] + [f"/fault/{name}" for name in FAULTS if name not in ("429", "503")]
    answers = ask(server, *paths, at_once=16, deadline_s=3.0)
    assert told(answers[:40]) == ["ok"] * 40
    assert {answer.content for answer in answers[:40]} == {JPEG}


def test_no_more_than_the_stated_bytes_are_kept_of_an_answer_that_says_it_is_short(server):
    (answer,) = ask(server, "/fault/long-CL")
    assert answer.content == JPEG[:100]


def test_nothing_to_ask_gives_no_answers(server):
    assert ask(server) == []


def test_what_has_not_changed_is_not_sent_again(server):
    seen: dict = {}
    (first,), (second,) = ask(server, "/changed.jpg", seen=seen), ask(server, "/changed.jpg", seen=seen)
    assert (first.status, first.last_modified.isoformat()) == ("ok", "2026-05-05T12:00:00+00:00")
    assert (second.status, second.content) == ("not modified", None)
    assert told(ask(server, "/changed.jpg")) == ["ok"]


def test_what_a_server_says_of_itself_is_repeated_only_where_it_can_be():
    odd = says(JPEG, 'ETag: "\xe9"', "Last-Modified: " + "x" * 600)
    with Loopback({"/odd.jpg": odd}) as server:
        seen: dict = {}
        assert told(ask(server, "/odd.jpg", seen=seen) + ask(server, "/odd.jpg", seen=seen)) == ["ok", "ok"]
    assert seen == {}


def test_a_failed_server_is_left_alone_and_then_tried_by_one_request(server, monkeypatch):
    gone = [says(b"", status="502 Bad Gateway")] * manners.BREAKS_AFTER
    with Loopback({f"/{n}.jpg": page for n, page in enumerate(gone)}) as failing:
        paths = [f"/{n}.jpg" for n in range(10)]
        assert told(ask(failing, *paths)) == ["HTTP 502"] * 5 + ["its server is failing"] * 5
        assert told(ask(failing, "/9.jpg")) == ["its server is failing"]
        assert len(failing.asked) == 5
        later = manners.now() + manners.PAUSE_S + 1
        monkeypatch.setattr(manners, "now", lambda: later)
        assert manners.host(failing.url).room(8)
        assert told(ask(failing, "/9.jpg", at_once=8)) == ["ok"]
        assert told(ask(failing, "/8.jpg")) == ["ok"]
    assert told(ask(server, "/1.jpg")) == ["ok"]


def test_a_server_that_answers_others_meanwhile_has_not_failed():
    with Loopback() as server:
        slow = [f"/fault/never?{n}" for n in range(2 * manners.BREAKS_AFTER)]
        assert told(ask(server, *slow, "/1.jpg", at_once=20, deadline_s=2.0)) == ["timed out"] * len(slow) + ["ok"]
        assert told(ask(server, "/2.jpg")) == ["ok"]


def test_what_hangs_every_time_is_asked_for_last_and_closes_no_server():
    with Loopback() as server:
        paths = [f"/{kind}{n}" for n in range(manners.BREAKS_AFTER + 1) for kind in ("fault/never?", "")]
        for _ in range(2):
            assert told(ask(server, *paths, at_once=2, deadline_s=0.3)) == ["timed out", "ok"] * (len(paths) // 2)
        assert told(ask(server, "/1.jpg")) == ["ok"]


def test_pictures_that_are_missing_do_not_make_a_server_a_failed_one(server):
    assert told(ask(server, *["/fault/404", "/fault/500"] * 5, "/1.jpg"))[-1] == "ok"


def test_a_server_that_asks_to_wait_is_not_asked_again():
    with Loopback() as busy:
        assert told(ask(busy, "/fault/429", "/1.jpg", "/2.jpg")) == ["HTTP 429", "asked to wait", "asked to wait"]
        assert len(busy.asked) == 1


def test_requests_keep_to_the_cap_of_a_feed(server):
    began = time.monotonic()
    assert told(ask(server, *[f"/{n}.jpg" for n in range(4)], requests_per_minute=600.0, at_once=4)) == ["ok"] * 4
    assert time.monotonic() - began > 0.3


def test_what_cannot_be_asked_in_time_is_not_asked(server):
    answers = ask(server, *[f"/{n}.jpg" for n in range(9)], requests_per_minute=600.0, patience_s=0.5)
    assert {"ok", "asked too late"} == set(told(answers))
    assert told(answers)[-1] == "asked too late"


def test_an_answer_that_never_comes_does_not_outlast_the_slot():
    with Loopback() as server:
        began = time.monotonic()
        assert told(ask(server, "/fault/never", deadline_s=30.0, patience_s=0.2)) == ["timed out"]
        assert time.monotonic() - began < 5.0


def test_what_was_slow_is_asked_for_last_the_next_time():
    with Loopback() as server:
        for _ in range(2):
            ask(server, "/fault/never", "/1.jpg", "/2.jpg", deadline_s=0.4)
        asked = [path for path, _ in server.asked]
    assert (asked[0], asked[-1]) == ("/fault/never", "/fault/never")


def test_one_thing_is_not_asked_for_more_often_than_allowed(server):
    began = time.monotonic()
    for _ in range(2):
        assert told(ask(server, "/one.jpg", min_interval_s=1.0)) == ["ok"]
    assert time.monotonic() - began > 1.0
    assert told(ask(server, "/one.jpg", min_interval_s=1.0, patience_s=0.1)) == ["asked too late"]


def test_what_is_due_together_is_spread(server):
    arrived = [answer.arrived_at for answer in ask(server, *[f"/{n}.jpg" for n in range(20)], jitter_s=0.3)]
    assert (max(arrived) - min(arrived)).total_seconds() > 0.1


def test_threads_together_keep_to_what_one_server_may_be_asked_at_once():
    under_way, peak = 0, 0

    async def slow(to: Connection) -> None:
        nonlocal under_way, peak
        under_way += 1
        peak = max(peak, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1
        to.write(whole(JPEG))

    with Loopback({f"/{n}.jpg": slow for n in range(9)}) as server:
        asked = [threading.Thread(target=ask, args=(server, *[f"/{n}.jpg" for n in range(9)])) for _ in range(3)]
        for thread in asked:
            thread.start()
        for thread in asked:
            thread.join()
        assert (len(server.asked), server.connections) == (27, 1)
    assert peak == 1


def test_connections_are_kept_between_sweeps():
    with Loopback() as server:
        for _ in range(3):
            ask(server, "/1.jpg", "/2.jpg")
        assert (server.connections, len(server.asked)) == (1, 6)


def test_a_packed_list_is_unpacked_up_to_the_limit_and_no_further():
    pages = {
        "/list": says(gzip.compress(b"[1, 2]"), "Content-Encoding: gzip"),
        "/torn": says(gzip.compress(b"[1, 2]")[:-9], "Content-Encoding: gzip"),
        "/none": says(b"[1, 2]", "Content-Encoding: gzip"),
    }
    with Loopback(pages) as server:
        answers = ask(server, "/list", "/torn", "/none", "/fault/gzip-bomb", kinds=(), gzip=True, limit_bytes=2**20)
        assert {asked["accept-encoding"] for _, asked in server.asked} == {"gzip"}
    assert answers[0].content == b"[1, 2]"
    assert told(answers[1:]) == ["cut off", "packed answer", "too long"]


def test_a_fault_of_the_program_is_told_to_who_asked_and_the_next_is_served(server, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(Sweep, "take", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            ask(server, "/1.jpg")
    assert told(ask(server, "/1.jpg")) == ["ok"]


def test_answers_with_bytes_changed_are_values_too():
    draw, answer = random.Random(5), whole(JPEG, 'ETag: "one"', "Content-Type: image/jpeg")
    pages = {}
    for n in range(120):
        changed = bytearray(answer)
        for _ in range(draw.choice([1, 3, 9])):
            changed[draw.randrange(160)] = draw.randrange(256)
        pages[f"/{n}"] = stops(bytes(changed[: draw.choice([len(changed), draw.randrange(len(changed))])]))
    with Loopback(pages) as server:
        statuses = told(ask(server, *pages, at_once=16, deadline_s=5.0))
    known = {*CLASSES.values(), "not a picture", "its server is failing"}
    assert all(status in known or status.startswith(("HTTP ", "not a picture: ")) for status in statuses)
    assert statuses.count("ok") > 10


@pytest.mark.parametrize("order", ["tensorflow first", "fetcher first"])
def test_asking_and_tensorflow_get_on_in_one_process(server, order):
    """TensorFlow holds a libcurl of its own, older than ours."""
    ask_once = (
        f"assert fetch([Request('{server.url}/1.jpg')], Rules(('{server.url}',), loopback=True))[0].status == 'ok'"
    )
    first, second = ("import tensorflow", "from pipeline.fetcher import Request, Rules, fetch")[
        :: -1 if "fetcher" in order[:7] else 1
    ]
    words = [sys.executable, "-c", f"{first}\n{second}\n{ask_once}"]
    assert subprocess.run(words, check=False, capture_output=True, timeout=120).returncode == 0
