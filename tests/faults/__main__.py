"""Run the 111 bad inputs and print one line each: `python -m tests.faults [--group images] [--json FILE] [--markdown FILE]`."""

import argparse
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from loopback import Loopback, says

from pipeline.console import Waiting
from tests.faults import feeds, http, images, models, names, night, parquet, png, sweep, times
from tests.faults.rows import GROUPS, Row, Seen, markdown

INPUTS = (*images.INPUTS, *http.INPUTS, *feeds.INPUTS, *names.INPUTS, *parquet.INPUTS, *models.INPUTS, *times.INPUTS)
SOUND = 24
"""Cameras of the night beside the bad ones whose pictures are sound."""
BEGINS, ENDS = "<!-- table begins -->", "<!-- table ends -->"


class Bench:
    """Where bad inputs are tried."""

    def __init__(self, folder: Path) -> None:
        """Name a folder that is empty."""
        self.folder = folder

    @cached_property
    def night(self) -> night.Night:
        """One live night of every bad picture, bad answer and odd name, and of sound cameras beside them."""
        called = {name: text for name, (text, *_) in names.TEXTS.items()}
        sound = {f"sound-{number}": f"Sound {number}" for number in range(SOUND)}
        odd = times.pages()
        pages = {name: says(raw) for name, raw in images.PICTURES.items()}
        pages |= http.pages(f"/{night.MEDIA}/redirect-loop.jpg", self.elsewhere.port) | odd
        # a sound picture is one whatever its declared type
        good = {
            name: says(images.encoded(".jpg", seed=100 + n), "Content-Type: text/html")
            for n, name in enumerate([*called, *sound])
        }
        plain = {name: name for name in [*images.PICTURES, *(each.name for each in http.INPUTS), *odd]}
        return night.Night(self.folder / "night", plain | called | sound, pages | good)

    @cached_property
    def elsewhere(self) -> Loopback:
        """A server to which nobody may be led."""
        return Loopback().__enter__()

    def close(self) -> None:
        """Stop the servers that were started."""
        if "night" in vars(self):
            self.night.close()
        if "elsewhere" in vars(self):
            self.elsewhere.__exit__()


def pictures(bench: Bench) -> list[Row]:
    """Look at the state of every bad picture; of PNG also where a feed serves it."""
    served = png.states(bench.folder / "png")
    return [Row(each, _state(bench, each.name, served.get(each.name, ""))) for each in images.INPUTS]


def answers(bench: Bench) -> list[Row]:
    """Look at the state of every camera whose server answers badly."""
    rows = [(each, _state(bench, each.name)) for each in http.INPUTS]
    led = bench.elsewhere.connections
    return [Row(each, replace(seen, wrong=f"{led} connections elsewhere") if led else seen) for each, seen in rows]


def _state(bench: Bench, name: str, wrong: str = "") -> Seen:
    """Return a camera's state in the night, with what is wrong with it there and at `cameras check`."""
    return Seen(bench.night.state(name), "; ".join(filter(None, (wrong, bench.night.at_check(name)))))


RUNS: dict[str, Callable[[Bench], list[Row]]] = {
    "images": pictures,
    "http": answers,
    "feed": lambda bench: feeds.held(bench.folder / "feeds"),
    "names": lambda bench: names.held(bench.night),
    "parquet": lambda bench: parquet.held(bench.night, bench.folder / "parquet"),
    "model": lambda bench: models.held(bench.folder / "models"),
    "time": lambda bench: times.held(bench.night, bench.folder / "times"),
}


def besides(bench: Bench) -> Iterator[str]:
    """Say what is wrong with the night as a whole: it must end well, and lose nothing beside what is bad."""
    if "night" not in vars(bench):
        return
    done, there = bench.night.done, bench.night
    if done.returncode:
        yield f"the night ended with {done.returncode}: {done.stderr[-300:]}"
    if wrong := {name: len(there.frames.get(name, [])) for name in there.names if len(there.frames.get(name, [])) != 1}:
        yield f"not one state for a camera and its slot: {wrong}"
    if lost := {
        name: state for name in there.names if name.startswith("sound-") and (state := there.state(name)) != "ok"
    }:
        yield f"sound cameras are not ok: {lost}"
    yield from sweep.wrong(bench.folder / "sweep")


def main() -> int:
    """Run the groups asked for; exit code 1 where anything did not end as stated."""
    asked = _asked()
    groups = asked.group or list(GROUPS)
    since, rows = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        bench = Bench(Path(folder))
        try:
            with Waiting("bad inputs", len(groups) + 1) as waiting:
                for group in groups:
                    rows += _ran(group, bench)
                    waiting.step(group)
                wrong = _beside(bench)
        finally:
            bench.close()
    for row in rows:
        print(row.line())
    for each in wrong:
        print(f"NOT  besides: {each}")
    held, wanted = sum(row.ok for row in rows), sum(GROUPS[group] for group in groups)
    print(f"{held} of {wanted} bad inputs ended in the stated class, in {time.monotonic() - since:.0f} s")
    if asked.json:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        told = {"made_at": datetime.now(UTC).isoformat(), "besides": wrong, "rows": [row.stated() for row in rows]}
        asked.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    if asked.markdown:
        _write(rows, asked.markdown, f"python -m tests.faults {' '.join(sys.argv[1:])}", held, time.monotonic() - since)
    return int(held != wanted or bool(wrong))


def _beside(bench: Bench) -> list[str]:
    """Look at what lies beside the bad inputs; what breaks meanwhile is told."""
    try:
        return list(besides(bench))
    except Exception:  # noqa: BLE001
        return [traceback.format_exc()[-600:]]


def _ran(group: str, bench: Bench) -> list[Row]:
    """Run one group; one that breaks is a row for each of its inputs, and the others go on."""
    try:
        return RUNS[group](bench)
    except Exception:  # noqa: BLE001
        broke = Seen("", traceback.format_exc()[-600:])
        return [Row(each, broke) for each in INPUTS if each.group == group]


def _asked() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument(
        "--group", action="append", default=[], choices=list(GROUPS), help="this group; may be repeated"
    )
    parser.add_argument("--json", type=Path, help="also write the rows here")
    parser.add_argument("--markdown", type=Path, help="also put the table into this page")
    return parser.parse_args()


def _write(rows: list[Row], page: Path, command: str, held: int, seconds: float) -> None:
    """Put the table into a page, between its marks, with when and by what it was made."""
    text = page.read_text(encoding="utf-8")
    begins, ends = text.index(BEGINS) + len(BEGINS), text.index(ENDS)
    made = f"`{command}`, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, {seconds:.0f} s: {held} of {len(rows)}."
    page.write_text(f"{text[:begins]}\n{made}\n\n{markdown(rows)}\n{text[ends:]}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
