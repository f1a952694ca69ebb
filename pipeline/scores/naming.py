"""Turn the camera names, times and frame numbers of a truth file into the lake's."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo

import pyarrow as pa

from pipeline.errors import SchemaError
from pipeline.scores.clocks import Counted

COMPACT = re.compile(r"(\d{8}T\d{6})(?:\.(\d{1,6}))?(Z?)$")
"""The time in a frame's file name: `20200505T131000`, a fraction or `Z` (UTC) allowed after it."""


@dataclass(frozen=True)
class Naming:
    """How a truth file names cameras and times."""

    timezone: str = "UTC"
    """IANA name; times without an offset are local to it."""
    feed: str = ""
    """Feed put before native camera ids (`archive` makes `archive:733`); empty leaves names as they are."""
    cameras: tuple[str, ...] = ()
    """Camera ids there are (`cameras.camera_id` of the lake); empty takes any name."""
    frames: pa.Table | None = None
    """Planned observations (camera_id, slot_at): frame n of a file that only counts is the camera's n-th of them."""
    starts_at: datetime | None = None
    """Time of frame 1, for files that only count; goes before `frames`. Needs `frame_s`."""
    frame_s: float = 0.0
    """Seconds between two counted frames, with `starts_at`."""
    camera: str = ""
    """Camera of a file that names none (MOTChallenge); empty takes the folder's name."""
    counted: Mapping[str, Counted] = field(default_factory=dict)
    """What the file calls cameras, and how the frames of each are counted, where that is not as for all."""

    @cached_property
    def _slots(self) -> Mapping[str, list[datetime]]:
        slots: dict[str, list[datetime]] = {}
        if self.frames is not None:
            for row in self.frames.select(["camera_id", "slot_at"]).to_pylist():
                slots.setdefault(row["camera_id"], []).append(row["slot_at"])
        return {camera: sorted(times) for camera, times in slots.items()}

    @cached_property
    def _clocks(self) -> Mapping[str, Counted]:
        return {self.camera_id(name, "cameras"): each for name, each in self.counted.items()}

    def camera_id(self, name: str, where: str) -> str:
        """Return the camera that `name` means: its id, its native id, or the only one with that number in it.

        Args:
            name: Camera as the file has it: `archive:733`, `733`, or `5` for `c005`.
            where: File and line, for the error.

        Raises:
            SchemaError: no camera, or more than one, answers to `name`.
        """
        if name not in self._known:
            self._known[name] = self._resolved(name, where)
        return self._known[name]

    @cached_property
    def _known(self) -> dict[str, str]:
        """Names that were resolved before."""
        return {}

    def _resolved(self, name: str, where: str) -> str:
        """Find the camera that `name` means."""
        name = self.counted[name].camera or name if name in self.counted else name
        full = name if not self.feed or name.startswith(f"{self.feed}:") else f"{self.feed}:{name}"
        if not self.cameras or full in self.cameras:
            return full
        native = [camera for camera in self.cameras if camera.partition(":")[2] == name]
        numbered = [
            camera for camera in self.cameras if _number(camera.partition(":")[2] or camera) == _number(name) >= 0
        ]
        for found in (native, numbered):
            if len(found) == 1:
                return found[0]
        raise SchemaError(f"{where}: unknown camera {name!r}; choose from {_some(self.cameras)} or leave the row out")

    def time(self, text: str, where: str) -> datetime:
        """Return the UTC time of `text`: ISO 8601 or compact, local to `timezone` where it states no offset."""
        try:
            if compact := COMPACT.match(text.strip()):
                moment = datetime.fromisoformat(compact[1])
                moment += timedelta(microseconds=int((compact[2] or "0").ljust(6, "0")))
                zone = UTC if compact[3] else ZoneInfo(self.timezone)
                return moment.replace(tzinfo=zone).astimezone(UTC)
            moment = datetime.fromisoformat(text.strip())
        except ValueError as error:
            raise SchemaError(f"{where}: unreadable time {text!r}; write 2020-05-05 13:10:00") from error
        return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(self.timezone))).astimezone(UTC)

    def frame_at(self, file_name: str, where: str) -> tuple[str, datetime]:
        """Return (camera_id, slot_at UTC) of a picture named `<camera>/<time>.jpg`; folders before it do not matter."""
        parts = PurePosixPath(file_name).parts
        if len(parts) < 2:
            raise SchemaError(f"{where}: picture {file_name!r} names no camera; name it <camera>/<time>.jpg")
        return self.camera_id(parts[-2], where), self.time(parts[-1].rsplit(".", 1)[0], where)

    def slot(self, camera_id: str, number: int, where: str) -> datetime:
        """Return the UTC time of the camera's `number`-th frame, counted from 1."""
        if self.starts_at is not None and (self.frame_s or camera_id in self._clocks):
            clock = self._clocks.get(camera_id, Counted())
            frame_s = 1 / clock.frame_rate if clock.frame_rate else self.frame_s
            if number < 1 or frame_s <= 0:
                raise SchemaError(f"{where}: frame {number} at {frame_s} s a frame; count from 1, at a rate above 0")
            return self.starts_at + timedelta(seconds=clock.starts_s + (number - 1) * frame_s)
        slots = self._slots.get(camera_id, [])
        if not 1 <= number <= len(slots):
            raise SchemaError(
                f"{where}: frame {number} of {camera_id}, which has {len(slots)} in the lake; pass --frame-rate, at which the truth counts"
            )
        return slots[number - 1]


def _number(name: str) -> int:
    """Return the number that a camera's name ends in, -1 where it has none."""
    found = re.search(r"(\d+)$", name)
    return int(found[1]) if found else -1


def _some(names: tuple[str, ...]) -> str:
    """Name a few cameras for an error."""
    return ", ".join(sorted(names)[:8]) + (", ..." if len(names) > 8 else "")
