"""Keep bytes in a folder of a local disk: written aside, synced, then linked under a name that was free."""

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.errors import StorageError

STAGING = ".staging"
ABANDONED = timedelta(hours=24)
"""A half-written file is left alone this long where its writer may live: on another machine, or under a number used again."""


class Folder:
    """A folder of a local disk."""

    def __init__(self, root: Path) -> None:
        """Name the folder; nothing is written before the first `put`."""
        self.root, self.url = root, str(root)

    def put(self, key: str, content: bytes) -> bool:
        """Write aside, fsync, link under the final name only if absent, fsync the folder."""
        path = self.root / key
        with self._telling(key, "written", "free space or mend the disk"):
            with self._staged(path.name, content) as staged:
                _make(path.parent)
                fresh = _link(staged, path)
            # also where it was there: whoever linked it may have died before this
            sync(path.parent)
        return fresh

    def replace(self, key: str, content: bytes) -> None:
        """Write aside, fsync, rename over what is there, fsync the folder."""
        path = self.root / key
        with self._telling(key, "written", "free space or mend the disk"):
            with self._staged(path.name, content) as staged:
                _make(path.parent)
                staged.replace(path)
            sync(path.parent)

    def get(self, key: str) -> bytes:
        """Read a file."""
        with self._telling(key, "read", "mend the disk or its permissions"):
            return (self.root / key).read_bytes()

    def keys(self, below: str = "") -> list[str]:
        """List the files below a folder; those in staging are not part of it."""
        with self._telling(below or ".", "listed", "mend the disk or its permissions"):
            found = [path.relative_to(self.root) for path in (self.root / below).rglob("*") if path.is_file()]
        return sorted(path.as_posix() for path in found if path.parts[0] != STAGING)

    def delete(self, key: str) -> bool:
        """Unlink a file."""
        with self._telling(key, "deleted", "mend the disk or its permissions"):
            try:
                (self.root / key).unlink()
            except FileNotFoundError:
                return False
        return True

    def made_at(self, key: str) -> datetime:
        """Return a file's time of last change."""
        with self._telling(key, "read", "mend the disk or its permissions"):
            return datetime.fromtimestamp((self.root / key).stat().st_mtime, UTC)

    def sweep(self) -> int:
        """Remove what dead processes of this machine, or any writer a day ago, left in staging."""
        gone = 0
        with self._telling(STAGING, "swept", "mend the disk or its permissions"):
            for path in (self.root / STAGING).glob("*"):
                if _is_abandoned(path):
                    path.unlink(missing_ok=True)
                    gone += 1
        return gone

    @contextmanager
    def _staged(self, name: str, content: bytes) -> Iterator[Path]:
        """Write content aside and bring it to disk; nothing of it is left aside afterwards."""
        staged = self.root / STAGING / f"{socket.gethostname()}-{name}-{secrets.token_hex(4)}-{os.getpid()}"
        staged.parent.mkdir(parents=True, exist_ok=True)
        try:
            with staged.open("wb") as handle:
                handle.write(content)
                handle.flush()
                os.fsync(handle.fileno())
            yield staged
        finally:
            staged.unlink(missing_ok=True)

    @contextmanager
    def _telling(self, key: str, done: str, mend: str) -> Iterator[None]:
        """Say in one sentence what the disk refused."""
        try:
            yield
        except OSError as error:
            if isinstance(error, FileNotFoundError) and done != "written":
                raise
            why = error.strerror or error
            raise StorageError(f"{self.url}/{key}: cannot be {done} ({why}); {mend}, then run again") from error


def _link(staged: Path, path: Path) -> bool:
    """Give a file its name, in one step; False where the name is taken."""
    try:
        os.link(staged, path)
    except FileExistsError:
        return False
    return True


def _make(folder: Path) -> None:
    """Create a folder and those above it, each on disk before anything in it is named."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in missing:
        sync(each.parent)


def sync(folder: Path) -> None:
    """Flush a folder's entries to disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _is_abandoned(staged: Path) -> bool:
    """Tell whether the writer of a half-written file is gone."""
    here = staged.name.startswith(f"{socket.gethostname()}-")
    if here and not Path(f"/proc/{staged.name.rsplit('-', 1)[1]}").exists():
        return True
    try:
        age = datetime.now(UTC) - datetime.fromtimestamp(staged.stat().st_mtime, UTC)
    except FileNotFoundError:
        return False
    return age > ABANDONED
