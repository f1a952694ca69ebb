"""Keep bytes in a bucket of an S3 server: a put is atomic there, and `If-None-Match: *` makes it create-if-absent."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import obstore
from obstore import exceptions
from obstore.store import S3Store

from pipeline.errors import SettingsError, StorageError

TRIES = 5
"""Puts of one key that the server calls in conflict although nothing is there afterwards (HTTP 409)."""
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
REGION = "us-east-1"
"""Where no variable names one: what most servers other than Amazon's answer to."""
CLIENT = {
    "connect_timeout": timedelta(seconds=3),
    "read_timeout": timedelta(seconds=60),
    "timeout": timedelta(minutes=5),
}
RETRY = {
    "max_retries": 4,
    "retry_timeout": timedelta(minutes=1),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=3), "base": 3},
}
"""Who refuses is given up after five tries and 2 s, who does not answer to connecting after 3 s, who then says nothing after 60 s."""
DENIED = "access denied; give these credentials the right to list, get, put and delete there, or set others"
REFUSALS = (
    ("NoSuchBucket", "there is no such bucket; create it, or mend --lake"),
    ("incorrectly configured region", "the bucket lies in another region; set AWS_REGION"),
    ("PermanentRedirect", "the bucket lies in another region; set AWS_REGION"),
    ("169.254.169.254", "no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
    ("RequestTimeTooSkewed", "this machine's clock is wrong; set it"),
    ("status code: 401", DENIED),
    ("status code: 403", DENIED),
    ("SlowDown", "the server asks to slow down; use fewer workers, then run again"),
    ("error sending request", "the server does not answer; look at AWS_ENDPOINT_URL and the network, then run again"),
    ("timed out", "the server answers too slowly; look at the network, then run again"),
)
"""What a server's refusal contains, and the sentence for it; the server's own words may name endpoint and keys."""


class Bucket:
    """A prefix of an S3 bucket."""

    def __init__(self, url: str) -> None:
        """Name the bucket; the server is not asked before the first call. Raises SettingsError."""
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        if not url.startswith("s3://") or not bucket or "@" in bucket:
            raise SettingsError(
                "the lake's address is not s3://BUCKET/PREFIX; keys go into AWS_ACCESS_KEY_ID and others"
            )
        self.url = f"s3://{bucket}/{prefix}".rstrip("/")
        self._store = S3Store(bucket, prefix=prefix.strip("/") or None, **_settings(self.url))

    def put(self, key: str, content: bytes) -> bool:
        """Put `If-None-Match: *`; what another's put was in the way of, and left nothing, is put again."""
        for _ in range(TRIES):
            try:
                with self._telling(key, "written"):
                    obstore.put(self._store, key, content, mode="create")
            except FileExistsError:
                if self._has(key):
                    return False
            else:
                return True
        raise StorageError(f"{self.url}/{key}: cannot be written: others write it too; run again")

    def replace(self, key: str, content: bytes) -> None:
        """Put whatever is there."""
        with self._telling(key, "written"):
            obstore.put(self._store, key, content, use_multipart=False)

    def get(self, key: str) -> bytes:
        """Get an object."""
        with self._telling(key, "read"):
            return bytes(obstore.get(self._store, key).bytes())

    def keys(self, below: str = "") -> list[str]:
        """List the objects below a folder."""
        with self._telling(below or ".", "listed"):
            chunks = obstore.list(self._store, prefix=below or None)
            return sorted(str(each["path"]) for chunk in chunks for each in chunk)

    def delete(self, key: str) -> bool:
        """Delete an object; the server does not say whether it was there, so it is asked first."""
        there = self._has(key)
        with self._telling(key, "deleted"):
            obstore.delete(self._store, key)
        return there

    def made_at(self, key: str) -> datetime:
        """Return when an object was put; servers know it to the second."""
        with self._telling(key, "read"):
            made_at: datetime = obstore.head(self._store, key)["last_modified"]
            return made_at

    def sweep(self) -> int:
        """Remove nothing: a put that was cut off left nothing."""
        return 0

    def _has(self, key: str) -> bool:
        """Ask whether an object is there."""
        try:
            self.made_at(key)
        except FileNotFoundError:
            return False
        return True

    @contextmanager
    def _telling(self, key: str, done: str) -> Iterator[None]:
        """Say in one sentence what the server refused; its own words stay out, as they may name endpoint and keys."""
        try:
            yield
        except exceptions.AlreadyExistsError:
            raise FileExistsError(key) from None
        except (exceptions.BaseError, OSError, ValueError) as error:
            if isinstance(error, FileNotFoundError) and "NoSuchBucket" not in str(error):
                raise FileNotFoundError(f"{self.url}/{key}") from None
            raise StorageError(f"{self.url}/{key}: cannot be {done}: {_why(error)}") from None


def _why(error: Exception) -> str:
    """Turn a server's refusal into what to do."""
    known = (sentence for sign, sentence in REFUSALS if sign in str(error))
    return next(known, f"the server refuses ({type(error).__name__}); look at its log, then run again")


def _settings(url: str) -> dict[str, Any]:
    """Read what the usual AWS variables do not tell the library by themselves, and refuse to speak in the clear."""
    endpoint = next((value for name in ENDPOINTS if (value := os.environ.get(name))), "")
    parts = urlsplit(endpoint)
    plain = parts.scheme == "http"
    if plain and parts.hostname not in LOOPBACK:
        raise SettingsError(
            f"lake {url}: AWS_ENDPOINT_URL is plain http to another machine, where others can read along; use https"
        )
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or REGION
    settings: dict[str, Any] = {
        "region": region,
        "client_options": CLIENT | {"allow_http": plain},
        "retry_config": RETRY,
    }
    return settings | ({"endpoint": endpoint.rstrip("/")} if endpoint else {})
