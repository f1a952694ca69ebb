"""Read a lake over and over while its writers are killed: all or nothing, at any time."""

import json
import os
import time
from pathlib import Path

from tests.drills.night import Child, fork


class Reader:
    """A process that reads every place of a lake again and again and notes what it must never see."""

    def __init__(self, lake: Path, gold: Path) -> None:
        """Begin to read."""
        self.notes = lake.parent / f"{lake.name}.read"
        self.stop = lake.parent / f"{lake.name}.stop"
        self.stop.unlink(missing_ok=True)
        self.child: Child = fork(lambda: _read(lake, gold, self.notes, self.stop), self.notes.with_suffix(".log")).go()

    def ended(self) -> tuple[int, list[str]]:
        """Stop reading; return how many looks there were and what was wrong."""
        self.stop.touch()
        self.child.ended(30)
        if self.child.code != 0:
            return 0, [f"the reader ended with {self.child.code}: {self.child.said()[-500:]}"]
        noted = json.loads(self.notes.read_text())
        return noted["looks"], noted["wrong"]


def _read(root: Path, gold: Path, notes: Path, stop: Path) -> None:
    """Read until told to stop, or orphaned."""
    from pipeline.errors import WindowNotFoundError
    from pipeline.lake import Lake

    os.nice(5)
    lake, whole = Lake(root, "demo"), Lake(gold, "demo")
    records = {place: [commit.to_bytes() for commit in whole.commits(place)] for place in whole.places()}
    looks, wrong, parent = 0, [], os.getppid()
    while not stop.exists() and os.getppid() == parent:
        for place in lake.places():
            looks += 1
            try:
                if [commit.to_bytes() for commit in lake.commits(place)] != records[place]:
                    wrong.append(f"{place.folder}: other records than the undisturbed lake's")
                if lake.read([place]).num_rows != lake.last(place).rows:
                    wrong.append(f"{place.folder}: not all rows")
            except WindowNotFoundError:
                continue
            except Exception as error:  # noqa: BLE001
                wrong.append(f"{type(error).__name__}: {error}")
        time.sleep(0.05)
    notes.write_text(json.dumps({"looks": looks, "wrong": sorted(set(wrong))[:10]}))
