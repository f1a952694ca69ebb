"""Name what a scene of single-camera tracks is made of."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from pipeline import scores
from pipeline.errors import SchemaError
from pipeline.feeds import Camera
from pipeline.feeds.archive import listing
from pipeline.scores import Naming

FIRST = datetime(2000, 1, 1, tzinfo=UTC)
FEED = "tracks"


@dataclass(frozen=True)
class Scene:
    """Single-camera tracks and what is known beside them."""

    tracks: Path
    """AI City text (`camera id frame x y w h ...`) or a folder of MOTChallenge sequences, `<camera>/gt/gt.txt`."""
    frame_rate: float
    """Frames a second, counted from 1."""
    starts_at: datetime = FIRST
    """When frame 1 was taken, UTC."""
    known_as: Path | None = None
    """Names and clocks of cameras (`scores.read_clocks`)."""
    places: Path | None = None
    """`cameras.csv` with camera, lat, lon as an archive has it; without it all cameras stand at one place."""
    embeddings: Path | None = None
    """NumPy archive (npz) of the boxes' looks."""
    stills: Path | None = None
    """Folder of pictures, `<camera>/<frame>.jpg`; our own encoder looks at them where no looks are given."""

    @cached_property
    def listed(self) -> list[Camera]:
        """The cameras of `places`; empty without."""
        if self.places is None:
            return []
        try:
            fact = self.places.stat()
        except OSError as error:
            raise SchemaError(f"{self.places}: {error.strerror}; write one row per camera: camera, lat, lon") from error
        return listing.read(self.places, "EPSG:3857", fact.st_mtime_ns, fact.st_size).cameras

    @cached_property
    def naming(self) -> Naming:
        """How the tracks name cameras and count frames."""
        known = tuple(f"{FEED}:{each.native_id}" for each in self.listed)
        clocks = scores.read_clocks(self.known_as) if self.known_as else {}
        return Naming(feed=FEED, cameras=known, starts_at=self.starts_at, frame_s=1 / self.frame_rate, counted=clocks)


def fingerprint(scene: Scene) -> str:
    """Hash all that a scene is made of; pictures by their names and sizes."""
    digest = hashlib.sha256(f"{scene.frame_rate} {scene.starts_at.isoformat()}".encode())
    for path in (scene.tracks, scene.known_as, scene.places, scene.embeddings, scene.stills):
        files = [] if path is None else [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
        for file in files:
            seen = file.stat().st_size if path == scene.stills else hashlib.sha256(file.read_bytes()).hexdigest()
            digest.update(f"{file.name}\0{seen}\n".encode())
        digest.update(b"\0")
    return digest.hexdigest()
