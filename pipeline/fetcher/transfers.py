"""Move one answer over the wire with libcurl, in bounds, and say in one word what went wrong."""

import socket
import ssl
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from pipeline.fetcher.addresses import is_allowed
from pipeline.fetcher.libcurl import pycurl
from pipeline.fetcher.rules import Answer, Rules

CONNECT_S = 5.0
"""Seconds for look-up, connection and TLS."""
BUFFER_BYTES = 2**17
GZIP, PLAIN = "Accept-Encoding: gzip", "Accept-Encoding: identity"
FAULTS = {
    pycurl.E_COULDNT_RESOLVE_HOST: "no address",
    pycurl.E_COULDNT_CONNECT: "no connection",
    pycurl.E_SEND_ERROR: "no connection",
    pycurl.E_RECV_ERROR: "no connection",
    pycurl.E_GOT_NOTHING: "no connection",
    pycurl.E_OPERATION_TIMEDOUT: "timed out",
    pycurl.E_PARTIAL_FILE: "cut off",
    pycurl.E_FILESIZE_EXCEEDED: "too long",
    pycurl.E_PEER_FAILED_VERIFICATION: "no valid certificate",
    pycurl.E_SSL_CONNECT_ERROR: "no valid certificate",
    pycurl.E_SSL_CACERT_BADFILE: "no valid certificate",
}
"""Every other code of libcurl is a `bad answer`."""
KINDS = {"jpeg": (0, b"\xff\xd8\xff"), "png": (0, b"\x89PNG\r\n\x1a\n"), "mp4": (4, b"ftyp")}
"""Pictures and clips by their first bytes, and where these stand."""
OTHERS = {
    b"\xff\xd8\xff": "JPEG", b"\x89PNG": "PNG", b"GIF8": "GIF", b"RIFF": "WebP", b"BM": "BMP", b"II*\0": "TIFF", b"MM\0*": "TIFF", b"%PDF": "PDF", b"{": "JSON", b"[": "JSON",
    b"<": "a page",
}  # fmt: skip
"""What else comes in a picture's place."""
EPOCH, LAST_S = datetime(1970, 1, 1, tzinfo=UTC), 4e9
READ = {name.encode(): name for name in ("location", "retry-after", "content-encoding", "etag", "last-modified")}
"""Headers that anything here goes by."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Transfer:
    """One handle of libcurl, set up once for the rules of a feed and used for one request after another."""

    def __init__(self, rules: Rules, agent: str) -> None:
        self.rules = rules
        self.curl = pycurl.Curl()
        self.body: list[bytes] = []
        self.head: list[bytes] = []
        self.lines: list[str] = []
        """Headers set; they mostly stay as they are."""
        self.size = 0
        self.fault = ""
        self._set_up(agent)

    def _set_up(self, agent: str) -> None:
        """Set what no request changes."""
        option = self.curl.setopt
        option(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        option(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        option(pycurl.FOLLOWLOCATION, 0)
        option(pycurl.PROXY, "")  # also keeps http_proxy and its kin of the environment out
        option(pycurl.NOPROXY, "*")
        option(pycurl.NETRC, pycurl.NETRC_IGNORED)
        option(pycurl.NOSIGNAL, 1)
        option(pycurl.USERAGENT, agent)
        option(pycurl.SSL_VERIFYPEER, 1)
        option(pycurl.SSL_VERIFYHOST, 2)
        option(pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2)
        trusted = ssl.get_default_verify_paths()
        if trusted.cafile:
            option(pycurl.CAINFO, trusted.cafile)
        if trusted.capath:
            option(pycurl.CAPATH, trusted.capath)
        option(pycurl.OPT_FILETIME, 1)
        option(pycurl.BUFFERSIZE, BUFFER_BYTES)
        option(pycurl.MAXFILESIZE, self.rules.limit_bytes)
        option(pycurl.CONNECTTIMEOUT_MS, int(1000 * min(CONNECT_S, self.rules.deadline_s)))
        option(pycurl.OPENSOCKETFUNCTION, self._open)
        option(pycurl.HEADERFUNCTION, self.head.append)
        option(pycurl.WRITEFUNCTION, self._write)

    def prepare(self, url: str, headers: Mapping[str, str], deadline_s: float) -> None:
        """Set one request."""
        self.head.clear()
        self.body, self.size, self.fault = [], 0, ""
        lines = [GZIP if self.rules.gzip else PLAIN]
        if headers:
            lines += [f"{name}: {value}" for name, value in headers.items() if name.lower() != "accept-encoding"]
        self.curl.setopt(pycurl.URL, url)
        if lines != self.lines:
            self.curl.setopt(pycurl.HTTPHEADER, lines)
            self.lines = lines
        self.curl.setopt(pycurl.TIMEOUT_MS, max(1, int(1000 * deadline_s)))

    def headers(self) -> dict[str, str]:
        """Return the answer's headers that are read, by lower-case name; of a name that comes twice the first stands."""
        found: dict[str, str] = {}
        for line in reversed(self.head):
            name, _, value = line.partition(b":")
            if name.startswith(b"HTTP/"):
                break
            if read := READ.get(name.lower()):
                found[read] = value.decode("latin-1").strip()
        return found

    def code(self) -> int:
        """Return the HTTP status; 0 where none came."""
        return int(self.curl.getinfo(pycurl.RESPONSE_CODE))

    def answer(self, error: int, headers: Mapping[str, str]) -> Answer:
        """Return what came.

        Args:
            error: libcurl's code; 0 for none.
            headers: The answer's headers.
        """
        if error or self.fault:
            return Answer(self.fault or FAULTS.get(error, "bad answer"))
        code = self.code()
        if code == 304:
            return Answer("not modified", arrived_at=datetime.now(UTC))
        if code != 200:
            return Answer("empty answer" if code == 204 else f"HTTP {code}")
        content, fault = unpacked(b"".join(self.body), headers.get("content-encoding", ""), self.rules)
        if fault or not content:
            return Answer(fault or "empty answer")
        if self.rules.kinds and (fault := _no_picture(content, self.rules.kinds)):
            return Answer(fault)
        changed = self.curl.getinfo(pycurl.INFO_FILETIME)
        at = EPOCH + timedelta(seconds=changed) if 0 < changed < LAST_S else None
        return Answer("ok", content, at, datetime.now(UTC))

    def _write(self, chunk: bytes) -> int:
        """Take a piece of the body; too much of it ends the transfer."""
        self.size += len(chunk)
        if self.size > self.rules.limit_bytes:
            self.fault = "too long"
            return 0
        self.body.append(chunk)
        return len(chunk)

    def _open(self, _purpose: int, address: Any) -> Any:
        """Open the socket for an address that the name led to: the one that is connected to, so no look-up comes between."""
        if not is_allowed(str(address.addr[0]), loopback=self.rules.loopback):
            self.fault = "refused: address not public"
            return pycurl.SOCKET_BAD
        return _Socket(address.family, address.socktype, address.protocol)


class _Socket(socket.socket):
    """A socket that libcurl duplicates; ours is closed without a word."""

    def __del__(self) -> None:
        self.close()


def unpacked(content: bytes, encoding: str, rules: Rules) -> tuple[bytes, str]:
    """Return an answer's bytes as they were before packing, and the fault where that cannot be."""
    if encoding.lower() in ("", "identity"):
        return content, ""
    if not rules.gzip or encoding.lower() not in ("gzip", "x-gzip"):
        return b"", "packed answer"
    try:
        unpacker = zlib.decompressobj(wbits=31)
        plain = unpacker.decompress(content, rules.limit_bytes + 1)
    except zlib.error:
        return b"", "packed answer"
    if len(plain) > rules.limit_bytes:
        return b"", "too long"
    return (plain, "") if unpacker.eof else (b"", "cut off")


def _time(text: str) -> datetime | None:
    """Return an HTTP date as UTC; None where it is none."""
    try:
        return parsedate_to_datetime(text).astimezone(UTC) if text else None
    except (ValueError, OverflowError):
        return None


def retry_after_s(text: str, now: datetime) -> float | None:
    """Return seconds of a Retry-After header; None where it says none."""
    if text.isdecimal() and len(text) < 10:
        return float(text)
    at = _time(text)
    return max(0.0, (at - now).total_seconds()) if at else None


def _no_picture(content: bytes, kinds: tuple[str, ...]) -> str:
    """Say what came in a picture's place; empty for a picture."""
    for kind in kinds:
        at, magic = KINDS[kind]
        if content.startswith(magic, at):
            return ""
    start = content[:64].lstrip()
    clip = "MP4" if content.startswith(b"ftyp", 4) else ""
    other = next((name for magic, name in OTHERS.items() if start.startswith(magic)), clip)
    return "not a picture" + (f": {other}" if other else "")
