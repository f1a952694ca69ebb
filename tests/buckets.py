"""Start an S3 server on loopback, of the package moto, and give it buckets."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from threading import Lock, Thread
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

KEYS = {"AWS_ACCESS_KEY_ID": "AKIACANARYKEY", "AWS_SECRET_ACCESS_KEY": "canary-secret"}


@contextmanager
def server() -> Iterator[dict[str, str]]:
    """Serve S3 with one bucket named `bucket`; yields the environment by which a lake finds it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    backend, one_at_a_time = DomainDispatcherApplication(create_backend_app), Lock()

    def atomic(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        # S3 promises that a conditional put is atomic; moto asks and writes in two steps
        with one_at_a_time:
            return list(backend(environ, start))

    serving = make_server("127.0.0.1", 0, atomic, threaded=True, request_handler=MotoRequestHandler)
    thread = Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    create(serving.server_port, "bucket")
    try:
        yield KEYS | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{serving.server_port}", "AWS_REGION": "us-east-1"}
    finally:
        serving.shutdown()
        thread.join()
        serving.server_close()


def create(port: int, bucket: str) -> None:
    """Create an empty bucket."""
    asking = HTTPConnection("127.0.0.1", port, timeout=10)
    asking.request("PUT", f"/{bucket}")
    assert asking.getresponse().status == 200
    asking.close()
