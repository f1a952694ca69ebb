"""Keep bytes under keys, in a folder or a bucket: created once, whole or not at all, on disk before they are named."""

from datetime import datetime
from pathlib import Path
from typing import Protocol

from pipeline.errors import SettingsError
from pipeline.storage.folders import STAGING, Folder

__all__ = ["STAGING", "Folder", "Storage", "beside", "open_storage"]


class Storage(Protocol):
    """Where a lake's bytes lie. Keys are relative paths with `/`.

    What the disk or the server refuses is raised as StorageError, in one sentence.
    """

    url: str
    """What the storage is called in messages, and how `open_storage` finds it again."""

    def put(self, key: str, content: bytes) -> bool:
        """Create `key` with `content`, whole or not at all; False where it is already there."""

    def replace(self, key: str, content: bytes) -> None:
        """Make `key` hold `content` as if just put, whole at every moment."""

    def get(self, key: str) -> bytes:
        """Return the bytes of `key`; raise FileNotFoundError where there is none."""

    def keys(self, below: str = "") -> list[str]:
        """List every key below a folder, sorted."""

    def delete(self, key: str) -> bool:
        """Delete `key`; False where it is not there."""

    def made_at(self, key: str) -> datetime:
        """Return when `key` was created, UTC; raise FileNotFoundError where it is not there."""

    def sweep(self) -> int:
        """Remove what writers that died left half-written; returns how many pieces."""


def open_storage(url: str) -> Storage:
    """Return the storage at a path or `s3://bucket/prefix`; raise SettingsError where nothing here can read it."""
    if url.startswith("s3:"):
        return _bucket(url)
    if "://" in url:
        raise SettingsError(
            f"lake {url.partition('://')[0]}://...: neither a folder nor a bucket; pass --lake FOLDER or s3://BUCKET/PREFIX"
        )
    return Folder(Path(url))


def beside(root: str, file: str) -> Path:
    """Return where a page about a lake is written unless the user says: in its folder, or here where it has none."""
    return Path(file) if "://" in root else Path(root) / file


def _bucket(url: str) -> Storage:
    """Open a bucket; only who keeps a lake in one needs the library that speaks to it."""
    try:
        from pipeline.storage.buckets import Bucket
    except ImportError as error:
        raise SettingsError(
            "lake s3://...: the package obstore is not installed here; run `pip install obstore`, or pass --lake FOLDER"
        ) from error
    return Bucket(url)
