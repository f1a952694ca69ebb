"""Find kepler.gl in the installed wheel, prove that it is the one expected and pack it for a page."""

import base64
import gzip
import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from pipeline.errors import IntegrityError

VERSION = "0.4.0"
"""Release of the `keplergl` wheel that the page is made for; its whole application is one ES module."""
SHA256 = "17e2948cb445ae92e2db3dfb57ea0b1deff7df9d304c4c0e1d38248cce934831"
"""Of `keplergl/static/widget.js`; MIT licence, copyright contributors to the kepler.gl project."""


def bundle_path() -> Path:
    """Return the path of the application without importing keplergl, which takes seconds."""
    spec = find_spec("keplergl")
    if spec is None or spec.origin is None:
        raise IntegrityError(f"keplergl is not installed; install it with `uv sync` (keplergl=={VERSION})")
    return Path(spec.origin).parent / "static" / "widget.js"


@cache
def application(path: Path | None = None, sha256: str = SHA256) -> str:
    """Return the application gzipped and in base64; raise IntegrityError where its bytes are not those expected."""
    path = path or bundle_path()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise IntegrityError(f"{path}: cannot be read ({error.strerror}); reinstall keplergl=={VERSION}") from error
    if (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise IntegrityError(
            f"{path}: sha256 is {found[:12]}..., not {sha256[:12]}...; reinstall keplergl=={VERSION} with `uv sync --reinstall-package keplergl`"
        )
    return packed(content)


def packed(content: bytes) -> str:
    """Gzip without a clock in the header, so that the same bytes stay the same, and write as base64."""
    return base64.b64encode(gzip.compress(content, compresslevel=9, mtime=0)).decode("ascii")
