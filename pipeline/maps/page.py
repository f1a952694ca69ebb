"""Fill one self-contained page: layers, roads, words -> HTML that asks nothing of any host."""

import base64
import hashlib
import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from pipeline.errors import SettingsError
from pipeline.maps.bundle import application, packed
from pipeline.maps.layers import Layer

HEAVY_MB, MOST_MB = 25, 100
"""Megabytes of a page above which a browser opens it slowly, and above which it is not written."""


@dataclass(frozen=True)
class Page:
    """A map that is drawn and not yet written."""

    heading: str
    """Title of the page, with what was left out."""
    text: str
    """The whole page, HTML."""
    rows: tuple[tuple[str, int], ...]
    """(layer, rows) as the legend lists them."""

    @property
    def megabytes(self) -> float:
        """Size of the file."""
        return len(self.text.encode()) / 1e6

    @property
    def size(self) -> str:
        """Say how many rows of what it holds, and how large it is."""
        held = ", ".join(f"{label.lower()} {rows:,}" for label, rows in self.rows) or "nothing but roads"
        return f"{held}: {self.megabytes:.1f} MB"

    @property
    def heavy(self) -> bool:
        """Whether a browser takes long to open it."""
        return self.megabytes > HEAVY_MB

    def write(self, path: Path) -> Path:
        """Write it; raise SettingsError where no browser would open it, or it cannot be written."""
        if self.megabytes > MOST_MB:
            raise SettingsError(
                f"{path}: the map would have {self.megabytes:.0f} MB, of which a browser opens {MOST_MB}; pass a smaller --max-rows"
            )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.text, encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"{path}: cannot be written ({error.strerror}); pass another --out") from error
        return path


def page(
    *, title: str, notes: list[str], layers: list[Layer], drawn: dict[str, Any], ground: dict[str, Any], **said: Any
) -> Page:
    """Fill the template; only the page's own script, by its hash, and the application's blob may run.

    Args:
        title: Scan, night and what is drawn.
        notes: What was left out; it stands in the title too.
        layers: For the legend.
        drawn: What the page hands to kepler.gl.
        ground: MapLibre style of the roads.
        said: Everything else that `page.html` names.
    """
    css, script = _file("page.css"), _file("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}' blob: 'wasm-unsafe-eval'; worker-src blob:; style-src 'unsafe-inline'; "
        "img-src data: blob:; font-src data:; connect-src 'none'; base-uri 'none'; form-action 'none'"
    )
    heading = " · ".join([title, *notes])
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(_file("page.html"))
    text = template.render(
        title=title, heading=heading, notes=notes, css=css, script=script, policy=policy, layers=layers,
        drawn=packed(_json(drawn)), ground=packed(_json(ground)), bundle=application(), **said,
    )  # fmt: skip
    return Page(heading, text, tuple((layer.label, layer.rows) for layer in layers if layer.label))


def _json(value: Any) -> bytes:
    """Write sorted JSON."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _file(name: str) -> str:
    return files("pipeline.maps").joinpath(name).read_text(encoding="utf-8")
