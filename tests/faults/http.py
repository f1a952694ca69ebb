"""Serve a picture in 20 bad ways, most of them those of tests/loopback.py."""

from loopback import FAULTS, START, Reply, moves, stops

from tests.faults.images import encoded
from tests.faults.rows import Input

OUT = "refused: redirect out of the allow-list"
FOLLOWED = "only an address of the feed's allow-list is followed; nothing is connected to"
CLOCKED = "one deadline from look-up to last byte, however little comes at a time"
PACKED = "we ask for plain bytes; what is packed all the same is not unpacked"
INPUTS = tuple(
    Input("http", name, what, f"missed: {expected}" if expected != "broken" else "broken: ", why)
    for name, what, expected, why in (
        ("drip-body", "a body of one byte in a tenth of a second", "timed out", CLOCKED),
        ("drip-header", "headers of one byte in a tenth of a second", "timed out", CLOCKED),
        ("never", "a connection that is never answered", "timed out", CLOCKED),
        ("infinite", "a body without end", "too long", "5 MiB are read, no more"),
        ("short-CL", "500 bytes where 1,000 are stated", "cut off", "half a picture is none"),
        ("long-CL", "28 kB where 100 bytes are stated", "broken", "no more than stated is read, and that is no whole picture"),
        ("gzip-bomb", "40 kB packed by gzip that unpack to 40 MiB", "packed answer", PACKED),
        ("br-bomb", "an answer that says it is packed by brotli", "packed answer", PACKED),
        ("deflate-bad", "an answer packed by deflate, and cut", "packed answer", PACKED),
        ("redirect-loop", "a redirect to itself", "refused: too many redirects", "three are followed"),
        ("redirect-file", "a redirect to file:///etc/passwd", OUT, FOLLOWED),
        ("redirect-meta", "a redirect to the cloud's metadata, 169.254.169.254", OUT, FOLLOWED),
        ("redirect-local", "a redirect to another server on 127.0.0.1", OUT, FOLLOWED),
        ("redirect-ipv6", "a redirect to [::1]", OUT, FOLLOWED),
        ("redirect-mapped", "a redirect to [::ffff:127.0.0.1]", OUT, FOLLOWED),
        ("redirect-decimal", "a redirect to 2130706433, which is 127.0.0.1", OUT, FOLLOWED),
        ("redirect-other-host", "a redirect to another public server", OUT, FOLLOWED),
        ("redirect-scheme-down", "a redirect to gopher://", OUT, FOLLOWED),
        ("204", "HTTP 204, no content", "empty answer", "there is nothing to look at"),
        ("200-empty", "HTTP 200 without a byte", "empty answer", "there is nothing to look at"),
    )
)  # fmt: skip


def pages(loop_path: str, elsewhere: int) -> dict[str, Reply]:
    """Return the answers by name; redirects to this machine lead to the port `elsewhere`, where somebody listens."""
    changed = {
        "long-CL": stops(START + b"Content-Length: 100\r\n\r\n" + encoded(".jpg", seed=6)),
        "redirect-loop": moves(loop_path),
        "redirect-local": moves(f"http://127.0.0.1:{elsewhere}/"),
        "redirect-ipv6": moves(f"http://[::1]:{elsewhere}/"),
        "redirect-mapped": moves(f"http://[::ffff:127.0.0.1]:{elsewhere}/"),
        "redirect-decimal": moves(f"http://2130706433:{elsewhere}/"),
    }
    return {each.name: changed.get(each.name, FAULTS[each.name]) for each in INPUTS}
