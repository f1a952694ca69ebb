"""Serve pictures, lists and faults on this machine: `with Loopback() as server`, or `python -m tests.loopback`."""

import asyncio
import gzip
import ssl
import sys
import threading
import zlib
from collections.abc import Callable, Coroutine
from typing import Any, Self

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 70 + b"\xff\xd9"
"""As long as a still of 352 x 240 pixels; only its first bytes are those of a picture."""
MODIFIED = "Tue, 05 May 2026 12:00:00 GMT"
Reply = Callable[["Connection"], Coroutine[Any, Any, None]]


def whole(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Return an answer as it goes over the wire."""
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]).encode() + body


def says(body: bytes, *headers: str, status: str = "200 OK") -> Reply:
    """Answer with these bytes."""

    async def reply(to: "Connection") -> None:
        to.write(whole(body, *headers, status=status))

    return reply


def moves(location: str, status: str = "302 Found") -> Reply:
    """Answer with a redirect."""
    return says(b"", f"Location: {location}", status=status)


def drips(start: bytes, drop: bytes, every_s: float) -> Reply:
    """Answer for as long as anyone listens, a little at a time."""

    async def reply(to: "Connection") -> None:
        to.write(start)
        while to.open:
            to.write(drop)
            await asyncio.sleep(every_s)

    return reply


def slowly(body: bytes, after_s: float) -> Reply:
    """Answer with these bytes after a while."""

    async def reply(to: "Connection") -> None:
        await asyncio.sleep(after_s)
        to.write(whole(body))

    return reply


def stops(start: bytes) -> Reply:
    """Answer with these bytes and hang up."""

    async def reply(to: "Connection") -> None:
        to.write(start)
        to.close()

    return reply


async def _never(to: "Connection") -> None:  # noqa: ARG001
    await asyncio.Event().wait()


async def changed(to: "Connection") -> None:
    """Answer with a picture, or say that it is the one known."""
    known = to.headers.get("if-none-match") == '"one"' or to.headers.get("if-modified-since") == MODIFIED
    facts = ('ETag: "one"', f"Last-Modified: {MODIFIED}", "Content-Type: image/jpeg")
    to.write(whole(b"", *facts, status="304 Not Modified") if known else whole(JPEG, *facts))


def _chunked(packing: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{packing}\r\n\r\n".encode()
    return head + f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"


BOMB = gzip.compress(bytes(40 * 2**20), 9)
"""40 kB that unpack to 40 MiB."""
START = b"HTTP/1.1 200 OK\r\n"
ENDLESS = START + b"Transfer-Encoding: chunked\r\n\r\n"
FAULTS: dict[str, Reply] = {
    "drip-body": drips(START + b"Content-Length: 100000\r\n\r\n\xff\xd8\xff", b"x", 0.1),
    "drip-header": drips(START, b"X", 0.1),
    "never": _never,
    "infinite": drips(ENDLESS, b"10000\r\n" + b"\xff" * 2**16 + b"\r\n", 0.0),
    "short-CL": stops(START + b"Content-Length: 1000\r\n\r\n" + b"\xff\xd8\xff" + bytes(497)),
    "long-CL": stops(START + b"Content-Length: 100\r\n\r\n" + JPEG),
    "huge-CL": stops(START + b"Content-Length: 99999999999\r\n\r\n" + JPEG),
    "gzip-bomb": says(BOMB, "Content-Encoding: gzip"),
    "br-bomb": says(b"\xff\xd8\xff" + bytes(200), "Content-Encoding: br"),
    "deflate-bad": says(zlib.compress(JPEG)[:-40], "Content-Encoding: deflate"),
    "redirect-loop": moves("/fault/redirect-loop"),
    "redirect-file": moves("file:///etc/passwd"),
    "redirect-meta": moves("http://169.254.169.254/latest/meta-data/"),
    "redirect-local": moves("http://127.0.0.1:1/"),
    "redirect-ipv6": moves("http://[::1]:1/"),
    "redirect-mapped": moves("http://[::ffff:127.0.0.1]:1/"),
    "redirect-decimal": moves("http://2130706433:1/"),
    "redirect-other-host": moves("http://example.org/picture.jpg"),
    "redirect-scheme-down": moves("gopher://127.0.0.1/"),
    "204": says(b"", status="204 No Content"),
    "200-empty": says(b""),
    "reset": stops(b""),
    "garbage": stops(b"\x00\x01 this is no HTTP\r\n\r\n"),
    "http09": stops(b"\xff\xd8\xff picture without a header"),
    "long-header": says(JPEG, f"X: {'x' * 400_000}"),
    "te-gzip-bomb": stops(START + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + _chunked("", BOMB).split(b"\r\n\r\n", 1)[1]),
    "404": says(b"no", status="404 Not Found"),
    "500": says(b"no", status="500 Internal Server Error"),
    "503": says(b"no", status="503 Service Unavailable"),
    "429": says(b"no", "Retry-After: 600", status="429 Too Many Requests"),
    "html": says(b"<!DOCTYPE html><title>temporarily unavailable</title>", "Content-Type: image/jpeg"),
}  # fmt: skip


class Connection(asyncio.Protocol):
    """One connection: requests one after another."""

    def __init__(self, server: "Loopback") -> None:
        self.server, self.open, self.rest = server, True, b""
        self.path, self.headers = "", {}
        self.transport: Any = None
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.server.connections += 1
        self.server.clients.add(transport)

    def connection_lost(self, _: Exception | None) -> None:
        self.open = False
        self.server.clients.discard(self.transport)
        if self.task:
            self.task.cancel()

    def data_received(self, chunk: bytes) -> None:
        self.rest += chunk
        while b"\r\n\r\n" in self.rest and self.open:
            head, self.rest = self.rest.split(b"\r\n\r\n", 1)
            first, *lines = head.decode("latin-1").split("\r\n")
            self.path = first.split(" ")[1]
            self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            self.server.asked.append((self.path, self.headers))
            reply = self.server.reply(self.path)
            if reply is None:
                self.transport.write(self.server.picture)
            else:
                self.task = asyncio.get_running_loop().create_task(reply(self))

    def write(self, answer: bytes) -> None:
        self.transport.write(answer)

    def close(self) -> None:
        self.transport.close()


class Loopback:
    """A server in a thread of its own; `asked` holds every request it was sent."""

    def __init__(self, pages: dict[str, Reply] | None = None, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.pages, self.tls, self.port = pages or {}, tls, port
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.connections, self.clients = 0, set()
        self.picture = whole(JPEG, 'ETag: "one"', f"Last-Modified: {MODIFIED}", "Content-Type: image/jpeg")
        self.loop = asyncio.new_event_loop()

    def reply(self, path: str) -> Reply | None:
        """Choose what a path answers; None for a picture, which costs least."""
        path = path.partition("?")[0]
        if path.startswith("/cameras.example/"):
            path = path.removeprefix("/cameras.example")
        if path in self.pages:
            return self.pages[path]
        if path.startswith("/fault/"):
            return FAULTS[path.removeprefix("/fault/")]
        return changed if path.startswith("/changed") else None

    async def start(self) -> asyncio.Server:
        """Listen on a free port of this machine."""
        server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self), "127.0.0.1", self.port, ssl=self.tls, backlog=1024
        )
        self.port = server.sockets[0].getsockname()[1]
        return server

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.server = self.loop.run_until_complete(self.start())
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def _stop(self) -> None:
        self.server.close()
        for transport in list(self.clients):
            transport.abort()
        await asyncio.sleep(0)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0.01)


async def _serve(port: int) -> None:
    served = Loopback(port=port)
    served.asked = _Nothing()
    server = await served.start()
    print(served.port, flush=True)
    async with server:
        await server.serve_forever()


class _Nothing(list[Any]):
    """Keep no record of requests."""

    def append(self, _: Any) -> None: ...


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
