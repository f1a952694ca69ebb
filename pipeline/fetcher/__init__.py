"""Ask other people's servers for lists and pictures: politely, safely, many at a time; every fault is a value."""

from collections.abc import Sequence
from typing import Any

from pipeline.fetcher import client
from pipeline.fetcher.manners import PASSING
from pipeline.fetcher.rules import Answer, Request, Rules, is_at, origin
from pipeline.fetcher.sweeps import Sweep

__all__ = ["PASSING", "Answer", "Request", "Rules", "fetch", "is_at", "origin"]


def fetch(
    requests: Sequence[Request],
    rules: Rules,
    patience_s: float = 3600.0,
    seen: dict[str, Any] | None = None,
) -> list[Answer]:
    """Ask for everything that is due together, and wait until each has come or failed.

    Args:
        requests: What is asked for.
        rules: How it may be asked for, and where.
        patience_s: Seconds after which nothing more is begun: what has not been asked by then is `asked too late`.
        seen: Memory of earlier answers. Where it knows an address, only what has changed since is asked for
            (ETag, Last-Modified), and `not modified` may be the answer. Filled by what comes.

    Returns:
        One answer for each request, in their order. A fault of a server, of the way to it or of what it says is the
        status of an answer, never an exception; `docs/fetching.md` lists them.

    Raises:
        SettingsError: a public server is to be asked without a contact in THOROUGHFARE_CONTACT.
    """
    sweep = Sweep(requests, rules, patience_s, {} if seen is None else seen)
    client.shared().run(sweep)
    return [answer or Answer("bad answer") for answer in sweep.answers]
