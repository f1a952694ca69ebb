"""Read the scans of `settings.toml` and number their windows: UTC hours of one local night."""

import tomllib
from dataclasses import MISSING, dataclass, field, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipeline.errors import SettingsError

HOUR = timedelta(hours=1)
PACKAGED = Path(__file__).parent / "_settings.toml"
TOML_KINDS: dict[Any, tuple[type, ...]] = {str: (str,), float: (int, float), int: (int,)}
"""What TOML may hold for a field of a kind."""
SECTIONS = (
    "cameras", "roads", "snapshots", "frames", "detections", "embeddings", "sightings", "transitions", "observability",
    "links", "trajectories", "products", "bursts", "plan",
)  # fmt: skip
"""What `[scan.<name>.<section>]` may set: the stages, who is polled closely, and what a night may ask for."""
RESERVED = ("list", "feeds", "check", "diff", "export")
"""Words that follow `thoroughfare cameras`; no scan is called so."""
S = TypeVar("S")


@dataclass(frozen=True)
class Window:
    """One UTC hour of one scan, cut to the scan's local night."""

    hour_at: datetime
    """Start of the UTC hour."""
    starts_at: datetime
    """First instant observed; `hour_at` unless the night begins inside the hour."""
    ends_at: datetime
    """First instant no longer observed."""

    def __str__(self) -> str:
        """Name the window as the lake does."""
        return f"{self.hour_at:%Y-%m-%dT%H}Z"


@dataclass(frozen=True)
class Scan:
    """One section of `settings.toml`: a feed, a choice of cameras, a local night, a cadence."""

    name: str
    feed: str
    """Name of a module in `pipeline/feeds`."""
    timezone: str
    """IANA name; the night's hours are local to it."""
    metric_crs: str
    """Projected CRS with metres, for lengths and distances."""
    hours: str = "22:00-06:00"
    """Local start and end of the night; an end not after the start is on the next day."""
    cadence_s: float = 60.0
    """Seconds between two planned observations where the feed leaves the choice to us."""
    source: str = ""
    """Folder or address the feed reads, where it needs one."""
    roads: str = ""
    """Road graph (GraphML with lon, lat and length), relative to `source`; optional."""
    cameras: tuple[str, ...] = ()
    """Native ids to observe; empty for all."""
    licence: str = ""
    """Licence of the pictures, where the feed cannot know it."""
    attribution: str = ""
    """Line to show beside anything made of them, where the feed cannot know it."""
    shard_cameras: int = 2
    """Cameras in one unit of work; the files of the lake depend on it, the number of workers does not matter."""
    k: int = 10
    """Rows that fewer trajectories stand behind are never published."""
    permission: str = ""
    """What the operator of a feed that is not cleared has allowed us, and when; logged in the lake."""
    exempt: str = ""
    """Empty, or why individual trajectories of this scan may be shown without a purpose (a simulated city)."""
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Settings of single stages, from `[scan.<name>.<stage>]`."""

    def settings(self, stage: str, kind: type[S]) -> S:
        """Build a stage's Settings: its own section, then the scan's keys of the same name, then its defaults."""
        kinds = {each.name: TOML_KINDS.get(each.type) for each in fields(kind)}  # type: ignore[arg-type]
        names, chosen = set(kinds), self.stages.get(stage, {})
        if unknown := sorted(set(chosen) - names):
            raise SettingsError(
                f"settings [scan.{self.name}.{stage}]: unknown keys {unknown}; choose from {sorted(names)}"
            )
        for name, value in chosen.items():
            if (kind_of := kinds[name]) and (not isinstance(value, kind_of) or isinstance(value, bool)):
                wanted = "a text" if str in kind_of else "a whole number" if float not in kind_of else "a number"
                raise SettingsError(f"settings [scan.{self.name}.{stage}]: {name} = {value!r} is not {wanted}; mend it")
        shared = {name: getattr(self, name) for name in names if hasattr(self, name)}
        return kind(**(shared | chosen))

    def windows(self, scan_date: date) -> list[Window]:
        """List the UTC hours of the local night that begins on `scan_date`; 7 or 9 of 8 when the clocks change."""
        first, last = self._local
        until = scan_date if last > first else scan_date + timedelta(days=1)
        starts_at = self.starts_at(scan_date)
        ends_at = datetime.combine(until, last, ZoneInfo(self.timezone)).astimezone(UTC)
        hour_at = starts_at.replace(minute=0, second=0, microsecond=0)
        windows = []
        while hour_at < ends_at:
            windows.append(Window(hour_at, max(hour_at, starts_at), min(hour_at + HOUR, ends_at)))
            hour_at += HOUR
        return windows

    def starts_at(self, scan_date: date) -> datetime:
        """Return the first instant of a night, UTC: what its slots are counted from."""
        return datetime.combine(scan_date, self._local[0], ZoneInfo(self.timezone)).astimezone(UTC)

    def night_of(self, moment: datetime) -> date:
        """Return the scan date of the night that last began at or before an instant."""
        local = moment.astimezone(ZoneInfo(self.timezone)).date()
        return local if self.starts_at(local) <= moment else local - timedelta(days=1)

    @property
    def _local(self) -> tuple[time, time]:
        """Local times at which a night begins and ends."""
        first, last = (time.fromisoformat(part) for part in self.hours.replace("24:00", "00:00").split("-"))
        return first, last


def load(name: str, path: Path | None = None, **changes: Any) -> Scan:
    """Read `[scan.<name>]` of a settings file and apply what the command line changes.

    Without `path`: `settings.toml` of the working folder, else the one beside the program.
    Raises SettingsError for a missing file, an unknown scan, an unknown key or a value out of range.
    """
    path = path or find()
    sections = _sections(path)
    if name in RESERVED:
        raise SettingsError(f"{path}: a scan cannot be called {name!r}, which is a command; rename [scan.{name}]")
    if name not in sections:
        raise SettingsError(f"{path}: no [scan.{name}]; choose from {sorted(sections)} or add the section")
    stages = {key: value for key, value in sections[name].items() if isinstance(value, dict)}
    keys = {key: value for key, value in sections[name].items() if key not in stages}
    if strange := sorted(set(stages) - set(SECTIONS)):
        raise SettingsError(f"{path} [scan.{name}.{strange[0]}]: no such section; choose from {list(SECTIONS)}")
    known = {each.name: each for each in fields(Scan)}
    if unknown := sorted(set(keys) - set(known)):
        raise SettingsError(f"{path} [scan.{name}]: unknown keys {unknown}; choose from {sorted(known)}")
    needed = [n for n, f in known.items() if f.default is MISSING and f.default_factory is MISSING and n != "name"]
    if missing := sorted(set(needed) - set(keys)):
        raise SettingsError(f"{path} [scan.{name}]: keys missing: {missing}; add them")
    scan = Scan(name=name, stages=stages, **keys | {"cameras": tuple(keys.get("cameras", ()))})
    return _checked(replace(scan, **{key: value for key, value in changes.items() if value is not None}), path)


def date_of(text: str, option: str = "--date") -> date:
    """Read a local date on which a night begins, as an option has it."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f"{option} {text!r} is not a date; write YYYY-MM-DD") from error


def names(path: Path | None = None) -> list[str]:
    """List the scans of a settings file."""
    return sorted(_sections(path or find()))


def find() -> Path:
    """Return the settings file in force: that of the working folder, else the project's own."""
    here = Path("settings.toml")
    return here if here.is_file() else bundled()


def bundled() -> Path:
    """Return the project's own settings file: of the package, or of the checkout."""
    return PACKAGED if PACKAGED.is_file() else Path(__file__).parent.parent / "settings.toml"


def _sections(path: Path) -> dict[str, dict[str, Any]]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8")).get("scan", {})
    except FileNotFoundError as error:
        raise SettingsError(f"{path}: no such settings file; pass --settings PATH") from error
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be read as a settings file ({error.strerror}); pass --settings FILE"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not valid TOML: {error}; mend that line") from error
    if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
        raise SettingsError(f"{path}: `scan` is not made of sections; write [scan.NAME] above each scan's keys")
    return found


def _checked(scan: Scan, path: Path) -> Scan:
    where = f"{path} [scan.{scan.name}]"
    for each in fields(Scan):
        value, kind = getattr(scan, each.name), TOML_KINDS.get(each.type, (tuple, dict))
        if not isinstance(value, kind) or isinstance(value, bool):
            raise SettingsError(
                f"{where}: {each.name} = {value!r} is of the wrong kind; give it as in settings.toml's examples"
            )
    try:
        ZoneInfo(scan.timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise SettingsError(
            f"{where}: unknown timezone {scan.timezone!r}; use an IANA name such as Europe/London"
        ) from error
    try:
        first, last = scan.hours.replace("24:00", "00:00").split("-")
        time.fromisoformat(first), time.fromisoformat(last)
    except ValueError as error:
        raise SettingsError(f"{where}: hours {scan.hours!r} are not HH:MM-HH:MM; write 22:00-06:00") from error
    for name, low in (("cadence_s", 0.1), ("shard_cameras", 1), ("k", 1)):
        if not getattr(scan, name) >= low:
            raise SettingsError(f"{where}: {name} = {getattr(scan, name)!r} is below {low}; raise it")
    return scan
