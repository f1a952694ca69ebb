"""Keep bytes under keys in a folder: created once, whole or not at all, on disk before they are named."""

import os
import socket
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from pipeline.errors import SettingsError

STAGING = ".staging"


class Storage(Protocol):
    """Where a lake's bytes lie. Keys are relative paths with `/`."""

    url: str
    """What the storage is called in messages, and how `open_storage` finds it again."""

    def put(self, key: str, content: bytes) -> bool:
        """Create `key` with `content`, whole or not at all; False where it is already there. Raises OSError."""

    def get(self, key: str) -> bytes:
        """Return the bytes of `key`; raise FileNotFoundError where there is none."""

    def keys(self, below: str = "") -> list[str]:
        """List every key below a folder, sorted."""

    def delete(self, key: str) -> bool:
        """Delete `key`; False where it is not there."""

    def made_at(self, key: str) -> datetime:
        """Return when `key` was created, UTC; raise FileNotFoundError where it is not there."""

    def sweep(self) -> None:
        """Remove what writers that died left half-written."""


class Folder:
    """A folder of a local disk."""

    def __init__(self, root: Path) -> None:
        """Name the folder; nothing is written before the first `put`."""
        self.root, self.url = root, str(root)

    def put(self, key: str, content: bytes) -> bool:
        """Write aside, fsync, link under the final name only if absent, fsync the folder."""
        path = self.root / key
        staged = self.root / STAGING / f"{socket.gethostname()}-{path.name}-{os.getpid()}"
        staged.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with staged.open("wb") as handle:
                handle.write(content)
                handle.flush()
                os.fsync(handle.fileno())
            os.link(staged, path)
        except FileExistsError:
            return False
        finally:
            staged.unlink(missing_ok=True)
        _sync(path.parent)
        return True

    def get(self, key: str) -> bytes:
        """Read a file."""
        return (self.root / key).read_bytes()

    def keys(self, below: str = "") -> list[str]:
        """List the files below a folder; those in staging are not part of it."""
        found = (path.relative_to(self.root) for path in (self.root / below).rglob("*") if path.is_file())
        return sorted(path.as_posix() for path in found if path.parts[0] != STAGING)

    def delete(self, key: str) -> bool:
        """Unlink a file."""
        with suppress(FileNotFoundError):
            (self.root / key).unlink()
            return True
        return False

    def made_at(self, key: str) -> datetime:
        """Return a file's time of last change."""
        return datetime.fromtimestamp((self.root / key).stat().st_mtime, UTC)

    def sweep(self) -> None:
        """Remove what dead processes of this machine left in staging."""
        for path in (self.root / STAGING).glob(f"{socket.gethostname()}-*"):
            if not Path(f"/proc/{path.name.rsplit('-', 1)[1]}").exists():
                path.unlink(missing_ok=True)


def open_storage(url: str) -> Storage:
    """Return the storage at a path; raise SettingsError where nothing here can read it."""
    if "://" in url or url.startswith("s3:"):
        raise SettingsError(f"lake {url}: only folders are supported so far; pass --lake FOLDER")
    return Folder(Path(url))


def beside(root: str, file: str) -> Path:
    """Return where a page about a lake is written unless the user says: in its folder, or here where it has none."""
    return Path(file) if "://" in root else Path(root) / file


def _sync(folder: Path) -> None:
    """Flush a folder's entries to disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
