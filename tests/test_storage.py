"""Storage, a folder and a bucket alike: created once, whole or not at all; what is refused is one sentence, without keys."""

import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import obstore
import pytest
from buckets import KEYS

from pipeline.errors import SettingsError, StorageError
from pipeline.storage import Folder, open_storage

KEY = "links/date=2026-03-07/hour=23/commit-r1.json"


def test_a_key_is_created_once(root):
    storage = open_storage(root)
    assert storage.put(KEY, b"first")
    assert not storage.put(KEY, b"second")
    assert storage.get(KEY) == b"first"
    assert datetime.now(UTC) - storage.made_at(KEY) < timedelta(minutes=1)


def test_one_of_many_racing_writers_wins(root):
    def write(writer: int) -> list[int]:
        storage = open_storage(root)
        return [n for n in range(25) if storage.put(f"{n}/{KEY}", f"{writer}".encode() * 1000)]

    with ThreadPoolExecutor(4) as racing:
        wins = list(racing.map(write, range(4)))
    assert sorted(n for won in wins for n in won) == list(range(25))
    storage = open_storage(root)
    assert all(storage.get(f"{n}/{KEY}") == f"{writer}".encode() * 1000 for writer in range(4) for n in wins[writer])


def test_keys_are_listed_below_whole_folders(root):
    storage = open_storage(root)
    for key in (KEY, "links/date=2026-03-08/a", "links2/a", "looks/2026-03-07T12:00:00.000000+00:00-links.json"):
        storage.put(key, b"")
    assert storage.keys("links") == [KEY, "links/date=2026-03-08/a"]
    assert len(storage.keys()) == 4
    assert storage.keys("absent") == []


def test_what_is_deleted_is_gone_and_may_be_created_again(root):
    storage = open_storage(root)
    storage.put(KEY, b"first")
    assert storage.delete(KEY)
    assert not storage.delete(KEY)
    for ask in (storage.get, storage.made_at):
        with pytest.raises(FileNotFoundError):
            ask(KEY)
    assert storage.put(KEY, b"second")


def test_what_is_replaced_is_whole(root):
    storage = open_storage(root)
    storage.put(KEY, b"first")
    storage.replace(KEY, b"second")
    assert storage.get(KEY) == b"second"
    assert storage.keys() == [KEY]


def test_what_the_dead_left_half_written_is_swept_and_the_work_of_the_living_stays(tmp_path):
    storage = Folder(tmp_path)
    storage.put(KEY, b"")
    with storage._staged("a", b"living") as living:
        dead = living.with_name(living.name.rsplit("-", 1)[0] + "-999999999")
        dead.write_bytes(b"dea")
        elsewhere = living.with_name("elsewhere-a-00000000-1")
        elsewhere.write_bytes(b"unknown")
        assert storage.sweep() == 1
        assert living.exists()
        assert elsewhere.exists()
        os.utime(elsewhere, (0, 0))
        assert storage.sweep() == 1


@pytest.mark.parametrize("url", ["gs://a/b", "s3://", "s3:/a", "s3://KEY:secret@bucket/lake"])
def test_what_is_neither_folder_nor_bucket_is_refused(url):
    with pytest.raises(SettingsError, match=r"s3://BUCKET/PREFIX") as refused:
        open_storage(url)
    assert "secret" not in str(refused.value)


def test_a_bucket_without_its_library_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "pipeline.storage.buckets", raising=False)
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(SettingsError, match="pip install obstore"):
        open_storage("s3://bucket/lake")


def test_plain_http_is_for_loopback_alone(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://storage.example:9000")
    with pytest.raises(SettingsError, match="use https"):
        open_storage("s3://bucket/lake")


def test_an_absent_bucket_is_a_sentence(s3, monkeypatch):
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    storage = open_storage("s3://absent/lake")
    for ask in (storage.keys, lambda: storage.get(KEY), lambda: storage.put(KEY, b"")):
        with pytest.raises(StorageError, match=r"s3://absent/lake/.*: there is no such bucket; create it"):
            ask()


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """Serve one answer to everything."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else body)

        do_HEAD = do_PUT = do_DELETE = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (403, "AccessDenied", "access denied; give these credentials the right"),
        (403, "InvalidAccessKeyId", "access denied"),
        (301, "PermanentRedirect", "another region; set AWS_REGION"),
        (503, "SlowDown", "use fewer workers"),
        (400, "RequestTimeTooSkewed", "clock is wrong"),
        (400, "Odd", "the server refuses"),
    ],
)
def test_what_a_server_refuses_is_a_sentence_without_its_address_or_keys(monkeypatch, status, code, sentence):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    body = f"<Error><Code>{code}</Code><Message>{KEYS['AWS_ACCESS_KEY_ID']}</Message></Error>".encode()
    with answering(status, body) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        storage = open_storage("s3://bucket/lake")
        for ask in (storage.keys, lambda: storage.get(KEY), lambda: storage.put(KEY, b"")):
            with pytest.raises(StorageError, match=sentence) as refused:
                ask()
            told = f"{refused.value} {refused.value.__cause__} {storage!r} {storage.url}"
            assert not any(secret in told for secret in (*KEYS.values(), endpoint, "127.0.0.1"))


def test_a_server_that_is_down_is_given_up_within_seconds(monkeypatch):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with answering(200, b"") as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    began = time.monotonic()
    with pytest.raises(StorageError, match="the server does not answer; look at AWS_ENDPOINT_URL"):
        open_storage("s3://bucket/lake").put(KEY, b"")
    assert time.monotonic() - began < 20


def test_a_put_in_conflict_that_left_nothing_is_put_again(s3, monkeypatch):
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    puts, really = [], obstore.put

    def conflicting(store, key, content, **more):
        puts.append(key)
        if len(puts) == 1:
            raise obstore.exceptions.AlreadyExistsError("409 ConditionalRequestConflict")
        return really(store, key, content, **more)

    monkeypatch.setattr(obstore, "put", conflicting)
    storage = open_storage("s3://bucket/conflict")
    assert storage.put(KEY, b"first")
    assert len(puts) == 2
    assert not storage.put(KEY, b"second")
    monkeypatch.setattr(obstore, "put", refusing)
    with pytest.raises(StorageError, match="others write it too"):
        storage.put("never", b"")


def refusing(*_: object, **__: object) -> None:
    raise obstore.exceptions.AlreadyExistsError("409 ConditionalRequestConflict")
