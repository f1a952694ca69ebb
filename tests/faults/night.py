"""Run one live night of cameras good and bad by the command line, against a server on this machine."""

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from families import FAMILIES
from loopback import Loopback, Reply, says

HERE = Path(__file__).parents[2]
LIST = "/api.tfl.gov.uk/Place/Type/JamCam"
MEDIA = "s3-eu-west-1.amazonaws.com/jamcams.tfl.gov.uk"
SETTINGS = """[scan.{scan}]
feed = "{feed}"
timezone = "UTC"
metric_crs = "{metric_crs}"
hours = "{hours}"
cadence_s = 300.0
shard_cameras = 50
source = "{source}"
exempt = "cameras that are nobody's"

[scan.{scan}.snapshots]
at_once = 16
deadline_s = {deadline_s}
"""
DEADLINE_S = 2.0


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    text: str
    """What it wrote for people, standard error behind it."""
    out: str = ""


def said(words: list[str]) -> Said:
    """Run a command of the product in this process."""
    from pipeline.__main__ import main
    from pipeline.fetcher import manners

    manners.forget()  # a command is a process of its own, and keeps none of an earlier one's paces
    out, err, code, before = io.StringIO(), io.StringIO(), 0, sys.argv
    sys.argv = ["thoroughfare", *words]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as stop:
        code = int(stop.code or 0)
    finally:
        sys.argv = before
    return Said(code, out.getvalue() + err.getvalue(), out.getvalue())


def listed(names: dict[str, str]) -> bytes:
    """Write TfL's list of cameras by id and name, each at its own place."""
    family = FAMILIES[0]
    document = family.long(len(names))
    for number, (place, (native, name)) in enumerate(zip(family.rows_of(document), names.items(), strict=True)):
        place |= {
            "id": native,
            "commonName": name,
            "lat": 51.4 + 0.001 * (number // 30),
            "lon": -0.2 + 0.01 * (number % 30),
        }
        urls = {each["key"]: each for each in place["additionalProperties"]}
        urls["imageUrl"]["value"] = f"https://{MEDIA}/{native}.jpg"
    return json.dumps(document).encode()


class Night:
    """A night of one slot whose cameras are `names` by id; `pages` answers for each."""

    scan = "faults"

    def __init__(self, folder: Path, names: dict[str, str], pages: dict[str, Reply]) -> None:
        """Start the server, write the settings and run the night."""
        folder.mkdir(parents=True)
        self.folder, self.settings = folder, folder / "settings.toml"
        self.names = names
        self.server = Loopback(
            {LIST: says(listed(names))} | {f"/{MEDIA}/{name}.jpg": page for name, page in pages.items()}
        )
        self.server.__enter__()
        self.on = write_settings(self.settings, self.scan, self.server.url)
        self.done = self._run()

    @property
    def lake(self) -> list[str]:
        """Name the lake as commands do."""
        return ["--lake", str(self.folder / "lake")]

    @property
    def log(self) -> str:
        """What the night wrote: for people, and as a log."""
        return self.done.stdout + self.done.stderr

    def _run(self) -> "subprocess.CompletedProcess[str]":
        """Run the night, in a process of its own: this one must stay free of models."""
        words = [sys.executable, "-m", "pipeline", "--log", "json", "run", self.scan, "--date", self.on]
        words += ["--settings", str(self.settings), "--no-preflight", *self.lake]
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(HERE)}
        return subprocess.run(words, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)

    @cached_property
    def frames(self) -> dict[str, list[dict[str, Any]]]:
        """The rows of `frames` by the feed's own id."""
        found: dict[str, list[dict[str, Any]]] = {}
        for row in json.loads(self.ask("SELECT * FROM frames", "--json")):
            found.setdefault(row["camera_id"].partition(":")[2], []).append(row)
        return found

    @cached_property
    def checked(self) -> dict[str, str]:
        """What `cameras check` says of each camera, by the feed's own id."""
        done = said(["cameras", "check", self.scan, "--sample", "0", "--settings", str(self.settings), "--json"])
        assert done.code == 0, done.text[-600:]
        return {row["camera_id"].partition(":")[2]: told(row) for row in json.loads(done.out)["cameras"]}

    def at_check(self, name: str) -> str:
        """Say how `cameras check` differs from the night about a camera; empty where it does not."""
        found = self.checked.get(name, "nothing")
        return "" if found == self.state(name) else f"cameras check: {found}"

    def state(self, name: str) -> str:
        """Return the one state of a camera, with its reason."""
        rows = self.frames.get(name, [])
        return told(rows[0]) if len(rows) == 1 else f"{len(rows)} states"

    def ask(self, statement: str, *more: str) -> str:
        """Ask the lake."""
        words = ["sql", statement, "--date", self.on, "--settings", str(self.settings), *self.lake, *more]
        answer = said(words)
        return answer.out if answer.code == 0 else answer.text

    def page(self, kind: str) -> Path:
        """Draw the report or the map."""
        path = self.folder / f"{kind}.html"
        drawn = said([kind, "--date", self.on, "--settings", str(self.settings), "--out", str(path), *self.lake])
        assert drawn.code == 0, drawn.text
        return path

    def close(self) -> None:
        """Stop the server."""
        self.server.__exit__()


def told(row: dict[str, Any]) -> str:
    """Say a frame's state with its reason."""
    return ": ".join(filter(None, (row["state"], row["reason"])))


def write_settings(
    path: Path, scan: str, source: str, feed: str = "tfl_jamcams", metric_crs: str = "EPSG:27700"
) -> str:
    """Write the settings of a night of one slot that begins now; returns its date."""
    begins = datetime.now(UTC)
    hours = f"{begins:%H:%M:%S}-{begins + timedelta(seconds=2):%H:%M:%S}"
    facts = {
        "scan": scan,
        "feed": feed,
        "metric_crs": metric_crs,
        "hours": hours,
        "source": source,
        "deadline_s": DEADLINE_S,
    }
    path.write_text(SETTINGS.format(**facts), encoding="utf-8")
    return str(begins.date())
